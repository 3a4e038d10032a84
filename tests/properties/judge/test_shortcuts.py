"""A search that reads on only where it must finds what a search finds that considers every order."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.variables import EventKind, Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.history import History
from wsoracle.properties.judge.judge import EVERYTHING, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    ClosesTcp,
    Observation,
    Processed,
    Quiet,
    Tells,
    Writes,
)
from wsoracle.properties.judge.reading import MOST_EITHER_WAY
from wsoracle.properties.judge.ruling import EVIDENT
from wsoracle.properties.judge.search import FrameSearch
from wsoracle.properties.judge.verdict import Verdict

KEY = bytes(range(4))
PAYLOADS = (b"", b"a", b"\xc3", b"b" * 60)


def runs_of(opcodes: tuple[int, ...], key: bytes | None) -> st.SearchStrategy[list[bytes]]:
    """Runs of frames that are the same, with others between them."""
    frame = st.builds(
        lambda opcode, payload, fin: encode(Frame(opcode, payload, fin=fin, key=key)),
        st.sampled_from(opcodes),
        st.sampled_from(PAYLOADS),
        st.booleans(),
    )
    run = st.tuples(frame, st.sampled_from((1, 1, 2, 5))).map(lambda drawn: [drawn[0]] * drawn[1])
    return st.lists(run, max_size=4).map(lambda lists: [one for run in lists for one in run])


@st.composite
def traces(draw: st.DrawFn) -> tuple[Observation, ...]:
    """What a server may have got and sent: runs of frames, some of them cut, then an end."""
    arrives = draw(runs_of((TEXT, BINARY, CONTINUATION, CONTINUATION, PING, CLOSE), KEY))
    sends = draw(runs_of((TEXT, BINARY, CONTINUATION, PONG, PONG, CLOSE), None))
    if draw(st.booleans()):  # what a conforming echo does
        sends = [answer for one in arrives for answer in draw(st.sampled_from(([echoed(one)], [echoed(one)], [])))]
    return cut(draw, arrives, sends)


@st.composite
def keepalives(draw: st.DrawFn) -> tuple[Observation, ...]:
    """Pings with few payloads, and what reads otherwise after them; Pongs in any order, some of them left out."""
    payload = st.sampled_from((b"", b"a", b"b"))
    ping = payload.map(lambda octets: encode(Frame(PING, octets, key=KEY)))
    other = st.sampled_from((Frame(TEXT, b"t", key=KEY), Frame(CLOSE, key=KEY), Frame(3, key=KEY)))
    arrives = draw(st.lists(st.one_of(ping, ping, ping, other.map(encode)), max_size=7))
    sends = draw(st.lists(payload.map(lambda octets: encode(Frame(PONG, octets))), max_size=6))
    sends += draw(st.sampled_from(([], [], [encode(Frame(CLOSE))], [encode(Frame(CLOSE, b"\x03\xea"))])))
    return cut(draw, arrives, sends)


@st.composite
def no_echoes(draw: st.DrawFn) -> tuple[Observation, ...]:
    """Messages that an application sends back twice, changed or not at all, and frames that must be refused."""
    arrives, sends = [], []
    for number in range(draw(st.integers(1, 6))):
        opcode = draw(st.sampled_from((TEXT, TEXT, BINARY)))
        payload = draw(st.sampled_from((b"a", b"b", b"%d" % number)))
        message, other = encode(Frame(opcode, payload)), encode(Frame(TEXT, b"x" + payload))
        arrives.append(encode(Frame(opcode, payload, key=KEY)))
        sends += draw(st.sampled_from(([message], [message] * 2, [message, other], [other], [])))
    arrives += draw(st.sampled_from(([], [encode(Frame(3, key=KEY))], [encode(Frame(CONTINUATION, b"b", key=KEY))])))
    if draw(st.booleans()):
        arrives.insert(draw(st.integers(0, len(arrives))), encode(Frame(PING, b"b", key=KEY)))
        sends.insert(draw(st.integers(0, len(sends))), encode(Frame(PONG, b"b")))
    if draw(st.booleans()):
        return *cut(draw, arrives, sends), Quiet()
    return Arrives(b"".join(arrives)), Writes(b"".join(sends)), Quiet()


def cut(draw: st.DrawFn, arrives: list[bytes], sends: list[bytes]) -> tuple[Observation, ...]:
    """What arrives and what is sent, each in up to three parts, and an end."""
    found: list[Observation] = []
    for _ in range(2):
        first, second = draw(st.integers(0, len(arrives))), draw(st.integers(0, len(sends)))
        some_read, some_sent = b"".join(arrives[:first]), b"".join(sends[:second])
        arrives, sends = arrives[first:], sends[second:]
        found += [Arrives(some_read)] if some_read else []
        found += [Writes(some_sent)] if some_sent else []
        found += draw(st.sampled_from(([], [], [], [Quiet()], [Processed()])))
    found += [Arrives(b"".join(arrives))] if arrives else []
    found += [Writes(b"".join(sends))] if sends else []
    all_ends: tuple[tuple[Observation, ...], ...] = (Quiet(),), (ClosesTcp(),), (Processed(), Quiet()), ()
    return *found, *draw(st.sampled_from(all_ends))


def echoed(frame: bytes) -> bytes:
    """The frame with which an echo answers."""
    opcodes = {TEXT: TEXT, BINARY: BINARY, CONTINUATION: CONTINUATION, PING: PONG, CLOSE: CLOSE}
    payload = bytes(octet ^ KEY[at % 4] for at, octet in enumerate(frame[6:]))
    return bytes([frame[0] & 0xF0 | opcodes[frame[0] & 0x0F], frame[1] & 0x7F]) + payload


LIMIT_NOT_KNOWN = Setting(Role.SERVER, None, echo=True)
SETTINGS = LIMIT_NOT_KNOWN, Setting(Role.SERVER, 200, echo=True), Setting(Role.SERVER)
MANY_FRAGMENTS = (
    Arrives(encode(Frame(PING, fin=False, key=KEY)) + encode(Frame(CONTINUATION, fin=False, key=KEY)) * 4),
    Arrives(encode(Frame(TEXT, fin=False, key=KEY)) + encode(Frame(CONTINUATION, fin=False, key=KEY))),
    Quiet(), Writes(encode(Frame(PONG, fin=False))), Quiet(),
)  # fmt: skip
PINGS = Arrives(encode(Frame(PING, b"", key=KEY)) * 9), Writes(encode(Frame(PONG)) * 2), Quiet()


def judged(trace: tuple[Observation, ...], setting: Setting, told: bool, known: bool, strictly: bool) -> Judgement:
    """The judgement, without the steps: of frames that are passed over at once only the first has one."""
    found = judge(
        trace,
        setting,
        application="echo" if setting.echo else "sink" if known else "unknown",
        sees=EVERYTHING if told else (),
        strictly=strictly,
        taken_by_all=30,
    )
    return replace(found, steps=())


def without_acts(judgement: Judgement) -> Judgement:
    """The judgement without what the application did besides; all else that its note says is left."""
    rest = [part for part in judgement.note.split("; ") if part not in judgement.application]
    return replace(judgement, note="; ".join(rest), application=())


TRACES = st.one_of(traces(), keepalives(), no_echoes())


@given(TRACES, st.sampled_from(SETTINGS), st.booleans(), st.booleans(), st.booleans())
@example(PINGS, LIMIT_NOT_KNOWN, False, True, True)
@example(MANY_FRAGMENTS, Setting(Role.SERVER), False, False, False)
@settings(max_examples=400, deadline=None)
def test_every_order_explains_what_the_search_explains(
    trace: tuple[Observation, ...], setting: Setting, told: bool, known: bool, strictly: bool
) -> None:
    lazily = judged(trace, setting, told, known, strictly)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wsoracle.properties.judge.ruling.FrameSearch", partial(FrameSearch, lazy=False))
        in_every_order = judged(trace, setting, told, known, strictly)
    gave_up = in_every_order.unexplained or in_every_order.note == EVIDENT
    assume(not gave_up or lazily.unexplained or lazily.note == EVIDENT)  # over every order the search may give up
    assert set(lazily.instead) <= set(in_every_order.instead), "what would have been allowed is said of fewer orders"
    if lazily.verdict is Verdict.FAILED and len(History(trace).arriving(0).frames) > MOST_EITHER_WAY:
        # What answers decides then which frames were taken in wrongly, so that milder rules may be named besides.
        lazily, in_every_order = (
            replace(lazily, broken=lazily.broken[:1]),
            replace(in_every_order, broken=in_every_order.broken[:1]),
        )
    if lazily.verdict is Verdict.FAILED:
        # Where explanations break as much, each says in its own way what the application did besides, such as that it
        # changed an echo, or sent a message of its own and the echo late: that it acted, all of them say.
        assert bool(lazily.application) == bool(in_every_order.application)
        lazily, in_every_order = map(without_acts, (lazily, in_every_order))
    assert replace(lazily, instead=()) == replace(in_every_order, instead=())


@given(TRACES, st.sampled_from(SETTINGS), st.booleans(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_the_bound_of_a_search_for_faults_changes_no_judgement(
    trace: tuple[Observation, ...], setting: Setting, told: bool, known: bool
) -> None:
    bounded = judged(trace, setting, told, known, False)
    assume(bounded.verdict not in (Verdict.OK, Verdict.INFORMATIONAL))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FrameSearch, "going_on", lambda *_: None)
        assert bounded == judged(trace, setting, told, known, False)


@st.composite
def told_of(draw: st.DrawFn) -> tuple[Observation, ...]:
    """What a server may have got, sent and told its application, in any order: few messages, some of them cut."""
    frames = [Frame(TEXT, b"a", key=KEY), Frame(PING, b"p", key=KEY), Frame(TEXT, b"b", fin=False, key=KEY),
              Frame(CONTINUATION, b"c", key=KEY), Frame(CLOSE, b"\x03\xe8", key=KEY)]  # fmt: skip
    found: list[Observation] = [Arrives(encode(frame)) for frame in draw(st.lists(st.sampled_from(frames), max_size=5))]
    found += draw(st.sampled_from(([], [ArrivesEof()])))
    events: tuple[Observation, ...] = (
        Tells("text", b"a"),
        Tells("text", b"bc"),
        Tells("ping", b"p"),
        Tells("close", code=1000),
        Tells("lost"),
    )
    sent: tuple[Observation, ...] = (
        Writes(encode(Frame(CONTINUATION, b"", fin=False))),
        Writes(encode(Frame(TEXT, b"a"))),
        Quiet(),
    )
    for one in draw(st.lists(st.sampled_from((*events, *events, *sent)), max_size=5)):
        found.insert(draw(st.integers(0, len(found))), one)
    ends: tuple[tuple[Observation, ...], ...] = (), (Quiet(),), (ClosesTcp(),)
    return *found, *draw(st.sampled_from(ends))


@given(told_of(), st.sampled_from(SETTINGS))
@settings(max_examples=150, deadline=None)
def test_what_is_never_told_makes_no_difference(trace: tuple[Observation, ...], setting: Setting) -> None:
    found = judged(trace, setting, told=True, known=True, strictly=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wsoracle.properties.judge.ruling.FrameSearch", partial(FrameSearch, lazy=False))
        in_every_order = judged(trace, setting, told=True, known=True, strictly=False)
    # A search over every order may give up: in it more explanations differ.
    assume(not in_every_order.unexplained or found.unexplained)
    assert (found.verdict, found.rules, found.at) == (in_every_order.verdict, in_every_order.rules, in_every_order.at)


def test_what_an_endpoint_sends_does_not_change_how_it_reads() -> None:
    """The condition of reading on only where one must: no row on a received frame asks for what sending changes.

    Only a Close frame changes it.
    """
    close_only = {"sent_close"}
    changed = {name for rule in RULES.of(EventKind.SEND) for name in rule.then.effects} - close_only
    asked = {name for rule in RULES.of(EventKind.RECEIVE) for name in variables(rule.when)}
    assert not changed & asked
    closes = [rule.id for rule in RULES.of(EventKind.SEND) if close_only & set(rule.then.effects)]
    assert closes == ["7.1.2/send-close"]


def test_an_application_may_act_before_a_fault_is_read() -> None:
    """The only explanation reads on to a frame at which it fails: the message that it sends came before that.

    The Ping behind the fault is like one that was answered: that it is dropped is as it should be.
    """
    ping, pong = Arrives(encode(Frame(PING, b"p", key=KEY))), Writes(encode(Frame(PONG, b"p")))
    bad, texts = Arrives(encode(Frame(3, key=KEY))), Arrives(encode(Frame(TEXT, b"t", key=KEY)) * 7)
    own, close = Writes(encode(Frame(TEXT, b"own"))), Writes(encode(Frame(CLOSE, b"\x03\xea")))
    trace = (ping, pong, bad, own, ping, texts, close, ClosesTcp(), Quiet())
    found = judge(trace, Setting(Role.SERVER), application="sink")
    assert found.verdict is Verdict.INFORMATIONAL and not found.rules


def test_a_fault_is_found_however_much_is_unread_before_it() -> None:
    """The client fails by the first frame and sends Close; that it does not end TCP in the end is its only fault."""
    close = Frame(CLOSE, b"\x03\xe9")
    unread = [
        *(Frame(TEXT, b"\xf1"), Frame(TEXT, b"\xc2", fin=False), Frame(CONTINUATION), Frame(BINARY, b"a")),
        *(Frame(PING), Frame(PING, b"Hi"), Frame(PING), Frame(CONTINUATION), Frame(PONG), Frame(BINARY, b"e"), close),
    ]
    later = [Frame(BINARY, b"a", fin=False), Frame(CONTINUATION, fin=False), close]
    closes = Writes(encode(Frame(CLOSE, b"\x03\xe8", key=KEY)))
    seen = (
        Arrives(b"".join(map(encode, unread))),
        closes,
        Arrives(b"".join(map(encode, later))),
        ArrivesEof(),
        Quiet(),
    )
    assert "7.1.7/client-tcp-close-owed" in judge(seen, Setting(Role.CLIENT), sees=EVERYTHING).rules
