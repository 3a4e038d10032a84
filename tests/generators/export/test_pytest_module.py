"""The exported pytest module, run as its users run it: in a process of its own, against servers on the loopback."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.generators import loopback
from tests.generators.sample_cases import (
    compressed_histories,
    echo_text,
    huge_frame,
    refused,
    reserved_bit,
    sample_cases,
    silent_after_ping,
)
from wsoracle.generators.cases.derived import judge_only
from wsoracle.generators.export.pytest_module import MODULE, export_pytest
from wsoracle.model.notation.rule import Strength
from wsoracle.model.octets.vocabulary import Role

ROOT = Path(__file__).parents[3]
SERVER_CASES = [case for case in sample_cases() if case.role is Role.SERVER and judge_only(case) is None]


def run(directory: Path, *arguments: str, **variables: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """Run the module; the process, and for each case "passed", or "failed: why", "skipped: why"."""
    report = directory.parent / "report.xml"
    report.unlink(missing_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "WSORACLE"))}
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", f"--junitxml={report}"]
    done = subprocess.run(
        [*command, str(directory), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **variables},
        cwd=directory.parent,
    )
    results = {}
    for case in ET.parse(report).iter("testcase") if report.exists() else ():
        name = case.attrib["name"].removeprefix("test_case[").removesuffix("]")
        faults = [f"{found.tag}: {found.attrib['message']}" for found in case if found.tag in ("failure", "skipped")]
        results[name] = faults[0] if faults else "passed"
    return done, results


# --- the text


def test_the_files_and_what_is_left_out(tmp_path: Path) -> None:
    result = export_pytest(sample_cases(), tmp_path / "out")
    assert set(result.files) == {MODULE, "conftest.py"}
    assert set(result.carried) == {case.id for case in SERVER_CASES}
    assert set(result.left_out) == {case.id for case in sample_cases()} - set(result.carried)


def test_the_same_cases_give_the_same_octets(tmp_path: Path) -> None:
    export_pytest(sample_cases(), tmp_path / "one")
    export_pytest(reversed(sample_cases()), tmp_path / "two")
    assert (tmp_path / "one" / MODULE).read_bytes() == (tmp_path / "two" / MODULE).read_bytes()


def test_nothing_that_can_be_carried_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no case can be run by pytest"):
        export_pytest([echo_text(Role.CLIENT), reserved_bit(Role.CLIENT)], tmp_path / "out")
    with pytest.raises(ValueError, match="not among the cases"):
        export_pytest([silent_after_ping()], tmp_path / "out")


def test_the_module_is_as_clean_as_the_rest(tmp_path: Path) -> None:
    odd = replace(echo_text(), title='a "title" with \\, """ and é')
    export_pytest([odd, reserved_bit()], tmp_path / "out")
    module = str(tmp_path / "out" / MODULE)
    # The cases are long lines; everything else is under the project's own rules.
    ruff = ["ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml"), "--ignore", "E501,D103,D101"]
    done = subprocess.run([sys.executable, "-m", *ruff, module], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_application_at_a_time(tmp_path: Path) -> None:
    sink = replace(
        echo_text(), id="control/sink", application="sink", allowed=(replace(echo_text().allowed[0], observable=()),)
    )
    assert "its application is sink" in export_pytest([echo_text(), sink], tmp_path / "both").left_out[sink.id]
    alone = export_pytest([sink], tmp_path / "sink")
    assert alone.carried == (sink.id,)
    assert "no message is answered" in (tmp_path / "sink" / MODULE).read_text()


# --- runs


@pytest.mark.peers
@pytest.mark.slow
def test_a_good_server_passes(tmp_path: Path) -> None:
    export_pytest(sample_cases(), tmp_path / "out")
    with loopback.echo_server() as url:
        done, results = run(tmp_path / "out", "--url", url)
    assert done.returncode == 0, done.stdout
    assert results == dict.fromkeys([case.id for case in SERVER_CASES], "passed")


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.parametrize(("compression", "said"), [("deflate", "passed"), (None, "did not agree on")])
def test_compressed_messages_are_sent_where_the_server_takes_them(
    tmp_path: Path, compression: str | None, said: str
) -> None:
    cases = compressed_histories("example-2-shared-window", "mark-on-ping", "window-9-over")
    export_pytest(cases, tmp_path / "out")
    with loopback.echo_server(compression) as url:
        done, results = run(tmp_path / "out", "--url", url)
    assert done.returncode == 0, done.stdout
    assert set(results) == {case.id for case in cases} and all(said in result for result in results.values()), results


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.parametrize(
    "behave", [loopback.drop, loopback.drop_at_once, loopback.fail_everything, loopback.stay_silent]
)
def test_a_server_that_gives_up_passes_nothing(tmp_path: Path, behave: Callable[[Any], None]) -> None:
    export_pytest(sample_cases(), tmp_path / "out")
    cases = [case.id for case in SERVER_CASES]
    with loopback.raw_server(behave) as url:
        done, results = run(tmp_path / "out", WSORACLE_URL=url, WSORACLE_TIMEOUT="0.3", WSORACLE_PATIENCE="0.1")
    assert done.returncode == 1
    passed = [case_id for case_id in cases if not results[case_id].startswith("failure")]
    # Silence is all that half a header calls for, so there a silent server is right.
    assert passed == (["exploration/seed-8/half-a-header"] if behave is loopback.stay_silent else [])


@pytest.mark.peers
@pytest.mark.slow
def test_a_negative_case_fails_with_its_control(tmp_path: Path) -> None:
    export_pytest([echo_text(), reserved_bit()], tmp_path / "out")
    with loopback.raw_server(loopback.drop) as url:
        _, results = run(tmp_path / "out", "--url", url)
    assert "its positive control control/text/server was not answered" in results[reserved_bit().id]


@pytest.mark.peers
@pytest.mark.slow
def test_a_server_that_accepts_what_it_must_refuse_fails(tmp_path: Path) -> None:
    export_pytest([echo_text(), reserved_bit()], tmp_path / "out")
    with loopback.raw_server(loopback.echo_anything) as url:
        done, results = run(tmp_path / "out", "--url", url, WSORACLE_TIMEOUT="0.5")
    assert done.returncode == 1
    assert results[echo_text().id] == "passed"
    assert "seen:    message text 48656c6c6f" in results[reserved_bit().id]
    assert "MUST 5.2/reserved-bits" in results[reserved_bit().id]


@pytest.mark.peers
@pytest.mark.slow
def test_a_limit_of_the_servers_own_is_neither_pass_nor_failure(tmp_path: Path) -> None:
    limited = refused(1009, "10.4/unstated-limit", strength=Strength.MAY)
    case = replace(huge_frame(), allowed=limited, control=None)
    export_pytest([case], tmp_path / "out")
    with loopback.echo_server() as url:
        done, results = run(tmp_path / "out", "--url", url)
    assert done.returncode == 0, done.stdout
    assert results[case.id].startswith("skipped: INFORMATIONAL: fail 1009 (MAY 10.4/unstated-limit)")


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "message"),
    [
        ([], {}, 2, "give --url"),
        (["--url", "http://127.0.0.1/"], {}, 1, "is not a URL like ws://"),
        (["--url", "ws://127.0.0.1:1/"], {}, 1, "nothing answers at ws://127.0.0.1:1/"),
        (["--url", "ws://127.0.0.1:1/"], {"WSORACLE_TIMEOUT": "soon"}, 2, "WSORACLE_TIMEOUT is a number"),
    ],
)
def test_what_goes_wrong_is_said(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], status: int, message: str
) -> None:
    export_pytest([echo_text()], tmp_path / "out")
    done, _ = run(tmp_path / "out", *arguments, **variables)
    assert done.returncode == status
    assert message in done.stdout + done.stderr


def test_the_module_runs_alone(tmp_path: Path) -> None:
    export_pytest([echo_text()], tmp_path / "out")
    (tmp_path / "out" / "conftest.py").unlink()
    done, _ = run(tmp_path / "out", WSORACLE_URL="ws://127.0.0.1:1/")
    assert "nothing answers" in done.stdout
