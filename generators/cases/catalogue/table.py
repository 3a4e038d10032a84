"""The notation of the catalogue's tables: frames in few words, and a case from a line of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, Frame

from ..case import Case
from ..steps import Action, SendFrame, Settle
from ..words import in_words, repetitions

Line: TypeAlias = tuple[str, Sequence[Action]]
"""A line of a table: the title of a case, and what the tester does."""

OCTETWISE: Final = 1
"""Writes of one octet each."""

APART: Final = 64
"""Each frame, none of which is longer, in a write of its own, and not joined with those beside it."""

_SMALL: Final = 15.0
_NOTHING: Final = 0.2
_MOST: Final = 100.0


def send(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, length: int | None = None) -> SendFrame:
    """A frame; ``rsv`` are the three reserved bits as a number, RSV1 the highest; ``length`` as in `SendFrame`."""
    frame = Frame(opcode, payload, fin, bool(rsv & 4), bool(rsv & 2), bool(rsv & 1))
    return SendFrame(frame, length=length)


def close(code: int | None = 1000, reason: bytes = b"") -> SendFrame:
    """A Close; None: without a code."""
    return send(CLOSE, (b"" if code is None else code.to_bytes(2, "big")) + reason)


def chopped(chop: int | None, *actions: SendFrame) -> tuple[SendFrame, ...]:
    """The same frames in writes of at most ``chop`` octets."""
    return tuple(SendFrame(one.frame, chop, one.cut, one.length) for one in actions)


def fragmented(opcode: int, payload: bytes, size: int, length: int | None = None) -> tuple[SendFrame, ...]:
    """A message in fragments of ``size`` octets; with ``length``, of one octet again and again."""
    whole = len(payload) if length is None else length
    last = (whole - 1) // size
    if length is None:
        pieces = [payload[at : at + size] for at in range(0, whole, size)]
        return tuple(send(CONTINUATION if n else opcode, piece, fin=n == last) for n, piece in enumerate(pieces))
    if not last:
        return (send(opcode, payload, length=length),)
    middle = send(CONTINUATION, payload, fin=False, length=size)
    end = send(CONTINUATION, payload, length=whole - last * size)
    return (send(opcode, payload, fin=False, length=size), *(middle,) * (last - 1), end)


def a_case(case_id: str, group: tuple[str, ...], title: str, actions: Iterable[Action], *, log: bool = True) -> Case:
    """A case of the catalogue: what it sends is told from what it does, and so is the time that it may take."""
    done = tuple(actions)
    runs = repetitions(done)
    seconds = sum(_seconds(action) * count for action, count in runs)
    seconds = min(_MOST, round(_SMALL + seconds, 1)) if seconds > _NOTHING else _SMALL
    return Case(case_id, title, in_words(done), group, done, log=log, seconds=seconds)


def _seconds(action: Action) -> float:
    """The amount that an action adds to the time of a case."""
    if isinstance(action, Settle):
        return 0.06
    if not isinstance(action, SendFrame):
        return 0.0
    written = action.size if action.is_whole else len(action.payload)
    return written / 200_000 + (1 if action.chop is None else written // action.chop) / 1_000
