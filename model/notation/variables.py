"""The variables of rules: the state of an endpoint, its setting, and the event.

The state follows the words of section 7.1: ``sent_close``, ``got_close``, ``failed`` and ``tcp_open`` are facts, not
one hand-drawn phase; OPEN, CLOSING and CLOSED are views of them (:func:`phase`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from ..octets import deflate, frames, utf8
from ..octets.vocabulary import BINARY, CLOSE, CONTINUATION, FORMS, OPCODE_NAMES, PING, PONG, TEXT, Role
from .expression import TRUE, Const, Expr, Sort, Value, Var, all_of, any_of, between, ite
from .head_variables import HEAD_VARIABLES, RequestFacts, ResponseFacts, possible_request, possible_response
from .named import term
from .switches import SWITCHES, Switches

LARGEST_LENGTH: Final = 2**64 - 1
NO_CODE: Final = 1005
LOST: Final = 1006
UNSTATED: Final = -1
LARGEST_WINDOW: Final = deflate.LARGEST_WINDOW
SMALLEST_WINDOW: Final = 256


class EventKind(Enum):
    """The kinds of events at an endpoint: those that it receives are input, all others output (silence included)."""

    RECEIVE_REQUEST = "receive_request"
    RECEIVE_RESPONSE = "receive_response"
    RECEIVE = "receive"
    RECEIVE_EOF = "receive_eof"
    SEND_REQUEST = "send_request"
    SEND_RESPONSE = "send_response"
    SEND = "send"
    CLOSE_TCP = "close_tcp"
    SILENCE = "silence"

    # A member is one object, and equal to itself alone. What Enum has is written in Python, and events are keys.
    __hash__ = object.__hash__

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
        """The facts that an event of this kind carries; None where it carries none."""
        if self.has_frame:
            return FrameFacts
        if self in (EventKind.RECEIVE_REQUEST, EventKind.SEND_REQUEST):
            return RequestFacts
        if self in (EventKind.RECEIVE_RESPONSE, EventKind.SEND_RESPONSE):
            return ResponseFacts
        return None


class State(NamedTuple):
    """The state of one endpoint of a connection. The defaults are the state right after the opening handshake.

    The meaning of each field is that of its variable below (:data:`STATE_VARIABLES`). ``recv_utf8`` and ``send_utf8``
    are states of the automaton of ``model.octets.utf8``. A client has only the values 0, 1, 2 and the last one of
    :data:`HANDSHAKE`.
    """

    sent_close: bool = False
    got_close: bool = False
    failed: bool = False
    tcp_open: bool = True
    peer_open: bool = True
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
    recv_window: int = 0
    send_window: int = 0
    recv_takeover: bool = False
    send_takeover: bool = False
    recv_compressed: bool = False
    send_compressed: bool = False
    recv_history: int = 0
    send_history: int = 0


CLAIMS: Final = ("claims_rsv1", "claims_rsv2", "claims_rsv3")
"""The reserved bits that extensions claim, which the opening handshake sets for good."""

AGREED: Final = (*CLAIMS, "recv_window", "send_window", "recv_takeover", "send_takeover")
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
"""The progress of the opening handshake. For a server "awaiting 101" is a sound request that is not answered yet, and
the next three name the fault of a request that must not be answered with 101; "not for us" is a request of HTTP that
does not ask for WebSocket. After a final answer that is not 101 the handshake is "refused"."""


DAMAGE: Final = ("none", "no payload", "no empty block behind the last one", "cut inside a block", "malformed")
"""What can be wrong with the octets of a compressed message (RFC 7692, section 7.2): it is a whole message without any
payload; its last block has BFINAL = 1, and no first bits of an empty block follow (7.2.3.4); it ends inside a block; or
DEFLATE cannot read it.
A distance that reaches back too far is no damage: rules compare it."""


class FrameFacts(NamedTuple):
    """A frame as rules see it. The meaning of each field is that of its variable below (:data:`FRAME_VARIABLES`)."""

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
    key_foreseen: bool = False
    unprovoked: bool = False
    inflated: int = 0
    distance: int = 0
    reach: int = 0
    damage: int = 0


class Event(NamedTuple):
    """Something that happens at an endpoint; ``frame`` or ``head`` (of HTTP) where the kind has one."""

    kind: EventKind
    frame: FrameFacts | None = None
    head: RequestFacts | ResponseFacts | None = None

    @property
    def facts(self) -> Facts | None:
        """The facts that the event carries, of any type."""
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
    """The values that stay fixed during a connection: the role, the stated limit, the application, the switches.

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
            **{name: value for name, value in vars(self).items() if isinstance(value, bool)},
            **self.switches.indices(),
        }


