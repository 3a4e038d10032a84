"""A head line by line, with the facts that each line gives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from wsoracle.model.facts.places import BODY_FIELDS, FIELD_OF, FIRST_LINE
from wsoracle.model.notation.head_variables import HeadFacts
from wsoracle.model.notation.variables import label


class LineFact(NamedTuple):
    """A fact of the head, its value in words, and why it has it, where there is more to say; ``wrong``: a rule speaks
    against the head because of it."""

    name: str
    words: str
    wrong: bool = False
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.words}" + (f" ({self.why})" if self.why else "")


class HeadLine(NamedTuple):
    """A line of the head without its end, the facts that it gives, and a remark where it gives none."""

    octets: bytes
    facts: tuple[LineFact, ...] = ()
    remark: str = ""


def bare_lines(octets: bytes) -> tuple[HeadLine, ...]:
    """The lines without any fact."""
    lines = octets.split(b"\n")
    return tuple(HeadLine(line.removesuffix(b"\r")) for line in (lines[:-1] if lines[-1] == b"" else lines))


def head_lines(
    octets: bytes, facts: HeadFacts, wrong: Collection[str], reasons: Mapping[str, str]
) -> Iterator[HeadLine]:
    """Each line of a head with the facts that it gives; ``reasons`` say why some of them have their values."""

    def said(names: Iterable[str]) -> tuple[LineFact, ...]:
        return tuple(
            LineFact(name, label(name, getattr(facts, name)), name in wrong, reasons.get(name, "")) for name in names
        )

    first = True
    for line, *_ in bare_lines(octets):
        name = line.partition(b":")[0].decode("latin-1").strip().lower()
        names = [fact for fact, field in FIELD_OF.items() if fact in facts._fields and field.lower() == name]
        if not line:
            yield HeadLine(line, remark="an empty line before the head: skipped" if first else "the end")
        elif first:
            first = False
            yield HeadLine(line, said(FIRST_LINE[type(facts)]))
        elif line[:1] in b" \t":
            yield HeadLine(line, remark="folded: it continues the line before")
        elif name in BODY_FIELDS:
            yield HeadLine(line, said(["body"]))
        elif names:
            yield HeadLine(line, said(names))
        else:
            yield HeadLine(line, remark="not part of the handshake")


def absent_fields(facts: HeadFacts) -> Iterator[str]:
    """The fields of the handshake that are not there."""
    for name, field in FIELD_OF.items():
        if name in facts._fields and label(name, getattr(facts, name)) == "absent":
            yield field
