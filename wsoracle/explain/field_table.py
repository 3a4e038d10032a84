"""A frame as octets with the meaning of each field beside them, read off the tables of the wire format."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from wsoracle.model.octets import utf8
from wsoracle.model.octets.deflate import DeflateFacts, DeflateFault
from wsoracle.model.octets.frames import FIELDS, FIXED_OCTETS, LENGTH_FORMS, Field, LengthForm, extract, unpack_fixed
from wsoracle.model.octets.vocabulary import CLOSE, KEY_OCTETS, OPCODE_NAMES
from wsoracle.model.rules.close_codes import code_range

SHOWN: Final = 64
"""Octets of a payload, and characters of a text, that are shown."""


class FieldRow(NamedTuple):
    """One line of the table: octets (where the line is the first to speak of them), bits, the field, its meaning."""

    octets: bytes
    bits: str
    field: str
    meaning: str


def field_table(octets: bytes, payload: bytes, text_from: int | None) -> Iterator[FieldRow]:
    """The lines for the octets of one frame, or of its beginning; ``payload`` is the part that is there, unmasked.

    ``text_from``: where the UTF-8 automaton stands before a payload of text, None for other payloads.
    """
    yield from _fixed(octets[:FIXED_OCTETS])
    if len(octets) < FIXED_OCTETS:
        return
    fixed = unpack_fixed(octets)
    masked, form = bool(fixed["masked"]), _form(fixed["length"])
    at = FIXED_OCTETS
    if form.extended:
        extended = octets[at : at + form.extended]
        at += form.extended
        if extended:
            whole = len(extended) == form.extended
            said = _count(int.from_bytes(extended, "big")) if whole else _missing(form.extended, extended)
            yield FieldRow(extended, "", "extended length", said)
    if masked:
        key = octets[at : at + KEY_OCTETS]
        at += KEY_OCTETS
        if key:
            yield FieldRow(key, "", "masking key", "" if len(key) == KEY_OCTETS else _missing(KEY_OCTETS, key))
    if octets[at:]:
        yield from _payload(fixed["opcode"], octets[at:], payload, masked=masked, text_from=text_from)


@lru_cache(maxsize=1024)
def _fixed(octets: bytes) -> tuple[FieldRow, ...]:
    """The lines for the fixed part of a header, or its beginning: most frames have one of a few."""
    rows = []
    for number in range(len(octets)):
        octet = octets[number : number + 1]
        for field in FIELDS:
            if field.octet == number:
                value = extract(field, octets)
                name = _NAMES.get(field.name, field.name)
                rows.append(FieldRow(octet, _bits(field, value), name, _meaning(field.name, value)))
                octet = b""
    return tuple(rows)


def deflate_words(measured: DeflateFacts) -> str:
    """What was measured of a compressed message, in words."""
    kinds = [(n, kind) for kind in ("stored", "fixed", "dynamic") if (n := getattr(measured, kind))]
    words = [f"{n} {kind} block{'' if n == 1 else 's'}" for n, kind in kinds]
    words += [f"{measured.final} of them final"] if measured.final else []
    words += [f"largest distance {measured.distance:,}"] if measured.distance else []
    words += [f"{measured.reach:,} octets before its start are referred to"] if measured.reach else []
    words += [] if measured.fault is DeflateFault.NONE else [measured.fault.value]
    return ", ".join(words)


def _payload(opcode: int, sent: bytes, payload: bytes, *, masked: bool, text_from: int | None) -> Iterator[FieldRow]:
    if masked:
        yield FieldRow(sent, "", "payload", "as sent, masked")
    if opcode == CLOSE:
        if len(payload) >= 2:
            code = int.from_bytes(payload[:2], "big")
            row = code_range(code)
            yield FieldRow(payload[:2], "", "status code", f"{code}: {row.meaning} ({row.section})")
        if len(payload) > 2:
            yield FieldRow(payload[2:], "", "reason", quoted(payload[2:]))
        if len(payload) == 1:
            yield FieldRow(payload, "", "body", "half of a status code")
        return
    yield FieldRow(
        payload, "", "unmasked" if masked else "payload", "" if text_from is None else quoted(payload, text_from)
    )


def quoted(octets: bytes, before: int = utf8.ACCEPT, most: int = SHOWN) -> str:
    """Text as a person may read it on any terminal: what is not printable escaped, octets that are no text as \\xNN.

    ``before`` is where the UTF-8 automaton stands before it.
    """
    bad = utf8.first_reject(octets, before)
    shown = octets[: 4 * most].decode("utf-8", "backslashreplace")
    escaped = "".join(c if c.isprintable() and c not in '"' else _escape(c) for c in shown[:most])
    more = "" if len(shown) <= most and len(octets) <= 4 * most else " ..."
    note = "" if bad is None else f" (octet {bad}, {octets[bad]:02x}, is not valid UTF-8 here)"
    return f'"{escaped}"{more}{note}'


def _escape(character: str) -> str:
    return '\\"' if character == '"' else repr(character)[1:-1]


_NAMES: Final = {"fin": "FIN", "rsv1": "RSV1", "rsv2": "RSV2", "rsv3": "RSV3", "masked": "MASK"}


def _bits(field: Field, value: int) -> str:
    """The bits of a field in their place, the others as dots: ``.... 0001``."""
    own = format(value, f"0{field.width}b").ljust(field.width + field.shift, ".").rjust(8, ".")
    return f"{own[:4]} {own[4:]}"


def _meaning(name: str, value: int) -> str:
    match name:
        case "fin":
            return "1: the final fragment" if value else "0: more fragments follow"
        case "opcode":
            return f"{value:X}: {OPCODE_NAMES[value]}"
        case "masked":
            return "1: masked, a masking key follows" if value else "0: not masked"
        case "length":
            form = _form(value)
            return f"{value}: the length is in the next {form.extended} octets" if form.extended else _count(value)
        case _:
            return f"{value}: set, only an extension can define it" if value else "0"


def _count(octets: int) -> str:
    return f"{octets:,} octet{'' if octets == 1 else 's'} of payload"


def _form(marker: int) -> LengthForm:
    return [row for row in LENGTH_FORMS if row.marker <= marker][-1]


def _missing(wanted: int, have: bytes) -> str:
    return f"the first {len(have)} of {wanted} octets"
