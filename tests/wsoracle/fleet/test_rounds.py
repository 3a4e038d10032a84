"""Rounds of the fleet with real implementations (those that the tests have) and a small stand-in for the harness."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from wsoracle.cli import program
from wsoracle.fleet import rounds
from wsoracle.fleet.collecting import column_of, document_of, read_record, read_rows, recall, remember
from wsoracle.fleet.paths import FleetPaths
from wsoracle.fleet.processes import Crew
from wsoracle.fleet.registry import Peer, find
from wsoracle.fleet.rounds import Harness, Round, Turn, run_rounds, with_deflate
from wsoracle.model.octets.vocabulary import Role

ROOT = Path(__file__).resolve().parents[3]
TESTER = Harness(within=60.0, program=(sys.executable, str(Path(__file__).with_name("tiny_harness.py"))))


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in runs as a script, and imports from the tests."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))


def named(name: str) -> Peer:
    peer = find(name)
    assert peer is not None
    return peer


def run(tmp_path: Path, *turns: tuple[Peer, Role], tester: Harness = TESTER, jobs: int = 2) -> list[Round]:
    told: list[Round] = []
    paths = FleetPaths(tmp_path, sys.executable)
    what = [Turn(peer, role, "1.0") for peer, role in turns]
    done = run_rounds(what, paths, Crew(), tmp_path / "reports", tester, jobs=jobs, on_round=told.append)
    assert sorted(told, key=id) == sorted(done, key=id)
    assert [(one.turn.peer, one.turn.role) for one in done] == list(turns)
    return done


@pytest.mark.peers
@pytest.mark.parametrize("name", ["websockets", "websockets-threads", "wsproto"])
def test_real_implementations_echo_in_both_roles(tmp_path: Path, name: str) -> None:
    for done in run(tmp_path, (named(name), Role.SERVER), (named(name), Role.CLIENT)):
        assert done.reason is None
        assert done.turn.agent == f"{name}-1.0-{done.turn.role}"
        ids = {read_record(row)["id"] for row in read_rows(done.folder) if row.verdict == "OK"}
        assert ids == {"1.1", "1.2", "1.3", "1.4"}
        column = column_of(done)
        assert (column.reason, column.cases, column.verdicts) == (None, 4, {"OK": 4})


def broken(script: str, role: Role = Role.SERVER) -> Peer:
    peer = named("websockets")
    command = ("{python}", "-c", script, "{port}" if role == Role.SERVER else "{url}")
    return replace(peer, server=command) if role == Role.SERVER else replace(peer, client=command)


def test_one_that_does_not_start_does_not_keep_the_others(tmp_path: Path) -> None:
    bad = replace(broken("raise SystemExit('no module of that name')"), name="bad")
    first, second = run(tmp_path, (bad, Role.SERVER), (named("websockets"), Role.SERVER))
    assert first.reason is not None
    assert "no module of that name" in first.reason
    assert second.reason is None
    column = column_of(first)
    assert (column.reason, column.cases) == (first.reason, 0)
    document = document_of([column, column_of(second)], "test")
    assert [one["reason"] for one in document["implementations"]] == [first.reason, None]
    json.dumps(document)


def test_a_server_that_breaks_down_is_told(tmp_path: Path) -> None:
    source = "import socket; s = socket.create_server(('127.0.0.1', 0)); print('READY', s.getsockname()[1], flush=True)"
    (done,) = run(tmp_path, (broken(source), Role.SERVER))
    assert done.reason is not None
    assert done.reason.startswith("the tester ended with status 1: ") or "broke down" in done.reason


def test_a_client_that_fails_is_told(tmp_path: Path) -> None:
    (done,) = run(tmp_path, (broken("raise SystemExit('cannot resolve host')", Role.CLIENT), Role.CLIENT))
    assert done.reason == "the client ended with status 1; it said last: cannot resolve host"
    assert column_of(done).reason == done.reason


def test_one_that_never_ends_is_ended(tmp_path: Path) -> None:
    hanging = broken("import time; time.sleep(600)", Role.CLIENT)
    (done,) = run(tmp_path, (hanging, Role.CLIENT), tester=replace(TESTER, within=0.3))
    assert done.reason == "not done after 0.3 s; it said last: nothing"


def test_a_tester_that_breaks_down_is_told(tmp_path: Path) -> None:
    failing = replace(TESTER, program=(sys.executable, "-c", "import sys; print('internal error'); sys.exit(70)"))
    server, client = run(
        tmp_path, (named("websockets"), Role.SERVER), (named("websockets"), Role.CLIENT), tester=failing
    )
    assert server.reason == "the tester ended with status 70: internal error"
    assert client.reason == "it ended with status 70 before it was ready; it said last: internal error"


def test_a_round_without_a_report_is_told(tmp_path: Path) -> None:
    silent = replace(TESTER, program=(sys.executable, "-c", ""))
    (done,) = run(tmp_path, (named("websockets"), Role.SERVER), tester=silent)
    reason = column_of(done).reason
    assert reason is not None
    assert "the run left no report" in reason


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "wsoracle-run", "version": 2}'])
def test_a_report_of_another_kind_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "wsoracle.json").write_text(content, encoding="utf-8")
    done = Round(Turn(named("websockets"), Role.SERVER, "1.0"), tmp_path, 0.0)
    assert (column_of(done).reason or "").startswith("its report cannot be used: ")


def test_records_are_read_from_the_folder_alone(tmp_path: Path) -> None:
    row = {"verdict": "FAILED", "counts": True, "passed": False, "rules": [], "reportfile": "../../secret.html"}
    overview = {"format": "wsoracle-run", "version": 1, "agents": {"a": {"1.1": row}}}
    (tmp_path / "wsoracle.json").write_text(json.dumps(overview), encoding="utf-8")
    assert [one.file for one in read_rows(tmp_path)] == [tmp_path / "secret.json"]


def test_fewer_cases_than_were_asked_for_are_told(tmp_path: Path) -> None:
    (done,) = run(tmp_path, (named("websockets"), Role.SERVER))
    assert column_of(replace(done, asked=4)).reason is None
    assert column_of(replace(done, asked=5)).reason == "only 4 of 5 cases were run"


def test_nothing_is_left_of_an_earlier_run(tmp_path: Path) -> None:
    peer = named("websockets")
    folder = tmp_path / "reports" / "websockets-1.0-server"
    folder.mkdir(parents=True)
    for name in ("wsoracle.json", "old_case_1_1.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    (done,) = run(tmp_path, (peer, Role.SERVER))
    assert column_of(done).cases == 4
    assert not (folder / "old_case_1_1.json").exists()


def test_a_round_is_recalled_for_the_same_version_alone(tmp_path: Path) -> None:
    done = Round(Turn(named("websockets"), Role.CLIENT, "1.0"), tmp_path / "reports" / "x", 2.5, "it broke down")
    remember(done, tmp_path / "rounds")
    known = recall(done.turn, tmp_path / "rounds", tmp_path / "reports")
    assert known == replace(done, folder=tmp_path / "reports" / "websockets-1.0-client")
    assert recall(replace(done.turn, version="1.1"), tmp_path / "rounds", tmp_path) is None
    (tmp_path / "rounds" / "websockets-1.0-client.json").write_text("[]", encoding="utf-8")
    assert recall(done.turn, tmp_path / "rounds", tmp_path) is None


def test_an_interruption_stops_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crew = Crew()

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rounds, "wait", interrupted)
    turns = [Turn(broken("import time; time.sleep(600)"), Role.SERVER, str(number)) for number in range(4)]
    with pytest.raises(KeyboardInterrupt):
        run_rounds(turns, FleetPaths(tmp_path, sys.executable), crew, tmp_path, TESTER, jobs=2)
    assert not crew._alive


# --- the command


def fleet(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(program, ["fleet", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_list_tells_what_there_is_and_what_is_missing(tmp_path: Path) -> None:
    status, said, _ = fleet("--list", "--only", "w*,jetty", "--kind", "pip,npm", "--out", str(tmp_path))
    assert status == 0
    assert [line.split()[0] for line in said.splitlines() if "server" in line] == [
        "websockets", "websockets-threads", "wsproto", "ws", "websocket-driver",
    ]  # fmt: skip
    assert "is not installed: --install" in " ".join(said.split())


def test_what_is_missing_is_reported_and_not_skipped(tmp_path: Path) -> None:
    status, said, _ = fleet("--only", "websockets", "--role", "server", "--out", str(tmp_path))
    assert status == 1
    assert "websockets - as server: no cases" in said
    page = (tmp_path / "findings.md").read_text(encoding="utf-8")
    assert "- websockets as a server: pip package websockets is not installed: --install" in page
    document = json.loads((tmp_path / "fleet.json").read_text(encoding="utf-8"))
    assert [(one["name"], one["cases"]) for one in document["implementations"]] == [("websockets", 0)]


def test_nothing_run_is_no_success(tmp_path: Path) -> None:
    status, _, _ = fleet("--only", "websockets", "--missing-ok", "--out", str(tmp_path))
    assert status == 1
    status, said, _ = fleet("--only", "websockets", "--missing-ok", "--report", "--out", str(tmp_path))
    assert status == 1
    assert "websockets - as client: no cases" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "nobody"), "there is no implementation 'nobody'"),
        (("--kind", "cargo"), "there is no 'cargo'"),
        (("--only", "jetty", "--kind", "pip"), "no implementation is left"),
        (("--only", "chromium", "--role", "server"), "no implementation is left"),
        (("--only", "deno,chromium", "--compression"), "none of these can take permessage-deflate or not"),
        (("--only", "bun", "--role", "client", "--compression"), "none of these can take permessage-deflate or not"),
    ],
)
def test_wrong_input_is_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    status, _, error = fleet(*arguments, "--list", "--out", str(tmp_path))
    assert status == 2
    assert said in error
    assert len(error.splitlines()) == 1


def test_rounds_with_and_without_compression_are_kept_beside_each_other(tmp_path: Path) -> None:
    assert with_deflate("0.12.2 (wsproto 1.3.2)") == "0.12.2+deflate (wsproto 1.3.2)"
    peer = find("websockets")
    assert peer is not None
    plain = Turn(peer, Role.SERVER, "17.4")
    compressed = replace(plain, version=with_deflate(plain.version))
    assert compressed.agent == "websockets-17.4+deflate-server"
    for seconds, turn in enumerate((plain, compressed), 1):
        remember(Round(turn, tmp_path / "reports" / turn.agent, seconds), tmp_path / "rounds")
    found = [recall(turn, tmp_path / "rounds", tmp_path / "reports") for turn in (plain, compressed)]
    assert [one.seconds for one in found if one is not None] == [1, 2]
