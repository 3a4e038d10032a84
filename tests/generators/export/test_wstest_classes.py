"""The classes for Autobahn: their text, and a run in the suite where it is installed."""

import ast
import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.generators import loopback
from tests.generators.sample_cases import compressed_histories, echo_text, reserved_bit, sample_cases, silent_after_ping
from wsoracle.autobahn.tool import MISSING, autobahn_python
from wsoracle.generators.cases.outcome import SeenClose, SeenTcpClosed
from wsoracle.generators.cases.steps import EndpointSends, SendFrame
from wsoracle.generators.export.wstest_classes import export_wstest
from wsoracle.model.octets.vocabulary import CLOSE, PING, Frame, Role


@pytest.fixture(scope="module")
def suite_python() -> str:
    found = autobahn_python()
    if found is None:
        pytest.skip(MISSING)
    return found


# --- the text


def test_the_files(tmp_path: Path) -> None:
    result = export_wstest(sample_cases(), tmp_path / "out")
    assert set(result.files) == {
        "wsoracle_cases.py",
        "run_wstest.py",
        "wsoracle_cases.json",
        "fuzzingclient.json",
        "fuzzingserver.json",
    }
    assert len(result.carried) + len(result.left_out) == len(sample_cases())
    assert result.left_out["witness/7.1.4/server-lost/server"].startswith("the suite's runner cannot close half of TCP")
    assert "its own" in result.left_out["witness/5.5.2/pong-owed/server"]
    index = json.loads((tmp_path / "out" / "wsoracle_cases.json").read_text())
    assert index["cases"] == {number: case_id for case_id, number in result.names.items()} | index["cases"]
    assert set(index["cases"].values()) == set(result.carried)
    assert index["leftOut"] == dict(result.left_out)


