"""docs/spec.md cut into the chapters of the site, in the order in which somebody learns: frames first.

The opening handshake comes after what it opens, its refusals apart; each topic of the rules has a page of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ..spec.document import DocumentPart, parts
from .markup import anchor_of, plain_words

_HEADING: Final = re.compile(r"(#{2,3}) (\d+(?:\.\d+)?)\.? (.*)")
_PART: Final = re.compile(r"# Part \d+: .*")
_APART: Final = {"2.7": "When the handshake fails"}
"""Sections that begin a page of their own, with its title."""

_RULES: Final = "19"
FIRST: Final = "1"
_LATER: Final = ("2", "2.7")
_AFTER: Final = "12"


@dataclass
class Chapter:
    """A page of the document: the number of its chapter or section, its title, and its text with the blocks by name."""

    number: str
    title: str
    parts: list[DocumentPart] = field(default_factory=list)
    sections: dict[str, str] = field(default_factory=dict)
    """The anchor of each numbered section of it."""

    @property
    def page(self) -> str:
        """The name of its page."""
        return f"{anchor_of(self.title)}.html"


def chapters(document: str) -> list[Chapter]:
    """The chapters of the document in the order of reading; what stands before the first is left out."""
    found: list[Chapter] = []
    for part in parts(document):
        if part.name is not None:
            found[-1].parts.append(part)
            continue
        for heading, text in _cut(part.text):
            match = _HEADING.fullmatch(heading)
            if match is None:
                if found and text.strip():
                    found[-1].parts.append(DocumentPart(None, text))
                continue
            number, title = match[2], match[3]
            if match[1] == "##":
                found.append(Chapter(number, plain_words(title)))
            elif number in _APART or number.split(".")[0] == _RULES:
                found.append(Chapter(number, _title(number, title)))
            else:
                text = f"{heading}\n{text}"
            found[-1].sections[number] = "" if match[1] == "##" else anchor_of(f"{number} {title}")
            if number in _APART:
                text = f"{heading}\n{text}"
            elif number == found[-1].number:
                found[-1].sections[number] = ""
            found[-1].parts.append(DocumentPart(None, text))
    return _ordered(found)


def _title(number: str, title: str) -> str:
    return _APART.get(number) or f"Rules: {plain_words(title)[0].lower()}{plain_words(title)[1:]}"


def _cut(text: str) -> Iterator[tuple[str, str]]:
    """The text cut before each numbered heading: the heading (empty before the first), and what follows it."""
    lines: list[str] = []
    heading, fenced = "", False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and (_HEADING.fullmatch(line) or _PART.fullmatch(line)):
            yield heading, "\n".join(lines)
            heading, lines = line, []
        else:
            lines.append(line)
    yield heading, "\n".join(lines)


def _ordered(found: list[Chapter]) -> list[Chapter]:
    later = [chapter for chapter in found if chapter.number in _LATER]
    rest = [chapter for chapter in found if chapter.number not in _LATER]
    place = 1 + next(at for at, chapter in enumerate(rest) if chapter.number == _AFTER)
    return [*rest[:place], *later, *rest[place:]]
