"""Octets on a page: a frame field by field, each field with a colour and a name; a head as its lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from wsoracle.model.notation.variables import DAMAGE
from wsoracle.model.octets.frames import decode_header
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.utf8 import ACCEPT, run
from wsoracle.model.octets.vocabulary import CONTINUATION, TEXT

from ..explain.field_table import FieldRow, field_table, quoted
from ..explain.told import OCTETS_SHOWN
from ..text.hexadecimal import hex_of

_INFLATED: Final = "inflated"
_COLOURS: Final = {
    "extended length": "length", "masking key": "key", "status code": "code", "payload": "payload",
    "reason": "payload", "unmasked": "payload", _INFLATED: "inflated",
}  # fmt: skip
_FIRST: Final = {"FIN": "first", "MASK": "second"}


def octets_html(octets: bytes) -> str:
    """A frame with its fields, or a head as text."""
    if octets.startswith((b"GET ", b"HTTP/")):
        return f"<pre tabindex=0>{escape(octets.decode('latin-1').rstrip())}</pre>"
    return frames_html([octets])


def frames_html(frames: Iterable[bytes]) -> str:
    """Frames of one direction with their fields; continuations go on with the text before them."""
    parts, state = [], ACCEPT
    for octets in frames:
        found = decode_header(octets)
        assert found is not None
        header, start = found
        payload = octets[start:] if header.key is None else mask(octets[start:], header.key)
        text = header.opcode in (CONTINUATION, TEXT)
        rows = list(field_table(octets, payload, state if text else None))
        parts.append(fields_html(octets, rows, zeros=False))
        state = run(payload, state) if text else state
    return "".join(parts)


def compressed_rows(rows: Iterable[FieldRow], inflated: bytes, damage: int) -> Iterator[FieldRow]:
    """The rows of a frame of a compressed message, whose payload is DEFLATE data, and a last one with what comes out.

    ``damage`` is the fact of that name: what is wrong with the data.
    """
    wrong = f"; {DAMAGE[damage]}" if damage else ""
    for row in rows:
        yield row._replace(meaning=f"DEFLATE data{wrong}") if not row.meaning and row.field in _PAYLOADS else row
    yield FieldRow(inflated, "", _INFLATED, quoted(inflated) if inflated else "nothing comes out")


_PAYLOADS: Final = ("payload", "unmasked")


def fields_html(octets: bytes, rows: Sequence[FieldRow], *, zeros: bool = True) -> str:
    """A frame, or its beginning, as a line of octets and a table of its fields; ``zeros``: also of those that are 0."""
    wire = []
    at = 0
    for row in rows:
        if row.octets and row.field not in ("unmasked", _INFLATED) and at < len(octets):
            wire.append(_span(row))
            at += len(row.octets)
    lines = "".join(
        f"<tr><td>{_span(row) if row.octets else ''}</td><td>{row.bits}</td>"
        f"<th scope=row>{escape(row.field)}</th><td>{escape(row.meaning)}</td></tr>"
        for row in rows
        if zeros or row.meaning != "0"
    )
    names = "".join(f"<th scope=col>{name}</th>" for name in ("octets", "bits", "field", "meaning"))
    head = f"<thead><tr>{names}</tr></thead>"
    return f"<p class=wireline>{' '.join(wire)}</p><table class=fields>{head}<tbody>{lines}</tbody></table>"


def _span(row: FieldRow) -> str:
    return f'<span class="o {_colour(row)}">{escape(hex_of(row.octets, OCTETS_SHOWN))}</span>'


def _colour(row: FieldRow) -> str:
    return _FIRST.get(row.field) or _COLOURS.get(row.field, "payload")