# --- the variables: name, meaning, values -----------------------------------------------------------------------------

_known: Final[dict[str, Var]] = {}
_MESSAGE_TYPES: Final = {0: "none", TEXT: "TEXT", BINARY: "BINARY"}
_AUTOMATON: Final = dict(enumerate(utf8.STATE_NAMES))


def _truth(name: str, meaning: str) -> Var:
    return _known.setdefault(name, Var(name, meaning=meaning))


def _number(name: str, meaning: str, high: int, labels: Mapping[int, str] | None = None, low: int = 0) -> Var:
    return _known.setdefault(name, Var(name, Sort.INT, low, high, labels or {}, meaning))


# The state.
sent_close = _truth("sent_close", "a Close frame was sent")
got_close = _truth("got_close", "a Close frame was received and accepted")
failed = _truth("failed", "the connection is being failed, or was")
tcp_open = _truth("tcp_open", "the TCP connection is open for what the endpoint sends: it has not closed it")
peer_open = _truth("peer_open", "the TCP connection is open for what the peer sends: its end was not read")
discarding = _truth("discarding", "after its own Close the endpoint processes no further frame but a Close")
recv_type = _number("recv_type", "the message being received", 2, _MESSAGE_TYPES)
recv_utf8 = _number("recv_utf8", "where the automaton stands in the text being received", utf8.REJECT, _AUTOMATON)
recv_length = _number(
    "recv_length", "octets of the message being received; counted only where a limit is stated", LARGEST_LENGTH
)
send_type = _number("send_type", "the message being sent", 2, _MESSAGE_TYPES)
send_utf8 = _number("send_utf8", "where the automaton stands in the text being sent", utf8.REJECT, _AUTOMATON)
pong_due = _truth("pong_due", "the latest Ping has no Pong yet")
reply_due = _truth("reply_due", "the application still owes an echo")
fail_code = _number("fail_code", "the status code that fits the failure; 0 where there was none", 65535)
close_code = _number("close_code", "The WebSocket Connection Close Code (section 7.1.5)", 65535)
claims_rsv1 = _truth("claims_rsv1", "a negotiated extension defines RSV1 of the first frame of a message")
claims_rsv2 = _truth("claims_rsv2", "a negotiated extension defines RSV2 of the first frame of a message")
claims_rsv3 = _truth("claims_rsv3", "a negotiated extension defines RSV3 of the first frame of a message")
handshake = _number(
    "handshake", "how far the opening handshake is (chapter 2.8)", len(HANDSHAKE) - 1, dict(enumerate(HANDSHAKE))
)

recv_window = _number(
    "recv_window", "the largest distance that is agreed on for compressed messages of the peer, in octets; 0 without "
    "permessage-deflate", LARGEST_WINDOW,
)  # fmt: skip
send_window = _number(
    "send_window", "the largest distance that is agreed on for compressed messages of the endpoint, in octets; 0 "
    "without permessage-deflate", LARGEST_WINDOW,
)  # fmt: skip
recv_takeover = _truth("recv_takeover", "compressed messages of the peer may refer to those before")
send_takeover = _truth("send_takeover", "compressed messages of the endpoint may refer to those before")
recv_compressed = _truth("recv_compressed", "the message being received is a compressed one")
send_compressed = _truth("send_compressed", "the message being sent is a compressed one")
recv_history = _number(
    "recv_history", "octets that the compressed messages received so far have come to: what a next one may refer to",
    LARGEST_LENGTH,
)  # fmt: skip
send_history = _number(
    "send_history", "octets that the compressed messages sent so far have come to: what a next one may refer to",
    LARGEST_LENGTH,
)  # fmt: skip

