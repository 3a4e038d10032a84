"""The demo: what it writes, what it holds against the model, and its exit status. The long parts are stood in for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.faulty import OWES_NO_PONG, FaultyRole
from tests.generators.sample_cases import sample_cases
from wsoracle.cli import program
from wsoracle.commands import demo_run
from wsoracle.commands.demo_run import Demo
from wsoracle.diagrams.graph import VIEWS
from wsoracle.explore.attempts import Attempt
from wsoracle.explore.exploration import Explored
from wsoracle.explore.findings import Finding
from wsoracle.explore.hunting import examine
from wsoracle.generators.cases.derived import check_suite
from wsoracle.generators.mutants.distinguish import MutantResult, MutantStatus
from wsoracle.generators.mutants.operators import mutants
from wsoracle.generators.suite.all_cases import NO_KILLERS, Collection
from wsoracle.generators.suite.suite import MutationResult
from wsoracle.implementations import MissingPeer
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.observation import Arrives
from wsoracle.prover import OnTheorem, ProofReport, ProvedTheorem

PARTS = ("explore", "prove", "mutate", "generate", "requirements", "run_cases", "draw")
CASES = sample_cases()


@contextmanager
def silently(title: str) -> Iterator[Callable[[str, int, int], None]]:
    assert title
    yield lambda what, done, total: None


@pytest.fixture
def made(tmp_path: Path) -> Demo:
    return Demo(tmp_path, 7, silently)


def written(made: Demo) -> set[str]:
    return {path.relative_to(made.out).as_posix() for path in made.out.rglob("*") if path.is_file()}


def finding(implementation: str) -> Finding:
    attempt = Attempt((Arrives(bytes.fromhex("898037fa213d")),), "sink", Setting(Role.SERVER, 1_000))
    examined = examine(FaultyRole(Role.SERVER, OWES_NO_PONG), attempt)
    return Finding(implementation, "1.0", f"exploration/{implementation}/server/5.5.2/pong-owed", examined)


def explored(*findings: Finding, silent: tuple[str, ...] = ()) -> Explored:
    fired = {rule.id: int(rule.id not in silent) for rule in RULES}
    return Explored(7, 2, 3, fired, findings, (), {}, {}, 4, 5)


# --- the parts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("graphviz", [False, True])
def test_the_states_of_both_roles_are_drawn(
    graphviz: bool,
    made: Demo,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = tmp_path_factory.mktemp("programs")
    if graphviz:
        (programs / "dot").write_text("#!/bin/sh\necho '<svg/>'\n")
        (programs / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    made.draw(map(demo_run.drawing, Role))
    names = {f"graph/{role}-{view.name}" for role in Role for view in VIEWS}
    assert written(made) == {f"{name}.{form}" for name in names for form in ("mmd", "dot", *["svg"] * graphviz)}
    for name in names:
        assert (made.out / f"{name}.dot").read_text().startswith("digraph {")
        assert (made.out / f"{name}.mmd").read_text().strip()
    said = capsys.readouterr().out
    assert all(f"  {role}: " in said for role in Role)
    assert not made.wrong


def theorem(name: str, result: str = "proved", refuted_by: str | None = "a fault") -> ProvedTheorem:
    return {
        "id": name,
        "kind": "safety",
        "statement": "It holds.",
        "method": "z3",
        "result": result,
        "seconds": 0.5,
        "invariant": None,
        "refuted_by": refuted_by,
        "counterexample": [],
        "refutation": [],
        "detail": None,
        "witnesses": [],
    }


def test_theorems_that_do_not_hold_are_wrong(made: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [theorem("holds"), theorem("does-not", result="refuted"), theorem("says-nothing", refuted_by=None)]

    def prove(progress: OnTheorem) -> ProofReport:
        for number, row in enumerate(rows, 1):
            progress(row, number, len(rows))
        return {"theorems": rows, "seconds": 9.0}  # of the wait, which is not what counts

    made.prove(prove)
    assert json.loads((made.out / "prove.json").read_text()) == {"theorems": rows, "seconds": 1.5}
    assert "safety: 2 of 3 proved" in capsys.readouterr().out
    assert [line.split(":")[0] for line in made.wrong] == ["does-not", "says-nothing"]


def test_a_deviation_of_another_implementation_is_a_finding(made: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    report = made.explore(lambda step: explored(finding("x")))
    assert json.loads((made.out / "explore.json").read_text()) == json.loads(json.dumps(report.to_json()))
    said = capsys.readouterr().out
    assert "  x 1.0 as server: stays quiet" in said
    assert "    5.5.2/pong-owed: " in said
    assert "4 scenarios and 5 walks" in said
    assert made.wrong == []


def test_a_deviation_of_our_own_and_a_silent_rule_are_wrong(made: Demo) -> None:
    found = explored(finding("wsoracle"), silent=("5.5.2/ping",))
    made.explore(lambda step: found)
    assert made.wrong == ["never fired: 5.5.2/ping", "our own endpoint deviates: stays quiet"]


@pytest.mark.parametrize(("status", "wrong"), [(MutantStatus.ALIVE, True), (MutantStatus.KILLED, False)])
def test_a_mutant_that_is_alive_is_wrong(status: MutantStatus, wrong: bool, made: Demo) -> None:
    mutant = mutants()[0]
    result = MutationResult(
        (mutant,), {mutant.id: MutantResult(mutant.id, status, None)}, {}, {mutant.id: ()}, None, None
    )
    assert made.mutate(lambda step: result) == ([], {})
    assert json.loads((made.out / "mutants.json").read_text()) == json.loads(json.dumps(result.to_json()))
    assert made.wrong == ([f"alive: {mutant.id}"] if wrong else [])


def few(seed: int, step: object, killers: object, found: object) -> Collection:
    assert (seed, killers, found) == (7, NO_KILLERS, ())
    return Collection(check_suite(CASES), {})


def test_cases_are_written_in_every_format(made: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_run, "collect", few)
    cases = made.generate(explored(), NO_KILLERS)
    assert {path.name for path in (made.out / "cases").iterdir()} == set(demo_run.EXPORTS)
    assert {case.id for case in cases.cases} == {case.id for case in CASES}
    assert {name for name in written(made) if name.startswith("cases/json/")}
    assert {name for name in written(made) if name.startswith("cases/pytest/") and name.endswith(".py")}
    assert not made.wrong


def test_the_matrix_of_requirements_is_written(made: Demo) -> None:
    made.requirements(Collection(check_suite(CASES), {}))
    document = json.loads((made.out / "requirements.json").read_text())
    assert {"id", "status"} <= document["requirements"][0].keys()
    assert made.wrong == []


def test_cases_are_run_and_what_cannot_be_run_is_wrong(
    made: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_run, "available_peers", tuple)
    monkeypatch.setattr(demo_run, "missing_peers", lambda: (MissingPeer("x", "it is not installed"),))
    made.run_cases(Collection(check_suite(CASES), {}))
    assert json.loads((made.out / "runs.json").read_text()) == {"runs": []}
    assert made.wrong == ["not run: x (it is not installed)"]


# --- all of it --------------------------------------------------------------------------------------------------------


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts only say that they were done; whoever has a line in here finds it wrong with the model."""
    done: list[str] = []
    for name in PARTS:

        def part(self: Demo, *given: object, name: str = name) -> None:
            done.append(name)

        monkeypatch.setattr(Demo, name, part)
    monkeypatch.setattr(demo_run, "process_pool", NothingDone)
    return done


