"""What an application does that it does not promise: what need not be considered makes no difference."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.acts import Acts
from wsoracle.properties.judge.judge import EVERYTHING, Application, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    Asks,
    ClosesTcp,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    Told,
    Writes,
)
from wsoracle.properties.judge.verdict import PROFILES, Profile, Verdict

KEY = bytes(range(4))
ECHO, SINK = Setting(Role.SERVER, echo=True), Setting(Role.SERVER)


def came(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    return encode(Frame(opcode, payload, fin=fin, key=KEY))


def sent(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    return encode(Frame(opcode, payload, fin=fin))


MESSAGES_CAME = (
    came(TEXT, b"a"),
    came(TEXT, b"b"),
    came(BINARY, b"a"),
    came(TEXT, b"a", fin=False) + came(CONTINUATION, b""),
    came(TEXT, b"", fin=False) + came(PING, b"p") + came(CONTINUATION, b"b"),
)
OTHERS_CAME = (
    came(PING, b"p"),
    came(PONG, b""),
    came(TEXT, b"\xff"),
    came(3, b"a"),
    came(CLOSE, b"\x03\xe8"),
    came(TEXT, b"a", fin=False),
)
MESSAGES_SENT = (*(sent(TEXT, payload) for payload in (b"a", b"b", b"x", b"y")), sent(BINARY, b"a"), sent(BINARY, b"x"))
OTHERS_SENT = (
    sent(PONG, b"p"),
    sent(TEXT, b"a", fin=False) + sent(CONTINUATION, b""),
    sent(TEXT, b"x", fin=False),
    sent(CONTINUATION, b""),
)
CLOSES_SENT: tuple[list[bytes], ...] = (
    [],
    [],
    [sent(CLOSE, b"\x03\xe8")],
    [sent(CLOSE, b"\x03\xea")],
    [sent(CLOSE, b"")],
)
ENDS: tuple[tuple[Observation, ...], ...] = (
    (Quiet(),), (ClosesTcp(),), (Processed(), Quiet()), (), (ArrivesEof(), Quiet()), (ResetsTcp(),),
)  # fmt: skip
BETWEEN: tuple[Observation, ...] = Quiet(), Processed(), Asks("text", b"x")


@st.composite
def acting(draw: st.DrawFn) -> tuple[Observation, ...]:
    """What a server may have got and sent: messages of few kinds, so that many of them are echoes of several."""
    arrives = draw(st.lists(st.sampled_from((*MESSAGES_CAME * 2, *OTHERS_CAME)), max_size=5))
    sends = draw(st.lists(st.sampled_from((*MESSAGES_SENT * 2, *OTHERS_SENT)), max_size=6))
    sends += draw(st.sampled_from(CLOSES_SENT))
    found: list[Observation] = []
    while arrives or sends:
        what = draw(st.sampled_from((Arrives, Arrives, Writes, Writes, None)))
        octets = sends if what is Writes else arrives
        if what is None:
            found.append(draw(st.sampled_from(BETWEEN)))
        elif octets:
            count = draw(st.integers(1, len(octets)))
            found.append(what(b"".join(octets[:count])))
            del octets[:count]
    return *found, *draw(st.sampled_from(ENDS))


def judged(trace: tuple[Observation, ...], setting: Setting, sees: frozenset[Told] = frozenset()) -> Judgement:
    return judge(trace, setting, application="echo" if setting.echo else "sink", sees=sees)


@st.composite
def repeating(draw: st.DrawFn) -> tuple[Observation, ...]:
    """An echo that sends some messages back more than once, or not at all; all of them at once, or a few at a time."""
    messages = draw(st.lists(st.sampled_from((b"a", b"b", b"c", b"d")), min_size=1, max_size=5))
    arrives = [came(TEXT, message) for message in messages]
    sends = [sent(TEXT, message) * draw(st.sampled_from((1, 2, 2, 2, 3, 0))) for message in messages]
    if draw(st.booleans()):
        at = draw(st.integers(0, len(messages)))
        arrives.insert(at, draw(st.sampled_from(OTHERS_CAME)))
        sends.insert(at, draw(st.sampled_from((b"", *OTHERS_SENT, *MESSAGES_SENT))))
    found: list[Observation] = []
    ahead = draw(st.sampled_from((1, 2, len(arrives))))
    for at in range(0, len(arrives), ahead):
        found += [Arrives(b"".join(arrives[at : at + ahead])), Writes(b"".join(sends[at : at + ahead]))]
    found += [Writes(close) for close in draw(st.sampled_from(CLOSES_SENT))]
    return *found, *draw(st.sampled_from(ENDS))


@given(
    st.one_of(acting(), repeating()),
    st.sampled_from((ECHO, ECHO, SINK)),
    st.sampled_from((frozenset[Told](), frozenset(EVERYTHING))),
)
@example((Arrives(MESSAGES_CAME[0]), Writes(MESSAGES_SENT[2] + MESSAGES_SENT[0]), Quiet()), ECHO, frozenset())
@example(
    (Arrives(OTHERS_CAME[0] + MESSAGES_CAME[0]), Writes(MESSAGES_SENT[2] + OTHERS_SENT[0] + CLOSES_SENT[3][0])),
    ECHO,
    frozenset(),
)
@settings(max_examples=120, deadline=None)
def test_acts_that_are_not_considered_explain_no_more(
    trace: tuple[Observation, ...], setting: Setting, sees: frozenset[Told]
) -> None:
    found = judged(trace, setting, sees)
    with pytest.MonkeyPatch.context() as patch:
        for shortcut in (Acts.is_rather_changed, Acts.need_not_read_on, Acts.is_no_echo):
            patch.setattr(Acts, shortcut.__name__, lambda *_: False)
        of_all = judged(trace, setting, sees)
    assert (found.verdict, found.broken, found.one_of) == (of_all.verdict, of_all.broken, of_all.one_of)
    assert (found.at, found.octet, found.unexplained) == (of_all.at, of_all.octet, of_all.unexplained)
    assert bool(found.application) is bool(of_all.application)


@pytest.mark.parametrize("at_a_time", (1, 10, 500))
def test_many_messages_that_are_changed(at_a_time: int) -> None:
    """Each may be one of the application's own: that both are kept for each of them made this too much to judge."""
    some = range(0, 500, at_a_time)
    arrives = [Arrives(b"".join(came(TEXT, b"m%d" % n) for n in range(at, at + at_a_time))) for at in some]
    writes = [Writes(b"".join(sent(TEXT, b"M%d" % n) for n in range(at, at + at_a_time))) for at in some]
    trace = *(one for both in zip(arrives, writes, strict=True) for one in both), Quiet()
    found = judged(trace, ECHO)
    assert found.verdict is Verdict.INFORMATIONAL and not found.unexplained
    assert found.application == ("not an echo: the message differs at octet 0",)


