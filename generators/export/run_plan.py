"""The plan of a runner for a case: the writes, the events to wait for, and the events that are allowed.

Both exporters that make runnable files embed these plans, so that they run the same case the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wsoracle.model.facts.heads import SAMPLE_URI
from wsoracle.model.octets.deflate import DeflateTracer
from wsoracle.model.octets.deflate_parameters import BITS
from wsoracle.model.octets.vocabulary import CONTINUATION, PING, is_control

from ..cases.case import Case
from ..cases.compression import field_value
from ..cases.derived import acceptable, judge_only
from ..cases.outcome import AllowedOutcome, seen_to_json
from ..cases.stimulus import bursts, stream_end


def plan(case: Case) -> dict[str, Any]:
    """The plan of a case that a runner can carry, ready for JSON: octets in hex, only acceptable outcomes, best first.

    `deflate`: what the runner offers, or answers, in Sec-WebSocket-Extensions, and what the case needs to be agreed on
    for its messages: whether they refer to earlier ones, and the bits of the window. `opening`: the case makes its own
    opening handshake, with this target and host, which a runner replaces. A runner tells the end of what the endpoint
    does by a Ping of its own, where `ends` leaves it a place for one.
    """
    return {
        "id": case.id,
        "title": case.title,
        "origin": str(case.origin),
        "control": case.control,
        "bursts": [
            {
                "awaits": [seen_to_json(seen) for seen in burst.awaits],
                "chunks": [chunk.hex() for chunk in burst.chunks],
            }
            for burst in bursts(case)
        ],
        "opening": {"target": SAMPLE_URI.resource_name, "host": SAMPLE_URI.host_header} if case.opening else None,
        "deflate": _deflate(case),
        "half_closes": case.half_closes,
        "closes": case.sends_close,
        "ends": stream_end(case).value,
        "pings": [
            payload.hex() for payload in dict.fromkeys(frame.payload for frame in case.frames if frame.opcode == PING)
        ],
        "outcomes": [
            {
                "verdict": outcome.verdict().value,
                "seen": [seen_to_json(seen) for seen in outcome.observable or ()],
                "words": in_words(outcome),
            }
            for outcome in acceptable(case)
        ],
    }


def _deflate(case: Case) -> dict[str, Any] | None:
    if case.compression is None:
        return None
    wanted = case.compression.wanted
    distance, reaches = _references(case, 1 << wanted.bits)
    return {
        "offer": case.compression.offer,
        "answer": field_value([wanted.parameters(case.role)]),
        "reaches": reaches and wanted.takeover,
        "bits": next(bits for bits in BITS if 1 << bits >= distance),
    }


def _references(case: Case, window: int) -> tuple[int, bool]:
    """The largest distance within a window, and whether there is any to an earlier message."""
    tracer, distances, reaches, marked = DeflateTracer(), [0], False, False
    for frame in case.frames:
        if is_control(frame.opcode):
            continue
        marked = frame.rsv1 if frame.opcode != CONTINUATION else marked
        if marked:
            tracer.feed(frame.payload)
            if frame.fin:
                tracer.end()
            distances.append(tracer.facts.distance)
            reaches |= tracer.facts.reach > 0
    return max(distance for distance in distances if distance <= window), reaches


def in_words(outcome: AllowedOutcome) -> str:
    """An outcome with its clauses, such as ``fail 1002 (MUST 5.2/reserved-bits)``."""
    answer = outcome.reaction.value if outcome.code is None else f"{outcome.reaction.value} {outcome.code}"
    text = f"{answer} ({outcome.strength.value} {', '.join(outcome.rules)})"
    if outcome.departs_from:
        left = ", ".join(f"{departure.strength.value} {departure.rule}" for departure in outcome.departs_from)
        text += f", not following {left}"
    return text


def carried_by(cases: Sequence[Case], why_not: Callable[[Case], str | None]) -> tuple[tuple[Case, ...], dict[str, str]]:
    """The cases that a runner carries, and for each of the others the reason.

    `why_not` says what stands against a case in this runner; what no runner carries (`Case.judge_only`), and a case
    whose control is left out, is left out in any.
    """
    left_out = {case.id: reason for case in cases if (reason := judge_only(case) or why_not(case)) is not None}
    for case in cases:
        if case.id not in left_out and case.control in left_out:
            left_out[case.id] = f"its control {case.control} is left out: {left_out[case.control]}"
    return tuple(case for case in cases if case.id not in left_out), left_out
