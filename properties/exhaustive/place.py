"""Where an endpoint may be in a trace, and the rules as the exhaustive search asks them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import combinations
from typing import Final, NamedTuple

from wsoracle.model.facts.arriving import Partial
from wsoracle.model.machine.certain_so_far import KNOWN_ALWAYS, reasons_to_read, sure_failures
from wsoracle.model.machine.interpreted import Kind, Label, Outcome, after, allowed, enabled, forbidden_by
from wsoracle.model.notation.rule import Accept, Due, Fail, Forbid, Rule, RuleSet, Strength
from wsoracle.model.notation.variables import HEADER_VARIABLES, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets.http import Request
from wsoracle.model.rules import RULES

from ..judge.observation import Tells

BrokenRules = frozenset[str]


class Whereabouts(NamedTuple):
    """A place of an endpoint: its state, what it has read, and what it still has to do.

    ``read`` counts heads until the opening handshake is complete, frames from ``start`` on then. ``message`` is the
    one that is being received. ``broken`` are the rules that its one fault breaks; None without a fault. ``own``: its
    application did something for which the trace shows no reason. ``late`` is what was due when it was quiet, and has
    to come yet.
    """

    state: State
    read: int = 0
    start: int = 0
    eof: bool = False
    message: tuple[int, bytes] = (0, b"")
    pings: tuple[bytes, ...] = ()
    echoes: tuple[tuple[int, bytes], ...] = ()
    sending: tuple[int, bytes] = (0, b"")
    asked: int = 0
    untold: tuple[tuple[Tells, BrokenRules], ...] = ()
    request: Request | None = None
    refused_by: BrokenRules = frozenset()
    own: bool = False
    broken: BrokenRules | None = None
    late: frozenset[Due] = frozenset()


class Move(NamedTuple):
    """An outcome, and the rules that it breaks; None where it breaks none."""

    label: Label | None
    state: State
    broken: BrokenRules | None = None


@lru_cache(maxsize=4)
def _unrefusing(rules: RuleSet) -> RuleSet:
    """The rules without those that refuse anything."""
    return RuleSet(rule for rule in rules if not rule.refuses)


@lru_cache(maxsize=1 << 16)
def legal(setting: Setting, state: State, event: Event) -> tuple[Outcome, ...]:
    """The outcomes that are allowed in full."""
    return allowed(state, event, setting)


@lru_cache(maxsize=1 << 15)
def lesser(setting: Setting, state: State, event: Event) -> tuple[Move, ...]:
    """The outcomes that break SHOULD or CONSENSUS rules."""
    return tuple(move for move in _departing(setting, state, event) if move.broken)


@lru_cache(maxsize=1 << 15)
def unpromised(setting: Setting, state: State, event: Event) -> tuple[Move, ...]:
    """The outcomes that break no rule of the RFC, but what the application promises."""
    return tuple(move for move in _departing(setting, state, event) if not move.broken)


def _departing(setting: Setting, state: State, event: Event) -> tuple[Move, ...]:
    found = allowed(state, event, setting, departures=True)
    return tuple(Move(one.label, one.state, of_rfc(one.departs_from)) for one in found if one.departs_from)


def of_rfc(rules: Iterable[str]) -> BrokenRules:
    """Those of some rules that are the RFC's, and no promise of an application."""
    return frozenset(rule for rule in rules if RULES.by_id[rule].strength is not Strength.APPLICATION)


@lru_cache(maxsize=1 << 15)
def lawless(setting: Setting, state: State, event: Event) -> tuple[Outcome, ...]:
    """The outcomes for an endpoint that no rule stops."""
    return allowed(state, event, setting, _unrefusing(RULES))


@lru_cache(maxsize=1 << 15)
def refusing(setting: Setting, state: State, event: Event) -> BrokenRules:
    """The rules that refuse an event."""
    return of_rfc(rule.id for rule in forbidden_by(state, event, setting))