def test_the_same_cases_give_the_same_octets(tmp_path: Path) -> None:
    export_wstest(sample_cases(), tmp_path / "one")
    export_wstest(reversed(sample_cases()), tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert all((tmp_path / "one" / n).read_bytes() == (tmp_path / "two" / n).read_bytes() for n in names)


def test_controls_have_lower_numbers(tmp_path: Path) -> None:
    result = export_wstest(sample_cases(), tmp_path / "out")
    for case in sample_cases():
        if case.control is not None and case.id in result.names:
            control, number = (list(map(int, result.names[i].split("."))) for i in (case.control, case.id))
            assert control < number


def test_the_source_is_plain_ascii_and_parses(tmp_path: Path) -> None:
    odd = replace(echo_text(), title='a "title" with <b>, é and \\', description="Ünïcode & more.")
    export_wstest([odd, reserved_bit()], tmp_path / "out")
    for name in ("wsoracle_cases.py", "run_wstest.py"):
        source = (tmp_path / "out" / name).read_bytes().decode("ascii")
        tree = ast.parse(source)
        assert not any(isinstance(node, ast.JoinedStr | ast.Nonlocal) for node in ast.walk(tree))
    text = (tmp_path / "out" / "wsoracle_cases.py").read_text()
    assert "&lt;b&gt;, &#233; and" in text
    assert not re.search(r"\b(true|false|null)\b,", text)


def test_a_case_after_a_close_of_the_peer_is_left_out(tmp_path: Path) -> None:
    steps = (
        *reserved_bit().steps,
        EndpointSends(Frame(CLOSE, (1002).to_bytes(2))),
        SendFrame(Frame(PING, b"x", key=b"abcd")),
    )
    case = replace(reserved_bit(), id="exploration/seed-1/after", steps=steps, chunks=())
    result = export_wstest([case, echo_text()], tmp_path / "out")
    assert "answers a Close at once" in result.left_out[case.id]
    assert [type(seen) for seen in case.allowed[0].observable or ()] == [SeenClose, SeenTcpClosed]


def test_a_sink_is_left_out_and_its_negative_case_with_it(tmp_path: Path) -> None:
    control = replace(
        echo_text(), application="sink", id="control/sink", allowed=(replace(echo_text().allowed[0], observable=()),)
    )
    negative = replace(reserved_bit(), application="sink", id="witness/sink", control=control.id)
    result = export_wstest([echo_text(), control, negative], tmp_path / "out")
    assert set(result.left_out) == {control.id, negative.id}


def test_nothing_that_can_be_carried_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no case can be run by the suite"):
        export_wstest([silent_after_ping(), replace(echo_text(), claims=("rsv1",))], tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- in the suite


def run_client(python: str, directory: Path, url: str, *more: str, cases: tuple[str, ...] = ("6455.*",)) -> Any:
    """Run the exported cases against a server; the process, and the index of the reports."""
    reports = directory / "reports"
    spec = {"servers": [{"agent": "loopback", "url": url}], "cases": list(cases), "outdir": str(reports)}
    spec_file = directory / "spec.json"
    spec_file.write_text(json.dumps(spec))
    done = subprocess.run(
        [python, str(directory / "out" / "run_wstest.py"), "-m", "fuzzingclient", "-s", str(spec_file), *more],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    index = reports / "index.json"
    return done, json.loads(index.read_text()).get("loopback", {}) if index.exists() else {}


@pytest.mark.peers
@pytest.mark.slow
def test_a_good_server_passes(tmp_path: Path, suite_python: str) -> None:
    result = export_wstest(sample_cases(), tmp_path / "out")
    with loopback.echo_server() as url:
        done, index = run_client(suite_python, tmp_path, url)
    assert done.returncode == 0, done.stdout + done.stderr
    ids = {number: case_id for case_id, number in result.names.items()}
    servers = {number for number, case_id in ids.items() if not case_id.endswith("client")}
    assert set(index) == servers
    verdicts = {ids[number]: entry["behavior"] for number, entry in index.items()}
    assert verdicts.pop("witness/5.2/length-sign-bit/server") in ("OK", "NON-STRICT")
    assert set(verdicts.values()) == {"OK"}
    assert {entry["behaviorClose"] for entry in index.values()} == {"OK"}


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.parametrize(("compression", "verdict"), [("deflate", "OK"), (None, "UNIMPLEMENTED")])
def test_compressed_messages_are_sent_where_the_server_takes_them(
    tmp_path: Path, suite_python: str, compression: str | None, verdict: str
) -> None:
    cases = compressed_histories("example-2-shared-window", "mark-on-ping", "window-9-over")
    export_wstest(cases, tmp_path / "out")
    with loopback.echo_server(compression) as url:
        done, index = run_client(suite_python, tmp_path, url)
    assert {entry["behavior"] for entry in index.values()} == {verdict} and len(index) == len(cases), done.stdout


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.parametrize("behave", [loopback.drop, loopback.drop_at_once, loopback.fail_everything])
def test_a_server_that_gives_up_passes_nothing(
    tmp_path: Path, suite_python: str, behave: Callable[[Any], None]
) -> None:
    export_wstest(sample_cases(), tmp_path / "out")
    with loopback.raw_server(behave) as url:
        done, index = run_client(suite_python, tmp_path, url, "--patience", "0.3")
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(index) == 9
    assert {entry["behavior"] for entry in index.values()} == {"FAILED"}


@pytest.mark.peers
@pytest.mark.slow
def test_a_server_that_accepts_what_it_must_refuse_fails(tmp_path: Path, suite_python: str) -> None:
    result = export_wstest([echo_text(), reserved_bit()], tmp_path / "out")
    with loopback.raw_server(loopback.echo_anything) as url:
        done, index = run_client(suite_python, tmp_path, url, "--patience", "0.3")
    verdicts = {number: entry["behavior"] for number, entry in index.items()}
    assert verdicts == {result.names[echo_text().id]: "OK", result.names[reserved_bit().id]: "FAILED"}
    assert done.returncode == 1


@pytest.mark.peers
@pytest.mark.slow
def test_a_selection_brings_its_controls(tmp_path: Path, suite_python: str) -> None:
    result = export_wstest([echo_text(), reserved_bit()], tmp_path / "out")
    with loopback.echo_server() as url:
        done, index = run_client(suite_python, tmp_path, url, cases=(result.names[reserved_bit().id],))
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(index) == set(result.names.values())


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "verdict", "status"), [(loopback.echo_client, "OK", 0), (loopback.dropping_client, "FAILED", 1)]
)
def test_clients_are_tested_by_the_fuzzing_server(
    tmp_path: Path, suite_python: str, client: Callable[[str, str], None], verdict: str, status: int
) -> None:
    result = export_wstest([c for c in sample_cases() if c.role is Role.CLIENT], tmp_path / "out")
    reports = tmp_path / "reports"
    spec_file = tmp_path / "spec.json"
    spec_file.write_text(json.dumps({"url": "ws://127.0.0.1:0", "cases": ["6455.*"], "outdir": str(reports)}))
    command = [suite_python, "-B", "-u", str(tmp_path / "out" / "run_wstest.py")]
    with subprocess.Popen(
        [*command, "-m", "fuzzingserver", "-s", str(spec_file)], stdout=subprocess.PIPE, text=True
    ) as suite:
        assert suite.stdout is not None
        said = ""
        try:
            for line in suite.stdout:
                said += line
                if found := re.match(r"Listening on (127\.0\.0\.1:\d+)", line):
                    client(f"ws://{found[1]}/", "loopback")
                    break
            said += suite.stdout.read()
        finally:
            suite.terminate()
    assert suite.returncode == status, said
    index = json.loads((reports / "index.json").read_text())["loopback"]
    assert {n: entry["behavior"] for n, entry in index.items()} == dict.fromkeys(result.names.values(), verdict)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{", "cannot read the spec"),
        ("{}", "has no list of cases"),
        ('{"cases": ["1.1.1"], "servers": []}', "there is no case 1.1.1"),
        ('{"cases": ["99.*"], "servers": []}', "selects no case"),
    ],
)
def test_wrong_input_is_one_line(tmp_path: Path, suite_python: str, spec: str, message: str) -> None:
    export_wstest([echo_text()], tmp_path / "out")
    (tmp_path / "spec.json").write_text(spec)
    command = [suite_python, "-B", str(tmp_path / "out" / "run_wstest.py"), "-m", "fuzzingclient"]
    done = subprocess.run([*command, "-s", str(tmp_path / "spec.json")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
