"""Groups 12 and 13: compressed messages, of five sets of data and under seven sets of parameters (RFC 7692).

Their echoes may come compressed in any way, or not at all: what counts is what they are once they are inflated.
Autobahn sends one message after the other; here those of a volley are on their way together, and all are echoed before
the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from wsoracle.model.octets.vocabulary import OPCODE_NAMES, Frame

from ..case import Case
from ..compression import Compression, Wish
from ..data_sets import DATA_SETS, JSON, DataSet, excerpts
from ..steps import Action, SendFrame, Settle
from ..words import octets
from .limits import KIB, MIB

ECHOES: Final = 1000

SIZES: Final = (
    *((size, None) for size in (16, 64, 256, KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB)),
    *((size, 256) for size in (8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB)),
    *((128 * KIB, fragment) for fragment in (KIB, 4 * KIB, 32 * KIB)),
)
"""Octets of a message, and the most octets of a compressed message in a frame."""

PARAMETERS: Final = (
    (Wish(),),
    (Wish(True),),
    (Wish(False, 9),),
    (Wish(False, 15),),
    (Wish(True, 9),),
    (Wish(True, 15),),
    (Wish(True, 9), Wish(True), Wish()),
)

DIFFERENT: Final = 4
"""Messages of a case that differ from one another; they are sent in turns."""

_VOLLEY_OCTETS: Final = MIB
_MOST_IN_VOLLEY: Final = 40
_SECONDS: Final = 120.0


def compressed(echoes: int = ECHOES) -> Iterator[Case]:
    """All 216 cases of groups 12 and 13, in the order of their ids as numbers, with so many echoes each."""
    for part, data in enumerate(DATA_SETS, 1):
        yield from _of_sizes(f"12.{part}", data, (Wish(),), data.words, echoes)
    for part, asks in enumerate(PARAMETERS, 1):
        yield from _of_sizes(f"13.{part}", JSON, asks, f"asked for: {', or '.join(map(str, asks))}", echoes)


def with_echoes(cases: Iterable[Case], echoes: int) -> tuple[Case, ...]:
    """The cases, those of groups 12 and 13 with so many echoes: for a quick look, where 1,000 are too many."""
    shorter = {case.id: case for case in compressed(echoes)}
    return tuple(shorter.get(case.id, case) for case in cases)


def _of_sizes(part: str, data: DataSet, asks: tuple[Wish, ...], about: str, number: int) -> Iterator[Case]:
    for at, (size, fragment) in enumerate(SIZES, 1):
        compression = Compression(asks, fragment)
        kind = OPCODE_NAMES[data.opcode]
        cut = "" if fragment is None else f" in frames of {octets(fragment)}"
        title = f"{number} {kind} messages of {octets(size)}, compressed{cut}: {about}"
        group = "Compression of different data" if part.startswith("12.") else "Compression under different parameters"
        yield Case(
            f"{part}.{at}",
            title,
            f"{number} {kind} messages of {octets(size)} each ({data.words}), {compression}. "
            f"Echoes may be compressed or not: what they are once they are inflated counts.",
            (group, about),
            _volleys(data, size, number),
            log=False,
            seconds=_SECONDS,
            compression=compression,
        )


def _volleys(data: DataSet, size: int, number: int) -> tuple[Action, ...]:
    """Messages in volleys; after each a wait until all are echoed."""
    messages = [SendFrame(Frame(data.opcode), excerpt=one) for one in excerpts(data, size, DIFFERENT)]
    together = max(1, min(_MOST_IN_VOLLEY, _VOLLEY_OCTETS // size))
    wait = Settle()
    done: list[Action] = []
    for at in range(number):
        done.append(messages[at % DIFFERENT])
        if (at + 1) % together == 0 or at + 1 == number:
            done.append(wait)
    return tuple(done)
