"""What a run makes of the judge's words about an application; `harness/test_contract.py` has real connections."""

from __future__ import annotations

import pytest

from wsoracle.model.notation.variables import LARGEST_LENGTH, Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, TEXT, Frame, Role
from wsoracle.properties.judge.application import NOT_SENT_BACK
from wsoracle.properties.judge.echo_contract import InRun, in_a_run
from wsoracle.properties.judge.echo_words import BESIDES, CUT_SHORT, NOT_AN_ECHO, OWN_MESSAGE, said_of_application
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Writes
from wsoracle.properties.judge.verdict import Verdict

KEY = b"\x01\x9a\x5c\xe3"
HELLO = Arrives(encode(Frame(TEXT, b"Hello", key=KEY)))
MORE = Arrives(encode(Frame(TEXT, b"more", key=KEY)))
BYE = Arrives(encode(Frame(CLOSE, b"\x03\xe8", key=KEY)))


def says(*frames: Frame) -> Writes:
    return Writes(b"".join(map(encode, frames)))


ECHO = Frame(TEXT, b"Hello")
GREETING = Frame(TEXT, b"welcome")


def closes(code: int) -> Frame:
    return Frame(CLOSE, code.to_bytes(2, "big"))


def judged(*trace: Observation) -> Judgement:
    setting = Setting(Role.SERVER, LARGEST_LENGTH, echo=True)
    return judge(list(trace), setting, application="echo")


def test_what_the_judge_finds_right_stays_as_it_is() -> None:
    judgement = judged(HELLO, says(ECHO), BYE, says(closes(1000)), ClosesTcp())
    assert in_a_run(judgement) == InRun(judgement)


@pytest.mark.parametrize(
    ("trace", "left", "verdict", "whole", "words"),
    [
        ([says(GREETING), HELLO, says(ECHO), BYE, says(closes(1000)), ClosesTcp()], 0, "OK", True, BESIDES),
        ([HELLO, says(ECHO, closes(1001)), BYE, ClosesTcp()], 0, "OK", True, BESIDES),
        ([HELLO, says(ECHO, closes(1001)), BYE, ClosesTcp()], 3, "OK", False, CUT_SHORT),
        ([HELLO, says(ECHO), MORE, says(closes(1001)), BYE, ClosesTcp()], 0, "OK", False, CUT_SHORT),
        ([HELLO, says(closes(1001)), BYE, ClosesTcp()], 0, "FAILED", True, NOT_AN_ECHO),
        ([HELLO, says(closes(1011)), BYE, ClosesTcp()], 0, "FAILED", True, NOT_AN_ECHO),
        ([HELLO, says(ECHO, closes(4000)), BYE, ClosesTcp()], 0, "FAILED", True, NOT_AN_ECHO),
        ([HELLO, says(Frame(TEXT, b"HELLO")), BYE, says(closes(1000)), ClosesTcp()], 0, "FAILED", True, NOT_AN_ECHO),
        ([HELLO, says(ECHO, ECHO), BYE, says(closes(1000)), ClosesTcp()], 0, "FAILED", True, NOT_AN_ECHO),
    ],
)
def test_what_an_application_does(trace: list[Observation], left: int, verdict: str, whole: bool, words: str) -> None:
    before = judged(*trace)
    assert (before.verdict, before.broken) == (Verdict.INFORMATIONAL, ())
    after = in_a_run(before, left=left)
    assert (after.judgement.verdict, after.whole, after.judgement.broken) == (verdict, whole, ())
    assert after.judgement.note.startswith(words)


def test_where_no_explanation_is_found_the_missing_echo_decides() -> None:
    unexplained = Judgement(Verdict.INFORMATIONAL, "interop", note="not judged", unexplained=True)
    assert in_a_run(unexplained) == InRun(unexplained)
    after = in_a_run(unexplained, unanswered=2)
    assert after.judgement.verdict is Verdict.FAILED and after.judgement.note.startswith(NOT_AN_ECHO)


def test_what_a_note_says_of_the_application_is_found_again() -> None:
    note = f"a remark; {NOT_AN_ECHO}: {OWN_MESSAGE}, {NOT_SENT_BACK}; another"
    assert said_of_application(note) == (OWN_MESSAGE, NOT_SENT_BACK)
    assert said_of_application(f"{BESIDES}: {OWN_MESSAGE}") == (OWN_MESSAGE,)
    assert (
        said_of_application("one of these was not followed, and it cannot be told which: a, b; the time was up") == ()
    )
