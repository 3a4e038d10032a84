"""What an endpoint tells its application in place of what has come is a fault of its own, and is named."""

from __future__ import annotations

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.judge import EVERYTHING, Judgement, judge
from wsoracle.properties.judge.observation import Arrives, Observation, Quiet, Tells, Writes
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
