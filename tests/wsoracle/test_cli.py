"""The command line: exit status, one line for what is wrong, and never a traceback."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from wsoracle.benchmarks.frames import BenchFailed
from wsoracle.cli import COMMANDS, Program, WrongInput, program
from wsoracle.commands.options import select
from wsoracle.generators.export.json_files import read_cases
from wsoracle.model.rules import RULES
from wsoracle.spec.document import block

ROOT = Path(__file__).resolve().parents[2]


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(program, list(args), input=stdin)


def process(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wsoracle", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, **options)  # type: ignore[call-overload, no-any-return]


def assert_one_line(result: Result, status: int = 2) -> str:
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("wsoracle: error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


# --- the whole program


def test_help_lists_every_command() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert run().output == result.output
    for name, line in COMMANDS.items():
        assert name in result.output
        assert line.split()[0] in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_what_the_list_says(name: str) -> None:
    context = click.Context(program)
    command = program.get_command(context, name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(200) == COMMANDS[name]
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: wsoracle {name} ")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_has_every_command(name: str) -> None:
    assert f"`wsoracle {name}" in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def test_the_verdict_in_the_readme_is_what_the_judge_says(monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    line, _, said = readme.partition("```console\n$ wsoracle ")[2].partition("\n```")[0].partition("\n")
    monkeypatch.chdir(ROOT)
    result = run(*line.split())
    assert result.exit_code == 1
    assert result.output.rstrip("\n") == said
    drawn = re.findall("(?:[0-9a-f]{2} ){5,}[0-9a-f]{2}", readme.partition("```mermaid")[2].partition("```")[0])
    judged = (ROOT / line.split()[1]).read_text(encoding="utf-8")
    assert len(drawn) == 2
    assert all(octets.replace(" ", "") in judged for octets in drawn)


def test_every_module_of_a_command_is_listed() -> None:
    modules = {path.stem for path in (ROOT / "wsoracle" / "commands").glob("*.py")}
    assert modules - {"__init__", "options", "harness_options", "case_selection", "demo_run"} == set(COMMANDS)


def test_version() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.output.startswith("wsoracle 0.")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nothing", "No such command 'nothing'"),
        ("--nothing", "No such option '--nothing': see wsoracle --help"),
        ("explain", "Missing argument 'HEX...': see wsoracle explain --help"),
        ("explain --role peer 81", "'peer' is not one of 'client', 'server'"),
        ("explain 8", "HEX: 8 has 1 digit"),
        ("explain zz", "'z' is no hexadecimal digit"),
        ("explain ''", "there are no octets to explain: give at least one"),
        ("explain 81 --after 8", "--after: 8 has 1 digit"),
        ("explain 81 --after 81", "move the beginning of that frame to the octets"),
        ("explain 81 --sent 8180", "end inside a frame"),
        ("explain 81 --sent 8100 --role client", "5.1/client-masks"),
        ("explain 81 --limit -1", "-1 is not in the range"),
        ("explain 81 --limit", "Option '--limit' requires an argument"),
        ("explain 81 --switch x", "write it as NAME=VALUE, such as code_1004=either"),
        ("explain 81 --switch x=1", "there is no switch 'x': the switches are code_1004"),
        ("explain 81 --switch code_1004=1", "its values are accept, either, refuse"),
        ("explain 81 --json no/such/place", "there is no directory no/such: create it first"),
        ("explain 81 --json .", ". is a directory"),
        ("explain 81 --json --role", "--role looks like an option"),
        ("rules no-such-rule", "no rule matches 'no-such-rule': give a part of an id, or a pattern with *, such as"),
        ("rules 5.2/unknwon-opcode", "such as 5.2/unknown-opcode"),
        ("rules 'x\ny'", "no rule matches"),
        ("rules ''", "the pattern is empty: give a part of the id of a rule, or leave it out"),
        ("requirements ''", "the pattern is empty"),
        ("cases ''", "the pattern is empty"),
        ("prove ''", "the pattern is empty"),
        ("mutants ''", "the pattern is empty"),
        ("run ''", "the pattern is empty"),
        ("generate --out x --format json --select ''", "the pattern is empty"),
        ("rules 5 --json x --json y", "--json is there 2 times: give it once"),
        ("test ws://127.0.0.1:9/ --jobs 3 --jobs=4", "--jobs is there 2 times: give it once"),
        ("rules --json", "Option '--json' requires an argument: see wsoracle rules --help"),
        ("serve --out Makefile/x", "--out: Makefile/x cannot hold a report: Not a directory: name another folder"),
        ("test ws://127.0.0.1:9/ --out Makefile", "--out: Makefile cannot hold a report"),
        ("serve --out ''", "--out: the name of the folder is empty"),
        ("requirements 99", "no requirement matches '99'"),
        ("prove no-such-theorem", "no theorem matches 'no-such-theorem'"),
        ("prove --jobs 0", "0 is not in the range"),
        ("prove zzz --jobs 1", "such as "),
        ("explain - 81", "give either that or the octets"),
        ("mutants --autobahn-cases no-such-file", "no-such-file: no such file: name Autobahn's cases"),
        ("mutants --autobahn-cases tests", "tests: not a file"),
        ("mutants --autobahn-cases ''", "the name of the file is empty"),
        ("mutants --autobahn-cases Makefile", "Makefile, line 1: not a case of Autobahn"),
        ("run ws://localhost:9", "for a URL: wsoracle generate --format pytest"),
        ("spec --write --check", "--write and --check exclude each other"),
        ("spec --file no/such/place", "call it in the repository, or say --file where it is"),
        ("spec --file ''", "the name of the file is empty"),
        ("generate --format json", "Missing option '--out'"),
        ("generate --out x --format xml", "'xml' is not one of 'json', 'wstest', 'pytest', 'vectors'"),
        ("generate --out '' --format json", "--out: '' is no name of a directory"),
        ("generate --out Makefile --format json", "--out: Makefile is a file"),
        ("generate --out tests --format json", "--out: tests holds files that no export wrote: give another one"),
        ("generate --out Makefile/x --format json", "nothing can be written below "),
        ("generate --out x --format json --seed -1", "-1 is not in the range"),
        ("generate --quick --out x --format json --select no-such-case", "no case matches 'no-such-case'"),
        ("generate --quick --out x --format pytest --select */client", "no case can be run by pytest"),
        ("graph --view all", "'all' is not one of 'closing', 'messages'"),
        ("graph --out no/such/place", "there is no directory no/such"),
        ("bench --rounds none", "'none' is not a valid integer"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(line: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert says in assert_one_line(run(*shlex.split(line)))


def test_a_fault_of_the_program_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Program, context: click.Context) -> None:
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(Program, "invoke", broken)
    monkeypatch.delenv("WSORACLE_TRACEBACK", raising=False)
    result = run("rules")
    assert result.exit_code == 70
    assert result.stderr.startswith("wsoracle: internal error: RuntimeError: first second")
    assert result.stderr.count("\n") == 1
    monkeypatch.setenv("WSORACLE_TRACEBACK", "1")
    assert isinstance(run("rules").exception, RuntimeError)


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 2, "out of memory"),
        (PermissionError(13, "Permission denied", "place"), 2, "place: Permission denied"),
    ],
)
def test_other_ends(error: BaseException, status: int, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Program, context: click.Context) -> None:
        raise error

    monkeypatch.setattr(Program, "invoke", broken)
    result = run("rules")
    assert result.exit_code == status
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "octets",
    [b"", b"null\n", b"[]\n", b"{}\n", b"3\n", b"\xff\xfe", b"[" * 100_000, b'{"id": "9.1"}\n',
     b'{"id": "1.1", "onOpen_calls": [["sendFrame", "x"]], "suppressClose": true, "expectedClose": {}}\n',
     b'{"id": "1.1", "onOpen_calls": [["sendFrame", {"opcode": 1, "payload_len": 5, "payload": ""}]]}\n'],
)  # fmt: skip
@pytest.mark.parametrize("how", ["option", "variable"])
def test_data_of_the_wrong_shape_is_refused_before_the_work(
    octets: bytes, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "cases.jsonl"
    data.write_bytes(octets)
    if how == "option":
        result = run("mutants", "--autobahn-cases", str(data))
    else:
        monkeypatch.setenv("WSORACLE_AUTOBAHN_CASES", str(data))
        result = run("demo", "--out", str(tmp_path / "out"))
        assert not (tmp_path / "out").exists()
    assert "with --autobahn-cases or WSORACLE_AUTOBAHN_CASES" in assert_one_line(result)


# --- real processes


def test_closed_standard_input_is_wrong_input() -> None:
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m wsoracle explain - <&-", shell=True, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 2
    assert done.stderr.startswith("wsoracle: error: HEX: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("number", "status", "word"), [(2, 130, "interrupted"), (15, 143, "terminated")])
def test_what_does_not_end_by_itself_is_ended(number: int, status: int, word: str) -> None:
    code = """
