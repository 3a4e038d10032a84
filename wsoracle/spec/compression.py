"""The block of docs/spec.md about compressed messages: a few of them, octet by octet, through the window."""

from __future__ import annotations

from typing import Final

from wsoracle.model.facts.frames import deflated, facts
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.variables import Event, EventKind, Setting, State
from wsoracle.model.octets.deflate import DeflateTracer
from wsoracle.model.octets.deflate_encoder import DeflateWriter, Match
from wsoracle.model.octets.vocabulary import TEXT, Frame, Role
from wsoracle.model.rules import RULES

from .markdown import code, listed, table

AGREED: Final = State(claims_rsv1=True, recv_window=512, send_window=512, recv_takeover=True, send_takeover=True)
"""After an opening handshake that agreed on windows of 9 bits, and on taking over contexts."""

MESSAGES: Final = (
    ("the first message: literals", True, bytes.fromhex("f248cdc9c90700")),
    ("the same again: a reference to the first", True, bytes.fromhex("f200110000")),
    ("a plain message, which the window does not see", False, b"Hello"),
    ("an empty message", True, bytes.fromhex("00")),
    ("a block without compression", True, bytes.fromhex("000500faff48656c6c6f00")),
    ("a block with BFINAL = 1, and one octet after it", True, bytes.fromhex("f348cdc9c9070000")),
    ("a reference to more than there ever was", True, DeflateWriter().fixed([Match(3, 200)]).tail().octets),
)
"""What each message is, whether it is compressed, and its payload: examples of RFC 7692, section 7.2.3, and a fault."""


def window() -> str:
    """Messages that a client with a limit of 1,000 octets receives: octets, what is measured, what the rules say."""
    machine, tracer, state = CompiledMachine(RULES, Setting(Role.CLIENT, limit=1000)), DeflateTracer(), AGREED
    rows = []
    for what, compressed, payload in MESSAGES:
        seen = facts(Frame(TEXT, payload, rsv1=compressed))
        inflated = payload
        if compressed:
            inflated = tracer.feed(payload) + tracer.end()
            seen = deflated(seen, tracer.facts)._replace(utf8_next=0)
        outcome = machine.canonical(state, Event(EventKind.RECEIVE, seen))
        assert outcome is not None
        measured = f"{seen.inflated}, {seen.distance}, {seen.reach}" if compressed else "-"
        rows.append(
            (what, code(payload.hex(" ")), repr(inflated.decode()), measured, str(state.recv_history),
             outcome.label.kind.value, listed(outcome.rules))
        )  # fmt: skip
        state = outcome.state
    head = ("message", "payload", "says", "inflated, distance, reach", "history before it", "outcome", "rules")
    return table(head, rows)
