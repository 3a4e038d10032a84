"""The house: imports form no circle, every room says what it is for, and a class name means one thing.

Modules are read, not imported. Imports inside functions count too: some commands import late to start quickly, and a
circle hidden in a function is one all the same.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import networkx
import pytest

from tests.import_lint import LAYERS

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = {Path("wsoracle/fleet/scripts"), Path("wsoracle/driving/examples")}


@cache
def sources() -> dict[str, str]:
    """The text of each module of the product, by its path from the root with slashes; links are not followed."""
    found = {}
    for layer in LAYERS:
        for path in (ROOT / layer).rglob("*.py"):
            inside = path.relative_to(ROOT)
            linked = any((ROOT / parent).is_symlink() for parent in inside.parents)
            if not linked and SCRIPTS.isdisjoint(inside.parents):
                found[inside.as_posix()] = path.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


@cache
def nodes_of(source: str) -> tuple[ast.stmt, ...]:
    """The imports and classes of a source, wherever in it."""
    wanted = (ast.Import, ast.ImportFrom, ast.ClassDef)
    return tuple(node for node in ast.walk(ast.parse(source)) if isinstance(node, wanted))


def module_name(path: str) -> str:
    """The dotted name under which the module at a path is imported."""
    parts = path.removesuffix(".py").split("/")
    parts = parts if parts[0] == "wsoracle" else ["wsoracle", *parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(path: str) -> str:
    """The room of a module: the folder below one of the four, or the module itself where it lies in none."""
    parts = path.split("/")
    return "/".join(parts[:2])


def imports(path: str, source: str, modules: Mapping[str, str]) -> Iterator[str]:
    """The paths of the product's modules that a module imports, wherever in it."""
    package = module_name(path).split(".")
    if not path.endswith("__init__.py"):
        package.pop()
    for node in nodes_of(source):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{module}.{alias.name}"
                target = modules.get(name) or modules.get(module)
                if target is not None and target != path:
                    yield target
        elif isinstance(node, ast.Import):
            yield from (modules[alias.name] for alias in node.names if alias.name in modules)


def circles(arrows: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The groups of places from which an arrow leads back to where it came from."""
    graph: networkx.DiGraph[str] = networkx.DiGraph((a, b) for a, b in arrows if a != b)
    return sorted(sorted(group) for group in networkx.strongly_connected_components(graph) if len(group) > 1)


def arrows_of(files: Mapping[str, str]) -> list[tuple[str, str]]:
    modules = {module_name(path): path for path in files}
    return [(path, target) for path, source in files.items() for target in imports(path, source, modules)]


def named_types(path: str, source: str) -> Iterator[tuple[str, str]]:
    """The public classes and type aliases of a module, with what each stands for: a class for itself alone."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            yield node.name, path
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            meaning = ast.unparse(node.value)
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) and not (target.id.isupper() or meaning.startswith("TypeVar(")):
                    yield target.id, meaning


def repeated_names(files: Mapping[str, str]) -> dict[str, list[str]]:
    """Public names of classes and types that stand for different things in several modules, with the modules."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for path, source in files.items():
        for name, meaning in named_types(path, source):
            if name[0].isupper():
                found[name].setdefault(meaning, path)
    return {name: list(where.values()) for name, where in sorted(found.items()) if len(where) > 1}


def rooms_without_words(files: Mapping[str, str]) -> list[str]:
    """Packages whose docstring has fewer than two sentences: what lives there, what goes in and what comes out."""
    wanting = []
    for path, source in files.items():
        if path.endswith("/__init__.py"):
            words = ast.get_docstring(ast.parse(source)) or ""
            if words.count(". ") + words.count(".\n") + words.endswith(".") < 2:
                wanting.append(path)
    return wanting


def test_no_circle_of_imports() -> None:
    assert circles(arrows_of(sources())) == []


def test_no_circle_of_rooms() -> None:
    # What lies directly in a folder is no room: the facade and the command line may know every room.
    rooms = [(room_of(a), room_of(b)) for a, b in arrows_of(sources())]
    assert circles(rooms) == []


def test_a_name_of_a_class_or_type_means_one_thing() -> None:
    assert repeated_names(sources()) == {}


def test_every_room_says_what_it_is_for() -> None:
    assert rooms_without_words(sources()) == []


@pytest.mark.parametrize(
    "late", ["from .b import B", "def late():\n    from .b import B", "def late():\n    from wsoracle.model import b"]
)
def test_a_circle_is_found(late: str) -> None:
    files = {"model/a.py": late, "model/b.py": "from . import a", "model/c.py": "from .a import A"}
    assert circles(arrows_of(files)) == [["model/a.py", "model/b.py"]]


def test_a_name_with_two_meanings_is_found() -> None:
    files = {
        "model/a.py": "class Step: ...\nOnStep = Callable[[str], None]\nT = TypeVar('T')",
        "wsoracle/x/b.py": "class Step: ...\nOnStep = Callable[[str], None]\nT = TypeVar('T', bound=A)",
        "c.py": "class _Side: ...\nEnd: TypeAlias = int",
        "d.py": "class _Side: ...\nEnd = str\nSTEP = 1",
    }
    assert repeated_names(files) == {"End": ["c.py", "d.py"], "Step": ["model/a.py", "wsoracle/x/b.py"]}


def test_a_room_without_words_is_found() -> None:
    files = {"model/x/__init__.py": '"""One sentence."""', "model/y/__init__.py": '"""One. And\n\ntwo."""'}
    assert rooms_without_words(files) == ["model/x/__init__.py"]