import threading, time, sys
from wsoracle import cli
cli.GRACE = 0.2
def wait(self, context):
    print("ready", flush=True)
    try:
        time.sleep(60)
    finally:
        threading.Event().wait(60)
cli.Program.invoke = wait
sys.argv = ["wsoracle", "rules"]
cli.main()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(number)
        out, error = running.communicate(timeout=20)
    assert (running.returncode, out, error) == (status, "", f"wsoracle: {word}: nothing further was checked\n")


def test_a_closed_pipe_is_no_error_to_speak_of() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "wsoracle", "rules"], stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, timeout=120
        )
    finally:
        os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "wsoracle", "rules"], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, timeout=120
        )
    assert done.stderr.decode() == "wsoracle: error: the output: No space left on device\n"
    assert done.returncode == 2


def test_output_that_the_terminal_cannot_show_is_escaped() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = process("explain", "8102c3a9", "--role", "client", env=environment)
    assert done.returncode == 0
    assert r'"\xe9"' in done.stdout


def test_an_interrupt_is_one_line() -> None:
    code = "from wsoracle.cli import main; print('ready', flush=True); main()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "explain", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(0.2)  # it waits for its standard input
    running.send_signal(signal.SIGINT)
    out, error = running.communicate(timeout=60)
    assert (running.returncode, out, error) == (130, "", "wsoracle: interrupted: nothing further was checked\n")


