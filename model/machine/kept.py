"""Functions that were generated before, so that a start need not generate and compile them anew.

Theory of operation. A wheel brings a module that is made when the wheel is built (:func:`module_text`): Python compiles
and keeps it like any other, so that nothing is written where the rules are used, and nothing is read that is not a part
of the package. A function is found by a digest of all that it is generated from: the rows of its kind, the values of
the setting, the names of the variables. So a changed row, of a mutant or of a rule that was edited, never gets what was
generated from another. What is not found is generated, as in a checkout, which has no such module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from ..notation.expression import Value, source
from ..notation.rule import RuleSet
from ..notation.variables import FACT_VARIABLES, STATE_VARIABLES, EventKind

FUNCTIONS: Mapping[bytes, Callable[..., Any]]
try:
    from .kept_functions import FUNCTIONS  # type: ignore[import-not-found, no-redef]
except Exception:
    # There is none, or whatever is wrong with it: everything in it can be generated.
    FUNCTIONS = {}

MODULE: Final = "kept_functions"
"""The module beside this one that a wheel has."""

_BEGINNING: Final = '''"""Generated when the wheel was built: functions by a digest of what they are made of."""

from ..notation.variables import State

new = tuple.__new__
FUNCTIONS = {}
'''


def key_of_text(text: str) -> bytes:
    """The key of a function that is found by its generated source."""
    return _digest("text", text)


def key_of_rows(what: str, rules: RuleSet, kind: EventKind, values: Mapping[str, Value]) -> bytes:
    """The key of a function that is generated from the rows of a kind, with the values of a setting."""
    return _digest(what, kind.value, _rows(rules, kind), repr(sorted(values.items())))


def kept_by_text(text: str) -> Any:
    """The function that a generated source defines, where it is kept, or None."""
    return FUNCTIONS.get(key_of_text(text)) if FUNCTIONS else None


def kept_by_rows(what: str, rules: RuleSet, kind: EventKind, values: Mapping[str, Value]) -> Any:
    """The function that is generated from the rows of a kind, where it is kept, or None."""
    return FUNCTIONS.get(key_of_rows(what, rules, kind, values)) if FUNCTIONS else None


def module_text(functions: Iterable[tuple[bytes, str, str]]) -> str:
    """The module that keeps functions, each given by its key, its source, and its name there."""
    keys: dict[tuple[str, str], list[bytes]] = {}
    for key, text, name in functions:
        keys.setdefault((text, name), []).append(key)
    parts = [_BEGINNING]
    for (text, name), those in keys.items():
        parts.append(f"{text}\nfor _key in {tuple(dict.fromkeys(those))!r}:\n    FUNCTIONS[_key] = {name}\n")
    return "\n".join(parts)


@lru_cache(maxsize=256)
def _rows(rules: RuleSet, kind: EventKind) -> str:
    rows = [(rule.refuses, source(rule.when)) for rule in rules.of(kind)]
    return repr((rows, tuple(STATE_VARIABLES), tuple(FACT_VARIABLES[kind])))


def _digest(*parts: str) -> bytes:
    return blake2b("\0".join(parts).encode(), digest_size=16).digest()
