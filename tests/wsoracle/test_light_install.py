"""What a plain install can do: everything for testing, judging and explaining, without z3, Hypothesis and the rest."""

import subprocess
import sys
from ast import literal_eval

import pytest
from click.testing import CliRunner

from wsoracle.cli import COMMANDS, EXTRAS, INTERNAL, Program, program

WITHOUT = f"""
import contextlib, io, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {set(EXTRAS)}:
            raise ModuleNotFoundError("not here: " + name, name=name)

sys.meta_path.insert(0, Missing())
from wsoracle.cli import COMMANDS, program

def said(*args):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            program.main(args)
        except SystemExit as ended:
            return ended.code, out.getvalue(), err.getvalue()
"""
NEEDS = {
    "demo": "explore",
    "explore": "explore",
    "graph": "explore",
    "run": "explore",
    "generate": "prove",
    "mutants": "prove",
    "prove": "prove",
    "requirements": "prove",
    "selfcheck": "prove",
    "site": "prove",
    "spec": "prove",
}
"""The commands that cannot start without an extra."""


def without_extras(code: str) -> str:
    """What a process prints that finds no module of an extra."""
    done = subprocess.run([sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def helped() -> dict[str, tuple[int, str, str]]:
    """What each command says to --help in a plain install."""
    printed = without_extras("print({name: said(name, '--help') for name in COMMANDS})")
    found: dict[str, tuple[int, str, str]] = literal_eval(printed)
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs_or_says_what_to_install(command: str, helped: dict[str, tuple[int, str, str]]) -> None:
    status, out, error = helped[command]
    if command not in NEEDS:
        assert (status, error) == (0, "")
        return
    assert (status, out) == (2, "")
    assert error.startswith(f"wsoracle: error: {command} needs ")
    assert error.endswith(f", which is not installed: pip install 'wsoracle[{NEEDS[command]}]'\n")
    assert error.count("\n") == 1


def test_what_is_missed_later_is_said_too() -> None:
    printed = without_extras("print(said('cases', '--suite')[2], said('cases', 'no such case')[2], end='')")
    suite, unknown = (line for line in printed.splitlines() if "error: " in line)
    assert suite == "wsoracle: error: cases needs z3, which is not installed: pip install 'wsoracle[prove]'"
    assert "no case matches 'no such case'" in unknown


def test_a_module_that_no_extra_brings_is_a_fault_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Program, context: object) -> None:
        raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")

    monkeypatch.setattr(Program, "invoke", broken)
    monkeypatch.delenv("WSORACLE_TRACEBACK", raising=False)
    assert CliRunner().invoke(program, ["rules"]).exit_code == INTERNAL
