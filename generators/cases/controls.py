"""For each case that an endpoint may pass without having processed anything: the nearest that it cannot pass so.

Theory of operation. Where the stimulus makes a conforming endpoint fail or close the connection, its end alone can be
all that is seen, and an endpoint that ends every connection would look right. Such a case counts only beside one that
must be answered, which the canonical endpoint decides (`canonical.must_be_answered`). The nearest control is the one
whose frames differ least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from operator import ne
from typing import Final, NamedTuple

from wsoracle.model.octets.vocabulary import is_control

from .canonical import must_be_answered
from .case import Case
from .steps import SendFrame, SendOctets
from .words import MANY

LONG: Final = 1 << 17
"""Octets of all payloads from which on a case is a burden, and no control."""


def with_nearest_controls(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases, each that need not be answered with the id of the nearest that must be."""
    every = tuple(cases)
    shapes = {case.id: _shape(case) for case in every if len(case.actions) <= MANY}
    candidates: dict[_Shape, str] = {}
    positive = {case.id for case in every if must_be_answered(case)}
    for case in every:
        if case.id in positive and case.id in shapes and shapes[case.id].octets < LONG:
            candidates.setdefault(shapes[case.id], case.id)
    nearest: dict[_Shape, str] = {}
    found = []
    for case in every:
        if case.id not in positive and candidates:
            shape = shapes.get(case.id) or _shape(case)
            if shape not in nearest:
                nearest[shape] = candidates[min(candidates, key=lambda one: distance(shape, one))]
            case = replace(case, control=nearest[shape])
        found.append(case)
    return tuple(found)


class _Shape(NamedTuple):
    """The shape of the frames of a case: how many of each kind, in how many fragments, how long, in what writes.

    `order` are the opcodes of the first frames, and `controls` counts the control frames among them.
    """

    opcodes: tuple[tuple[int, int], ...]
    octets: int
    chopped: bool
    order: tuple[int, ...]
    controls: int


def _shape(case: Case) -> _Shape:
    sent = [action for action in case.actions if isinstance(action, SendFrame)]
    counts = Counter(action.frame.opcode for action in sent)
    octets = sum(action.size for action in sent)
    chopped = any(action.chop is not None for action in sent) or any(isinstance(a, SendOctets) for a in case.actions)
    order = tuple(action.frame.opcode for action in sent[:8])
    return _Shape(tuple(sorted(counts.items())), octets, chopped, order, sum(map(is_control, order)))


def distance(one: _Shape, other: _Shape) -> tuple[float, int]:
    """How much two cases differ: in frames of each opcode and kind, in order, in octets (each doubling), in writes."""
    others = dict(other.opcodes)
    frames = sum([min(abs(count - others.pop(opcode, 0)), 10) for opcode, count in one.opcodes])
    frames += sum([min(count, 10) for count in others.values()])
    order = sum(map(ne, one.order, other.order))
    kinds = abs(one.controls - other.controls)
    doublings = abs((one.octets + 1).bit_length() - (other.octets + 1).bit_length())
    return frames * 2 + order + kinds * 4 + doublings + (one.chopped is not other.chopped) / 2, abs(
        one.octets - other.octets
    )
