"""A judgement in words, as commands, failing tests and pages give it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from wsoracle.properties.judge.in_words import TraceInWords
from wsoracle.properties.judge.judgement import Judgement

from .clauses import clause
from .visible import visible

AROUND: Final = 3
"""Observations that are shown before the deciding one."""

LONGEST: Final = 400
"""Characters that are shown of an observation."""


class Shown(NamedTuple):
    """An observation of the trace: its place in the trace, its time (empty where it is not known), and its words."""

    at: int
    time: str
    words: str


def around(judgement: Judgement, in_words: TraceInWords, times: Sequence[float] | None = None) -> list[Shown]:
    """The deciding observation, last, and those before it; none where no observation decides. ``times``: seconds."""
    if judgement.at is None:
        return []
    return [
        Shown(index, "" if times is None else f"{times[index]:.6f} s", in_words.of(index))
        for index in range(max(judgement.at - AROUND, 0), judgement.at + 1)
    ]


def decided_words(judgement: Judgement) -> str:
    """Which octet decides, and what had arrived by then; empty where neither is known."""
    stream = "it wrote" if judgement.direction == "written" else "arrived"
    where = "" if judgement.octet is None else f" at octet {judgement.octet} of what {stream}"
    if judgement.arrived is not None:
        where += f"{',' if where else ''} after {judgement.arrived} octets had arrived"
    return f"decided{where}" if where else ""


def judgement_lines(
    judgement: Judgement, shown: Sequence[Shown], notes: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """What stands below a verdict, as lines and their styles (as rich names them): each rule that was not followed with
    its clause, these observations with the deciding one marked, what would have been allowed, and the judge's words.
    """
    for rule in judgement.rules:
        yield f"{rule}: {clause(rule)}", "dim"
    for one in shown:
        mark, time = ">>>" if one.at == judgement.at else "   ", f"{one.time}  " if one.time else ""
        yield f"{mark} {time}{visible(one.words, LONGEST, lines=False)}", ""
    decided = decided_words(judgement)
    if decided and judgement.at is not None:
        yield decided, ""
    if judgement.instead:
        yield f"would have been allowed: {'; or '.join(one.what for one in judgement.instead)}", "green"
    for words in (judgement.words, *notes):
        if words:
            yield visible(words, LONGEST, lines=False), ""
