"""Which cases a pattern of the command line selects: of those that a tester plays, and of those that are generated.

Most generated cases are among those that a tester plays. The others judge what an endpoint does on its own, or need
what no tester can bring about: ``wsoracle generate`` writes them, ``wsoracle cases ID`` shows them, no run has them.
A pattern that selects nothing of one kind is looked for in the other one, and what comes close is offered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.runnable import generated_cases, runnable_cases

from ..cli import WrongInput
from ..text.output import progress
from ..text.patterns import matching
from .options import DEFAULT_SEED, not_empty, select

_KILLER: Final = "mutant/"
_CONTROLS: Final = ("control", "*", "?", "[")
"""The ids of controls are not foreseen: a pattern that may be for one of them is taken."""


def select_cases(pattern: str | None, cases: Iterable[Case]) -> list[str]:
    """The ids of the cases that a pattern selects, by their ids, titles, groups and the rules that they are about.

    Raises WrongInput where it selects nothing, and says whether it would select cases that no tester plays.
    """
    every = list(cases)
    words = {case.id: _words(case) for case in every}
    if pattern and not matching(pattern, words, words):
        only = _only_generated(pattern)
        if only:
            raise WrongInput(
                f"{pattern!r} selects only what no tester plays, such as {only[0]}: "
                f"wsoracle cases {only[0]} shows it, wsoracle generate --select writes it"
            )
    return select(pattern, words, "case", words)


def select_known(pattern: str | None) -> list[Case]:
    """The cases that a pattern selects: those that a tester plays, or else the generated ones, which are worked out.

    Raises WrongInput where there are none, and for the case of a mutant that only ``wsoracle generate`` works out.
    """
    every = {case.id: case for case in runnable_cases()}
    words = {case.id: _words(case) for case in every.values()}
    only = _only_generated(pattern) if pattern and not matching(pattern, words, words) else []
    if pattern is None or not only:
        return [every[case_id] for case_id in select(pattern, words, "case", words)]
    if all(one.startswith(_KILLER) for one in only):
        raise WrongInput(
            f"{pattern!r} may select cases against mutants that no tester plays, such as {only[0]}: "
            "wsoracle generate --select works them out, which takes a minute or two"
        )
    from wsoracle.generators.suite.all_cases import NO_KILLERS, collect  # slow to import

    with progress("generating") as step:
        found = collect(DEFAULT_SEED, step, NO_KILLERS)
    left = {one: why for one, why in found.left_out.items() if one in only}
    chosen = matching(pattern, (case.id for case in found.cases))
    if not chosen and left:
        raise WrongInput(f"there is no case {next(iter(left))}: {next(iter(left.values()))}")
    selected = set(select(pattern, (case.id for case in found.cases), "case"))
    return [case for case in found.cases if case.id in selected]


def more_generated(pattern: str | None) -> int:
    """How many more cases of a pattern ``wsoracle generate`` may write than a tester plays; none for what is no
    beginning of their ids."""
    beginnings = ("witness/", "fault/", _KILLER)
    if pattern is None or not pattern.casefold().startswith(beginnings):
        return 0
    return len(set(_only_generated(pattern)) - {case.id for case in runnable_cases()})


def foreseen(pattern: str | None) -> None:
    """Raise WrongInput for a pattern that can select no generated case, before they are worked out."""
    if pattern is None or pattern.casefold().startswith(_CONTROLS):
        return
    not_empty(pattern, "case")
    words = {case.id: _words(case) for case in generated_cases()}
    if _only_generated(pattern) or matching(pattern, words, words):
        return
    played = {case.id: _words(case) for case in runnable_cases()}
    known = matching(pattern, played, played)
    if known:
        raise WrongInput(
            f"{pattern!r} selects cases that a tester plays, such as {known[0]}, and none that is generated: "
            f"wsoracle test --select runs it, wsoracle cases {known[0]} --script python writes it as a script"
        )
    select(pattern, [*played, *_foreseen_ids()], "case")


def select_generated(pattern: str | None, cases: Iterable[Case]) -> set[str]:
    """The ids of the generated cases that a pattern selects, by ids, titles and rules too. Raises WrongInput."""
    words = {case.id: _words(case) for case in cases}
    return set(select(pattern, words, "case", words))


def _words(case: Case) -> str:
    return " ".join((case.title, *case.group, *case.quotes))


def _only_generated(pattern: str) -> list[str]:
    return matching(pattern, _foreseen_ids())


def _foreseen_ids() -> list[str]:
    from wsoracle.generators.suite.foreseen_ids import foreseen_ids  # not for commands that generate nothing

    return foreseen_ids()
