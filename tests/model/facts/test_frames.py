"""Facts of frames, frames of facts."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.frames_read import frames_read
from tests.model.drawn import frames, possible, roles, states
from wsoracle.model.facts.deflate_payloads import is_deflated
from wsoracle.model.facts.frames import (
    DEFAULT_KEY,
    LONGEST,
    close_code,
    concrete,
    deflated,
    facts,
    facts_of_header,
    facts_on_wire,
    realise,
    text_before,
)
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.variables import Event, EventKind, FrameFacts, Setting, State, environment, possible_frames
from wsoracle.model.octets import utf8
from wsoracle.model.octets.deflate import DeflateFault, DeflateTracer
from wsoracle.model.octets.frames import Header, decode_header, encode, minimal_form
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role

KINDS = st.sampled_from([EventKind.RECEIVE, EventKind.SEND])


@given(st.data(), st.binary(min_size=4, max_size=4))
def test_octets_of_possible_facts_have_these_facts(data: st.DataObject, key: bytes) -> None:
    state, kind = data.draw(states()), data.draw(KINDS)
    wanted = data.draw(possible(state, kind, longest=70_000))
    assume(not is_deflated(wanted, state, kind))
    before = text_before(wanted.opcode, state, kind)
    made = concrete(wanted, before, key=key)
    assert made == concrete(wanted, before, key=key)
    assert made.complete and made.frame is not None
    assert facts(made.frame, before, answers=wanted.answers) == wanted
    assert made.octets == encode(made.frame)
    assert frames_read(made.octets) == [made.frame]
    assert realise(Event(kind, wanted), state, key=key) == made


@given(st.data())
def test_what_is_too_long_to_write_is_a_header(data: st.DataObject) -> None:
    state, kind = data.draw(states()), data.draw(KINDS)
    wanted = data.draw(possible(state, kind))
    assume(not is_deflated(wanted, state, kind))
    made = concrete(wanted, text_before(wanted.opcode, state, kind), longest=200)
    assert made.complete is (wanted.length <= 200) is (made.frame is not None)
    found = decode_header(made.octets)
    assert found is not None
    header, end = found
    neutral = FrameFacts(0)
    assert facts_of_header(header) == wanted._replace(
        code=neutral.code, reason_ok=True, utf8_next=utf8.ACCEPT, answers=False
    )
    if not made.complete:
        assert end == len(made.octets)


@given(st.data())
def test_facts_of_any_frame_are_possible(data: st.DataObject) -> None:
    state, kind = data.draw(states()), data.draw(KINDS)
    frame = data.draw(roles().flatmap(frames))
    seen = facts(frame, text_before(frame.opcode, state, kind))
    assert evaluate(possible_frames(kind), environment(Setting(Role.SERVER), state, seen))


def test_boundaries_of_length() -> None:
    for length in (0, 125, 126, 65535, 65536, LONGEST):
        made = concrete(FrameFacts(BINARY, form=2, length=length))
        assert made.complete and len(made.octets) == 10 + length
    assert concrete(FrameFacts(BINARY, form=2, length=LONGEST + 1)).octets == bytes.fromhex("827f0000000000100001")
    made = concrete(FrameFacts(TEXT, masked=True, form=2, length=2**63))
    assert made.octets == bytes.fromhex("81ff8000000000000000") + DEFAULT_KEY


def test_the_text_before_a_frame() -> None:
    state = State(recv_type=TEXT, recv_utf8=utf8.TAIL1, send_type=TEXT, send_utf8=utf8.TAIL2)
    receive, send = EventKind.RECEIVE, EventKind.SEND
    assert text_before(CONTINUATION, state, receive) == utf8.TAIL1
    assert text_before(CONTINUATION, state, send) == utf8.TAIL2
    for kind in (receive, send):
        assert text_before(TEXT, state, kind) == utf8.ACCEPT
        assert text_before(BINARY, state, kind) is None
        assert text_before(PING, state, kind) is None
        assert text_before(CONTINUATION, State(recv_type=BINARY, send_type=BINARY), kind) is None


def test_facts_by_example() -> None:
    assert facts(Frame(TEXT, b"Hello", key=DEFAULT_KEY)) == FrameFacts(TEXT, masked=True, length=5)
    assert facts(Frame(TEXT, b"\xce", fin=False)).utf8_next == utf8.TAIL1
    assert facts(Frame(CONTINUATION, b"\xba"), utf8.TAIL1).utf8_next == utf8.ACCEPT
    assert facts(Frame(CONTINUATION, b"\xba"), None).utf8_next == utf8.ACCEPT
    assert facts(Frame(BINARY, b"\xff")).utf8_next == utf8.ACCEPT
    assert facts(Frame(CLOSE, b"\x03\xe8ok")) == FrameFacts(CLOSE, length=4, code=1000)
    assert facts(Frame(CLOSE, b"\x03\xe8\xff")).reason_ok is False
    assert facts(Frame(CLOSE, b"\x03")) == FrameFacts(CLOSE, length=1)
    assert facts(Frame(PONG, b"x"), answers=True).answers
    assert facts(Frame(BINARY, b"", form=1)).form == 1
    assert [close_code(body) for body in (b"", b"\x03", b"\x03\xe9", b"\x03\xe9!")] == [1005, 1005, 1001, 1001]


def test_a_payload_of_ones_own() -> None:
    made = concrete(FrameFacts(PONG, length=2, answers=True), payload=b"hi")
    assert made.octets == b"\x8a\x02hi"
    with pytest.raises(ValueError, match="not those of the given payload"):
        concrete(FrameFacts(PONG, length=2), payload=b"long")


@pytest.mark.parametrize(
    "wanted",
    [
        FrameFacts(TEXT, length=0, utf8_next=utf8.TAIL1),
        FrameFacts(CLOSE, length=1, code=1000),
        FrameFacts(CLOSE, length=2, code=1000, reason_ok=False),
        FrameFacts(TEXT, form=0, length=126),
        FrameFacts(BINARY, length=1, utf8_next=utf8.REJECT),
    ],
)
def test_impossible_facts_have_no_octets(wanted: FrameFacts) -> None:
    with pytest.raises(ValueError):
        concrete(wanted)


def test_an_event_without_a_frame_has_no_octets() -> None:
    with pytest.raises(ValueError, match="silence has no frame"):
        realise(Event(EventKind.SILENCE), State())


def test_extensions_give_another_text_than_the_wire() -> None:
    header, _ = decode_header(b"\x81\x02") or pytest.fail("a header")
    seen = facts_on_wire(header, b"\xc3\xa9\xff", utf8.ACCEPT)
    assert (seen.length, seen.utf8_next) == (2, utf8.REJECT)


@given(st.lists(st.binary(max_size=30), max_size=3), st.none() | st.integers(0, 20))
def test_what_a_tracer_measures_is_possible(payloads: list[bytes], limit: int | None) -> None:
    """Facts of compressed frames, of any octets: within the bounds of the encoding, one octet over a limit at most."""
    tracer, history = DeflateTracer(limit), 0
    for payload in payloads:
        tracer.feed(payload)
        tracer.end()
        header = Header(2, True, True, False, False, True, minimal_form(len(payload)), len(payload), None)
        found = deflated(facts_of_header(header), tracer.facts)
        state = State(claims_rsv1=True, recv_window=256, send_window=256, recv_history=history)
        values = environment(Setting(Role.SERVER), state, found)
        assert evaluate(possible_frames(EventKind.RECEIVE), values)
        assert limit is None or found.inflated <= limit + 1
        too_far = tracer.facts.fault is DeflateFault.TOO_FAR
        assert (found.reach > history) == too_far
        if tracer.facts.fault.lost:
            break
        history = min(history + found.inflated, 32768)
