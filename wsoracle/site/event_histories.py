"""Events of the model as histories of the explorer: of broken rules, and of the witness of a rule.

The octets are those of the case that the events make, where they make one. A head that no request asked for, and a
frame that is too long to be written, stand for themselves: the explorer needs nothing but their facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wsoracle.generators.cases.build import build_case
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.origin import CATALOGUED
from wsoracle.generators.cases.realised_history import CannotBuildError, CaseHistory
from wsoracle.generators.cases.steps import CaseStep, SendFrame
from wsoracle.generators.suite.witnesses import Witness
from wsoracle.model.facts.frames import DEFAULT_KEY, LONGEST
from wsoracle.model.machine.interpreted import Label, label_of
from wsoracle.model.notation.head_variables import ResponseFacts
from wsoracle.model.notation.variables import CONNECTING, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets.vocabulary import Role

from ..spec.player import choice_of
from .histories import SIDES, first_text, form_text, head_text, is_told, step_text

_GIVEN = ("key_foreseen", "unprovoked")
"""Facts of a frame that an endpoint sends which its octets do not show."""


class HistoryEvent(NamedTuple):
    """An event at the endpoint, the outcome that is chosen (None: the usual one), and the step of a case that brings
    it about, where there is one."""

    event: Event
    label: Label | None
    step: CaseStep | None


def events_text(setting: Setting, start: State, events: Iterable[HistoryEvent], more: Iterable[str] = ()) -> str | None:
    """Events as a history in which the reader plays the peer; None where the explorer cannot have them."""
    if start != CONNECTING and not is_told(start, setting.role):
        return None
    me, you = SIDES[setting.role], SIDES[setting.role.peer]
    texts = [first_text(setting, start, more=more)]
    for event, label, step in events:
        written = _written(event, step, setting.role)
        if written is None:
            return None
        texts.append(f"{you if event.kind.is_input else me}:{written}")
        if event.kind.is_input:
            texts.append(f"{me}:take{'' if label is None else f'.{choice_of(label)}'}")
    return ";".join(texts)


def witness_text(witness: Witness) -> str | None:
    """The history at whose end the rule of a witness is at work; None where it is about what happens after all that the
    explorer has: what an endpoint does once it has closed TCP, or a second head."""
    path = [(step.event, step.label) for step in witness.path]
    steps = steps_of(
        f"witness/{witness.rule.id}/{witness.role}", witness.setting, witness.start.state, path, witness.event
    )
    labels = [*(label for _, label in path), label_of(witness.rule) if witness.event.kind.is_input else None]
    events = [*(step.event for step in witness.path), witness.event]
    heads = [event.kind for event in events if isinstance(event.head, ResponseFacts)]
    if len(heads) > 1 or not (witness.event.kind.is_input or witness.state.tcp_open):
        return None
    return events_text(witness.setting, witness.start.state, map(HistoryEvent, events, labels, steps))


def steps_of_witness(witness: Witness) -> list[CaseStep | None]:
    """The steps of :func:`steps_of` for the events of a witness."""
    path = [(step.event, step.label) for step in witness.path]
    return steps_of(witness.rule.id, witness.setting, witness.start.state, path, witness.event)


def steps_of(
    name: str, setting: Setting, start: State, path: Sequence[tuple[Event, Label]], event: Event
) -> list[CaseStep | None]:
    """For each event of a history the step of the case that makes it happen; None where no octets bring it about."""
    try:
        case = build_case(name, CATALOGUED, name, CaseHistory(setting, event, tuple(path), start))[-1]
    except CannotBuildError:
        return [None] * (len(path) + 1)
    return _aligned(case, [*(one for one, _ in path), event])


def _aligned(case: Case, events: Sequence[Event]) -> list[CaseStep | None]:
    """For each event the step of the case that makes it happen, from the end: a case may begin before the history."""
    steps, found = list(case.steps), list[CaseStep | None]()
    for event in reversed(events):
        found.append(steps.pop())
        if event.frame is not None and event.frame.key_foreseen:
            del steps[-2:]
    return found[::-1]


def _written(event: Event, step: CaseStep | None, role: Role) -> str | None:
    if event.kind is EventKind.SILENCE:
        return "wait"
    if step is None and event.head is not None:
        return head_text(event.head)
    if event.frame is not None and event.frame.length > LONGEST:
        return _endless(event.frame)
    written = None if step is None or (isinstance(step, SendFrame) and not step.is_whole) else step_text(step, role)
    given = [] if event.frame is None or event.kind.is_input else [n for n in _GIVEN if getattr(event.frame, n)]
    return written and ".".join([written, *given])


def _endless(frame: FrameFacts) -> str:
    """A frame whose payload is nothing but letters."""
    return f"{form_text(frame)}.{DEFAULT_KEY.hex() if frame.masked else '-'}.*{frame.length}*"
