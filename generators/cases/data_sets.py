"""Data to compress, of five kinds, made by seed: the same on every machine, and made when it is first asked for.

They are of the kinds and sizes of Autobahn's and repeat themselves more, so that a compressor is quick with them: the
time of a case is that of an endpoint, and not of zlib. Texts are ASCII: an excerpt of them is text wherever it begins.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from typing import Final, NamedTuple

from wsoracle.model.octets.vocabulary import BINARY, TEXT

_SEED: Final = 7692
_WORDS: Final = 400
_LINES: Final = 24
"""Rows and pages that resemble one another, before others come."""
_VERSES: Final = 6


class DataSet(NamedTuple):
    """A set of data: its name, what it is, its octets, and the opcode of the messages that carry parts of it."""

    name: str
    words: str
    size: int
    opcode: int


JSON: Final = DataSet("json", "records in JSON", 194_056, TEXT)
PICTURE: Final = DataSet("picture", "a picture in shades of grey", 263_222, BINARY)
PROSE: Final = DataSet("prose", "text in lines", 222_218, BINARY)
HTML: Final = DataSet("html", "tables in HTML", 263_647, TEXT)
MIXED: Final = DataSet("mixed", "a document of text and octets without order", 1_042_328, BINARY)

DATA_SETS: Final = (JSON, PICTURE, PROSE, HTML, MIXED)


class Excerpt(NamedTuple):
    """A part of a set of data, by the name of the set."""

    name: str
    start: int
    size: int

    @property
    def octets(self) -> bytes:
        """The octets of the excerpt."""
        return octets_of_set(self.name)[self.start : self.start + self.size]


def excerpts(data: DataSet, size: int, number: int) -> tuple[Excerpt, ...]:
    """So many excerpts of one size, spread over the set. ValueError where the set is too short."""
    if size > data.size:
        raise ValueError(f"{data.name} has {data.size} octets: too few for {size}")
    step = (data.size - size) // max(1, number - 1)
    return tuple(Excerpt(data.name, at * step, size) for at in range(number))


@lru_cache(maxsize=len(DATA_SETS))
def octets_of_set(name: str) -> bytes:
    """All octets of a set. KeyError where there is none of the name."""
    size = {one.name: one.size for one in DATA_SETS}[name]
    drawn = random.Random(f"{_SEED}/{name}")
    found = bytearray()
    for piece in _PIECES[name](drawn):
        found += piece
        if len(found) >= size:
            break
    return bytes(found[:size])


def _json(drawn: random.Random) -> Iterator[bytes]:
    yield b"[\n"
    for number in count():
        what = '"kind": "plate", "parts": ["nut", "bolt", "washer"], "sizes": [[10, 20], [15, 30]], "note": null'
        where = '"place": {"hall": "A", "row": 7}'
        yield f'{{"id": {number // 4}, {what}, {where}, "left": {drawn.randint(1, 9)}}},\n'.encode("ascii")


def _picture(drawn: random.Random) -> Iterator[bytes]:
    """Rows of 512 octets in areas of one shade; one point of each row is of another one."""
    while True:
        shades = [drawn.randrange(256) for _ in range(16)]
        row = bytes(shade for shade in shades for _ in range(32))
        for _ in range(_LINES):
            point = drawn.randrange(512)
            yield row[:point] + drawn.randbytes(1) + row[point + 1 :]


def _prose(drawn: random.Random) -> Iterator[bytes]:
    """Verses of four lines, with refrains."""
    words = ["".join(drawn.choices("aeioudhlmnrst", k=drawn.randint(2, 9))) for _ in range(_WORDS)]
    while True:
        verses = [
            "".join(" ".join(drawn.choices(words, k=7)).capitalize() + ",\n" for _ in range(4)) for _ in range(_VERSES)
        ]
        for _ in range(_LINES * _VERSES):
            yield drawn.choice(verses).encode("ascii")


def _html(drawn: random.Random) -> Iterator[bytes]:
    yield b"<!DOCTYPE html>\n<html><body>\n"
    for number in count():
        cells = '<td class="cell number">0</td><td class="cell words">none</td>'
        end = "</table>\n<table>\n" if number % _LINES == 0 else ""
        yield f'<tr class="row"><th>Row</th>{cells}<td>{drawn.randrange(10)}</td></tr>\n{end}'.encode("ascii")


def _mixed(drawn: random.Random) -> Iterator[bytes]:
    for number in count():
        for _ in range(_LINES):
            yield f"{number} 0 obj\n<< /Type /Page /Parent 1 0 R /Resources << /Font 3 0 R >> >>\nendobj\n".encode(
                "ascii"
            )
        yield drawn.randbytes(128)


_PIECES: Final[dict[str, Callable[[random.Random], Iterator[bytes]]]] = {
    JSON.name: _json,
    PICTURE.name: _picture,
    PROSE.name: _prose,
    HTML.name: _html,
    MIXED.name: _mixed,
}
