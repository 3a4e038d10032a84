"""What an endpoint tells its application in place of what has come is a fault of its own, and is named."""

from __future__ import annotations

import pytest

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.judge import EVERYTHING, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Quiet, Tells, Writes
from wsoracle.properties.judge.verdict import Verdict

KEY = b"\x37\xfa\x21\x3d"


def judged(*trace: Observation) -> Judgement:
    return judge(trace, Setting(Role.SERVER), application="sink", sees=EVERYTHING)


def test_a_text_told_as_a_ping() -> None:
    judgement = judged(Arrives(encode(Frame(TEXT, b"a", key=KEY))), Tells("ping"), Quiet())
    assert judgement.verdict is Verdict.FAILED
    assert judgement.rules == ("5.4/text-message",)


def test_a_ping_told_as_a_pong() -> None:
    ping, pong = encode(Frame(PING, b"a", key=KEY)), encode(Frame(PONG, b"a"))
    assert judged(Arrives(ping), Tells("ping", b"a"), Writes(pong), Quiet()).verdict is Verdict.OK
    judgement = judged(Arrives(ping), Tells("pong", b"a"), Writes(pong), Quiet())
    assert judgement.verdict is Verdict.FAILED
    assert judgement.rules == ("5.5.2/ping",)


@pytest.mark.parametrize("before", [(), (Frame(TEXT, b"a", fin=False, key=KEY),)])
def test_a_part_told_as_a_message(before: tuple[Frame, ...]) -> None:
    part = Frame(CONTINUATION if before else TEXT, b"b", fin=False, key=KEY)
    told = Tells("text", b"ab" if before else b"b")
    judgement = judged(Arrives(b"".join(map(encode, (*before, part)))), told, Quiet())
    assert judgement.verdict is Verdict.FAILED
    assert judgement.rules == (("5.4/next-fragment",) if before else ("5.4/first-text-fragment",))


@pytest.mark.parametrize("fin", [True, False])
def test_a_continuation_of_nothing_told_as_a_message(fin: bool) -> None:
    told = judged(Arrives(encode(Frame(CONTINUATION, b"b", fin=fin, key=KEY))), Tells("binary", b"b"), Quiet())
    assert (told.verdict, told.rules) == (Verdict.FAILED, ("5.4/continuation-without-message",))
    assert (told.direction, told.octet) == ("arrived", 0)


def test_failed_because_of_what_comes_after_a_close() -> None:
    """Octets behind a Close are to be discarded: they are no reason to fail (section 7.1.1)."""
    close, ping = encode(Frame(CLOSE, key=KEY)), encode(Frame(PING, key=KEY, rsv1=True))
    told = Tells("close", code=1005), Tells("failed", code=1002)
    judgement = judged(Arrives(close + ping), *told, Writes(encode(Frame(CLOSE, b"\x03\xea"))), ClosesTcp(), Quiet())
    assert judgement.verdict is Verdict.NON_STRICT
    assert judgement.rules == ("7.1.1/trailing-octets",)
