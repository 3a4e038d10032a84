"""A trace judged in parts gets the verdict that it gets as a whole, wherever it can be cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.notation.variables import LARGEST_LENGTH, Setting, State
from wsoracle.model.octets.deflate_stream import Deflater
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge import in_parts as module
from wsoracle.properties.judge.history import History
from wsoracle.properties.judge.in_parts import LONG_ENOUGH, TOO_MUCH_SENT, Way, WholeJudgement, judge_in_parts
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Quiet, Trace, Writes
from wsoracle.properties.judge.verdict import Verdict

KEY = b"wxyz"
SETTING = Setting(Role.SERVER, LARGEST_LENGTH, echo=True)
NORMAL = b"\x03\xe8"


FORGETS = "permessage-deflate; server_no_context_takeover; server_max_window_bits=9"


def agreed_on(extensions: str) -> State:
    agreed = agreed_state(Role.SERVER, extensions)
    assert agreed is not None
    return agreed


def judged(trace: Trace | History, start: State) -> Judgement:
    return judge(trace, SETTING, application="echo", start=start, keeps_promise=True)


def in_parts(
    trace: list[Observation], extensions: str = "permessage-deflate", starts: tuple[int, int] = (0, 0)
) -> tuple[WholeJudgement, int]:
    """The judgement in parts, and how many there were. ``starts``: where the frames begin in either direction."""
    history, count = History(trace), 0

    def part(one: History, state: State) -> Judgement:
        nonlocal count
        count += 1
        return judged(one, state)

    arrived = Way(history.arriving(starts[0]).frames, starts[0])
    written = Way(history.frames_written(starts[1]), starts[1])
    agreed = agreed_on(extensions)
    return judge_in_parts(trace, arrived, written, agreed, SETTING.limit, part, "interop"), count


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


@given(st.lists(exchanges, max_size=6), ends, st.sampled_from(["permessage-deflate", FORGETS]))
def test_the_verdict_is_that_on_the_whole(
    middle: list[list[Observation]], end: list[Observation], extensions: str
) -> None:
    trace = [one for exchange in middle for one in exchange] + end
    whole, (found, count) = judged(trace, agreed_on(extensions)), in_parts(trace, extensions)
    assert found.judgement.verdict is whole.verdict and count <= len(trace) + 1
    if found.judgement.at is not None:
        # The place is that of the worst part; the whole leaves what is allowed there or before.
        assert whole.at is not None and found.judgement.at >= whole.at


def compressed(deflater: Deflater, payload: bytes, key: bytes | None) -> bytes:
    return encode(Frame(TEXT, deflater.deflate(payload, True), rsv1=True, key=key))


@given(st.lists(st.sampled_from([b"", b"one", b"one and two", bytes(600)]), max_size=4), st.booleans(), st.booleans())
def test_a_window_is_that_of_the_whole(messages: list[bytes], keeps: bool, heads: bool) -> None:
    """The endpoint was told to keep nothing, and 512 octets; it has 32 KiB."""
    tester, endpoint = Deflater(), Deflater(takeover=keeps)
    trace: list[Observation] = []
    for number, message in enumerate(messages):
        said = bytes(range(number, 128)) * 4 + message
        trace += [Arrives(compressed(tester, said, KEY)), Writes(compressed(endpoint, said, None))]
    whole = judged(trace, agreed_on(FORGETS))
    starts = 0, 0
    if heads and trace:
        assert isinstance(trace[0], Arrives) and isinstance(trace[1], Writes)
        trace[:2] = [Arrives(b"head" + trace[0].octets), Writes(b"another" + trace[1].octets)]
        starts = 4, 7
    found = in_parts(trace, FORGETS, starts)[0].judgement
    assert (found.verdict, found.at, found.direction) == (whole.verdict, whole.at, whole.direction)
    # What a later part breaks too is not looked for.
    assert set(found.broken) <= set(whole.broken) and bool(found.broken) is bool(whole.broken)
    if whole.octet is not None and whole.begins is not None:
        before = starts[whole.direction == "written"]
        assert (found.octet, found.begins) == (whole.octet + before, whole.begins + starts[1])


def test_contexts_go_on_from_part_to_part_and_volumes_are_counted() -> None:
    tester, endpoint = Deflater(), Deflater()
    trace: list[Observation] = []
    for number in range(5 * LONG_ENOUGH // 2):
        message = b"the same again and again: the same " + b"%02d" % number
        trace += [Arrives(compressed(tester, message, KEY)), Writes(compressed(endpoint, message, None))]
    found, count = in_parts(trace)
    assert found.judgement.verdict is Verdict.OK and count == 5
    for volume in (found.arrived, found.written):
        assert (volume.frames, volume.messages, volume.content) == (40, 40, 40 * 37)
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


def test_what_nobody_can_inflate_is_failed() -> None:
    trace: list[Observation] = [
        Arrives(compressed(Deflater(), b"x", KEY)),
        Writes(encode(Frame(BINARY, b"\xff\xff", rsv1=True))),
    ]
    found, _ = in_parts(trace)
    assert found.judgement.verdict is Verdict.FAILED and found.judgement.rules == ("7692.7.2.1/send-deflate",)
    assert (found.judgement.begins, found.judgement.at) == (0, 1)


def test_more_than_was_sent_is_failed_in_words_and_too_much_of_both_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_IN_PART", 1000)
    for size, verdict in ((1, Verdict.FAILED), (2000, Verdict.INFORMATIONAL)):
        trace: list[Observation] = [
            Arrives(compressed(Deflater(), b"x" * size, KEY)),
            Writes(compressed(Deflater(), b"x" * 2000, None)),
        ]
        found, _ = in_parts(trace)
        assert found.judgement.verdict is verdict
        assert (found.judgement.note == TOO_MUCH_SENT) is (verdict is Verdict.FAILED)


def test_the_mark_of_compression_where_it_may_not_be_is_named_by_its_rule() -> None:
    found, _ = in_parts([sent(TEXT, b"x"), Writes(encode(Frame(PING, b"", rsv1=True)))])
    assert found.judgement.verdict is Verdict.FAILED and "7692.6.1" in " ".join(found.judgement.rules)
