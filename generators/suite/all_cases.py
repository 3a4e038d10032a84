"""All generated cases, of any origin: ``wsoracle generate`` writes them, and requirements refer to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ..cases.case import Case
from ..cases.derived import check_suite
from .compressed_cases import compressed_cases
from .fault_cases import fault_cases
from .suite import OnStep, analyse, suite_cases
from .witness_cases import witness_cases

Killers: TypeAlias = tuple[Sequence[Case], Mapping[str, str]]
"""The cases of the mutants' suite, and for what cannot be one the reason."""

NO_KILLERS: Final[Killers] = ((), {})


@dataclass(frozen=True)
class Collection:
    """Cases in the order of their ids, and what is no case: the id that it would have, with the reason."""

    cases: tuple[Case, ...]
    left_out: Mapping[str, str]


def collect(seed: int, step: OnStep, killers: Killers | None = None, found: Iterable[Case] = ()) -> Collection:
    """Every case: witnesses of the rules, faults in opening handshakes, compressed messages, killers of the mutants,
    and what was ``found``.

    ``killers`` are the cases of the mutants' suite where they are known already (none of them: :data:`NO_KILLERS`);
    otherwise the suite is worked out, which takes a minute or two. The same seed gives the same cases; ``step`` is told
    of each source before its turn.
    """
    step("witnesses of the rules", 0, 2)
    cases, left = witness_cases()
    faulty, impossible = fault_cases()
    compressed, unbuilt = compressed_cases()
    if killers is None:
        killers = suite_cases(analyse(step=step))
    more, reasons = killers
    every = {case.id: case for case in (*cases, *faulty, *compressed, *more, *found)}
    return Collection(
        check_suite(every.values()), {**{one.id: one.why for one in left}, **impossible, **unbuilt, **reasons}
    )


def cases_by_rule(collection: Collection) -> dict[str, list[str]]:
    """For each rule the ids of the cases that exercise it: those whose outcomes name it, and its own witnesses."""
    found: dict[str, list[str]] = {}
    for case in collection.cases:
        rules = {rule for outcome in case.allowed for rule in outcome.rules}
        rules |= {departure.rule for outcome in case.allowed for departure in outcome.departs_from}
        if case.origin.rule is not None:
            rules.add(case.origin.rule)
        for rule in rules:
            found.setdefault(rule, []).append(case.id)
    return found
