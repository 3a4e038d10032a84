"""What comes late and what never comes: later evidence counts for earlier doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.judge import Application, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, Asks, ClosesTcp, Observation, Quiet, Writes
from wsoracle.properties.judge.verdict import PROFILES, Verdict

KEY = b"\x01\x02\x03\x04"
NORMAL = b"\x03\xe8"


def arrives(opcode: int, payload: bytes = b"") -> Arrives:
    return Arrives(encode(Frame(opcode, payload, key=KEY)))


def writes(opcode: int, payload: bytes = b"") -> Writes:
    return Writes(encode(Frame(opcode, payload)))


def judged(*trace: Observation, application: Application = "sink") -> Judgement:
    return judge(trace, Setting(Role.SERVER, 1_000, application == "echo"), application=application)


LATE: Sequence[tuple[tuple[Observation, ...], Observation, tuple[Observation, ...], str, str]] = [
    ((arrives(PING, b"p"),), writes(PONG, b"p"), (), "5.5.2/pong-soon", "5.5.2/pong-owed"),
    ((arrives(PING, b"p"), arrives(PING, b"q")), writes(PONG, b"q"), (), "5.5.2/pong-soon", "5.5.2/pong-owed"),
    ((arrives(CLOSE, NORMAL),), writes(CLOSE, NORMAL), (ClosesTcp(),), "5.5.1/close-soon", "5.5.1/close-owed"),
    (
        (arrives(CLOSE, NORMAL), writes(CLOSE, NORMAL)), ClosesTcp(), (),
        "7.1.1/tcp-close-soon", "5.5.1/server-tcp-close-owed",
    ),
]  # fmt: skip


@pytest.mark.parametrize("application", ["echo", "sink", "unknown"])
@pytest.mark.parametrize("quiets", [1, 3])
@pytest.mark.parametrize(("before", "due", "after", "soon", "owed"), LATE)
def test_what_comes_late_is_late_and_what_never_comes_is_owed(
    before: tuple[Observation, ...],
    due: Observation,
    after: tuple[Observation, ...],
    soon: str,
    owed: str,
    quiets: int,
    application: Application,
) -> None:
    prompt = judged(*before, due, *after, Quiet(), application=application)
    assert (prompt.verdict, prompt.rules) == (Verdict.OK, ())
    late = judged(*before, *[Quiet()] * quiets, due, *after, Quiet(), application=application)
    assert (late.verdict, late.rules) == (Verdict.NON_STRICT, (soon,))
    never = judged(*before, *[Quiet()] * quiets, application=application)
    assert (never.verdict, never.rules) == (Verdict.FAILED, (owed,))


def test_an_answer_that_something_else_makes_needless_came_never() -> None:
    trace = arrives(PING, b"p"), Quiet(), arrives(CLOSE, NORMAL), writes(CLOSE, NORMAL), ClosesTcp()
    assert judged(*trace).rules == ("5.5.2/pong-owed",)
    other = arrives(PING, b"p"), Quiet(), writes(PONG, b"x"), Quiet()
    assert judged(*other).rules == ("5.5.2/pong-owed",)


def test_an_echo_that_comes_late_breaks_no_rule() -> None:
    late = judged(arrives(TEXT, b"a"), Quiet(), Quiet(), writes(TEXT, b"a"), Quiet(), application="echo")
    assert (late.verdict, late.rules) == (Verdict.INFORMATIONAL, ())
    assert late.application == ("not an echo: the message was sent back late",)
    one = judged(arrives(TEXT, b"a"), arrives(TEXT, b"b"), writes(TEXT, b"a"), Quiet(), Quiet(), application="echo")
    assert one.application == ("not an echo: the message was not sent back",)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([TEXT, BINARY, PING]), min_size=1, max_size=5), st.data())
def test_a_silence_makes_a_verdict_no_better_and_what_comes_in_time_is_no_matter_of_it(
    opcodes: list[int], data: st.DataObject
) -> None:
    """An echo that is right, with one silence anywhere: OK where nothing was due, else NON-STRICT or INFORMATIONAL."""
    trace: list[Observation] = []
    due_after: list[int | None] = []
    for number, opcode in enumerate(opcodes):
        trace += [arrives(opcode, b"%d" % number), writes(PONG if opcode == PING else opcode, b"%d" % number)]
        due_after += [opcode, None]
    at = data.draw(st.integers(0, len(trace) - 1))
    due = due_after[at]
    found = judged(*trace[: at + 1], Quiet(), *trace[at + 1 :], Quiet(), application="echo")
    expected = {None: Verdict.OK, PING: Verdict.NON_STRICT}.get(due, Verdict.INFORMATIONAL)
    assert found.verdict is expected, (trace, at)
    assert found.rules == (("5.5.2/pong-soon",) if due == PING else ())


@pytest.mark.parametrize(
    ("asked", "other", "rule"),
    [
        (Asks("text", b"hi"), writes(TEXT, b"no"), "6.1/send-text"),
        (Asks("binary", b"hi"), writes(BINARY, b"no"), "6.1/send-binary"),
        (Asks("close", code=1001), writes(TEXT, b"no"), "7.1.2/send-close"),
    ],
)
def test_what_the_application_asks_for_is_sent(asked: Asks, other: Writes, rule: str) -> None:
    sent = (
        writes(CLOSE, b"\x03\xe9") if asked.what == "close" else writes(TEXT if asked.what == "text" else BINARY, b"hi")
    )
    for profile in PROFILES:
        setting = Setting(Role.SERVER, 1_000)
        withheld = judge((asked, Quiet()), setting, application="sink", profile=profile)
        assert (withheld.verdict, withheld.rules) == (Verdict.FAILED, (rule,))
        assert any("its application asked for" in allowed.what for allowed in withheld.instead)
        replaced = judge((asked, other, Quiet()), setting, application="sink", profile=profile)
        assert (replaced.verdict, replaced.rules) == (Verdict.FAILED, (rule,))
        assert judge((asked, sent, Quiet()), setting, application="sink", profile=profile).verdict is Verdict.OK
        late = judge((asked, Quiet(), sent, Quiet()), setting, application="sink", profile=profile)
        assert late.verdict is Verdict.OK, "section 2.1: sending may be delayed arbitrarily"


_MISSED: Sequence[tuple[Observation, ...]] = [
    (arrives(TEXT, b"\xff"), writes(CLOSE, b"\x03\xef"), Quiet()),
    (arrives(PING, b"p"), Quiet(), arrives(CLOSE, NORMAL), writes(CLOSE, NORMAL), ClosesTcp()),
    (arrives(CLOSE, NORMAL), Quiet()),
    (arrives(3), Quiet(), arrives(PING, b"p"), Quiet()),
]


@pytest.mark.parametrize("application", ["echo", "sink", "unknown"])
@pytest.mark.parametrize("trace", _MISSED)
def test_to_be_quiet_once_more_is_no_second_fault(trace: Sequence[Observation], application: Application) -> None:
    once = judged(*trace, application=application)
    more = [seen for one in trace for seen in ([one] * 3 if isinstance(one, Quiet) else [one])]
    often = judged(*more, application=application)
    assert (often.verdict, often.rules, often.one_of) == (once.verdict, once.rules, once.one_of)


def test_an_unknown_application_may_send_what_it_is_not_seen_to_ask_for_and_is_sent_what_it_is() -> None:
    asks, sent, own = Asks("text", b"hi"), writes(TEXT, b"hi"), writes(TEXT, b"no")
    fine: list[tuple[Observation, ...]] = [
        (asks, sent),
        (own, asks, sent),
        (asks, own, sent),
        (asks, asks, sent, sent),
        (asks, Quiet(), sent),
    ]
    for seen in fine:
        assert judged(*seen, Quiet(), application="unknown").verdict is Verdict.OK
    missing: list[tuple[Observation, ...]] = [(asks,), (sent, asks), (asks, own), (asks, asks, sent)]
    for seen in missing:
        judgement = judged(*seen, Quiet(), application="unknown")
        assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("6.1/send-text",))
    closing = judged(Asks("close", code=1001), Quiet(), application="unknown")
    assert (closing.verdict, closing.rules) == (Verdict.FAILED, ("7.1.2/send-close",))


_REFUSED: Final = {
    "5.2/unknown-opcode": Frame(3, b"odd"),
    "5.2/reserved-bits": Frame(TEXT, b"odd", rsv2=True),
    "5.4/continuation-without-message": Frame(0, b"odd"),
}


@pytest.mark.parametrize("application", ["echo", "sink", "unknown"])
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("rule", _REFUSED)
def test_what_is_sent_back_was_taken_in_whatever_the_application(
    rule: str, role: Role, application: Application
) -> None:
    """A client may fail in silence: that its message is like one that had arrived is not by chance all the same."""
    sends, gets = (KEY, None) if role is Role.CLIENT else (None, KEY)
    refused, then = _REFUSED[rule], Frame(TEXT, b"hello")
    setting = Setting(role, 1_000, application == "echo")
    came = Arrives(encode(replace(refused, key=gets))), Arrives(encode(replace(then, key=gets)))
    for back in (then, Frame(TEXT, refused.payload)):
        trace = (*came, Writes(encode(replace(back, key=sends))), Quiet())
        if back is not then and application == "unknown":
            continue  # it may go on to send a message of its own
        judgement = judge(trace, setting, application=application)
        assert (judgement.verdict, judgement.rules[:1]) == (Verdict.FAILED, (rule,))
    before = judge((Writes(encode(replace(then, key=sends))), *came), setting, application=application)
    assert before.verdict in (Verdict.OK, Verdict.INFORMATIONAL), "what is sent before answers nothing"
    if rule != "5.2/reserved-bits":
        first = Frame(TEXT, refused.payload)
        both = Arrives(encode(replace(first, key=gets)) + encode(replace(refused, key=gets)))
        fails = Writes(encode(replace(first, key=sends)) + encode(Frame(CLOSE, b"\x03\xea", key=sends)))
        assert application == "sink" or judge((both, fails), setting, application=application).verdict is Verdict.OK


@pytest.mark.parametrize("sent", [b"a\xff", b"a\xef\xbf\xbd"])
@pytest.mark.parametrize("role", list(Role))
def test_invalid_text_that_is_sent_back_was_taken_in(sent: bytes, role: Role) -> None:
    sends, gets = (KEY, None) if role is Role.CLIENT else (None, KEY)
    came = Arrives(encode(Frame(TEXT, b"a\xff", key=gets)))
    trace = came, Writes(encode(Frame(TEXT, sent, key=sends))), Quiet()
    judgement = judge(trace, Setting(role, 1_000, True), application="echo")
    assert judgement.verdict is Verdict.FAILED and judgement.rules[0] == "8.1/invalid-text"
