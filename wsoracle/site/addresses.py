"""Where things stand on the site: rules, theorems, requirements, cases, chapters and sections of the RFC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Final
from urllib.parse import quote

from wsoracle.model.notation.rule import Rule
from wsoracle.model.notation.sources import RFC_7692, place_of

_CHAPTER: Final = re.compile(r"\b([Cc]hapters? )(\d+(?:\.\d+)?)(?:( (?:to|and) )(\d+(?:\.\d+)?))?")
_SECTION: Final = re.compile(r"\b([Ss]ections? )(\d+(?:\.\d+)*)(?:( (?:to|and) |, )(\d+(?:\.\d+)*)\b)?")


def address(page: str, anchor: str = "") -> str:
    """A relative address, ready for an attribute."""
    return f"{page}{'#' + quote(anchor, safe='/+~.-!*') if anchor else ''}"


def explorer_address(history: str) -> str:
    """The address that opens the explorer with a history, ready for an attribute."""
    return f"explorer.html#{quote(history, safe=';:=,.~*/+-')}"


@dataclass
class Addresses:
    """The address of each name (a rule, a theorem, ...), of each chapter by its number, of each section of the RFC.

    Sections of RFC 7692 have its number before their own, as ids have.
    """

    names: dict[str, str] = field(default_factory=dict)
    chapters: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)

    def of_name(self, name: str) -> str | None:
        """The address of what has this name; None where it has no place of its own."""
        return self.names.get(name)

    def link(self, name: str) -> str:
        """The name as code, linked where it has a place."""
        code = f"<code>{escape(name)}</code>"
        found = self.names.get(name)
        return f'<a href="{found}">{code}</a>' if found else code

    def clause(self, rule: Rule) -> str:
        """The section of a rule in words, linked where its sentences are listed."""
        return _linked(self.sections, place_of(rule.id, rule.section), rule.clause)

    def linked(self, html: str, page: str) -> str:
        """HTML without links of its own in the words ``chapter N`` and ``section N``, which become links.

        A chapter on the same page is linked only if the number has a part after the point.
        """
        if "<a " in html:
            return html
        chapters = {n: to for n, to in self.chapters.items() if "." in n or to.partition("#")[0] != page}
        html = _CHAPTER.sub(lambda m: _numbers(m, chapters), html)
        return _SECTION.sub(lambda m: _numbers(m, self.sections, _rfc(m)), html)


def _rfc(found: re.Match[str]) -> str:
    """What stands before the number of a section in :attr:`Addresses.sections`: the text names another RFC or none."""
    before, after = found.string[: found.start()], found.string[found.end() :]
    return RFC_7692 if before.endswith("RFC 7692, ") or after.startswith(" of RFC 7692") else ""


def _numbers(found: re.Match[str], places: Mapping[str, str], rfc: str = "") -> str:
    first = _linked(places, rfc + found[2], f"{found[1]}{found[2]}")
    return first if found[4] is None else f"{first}{found[3]}{_linked(places, rfc + found[4], found[4])}"


def _linked(places: Mapping[str, str], number: str, words: str) -> str:
    to = places.get(number)
    return f'<a href="{to}">{words}</a>' if to else words
