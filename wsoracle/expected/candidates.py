"""Behaviours of an endpoint on a stimulus that one can think of, as traces: what is right is not decided here.

They are: what an endpoint that follows the rules does; the same, but ended at any place by a Close with any of the
usual codes, or by the end of TCP; answers in another order; only the latest of several Pings answered; a Close that
overtakes what is owed; a fault overlooked, and what came with it echoed; silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from wsoracle.generators.cases.live_case import Action, EndSending, SendFrame, Settle
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, TEXT, Role, is_control
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Quiet, Trace, Writes

from .reduced_stimulus import Answer, Run, canonical_run, masked_close, text_taken, written_close

__all__ = ["CODES", "Behaviour", "Ending", "behaviours", "trace_of"]

CODES: Final[tuple[int | None, ...]] = (1000, 1002, 1003, 1007, 1008, 1009, 1011, None)
"""With what an endpoint may be thought to end a connection; None: a Close without a code."""

UNASKED: Final = (1000, 1009)
"""With what it may end a connection that gives no reason for it."""

NORMAL: Final = 1000
MOST: Final = 4
"""Places before the last answer at which an end is tried."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ends. `kind`: with a Close of the endpoint's own (`close`), with its answer to the tester's
    (`reply`), without any (`drop`), or not at all (`silent`). `code` is that of the Close."""

    kind: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way to behave. `events` are the answers in order; `note` says what is special.

    `sent` is how many actions of the stimulus had been sent when the end began; `asks`: the tester then sent a Close
    of its own.
    """

    events: tuple[Answer, ...]
    ending: Ending
    sent: int
    asks: bool = False
    note: str = ""

    @property
    def by_tester(self) -> bool:
        """Whether it is the tester that begins to close."""
        return self.ending.kind in ("reply", "silent")


def behaviours(actions: tuple[Action, ...], role: Role) -> tuple[Run, tuple[Behaviour, ...]]:
    """The canonical run, and all behaviours, what an endpoint that follows the rules does first."""
    run = canonical_run(actions, role)
    found = dict.fromkeys(_all(actions, run, role))
    return run, tuple(found)


def _all(actions: tuple[Action, ...], run: Run, role: Role) -> Iterator[Behaviour]:
    whole, count = run.answers, len(actions)
    asks = not run.closed and not _has_close(actions) and run.boundary and not run.eof
    close = Ending("close", run.failed) if run.failed is not None else Ending("reply", run.code)
    if not run.closed and run.failed is None:
        close = Ending("reply", NORMAL)
    asks = asks and run.failed is None
    # Where the tester waits after the fault, it sees the end before it goes on.
    seen = next((n for n, one in enumerate(actions) if n > run.stops and isinstance(one, Settle)), count)
    sent = seen if run.failed is not None or run.closed else count
    yield Behaviour(whole, close, sent, asks)
    if sent < count and run.failed is not None:
        yield Behaviour(whole, close, count, note="after all was sent")
    for events, note in (order for order in _orders(whole) if order[0] != whole):
        yield Behaviour(events, close, sent, asks, note)
    for cut in range(len(whole)):
        if cut < MOST and (cut == 0 or len(whole) <= MOST):
            yield Behaviour(whole[:cut], close, sent, asks, "overtaking")
    kind = "reply" if run.closed else "close"
    received = (run.code,) if run.closed else _claimed(actions, run)
    ends = run.failed is not None or run.closed
    unasked = UNASKED if len(whole) <= MOST else ()
    for code in dict.fromkeys((*CODES, *received)) if ends else unasked:
        yield Behaviour(whole, Ending(kind, code), sent)
    if not ends:
        yield Behaviour((), Ending("close", 1009), sent)
        for code in CODES:
            yield Behaviour(whole, Ending("reply", code), count, asks)
    for cut in {0, len(whole)}:
        yield Behaviour(whole[:cut], Ending("drop"), sent)
        yield Behaviour(whole[:cut], Ending("silent"), count, asks and cut == len(whole))
    if ends:
        yield from _lenient(actions, run, role)


def _has_close(actions: Sequence[Action]) -> bool:
    return any(isinstance(one, SendFrame) and one.frame.opcode == CLOSE for one in actions)


