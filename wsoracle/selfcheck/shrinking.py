"""A wrong verdict made small: what can be left out of its trace without its becoming right.

Whether a smaller trace is still one of a conforming endpoint, or of one with a fault that can be told, is what the
exhaustive search says: the drawn endpoint that was known to conform did not make it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final

from wsoracle.model.octets.units import frames_in
from wsoracle.properties.exhaustive.explanations import TooManyPlacesError
from wsoracle.properties.judge.observation import Arrives, Observation, Writes
from wsoracle.properties.judge.verdict import Verdict
from wsoracle.properties.traces.recorded import Recorded

from .checking import Checked, Worth, accuses, searched

_MOST_TRIES: Final = 400


def shrunk(checked: Checked) -> Recorded:
    """The smallest trace found on which the judge is wrong in the same way."""
    assert checked.recorded is not None
    smallest, tries = checked.recorded, 0
    progress = True
    while progress and tries < _MOST_TRIES:
        progress = False
        for smaller in _smaller(smallest):
            tries += 1
            if is_as_wrong(smaller, checked):
                smallest, progress = smaller, True
                break
            if tries >= _MOST_TRIES:
                break
    return smallest


def is_as_wrong(recorded: Recorded, checked: Checked) -> bool:
    """Whether the judge is wrong about a trace in the way in which it is wrong about the checked one."""
    judgement = recorded.judged()
    accused = accuses(judgement, recorded)
    if checked.worth in (Worth.WITHOUT_WORDS, Worth.WRONG_OCTET):
        return False  # only what was drawn says where the act is
    if accused is (checked.worth is Worth.OVERLOOKED):
        return False
    try:
        result = searched(recorded)
    except TooManyPlacesError:
        return False
    if checked.worth is Worth.FALSE_ACCUSATION:
        return result.conforms
    if result.conforms or not result.broken:
        return False
    if checked.worth is Worth.OVERLOOKED:
        return judgement.verdict is Verdict.OK or not any(set(judgement.rules) & one for one in result.broken)
    return not any(set(judgement.rules) & one for one in result.broken)


def _smaller(recorded: Recorded) -> Iterator[Recorded]:
    """The trace with one observation less, with one unit less, with two observations made one."""
    trace = recorded.trace
    for index in range(len(trace)):
        yield replace(recorded, trace=(*trace[:index], *trace[index + 1 :]))
    for index, one in enumerate(trace):
        if isinstance(one, (Arrives, Writes)):
            for octets in _with_less(one.octets):
                yield replace(recorded, trace=(*trace[:index], type(one)(octets), *trace[index + 1 :]))
    for index, (one, other) in enumerate(pairwise(trace)):
        joined = _joined(one, other)
        if joined is not None:
            yield replace(recorded, trace=(*trace[:index], joined, *trace[index + 2 :]))
    if recorded.sees:
        yield replace(recorded, sees=frozenset())


def _joined(one: Observation, other: Observation) -> Observation | None:
    for kind in (Arrives, Writes):
        if isinstance(one, kind) and isinstance(other, kind):
            return kind(one.octets + other.octets)
    return None


def _with_less(octets: bytes) -> Iterator[bytes]:
    """Octets without one of the whole frames that they begin with."""
    frames, _ = frames_in(octets)
    for frame in frames if len(frames) > 1 else ():
        yield octets[: frame.start] + octets[frame.end :]
