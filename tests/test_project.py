"""The project's own rules: imports, packages, the wheel, the lock file, and nothing of one machine in the repository.

Each check is a function from what it reads to a list of faults, and beside it stands a bad example that it must catch.
"""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.import_lint import LAYERS, import_faults
from wsoracle.cli import EXTRAS
from wsoracle.model.machine.kept import MODULE

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = {Path("wsoracle/fleet/scripts"), Path("wsoracle/driving/examples")}
LOCK = ROOT / "requirements" / "locked.txt"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def python_files(*folders: str) -> list[str]:
    """Paths from the root, with slashes, of every Python file in these folders; links are not followed.

    The fleet's scripts are programs for other environments, and no modules.
    """
    found = [path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py")]
    modules = [path for path in found if SCRIPTS.isdisjoint(path.parents)]
    return sorted(path.as_posix() for path in modules if not any((ROOT / up).is_symlink() for up in path.parents))


# --- imports


def test_imports_keep_their_direction() -> None:
    files = python_files(*LAYERS, "tests")
    assert {f"{layer}/__init__.py" for layer in LAYERS} <= set(files)
    faults = [fault for path in files for fault in import_faults(path, (ROOT / path).read_text(encoding="utf-8"))]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("model/rules/__init__.py", "from wsoracle.properties.judge import judge"),
        ("model/rules/__init__.py", "import wsoracle"),
        ("model/rules/__init__.py", "from wsoracle import generators"),
        ("properties/judge.py", "from wsoracle.generators import mutants"),
        ("properties/judge.py", "def late():\n    import wsoracle.cli"),
        ("generators/suite/suite.py", "from wsoracle.cli import main"),
        ("model/rules/__init__.py", "from wsoracle.model.notation.expression import Var"),
        ("wsoracle/report.py", "from wsoracle.cli import main"),
        ("wsoracle/report.py", "from wsoracle import cli"),
        ("wsoracle/report.py", "from .model import rules"),
        ("wsoracle/report.py", "from . import model"),
        ("wsoracle/report/html.py", "from ..generators.suite import Suite"),
        ("properties/judge.py", "from ..model import rules"),
        ("properties/judge.py", "from model.rules import RULES"),
        ("tests/model/rules/test_rules.py", "import model"),
        ("wsoracle/report.py", "from tests.conftest import PROFILES"),
        ("model/rules/__init__.py", "import z3"),
        ("model/octets/http.py", "import z3"),
        ("model/machine/symbolic.py", "import networkx"),
        ("model/rules/__init__.py", "import attrs"),
        ("model/rules/__init__.py", "import socket"),
        ("model/rules/__init__.py", "from time import monotonic"),
        ("model/rules/__init__.py", "from random import Random"),
        ("model/rules/__init__.py", "from os import path"),
        ("model/rules/__init__.py", "if True:\n    import asyncio.streams"),
        ("model/rules/__init__.py", "text = open('rules.txt')"),
        ("model/rules/__init__.py", "print('fired')"),
    ],
)
def test_a_forbidden_import_is_found(path: str, source: str) -> None:
    assert len(import_faults(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("model/rules/__init__.py", "from .expression import Var\nfrom dataclasses import dataclass\nimport struct"),
        ("model/machine/symbolic.py", "import z3"),
        ("model/octets/http.py", "from h11 import Connection"),
        ("model/wire/parser.py", "from ..vocabulary import Frame\nfrom . import lengths"),
        ("properties/judge.py", "import z3, time\nfrom wsoracle.model.rules import RULES\nfrom wsoracle import model"),
        ("generators/suite/suite.py", "from wsoracle.properties.judge import judge"),
        ("wsoracle/cli.py", "from wsoracle.generators import suite\nfrom .report import show\nfrom . import report"),
        ("wsoracle/report/html.py", "from ..cli import main\nfrom .generators import page"),
        ("tests/model/rules/test_rules.py", "import wsoracle\nfrom wsoracle.model import rules\nimport tests.conftest"),
    ],
)
def test_an_allowed_import_is_not(path: str, source: str) -> None:
    assert import_faults(path, source) == []


# --- packages


def installed_name(path: str) -> str:
    """Where a file or folder of the repository's four folders lies in the wheel."""
    return path if path.split("/")[0] == "wsoracle" else f"wsoracle/{path}"


def package_faults(listed: Iterable[str], files: Iterable[str]) -> list[str]:
    """What differs between the packages that pyproject.toml lists and the folders that hold Python files."""
    paths = [Path(name) for name in files]
    holding = {path.parent for path in paths}
    with_init = {path.parent for path in paths if path.name == "__init__.py"}
    present = {installed_name(folder.as_posix()).replace("/", ".") for folder in with_init}
    return [
        *(f"{folder} has Python files and no __init__.py" for folder in sorted(holding - with_init)),
        *(f"{name} is not listed in pyproject.toml" for name in sorted(present - set(listed))),
        *(f"{name} is listed in pyproject.toml and has no folder" for name in sorted(set(listed) - present)),
    ]


