"""Octets as people write and paste them: a text goes in; octets come out, and what the text was taken for.

Read are hexadecimal digits with anything usual between them; rows with offsets (``rows``), of which packets lose the
headers of IP and TCP; escapes such as ``\\x81``, with quotes or without; ``b'...'``; ``<Buffer 81 05>``; lists of
numbers in brackets or braces; base64. What fits none of these is refused with a sentence.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from .packets import Packet, Segment, segment_of
from .rows import Block, RowError, blocks_of, is_rows


class Pasted(NamedTuple):
    """Octets, and what the text was taken for; empty where it is hexadecimal digits alone."""

    octets: bytes
    taken_for: str = ""


def octets_of(text: str) -> Pasted:
    """The octets that a text stands for. ValueError, with a line that says what to do, where it stands for none."""
    text = text.replace("\r\n", "\n")
    stripped = text.strip()
    for reader in (_head, _rows, _buffer, _escaped, _numbers, _base64):
        pasted = reader(text if reader is _rows else stripped)
        if pasted is not None:
            return pasted
    return Pasted(_digits(stripped))


# --- hexadecimal digits -------------------------------------------------------------------------------------------

_PREFIX: Final = re.compile(r"0x|\\x", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s:,;|_-]+")
_NOT_HEX: Final = re.compile(r"[^0-9a-fA-F]")


def _digits(text: str) -> bytes:
    words = [word for word in _BETWEEN.split(_PREFIX.sub(" ", text)) if word]
    for word in words:
        wrong = _NOT_HEX.search(word)
        if wrong is not None:
            raise ValueError(f"{wrong[0]!a} is no hexadecimal digit: write octets as in 81 05 48 65 6c 6c 6f")
    for word in words:
        if len(word) % 2:
            digits = "1 digit" if len(word) == 1 else f"{len(word)} digits"
            raise ValueError(f"{_shortened(word)} has {digits}, and an octet is written with two: is one missing?")
    return bytes.fromhex("".join(words))


def _shortened(word: str) -> str:
    return f"{word[:20]}..." if len(word) > 24 else word


# --- heads --------------------------------------------------------------------------------------------------------

_HEAD: Final = re.compile(r"(?:[<>] )?(?:[A-Z]{3,10} \S+ HTTP/[0-9]|HTTP/[0-9.]+ [0-9]{3})", re.MULTILINE)
_TOLD: Final = re.compile(r"^[<>*] ", re.MULTILINE)


def begins_head(line: str) -> bool:
    """Whether a line is the first one of a head of HTTP."""
    return bool(_HEAD.match(line))


def is_head(text: str) -> bool:
    """Whether a text is a head of HTTP, or what ``curl -v`` tells of one."""
    return bool(_HEAD.match(text) or (_TOLD.match(text) and _HEAD.search(text)))


def _head(text: str) -> Pasted | None:
    if is_head(text):
        raise ValueError("this is a head of HTTP: put it into a file, and give that with --request or --response")
    return None


def of_curl(text: bytes, *, sent: bool) -> bytes | None:
    """The lines of a head in what ``curl -v`` tells of it: of the request (`>`), or of the last response (`<`).

    None where the text is none of curl's, or has no such head.
    """
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    if not any(line.startswith((b"> ", b"< ")) for line in lines):
        return None
    if any(line and line[:1] not in (b"<", b">", b"*", b"{", b"}", b" ") for line in lines[:1]):
        return None
    sign = b">" if sent else b"<"
    heads: list[list[bytes]] = [[]]
    for line in lines:
        if line.rstrip() == sign:
            heads.append([])
        elif line.startswith(sign + b" "):
            heads[-1].append(line[2:].rstrip(b"\r"))
    whole = [head for head in heads if head]
    return b"".join(line + b"\r\n" for line in whole[-1]) + b"\r\n" if whole else None


# --- rows ---------------------------------------------------------------------------------------------------------


def _rows(text: str) -> Pasted | None:
    if not is_rows(text):
        return None
    others: list[str] = []
    try:
        blocks = blocks_of(text, others)
    except RowError as error:
        raise ValueError(str(error)) from None
    found = [segment_in(block.octets) for block in blocks if not is_derived(block)]
    if all(found):
        return _payload([segment for segment in found if segment is not None], blocks[0].form)
    if any(found):
        raise ValueError("some of the rows are a packet with its headers, and some are none: give either")
    if others:
        raise ValueError(f"{_shortened(others[0].strip())!a} is no row like the others: give rows alone")
    if len(blocks) > 1:
        where = "of two directions" if len({block.indent for block in blocks}) > 1 else "that begin anew"
        raise ValueError(f"line {blocks[1].line}: these are rows {where}: give one part (wsoracle judge reads both)")
    return Pasted(blocks[0].octets, blocks[0].form)


_LINKS: Final = (101, 1, 113, 276, 0)
_DERIVED: Final = re.compile(r"(?!Frame )\S.* \([0-9]+ bytes?\):")


def is_derived(block: Block) -> bool:
    """Whether rows show what Wireshark made of octets that other rows have, such as "Unmasked data (4 bytes):"."""
    return _DERIVED.fullmatch(block.title) is not None


def segment_in(octets: bytes) -> Segment | None:
    """The segment of TCP that octets hold as a packet, plain or behind the header of a link; None without one."""
    link = link_of(octets)
    return None if link is None else segment_of(Packet(0.0, link, octets))


def link_of(octets: bytes) -> int | None:
    """The link whose packet with a segment of TCP octets are; None where they are none.

    The lengths of the headers have to fit the octets, so that frames are not taken for a packet.
    """
    for link in _LINKS:
        segment = segment_of(Packet(0.0, link, octets))
        if segment is not None and segment.length == len(segment.octets) and _as_long(link, octets):
            return link
    return None


def _as_long(link: int, octets: bytes) -> bool:
    """Whether the length that IP states is that of the octets behind the header of a link, but for padding."""
    if link != 101:
        return True
    stated = octets[2:4] if octets[0] >> 4 == 4 else octets[4:6]
    return int.from_bytes(stated, "big") + (0 if octets[0] >> 4 == 4 else 40) == len(octets)


def _payload(segments: Sequence[Segment], form: str) -> Pasted:
    """What segments of one end carry, one behind the other."""
    carrying = list(dict.fromkeys(segment._replace(time=0.0, ack=None) for segment in segments if segment.octets))
    if len({segment.source for segment in carrying}) > 1:
        raise ValueError("the packets go both ways: give those of one end (wsoracle judge reads both)")
    for one, following in pairwise(carrying):
        if (one.seq + one.length) % 2**32 != following.seq:
            raise ValueError("the packets do not follow on each other: one is missing, or in another place")
    packets = "1 packet" if len(segments) == 1 else f"{len(segments)} packets"
    return Pasted(
        b"".join(segment.octets for segment in carrying),
        f"{form}: {packets}, whose headers of IP and TCP are left out",
    )


# --- languages ----------------------------------------------------------------------------------------------------

_BUFFER: Final = re.compile(r"<(?:Slow)?Buffer((?: [0-9a-f]{2})*)((?: \.\.\. [0-9]+ more bytes?)?)>")


def _buffer(text: str) -> Pasted | None:
    found = _BUFFER.fullmatch(text)
    if found is None:
        return None
    if found[2]:
        raise ValueError(f"the Buffer is cut ({found[2].strip(' .')}): give all of it, as of buffer.toString('hex')")
    return Pasted(bytes.fromhex(found[1]), "a Buffer of Node.js")


_QUOTED: Final = re.compile(r"""(?:bytes|bytearray)?\(?[bBuU]?(['"`])(.*)\1\)?""", re.DOTALL)
_JOINED: Final = re.compile(r"""(['"])[ \t]*\\?\n?[ \t]*[bBuU]?\1""")
_SEPARATED: Final = re.compile(r"\\x[0-9a-fA-F]{2}(?:[\s,;]*\\x[0-9a-fA-F]{2})*[\s,;]*")
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u\{?00([0-9a-fA-F]{2})\}?|([0-7]{1,3})|(\n)|(.))", re.DOTALL)
_NAMED: Final = {"n": 10, "r": 13, "t": 9, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27}


def _escaped(text: str) -> Pasted | None:
    quoted = _QUOTED.fullmatch(text)
    inside = text if quoted is None else _JOINED.sub("", quoted[2])
    if quoted is None and (not re.search(r"\\(?:x|u00|[0-7])", text) or _SEPARATED.fullmatch(text)):
        return None
    if quoted is not None and "\\" not in inside and not _NOT_HEX.search(re.sub(_BETWEEN, "", inside)):
        return Pasted(_digits(inside))  # digits in quotes are digits
    octets, at = bytearray(), 0
    for escape in _ESCAPE.finditer(inside):
        octets += _plain(inside[at : escape.start()])
        octets.append(_value(escape)) if not escape[4] else None
        at = escape.end()
    octets += _plain(inside[at:])
    return Pasted(bytes(octets), "a string with escapes" if quoted is None else "a string in quotes")


def _value(escape: re.Match[str]) -> int:
    if escape[1] or escape[2]:
        return int(escape[1] or escape[2], 16)
    if escape[3]:
        value = int(escape[3], 8)
        if value > 255:
            raise ValueError(f"\\{escape[3]} is more than an octet")
        return value
    if escape[5] in _NAMED:
        return _NAMED[escape[5]]
    if escape[5].isalnum():
        raise ValueError(f"\\{ascii(escape[5])[1:-1]} is no escape that is known: write octets as \\x81")
    return ord(escape[5]) if ord(escape[5]) < 128 else _no_octet(escape[5])


def _plain(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError as error:
        _no_octet(text[error.start])
        raise AssertionError from None


def _no_octet(character: str) -> int:
    raise ValueError(f"{character!a} is no octet by itself: write its octets as \\x81")


_BEFORE: Final = re.compile(r"[\w\s.:=&*<>\[\]()]{0,200}[\[({](?=[^\[({]*$)")


def without_comments(text: str) -> str:
    """A text without what stands between /* and */."""
    parts, at = [], 0
    while (begin := text.find("/*", at)) >= 0 and (end := text.find("*/", begin + 2)) >= 0:
        parts.append(text[at:begin])
        at = end + 2
    return " ".join([*parts, text[at:]])


def _numbers(text: str) -> Pasted | None:
    """Numbers in brackets or braces, as languages write lists of octets."""
    bare = without_comments(text)
    before = _BEFORE.match(bare)
    if before is None or bare[-1:] not in "])};":
        return None
    inside = bare[before.end() :].rstrip("]})>; \n")
    words = [word for word in re.split(r"[\s,]+", inside) if word]
    if "," not in inside and len(words) != 1:
        return None
    values = []
    prefixed = any(word.lower().lstrip("-").startswith("0x") for word in words)
    hexadecimal = prefixed or any(re.search(r"[a-fA-F]|^0[0-9]", word) for word in words)
    for word in words:
        try:
            value = int(word, 0 if prefixed else 16 if hexadecimal else 10)
        except ValueError:
            raise ValueError(f"{_shortened(word)!a} is no number of an octet") from None
        if not -128 <= value <= 255:
            raise ValueError(f"{_shortened(word)} is no number of an octet, which is at most 255")
        values.append(value % 256)
    return Pasted(bytes(values), f"a list of {'hexadecimal' if hexadecimal else 'decimal'} numbers")


_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]+={0,2}")
_LONG: Final = 8


def _base64(text: str) -> Pasted | None:
    """Base64 where it can be nothing else: it ends with its padding, or is long and has letters of both cases."""
    compact = "".join(text.split())
    if not compact.isascii() or not _BASE64.fullmatch(text) or len(compact) % 4 or not _NOT_HEX.search(compact):
        return None
    letters = [character for character in compact if character.isalpha()]
    strange = sum(1 for character in compact if _NOT_HEX.match(character))
    mixed = any(map(str.isupper, letters)) and any(map(str.islower, letters)) and 4 * strange >= len(compact)
    if not compact.endswith("=") and not (mixed and len(compact) >= _LONG):
        return None
    try:
        return Pasted(base64.b64decode(compact, validate=True), "base64")
    except binascii.Error:
        return None
