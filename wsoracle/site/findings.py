"""docs/findings.md read back: what real endpoints did against which rules, and in which cases.

The page is the one place in which the fleet's findings stand with names; ``wsoracle/fleet/findings.py`` writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from wsoracle.model.octets.vocabulary import Role

_SECTION: Final = re.compile(r"^### (Servers|Clients), [A-Z-]+: (.*)$")
_CODE: Final = re.compile(r"`([^`]+)`")
_ESCAPED: Final = re.compile(r"\\([\\`*_{}\[\]#!|<>~&$])")
_CELLS: Final = re.compile(r"(?<!\\)\|")
_ROLES: Final = {"Servers": Role.SERVER, "Clients": Role.CLIENT}
_SHOWN: Final = re.compile(r"^- Shown by `([^`]+)`", re.MULTILINE)
_SENT: Final = re.compile(r"^- Sent: (.*)$", re.MULTILINE)
_ALLOWED: Final = re.compile(r"^- Would have been allowed: (.*)$", re.MULTILINE)
_OTHER_CASE: Final = re.compile(r"^`([^`]+)`, sent (`[^`]*`(?:, octets `[^`]*`)?): (.*)$")
_PLACE: Final = re.compile(r" \(octet \d+(?: of what arrived)?\)$")
_PIECE: Final = re.compile(r"`([^`]*)`(?:, octets `([0-9a-f]*)( \.\.\.)?`)?")
_CUT: Final = "..."


class WirePieceRead(NamedTuple):
    """A piece of the wire as the page has it: in words, and its octets, None where they do not stand there whole."""

    words: str
    octets: bytes | None


class RealEndpoint(NamedTuple):
    """An implementation that did not follow some rules: its name with its version, and the cases that show it, a dozen
    at most.

    ``example`` is the case of which the page says what was ``sent`` last, in words, and what was ``received``.
    """

    name: str
    cases: tuple[str, ...]
    example: str
    sent: str
    received: tuple[WirePieceRead, ...]


class RealDeviation(NamedTuple):
    """Rules that endpoints of a role left unfollowed together, and which endpoints; ``allowed``: what would have been
    allowed in the case that most of them are shown by."""

    role: Role
    rules: tuple[str, ...]
    allowed: str
    endpoints: tuple[RealEndpoint, ...]


def deviations_in(page: str) -> tuple[RealDeviation, ...]:
    """The deviations of the page, in its order."""
    return tuple(_sections(page.splitlines()))


def _sections(lines: list[str]) -> Iterator[RealDeviation]:
    starts = [(at, found) for at, line in enumerate(lines) if (found := _SECTION.match(line))]
    for (at, found), end in zip(starts, [*(place for place, _ in starts), len(lines)][1:], strict=True):
        part = lines[at + 1 : end]
        whole = "\n".join(part)
        shown, sent, allowed = _SHOWN.search(whole), _SENT.findall(whole), _ALLOWED.search(whole)
        rows = [_CELLS.split(line)[1:-1] for line in part if line.startswith("| ")][2:]
        example = shown[1] if shown else ""
        endpoints = tuple(_endpoint([cell.strip() for cell in row], example, sent[-1] if sent else "") for row in rows)
        yield RealDeviation(
            _ROLES[found[1]], tuple(_CODE.findall(found[2])), _plain(allowed[1]) if allowed else "", endpoints
        )


def _endpoint(cells: list[str], example: str, sent: str) -> RealEndpoint:
    name, cases, received = cells
    other = _OTHER_CASE.match(received)
    if other:
        example, sent, received = other.groups()
    said = _PLACE.sub("", received)
    pieces = tuple(_piece(found) for found in _PIECE.finditer(said))
    return RealEndpoint(_plain(name), tuple(_CODE.findall(cases)), example, _in_words(sent), pieces)


def _piece(found: re.Match[str]) -> WirePieceRead:
    words, octets, more = found.groups()
    return WirePieceRead(words, None if octets is None or more else bytes.fromhex(octets))


def _in_words(sent: str) -> str:
    found = _PIECE.match(sent)
    return found[1] if found else ""


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
