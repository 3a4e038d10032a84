"""``wsoracle test`` as a program: what it sends, what it leaves behind, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.wsoracle.reports.report_samples import sample
from wsoracle.cli import program
from wsoracle.fleet.paths import SCRIPTS
from wsoracle.harness.run_result import ExpectedFailures, tally_of
from wsoracle.reports.summary import summary_of
from wsoracle.reports.wanted import PLAIN

pytestmark = pytest.mark.peers

SOUND = ("1.1.1", "2.1", "3.2", "7.1.1")
"""Some cases that the server passes; their controls are run with them."""

FAILS = "fault/server/host-absent"
"""A case that `websockets` fails: its server takes a request without a Host field (section 4.2.1)."""


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """The URL of a `websockets` server that echoes."""
    peer = subprocess.Popen(
        [sys.executable, str(SCRIPTS / "python" / "websockets_server.py"), "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert peer.stdout is not None
        yield f"ws://127.0.0.1:{int(peer.stdout.readline().removeprefix('READY '))}/"
    finally:
        peer.kill()
        peer.communicate()


def run(*arguments: str, cases: tuple[str, ...] = SOUND, out: Path) -> Result:
    selected = [part for case in cases for part in ("--select", case)]
    return CliRunner().invoke(program, ["test", *arguments, *selected, "--out", str(out)])


def records(out: Path) -> dict[str, dict[str, Any]]:
    return {(one := json.loads(file.read_text()))["id"]: one for file in out.glob("*_case_*.json")}


def error_of(result: Result) -> str:
    assert result.exit_code == 2, result.output
    *said, error = result.stderr.splitlines()
    assert error.startswith("wsoracle: error: ") and all(line.startswith("run too, ") for line in said)
    return error


# --- what it leaves behind --------------------------------------------------------------------------------------------


def test_a_run_leaves_pages_lists_and_sums(echo: str, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("run.xml", "run.md", "run.json")}
    more = ("--junit", str(files["run.xml"]), "--markdown", str(files["run.md"]), "--json", str(files["run.json"]))
    result = run(echo, "--agent", "mine", *more, out=tmp_path / "out")
    assert result.exit_code == 0, result.output
    found = records(tmp_path / "out")
    assert set(SOUND) < set(found) and {record["agent"] for record in found.values()} == {"mine"}
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert set(index) == {"mine"} and set(index["mine"]) == set(found)
    for entry in index["mine"].values():
        assert (tmp_path / "out" / entry["reportfile"].replace(".json", ".html")).is_file()
    assert f"{len(found)} OK" in result.stdout and "index.html" in result.stdout
    suites = ElementTree.parse(files["run.xml"]).getroot()
    assert len(list(suites.iter("testcase"))) == len(found) and not list(suites.iter("failure"))
    assert "mine" in files["run.md"].read_text()
    (server,) = json.loads(files["run.json"].read_text())["servers"]
    assert (server["agent"], server["url"], server["good"]) == ("mine", echo, True)
    assert server["passed"] == len(server["cases"]) == len(found)


def test_the_name_of_an_agent_is_what_the_server_calls_itself(echo: str, tmp_path: Path) -> None:
    run(echo, out=tmp_path)
    (agent,) = json.loads((tmp_path / "index.json").read_text())
    assert "websockets" in agent


def test_several_servers_stand_beside_each_other(echo: str, tmp_path: Path) -> None:
    result = run(echo, f"{echo}other", "--agent", "one", "--agent", "two", cases=("2.1",), out=tmp_path)
    assert result.exit_code == 0 and set(json.loads((tmp_path / "index.json").read_text())) == {"one", "two"}


def test_what_is_asked_for_is_sent(echo: str, tmp_path: Path) -> None:
    asked = ("--origin", "http://example.org", "--subprotocol", "a", "--subprotocol", "b", "--header", "X-Mine: yes")
    port = echo.rpartition(":")[2].strip("/")
    elsewhere = ("ws://nowhere.invalid:99/path?q", "--connect-to", f"127.0.0.1:{port}", "--agent", "mine")
    run(*elsewhere, *asked, cases=("2.1",), out=tmp_path)
    request = records(tmp_path)["2.1"]["httpRequest"]
    assert request.startswith("GET /path?q HTTP/1.1\r\nHost: nowhere.invalid:99\r\n")
    for line in ("Origin: http://example.org", "Sec-WebSocket-Protocol: a, b", "X-Mine: yes"):
        assert f"{line}\r\n" in request


def test_the_same_seed_writes_the_same_octets(echo: str, tmp_path: Path) -> None:
    def octets(seed: str, out: Path) -> list[str]:
        run(echo, "--seed", seed, "--agent", "mine", cases=("1.1.2",), out=out)
        return [line[1][1] for line in records(out)["1.1.2"]["wirelog"] if line[0] == "TO"]

    first, again, other = octets("1", tmp_path / "a"), octets("1", tmp_path / "b"), octets("2", tmp_path / "c")
    assert first == again != other


def test_what_is_excluded_is_not_run(echo: str, tmp_path: Path) -> None:
    run(echo, "--exclude", "1.1.[3-8]", "--exclude", "1.1.2", cases=("1.1",), out=tmp_path)
    assert "1.1.1" in records(tmp_path) and not {"1.1.2", "1.1.5"} & set(records(tmp_path))


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_failure_is_told_with_its_clause(echo: str, tmp_path: Path) -> None:
    result = run(echo, cases=(*SOUND, FAILS), out=tmp_path)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    cause = (
        "FAILED  answers 101 to a request without Host, where it must refuse the opening handshake (4.2.1/host-missing)"
    )
    at = lines.index(f"{cause} (1 case: {FAILS})")
    assert lines[at + 1].startswith('    4.2.1/host-missing: MUST, section 4.2.1: "')
    assert any(line.startswith("    seen: HTTP/1.1 101") for line in lines[at:])
    assert f"    again: wsoracle test {echo} --select {FAILS} -v" in lines


def test_an_exchange_is_printed_as_it_happens(echo: str, tmp_path: Path) -> None:
    lines = run(echo, "-v", cases=(*SOUND, FAILS), out=tmp_path).stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{FAILS}: "))
    words = [line[15:] for line in lines[at:]]
    assert any(word.startswith("> GET /") for word in words) and any(
        word.startswith("< HTTP/1.1 101") for word in words
    )
    assert any(line.startswith("  FAILED: ") for line in lines[at:])
    assert any(line.endswith("refuse the opening handshake (4.2.1/host-missing)") for line in lines[at:])


def test_a_failure_that_is_expected_is_none_and_a_pass_that_is_not_is_one(echo: str, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(f"# of websockets\n{FAILS}  # it takes it\n")
    expected = run(echo, "--expected-failures", str(known), cases=(*SOUND, FAILS), out=tmp_path / "a")
    assert expected.exit_code == 0 and "1 failed as expected" in expected.stdout
    known.write_text(f"{FAILS}\n2.1\n")
    passes = run(echo, "--expected-failures", str(known), cases=(*SOUND, FAILS), out=tmp_path / "b")
    assert passes.exit_code == 1 and "passed, though it is expected to fail: 2.1" in passes.stdout


@pytest.mark.parametrize(("text", "said"), [(b"no-such-case\n", "no-such-case"), (b"\xff\xfe", "no text in UTF-8")])
def test_a_file_of_expected_failures_that_says_nothing_known(text: bytes, said: str, echo: str, tmp_path: Path) -> None:
    (tmp_path / "known").write_bytes(text)
    assert said in error_of(run(echo, "--expected-failures", str(tmp_path / "known"), out=tmp_path / "out"))


def test_the_failures_of_a_run_are_known_in_the_next(echo: str, tmp_path: Path) -> None:
    known = str(tmp_path / "known")
    first = run(echo, "--write-expected-failures", known, "--github", cases=(*SOUND, FAILS), out=tmp_path / "a")
    assert first.exit_code == 1 and Path(known).read_text().splitlines()[1:] == [FAILS]
    assert [line for line in first.stdout.splitlines() if line.startswith("::error title=")]
    second = run(echo, "--expected-failures", known, "--github", cases=(*SOUND, FAILS), out=tmp_path / "b")
    assert second.exit_code == 0 and "::error" not in second.stdout


def test_a_switch_decides_what_is_open(echo: str, tmp_path: Path) -> None:
    taken = "witness/5.2/non-minimal-length-may-fail/server"  # by websockets, which may
    assert run(echo, cases=(taken,), out=tmp_path / "a").exit_code == 0
    assert run(echo, "--switch", "non-minimal-lengths=refuse", cases=(taken,), out=tmp_path / "b").exit_code == 1
    assert records(tmp_path / "b")[taken]["wsoracle"]["switches"] == {"non_minimal_lengths": "refuse"}


def test_who_passes_nothing_is_no_success() -> None:
    summary = summary_of(sample(verdict="INFORMATIONAL"))
    assert not tally_of({"a": summary}, PLAIN).good and not tally_of({}, PLAIN).good
    assert ExpectedFailures(["a*"]).ids(["ab", "ac", "b"]) == {"ab", "ac"}


# --- wrong input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("http://127.0.0.1/",), "ws"),
        (("ws://",), "ws://"),
        (("ws://127.0.0.1:0/x#y",), "#"),
        (("ws://127.0.0.1:1/", "--header", "no field"), "--header"),
        (("ws://127.0.0.1:1/", "--switch", "code_1004"), "NAME=VALUE"),
        (("ws://127.0.0.1:1/", "--switch", "x=y"), "no switch"),
        (("ws://127.0.0.1:1/", "--badge", "x.png"), "--badge"),
        (("ws://127.0.0.1:1/", "--github", "--json", "-"), "--github"),
        (("ws://127.0.0.1:1/", "--junit", "x.svg", "--badge", "x.svg"), "own file"),
        (("ws://127.0.0.1:1/", "--header", "Sec-WebSocket-Key: x"), "belongs to the opening handshake"),
        (("ws://127.0.0.1:1/", "--header", "Host: "), "belongs to the opening handshake"),
        (("ws://127.0.0.1:1/", "--origin", "x\r\ny"), "--origin"),
        (("ws://127.0.0.1:1/", "--select", ""), "--select or --exclude is empty"),
        (("ws://127.0.0.1:1/", "--connect-to", "127.0.0.1"), "--connect-to"),
        (("ws://127.0.0.1:1/", "--jobs", "0"), "--jobs"),
        (("ws://127.0.0.1:1/", "--timeout", "60"), "--timeout 60 is no less than --case-timeout 60"),
        (("ws://127.0.0.1:1/", "--insecure"), "--insecure and --server-name are for wss"),
        (("ws://127.0.0.1:1/", "--junit", "-", "--json", "-"), "two lists go to -"),
        (("ws://127.0.0.1:1/", "--select", "no-such-case"), "no-such-case"),
        (("ws://127.0.0.1:1/", "--agent", "a", "--agent", "b"), "--agent"),
        (("ws://127.0.0.1:1/", "ws://127.0.0.1:2/", "--agent", "a", "--resume"), "--resume"),
    ],
)
def test_wrong_input_is_one_line(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    assert said in error_of(run(*arguments, cases=(), out=tmp_path / "out"))


def test_what_was_judged_by_another_profile_is_not_gone_on_with(echo: str, tmp_path: Path) -> None:
    assert run(echo, cases=("1.1.1",), out=tmp_path).exit_code == 0
    said = error_of(run(echo, "--resume", "--profile", "letter", cases=("1.1.2",), out=tmp_path))
    assert "--resume: the folder was judged by the profile interop" in said


def test_what_is_added_and_what_is_left_out_is_said(echo: str, tmp_path: Path) -> None:
    assert run(echo, cases=("4.1.1",), out=tmp_path).stderr == "run too, as controls of what is selected: 6.5.1\n"
    again = run(echo, "--resume", cases=("6.5.1", "1.1.2", "4.1.1"), out=tmp_path)
    assert "2 of 3 cases were run before, and are not run again\n" in again.stderr


def test_a_file_of_expected_failures_may_name_what_this_run_leaves_out(echo: str, tmp_path: Path) -> None:
    (tmp_path / "known").write_text("9.1.1\nfault/client/accept-wrong\n")
    assert run(echo, "--expected-failures", str(tmp_path / "known"), out=tmp_path / "out").exit_code == 0


def test_a_server_that_is_not_reached_costs_nobody_elses_results(echo: str, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        nobody = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        done = run(echo, nobody, echo, "--json", str(tmp_path / "run.json"), out=tmp_path / "out")
    assert done.exit_code == 2 and f"1 of 3 servers were not tested: {nobody}" in done.stderr
    servers = json.loads((tmp_path / "run.json").read_text())["servers"]
    assert ["error" in server for server in servers] == [False, True, False]


def test_where_nobody_listens_the_line_says_so(tmp_path: Path) -> None:
    with socket.socket() as listener:  # bound and not listening: nobody else gets the port
        listener.bind(("127.0.0.1", 0))
        said = error_of(run(f"ws://127.0.0.1:{listener.getsockname()[1]}/", out=tmp_path))
    assert "Connection refused: start the server" in said


def test_a_folder_that_cannot_hold_a_report(echo: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert "--out" in error_of(run(echo, out=tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "mine"


# --- the end before the end -------------------------------------------------------------------------------------------


def _until(done: Any) -> None:
    for _ in range(2000):
        if done():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_whole_files_and_is_resumed(
    how: signal.Signals, echo: str, tmp_path: Path
) -> None:
    """Of the cases that are there none is run again, but those whose control is missing; those that are not, are."""
    out = tmp_path / "out"
    cases = [part for group in ("1", "2", "5", "6", "7") for part in ("--select", group)]
    command = [sys.executable, "-m", "wsoracle", "test", echo, "--agent", "mine", "--out", str(out), *cases]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _until(lambda: len(list(out.glob("*_case_*.html"))) > 20 or process.poll() is not None)
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    stopped = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}[how]
    assert process.returncode in (stopped, 0), said  # it may have come to its end first
    assert "Traceback" not in said
    before = {case: record["started"] for case, record in records(out).items()}  # each is whole
    if process.returncode in (130, 143) and len(before) < 229:
        assert f"what was judged is in {out}: --resume goes on from there" in said
    assert len(before) > 20 and all("</html>" in page.read_text() for page in out.glob("*_case_*.html"))
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    after = records(out)
    assert set(json.loads((out / "index.json").read_text())["mine"]) == set(after) > set(before) or len(after) == 229
    settled = [case for case in before if after[case]["wsoracle"]["control"] in (None, *before)]
    assert len(settled) > 10 and all(after[case]["started"] == before[case] for case in settled)
    assert not [name for name in os.listdir(out) if name.startswith(".")]