# A frame.
opcode = _number("opcode", "the opcode", 15, OPCODE_NAMES)
fin = _truth("fin", "the FIN bit")
rsv1 = _truth("rsv1", "the reserved bit RSV1")
rsv2 = _truth("rsv2", "the reserved bit RSV2")
rsv3 = _truth("rsv3", "the reserved bit RSV3")
masked = _truth("masked", "the MASK bit")
form = _number(
    "form", "the form in which the length is written", 2,
    {0: "the 7-bit form", 1: "the 16-bit form", 2: "the 64-bit form"},
)  # fmt: skip
length = _number("length", "the payload length in octets, as the header declares it", LARGEST_LENGTH)
code = _number("code", "the status code in the body of a Close; 1005 where there is none", 65535)
reason_ok = _truth("reason_ok", "the reason of a Close is valid UTF-8, or there is none")
utf8_next = _number(
    "utf8_next", "where the automaton stands after the payload, if the frame carries text; else ACCEPT",
    utf8.REJECT, _AUTOMATON,
)  # fmt: skip
answers = _truth(
    "answers",
    "the frame answers what is due: a Pong with the payload of the latest Ping, the last frame of the echo owed, or a "
    "Close with the status code of the one received",
)
key_foreseen = _truth(
    "key_foreseen",
    "with the masking key of this frame, the keys that its sender has used can be foreseen, and that is no chance",
)
unprovoked = _truth(
    "unprovoked",
    "a Close that the application was not seen to ask for, before anything came that could be a reason for it",
)
inflated = _number(
    "inflated", "of a compressed message: the octets that it inflates to up to the end of this frame", LARGEST_LENGTH
)
distance = _number(
    "distance", "of a compressed message: the largest distance in it up to the end of this frame", LARGEST_WINDOW
)
reach = _number(
    "reach", "of a compressed message: how many octets before its start it refers to, up to the end of this frame",
    LARGEST_WINDOW,
)  # fmt: skip
damage = _number(
    "damage", "of a compressed message: what is wrong with its DEFLATE data up to the end of this frame",
    len(DAMAGE) - 1, dict(enumerate(DAMAGE)),
)  # fmt: skip

# The setting; each switch has its own variable beside it.
server = _truth("server", "the endpoint is the server; otherwise it is the client")
limit = _number(
    "limit", "the longest message that the endpoint takes, in octets", LARGEST_LENGTH, {UNSTATED: "unstated"}, UNSTATED
)
echo = _truth("echo", "the application sends every message back")
willing = _truth("willing", "the application of a server takes every sound opening handshake")
browser = _truth("browser", "the client is a browser")

STATE_VARIABLES: Final = {name: _known[name] for name in State._fields}
FRAME_VARIABLES: Final = {name: _known[name] for name in FrameFacts._fields}
SETTING_VARIABLES: Final = {
    **{name: variable for name, variable in _known.items() if name not in {**STATE_VARIABLES, **FRAME_VARIABLES}},
    **{switch.variable.name: switch.variable for switch in SWITCHES},
}
FACT_VARIABLES: Final[Mapping[EventKind, Mapping[str, Var]]] = {
    kind: {name: (FRAME_VARIABLES if kind.has_frame else HEAD_VARIABLES)[name] for name in kind.facts._fields}
    if kind.facts is not None
    else {}
    for kind in EventKind
}
"""The variables of what an event of each kind carries."""

ALL_FACTS: Final[Mapping[str, Var]] = {**FRAME_VARIABLES, **HEAD_VARIABLES}
"""The variables of what events carry, of all kinds: no name means two things."""

method_get, for_uri = (HEAD_VARIABLES[name] for name in ("method_get", "for_uri"))
status, sound_offer = HEAD_VARIABLES["status"], HEAD_VARIABLES["sound_offer"]
defines_rsv1, defines_rsv2, defines_rsv3 = (HEAD_VARIABLES[f"defines_rsv{n}"] for n in (1, 2, 3))


def handshake_is(*values: str) -> Expr:
    """The rule expression: the opening handshake has this value, or one of these values."""
    return any_of([handshake == Const(HANDSHAKE.index(value), value) for value in values])


established: Final = term("established", "the opening handshake is complete", handshake_is("complete"))
"""_The WebSocket Connection is Established_ (section 4.1), or was."""

CONNECTING: Final = State(handshake=HANDSHAKE.index("not begun"))
"""The state before the opening handshake; the defaults of :class:`State` are the one after it."""

MEASURED: Final = ("inflated", "distance", "reach", "damage")
"""The facts of a frame that are measured of the DEFLATE data of a compressed message."""

HEADER_VARIABLES: Final = frozenset({"opcode", "fin", "rsv1", "rsv2", "rsv3", "masked", "form", "length"})
"""The variables of a frame that a receiver knows as soon as its header is complete."""

is_text, is_binary = opcode == TEXT, opcode == BINARY
is_continuation = opcode == CONTINUATION
is_close, is_ping, is_pong = opcode == CLOSE, opcode == PING, opcode == PONG
is_control = term("is_control", "the frame is a control frame, defined or reserved", opcode >= CLOSE)
is_data = term("is_data", "the frame is a data frame, defined or reserved", opcode < CLOSE)
starts_message = term("starts_message", "the frame is the first of a message", is_text | is_binary)


def carries_text(type_in_progress: Var) -> Expr:
    """The frame carries octets of a text message, given the type of the message in progress."""
    return is_text | (is_continuation & (type_in_progress == TEXT))


