"""Candidates: behaviours that an endpoint could show on frames, allowed or not; the judge decides.

They are: the behaviour of an endpoint that follows the rules; the same, ended at any place by a Close with any of the
usual codes, or by the end of TCP; answers in another order; only the latest of several Pings answered; a Close that
overtakes an answer that is owed; a fault overlooked, and the frames that came with it echoed; silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from wsoracle.generators.cases.canonical import (
    Answer,
    CanonicalRun,
    canonical_run,
    masked_close,
    text_taken,
    written_close,
)
from wsoracle.generators.cases.compression import Agreement
from wsoracle.generators.cases.steps import Action, EndSending, SendFrame, Settle
from wsoracle.model.octets.masking_keys import CountedKeys
from wsoracle.model.octets.units import shown
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, NORMAL, PING, PONG, TEXT, Role, is_control
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Quiet, Writes

from .outcome import Candidate

CODES: Final[tuple[int | None, ...]] = (1000, 1002, 1003, 1007, 1008, 1009, 1011, None)
"""The codes with which an endpoint can be imagined to end a connection; None: a Close without a code."""

UNASKED: Final = (1000, 1009)
"""The codes with which it may end a connection that gives no reason for it."""

MOST: Final = 4
"""Places before the last answer at which an end is tried."""

MANY: Final = 4
"""Answers that are no longer told one by one."""

PLAIN: Final = ("overtaking", "Pongs last", "Pongs first")
"""Notes on a behaviour that its answers say themselves."""


class _Behaviour(NamedTuple):
    """One way to behave. `events` are the answers in order; `ending` and `code` as in `Candidate`; `note` says what is
    special.

    `sent` is how many actions of the stimulus had been sent when the end began; `asks`: the tester then sent a Close
    of its own.
    """

    events: tuple[Answer, ...]
    ending: str
    code: int | None
    sent: int
    asks: bool = False
    note: str = ""


def frame_candidates(
    actions: tuple[Action, ...], role: Role, *, scaled: bool = False, agreed: Agreement | None = None
) -> Iterator[Candidate]:
    """All candidates, what an endpoint that follows the rules does first. ``scaled``: the actions stand for more;
    ``agreed``: what was agreed on for compressed messages."""
    run = canonical_run(actions, role, agreed=agreed)
    for one in dict.fromkeys(_all(actions, run, role, agreed)):
        yield Candidate(
            tuple(_trace_of(actions, run, one, role)),
            one.events,
            _in_words(one, run, scaled),
            one.ending,
            (one.code,) if one.ending in ("close", "reply") else (),
            failing=run.failed is not None,
            asked=run.closed,
        )


def _all(actions: tuple[Action, ...], run: CanonicalRun, role: Role, agreed: Agreement | None) -> Iterator[_Behaviour]:
    whole, count = run.answers, len(actions)
    asks = run.failed is None and not run.closed and not _has_close(actions) and run.boundary and not run.eof
    end, code = ("close", run.failed) if run.failed is not None else ("reply", run.code if run.closed else NORMAL)
    # Where the tester waits after the fault, it sees the end before it goes on.
    seen = next((n for n, one in enumerate(actions) if n > run.stops and isinstance(one, Settle)), count)
    ends = run.failed is not None or run.closed
    sent = seen if ends else count
    yield _Behaviour(whole, end, code, sent, asks)
    if sent < count and run.failed is not None:
        yield _Behaviour(whole, end, code, count, note="after all was sent")
    for events, note in (order for order in _orders(whole) if order[0] != whole):
        yield _Behaviour(events, end, code, sent, asks, note)
    for cut in range(len(whole)):
        if cut < MOST and (cut == 0 or len(whole) <= MOST):
            yield _Behaviour(whole[:cut], end, code, sent, asks, "overtaking")
    kind = "reply" if run.closed else "close"
    received = (run.code,) if run.closed else _claimed(actions, run)
    unasked = UNASKED if len(whole) <= MOST else ()
    for other in dict.fromkeys((*CODES, *received)) if ends else unasked:
        yield _Behaviour(whole, kind, other, sent)
    if not ends:
        yield _Behaviour((), "close", 1009, sent)
        for other in CODES:
            yield _Behaviour(whole, "reply", other, count, asks)
    for cut in {0, len(whole)}:
        yield _Behaviour(whole[:cut], "drop", None, sent)
        yield _Behaviour(whole[:cut], "silent", None, count, asks and cut == len(whole))
    if ends:
        yield from _lenient(actions, run, role, agreed)


def _has_close(actions: Sequence[Action]) -> bool:
    return any(isinstance(one, SendFrame) and one.frame.opcode == CLOSE for one in actions)


def _claimed(actions: Sequence[Action], run: CanonicalRun) -> tuple[int, ...]:
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


def _lenient(
    actions: tuple[Action, ...], run: CanonicalRun, role: Role, agreed: Agreement | None
) -> Iterator[_Behaviour]:
    """The place where the endpoint stops is overlooked: alone, or with what it carries taken for good."""
    stopped = actions[run.stops] if run.stops < len(actions) else None
    if isinstance(stopped, SendFrame) and stopped.frame.opcode == CLOSE and run.failed is not None:
        return  # to take it for a good one is to answer it, which is tried with every code
    asks = not run.eof and not _has_close(actions)
    rest = canonical_run(actions, role, skip=run.stops, agreed=agreed)
    if rest.failed is None:
        code = rest.code if rest.closed else NORMAL
        yield _Behaviour(rest.answers, "reply", code, len(actions), asks and not rest.closed, "fault overlooked")
    taken = _as_if_sound(actions, compressed=agreed is not None)
    if taken != actions:
        sound = canonical_run(taken, role, agreed=agreed)
        if sound.failed is None and not sound.closed:
            yield _Behaviour(sound.answers, "reply", NORMAL, len(actions), asks, "fault accepted")
    message = text_taken(actions, agreed) if run.failed == 1007 else None
    if message is not None:
        echo = Answer(len(actions), TEXT, message.payload)
        yield _Behaviour((echo,), "reply", NORMAL, len(actions), asks, "fault accepted")


def _as_if_sound(actions: tuple[Action, ...], *, compressed: bool) -> tuple[Action, ...]:
    """The same frames without reserved bits that mean nothing there; control frames whole and short."""
    found: list[Action] = []
    for action in actions:
        if not isinstance(action, SendFrame):
            found.append(action)
            continue
        marks = compressed and action.frame.rsv1 and action.frame.opcode in (TEXT, BINARY)
        frame = replace(action.frame, rsv1=marks, rsv2=False, rsv3=False)
        if is_control(frame.opcode) and frame.opcode in (PING, PONG):
            frame = replace(frame, fin=True, payload=frame.payload[:125])
        found.append(replace(action, frame=frame))
    return tuple(found)


def _trace_of(actions: Sequence[Action], run: CanonicalRun, behaviour: _Behaviour, role: Role) -> list[Observation]:
    """The trace of a behaviour, from the first frame on. Where the tester waits, a missing answer is silence.

    A client masks each frame with another key, as section 5.3 asks.
    """
    trace: list[Observation] = []
    key = CountedKeys()
    events = list(behaviour.events)
    for index, action in enumerate(actions[: behaviour.sent]):
        if run.octets[index]:
            trace.append(Arrives(run.octets[index]))
        elif isinstance(action, EndSending):
            trace.append(ArrivesEof())
        elif isinstance(action, Settle):
            while events and events[0].after <= index:
                trace.append(Writes(events.pop(0).octets(role, key())))
            trace.append(Quiet())
    trace += [Writes(event.octets(role, key())) for event in events]
    if behaviour.asks:
        # Before the tester closes it waits for what is owed, and here nothing more came.
        trace.append(Quiet())
        trace.append(Arrives(masked_close(role, NORMAL)))
    if behaviour.ending in ("close", "reply"):
        trace.append(Writes(written_close(role, behaviour.code, key())))
        if behaviour.ending == "close" and not run.closed and run.boundary and not run.eof:
            trace.append(Arrives(masked_close(role, behaviour.code)))
    if behaviour.ending == "silent":
        trace.append(Quiet())
        return trace
    ended = any(isinstance(action, EndSending) for action in actions[: behaviour.sent])
    if role is Role.CLIENT and behaviour.ending != "drop" and not ended:
        trace.append(ArrivesEof())
    trace.append(ClosesTcp())
    return trace


def _in_words(behaviour: _Behaviour, run: CanonicalRun, scaled: bool) -> str:
    events, note = behaviour.events, "" if behaviour.note in PLAIN else behaviour.note
    if not events and not run.answers:
        return note
    pongs = [one for one in events if one.opcode == PONG]
    if not events:
        said = "no answer"
    elif scaled:
        said = "every answer, in full" if len(events) == len(run.answers) else "some of the answers"
    elif len(events) > MANY:
        said = f"{len(pongs)} Pongs" if len(pongs) == len(events) else f"{len(events)} answers"
    else:
        said = ", ".join(_answer(one) for one in events)
    return f"{said} ({note})" if note else said


def _answer(answer: Answer) -> str:
    if answer.opcode == PONG:
        return f"Pong {shown(answer.payload)}" if answer.payload else "an empty Pong"
    kind = "binary" if answer.opcode == BINARY else "text"
    return f"{kind} message {shown(answer.payload)}" if answer.payload else f"an empty {kind} message"
