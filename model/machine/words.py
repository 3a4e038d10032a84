"""Words for the values of the model: events, outcomes, states, frames, and answers that are owed.

The one place for these words: explanations, the specification, diagrams and listings of rules take them from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from ..notation.head_variables import RequestFacts, ResponseFacts
from ..notation.rule import Due, Forbid, Rule
from ..notation.variables import HANDSHAKE, LOST, NO_CODE, Event, EventKind, FrameFacts, State, phase
from ..octets import utf8
from ..octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Role
from ..rules.close_codes import code_range
from .interpreted import Kind, Label, label_of

EVENTS: Final[Mapping[EventKind, str]] = {
    EventKind.SEND_REQUEST: "a request that a client sends",
    EventKind.RECEIVE_REQUEST: "a request that a server receives",
    EventKind.SEND_RESPONSE: "a response that a server sends",
    EventKind.RECEIVE_RESPONSE: "a response that a client receives",
    EventKind.RECEIVE: "a frame received",
    EventKind.RECEIVE_EOF: "the end of TCP",
    EventKind.SEND: "a frame sent",
    EventKind.CLOSE_TCP: "closing TCP",
    EventKind.SILENCE: "silence",
}
"""Events in the order of a connection's life: those of the opening handshake, input, output."""

DUES: Final[Mapping[Due, str]] = {
    Due.REQUEST: "a request",
    Due.RESPONSE: "a response",
    Due.REPLY: "the echo",
    Due.PONG: "a Pong",
    Due.CLOSE: "a Close frame",
    Due.TCP_CLOSE: "the TCP close",
}
"""Words for the answers that an endpoint owes."""

FRAMES: Final[Mapping[int, str]] = {
    CONTINUATION: "continuation",
    TEXT: "text",
    BINARY: "binary",
    CLOSE: "Close",
    PING: "Ping",
    PONG: "Pong",
}
"""The frames with an opcode that has a meaning, as the RFC writes them."""

_MESSAGES: Final = {TEXT: "text", BINARY: "binary"}
_REQUESTS: Final[Mapping[str | None, str]] = {
    "opening handshake": "a sound request",
    "other request": "a request that is not for us",
}
_ACCEPTED: Final = {
    None: "accepted, nothing to deliver yet",
    "opening handshake": "accepted: a sound opening handshake",
    "other request": "accepted: an ordinary HTTP request, which asks for no WebSocket",
    "open": "accepted: the connection is open",
    "refused": "accepted: the server has refused the opening handshake",
}


def outcome_words(label: Label) -> str:
    """The outcome of an input: ``accepted: text message``, ``refused: fail the connection with 1002 (...)``."""
    if label.kind is Kind.ACCEPT:
        return _ACCEPTED.get(label.delivers, f"accepted: {label.delivers}")
    if label.kind is Kind.REFUSE:
        return f"refused: to be answered with {label.code}"
    if label.kind is Kind.FAIL:
        told = f"; the application is told {LOST}" if label.code == LOST else ""
        return f"refused: {choice_words(label)}{told}"
    return "ignored"


def choice_words(label: Label) -> str:
    """An allowed reaction to an input: ``accept it``, ``fail the connection with 1002 (...)``."""
    if label.kind is Kind.FAIL and label.code == LOST:
        return "fail the connection"  # before it is open no Close frame tells a code
    if label.kind is Kind.FAIL:
        return f"fail the connection with {label.code} ({code_range(label.code or 0).meaning})"
    if label.kind is Kind.REFUSE:
        return f"refuse it with {label.code}"
    return "accept it" if label.kind is Kind.ACCEPT else "ignore it"


def reaction_words(rule: Rule) -> str:
    """The reaction that a rule asks for: ``fail 1002``, ``accept: text message``, ``forbid: pong is due``."""
    label = label_of(rule)
    if label is None:
        due = rule.then.due if isinstance(rule.then, Forbid) else None
        if due is None or not isinstance(rule.then, Forbid):
            return rule.then.word
        return f"{rule.then.word}: {due_name(due)} is due{' soon' if rule.then.soon else ''}"
    if label.kind is Kind.FAIL and label.code == LOST:
        return f"fail; the application is told {LOST}"
    return f"refuse with {label.code}" if label.kind is Kind.REFUSE else str(label)


