"""Options that several commands have, and the selection of ids by patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Final, TypeVar

import click

from ..cli import WrongInput
from ..output import OutputError, check_writable

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


def select(pattern: str, ids: Iterable[str], what: str) -> list[str]:
    """The ids that a pattern selects, in their order.

    With ``*``, ``?`` or ``[`` it must match a whole id; else those are selected that begin with it, or, where none
    does, those that have it anywhere. Raises :class:`WrongInput` where it selects nothing.
    """
    everything = {one: one.casefold() for one in ids}
    wanted = pattern.casefold()
    if any(character in wanted for character in "*?["):
        found = [one for one, folded in everything.items() if fnmatchcase(folded, wanted)]
    else:
        found = [one for one, folded in everything.items() if folded.startswith(wanted)]
        found = found or [one for one, folded in everything.items() if wanted in folded]
    if found:
        return found
    near = get_close_matches(pattern, everything, n=1, cutoff=0.5) or list(everything)[:1]
    hint = f"such as {near[0]}" if near else "of which there are none"
    raise WrongInput(f"no {what} matches {pattern!r}: give a part of an id, or a pattern with *, {hint}")


__all__ = ["DEFAULT_SEED", "checked_file", "json_option", "seed_option", "select"]
