"""What rules talk about: the state of an endpoint, its setting, and the event at hand, as variables.

The state follows the words of section 7.1: ``sent_close``, ``got_close``, ``failed`` and ``tcp_open`` are facts, not
one hand-drawn phase; OPEN, CLOSING and CLOSED are views of them (:func:`phase`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final, NamedTuple

from . import utf8, wire
from .expression import Expr, Sort, Value, Var, all_of, any_of, between, ite
from .switches import SWITCHES, Switches
from .vocabulary import BINARY, CLOSE, CONTINUATION, FORMS, OPCODE_NAMES, PING, PONG, TEXT, Role

MAX_LENGTH: Final = 2**64 - 1
NO_CODE: Final = 1005
LOST: Final = 1006
UNSTATED: Final = -1


class EventKind(Enum):
    """What can happen at an endpoint. The first two are inputs, the others are outputs (silence included)."""

    RECEIVE = "receive"
    RECEIVE_EOF = "receive_eof"
    SEND = "send"
    CLOSE_TCP = "close_tcp"
    SILENCE = "silence"

    @property
    def is_input(self) -> bool:
        """The event comes from outside; otherwise the endpoint itself does it."""
        return self in (EventKind.RECEIVE, EventKind.RECEIVE_EOF)

    @property
    def has_frame(self) -> bool:
        """The event carries a frame."""
        return self in (EventKind.RECEIVE, EventKind.SEND)


class State(NamedTuple):
    """The state of one endpoint of a connection. The defaults are the state right after the opening handshake.

    ``recv_utf8`` and ``send_utf8`` are states of the automaton of ``model.utf8``; ``recv_length`` counts octets of the
    message being received where a limit is stated; ``pong_due`` says that the latest Ping has no Pong yet;
    ``reply_due`` that the application still owes an echo; ``fail_code`` is the status code that fits the failure, 0
    where there was none; ``close_code`` is The WebSocket Connection Close Code of section 7.1.5; the ``claims`` are the
    reserved bits that negotiated extensions define.
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
    """Something that happens at an endpoint; ``frame`` where the kind has one."""

    kind: EventKind
    frame: FrameFacts | None = None


@dataclass(frozen=True)
class Setting:
    """What stays fixed during a connection: the role, the stated limit, the application, the switches.

    ``limit`` is in octets of a message; None where the endpoint's limit is not known, so that answering any data with
    1009 is within its freedom (section 10.4). ``echo`` says that the application answers each message with itself.
    """

    role: Role
    limit: int | None = None
    echo: bool = False
    switches: Switches = field(default_factory=Switches)

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
            **self.switches.indices(),
        }


_MESSAGE_TYPES: Final = {0: "none", TEXT: "TEXT", BINARY: "BINARY"}
_INTEGERS: Final[Mapping[str, tuple[int, int, Mapping[int, str]]]] = {
    "recv_type": (0, 2, _MESSAGE_TYPES),
    "send_type": (0, 2, _MESSAGE_TYPES),
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
SETTING_VARIABLES: Final = {
    **{name: _variable(name) for name in ("server", "limit", "echo")},
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

opcode, fin, masked = FRAME_VARIABLES["opcode"], FRAME_VARIABLES["fin"], FRAME_VARIABLES["masked"]
rsv1, rsv2, rsv3 = FRAME_VARIABLES["rsv1"], FRAME_VARIABLES["rsv2"], FRAME_VARIABLES["rsv3"]
form, length = FRAME_VARIABLES["form"], FRAME_VARIABLES["length"]
code, reason_ok = FRAME_VARIABLES["code"], FRAME_VARIABLES["reason_ok"]
utf8_next, answers = FRAME_VARIABLES["utf8_next"], FRAME_VARIABLES["answers"]

server, limit, echo = SETTING_VARIABLES["server"], SETTING_VARIABLES["limit"], SETTING_VARIABLES["echo"]

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
            *((form != shape) | (length <= wire.capacity(shape)) for shape in FORMS),
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
    """The name of section 7.1 for a state: OPEN, CLOSING or CLOSED; FAILED where the connection is being failed."""
    if not state.tcp_open:
        return "CLOSED"
    if state.failed:
        return "FAILED"
    return "CLOSING" if state.sent_close or state.got_close else "OPEN"


def environment(setting: Setting, state: State, frame: FrameFacts | None) -> dict[str, Value]:
    """The value of every variable, for :func:`~wsoracle.model.expression.evaluate`."""
    values: dict[str, Value] = {**setting.values, **state._asdict()}
    if frame is not None:
        values.update(frame._asdict())
    return values


def label(name: str, value: Value) -> str:
    """How people read a value of a variable: its name where it has one. KeyError for an unknown variable."""
    variable = {**STATE_VARIABLES, **FRAME_VARIABLES, **SETTING_VARIABLES}[name]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return variable.labels.get(value, str(value))
