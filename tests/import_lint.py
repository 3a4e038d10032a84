"""Which imports break the architecture: `model <- properties <- generators <- wsoracle`, and a pure model.

A source file goes in with its path from the repository's root; one sentence for each fault comes out.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

# A folder may use the ones before it and itself.
LAYERS = ("model", "properties", "generators", "wsoracle")

# Modules of the standard library through which the world, the clock or chance would come into the model.
IMPURE = frozenset(
    {
        *("asyncio", "builtins", "concurrent", "ctypes", "datetime", "fcntl", "fileinput", "getpass", "glob", "http"),
        *("importlib", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "pickle", "platform", "queue"),
        *("random", "sched", "secrets", "select", "selectors", "shelve", "shutil", "signal", "socket", "socketserver"),
        *("sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid", "webbrowser"),
    }
)
IMPURE_CALLS = frozenset({"__import__", "breakpoint", "input", "open", "print"})

# The only files of the model that may use a library, and which.
LIBRARY_OF = {
    "model/machine/symbolic.py": "z3",
    "model/octets/http.py": "h11",
}


def import_faults(path: str, source: str) -> list[str]:
    """Every import (and, in the model, every impure call) of the file at `path` that the architecture forbids."""
    tree = ast.parse(source, filename=path)
    faults = [
        f"{path}:{line}: {fault}" for line, target, level in _imports(tree) for fault in _judge(path, target, level)
    ]
    if PurePosixPath(path).parts[0] == "model":
        faults += [
            f"{path}:{node.lineno}: the model is pure and may not call {node.func.id}()"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS
        ]
    return faults


def _imports(tree: ast.AST) -> Iterator[tuple[int, str, int]]:
    """Line, dotted target and leading dots of each import; `from wsoracle import model` targets `wsoracle.model`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, 0
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module == "wsoracle" or not module:
                for alias in node.names:
                    yield node.lineno, f"{module}.{alias.name}".lstrip("."), node.level
            else:
                yield node.lineno, module, node.level


def _judge(path: str, target: str, level: int) -> Iterator[str]:
    folder = PurePosixPath(path).parts[0]
    if level:
        yield from _judge_relative(path, target, level)
        return
    top = target.partition(".")[0]
    if top in LAYERS[:-1]:
        yield f"`{target}` exists only in a checkout; the installed name is `wsoracle.{target}`"
    elif top == "tests" and folder != "tests":
        yield "nothing but a test may import the tests"
    elif top == "wsoracle" and folder != "tests":
        owner = layer_of(target)
        if owner == folder:
            yield f"inside {folder}/ imports are relative, so not `{target}`"
        elif LAYERS.index(owner) > LAYERS.index(folder):
            yield f"{folder}/ may not know {owner}/: {' <- '.join(LAYERS)}"
    elif folder == "model" and top != "wsoracle":
        yield from _judge_library(path, top)


def _judge_relative(path: str, target: str, level: int) -> Iterator[str]:
    parents = PurePosixPath(path).parts[:-1]
    if level > len(parents):
        yield f"`{'.' * level}{target}` leaves {parents[0]}/; across folders imports are absolute"
    elif parents[0] == "wsoracle" and level == len(parents) and target.partition(".")[0] in LAYERS[:-1]:
        yield f"`{'.' * level}{target}` is another folder; across folders imports are absolute"


def _judge_library(path: str, top: str) -> Iterator[str]:
    if top in IMPURE:
        yield f"the model is pure and may not import {top}"
    elif top not in sys.stdlib_module_names and LIBRARY_OF.get(path) != top:
        yield f"{path} may use the standard library only, so not {top}"


def layer_of(target: str) -> str:
    """The folder that holds the module `target`, a dotted name that begins with `wsoracle`."""
    parts = target.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in LAYERS[:-1] else "wsoracle"
