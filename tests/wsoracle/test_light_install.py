"""What a plain install can do: everything for testing, judging and explaining, without z3, Hypothesis and the rest."""

import os
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

import pytest
from click.testing import CliRunner

from wsoracle.cli import EXTRAS, INTERNAL, Program, program

ROOT = Path(__file__).resolve().parents[2]

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
    "demo": ("explore", "--out", "made"),
    "explore": ("explore",),
    "graph": ("explore",),
    "run": ("explore",),
    "generate": ("prove", "--out", "made", "--format", "json"),
    "mutants": ("prove",),
    "prove": ("prove",),
    "requirements": ("prove",),
    "selfcheck": ("prove",),
    "site": ("prove", "--out", "made"),
    "spec": ("prove",),
}
"""The commands that do nothing without an extra: which one, and the arguments that they ask for."""


def without_extras(code: str, where: Path | None = None) -> str:
    """What a process prints that finds no module of an extra."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + code],
        capture_output=True, text=True, timeout=120, cwd=where, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_help_is_there() -> None:
    printed = without_extras("print({name: said(name, '--help') for name in COMMANDS})")
    for name, (status, out, error) in literal_eval(printed).items():
        assert (status, error) == (0, ""), name
        assert out.startswith(f"Usage: wsoracle {name} "), name


def test_a_command_says_what_to_install(tmp_path: Path) -> None:
    asked = {name: (name, *args) for name, (_, *args) in NEEDS.items()}
    printed = without_extras(f"print({{name: said(*args) for name, args in {asked}.items()}})", tmp_path)
    for name, (status, out, error) in literal_eval(printed).items():
        assert (status, out) == (2, ""), name
        assert error.startswith(f"wsoracle: error: {name} needs "), name
        assert error.endswith(f", which is not installed: pip install 'wsoracle[{NEEDS[name][0]}]'\n"), name
        assert error.count("\n") == 1, name
    assert not list(tmp_path.iterdir()), "nothing is begun"


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
