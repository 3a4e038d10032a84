"""Octets in rows with offsets, as xxd, hexdump, od, tcpdump -X and Wireshark show them.

Theory of operation. A row has an offset, octets in groups, and perhaps a column of text. Where the octets of a row end
follows from the offset of the next one; in the last row from the text, which shows each octet that is printable. So
neither offsets nor text are taken for octets, and rows that do not follow on each other are refused. Offsets are
hexadecimal, or octal as od writes them. Groups of four digits behind an offset without a colon are words with the lower
octet first (hexdump, od -x). A row ``*`` stands for repetitions of the one before. Rows that are indented belong to
another stream, as where both directions of a connection are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

MOST_OCTETS: Final = 64 << 20
"""Octets that rows are read to; a row ``*`` may stand for any number of them."""

_WIDEST: Final = 256
"""Octets of a row."""

_ROW: Final = re.compile(r"([ \t]*)((?:0[xX])?([0-9a-fA-F]{4,16}))(:?)([ \t].*)?")
_TOKEN: Final = re.compile(r"[ \t]*([0-9a-fA-F]+)(?=[ \t|>]|$)")
_FRAMED: Final = re.compile(r"[ \t]*[|>](.*)[|<][ \t]*")


class RowError(ValueError):
    """Rows do not fit together; the message is one sentence."""


class Block(NamedTuple):
    """Octets of rows that follow on each other: the number of the first line, its indentation, and the form in words.

    `starts`: the offsets begin anew here, and do not go on from an earlier block of that indentation. `title` is the
    line before, where that is no row.
    """

    line: int
    indent: str
    octets: bytes
    form: str
    starts: bool
    title: str


class _Row(NamedTuple):
    line: int
    indent: str
    offset: str
    colon: bool
    rest: str
    repeats: bool
    title: str


def is_rows(text: str) -> bool:
    """Whether the first row of a text, behind lines that are none, has an offset."""
    return next(_rows(text.splitlines(), []), None) is not None


def blocks_of(text: str, others: list[str] | None = None) -> list[Block]:
    """The octets of all rows, joined where they follow on each other without a line between them.

    Lines that are no rows go into `others`. RowError where rows do not follow on.
    """
    beside: list[str] = [] if others is None else others
    rows = list(_rows(text.splitlines(), beside))
    try:
        return list(_blocks(rows, 16))
    except RowError:
        if any(not re.fullmatch(r"[0-7]+", row.offset) for row in rows):
            raise
        try:
            return list(_blocks(rows, 8))
        except RowError:
            pass
        raise


def _rows(lines: Sequence[str], others: list[str]) -> Iterator[_Row]:
    """The rows among lines, each with whether rows like it were left out before it."""
    repeats, any_row, title = False, False, ""
    for number, line in enumerate(lines, 1):
        found = _ROW.fullmatch(line)
        if any_row and line.strip() == "*":
            repeats = True
        elif found is not None and _is_row(found, any_row):
            any_row = True
            digits = found[3]
            yield _Row(number, found[1], digits, bool(found[4]), found[5] or "", repeats, title)
            repeats, title = False, ""
        elif line.strip():
            title = line.strip()
            others.append(line)


def _is_row(found: re.Match[str], later: bool) -> bool:
    """Whether a line of this look is a row, and no octets without an offset."""
    rest = found[5] or ""
    token = _TOKEN.match(rest)
    if token is None:
        return later and not rest.strip() and len(found[3]) >= 6  # an offset alone ends what hexdump and od write
    if found[4]:
        return True
    size, zero = len(token[1]), not found[3].strip("0")
    return (size == 2 and (later or zero or len(found[3]) >= 6)) or (
        size == 4 and len(found[3]) >= 6 and (later or zero)
    )


def _blocks(rows: Sequence[_Row], base: int) -> Iterator[Block]:
    """The rows as blocks, their offsets read in a base."""
    expected: dict[str, int] = {}
    following: dict[str, _Row | None] = {}
    nexts: list[_Row | None] = []
    for row in reversed(rows):
        nexts.append(following.get(row.indent))
        following[row.indent] = row
    current: list[bytes] = []
    first: _Row | None = None
    previous, starts, total = b"", True, 0
    for row, after in zip(rows, reversed(nexts), strict=True):
        offset = int(row.offset, base)
        begins = expected.get(row.indent)
        fresh = begins is None or (offset != begins and offset == 0)
        if begins is not None and not fresh and row.repeats and previous and offset > begins:
            if total + offset - begins > MOST_OCTETS:
                raise RowError(f"line {row.line}: the rows stand for more than {MOST_OCTETS:,} octets")
            missing = offset - begins
            current.append((previous * (missing // len(previous) + 1))[:missing])
            total += missing
            begins = offset
        if begins is not None and not fresh and offset != begins:
            raise RowError(f"line {row.line}: its offset does not follow on the row before: is one missing?")
        if first is not None and (fresh or row.indent != first.indent):
            yield Block(first.line, first.indent, b"".join(current), _form(first), starts, first.title)
            first, current = None, []
        if first is None:
            first, starts = row, fresh
        octets = _octets(row, after, base)
        current.append(octets)
        total += len(octets)
        previous = octets or previous
        expected[row.indent] = offset + len(octets)
    if first is not None:
        yield Block(first.line, first.indent, b"".join(current), _form(first), starts, first.title)


def _octets(row: _Row, after: _Row | None, base: int) -> bytes:
    """The octets of a row, told from the offset of the one after it, or from its text."""
    swapped = not row.colon and (token := _TOKEN.match(row.rest)) is not None and len(token[1]) == 4
    ends: list[tuple[bytes, str]] = [(b"", row.rest)]
    at, octets = 0, bytearray()
    while (token := _TOKEN.match(row.rest, at)) is not None and len(token[1]) % 2 == 0 and len(octets) <= _WIDEST:
        group = bytes.fromhex(token[1])
        octets += group[::-1] if swapped else group
        at = token.end()
        ends.append((bytes(octets), row.rest[at:]))
    count = 0 if after is None else int(after.offset, base) - int(row.offset, base)
    if after is not None and 0 < count <= _WIDEST and not after.repeats:
        for known, text in ends:
            if len(known) == count or (swapped and len(known) == count + 1):
                return _checked(row, known[:count], text)
        if count < len(octets) or not _text(row.rest):
            raise RowError(
                f"line {row.line}: it has {len(octets)} octets, and by the next offset {count}: is one missing?"
            )
    for known, text in reversed(ends[1:]):
        if text.strip() and _fits(known, text):
            return known
    if not ends[-1][1].strip():
        return ends[-1][0]
    raise RowError(f"line {row.line}: {_shown(ends[-1][1].strip())} is neither octets nor the text of those before it")


def _checked(row: _Row, octets: bytes, text: str) -> bytes:
    if text.strip() and not _fits(octets, text):
        raise RowError(f"line {row.line}: the text {_shown(text.strip())} is not that of its octets")
    return octets


def _text(rest: str) -> str:
    """What stands behind the groups of a row."""
    at = 0
    while (token := _TOKEN.match(rest, at)) is not None:
        at = token.end()
    return rest[at:].strip()


def _fits(octets: bytes, text: str) -> bool:
    """Whether a column of text shows octets: each printable one as itself, any other as a point, say."""
    framed = _FRAMED.fullmatch(text)
    if framed is not None and _shows(octets, framed[1]):
        return True
    spaces = len(octets) - len(octets.rstrip(b" "))
    for column in (text.rstrip(), *(text.rstrip() + " " * count for count in range(1, spaces + 1))):
        for length in (len(octets), len(octets) + 1):
            shown, before = column[-length:], column[:-length]
            if (len(before) > 1 or before == "\t") and not before.strip() and _shows(octets, shown):
                return True
    return False


def _shows(octets: bytes, shown: str) -> bool:
    if len(shown) == len(octets) + 1 and shown[8:9] == " ":
        shown = shown[:8] + shown[9:]  # a gap in the middle
    return len(shown) == len(octets) and all(
        character == chr(octet) if 0x20 < octet < 0x7F else character in ". " or not character.isascii()
        for octet, character in zip(octets, shown, strict=True)
    )


def _form(row: _Row) -> str:
    token = _TOKEN.match(row.rest)
    if token is not None and len(token[1]) == 4 and not row.colon:
        return "rows of words with the lower octet first (hexdump, od -x)"
    if row.colon:
        return "rows of tcpdump" if len(row.offset) == 4 else "rows of xxd"
    return "rows with offsets (hexdump -C, od, Wireshark)"


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 24 else f"{text[:20]}...")
