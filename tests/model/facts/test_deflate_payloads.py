"""Payloads of compressed frames that have the facts which are asked for."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wsoracle.model.facts.deflate_payloads import CompressedRun, is_deflated, run_of
from wsoracle.model.facts.frames import concrete, deflated, facts, realise
from wsoracle.model.notation.variables import DAMAGE, Event, EventKind, FrameFacts, State
from wsoracle.model.octets import utf8
from wsoracle.model.octets.deflate import DeflateTracer
from wsoracle.model.octets.frames import minimal_form
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, PING, TEXT

ROOM = 300
"""Octets of payload that are enough for whatever is drawn here."""


@st.composite
def marked(draw: st.DrawFn) -> FrameFacts:
    """Facts of a message in one frame that may be written: it is long enough for the distance that it has."""
    distance = draw(st.sampled_from((0, 0, 1, 255, 256, 257, 512, 513, 32767, 32768)))
    reach = draw(st.sampled_from((0, 1, 2, distance // 2, distance - 1, distance))) if distance else 0
    reach = min(reach, distance)
    damage = draw(st.sampled_from([name for name in DAMAGE if name != "no payload"]))
    opcode = draw(st.sampled_from((TEXT, BINARY)))
    inflated = (distance - reach + 3 if distance else 0) + draw(st.integers(0, 20))
    length = draw(st.integers(ROOM, ROOM + 1))
    after = draw(st.sampled_from((utf8.ACCEPT, utf8.TAIL1, utf8.REJECT))) if opcode == TEXT else utf8.ACCEPT
    fin = draw(st.booleans()) or damage not in ("none", "malformed")
    return FrameFacts(
        opcode, fin, True, masked=True, form=minimal_form(length), length=length, utf8_next=after,
        inflated=inflated + (after != utf8.ACCEPT), distance=distance, reach=reach, damage=DAMAGE.index(damage),
    )  # fmt: skip


@given(marked(), st.sampled_from((0, 1, 300, 32768)))
def test_a_message_has_the_facts_that_it_was_written_for(wanted: FrameFacts, history: int) -> None:
    assume(wanted.reach <= history)
    before = utf8.ACCEPT if wanted.opcode == TEXT else None
    made = concrete(wanted, before, compressed=CompressedRun(history))
    assert made == concrete(wanted, before, compressed=CompressedRun(history))
    assert made.frame is not None
    tracer = DeflateTracer()
    tracer.feed(CompressedHistory.octets(history))
    tracer.end()
    out = tracer.feed(made.frame.payload)
    out += tracer.end() if wanted.fin else b""
    seen = facts(made.frame, before)._replace(utf8_next=utf8.ACCEPT if before is None else utf8.run(out))
    assert deflated(seen, tracer.facts) == wanted
    if DAMAGE[wanted.damage] != "malformed":
        assert len(out) == wanted.inflated


class CompressedHistory:
    """A message that leaves so many octets to refer to."""

    @staticmethod
    def octets(history: int) -> bytes:
        from wsoracle.model.octets.deflate_encoder import DeflateWriter

        return DeflateWriter().stored(b"a" * history).tail().octets


def test_before_all_history() -> None:
    """A reach of one octet more than there are: named by its numbers, and nothing comes out."""
    wanted = FrameFacts(BINARY, rsv1=True, length=9, distance=6, reach=6)
    run = CompressedRun(5)
    payload, inflated = run.write(wanted, None)
    assert (len(payload), inflated) == (9, b"")


def test_fragments_go_on() -> None:
    run, given = CompressedRun(), b""
    for wanted in (
        FrameFacts(TEXT, False, True, length=7, inflated=1),
        FrameFacts(CONTINUATION, False, length=0, inflated=1),
        FrameFacts(CONTINUATION, False, length=20, inflated=9, distance=4),
        FrameFacts(CONTINUATION, length=3, inflated=10, distance=4),
        FrameFacts(TEXT, rsv1=True, length=8, inflated=3, distance=10, reach=10),
    ):
        _, more = run.write(wanted, utf8.ACCEPT)
        given += more
    assert given == b"a" * 13 and run.history == 13
    with pytest.raises(ValueError, match="facts"):
        run.write(FrameFacts(TEXT, rsv1=True, inflated=1), utf8.ACCEPT)


def test_which_frames_are_compressed() -> None:
    agreed = State(claims_rsv1=True, recv_window=256, send_window=512)
    first, plain = FrameFacts(TEXT, rsv1=True, length=1), FrameFacts(TEXT, length=1)
    assert is_deflated(first, agreed, EventKind.RECEIVE) and not is_deflated(plain, agreed, EventKind.SEND)
    assert not is_deflated(first, State(claims_rsv1=True), EventKind.RECEIVE)
    assert not is_deflated(FrameFacts(PING, rsv1=True), agreed, EventKind.RECEIVE)
    inside = agreed._replace(recv_compressed=True, recv_type=TEXT)
    more = FrameFacts(CONTINUATION, length=1)
    assert is_deflated(more, inside, EventKind.RECEIVE) and not is_deflated(more, inside, EventKind.SEND)
    assert realise(Event(EventKind.RECEIVE, first), agreed).octets == bytes.fromhex("c10100")
    assert run_of(Event(EventKind.SILENCE), agreed) is None
