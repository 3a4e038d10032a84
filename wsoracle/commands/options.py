"""Options that several commands have, and the selection of ids by patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from wsoracle.model.notation.switches import SWITCHES, Switches

from ..autobahn.data import AutobahnDataError, autobahn_data
from ..cli import WrongInput
from ..text.output import OutputError, check_writable
from ..text.patterns import matching

if TYPE_CHECKING:
    from wsoracle.generators.cases.case import Case

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_SEED: Final = 6455


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


def select(pattern: str | None, ids: Iterable[str], what: str, words: Mapping[str, str] | None = None) -> list[str]:
    """The ids that a pattern selects (see :func:`matching`); without one, all. ``words`` are searched too, by id.

    Raises :class:`WrongInput` where it selects nothing, and for an empty one: a variable of a script that is not set.
    """
    everything = list(ids)
    if pattern is None:
        return everything
    _not_empty(pattern, what)
    found = matching(pattern, everything, words)
    if found:
        return found
    near = get_close_matches(pattern, everything, n=3, cutoff=0.5) or everything[:1]
    hint = f"such as {', '.join(near)}" if near else "of which there are none"
    raise WrongInput(f"no {what} matches {pattern!r}: give a part of an id, or a pattern with *, {hint}")


def select_cases(pattern: str | None, cases: Iterable[Case]) -> list[str]:
    """The ids of the cases that a pattern selects, by their ids, titles, groups and the rules that they are about."""
    every = list(cases)
    words = {case.id: " ".join((case.title, *case.group, *case.quotes)) for case in every}
    return select(pattern, words, "case", words)


def _not_empty(pattern: str, what: str) -> None:
    if not pattern:
        raise WrongInput(f"the pattern is empty: give a part of the id of a {what}, or leave it out")


def foreseen(pattern: str | None) -> None:
    """Raise :class:`WrongInput` for a pattern that can select no generated case, before they are worked out.

    The ids of controls are known only then: a pattern that may be for one of them is taken.
    """
    if pattern is not None and not pattern.casefold().startswith(("control", "*", "?", "[")):
        _not_empty(pattern, "case")
        from wsoracle.generators.cases.runnable import runnable_cases
        from wsoracle.generators.suite.all_cases import foreseen_ids  # not for commands that generate nothing

        ids = foreseen_ids()
        known = matching(pattern, (case.id for case in runnable_cases()))
        if known and not matching(pattern, ids):
            raise WrongInput(
                f"{pattern!r} selects cases that a tester plays, such as {known[0]}, and none that is generated: "
                f"wsoracle test --select runs it, wsoracle cases {known[0]} --script python writes it as a script"
            )
        select(pattern, ids, "case")


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
