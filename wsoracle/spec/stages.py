"""The stages of the opening handshake, drawn for docs/spec.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Final

from wsoracle.model.machine.explorer import BreadthFirst
from wsoracle.model.machine.interpreted import Kind, Label, allowed, owed
from wsoracle.model.machine.words import DUES, step_words
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.head_variables import HEAD_VARIABLES, HeadFacts, RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.variables import (
    CONNECTING,
    HANDSHAKE,
    Event,
    EventKind,
    Setting,
    State,
    environment,
    phase,
    possible,
)
from wsoracle.model.octets.vocabulary import Role

from ..diagrams.diagram import Arrow, Box, Diagram, mermaid, wrapped
from .runs import NO_HANDSHAKE, refusal

_STATUSES: Final = {100: "1xx", 101: "101", 200: "2xx", 302: "3xx", 400: "4xx or 5xx"}
_NO_HTTP: Final = tuple(value_of("syntax", label) for label in ("malformed", "too large"))


def _one_changed(sound: HeadFacts) -> Iterator[HeadFacts]:
    """Heads that differ from a sound one in one fact at most, as far as one value stands for another."""
    yield sound
    for name, value in sound._asdict().items():
        variable = HEAD_VARIABLES[name]
        others = _STATUSES if name == "status" else range(variable.low, variable.high + 1)
        yield from (sound._replace(**{name: type(value)(other)}) for other in others if other != value)


@cache
def _heads(kind: type[HeadFacts]) -> tuple[HeadFacts, ...]:
    if kind is RequestFacts:
        return (*_one_changed(RequestFacts()), NO_HANDSHAKE)
    refusals = [refusal(status, v) for v in ("absent", "a list with 13") for status in _STATUSES if status != 101]
    return (*_one_changed(ResponseFacts()), *refusals)


_KINDS: Final = (
    EventKind.SEND_REQUEST, EventKind.RECEIVE_REQUEST, EventKind.SEND_RESPONSE, EventKind.RECEIVE_RESPONSE,
    EventKind.RECEIVE_EOF, EventKind.CLOSE_TCP,
)  # fmt: skip


def _steps(state: State, setting: Setting) -> Iterator[tuple[str, State]]:
    """The events that may happen in a state, in words, and the states that they lead to."""
    for kind in _KINDS:
        for head in (None,) if kind.facts is None else _heads(kind.facts):  # type: ignore[arg-type]
            event = Event.of(kind, head)
            if evaluate(possible(kind), environment(setting, state, head)):
                for outcome in allowed(state, event, setting):
                    yield _words(event, outcome.label), outcome.state


def _words(event: Event, label: Label) -> str:
    if isinstance(event.head, ResponseFacts) and label.kind in (Kind.ACCEPT, Kind.PERMIT):
        legible = event.head.syntax not in _NO_HTTP
        answer = _STATUSES[event.head.status] if legible else "what is no HTTP"
        return f"{'receives' if event.kind.is_input else 'sends'} {answer}"
    told = event.kind is not EventKind.RECEIVE_EOF  # here every end is one that is not clean
    return str(step_words(event, label if told else label._replace(delivers=None)))


def stages(role: Role) -> str:
    """The stages of the opening handshake at an endpoint, as a diagram; what is open is not followed further."""
    setting = Setting(role)
    names: dict[str, str] = {}
    boxes: dict[str, State] = {}
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)

    def steps(state: State) -> Iterator[tuple[str, State]]:
        return iter(()) if _heading(state) in ("OPEN", "CLOSED") else _steps(state, setting)

    for visit in BreadthFirst([CONNECTING], steps, key=_heading):
        heading = _heading(visit.state)
        boxes[heading] = visit.state
        names[heading] = f"s{len(names)}"
        for words, after in visit.leaving:
            if words not in arrows[heading, _heading(after)]:
                arrows[heading, _heading(after)].append(words)
    drawn = Diagram(
        f"The opening handshake of a {role.value}",
        names[_heading(CONNECTING)],
        tuple(Box(names[h], h, _facts(s, setting), tuple(arrows.get((h, h), ()))) for h, s in boxes.items()),
        tuple(Arrow(names[a], names[b], tuple(wrapped(w, 42))) for (a, b), w in arrows.items() if a != b and w),
    )
    return f"```mermaid\n{mermaid(drawn)}```"


def _heading(state: State) -> str:
    name = phase(state)
    return HANDSHAKE[state.handshake] if name == "CONNECTING" else name


def _facts(state: State, setting: Setting) -> tuple[str, ...]:
    return tuple(f"owes {DUES[due]}" for due in dict.fromkeys(due for due, _ in owed(state, setting)))