received_text = term(
    "received_text", "the frame carries octets of a text message that is being received", carries_text(recv_type)
)
received_deflated = term(
    "received_deflated", "the frame belongs to a compressed message (RFC 7692, section 6) that is being received",
    (recv_window != 0) & ((starts_message & rsv1) | (is_continuation & recv_compressed)),
)  # fmt: skip
sent_deflated = term(
    "sent_deflated", "the frame belongs to a compressed message that is being sent",
    (send_window != 0) & ((starts_message & rsv1) | (is_continuation & send_compressed)),
)  # fmt: skip
sent_text = term("sent_text", "the frame carries octets of a text message that is being sent", carries_text(send_type))


def possible(kind: EventKind) -> Expr:
    """The constraint on every event of a kind, from any sender: facts of the encoding, not rules.

    Octets are heads of HTTP until the opening handshake is complete, frames from then on; requests go from clients to
    servers, responses the other way. A server reads no request while another waits for its answer, and a client that
    was refused reads no further response: what comes then is the body of the refusal. A peer ends its direction of TCP
    once; after the endpoint has closed TCP that end may still come.
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
    if kind is EventKind.RECEIVE_EOF:
        return peer_open | ~tcp_open
    return TRUE


def possible_frames(kind: EventKind) -> Expr:
    """The constraint on every frame that octets can carry, from any sender.

    These are facts of the encoding, not rules: a 7-bit length is at most 125, a Close body of fewer than two octets has
    no code, and the UTF-8 automaton can only be where ``length`` octets lead it. ``kind`` says whose message is in
    progress: the one being received, or the one being sent.
    """
    receiving = kind is EventKind.RECEIVE
    in_progress, before = (recv_type, recv_utf8) if receiving else (send_type, send_utf8)
    deflated = received_deflated if receiving else sent_deflated
    has_body = is_close & (length >= 2)
    start = ite(is_text, utf8.ACCEPT, before)
    at_rest = all_of([is_close, peer_open, ~got_close, ~failed, ~reply_due, ~pong_due, recv_type == 0])
    return all_of(
        [
            *((form != shape) | (length <= frames.capacity(shape)) for shape in FORMS),
            has_body | ((code == NO_CODE) & reason_ok),
            (length > 2) | reason_ok,
            masked | ~key_foreseen,
            ~unprovoked if kind is EventKind.RECEIVE else ~unprovoked | at_rest,
            ite(carries_text(in_progress), _automaton_can_reach(start, deflated), utf8_next == utf8.ACCEPT),
            deflated | all_of([inflated == 0, distance == 0, reach == 0, damage == 0]),
            reach <= distance,
            is_damaged("none", "malformed") | fin,
            ~is_damaged("no payload") | ((length == 0) & (distance == 0) & (inflated == 0)),
        ]
    )


def is_damaged(*values: str) -> Expr:
    """The rule expression: what is wrong with a compressed message is this, or one of these."""
    return any_of([damage == Const(DAMAGE.index(value), value) for value in values])


def _automaton_can_reach(start: Expr, deflated: Expr) -> Expr:
    # What comes out of a compressed frame is of any length: from anywhere but REJECT it leads anywhere.
    anywhere = (start != utf8.REJECT) | (utf8_next == utf8.REJECT)
    cases: list[Expr] = []
    for state in range(len(utf8.STATE_NAMES)):
        for octets in range(utf8.SATURATION + 1):
            reached = sorted(utf8.reachable_after(state, octets))
            exactly = length >= octets if octets == utf8.SATURATION else length == octets
            cases.append((start == state) & exactly & any_of([between(utf8_next, s, s) for s in reached]))
    return ite(deflated, anywhere, any_of(cases))


def phase(state: State) -> str:
    """The name of section 4.1 or 7.1 for a state: CONNECTING, OPEN, CLOSING, CLOSED; FAILED where it is failed."""
    if not state.tcp_open:
        return "CLOSED"
    if state.handshake and not state.failed:
        return "CONNECTING"
    if state.failed:
        return "FAILED"
    return "CLOSING" if state.sent_close or state.got_close else "OPEN"


possible_agreement: Final = all_of(
    [
        (recv_window == 0) == (send_window == 0),
        (recv_window != 0) | (~recv_takeover & ~send_takeover),
        (recv_window == 0) | (claims_rsv1 & between(recv_window, SMALLEST_WINDOW, LARGEST_WINDOW)
                              & between(send_window, SMALLEST_WINDOW, LARGEST_WINDOW)),
    ]
)  # fmt: skip
"""What an opening handshake can agree on: permessage-deflate for both directions, with RSV1, or for none."""


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