# --- commands


def test_explain_reads_standard_input() -> None:
    result = run("explain", "-", "--role", "client", stdin="81 05\n48656c6c6f\n")
    assert result.exit_code == 0
    assert '"Hello"' in result.output


def test_explain_takes_a_number_of_frames_that_can_be_read() -> None:
    most = CliRunner().invoke(program, ["explain", "-", "--role", "client"], input="8a00" * 10_001)
    assert "more than 10,000 frames: give a part of them (wsoracle judge reads long traces)" in assert_one_line(most)


def test_explain_as_json(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    shown = run("explain", "83 00", "--role", "client", "--json", "-")
    assert shown.exit_code == 0
    both = run("explain", "83 00", "--role", "client", "--json", str(path))
    assert "5.2/unknown-opcode" in both.output
    assert path.read_text(encoding="utf-8") == shown.output


def test_a_switch_decides() -> None:
    accepted = run("explain", "88 02 03 f4", "--role", "client")
    refused = run("explain", "88 02 03 f4", "--role", "client", "--switch", "codes-1012-to-1014=refuse")
    assert "accepted: close" in accepted.output
    assert "refused: fail the connection with 1002" in refused.output


def test_rules_are_selected() -> None:
    assert run("rules").output.endswith(f"{len(RULES)} rules\n")
    chosen = run("rules", "5.5/*").output
    assert "5.5/long-control" in chosen
    assert "5.5.1/" not in chosen
    assert run("rules", "UNKNOWN-OPCODE").output.endswith("1 rule\n")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (None, ["5.2/a", "5.5.2/a", "7.1/Close"]),
        ("5.2", ["5.2/a"]),
        ("2/A", ["5.2/a", "5.5.2/a"]),
        ("close", ["7.1/Close"]),
        ("5*/a", ["5.2/a", "5.5.2/a"]),
        ("[57].?/*", ["5.2/a", "7.1/Close"]),
    ],
)
def test_what_a_pattern_selects(pattern: str | None, found: list[str]) -> None:
    assert select(pattern, ["5.2/a", "5.5.2/a", "7.1/Close"], "rule") == found


