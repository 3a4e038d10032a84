"""Lines in, lines out: a session over two streams, whose memory is bounded whatever comes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from .session import OracleSession

MOST_LINE: Final = 32 << 20
"""Octets of a line that is read."""

_CHUNK: Final = 1 << 16


def serve(read: Callable[[int], bytes], write: Callable[[bytes], object], session: OracleSession) -> None:
    """Answer each line that comes, until the session is stopped or there are no more.

    ``read`` gives what there is, at most so many octets, and nothing at the end. Answers to what came together are
    written together. A last line without its end counts.
    """
    held: list[bytes] = []
    size = 0
    while not session.ended:
        chunk = read(_CHUNK)
        lines = chunk.split(b"\n") if chunk else [b"", b""]
        answers: list[str] = []
        for index, part in enumerate(lines):
            if index:
                line, too_long = b"".join(held), size > MOST_LINE
                held, size = [], 0
                if too_long:
                    answers.append(session.too_long(MOST_LINE))
                elif line.strip():
                    answers.append(session.answer(line))
                if session.ended:
                    break
            size += len(part)
            if size <= MOST_LINE:
                held.append(part)
            else:
                held.clear()
        if answers:
            write("".join(f"{answer}\n" for answer in answers).encode("ascii"))
        if not chunk:
            return


def reader_of(descriptor: int) -> Callable[[int], bytes]:
    """Reads what there is of a file, and does not wait for more."""
    return lambda most: os.read(descriptor, most)