@pytest.mark.parametrize("cut", (1, 2, 3_000))
def test_many_messages_that_are_sent_back_twice(cut: int) -> None:
    """In every order of reading a second copy comes that nothing asked for: that was too much to judge."""
    copies = [sent(TEXT, b"m%d" % (number // 2)) for number in range(3_000)]
    writes = [Writes(b"".join(copies[at : at + cut])) for at in range(0, 3_000, cut)]
    arrives: Observation = Arrives(b"".join(came(TEXT, b"m%d" % number) for number in range(1_500)))
    trace = arrives, *writes, Quiet()
    found = judged(trace, ECHO)
    assert found.verdict is Verdict.INFORMATIONAL and not found.unexplained
    assert found.application == ("not an echo: the application sends a message of its own",)


def test_a_sink_that_sends_many_messages_while_it_is_sent_many() -> None:
    trace = Arrives(came(TEXT, b"m") * 500), Writes(sent(TEXT, b"own") * 500), Processed()
    found = judged(trace, SINK)
    assert found.verdict is Verdict.INFORMATIONAL and not found.unexplained


def test_where_acts_multiply_the_search_gives_up_soon() -> None:
    """Each message may be an echo that was changed, or one of its own before the echo that comes at last."""
    trace = Arrives(came(TEXT, b"a") * 40), Writes(sent(TEXT, b"b") * 40 + sent(TEXT, b"a")), Quiet()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wsoracle.properties.judge.search._MOST_LENIENT_WORK", 50)
        found = judged(trace, ECHO)
    assert found.unexplained and found.verdict is Verdict.INFORMATIONAL
    assert not judged(trace, ECHO).unexplained


TWICE = sent(TEXT, b"a") * 2
REFUSES = sent(CLOSE, b"\x03\xea")
LIKE_A_MESSAGE = encode(Frame(TEXT, b"a", rsv2=True, key=KEY))
APPLICATIONS: tuple[tuple[Application, Setting], ...] = ("echo", ECHO), ("sink", SINK), ("unknown", SINK)


@pytest.mark.parametrize(("application", "setting"), APPLICATIONS)
@pytest.mark.parametrize("answers", (TWICE, sent(BINARY, b"a")), ids=("twice", "as the other type"))
def test_a_second_copy_does_not_show_that_a_bad_frame_was_taken_in(
    answers: bytes, application: Application, setting: Setting
) -> None:
    """An application that repeats or changes a message explains it, and the endpoint refuses the frame (5.2)."""
    trace = Arrives(came(TEXT, b"a") + encode(Frame(3, b"a", key=KEY))), Writes(answers + REFUSES), ClosesTcp()
    found = judge(trace, setting, application=application)
    assert not found.rules
    assert found.verdict is (Verdict.OK if application == "unknown" else Verdict.INFORMATIONAL)


@pytest.mark.parametrize(("application", "setting"), APPLICATIONS)
@pytest.mark.parametrize(
    "trace",
    (
        (Arrives(LIKE_A_MESSAGE), Writes(sent(TEXT, b"a") + REFUSES), ClosesTcp()),
        (
            Arrives(came(TEXT, b"b") + LIKE_A_MESSAGE), Writes(sent(TEXT, b"b") + sent(TEXT, b"a") + REFUSES),
            ClosesTcp(),
        ),
        (
            Arrives(came(TEXT, b"a")), Writes(sent(TEXT, b"a")), Quiet(), Arrives(LIKE_A_MESSAGE),
            Writes(sent(TEXT, b"a") + REFUSES), ClosesTcp(),
        ),
        (Arrives(came(TEXT, b"a") + LIKE_A_MESSAGE + came(PING, b"p")), Writes(TWICE + sent(PONG, b"p")), Quiet()),
    ),
    ids=("alone", "another message before it", "quiet before it", "a Ping behind it answered"),
)  # fmt: skip
def test_the_echo_of_a_bad_frame_is_certain(
    trace: tuple[Observation, ...], application: Application, setting: Setting
) -> None:
    """Nothing but the frame that must be refused (5.2) explains what is sent."""
    found = judge(trace, setting, application=application)
    assert found.verdict is Verdict.FAILED


@pytest.mark.parametrize(("application", "setting"), APPLICATIONS)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("bad", (LIKE_A_MESSAGE, encode(Frame(3, b"z", key=KEY))), ids=("RSV2", "opcode 3"))
def test_the_answer_to_what_comes_after_a_bad_frame_is_certain(
    bad: bytes, profile: Profile, application: Application, setting: Setting
) -> None:
    """Either the frame was not refused (5.2), or what came behind it was processed (7.1.7): both are a MUST."""
    trace = Arrives(bad + came(TEXT, b"later")), Writes(sent(TEXT, b"later") + REFUSES), ClosesTcp()
    found = judge(trace, setting, application=application, profile=profile)
    assert found.verdict is Verdict.FAILED and found.strength is Strength.MUST


def test_by_the_letter_a_fault_that_binds_its_sender_alone_may_be_refused_late() -> None:
    """A Ping in two fragments: that it must be refused is consensus."""
    trace = Arrives(came(PING, b"p", fin=False) + came(TEXT, b"later")), Writes(sent(TEXT, b"later") + REFUSES)
    found = judge(trace, SINK, application="unknown", profile="letter")
    assert found.verdict is Verdict.INFORMATIONAL
