"""Checks of messages, compiled from their JSON Schema: the schema that is shipped is what decides, in microseconds.

The keywords are those that our schemas use; another one is an error of the schema (ValueError).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

Check: TypeAlias = Callable[[Any, str], None]
"""Takes a value and its place in the message; raises :class:`NotOfSchema`."""

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
}
_WORDS: Final = {
    dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number",
    type(None): "null",
}  # fmt: skip
_NO_CHECKS: Final = frozenset(("description", "title", "$schema", "$id", "$defs", "anyOf"))


class NotOfSchema(ValueError):
    """A value is not as its schema says: one sentence with its place."""


@cache
def schema(name: str, package: str | None = None) -> dict[str, Any]:
    """A schema that is shipped in a package, by default this one."""
    loaded: dict[str, Any] = json.loads(files(package or __package__).joinpath(name).read_text("utf-8"))
    return loaded


def check_of(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Check:
    """The check of a part of a schema; ``whole`` is where references lead."""
    if "$ref" in part:
        return check_of(_referred(part["$ref"], whole), whole)
    checks = [_KEYWORDS[keyword](part, whole) for keyword in part if keyword in _KEYWORDS]
    unknown = [k for k in part if k not in _KEYWORDS and k not in _NO_CHECKS and k != "additionalProperties"]
    if unknown:
        raise ValueError(f"no check of {', '.join(unknown)}")
    if len(checks) == 1:
        return checks[0]

    def all_of(value: Any, place: str) -> None:
        for check in checks:
            check(value, place)

    return all_of


def _referred(reference: str, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = whole
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def _in_words(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return _WORDS[type(value)]
    text = json.dumps(value) if not isinstance(value, int) or abs(value) < 1 << 64 else "a number that long"
    return text if len(text) <= 60 else f"{text[:50]}..."


def _type(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Check:
    names = [part["type"]] if isinstance(part["type"], str) else part["type"]
    kinds = frozenset(kind for name in names for kind in _TYPES[name])
    wanted = " or ".join(_WORDS[_TYPES[name][0]] for name in names)

    def check(value: Any, place: str) -> None:
        if type(value) not in kinds:
            raise NotOfSchema(f"{place}: expected {wanted}, got {_in_words(value)}")

    return check


def _enum(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Check:
    among = part["enum"] if "enum" in part else [part["const"]]
    wanted = ", ".join(_in_words(one) for one in among)

    def check(value: Any, place: str) -> None:
        if not any(type(value) is type(one) and value == one for one in among):
            raise NotOfSchema(f"{place}: expected {'one of ' * (len(among) > 1)}{wanted}, got {_in_words(value)}")

    return check


def _pattern(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Check:
    pattern = re.compile(part["pattern"].removesuffix("$") + r"\Z" * part["pattern"].endswith("$"))
    what = "two hexadecimal digits for each octet" if "0-9a-fA-F" in part["pattern"] else part["pattern"]

    def check(value: Any, place: str) -> None:
        if isinstance(value, str) and pattern.search(value) is None:
            raise NotOfSchema(f"{place}: expected {what}, got {_in_words(value)}")

    return check


def _between(least: str, most: str, what: str, measure: Callable[[Any], int], kind: type) -> Any:
    def compiled(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Check:
        lowest, highest = part.get(least), part.get(most)

        def check(value: Any, place: str) -> None:
            if type(value) is kind:
                size = measure(value)
                if (lowest is not None and size < lowest) or (highest is not None and size > highest):
                    bounds = f"{lowest} or more" if highest is None else f"{lowest or 0} to {highest}"
                    raise NotOfSchema(f"{place}: expected {bounds}{what}, got {_in_words(value)}")

        return check

    return compiled


def _properties(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Check:
    checks = {name: check_of(one, whole) for name, one in part["properties"].items()}
    closed = part.get("additionalProperties") is False

    def check(value: Any, place: str) -> None:
        if type(value) is not dict:
            return
        for name, held in value.items():
            known = checks.get(name)
            if known is not None:
                known(held, f"{place}.{name}" if place else name)
            elif closed:
                raise NotOfSchema(f"{place + '.' if place else ''}{_in_words(name)[1:-1]}: there is no such field")

    return check


def _required(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Check:
    names = tuple(part["required"])

    def check(value: Any, place: str) -> None:
        if type(value) is dict:
            for name in names:
                if name not in value:
                    raise NotOfSchema(f"{place + '.' if place else ''}{name}: it is missing")

    return check


def _items(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Check:
    each = check_of(part["items"], whole)

    def check(value: Any, place: str) -> None:
        if type(value) is list:
            for index, one in enumerate(value):
                each(one, f"{place}[{index}]")

    return check


_number: Final = _between("minimum", "maximum", "", int, int)
_length: Final = _between("minLength", "maxLength", " characters", len, str)
_count: Final = _between("minItems", "maxItems", " items", len, list)
_KEYWORDS: Final[Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Check]]] = {
    "type": _type, "enum": _enum, "const": _enum, "pattern": _pattern, "properties": _properties, "required": _required,
    "items": _items, "minimum": _number, "maximum": _number, "minLength": _length, "maxLength": _length,
    "minItems": _count, "maxItems": _count,
}  # fmt: skip
