"""Read the plain text of RFC 6455 so that quotes and normative sentences can be compared with it.

Everything here is a pure function of a string: no file is opened.  Typical use::

    rfc = parse(path.read_text(encoding="utf-8"))
    assert quote_occurs(rfc, "A masked frame MUST have the field frame-masked set to 1", "5.3")

Normalisation, which is done only here:

* page furniture goes: the footer ``Fette & Melnikov ... [Page N]``, the form feed, the header ``RFC 6455 ...``
  (and those of RFC 7692);
  a paragraph that ran over the page break is whole again;
* the title page, the table of contents and the authors' addresses are not part of any section;
* a hyphen at the end of a line is kept and the words are joined (``client-`` / ``to-server`` is ``client-to-server``);
  the RFC never hyphenates a word that is otherwise written without a hyphen;
* the markers of list items (``o``, ``*``, ``3.``) go;
* so does the ``;`` with which an ABNF comment goes on in a new line;
* any run of white space is one space.

A *sentence* is a piece of one paragraph up to a full stop, or a whole paragraph that has none.  The term that heads a
definition ("Opcode:  4 bits") and each rule of an ABNF figure, with its comment, are paragraphs of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

ELLIPSIS = " ... "
"""Stands in a quote for words that were left out; the parts must occur in this order."""

KEYWORDS: tuple[str, ...] = (
    "MUST NOT",
    "SHALL NOT",
    "MUST",
    "REQUIRED",
    "SHALL",
    "SHOULD NOT",
    "NOT RECOMMENDED",
    "SHOULD",
    "RECOMMENDED",
    "MAY",
    "OPTIONAL",
)
"""The key words of RFC 2119, in upper case as section 2 has them; longer ones before their own beginnings."""

_RANK: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("MUST NOT", "SHALL NOT", "MUST", "REQUIRED", "SHALL"), 3),
        **dict.fromkeys(("SHOULD NOT", "NOT RECOMMENDED", "SHOULD", "RECOMMENDED"), 2),
        **dict.fromkeys(("MAY", "OPTIONAL"), 1),
    }
)
_KEYWORD = re.compile(r"\b(" + "|".join(KEYWORDS) + r")\b")
_LOWER_KEYWORD = re.compile(r"\b(must not|must|should not|should)\b")

_PAGE_BREAK = re.compile(
    r"\n+(?:Fette & Melnikov|Yoshino) [^\n]*\[Page \d+\]\n(?:\f\n?RFC (?:6455|7692) [^\n]*\n+|\n*\Z)"
)
_HEADING = re.compile(r"^(\d+(?:\.\d+)*)\.  ?(\S.*)$")
_MARKER = re.compile(r"^(?:\d+\.|[o*])(?= )")
_ABNF_RULE = re.compile(r"^[A-Za-z][A-Za-z0-9-]* *= ")
_HYPHEN_AT_END = re.compile(r"(?<=[A-Za-z0-9])-[ \t]*\n[ \t]*(?=[A-Za-z0-9])")
# Between sentences the RFC puts two spaces or ends the line; one place (section 7.1.5) has a single space before "_".
_SENTENCE_END = re.compile(r"[.?!][)\"'_|]*(?P<gap> {2,}| *\n *| (?=_))(?=[A-Z\"'(|_/%\[])")
_SENTENCE_END_NORMALISED = re.compile(r"[.?!][)\"'_|]*(?P<gap> )(?=[A-Z\"'(|_/%\[])")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One normalised sentence and the number of the section that it stands in."""

    section: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """One numbered section without its subsections: its sentences, paragraph by paragraph, all normalised."""

    number: str
    title: str
    paragraphs: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The whole section as one normalised string."""
        return " ".join(sentence for paragraph in self.paragraphs for sentence in paragraph)


@dataclass(frozen=True, slots=True)
class RfcText:
    """The numbered sections of the RFC in the order of the text."""

    sections: Mapping[str, Section]

    def sentences(self) -> tuple[Sentence, ...]:
        """Every sentence of every section, in the order of the text."""
        return tuple(
            Sentence(section.number, sentence)
            for section in self.sections.values()
            for paragraph in section.paragraphs
            for sentence in paragraph
        )


def normalise(text: str) -> str:
    """Give text with hyphens at line ends joined and every run of white space made one space (for quotes, too)."""
    return " ".join(_HYPHEN_AT_END.sub("-", text).split())


def parse(raw: str, prefix: str = "") -> RfcText:
    """Give the sections of the RFC's plain text (as published: with page breaks).

    ``prefix`` comes before the number of each section: "7692." for another RFC than 6455.

    Raises ValueError where no numbered section is found or one number heads two sections.
    """
    sections: dict[str, Section] = {}
    number, title, body = "", "", list[str]()

    def finish() -> None:
        if number:
            if number in sections:
                raise ValueError(f"section {number} occurs twice")
            sections[number] = Section(prefix + number, title, _paragraphs(body))

    for line in _without_page_breaks(raw).split("\n"):
        if line[:1].strip():  # only headings start in the first column
            finish()
            heading = _HEADING.match(line)
            number, title = heading.groups() if heading else ("", "")
            body = []
        else:
            body.append(line)
    finish()
    if not sections:
        raise ValueError("this is not the text of an RFC: it has no numbered section")
    return RfcText(MappingProxyType({section.number: section for section in sections.values()}))


def keywords_in(text: str) -> tuple[str, ...]:
    """Give the normative key words of a normalised text, in order, repetitions included."""
    return tuple(_KEYWORD.findall(text))


def level_of(text: str) -> str | None:
    """Give the key word that decides a sentence, the strongest and of equally strong ones the first; None without any.

    Strongest are MUST (NOT), REQUIRED and SHALL (NOT), then SHOULD (NOT) and (NOT) RECOMMENDED, then MAY and OPTIONAL.
    """
    found = keywords_in(text)
    return max(found, key=_RANK.__getitem__) if found else None


def lower_case_keyword(text: str) -> str | None:
    """Give the first "must", "must not", "should" or "should not" written in lower case, None without any."""
    match = _LOWER_KEYWORD.search(text)
    return match[1] if match else None


def normative_sentences(rfc: RfcText) -> tuple[Sentence, ...]:
    """Give every sentence with an upper-case normative key word, in the order of the text."""
    return tuple(sentence for sentence in rfc.sentences() if keywords_in(sentence.text))


def occurs_in_order(quote: str, text: str) -> bool:
    """Tell whether the parts of a quote (split at ELLIPSIS) occur in a normalised text, in order, none overlapping."""
    parts = [part for part in normalise(quote).split(ELLIPSIS) if part]
    position = 0
    for part in parts:
        found = text.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return bool(parts)


def quote_occurs(rfc: RfcText, quote: str, section: str) -> bool:
    """Tell whether a quote stands verbatim in the named section (not in its subsections); see ELLIPSIS.

    An empty quote or an unknown section is False.
    """
    return section in rfc.sections and occurs_in_order(quote, rfc.sections[section].text)


def split_sentences(normalised: str) -> tuple[str, ...]:
    """Split a normalised text, a quote for instance, into its sentences."""
    return _split(normalised, _SENTENCE_END_NORMALISED)


def _without_page_breaks(raw: str) -> str:
    return _PAGE_BREAK.sub(_rejoin, raw.replace("\r\n", "\n"))


def _rejoin(page_break: re.Match[str]) -> str:
    """Give a line end where a sentence goes on after the page break, else the end of a paragraph."""
    raw = page_break.string
    before = raw[: page_break.start()].rsplit("\n", 1)[-1].strip()
    after = raw[page_break.end() :].split("\n", 1)[0]
    ended = before[-1:] in tuple(".:!?") or not after.startswith(" ") or bool(_MARKER.match(after.strip()))
    return "\n\n" if ended else "\n"


def _paragraphs(body: list[str]) -> tuple[tuple[str, ...], ...]:
    result = []
    for block in re.split(r"\n(?: *\n)+", "\n".join(body)):
        lines = [line for line in block.split("\n") if line.strip()]
        for part in _parts(lines):
            text = _MARKER.sub("", "\n".join(part).strip()).strip()
            result.append(tuple(normalise(piece) for piece in _split(_HYPHEN_AT_END.sub("-", text), _SENTENCE_END)))
    return tuple(paragraph for paragraph in result if paragraph)


def _parts(lines: list[str]) -> list[list[str]]:
    """Split a block that has no blank line: at ABNF rules, and after the term that heads an indented definition."""
    parts: list[list[str]] = []
    for index, line in enumerate(lines):
        bare = line.strip()
        before = lines[index - 1].strip() if index else ""
        after_term = index == 1 and _indent(line) > _indent(lines[0]) and not _MARKER.match(before)
        if index == 0 or _ABNF_RULE.match(bare) or (after_term and not _ABNF_RULE.match(before)):
            parts.append([bare])
        else:
            goes_on = bare.startswith(";") and ";" in before  # an ABNF comment that needs more than one line
            parts[-1].append(bare[1:].strip() if goes_on else bare)
    return parts


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _split(text: str, end: re.Pattern[str]) -> tuple[str, ...]:
    pieces, start = [], 0
    for match in end.finditer(text):
        pieces.append(text[start : match.start("gap")])
        start = match.end()
    pieces.append(text[start:])
    return tuple(piece for piece in pieces if piece.strip())