class StepWords(NamedTuple):
    """A step in words, seen from the endpoint: the verb and its object, such as *receives* and *Close*."""

    verb: str
    object: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.object}".rstrip()


def step_words(event: Event, label: Label) -> StepWords:
    """A step in words: an event, and the label of its outcome."""
    kind, frame, head = event
    if label.kind is Kind.REFUSE:
        return StepWords("refuses", f"with {label.code}")
    if kind.is_input and label.kind is Kind.FAIL:
        return StepWords("fails", str(label.code))
    if kind.facts is not None and label.kind is Kind.IGNORE:
        return StepWords("ignores", "what it receives")
    verb = "receives" if kind.is_input else "sends"
    if isinstance(head, RequestFacts):
        return StepWords(verb, _REQUESTS.get(label.delivers, "a request"))
    if isinstance(head, ResponseFacts):
        return StepWords(verb, f"response {head.status}" if head.status < 200 else "a response but 101")
    if frame is not None:
        return StepWords(verb, frame_words(frame))
    if kind is EventKind.RECEIVE_EOF:
        return StepWords("TCP ends" if label.delivers is None else f"TCP ends: {label.delivers}")
    return StepWords("closes", "TCP") if kind is EventKind.CLOSE_TCP else StepWords("may be silent")


def due_name(due: Due) -> str:
    """The answer that is due as a name without an article, such as ``tcp close``."""
    return due.name.lower().replace("_", " ")


def frame_words(frame: FrameFacts) -> str:
    """The kind of a frame: ``first text fragment``, ``Ping``."""
    if frame.opcode == CONTINUATION:
        return "last fragment" if frame.fin else "next fragment"
    name = FRAMES.get(frame.opcode, f"opcode {frame.opcode:#x}")
    return name if frame.fin else f"first {name} fragment"


def sent_frame_words(frame: FrameFacts, sender: Role) -> str:
    """A frame that an end of a role sends: its kind, its code, and its mask where that is wrong."""
    code = "" if frame.code == NO_CODE else f" {frame.code}"
    mask = "" if frame.masked is (sender is Role.CLIENT) else ", masked" if frame.masked else ", not masked"
    return f"{frame_words(frame)}{code}{mask}"


def stage_words(state: State) -> str:
    """The phase of a connection; before it is open, with the stage of the opening handshake."""
    name = phase(state)
    return f"{name} ({HANDSHAKE[state.handshake]})" if name == "CONNECTING" else name


@lru_cache(maxsize=1024)
def state_words(state: State) -> str:
    """A state: its phase, and what is under way."""
    said = [stage_words(state)]
    if state.recv_type:
        inside = {utf8.ACCEPT: "", utf8.REJECT: ", which is no longer valid UTF-8"}
        in_text = inside.get(state.recv_utf8, ", in the middle of a character")
        said.append(f"inside a {_MESSAGES[state.recv_type]} message{in_text}")
    if state.failed and state.fail_code:
        said.append(f"to be closed with {state.fail_code}")
    elif state.failed and not state.peer_open:
        said.append("lost")
    elif state.tcp_open and not state.peer_open:
        said.append("TCP ended by the peer")
    if state.sent_close:
        said.append("Close sent")
    if state.got_close:
        said.append(f"Close received ({state.close_code})" if state.close_code != NO_CODE else "Close received")
    if state.discarding:
        said.append("discarding received frames")
    if state.send_type:
        said.append(f"sending a {_MESSAGES[state.send_type]} message")
    claimed = {"RSV1": state.claims_rsv1, "RSV2": state.claims_rsv2, "RSV3": state.claims_rsv3}
    said += [f"{bit} defined by an extension" for bit, is_claimed in claimed.items() if is_claimed]
    return ", ".join(said)