def test_every_package_is_listed() -> None:
    assert package_faults(PROJECT["tool"]["setuptools"]["packages"], python_files(*LAYERS)) == []


@pytest.mark.parametrize(
    ("listed", "files"),
    [
        (["wsoracle"], ["wsoracle/__init__.py", "model/__init__.py"]),
        (["wsoracle", "wsoracle.model"], ["wsoracle/__init__.py"]),
        (["wsoracle"], ["wsoracle/__init__.py", "wsoracle/report/__init__.py"]),
        (["wsoracle"], ["wsoracle/__init__.py", "wsoracle/report/html.py"]),
    ],
)
def test_a_package_left_out_is_found(listed: list[str], files: list[str]) -> None:
    assert len(package_faults(listed, files)) == 1


def test_the_links_lead_to_the_folders() -> None:
    for layer in LAYERS[:-1]:
        link = ROOT / "wsoracle" / layer
        assert link.is_symlink()
        assert link.readlink() == Path("..") / layer


# --- the wheel


def wheel_faults(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """What is wrong with the files of a wheel: a top-level name that is not ours, or a wanted file that is missing."""
    inside = set(names)
    tops = {name.partition("/")[0] for name in inside}
    return [
        *(
            f"{top} would reach site-packages"
            for top in sorted(tops)
            if not re.fullmatch(r"wsoracle(-.*\.dist-info)?", top)
        ),
        *(f"{name} is missing" for name in sorted(set(wanted) - inside)),
    ]


@pytest.mark.slow
def test_the_wheel_holds_wsoracle_whole_and_nothing_else(tmp_path: Path) -> None:
    # Built from a copy: setuptools leaves build/ behind, and what lies there from before would get into the wheel.
    source = tmp_path / "source"
    source.mkdir()
    for layer in LAYERS:
        shutil.copytree(ROOT / layer, source / layer, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    files = [path for path in repository_files() if path.split("/")[0] in LAYERS and not (ROOT / path).is_symlink()]
    assert wheel_faults(names, [installed_name(path) for path in files]) == []
    assert {installed_name(f"{layer}/py.typed") for layer in LAYERS} <= set(names)
    assert f"wsoracle/model/machine/{MODULE}.py" in names


@pytest.mark.slow
def test_the_sdist_holds_the_repository(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for path in repository_files():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, source / path, follow_symlinks=False)
    subprocess.run(
        [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(source)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {path for path in repository_files() if not (ROOT / path).is_symlink()}
    assert sorted(wanted - names) == []


def test_a_bad_wheel_is_found() -> None:
    good = ["wsoracle/py.typed", "wsoracle/model/py.typed", "wsoracle-0.1.0.dist-info/METADATA"]
    wanted = ["wsoracle/py.typed", "wsoracle/model/py.typed"]
    assert wheel_faults(good, wanted) == []
    assert wheel_faults([*good, "model/__init__.py"], wanted) == ["model would reach site-packages"]
    assert wheel_faults(good, [*wanted, "wsoracle/case.json"]) == ["wsoracle/case.json is missing"]


# --- the lock file


def lock_faults(lock: str, requirements: Iterable[str]) -> list[str]:
    """Lines of a lock file that are not plain, and requirements that it does not meet."""
    faults = []
    locked: dict[str, str] = {}
    for line in lock.splitlines():
        plain = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][A-Za-z0-9.]*)", line)
        if plain is None:
            faults.append(f"not a plain name==version: {line!r}")
        elif canonicalize_name(plain[1]) in locked:
            faults.append(f"{plain[1]} is locked twice")
        else:
            locked[canonicalize_name(plain[1])] = plain[2]
    for requirement in map(Requirement, requirements):
        version = locked.get(canonicalize_name(requirement.name))
        if version is None:
            faults.append(f"{requirement.name} is not locked")
        elif not requirement.specifier.contains(version):
            faults.append(f"{requirement} does not allow the locked {version}")
    return faults


def test_the_lock_is_plain_and_complete() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    every = [
        *PROJECT["build-system"]["requires"],
        *PROJECT["project"]["dependencies"],
        *(requirement for extra in extras.values() for requirement in extra),
    ]
    requirements = [one for one in every if not one.startswith("wsoracle[")]
    assert lock_faults(LOCK.read_text(encoding="utf-8"), requirements) == []


def extra_faults(extras: dict[str, list[str]], modules: dict[str, str]) -> list[str]:
    """Modules that an extra is said to bring, and does not; and requirements of an extra of ours that there is not."""
    brought = {extra: [Requirement(one) for one in wanted] for extra, wanted in extras.items()}
    distributions = {"z3": "z3-solver"}
    return [
        *(
            f"[{extra}] does not bring {module}"
            for module, extra in modules.items()
            if distributions.get(module, module) not in {one.name for one in brought.get(extra, [])}
        ),
        *(
            f"[{extra}] wants [{name}], which there is not"
            for extra, wanted in brought.items()
            for one in wanted
            if one.name == "wsoracle"
            for name in sorted(one.extras - set(extras))
        ),
    ]


def test_an_extra_brings_what_the_command_line_says() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    assert extra_faults(extras, dict(EXTRAS)) == []
    assert not {canonicalize_name(Requirement(one).name) for one in PROJECT["project"]["dependencies"]} & set(EXTRAS)
    (everything,) = map(Requirement, extras["all"])
    assert everything.extras == {*EXTRAS.values()}


def test_an_extra_that_lacks_something_is_found() -> None:
    assert extra_faults({"prove": ["z3-solver>=4"]}, {"z3": "prove"}) == []
    assert extra_faults({"prove": []}, {"z3": "prove"}) == ["[prove] does not bring z3"]
    assert extra_faults({"all": ["wsoracle[pcap]"]}, {}) == ["[all] wants [pcap], which there is not"]


@pytest.mark.parametrize(
    "line",
    [
        "rich",
        "rich>=15",
        "rich==15.0.0 --hash=sha256:00",
        "--no-index",
        "-e .",
        "rich @ file:rich.whl",
        "",
        "# rich==15",
    ],
)
def test_a_line_that_is_not_plain_is_found(line: str) -> None:
    assert lock_faults(f"click==8.5.1\n{line}\n", []) == [f"not a plain name==version: {line!r}"]


def test_a_requirement_that_is_not_met_is_found() -> None:
    lock = "types_click==8.5.1\n"
    assert lock_faults(lock, ["types-click>=8"]) == []
    assert lock_faults(lock, ["rich"]) == ["rich is not locked"]
    assert lock_faults(lock, ["types-click>=9"]) == ["types-click>=9 does not allow the locked 8.5.1"]
    assert lock_faults(lock + "Types.Click==8.5.2\n", []) == ["Types.Click is locked twice"]


# --- nothing of one machine

# A folder of one machine where a path begins, a registry's address, or an option that names one. The program folder of
# Autobahn's container image is none: builds of others name it.
MACHINE = re.compile(
    r"(?<![\w.~<>)}-])/(?:work|root|home|Users|tmp|opt(?!/pypy/bin)|mnt|srv)/"
    r"|file:/{2}"
    r"|pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)"
    r"|--(?:extra-)?index[-]url|--find[-]links|PIP_(?:FIND|INDEX|EXTRA)"
)


def machine_faults(path: str, text: str) -> list[str]:
    """Every line of a text that names a place on one machine or a package registry."""
    return [
        f"{path}:{number}: {match[0]!r}"
        for number, line in enumerate(text.splitlines(), start=1)
        for match in MACHINE.finditer(line)
    ]


def repository_files() -> list[str]:
    """Paths from the root of every tracked file; outside a git checkout, of every file that .gitignore would keep."""
    git = shutil.which("git")
    if git is not None and (ROOT / ".git").exists():
        listing = subprocess.run([git, "-C", str(ROOT), "ls-files", "-z"], check=True, capture_output=True, text=True)
        return [path for path in listing.stdout.split("\0") if path and (ROOT / path).exists()]
    left_out = {".venv", "out", "build", "dist", "htmlcov", "__pycache__", ".coverage"}
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*")
        if path.is_file()
        and not any(part in left_out or part.endswith((".egg-info", "_cache")) for part in path.relative_to(ROOT).parts)
    )


def test_nothing_names_one_machine() -> None:
    files = repository_files()
    assert "pyproject.toml" in files
    faults = []
    for path in files:
        file = ROOT / path
        if file.is_symlink():
            assert not file.readlink().is_absolute(), path
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except (UnicodeDecodeError, IsADirectoryError):
            continue
        faults += machine_faults(path, text)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "parts",
    [
        ("see /", "work/shared/rfc"),
        ("'/", "root/.cache'"),
        ("cd /", "home/someone"),
        ("file:/", "/simple"),
        ("https://", "pypi", ".org/simple"),
        ("pip install --", "index-url x"),
        ("PIP_", "FIND_LINKS=x"),
    ],
)
def test_a_place_on_one_machine_is_found(parts: tuple[str, ...]) -> None:
    # In parts, so that this file passes its own check.
    assert len(machine_faults("notes.md", "first line\n" + "".join(parts))) == 1


@pytest.mark.parametrize(
    "text", ["../work/x", "docs/home/index.md", "https://example.org/home/x", "ws://host/", "a/tmp/b"]
)
def test_a_place_anywhere_is_not(text: str) -> None:
    assert machine_faults("notes.md", text) == []
