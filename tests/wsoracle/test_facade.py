"""The public facade."""

import importlib.metadata
import subprocess
import sys

import pytest

import wsoracle


def test_every_name_is_there() -> None:
    assert sorted(wsoracle.__all__) == sorted(set(wsoracle.__all__))
    for name in wsoracle.__all__:
        assert getattr(wsoracle, name) is not None
        assert name in dir(wsoracle)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = wsoracle.nothing


def test_the_version_is_that_of_the_project() -> None:
    assert wsoracle.__version__ == importlib.metadata.version("wsoracle")


def test_the_example_of_the_package() -> None:
    from wsoracle import Event, EventKind, Frame, Role, Setting, State, allowed, facts

    ping = Event(EventKind.RECEIVE, facts(Frame(9, b"hello")))
    outcomes = allowed(State(), ping, Setting(Role.SERVER))
    assert [(str(outcome.label), outcome.rules) for outcome in outcomes] == [
        ("fail 1002", ("5.1/server-refuses-unmasked",))
    ]


def loaded_by(code: str) -> set[str]:
    """The modules that Python has loaded after running this code in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules, file=sys.__stdout__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def test_importing_the_package_imports_nothing_else() -> None:
    assert {name for name in loaded_by("import wsoracle") if name.startswith("wsoracle")} == {"wsoracle"}


HEAVY = {"z3", "hypothesis", "networkx", "rich", "jsonschema", "jinja2", "wsproto", "websockets"}


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import io, contextlib\nimport wsoracle.cli\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    wsoracle.cli.program.main(['--help'])"
    )
    loaded = loaded_by(code)
    assert "click" in loaded
    assert not loaded & HEAVY
    assert not any(name.startswith("wsoracle.model") for name in loaded)
