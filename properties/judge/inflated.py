"""A trace under permessage-deflate as it would be without: messages inflated, their mark removed (RFC 7692, section 7).

Masking keys, fragments and all else stay. What cannot be inflated, or is too much, gives no such trace.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from wsoracle.model.octets.frames import encode, minimal_form
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, TEXT, Frame

from .observation import Arrives, Observation, Writes

MOST_INFLATED: Final = 64 << 20
"""The most octets that the messages of one direction are inflated to."""

_TAIL: Final = b"\0\0\xff\xff"
"""What a sender leaves out at the end of each message."""


class NotInflatedError(ValueError):
    """What was transformed cannot be had without the extension."""


class OfDirection(NamedTuple):
    """The frames of one direction, and where the first one begins."""

    frames: Sequence[FrameUnit]
    start: int


def inflated(trace: Sequence[Observation], since: int, arrived: OfDirection, written: OfDirection) -> list[Observation]:
    """The trace from observation `since` on with its frames inflated; one observation for each.

    A frame is there once it is there whole, and what comes before is left out. Raises :class:`NotInflatedError`, also
    where a frame is not whole.
    """
    directions: dict[type[Arrives | Writes], OfDirection] = {Arrives: arrived, Writes: written}
    ends = {kind: list(_without_deflate(direction.frames)) for kind, direction in directions.items()}
    at = dict.fromkeys(directions, 0)
    done = dict.fromkeys(directions, 0)
    found: list[Observation] = []
    for index, seen in enumerate(trace):
        if not isinstance(seen, (Arrives, Writes)):
            found.append(seen if index >= since else Arrives(b""))
            continue
        kind: type[Arrives | Writes] = Arrives if isinstance(seen, Arrives) else Writes
        at[kind] += len(seen.octets)
        pieces = []
        while done[kind] < len(ends[kind]) and ends[kind][done[kind]][0] <= at[kind]:
            pieces.append(ends[kind][done[kind]][1])
            done[kind] += 1
        found.append(kind(b"".join(pieces)))
    for each, direction in directions.items():
        if at[each] > (direction.frames[-1].end if direction.frames else direction.start):
            raise NotInflatedError("a frame is not whole")
    return found


def _without_deflate(frames: Sequence[FrameUnit]) -> Iterator[tuple[int, bytes]]:
    """The octets of each frame, inflated, and where the frame ended."""
    inflate, left, marked = zlib.decompressobj(-15), MOST_INFLATED, False
    for frame in frames:
        header, payload = frame.header, frame.payload
        if header.form != minimal_form(header.length):
            raise NotInflatedError("a length that is not minimal would be another one")
        mark = header.rsv1
        if header.opcode in (TEXT, BINARY):
            marked, mark = header.rsv1, False
        if marked and header.opcode in (TEXT, BINARY, CONTINUATION):
            try:
                payload = inflate.decompress(payload + (_TAIL if header.fin else b""), left + 1)
            except zlib.error as error:
                raise NotInflatedError(str(error)) from error
            left -= len(payload)
            if left < 0 or inflate.unconsumed_tail or inflate.eof:
                raise NotInflatedError("it is too long, or goes on behind its last block")
        bits = header.fin, mark, header.rsv2, header.rsv3
        yield frame.end, encode(Frame(header.opcode, payload, *bits, header.key))
