"""Messages as the tester compresses them inflate to what they are, in turns and out of turn, under any agreement."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wsoracle.generators.cases.compression import Agreement
from wsoracle.generators.cases.steps import SendFrame
from wsoracle.harness.compressing import CompressedMessages
from wsoracle.model.octets.deflate import DeflateFault, DeflateTracer
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, Frame

messages = [SendFrame(Frame(BINARY, bytes([number]) * 40 + bytes(range(100)))) for number in range(5)]
agreements = st.builds(Agreement, st.integers(8, 15), st.booleans(), st.booleans())


@given(
    agreements,
    st.one_of(st.none(), st.integers(1, 50)),
    st.one_of(
        st.integers(1, 4).map(lambda number: messages[:number] * 5),
        st.lists(st.sampled_from(messages), min_size=1, max_size=20),
    ),
)
def test_each_message_inflates_to_its_payload_within_the_window(
    agreed: Agreement, fragment: int | None, sent: list[SendFrame]
) -> None:
    writer, tracer = CompressedMessages(agreed, fragment), DeflateTracer()
    for action in sent:
        written = writer.written(action, b"wxyz")
        units, rest = frames_in(written.octets)
        assert rest == len(written.octets) and len(units) == written.frames
        assert [unit.header.opcode for unit in units] == [BINARY] + [CONTINUATION] * (len(units) - 1)
        assert [unit.header.rsv1 for unit in units] == [True] + [False] * (len(units) - 1)
        assert [unit.header.fin for unit in units] == [False] * (len(units) - 1) + [True]
        assert all(fragment is None or len(unit.payload) <= fragment for unit in units)
        inflated = b"".join([tracer.feed(unit.payload) for unit in units]) + tracer.end()
        facts = tracer.facts
        assert inflated == action.payload and facts.fault is DeflateFault.NONE
        assert facts.distance <= 1 << agreed.bits and (agreed.takeover or facts.reach == 0)


def test_without_compression_a_message_is_one_frame() -> None:
    writer = CompressedMessages(Agreement(15, True, 15, True), 10)
    (unit,), _ = frames_in(writer.plain(messages[0]))
    assert unit.payload == messages[0].payload and unit.header.key == bytes(4) and not unit.header.rsv1
