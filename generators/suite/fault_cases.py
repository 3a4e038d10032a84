"""Faults in opening handshakes as cases: each alone, and each pair that is answered differently from both alone.

Theory of operation. Nothing is typed in: the single changes of a sound request or answer, and the pairs of them, are
the alphabet of the rules (``model.machine.boundary_events``). Two faults together are worth a case where what the
rules allow for the pair is neither what they allow for the one alone nor for the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import Kind, Label
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, label_of_fact
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, Event, EventKind, Setting, State
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from ..cases.build import build_case
from ..cases.case import Case
from ..cases.origin import Origin
from ..cases.realised_history import CannotBuildError, CaseHistory
from ..cases.words import change_in_words

EitherHead: TypeAlias = "RequestFacts | ResponseFacts"
FactChange: TypeAlias = "tuple[str, object]"


class _Side(NamedTuple):
    """A head that arrives at an endpoint of a role, the state, and the history that leads there."""

    kind: EventKind
    state: State
    path: tuple[tuple[Event, Label], ...]


SIDES: Final[Mapping[Role, _Side]] = {
    Role.SERVER: _Side(EventKind.RECEIVE_REQUEST, CONNECTING, ()),
    Role.CLIENT: _Side(
        EventKind.RECEIVE_RESPONSE,
        CONNECTING._replace(handshake=HANDSHAKE.index("awaiting 101")),
        ((Event.of(EventKind.SEND_REQUEST, RequestFacts()), Label(Kind.PERMIT)),),
    ),
}


@lru_cache(maxsize=1)
def fault_cases() -> tuple[tuple[Case, ...], Mapping[str, str]]:
    """The cases for servers and for clients, their controls among them, in the order of their ids.

    And what is no case, by the id that it would have, with the reason.
    """
    cases: dict[str, Case] = {}
    left: dict[str, str] = {}
    for role, side in SIDES.items():
        for changes, head in faults(role):
            name = _id(role, changes)
            history = CaseHistory(_setting(role), Event.of(side.kind, head), side.path, CONNECTING)
            what = "request" if role is Role.SERVER else "answer"
            title = f"A sound {what}, but: " + "; ".join(change_in_words(*_labelled(change)) for change in changes)
            try:
                made = build_case(name, Origin("fault"), title, history)
            except CannotBuildError as error:
                left[name] = str(error)
                continue
            cases.update((case.id, case) for case in made)
    return tuple(sorted(cases.values(), key=lambda case: case.id)), left


def fault_ids() -> list[str]:
    """The ids of the cases, and of what is no case, without making them."""
    return [_id(role, changes) for role in SIDES for changes, _ in faults(role)]


def _id(role: Role, changes: tuple[FactChange, ...]) -> str:
    return f"fault/{role}/" + "+".join(map(_word, changes))


def faults(role: Role) -> Iterator[tuple[tuple[FactChange, ...], EitherHead]]:
    """The heads with one change, then those with two that are answered differently from both: changes, and head."""
    side, setting = SIDES[role], _setting(role)
    machine = CompiledMachine(RULES, setting)
    sound: EitherHead = RequestFacts() if role is Role.SERVER else ResponseFacts()
    heads = [event.head for event in Alphabet(RULES, setting, pairs=True, classes=False).of(side.kind, side.state)]
    changed = {head: _changes(sound, head) for head in heads if head is not None}

    def answers(head: EitherHead) -> frozenset[tuple[Kind, State]]:
        """Which error code fits makes no difference, but what is owed then does."""
        allowed = machine.allowed(side.state, Event.of(side.kind, head))
        return frozenset((outcome.label.kind, outcome.state) for outcome in allowed)

    single = {changes[0]: answers(head) for head, changes in changed.items() if len(changes) == 1}
    for head, changes in changed.items():
        if len(changes) == 1:
            yield changes, head
    for head, changes in changed.items():
        if len(changes) == 2 and all(change in single for change in changes):
            one, other = (single[change] for change in changes)
            if answers(head) not in (one, other):
                yield changes, head


def _setting(role: Role) -> Setting:
    """The application of a server that is tested takes every sound handshake: whom it refuses is not its own choice."""
    return Setting(role, willing=role is Role.SERVER)


def _changes(sound: EitherHead, head: EitherHead) -> tuple[FactChange, ...]:
    usual = sound._asdict()
    return tuple((name, value) for name, value in head._asdict().items() if value != usual[name])


def _labelled(change: FactChange) -> tuple[str, str]:
    """The fact that is changed, and its value as a word."""
    name, value = change
    if isinstance(value, bool) or name == "status":
        return name, str(value)
    assert isinstance(value, int)
    return name, label_of_fact(name, value)


def _word(change: FactChange) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(_labelled(change))).strip("-").lower()
