"""What an endpoint overlooks, and what it does not do: the least that explains its silence is named."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.exhaustive.explanations import explained
from wsoracle.properties.exhaustive.place import Whereabouts
from wsoracle.properties.judge.judge import EVERYTHING, Application, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, Observation, Quiet, Tells, Told, Writes
from wsoracle.properties.judge.verdict import Verdict

KEY = b"1234"
FAULTY = (
    encode(Frame(3, b"", key=KEY)),
    encode(Frame(11, b"", fin=False, key=KEY)),
    encode(Frame(PING, b"", fin=False, key=KEY)),
    encode(Frame(TEXT, b"a")),
    encode(Frame(TEXT, b"\xff", key=KEY)),
    encode(Frame(CONTINUATION, b"a", key=KEY)),
    encode(Frame(TEXT, b"a", rsv3=True, key=KEY)),
)
HARMLESS = encode(Frame(PONG, b"x", key=KEY))
APPLICATIONS: tuple[Application, ...] = ("echo", "sink", "unknown")


def judged(
    *trace: Observation,
    application: Application = "sink",
    role: Role = Role.SERVER,
    sees: frozenset[Told] = frozenset(),
) -> Judgement:
    return judge(trace, Setting(role, echo=application == "echo"), application=application, sees=sees)


@given(
    st.lists(st.sampled_from((*FAULTY, HARMLESS)), min_size=1, max_size=3).filter(lambda some: some != [HARMLESS]),
    st.integers(0, 3),
    st.sampled_from(APPLICATIONS),
)
@settings(max_examples=60, deadline=None)
def test_silence_after_faulty_frames_is_what_one_fault_explains(
    frames: list[bytes], quiet_before: int, application: Application
) -> None:
    """A server that had to fail by the first of them and does nothing breaks one rule; to overlook each breaks many."""
    trace: list[Observation] = [Arrives(frame) for frame in frames]
    trace[quiet_before:quiet_before] = [Quiet()] if quiet_before < len(frames) else []
    trace.append(Quiet())
    judgement = judged(*trace, application=application)
    setting = Setting(Role.SERVER, echo=application == "echo")
    known = application != "unknown"
    found = explained(tuple(trace), setting, Whereabouts(State()), known_application=known)
    if found.conforms:
        assert judgement.verdict in (Verdict.OK, Verdict.INFORMATIONAL)
    elif judgement.strength is Strength.MUST:  # else several faults are milder than any one alone
        assert found.broken and any(set(judgement.rules) & one for one in found.broken)


@pytest.mark.parametrize("sees", [frozenset[Told](), EVERYTHING])
@pytest.mark.parametrize(("first", "second"), [*product(FAULTY[:2], repeat=2)])
def test_of_several_faulty_frames_and_silence_that_tcp_stays_open_is_named(
    first: bytes, second: bytes, sees: frozenset[Told]
) -> None:
    judgement = judged(Arrives(first + second), Quiet(), sees=sees)
    assert judgement.verdict is Verdict.FAILED and "7.1.7/server-tcp-close-owed" in judgement.rules
    assert not judgement.one_of


@pytest.mark.parametrize("count", [0, 3, 12])
def test_what_comes_after_the_closing_handshake_is_passed_over_and_no_fault(count: int) -> None:
    """However much of it there is, and however like what was answered before: silence breaks what it breaks alone."""
    close = Frame(CLOSE, b"\x03\xe8")
    late = [Arrives(encode(Frame(PING, b"a")) + encode(Frame(TEXT, b"b"))) for _ in range(count)]
    before = Arrives(encode(Frame(PING, b"a"))), Writes(encode(Frame(PONG, b"a", key=KEY)))
    closing = Arrives(encode(close)), Writes(encode(replace(close, key=KEY)))
    judgement = judged(*before, *closing, *late, ArrivesEof(), Quiet(), application="echo", role=Role.CLIENT)
    assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("5.5.1/client-tcp-close-owed",))


@pytest.mark.parametrize("application", APPLICATIONS)
@pytest.mark.parametrize("sees", [frozenset[Told](), EVERYTHING])
def test_a_close_that_is_overlooked_is_one_fault(application: Application, sees: frozenset[Told]) -> None:
    """The Pings behind it are answered as if it had not come; where nothing comes, the Close that is owed is missed."""
    close = encode(Frame(CLOSE, b"\x03\xe8", key=KEY))
    pings = [Frame(PING, payload) for payload in (b"a", b"b")]
    arrives = Arrives(close + b"".join(encode(replace(one, key=KEY)) for one in pings))
    pongs = [Writes(encode(replace(one, opcode=PONG))) for one in pings]
    told = [Tells("ping", one.payload) for one in pings if sees]
    overlooked = judged(arrives, *pongs, *told, Quiet(), application=application, sees=sees)
    assert (overlooked.verdict, overlooked.rules) == (Verdict.FAILED, ("5.5.1/close",))
    silent = judged(Arrives(close), *[Tells("close", code=1000) for _ in told[:1]], Quiet(), application=application)
    assert (silent.verdict, silent.rules, silent.one_of) == (Verdict.FAILED, ("5.5.1/close-owed",), ())
