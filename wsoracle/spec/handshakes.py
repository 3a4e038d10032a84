"""The example opening handshakes of docs/spec.md, and the stages of one.

Heads go over as octets, made from facts, and are read back at the other end. Each step is judged with
:func:`~wsoracle.model.machine.interpreted.allowed` when the page is made. An endpoint that sends what it may not goes
on as if it had been right.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final, TypeAlias

from wsoracle.model.facts.heads import facts_of_request, facts_of_response, request_octets, response_octets
from wsoracle.model.machine.interpreted import Kind, Label, Outcome, allowed, canonical, forbidden_by, owed
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.head_variables import HEAD_VARIABLES, RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.rule import RuleSet, Strength
from wsoracle.model.notation.variables import (
    CONNECTING,
    HANDSHAKE,
    Event,
    EventKind,
    FrameFacts,
    Setting,
    State,
    environment,
    phase,
    possible,
)
from wsoracle.model.octets.http import HeadReader, Malformed, Read, Request
from wsoracle.model.octets.vocabulary import DEFAULT_LIMIT, TEXT, Role
from wsoracle.model.rules import RULES

from ..diagrams.diagram import Arrow, Box, Diagram, mermaid, wrapped
from .heads import AGREEING, OFFERING
from .runs import EOF, OWED, Break, Does, Told, after_words, shown

HeadFacts: TypeAlias = RequestFacts | ResponseFacts


@dataclass(frozen=True)
class Opens:
    """One step: a head or a frame that is sent, the next thing taken, or TCP closed. ``words`` name what is sent."""

    who: Role
    does: Does
    sent: HeadFacts | FrameFacts | None = None
    words: str = ""


@dataclass
class _Side:
    setting: Setting
    state: State = CONNECTING
    coming: deque[tuple[int, bytes | FrameFacts | None, str]] = field(default_factory=deque)


_UNREFUSED: Final = RuleSet(rule for rule in RULES if not rule.refuses)


def play(steps: tuple[Opens | Break, ...]) -> list[Told]:
    """The run of the steps. Raises :class:`ValueError` for a step that the model never allows to happen at all."""
    sides = {role: _Side(Setting(role, limit=DEFAULT_LIMIT)) for role in Role}
    told: list[Told] = []
    request: Request | None = None
    for step in steps:
        number = len(told) + 1
        if isinstance(step, Break):
            for side in sides.values():
                side.coming = deque([(0, None, EOF)])
            continue
        side, peer = sides[step.who], sides[step.who.peer]
        octets, takes = None, None
        if step.does is Does.SEND:
            event, octets = _sent(step, request)
            request = _request(octets) or request
            words, passed = f"sends {step.words}", event.frame if octets is None else octets
            peer.coming.append((number, passed, step.words))
        elif step.does is Does.CLOSE_TCP:
            event, words = Event(EventKind.CLOSE_TCP), Does.CLOSE_TCP.value
            peer.coming.append((number, None, EOF))
        else:
            takes, taken, said = side.coming.popleft()
            event = _taken(step.who, taken, request)
            words = f"{'finds' if taken is None else 'receives'} {said}"
        before = side.state
        outcomes = allowed(before, event, side.setting)
        if outcomes:
            chosen = _chosen(outcomes)
            rules, outcome = chosen.rules, str(chosen.label)
        elif step.does is Does.TAKE:
            raise ValueError(f"the model does not allow step {number}: {step}")
        else:
            chosen = canonical(allowed(before, event, side.setting, _UNREFUSED))
            rules = tuple(rule.id for rule in forbidden_by(before, event, side.setting))
            outcome = "forbidden, sent anyway"
        side.state = chosen.state
        after = after_words(side.state, side.setting)
        told.append(Told(number, step.who, words, outcome, rules, after, step.does is not Does.TAKE, takes))
    return told


def _chosen(outcomes: tuple[Outcome, ...]) -> Outcome:
    """The strictest, but what the application alone has a reason for (a MAY) is not done."""
    bound = tuple(o for o in outcomes if o.label.kind is not Kind.REFUSE or o.strength is not Strength.MAY)
    return canonical(bound)


def _sent(step: Opens, request: Request | None) -> tuple[Event, bytes | None]:
    sent = step.sent
    if isinstance(sent, RequestFacts):
        octets = request_octets(sent)
        return Event.of(EventKind.SEND_REQUEST, facts_of_request(_read(Role.SERVER, octets))), octets
    if isinstance(sent, ResponseFacts):
        octets = response_octets(sent, request or Request("1.1", ()))
        return Event.of(EventKind.SEND_RESPONSE, facts_of_response(_read(Role.CLIENT, octets), request)), octets
    assert sent is not None
    return Event.of(EventKind.SEND, sent._replace(masked=step.who is Role.CLIENT)), None


def _taken(who: Role, taken: bytes | FrameFacts | None, request: Request | None) -> Event:
    if taken is None:
        return Event(EventKind.RECEIVE_EOF)
    if isinstance(taken, FrameFacts):
        return Event.of(EventKind.RECEIVE, taken)
    if who is Role.SERVER:
        return Event.of(EventKind.RECEIVE_REQUEST, facts_of_request(_read(who, taken)))
    return Event.of(EventKind.RECEIVE_RESPONSE, facts_of_response(_read(who, taken), request))


def _read(role: Role, octets: bytes) -> Read | Malformed:
    reader = HeadReader(role)
    reader.feed(octets)
    assert reader.result is not None
    return reader.result


def _request(octets: bytes | None) -> Request | None:
    """The request that octets are, if they are one; a response begins in another way."""
    if octets is None or octets.startswith(b"HTTP/"):
        return None
    read = _read(Role.SERVER, octets)
    return read.head if isinstance(read, Read) and isinstance(read.head, Request) else None


# --- the runs -------------------------------------------------------------------------------------------------------

C, S = Role.CLIENT, Role.SERVER


def _sends(who: Role, sent: HeadFacts | FrameFacts, words: str) -> Opens:
    return Opens(who, Does.SEND, sent, words)


def _takes(who: Role) -> Opens:
    return Opens(who, Does.TAKE)


def _closes(who: Role) -> Opens:
    return Opens(who, Does.CLOSE_TCP)


_NO_HANDSHAKE: Final = RequestFacts(upgrade=0, connection=0, key=0, version=0)


def _refusal(status: int, versions: str = "absent") -> ResponseFacts:
    listed = value_of("versions", versions)
    return ResponseFacts(status=status, versions=listed, upgrade=0, connection=0, accept=0)


_REQUEST: Final = _sends(C, OFFERING, "GET /chat, an opening handshake")
_FORBIDDEN: Final = _sends(S, _refusal(403), "403 Forbidden")
_SOUND: Final = _sends(S, AGREEING, "101 Switching Protocols")
_HELLO: Final = FrameFacts(TEXT, length=5)

RUNS: Final[dict[str, tuple[Opens | Break, ...]]] = {
    "success": (_REQUEST, _takes(S), _SOUND, _takes(C)),
    "server-speaks-at-once": (_REQUEST, _takes(S), _SOUND, _sends(S, _HELLO, "text"), _takes(C), _takes(C)),
    "client-speaks-early": (
        _REQUEST, _sends(C, _HELLO, "text, before the answer"), _takes(S), _SOUND, _takes(S), _takes(C),
    ),
    "faulty-request": (
        _sends(C, RequestFacts(key=value_of("key", "absent")), "GET /chat, without a key"), _takes(S),
        _sends(S, _refusal(400), "400 Bad Request"), _takes(C), _closes(S), _takes(C),
    ),
    "other-version": (
        _sends(C, RequestFacts(version=value_of("version", "another")), "GET /chat, of version 8"), _takes(S),
        _sends(S, _refusal(426, "a list with 13"), "426 Upgrade Required, with the versions"), _takes(C), _closes(S),
        _takes(C),
    ),
    "too-large": (
        _sends(C, RequestFacts(syntax=value_of("syntax", "too large")), "a request that does not end"), _takes(S),
        _sends(S, _refusal(431), "431 Request Header Fields Too Large"), _takes(C), _closes(S), _takes(C),
    ),
    "not-for-us": (
        _sends(C, _NO_HANDSHAKE, "GET /chat, and nothing of a handshake"), _takes(S),
        _sends(S, _refusal(200), "200 OK, with a page"), _takes(C), _closes(S), _takes(C),
    ),
    "application-refuses": (_REQUEST, _takes(S), _FORBIDDEN, _takes(C), _closes(S), _takes(C)),
    "bad-answer": (
        _REQUEST, _takes(S),
        _sends(S, ResponseFacts(accept=value_of("accept", "wrong")), "101, with a wrong Sec-WebSocket-Accept"),
        _takes(C), _closes(C), _takes(S),
    ),
    "lost-before-the-answer": (_REQUEST, _takes(S), Break(), _takes(C), _takes(S)),
}  # fmt: skip
"""Opening handshakes by name."""


def run(name: str) -> str:
    """A run: its sequence diagram, then its table."""
    return shown(play(RUNS[name]))


# --- the stages -----------------------------------------------------------------------------------------------------

_STATUSES: Final = {100: "1xx", 101: "101", 200: "2xx", 302: "3xx", 400: "4xx or 5xx"}


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
        return (*_one_changed(RequestFacts()), _NO_HANDSHAKE)
    listed = value_of("versions", "a list with 13")
    return (*_one_changed(ResponseFacts()), *(_refusal(s) for s in _STATUSES if s != 101),
            *(_refusal(s)._replace(versions=listed) for s in _STATUSES if s != 101))  # fmt: skip


_KINDS: Final = (
    EventKind.SEND_REQUEST, EventKind.RECEIVE_REQUEST, EventKind.SEND_RESPONSE, EventKind.RECEIVE_RESPONSE,
    EventKind.RECEIVE_EOF, EventKind.CLOSE_TCP,
)  # fmt: skip


def _steps(state: State, setting: Setting) -> Iterator[tuple[str, State]]:
    """What may happen in a state, in words, and where it leads."""
    for kind in _KINDS:
        for head in (None,) if kind.facts is None else _heads(kind.facts):  # type: ignore[arg-type]
            event = Event.of(kind, head)
            if evaluate(possible(kind), environment(setting, state, head)):
                for outcome in allowed(state, event, setting):
                    yield _words(kind, head, outcome.label), outcome.state


def _words(kind: EventKind, head: HeadFacts | None, label: Label) -> str:
    if kind is EventKind.RECEIVE_EOF:
        return "TCP ends"
    if kind is EventKind.CLOSE_TCP:
        return "closes TCP"
    verb = "receives" if kind.is_input else "sends"
    if label.kind is Kind.IGNORE:
        return "ignores what it receives"
    if isinstance(head, ResponseFacts):
        what = _STATUSES[head.status]
        return f"receives a bad answer, fails {label.code}" if label.kind is Kind.FAIL else f"{verb} {what}"
    if label.kind is Kind.REFUSE:
        return f"refuses with {label.code}"
    told = {"opening handshake": "a sound request", "other request": "a request that is not for us"}
    return f"{verb} {told.get(label.delivers or '', 'a request')}"


def stages(role: Role) -> str:
    """The stages of the opening handshake at an endpoint, as a diagram; what is open is not followed further."""
    setting = Setting(role)
    names: dict[str, str] = {}
    boxes: dict[str, State] = {}
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    queue = deque([CONNECTING])
    while queue:
        state = queue.popleft()
        heading = _heading(state)
        if heading in boxes:
            continue
        boxes[heading] = state
        names[heading] = f"s{len(names)}"
        if heading in ("OPEN", "CLOSED"):
            continue
        for words, after in _steps(state, setting):
            if words not in arrows[heading, _heading(after)]:
                arrows[heading, _heading(after)].append(words)
            queue.append(after)
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
    return tuple(f"owes {OWED[due]}" for due in dict.fromkeys(due for due, _ in owed(state, setting)))


__all__ = ["RUNS", "Opens", "play", "run", "stages"]