def test_a_pattern_that_selects_nothing() -> None:
    with pytest.raises(WrongInput, match=r"no rule matches '5.2/b': .* such as 5.2/a"):
        select("5.2/b", ["7.1/close", "5.2/a"], "rule")
    with pytest.raises(WrongInput, match="of which there are none"):
        select("5.2/b", [], "rule")


@pytest.mark.parametrize("line", ["run no-such-case", "generate --out {} --format json --select no-such-case"])
def test_a_pattern_is_looked_at_before_cases_are_worked_out(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def collect(*args: object) -> NoReturn:
        raise AssertionError("cases are worked out for a pattern that selects none")

    monkeypatch.setattr("wsoracle.generators.suite.all_cases.collect", collect)
    result = run(*shlex.split(line.format(tmp_path / "out")))
    assert "no case matches 'no-such-case'" in assert_one_line(result)


def test_requirements_are_selected(tmp_path: Path) -> None:
    path = tmp_path / "requirements.json"
    result = run("requirements", "5.5.3-*", "--json", str(path))
    assert result.exit_code == 0
    rows = json.loads(path.read_text(encoding="utf-8"))["requirements"]
    assert {row["section"] for row in rows} == {"5.5.3"}
    assert all(row["id"] in result.output for row in rows)
    assert result.output.splitlines()[-1].startswith(f"{len(rows)} sentences: ")
    assert set(rows[0]) == {
        *("id", "section", "level", "binds", "quote", "status", "why", "rules", "theorems", "checks", "cases"),
    }


def test_a_register_that_contradicts_the_rules_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.commands.requirements.problems", lambda *_: ["5.1-01: there is no rule x"])
    result = run("requirements", "5.1-01")
    assert result.exit_code == 1
    assert "there is no rule x" in result.output


PROVED = {
    "id": "safety/x",
    "kind": "safety",
    "statement": "Nothing happens.",
    "method": "1-induction",
    "result": "proved",
    "seconds": 0.5,
    "invariant": "not failed",
    "refuted_by": "5.2/x~drop",
    "counterexample": [],
    "refutation": [],
    "detail": None,
}


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({}, 0, "every theorem holds, and a fault refutes each"),
        ({"result": "refuted", "counterexample": ["it happens"]}, 1, "safety/x: refuted (1-induction)"),
        ({"result": "unknown"}, 1, "safety/x: unknown (1-induction)"),
        ({"refuted_by": None}, 1, "safety/x: vacuous, no fault tried refutes it"),
    ],
)
def test_prove_holds_or_fails(
    changes: dict[str, object], status: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = {"theorems": [{**PROVED, **changes}], "seconds": 0.5}
    monkeypatch.setattr("wsoracle.prover.prove_all", lambda *_: report)
    result = run("prove", "--json", str(tmp_path / "report"))
    assert result.exit_code == status
    for words in (says, "Nothing happens.", "invariant: not failed"):
        assert words in result.output
    assert json.loads((tmp_path / "report").read_text(encoding="utf-8")) == report


@pytest.mark.slow
def test_prove_really() -> None:
    done = process("prove", "safety/nothing-*")
    assert done.returncode == 0, done.stderr
    assert "every theorem holds" in done.stdout


@pytest.mark.parametrize("form", ["json", "wstest", "pytest"])
def test_generate_writes_the_same_octets_every_time(form: str, tmp_path: Path) -> None:
    written = []
    for name in ("first", "second"):
        result = run(
            "generate", "--quick", "--out", str(tmp_path / name), "--format", form, "--select", "witness/5.2/*"
        )
        assert result.exit_code == 0, result.stderr
        assert " cases in " in result.output
        written.append({p.name: p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()})
    assert written[0] == written[1]
    if form == "json":
        cases = read_cases(tmp_path / "first")
        assert any(case.control is not None for case in cases)
        assert all(case.id.startswith(("witness/5.2/", "control/")) for case in cases)


@pytest.mark.parametrize(
    ("role", "form", "start"), [("client", "dot", "digraph {"), ("server", "mermaid", "---\ntitle:")]
)
def test_graph(role: str, form: str, start: str, tmp_path: Path) -> None:
    path = tmp_path / "graph"
    result = run("graph", "--role", role, "--format", form, "--out", str(path))
    assert result.exit_code == 0
    assert result.stdout == ""
    assert f"{role}: " in result.stderr
    assert path.read_text(encoding="utf-8").startswith(start)


def test_a_graph_as_svg_needs_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dot").write_text("#!/bin/sh\necho '<svg/>'\n")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("graph", "--format", "svg").stdout == "<svg/>\n"
    (tmp_path / "dot").unlink()
    assert "install graphviz, or use --format mermaid" in assert_one_line(run("graph", "--format", "svg"))


def test_spec_is_checked_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.spec.document.BLOCKS", {"opcodes": lambda: "made"})
    path = tmp_path / "spec.md"
    fresh = f"# Title\n<!-- generated:opcodes -->\n{block('opcodes')}<!-- end:opcodes -->\n"
    path.write_text(fresh.replace("made", "old"), encoding="utf-8")
    assert run("spec", "--file", str(path)).output == fresh
    stale = run("spec", "--check", "--file", str(path))
    assert (stale.exit_code, stale.output) == (1, "opcodes: stale: make docs\n")
    assert run("spec", "--write", "--file", str(path)).output == "opcodes: made anew\n"
    assert path.read_text(encoding="utf-8") == fresh
    assert run("spec", "--check", "--file", str(path)).exit_code == 0
    path.write_text("<!-- generated:opcodes -->\n", encoding="utf-8")
    assert "spec.md: block opcodes has no end" in assert_one_line(run("spec", "--file", str(path)))
    assert "call it in the repository" in assert_one_line(run("spec", "--file", str(tmp_path / "none")))


def test_bench_fails_where_a_side_loses_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(**_: object) -> None:
        raise BenchFailed("lossy delivered 1 of 2 messages")

    def missing(**_: object) -> None:
        raise ModuleNotFoundError("No module named 'wsproto'", name="wsproto")

    monkeypatch.setattr("wsoracle.benchmarks.frames.run_bench", lossy)
    result = run("bench")
    assert (result.exit_code, result.stderr) == (1, "failed: lossy delivered 1 of 2 messages\n")
    monkeypatch.setattr("wsoracle.benchmarks.frames.run_bench", missing)
    assert "bench needs wsproto, which is not installed: pip install 'wsoracle[explore]'" in assert_one_line(
        run("bench")
    )


def test_rounds_are_those_of_whatever_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def measured(rounds: int, *_: object) -> list[object]:
        asked.append(rounds)
        return []

    monkeypatch.setattr("wsoracle.benchmarks.suites.run_suite_bench", measured)
    for arguments in (("suites", "--rounds", "1"), ("compression", "--rounds", "2"), ("suites",)):
        assert run("bench", "--only", *arguments).exit_code == 0
    assert asked == [1, 2, 3]


# --- anything at all

words = st.one_of(
    st.sampled_from(
        ("--role", "--after", "--json", "--switch", "--limit", "--sent", "-", "--", "-h", "81", "8100", "=")
    ),
    st.text(max_size=12),
)
ANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of its own, where junk may be written."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@ANY
@given(text=st.text(max_size=30))
@example(text="\ud800")
@example(text="\0")
def test_any_text_as_hex(text: str) -> None:
    result = run("explain", "--", text)
    assert result.exit_code in (0, 2), result.output
    if result.exit_code == 2:
        assert_one_line(result)


@ANY
@given(command=st.sampled_from(("explain", "rules", "requirements")), args=st.lists(words, max_size=4))
def test_any_junk_is_no_traceback(command: str, args: list[str], elsewhere: Path) -> None:
    result = run(command, *args, stdin="")
    assert result.exit_code in (0, 2), (result.output, result.exception)
    if result.exit_code == 2:
        assert_one_line(result)