def _claimed(actions: Sequence[Action], run: Run) -> tuple[int, ...]:
    """The code of a Close that is refused: it may be sent back all the same."""
    stopped = actions[run.stops] if run.stops < len(actions) else None
    if isinstance(stopped, SendFrame) and stopped.frame.opcode == CLOSE and stopped.frame.length >= 2:
        return (int.from_bytes(stopped.frame.payload[:2], "big"),)
    return ()


def _orders(answers: tuple[Answer, ...]) -> Iterator[tuple[tuple[Answer, ...], str]]:
    """The same answers in other orders, and without the Pongs for all Pings but the latest."""
    pongs = tuple(one for one in answers if one.opcode == PONG)
    others = tuple(one for one in answers if one.opcode != PONG)
    if pongs and others:
        yield others + pongs, "Pongs last"
        yield pongs + others, "Pongs first"
    if len(pongs) > 1:
        yield tuple(one for one in answers if one in others or one is pongs[-1]), "only the latest Ping answered"
        yield others + pongs[-1:], "only the latest Ping answered"
    if pongs:
        yield others, "no Pong"


def _lenient(actions: tuple[Action, ...], run: Run, role: Role) -> Iterator[Behaviour]:
    """The place where the endpoint stops is overlooked: alone, or with what it carries taken for good."""
    stopped = actions[run.stops] if run.stops < len(actions) else None
    if isinstance(stopped, SendFrame) and stopped.frame.opcode == CLOSE and run.failed is not None:
        return  # to take it for a good one is to answer it, which is tried with every code
    asks = not run.eof and not _has_close(actions)
    rest = canonical_run(actions, role, skip=run.stops)
    if rest.failed is None:
        ending = Ending("reply", rest.code if rest.closed else NORMAL)
        yield Behaviour(rest.answers, ending, len(actions), asks and not rest.closed, "fault overlooked")
    taken = _as_if_sound(actions)
    if taken != actions:
        sound = canonical_run(taken, role)
        if sound.failed is None and not sound.closed:
            yield Behaviour(sound.answers, Ending("reply", NORMAL), len(actions), asks, "fault accepted")
    message = text_taken(actions) if run.failed == 1007 else None
    if message is not None:
        echo = Answer(len(actions), TEXT, message.payload)
        yield Behaviour((echo,), Ending("reply", NORMAL), len(actions), asks, "fault accepted")


def _as_if_sound(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """The same frames without their reserved bits; unknown opcodes overlooked, control frames whole and short."""
    found: list[Action] = []
    for action in actions:
        if not isinstance(action, SendFrame):
            found.append(action)
            continue
        frame = replace(action.frame, rsv1=False, rsv2=False, rsv3=False)
        if is_control(frame.opcode) and frame.opcode in (PING, PONG):
            frame = replace(frame, fin=True, payload=frame.payload[:125])
        found.append(replace(action, frame=frame))
    return tuple(found)


def trace_of(actions: Sequence[Action], run: Run, behaviour: Behaviour, role: Role) -> Trace:
    """The trace of a behaviour, from the first frame on. Where the tester waits, what does not come is silence."""
    trace: list[Observation] = []
    ending = behaviour.ending
    events = list(behaviour.events)
    for index, action in enumerate(actions[: behaviour.sent]):
        if run.octets[index]:
            trace.append(Arrives(run.octets[index]))
        elif isinstance(action, EndSending):
            trace.append(ArrivesEof())
        elif isinstance(action, Settle):
            while events and events[0].after <= index:
                trace.append(Writes(events.pop(0).octets(role)))
            trace.append(Quiet())
    trace += [Writes(event.octets(role)) for event in events]
    if behaviour.asks:
        # Before the tester closes it waits for what is owed, and here nothing more came.
        trace.append(Quiet())
        trace.append(Arrives(masked_close(role, NORMAL)))
    if ending.kind in ("close", "reply"):
        trace.append(Writes(written_close(role, ending.code)))
        if ending.kind == "close" and not run.closed and run.boundary and not run.eof:
            trace.append(Arrives(masked_close(role, ending.code)))
    if ending.kind == "silent":
        trace.append(Quiet())
        return trace
    ended = any(isinstance(action, EndSending) for action in actions[: behaviour.sent])
    if role is Role.CLIENT and ending.kind != "drop" and not ended:
        trace.append(ArrivesEof())
    trace.append(ClosesTcp())
    return trace
