"""Options that several commands have, and the selection of ids by patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from wsoracle.generators.jobs import JOBS
from wsoracle.model.notation.switches import SWITCHES, Switches

from ..autobahn.data import AutobahnDataError, autobahn_data
from ..cli import WrongInput
from ..text.output import OutputError, check_writable
from ..text.patterns import matching

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_SEED: Final = 6455

_NEAR: Final = 3
_PARTS: Final = re.compile(r"[./~]")


def checked_file(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Callback of an option that names a file to be written: refuses at once what cannot be written."""
    if name is not None:
        try:
            check_writable(name)
        except OutputError as error:
            raise WrongInput(f"{option.opts[0]}: {error}", context) from error
    return name


def json_option(function: F) -> F:
    """The option ``--json FILE``."""
    return click.option(
        "--json", "json_file", callback=checked_file, metavar="FILE", help="Write it as JSON; - prints that instead."
    )(function)


def seed_option(function: F) -> F:
    """The option ``--seed N``."""
    return click.option(
        "--seed", type=click.IntRange(min=0), default=DEFAULT_SEED, show_default=True, help="Same seed, same result."
    )(function)


def jobs_option(function: F) -> F:
    """The option ``--jobs N``."""
    return click.option(
        "--jobs", type=click.IntRange(1, 64), default=JOBS, show_default=True, help="Processes at once."
    )(function)


def select(pattern: str | None, ids: Iterable[str], what: str, words: Mapping[str, str] | None = None) -> list[str]:
    """The ids that a pattern selects (see :func:`matching`); without one, all. ``words`` are searched too, by id.

    Raises :class:`WrongInput` where it selects nothing, and for an empty one: a variable of a script that is not set.
    """
    everything = list(ids)
    if pattern is None:
        return everything
    not_empty(pattern, what)
    found = matching(pattern, everything, words)
    if found:
        return found
    near = near_misses(pattern, everything) or everything[:1]
    hint = f"such as {', '.join(near)}" if near else "of which there are none"
    raise WrongInput(f"no {what} matches {pattern!r}: give a part of an id, or a pattern with *, {hint}")


def near_misses(pattern: str, ids: Sequence[str]) -> list[str]:
    """Up to three ids that are like a pattern: alike as a whole, with a part that is alike, or with its beginning."""
    folded = {one.casefold(): one for one in ids}
    wanted = pattern.casefold()
    near = get_close_matches(wanted, folded, n=_NEAR, cutoff=0.75)
    if not near:
        *_, last = _PARTS.split(wanted)
        parts = {part for one in folded for part in _PARTS.split(one) if len(part) > 2}
        alike = get_close_matches(last, parts, n=_NEAR, cutoff=0.75)
        near = [one for one in folded if any(part in _PARTS.split(one) for part in alike)]
    while not near and _PARTS.search(wanted):
        wanted = wanted[: [found.start() for found in _PARTS.finditer(wanted)][-1]]
        near = [one for one in folded if one.startswith((f"{wanted}.", f"{wanted}/"))]
    return [folded[one] for one in near or get_close_matches(wanted, folded, n=_NEAR, cutoff=0.5)][:_NEAR]


def not_empty(pattern: str, what: str) -> None:
    """Raise :class:`WrongInput` for an empty pattern."""
    if not pattern:
        raise WrongInput(f"the pattern is empty: give a part of the id of a {what}, or leave it out")


def checked_autobahn_cases(name: str | None = None) -> Path | None:
    """Autobahn's data, where it is here. Raises :class:`WrongInput` where it is not what it should be."""
    try:
        return autobahn_data(name)
    except AutobahnDataError as error:
        raise WrongInput(str(error)) from error


def switches_of(given: Sequence[str]) -> Switches:
    """The switches of options such as NAME=VALUE. Raises WrongInput."""
    changes = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise WrongInput(
                f"--switch {one}: write it as NAME=VALUE, such as {SWITCHES[0].name}={SWITCHES[0].default}"
            )
        changes[name.strip().replace("-", "_")] = value.strip()
    try:
        return Switches(**changes)
    except ValueError as error:
        raise WrongInput(f"--switch: {error}") from error
