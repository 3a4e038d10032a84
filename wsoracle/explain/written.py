"""A head as people write it in an editor, turned into the octets that it stands for."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from wsoracle.model.octets.http import HEAD_LIMIT
from wsoracle.properties.traces.pasted import of_curl

from .explanation import ExplainError


class Written(NamedTuple):
    """Octets of a head, and what was done to the text that they come from."""

    octets: bytes
    notes: tuple[str, ...] = ()


_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def octets_of_text(text: bytes, *, sent: bool = True, exact: bool = False) -> Written:
    """The octets that a text stands for. Raises :class:`ExplainError` for an empty one.

    Of what ``curl -v`` tells, the request (``sent``) or the last response.

    Where no line ends with CRLF, the text comes from an editor: each LF is read as CRLF. Where the empty line at the
    end is missing, it is added. ``exact``: the octets are as they are.
    """
    if not text:
        raise ExplainError("there is no head to explain: a head begins with a line such as GET /chat HTTP/1.1")
    if exact:
        return Written(text)
    told = of_curl(text, sent=sent)
    if told is not None:
        return Written(
            told, (f"the text was taken for what curl -v tells: the lines that begin with {'><'[not sent]}",)
        )
    notes = []
    octets = text
    if b"\r\n" not in text and b"\n" in text:
        octets = text.replace(b"\n", b"\r\n")
        notes.append("its lines end with LF alone: each LF was read as CRLF (--exact keeps LF)")
    ends = b"\r\n\r\n" in octets or b"\n\n" in octets
    if not ends and len(octets) < HEAD_LIMIT and not _NO_TEXT.search(octets):
        octets += b"\r\n" if octets.endswith(b"\n") else b"\r\n\r\n"
        notes.append("the empty line at its end was missing and was added (--exact does not add it)")
    return Written(octets, tuple(notes))
