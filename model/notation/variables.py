"""What rules talk about: the state of an endpoint, its setting, and the event at hand, as variables.

The state follows the words of section 7.1: ``sent_close``, ``got_close``, ``failed`` and ``tcp_open`` are facts, not
one hand-drawn phase; OPEN, CLOSING and CLOSED are views of them (:func:`phase`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from ..octets import frames, utf8
from ..octets.vocabulary import BINARY, CLOSE, CONTINUATION, FORMS, OPCODE_NAMES, PING, PONG, TEXT, Role
from .expression import TRUE, Const, Expr, Sort, Value, Var, all_of, any_of, between, ite
from .head_variables import HEAD_VARIABLES, RequestFacts, ResponseFacts, possible_request, possible_response
from .switches import SWITCHES, Switches

MAX_LENGTH: Final = 2**64 - 1
NO_CODE: Final = 1005
LOST: Final = 1006
UNSTATED: Final = -1


class EventKind(Enum):
    """What can happen at an endpoint: what it receives is input, all else is output (silence included)."""

    RECEIVE_REQUEST = "receive_request"
    RECEIVE_RESPONSE = "receive_response"
    RECEIVE = "receive"
    RECEIVE_EOF = "receive_eof"
    SEND_REQUEST = "send_request"
    SEND_RESPONSE = "send_response"
    SEND = "send"
    CLOSE_TCP = "close_tcp"
    SILENCE = "silence"

    @property
    def is_input(self) -> bool:
        """The event comes from outside; otherwise the endpoint itself does it."""
        return self.value.startswith("receive")

    @property
    def has_frame(self) -> bool:
        """The event carries a frame."""
        return self in (EventKind.RECEIVE, EventKind.SEND)

    @property
    def facts(self) -> type[FrameFacts] | type[RequestFacts] | type[ResponseFacts] | None:
        """What an event of this kind carries, as rules see it; None where it carries nothing."""
        if self.has_frame:
            return FrameFacts
        if self in (EventKind.RECEIVE_REQUEST, EventKind.SEND_REQUEST):
            return RequestFacts
        if self in (EventKind.RECEIVE_RESPONSE, EventKind.SEND_RESPONSE):
            return ResponseFacts
        return None


class State(NamedTuple):
    """The state of one endpoint of a connection. The defaults are the state right after the opening handshake.

    ``recv_utf8`` and ``send_utf8`` are states of the automaton of ``model.octets.utf8``; ``recv_length`` counts
    octets of the message being received where a limit is stated; ``pong_due`` says that the latest Ping has no Pong
    yet; ``reply_due`` that the application still owes an echo; ``fail_code`` is the status code that fits the
    failure, 0 where there was none; ``close_code`` is The WebSocket Connection Close Code of section 7.1.5; the
    ``claims`` are the reserved bits that negotiated extensions define. ``handshake`` says how far the opening
    handshake is: of the values of :data:`HANDSHAKE`, a client knows 0, 1, 2 and the last one.
    """

    sent_close: bool = False
    got_close: bool = False
    failed: bool = False
    tcp_open: bool = True
    discarding: bool = False
    recv_type: int = 0
    recv_utf8: int = utf8.ACCEPT
    recv_length: int = 0
    send_type: int = 0
    send_utf8: int = utf8.ACCEPT
    pong_due: bool = False
    reply_due: bool = False
    fail_code: int = 0
    close_code: int = LOST
    claims_rsv1: bool = False
    claims_rsv2: bool = False
    claims_rsv3: bool = False
    handshake: int = 0


CLAIMS: Final = ("claims_rsv1", "claims_rsv2", "claims_rsv3")
"""The state variables that the opening handshake sets for good."""

HANDSHAKE: Final = (
    "complete",
    "not begun",
    "awaiting 101",
    "to be refused",
    "another version",
    "not for us",
    "unreadable",
    "refused",
)
"""How far the opening handshake is. For a server "awaiting 101" is a sound request that is not answered yet, and the
three after it, of those that must not be answered with 101, what is wrong with them; "not for us" is a request of HTTP
that asks for no WebSocket. After a final answer that is not 101 the handshake is "refused"."""


class FrameFacts(NamedTuple):
    """A frame as rules see it.

    ``code`` is the status code of a Close body, 1005 where there is none (section 7.1.5); ``reason_ok``: the reason is
    valid UTF-8; ``utf8_next``: the automaton after the payload, for text; ``answers``: the frame answers what is due
    (a Pong with the payload of the latest Ping; the last frame of the last echo owed); ``form`` is the length form.
    """

    opcode: int
    fin: bool = True
    rsv1: bool = False
    rsv2: bool = False
    rsv3: bool = False
    masked: bool = False
    form: int = 0
    length: int = 0
    code: int = NO_CODE
    reason_ok: bool = True
    utf8_next: int = utf8.ACCEPT
    answers: bool = False


class Event(NamedTuple):
    """Something that happens at an endpoint; ``frame`` or ``head`` (of HTTP) where the kind has one."""

    kind: EventKind
    frame: FrameFacts | None = None
    head: RequestFacts | ResponseFacts | None = None

    @property
    def facts(self) -> Facts | None:
        """What the event carries, whatever it is."""
        return self.frame if self.head is None else self.head

    @classmethod
    def of(cls, kind: EventKind, facts: Facts | None = None) -> Event:
        """The event of a kind that carries these facts. TypeError where the kind carries others."""
        if type(facts) is not (kind.facts or type(None)):
            raise TypeError(f"an event of kind {kind.value} does not carry {type(facts).__name__}")
        return cls(kind, facts) if isinstance(facts, FrameFacts) else cls(kind, None, facts)


Facts: TypeAlias = "FrameFacts | RequestFacts | ResponseFacts"


@dataclass(frozen=True)
class Setting:
    """What stays fixed during a connection: the role, the stated limit, the application, the switches.

    ``limit`` is in octets of a message; None where the endpoint's limit is not known, so that answering any data with
    1009 is within its freedom (section 10.4). ``echo`` says that the application answers each message with itself,
    ``willing`` that the application of a server takes every sound opening handshake; ``browser`` that a client is one.
    """

    role: Role
    limit: int | None = None
    echo: bool = False
    switches: Switches = field(default_factory=Switches)
    willing: bool = False
    browser: bool = False

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise ValueError(f"a message limit is a number of octets, not {self.limit}")

    @cached_property
    def values(self) -> Mapping[str, Value]:
        """The value of each setting variable."""
        return {
            "server": self.role is Role.SERVER,
            "limit": UNSTATED if self.limit is None else self.limit,
            "echo": self.echo,
            "willing": self.willing,
            "browser": self.browser,
            **self.switches.indices(),
        }


_MESSAGE_TYPES: Final = {0: "none", TEXT: "TEXT", BINARY: "BINARY"}
_INTEGERS: Final[Mapping[str, tuple[int, int, Mapping[int, str]]]] = {
    "recv_type": (0, 2, _MESSAGE_TYPES),
    "send_type": (0, 2, _MESSAGE_TYPES),
    "handshake": (0, len(HANDSHAKE) - 1, dict(enumerate(HANDSHAKE))),
    "recv_utf8": (0, utf8.REJECT, dict(enumerate(utf8.STATE_NAMES))),
    "send_utf8": (0, utf8.REJECT, dict(enumerate(utf8.STATE_NAMES))),
    "utf8_next": (0, utf8.REJECT, dict(enumerate(utf8.STATE_NAMES))),
    "recv_length": (0, MAX_LENGTH, {}),
    "length": (0, MAX_LENGTH, {}),
    "fail_code": (0, 65535, {}),
    "close_code": (0, 65535, {}),
    "code": (0, 65535, {}),
    "opcode": (0, 15, OPCODE_NAMES),
    "form": (0, 2, {0: "the 7-bit form", 1: "the 16-bit form", 2: "the 64-bit form"}),
    "limit": (UNSTATED, MAX_LENGTH, {UNSTATED: "unstated"}),
}


def _variable(name: str) -> Var:
    if name in _INTEGERS:
        low, high, labels = _INTEGERS[name]
        return Var(name, Sort.INT, low, high, labels)
    return Var(name)


STATE_VARIABLES: Final = {name: _variable(name) for name in State._fields}
FRAME_VARIABLES: Final = {name: _variable(name) for name in FrameFacts._fields}
FACT_VARIABLES: Final[Mapping[EventKind, Mapping[str, Var]]] = {
    kind: {name: (FRAME_VARIABLES if kind.has_frame else HEAD_VARIABLES)[name] for name in kind.facts._fields}
    if kind.facts is not None
    else {}
    for kind in EventKind
}
"""The variables of what an event of each kind carries."""

ALL_FACTS: Final[Mapping[str, Var]] = {**FRAME_VARIABLES, **HEAD_VARIABLES}
"""The variables of what events carry, of all kinds: no name means two things."""

SETTING_VARIABLES: Final = {
    **{name: _variable(name) for name in ("server", "limit", "echo", "willing", "browser")},
    **{switch.variable.name: switch.variable for switch in SWITCHES},
}

sent_close, got_close = STATE_VARIABLES["sent_close"], STATE_VARIABLES["got_close"]
failed, tcp_open = STATE_VARIABLES["failed"], STATE_VARIABLES["tcp_open"]
discarding = STATE_VARIABLES["discarding"]
recv_type, recv_utf8 = STATE_VARIABLES["recv_type"], STATE_VARIABLES["recv_utf8"]
recv_length = STATE_VARIABLES["recv_length"]
send_type, send_utf8 = STATE_VARIABLES["send_type"], STATE_VARIABLES["send_utf8"]
pong_due, reply_due = STATE_VARIABLES["pong_due"], STATE_VARIABLES["reply_due"]
fail_code, close_code = STATE_VARIABLES["fail_code"], STATE_VARIABLES["close_code"]
claims_rsv1, claims_rsv2 = STATE_VARIABLES["claims_rsv1"], STATE_VARIABLES["claims_rsv2"]
claims_rsv3 = STATE_VARIABLES["claims_rsv3"]
handshake = STATE_VARIABLES["handshake"]

opcode, fin, masked = FRAME_VARIABLES["opcode"], FRAME_VARIABLES["fin"], FRAME_VARIABLES["masked"]
rsv1, rsv2, rsv3 = FRAME_VARIABLES["rsv1"], FRAME_VARIABLES["rsv2"], FRAME_VARIABLES["rsv3"]
form, length = FRAME_VARIABLES["form"], FRAME_VARIABLES["length"]
code, reason_ok = FRAME_VARIABLES["code"], FRAME_VARIABLES["reason_ok"]
utf8_next, answers = FRAME_VARIABLES["utf8_next"], FRAME_VARIABLES["answers"]

server, limit, echo = SETTING_VARIABLES["server"], SETTING_VARIABLES["limit"], SETTING_VARIABLES["echo"]
method_get, for_uri, body = (HEAD_VARIABLES[name] for name in ("method_get", "for_uri", "body"))
status = HEAD_VARIABLES["status"]
defines_rsv1, defines_rsv2, defines_rsv3 = (HEAD_VARIABLES[f"defines_rsv{n}"] for n in (1, 2, 3))
willing, browser = SETTING_VARIABLES["willing"], SETTING_VARIABLES["browser"]


def handshake_is(*values: str) -> Expr:
    """The rule expression: the opening handshake is as far as this, or one of these."""
    return any_of([handshake == Const(HANDSHAKE.index(value), value) for value in values])


established: Final = handshake_is("complete")
"""_The WebSocket Connection is Established_ (section 4.1), or was."""

CONNECTING: Final = State(handshake=HANDSHAKE.index("not begun"))
"""The state before the opening handshake; the defaults of :class:`State` are the one after it."""

HEADER_VARIABLES: Final = frozenset({"opcode", "fin", "rsv1", "rsv2", "rsv3", "masked", "form", "length"})
"""What a receiver knows of a frame as soon as its header is complete."""

is_text, is_binary = opcode == TEXT, opcode == BINARY
is_continuation = opcode == CONTINUATION
is_close, is_ping, is_pong = opcode == CLOSE, opcode == PING, opcode == PONG
is_control = opcode >= CLOSE
is_data = opcode < CLOSE
starts_message = is_text | is_binary


def carries_text(type_in_progress: Var) -> Expr:
    """The frame carries octets of a text message, given the type of the message in progress."""
    return is_text | (is_continuation & (type_in_progress == TEXT))


def possible(kind: EventKind) -> Expr:
    """What holds of every event of a kind, whoever wrote the octets: facts of the encoding, not rules.

    Octets are heads of HTTP until the opening handshake is complete, frames from then on; requests go from clients to
    servers, responses the other way. A server reads no request while another waits for its answer, and a client that
    was refused reads no further response: what comes then is the body of the refusal.
    """
    if kind is EventKind.RECEIVE:
        return established & possible_frames(kind)
    if kind is EventKind.SEND:
        return possible_frames(kind)
    if kind is EventKind.RECEIVE_REQUEST:
        return server & handshake_is("not begun", "refused") & possible_request()
    if kind is EventKind.RECEIVE_RESPONSE:
        return ~server & handshake_is("not begun", "awaiting 101") & possible_response()
    if kind is EventKind.SEND_REQUEST:
        return ~server & ~established & possible_request()
    if kind is EventKind.SEND_RESPONSE:
        return server & ~established & possible_response()
    return TRUE


def possible_frames(kind: EventKind) -> Expr:
    """What holds of every frame that octets can carry, whoever wrote them.

    These are facts of the encoding, not rules: a 7-bit length is at most 125, a Close body of fewer than two octets has
    no code, and the UTF-8 automaton can only be where ``length`` octets lead it. ``kind`` says whose message is in
    progress: the one being received, or the one being sent.
    """
    in_progress, before = (recv_type, recv_utf8) if kind is EventKind.RECEIVE else (send_type, send_utf8)
    has_body = is_close & (length >= 2)
    start = ite(is_text, utf8.ACCEPT, before)
    return all_of(
        [
            *((form != shape) | (length <= frames.capacity(shape)) for shape in FORMS),
            has_body | ((code == NO_CODE) & reason_ok),
            (length > 2) | reason_ok,
            ite(carries_text(in_progress), _automaton_can_reach(start), utf8_next == utf8.ACCEPT),
        ]
    )


def _automaton_can_reach(start: Expr) -> Expr:
    cases: list[Expr] = []
    for state in range(len(utf8.STATE_NAMES)):
        for octets in range(utf8.SATURATION + 1):
            reached = sorted(utf8.reachable_after(state, octets))
            exactly = length >= octets if octets == utf8.SATURATION else length == octets
            cases.append((start == state) & exactly & any_of([between(utf8_next, s, s) for s in reached]))
    return any_of(cases)


def phase(state: State) -> str:
    """The name of section 4.1 or 7.1 for a state: CONNECTING, OPEN, CLOSING, CLOSED; FAILED where it is failed."""
    if not state.tcp_open:
        return "CLOSED"
    if state.handshake and not state.failed:
        return "CONNECTING"
    if state.failed:
        return "FAILED"
    return "CLOSING" if state.sent_close or state.got_close else "OPEN"


def environment(setting: Setting, state: State, facts: Facts | None) -> dict[str, Value]:
    """The value of every variable, for :func:`~wsoracle.model.notation.expression.evaluate`."""
    values: dict[str, Value] = {**setting.values, **state._asdict()}
    if facts is not None:
        values.update(facts._asdict())
    return values


def label(name: str, value: Value) -> str:
    """How people read a value of a variable: its name where it has one. KeyError for an unknown variable."""
    variable = {**STATE_VARIABLES, **ALL_FACTS, **SETTING_VARIABLES}[name]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return variable.labels.get(value, str(value))
