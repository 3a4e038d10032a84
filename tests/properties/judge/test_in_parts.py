"""A trace judged in parts gets the verdict that it gets as a whole, wherever it can be cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.notation.variables import MAX_LENGTH, Setting
from wsoracle.model.octets.deflate_stream import Deflater
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.history import History
from wsoracle.properties.judge.in_parts import NOT_INFLATED, Way, WholeJudgement, judge_in_parts
from wsoracle.properties.judge.judge import Judgement, judge
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Quiet, Trace, Writes
from wsoracle.properties.judge.verdict import Verdict

KEY = b"wxyz"
SETTING = Setting(Role.SERVER, MAX_LENGTH, echo=True)
NORMAL = b"\x03\xe8"


def judged(trace: Trace) -> Judgement:
    return judge(trace, SETTING, application="echo", keeps_promise=True)


def in_parts(trace: list[Observation]) -> tuple[WholeJudgement, int]:
    """The judgement in parts, and how many there were."""
    history, count = History(trace), 0

    def part(one: Trace) -> Judgement:
        nonlocal count
        count += 1
        return judged(one)

    arrived = Way(history.arrived, history.arriving(0).frames, 0, True)
    written = Way(history.octets_written, history.frames_written(0), 0, True)
    return judge_in_parts(history, arrived, written, part, "interop", 1000), count


def sent(opcode: int, payload: bytes, fin: bool = True, rsv2: bool = False) -> Arrives:
    return Arrives(encode(Frame(opcode, payload, fin, rsv2=rsv2, key=KEY)))


def seen(opcode: int, payload: bytes, rsv3: bool = False) -> Writes:
    return Writes(encode(Frame(opcode, payload, rsv3=rsv3)))


exchanges = st.sampled_from(
    [
        [sent(TEXT, b"one"), seen(TEXT, b"one")],
        [sent(TEXT, b"one"), seen(TEXT, b"other")],
        [sent(TEXT, b"one"), sent(BINARY, b"two"), seen(TEXT, b"one"), seen(BINARY, b"two")],
        [
            sent(TEXT, b"o", fin=False),
            sent(PING, b"p"),
            seen(PONG, b"p"),
            sent(CONTINUATION, b"ne"),
            seen(TEXT, b"one"),
        ],
        [sent(PING, b"p"), seen(PONG, b"p")],
        [sent(PING, b"p")],
        [seen(PING, b"p"), sent(PONG, b"p")],
        [seen(TEXT, b"hello")],
        [sent(TEXT, b"one")],
        [sent(TEXT, b"one", rsv2=True)],
        [sent(TEXT, b"one"), seen(TEXT, b"one", rsv3=True)],
        [Quiet()],
    ]
)
ends = st.sampled_from(
    [
        [],
        [Quiet()],
        [sent(CLOSE, NORMAL), seen(CLOSE, NORMAL), ClosesTcp()],
        [sent(CLOSE, NORMAL), ClosesTcp()],
        [Writes(encode(Frame(TEXT, b"one"))[:3]), ClosesTcp()],
        [ClosesTcp()],
    ]
)


@given(st.lists(exchanges, max_size=6), ends)
def test_the_verdict_is_that_on_the_whole(middle: list[list[Observation]], end: list[Observation]) -> None:
    trace = [one for exchange in middle for one in exchange] + end
    whole, (found, count) = judged(trace), in_parts(trace)
    assert found.judgement.verdict is whole.verdict and count <= len(trace) + 1
    if found.judgement.at is not None:
        # The place is that of the worst part; the whole leaves what is allowed there or before.
        assert whole.at is not None and found.judgement.at >= whole.at


def compressed(deflater: Deflater, payload: bytes, key: bytes | None) -> bytes:
    return encode(Frame(TEXT, deflater.deflate(payload, True), rsv1=True, key=key))


def test_contexts_go_on_from_part_to_part_and_volumes_are_counted() -> None:
    tester, endpoint = Deflater(), Deflater()
    trace: list[Observation] = []
    for number in range(5):
        message = b"the same again and again: the same " + str(number).encode()
        trace += [Arrives(compressed(tester, message, KEY)), Writes(compressed(endpoint, message, None))]
    found, count = in_parts(trace)
    assert found.judgement.verdict is Verdict.OK and count == 5
    for volume in (found.arrived, found.written):
        assert (volume.frames, volume.messages, volume.content) == (5, 5, 5 * 36)
        assert volume.payload < volume.content and volume.wire > volume.payload


def test_an_echo_that_differs_once_inflated_is_at_fault_where_it_begins() -> None:
    tester, endpoint = Deflater(), Deflater()
    trace: list[Observation] = []
    for said in (b"right", b"wrong", b"right"):
        trace += [Arrives(compressed(tester, b"right", KEY)), Writes(compressed(endpoint, said, None))]
    found, _ = in_parts(trace)
    assert isinstance(trace[1], Writes)
    assert found.judgement.application and found.judgement.at == 3
    assert found.judgement.begins == len(trace[1].octets)


def test_what_nobody_can_inflate_or_is_too_long_is_failed_in_words() -> None:
    for octets, words in ((b"\xff\xff", NOT_INFLATED), (Deflater().deflate(bytes(2000), True), "inflates to more")):
        trace: list[Observation] = [
            Arrives(compressed(Deflater(), b"x", KEY)),
            Writes(encode(Frame(BINARY, octets, rsv1=True))),
        ]
        found, _ = in_parts(trace)
        assert found.judgement.verdict is Verdict.FAILED and words in found.judgement.note
        assert (found.judgement.begins, found.judgement.at) == (0, 1)


def test_the_mark_of_compression_where_it_may_not_be_is_a_reserved_bit() -> None:
    found, _ = in_parts([sent(TEXT, b"x"), Writes(encode(Frame(PING, b"", rsv1=True)))])
    assert found.judgement.verdict is Verdict.FAILED and "5.2/reserved-bits-zero" in " ".join(found.judgement.rules)