class PutOff(NamedTuple):
    """What comes later than it is due, the rules that this breaks, and those by which all else that is due is owed."""

    late: frozenset[Due]
    broken: BrokenRules
    missed: BrokenRules


@lru_cache(maxsize=1 << 14)
def put_off(setting: Setting, state: State) -> tuple[PutOff, ...]:
    """The ways to be quiet where something is due, all of which comes later, or some of it."""
    due: dict[Due, list[Rule]] = {}
    for rule in forbidden_by(state, Event(EventKind.SILENCE), setting):
        if isinstance(rule.then, Forbid) and rule.then.due is not None:
            due.setdefault(rule.then.due, []).append(rule)
    found: list[PutOff] = []
    for count in range(1, len(due) + 1):
        for chosen in combinations(due, count):
            soon = [one.id for due_ in chosen for one in due[due_] if isinstance(one.then, Forbid) and one.then.soon]
            missed = [one.id for due_ in set(due) - set(chosen) for one in due[due_]]
            found.append(PutOff(frozenset(chosen), of_rfc(soon), of_rfc(missed)))
    return tuple(found)


@lru_cache(maxsize=1 << 15)
def rows(setting: Setting, state: State, event: Event) -> tuple[Rule, ...]:
    """The rules whose guard holds."""
    return tuple(enabled(RULES, setting, state, event))


_FAILS: Final = next(rule for rule in RULES.of(EventKind.RECEIVE) if isinstance(rule.then, Fail))
_FAILS_OPENING: Final = next(rule for rule in RULES.of(EventKind.RECEIVE_RESPONSE) if isinstance(rule.then, Fail))


@lru_cache(maxsize=1 << 14)
def failed(setting: Setting, state: State, event: Event, code: int) -> State:
    """The state of an endpoint that fails the connection with a code."""
    if event.head is not None:
        return after(_FAILS_OPENING, setting, state, event)
    return after(_FAILS, setting, state, event)._replace(fail_code=code)


@lru_cache(maxsize=64)
def _sure(known: frozenset[str]) -> RuleSet:
    return sure_failures(RULES, KNOWN_ALWAYS | known)


@lru_cache(maxsize=64)
def _possible(known: frozenset[str]) -> RuleSet:
    return reasons_to_read(RULES, KNOWN_ALWAYS | known)


def early_failures(setting: Setting, state: State, partial: Partial) -> Iterator[Outcome]:
    """The failures that are allowed whatever the rest of a frame will be."""
    found: dict[Label, Outcome] | None = None
    for facts in partial.cases:
        here = {one.label: one for one in _allowed_early(setting, state, facts, partial.known)}
        found = here if found is None else {label: one for label, one in found.items() if label in here}
    yield from (found or {}).values()


@lru_cache(maxsize=1 << 14)
def _allowed_early(setting: Setting, state: State, facts: FrameFacts, known: frozenset[str]) -> tuple[Outcome, ...]:
    found = allowed(state, Event(EventKind.RECEIVE, facts), setting, _sure(known))
    return tuple(one for one in found if one.label.kind is Kind.FAIL)


@lru_cache(maxsize=1 << 14)
def decided_by_header(setting: Setting, state: State, partial: Partial) -> BrokenRules:
    """The rules by which a header that is whole has to be refused, whatever its payload would be."""
    if not partial.whole_header:
        return frozenset()
    here = enabled(_sure(HEADER_VARIABLES), setting, state, Event(EventKind.RECEIVE, partial.cases[0]))
    return frozenset(rule.id for rule in here if rule.strength.binds)


@lru_cache(maxsize=1 << 14)
def accepting_early(setting: Setting, state: State, partial: Partial) -> BrokenRules:
    """The rules by which a frame that is not whole may still be legal."""
    found: set[str] = set()
    for facts in partial.cases:
        here = enabled(_possible(partial.known), setting, state, Event(EventKind.RECEIVE, facts))
        found.update(rule.id for rule in here if isinstance(rule.then, Accept))
    return frozenset(found)