class NothingDone(Executor):
    """A pool of processes that does nothing."""

    def __init__(self, jobs: int) -> None:
        assert jobs >= 1

    def submit(self, task: object, /, *given: object, **named: object) -> Future[Any]:
        """Something that will never be done."""
        return Future()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """There is nothing to be ended."""


def command(*args: str) -> Result:
    return CliRunner().invoke(program, ["demo", *args])


def test_all_parts_are_done_in_order(short: list[str], tmp_path: Path) -> None:
    result = command("--out", str(tmp_path / "new" / "out"))
    assert result.exit_code == 0, result.output
    assert tuple(short) == PARTS
    assert (tmp_path / "new" / "out").is_dir()
    assert "everything is below" in result.stdout
    assert result.stderr == ""


def test_what_is_wrong_with_the_model_is_said_at_the_end(
    short: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Demo, "draw", lambda self, _: self.wrong.append("the sky is green"))
    result = command("--out", str(tmp_path))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "the sky is green"
    assert "run_cases" in short, "the rest is done all the same"


def test_the_seed_is_passed_on(short: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setattr("wsoracle.explore.exploration.begin", lambda pool, seed, examples: seeds.append(seed))
    assert command("--out", str(tmp_path), "--seed", "3").exit_code == 0
    assert seeds == [3]
    assert command("--out", str(tmp_path), "--seed", "-1").exit_code == 2


@pytest.mark.parametrize("name", ["file", "file/below", "file/far/below", "", "-x"])
def test_a_folder_that_cannot_be_one_is_refused_before_the_work(short: list[str], name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = command(f"--out={name if name in ('', '-x') else tmp_path / name}")
    assert result.exit_code == 2
    assert result.stderr.startswith("wsoracle: error: --out: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert short == []
    assert (tmp_path / "file").read_text() == ""


def test_a_folder_that_cannot_be_made_is_one_line(short: list[str], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "at" / "all")
    result = command("--out", str(tmp_path / "link"))
    assert result.exit_code == 2
    assert result.stderr.startswith("wsoracle: error: ")
    assert result.stderr.count("\n") == 1
    assert short == []
