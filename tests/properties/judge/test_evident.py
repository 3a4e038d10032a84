"""What no explanation excuses is named, however wrong the rest of a trace is; who conforms does no such thing."""

from __future__ import annotations

from wsoracle.generators.drawn_endpoints.drawing import draw_conforming
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PING, PONG, TEXT, Frame, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.evident import sent_steps
from wsoracle.properties.judge.explanation import Subject
from wsoracle.properties.judge.history import History
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Tells, Writes
from wsoracle.properties.judge.verdict import Verdict


def test_a_conforming_endpoint_has_no_evident_fault() -> None:
    looked_at = 0
    for seed in range(120):
        recorded = draw_conforming(f"evident {seed}").recorded
        if not recorded.opening and not recorded.extensions:
            history = History(recorded.trace)
            steps = sent_steps(history, history.moments, Subject(recorded.setting, RULES), State())
            looked_at += len(steps)
            assert not [step for step in steps if step.broken], seed
    assert looked_at > 50


WRONG_THROUGHOUT = (Tells("text", b"never"), Tells("pong", b"came"), Tells("close", code=1000), Tells("text", b"that"),
                    Tells("ping", b"or that"))  # fmt: skip


def judged(*sent: Frame) -> tuple[Verdict, tuple[str, ...], int | None]:
    arrives = Arrives(encode(Frame(BINARY, b"came", key=bytes(4))))
    trace: tuple[Observation, ...] = (arrives, *WRONG_THROUGHOUT, *(Writes(encode(frame)) for frame in sent))
    found = judge(trace, Setting(Role.SERVER), application="sink", sees=("text", "ping", "pong", "close"))
    return found.verdict, found.rules, found.octet


def test_a_frame_that_is_wrong_by_itself_is_named_where_nothing_explains_the_trace() -> None:
    assert judged() == (Verdict.INFORMATIONAL, (), None)
    assert judged(Frame(PONG, fin=False)) == (Verdict.FAILED, ("5.4/control-not-fragmented",), 0)
    assert judged(Frame(CLOSE), Frame(TEXT)) == (Verdict.FAILED, ("5.5.1/no-data-after-close",), 2)
    assert judged(Frame(PING, b"a"), Frame(0)) == (Verdict.INFORMATIONAL, (), None)


def test_a_frame_after_tcp_was_closed_is_named_where_nothing_explains_the_trace() -> None:
    arrives, late = Arrives(encode(Frame(BINARY, b"came", key=bytes(4)))), Writes(encode(Frame(PING, b"late")))
    trace = (arrives, *WRONG_THROUGHOUT, ClosesTcp(), late)
    found = judge(trace, Setting(Role.SERVER), application="sink", sees=("text", "ping", "pong", "close"))
    assert (found.verdict, found.rules, found.octet) == (Verdict.FAILED, ("7.1.4/nothing-when-closed",), 0)
