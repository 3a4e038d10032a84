"""The blocks of docs/spec.md about octets: header layout, opcodes, length forms, and frames decoded octet by octet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from wsoracle.model.facts.frames import close_code
from wsoracle.model.octets import frames, utf8
from wsoracle.model.octets.masking import mask, mask_octet
from wsoracle.model.octets.vocabulary import (
    CLOSE,
    FORM_NAMES,
    KEY_OCTETS,
    KNOWN_OPCODES,
    MAX_OPCODE,
    OPCODE_NAMES,
    RESERVED_CONTROL_OPCODES,
    RESERVED_DATA_OPCODES,
    TEXT,
    is_control,
)

from .markdown import code, table

_BITS: Final = 8
_CELL: Final = 6


def header_picture() -> str:
    """The octets of a header, one line each, with the field that each bit belongs to."""
    lines = [(" " * 10 + "bit" + "".join(f"{bit:^{_CELL + 1}}" for bit in reversed(range(_BITS)))).rstrip()]
    rule = " " * 13 + "+" + ("-" * _CELL + "+") * _BITS
    for octet in range(frames.FIXED_OCTETS):
        fields = sorted((f for f in frames.FIELDS if f.octet == octet), key=lambda field: -field.shift)
        boxes = (f"{_shown(f.name):^{(_CELL + 1) * f.width - 1}}" for f in fields)
        lines += [rule, f"  octet {octet}".ljust(13) + "|" + "|".join(boxes) + "|"]
    lines.append(rule)
    extended = [str(row.extended) for row in frames.LENGTH_FORMS]
    lines += [
        f"  then       {', '.join(extended[:-1])} or {extended[-1]} octets of extended length, as the field says",
        f"  then       {KEY_OCTETS} octets of masking key, where MASK is 1",
        "  then       the payload",
    ]
    return _fenced(lines)


def _shown(name: str) -> str:
    return {"masked": "MASK"}.get(name, name if name in ("opcode", "length") else name.upper())


def _fenced(lines: Iterable[str]) -> str:
    return "\n".join(("```text", *lines, "```"))


def header_fields() -> str:
    """The fields of the fixed part as a table."""
    rows = [
        (f"`{_shown(f.name)}`", str(f.octet), _bits(f), f"0-{(1 << f.width) - 1}" if f.width > 1 else "0 or 1")
        for f in frames.FIELDS
    ]
    return table(("field", "octet", "bits", "values"), rows)


def _bits(field: frames.Field) -> str:
    high = field.shift + field.width - 1
    return str(high) if high == field.shift else f"{high}-{field.shift}"


def header_layout() -> str:
    """The picture, then the table."""
    return f"{header_picture()}\n\n{header_fields()}"


def opcodes() -> str:
    """The sixteen opcodes; reserved ones in ranges."""
    rows = [(f"`{o:X}`", OPCODE_NAMES[o], _kind(o)) for o in KNOWN_OPCODES]
    for reserved in (RESERVED_DATA_OPCODES, RESERVED_CONTROL_OPCODES):
        rows.append((f"`{min(reserved):X}`-`{max(reserved):X}`", "reserved", _kind(reserved[0])))
    assert len(KNOWN_OPCODES) + len(RESERVED_DATA_OPCODES) + len(RESERVED_CONTROL_OPCODES) == MAX_OPCODE + 1
    return table(("opcode", "name", "kind of frame"), sorted(rows))


def _kind(opcode: int) -> str:
    return "control" if is_control(opcode) else "data"


def length_forms() -> str:
    """The three ways to write a length, and for which lengths a sender must use each."""
    rows = []
    for row in frames.LENGTH_FORMS:
        low, high = frames.marker_range(row.form)
        field = f"{low}-{high}" if low != high else str(low)
        longer = frames.LENGTH_FORMS[row.form + 1 :]
        last = longer[0].smallest - 1 if longer else frames.MAX_LENGTH
        written = "the field itself" if not row.extended else f"the {row.extended} octets after it"
        rows.append((FORM_NAMES[row.form], field, written, f"0 to {_number(frames.capacity(row.form))}",
                     f"{row.smallest} to {_number(last)}"))  # fmt: skip
    head = ("form (bits)", "length field holds", "the length is", "lengths it can write", "lengths it must be used for")
    return table(head, rows)


def _number(value: int) -> str:
    for bits in (63, 64):
        if value == 2**bits - 1:
            return f"2^{bits} - 1"
    return str(value)


def length_examples() -> str:
    """The second octet and the extended length of unmasked frames at the boundaries of the forms."""
    lengths = [n for row in frames.LENGTH_FORMS[1:] for n in (row.smallest - 1, row.smallest)]
    rows = []
    for length in (0, 5, *lengths, 2**32, frames.MAX_LENGTH):
        octets = frames.encode_header(TEXT, length)[1:]
        rows.append((_number(length), FORM_NAMES[frames.minimal_form(length)], code(octets.hex(" "))))
    return table(("payload length", "form", "length octets on the wire"), rows)


# --- frames decoded -------------------------------------------------------------------------------------------------

EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "hello": ("81 05 48 65 6c 6c 6f",),
    "hello-masked": ("81 85 37 fa 21 3d 7f 9f 4d 51 58",),
    "fragments": ("01 03 48 65 6c", "89 02 68 69", "80 02 6c 6f"),
    "ping-pong": ("89 05 48 65 6c 6c 6f", "8a 85 37 fa 21 3d 7f 9f 4d 51 58"),
    "close": ("88 05 03 e8 62 79 65", "88 00"),
    "split-character": ("01 02 e2 82", "80 01 ac"),
}
"""Frames in hexadecimal, by the name of the block that decodes them. Those that say Hello are from section 5.7."""


def example(name: str) -> str:
    """The frames of an example, each octet with its meaning."""
    lines: list[str] = []
    state = utf8.ACCEPT
    for octets in map(bytes.fromhex, EXAMPLES[name]):
        more, state = _decoded(octets, state)
        lines += [*([""] if lines else []), *more]
    return _fenced(lines)


def _decoded(octets: bytes, state: int) -> tuple[list[str], int]:
    """The lines of one frame, and where the UTF-8 automaton is after it (all examples are text)."""
    found = frames.decode_header(octets)
    assert found is not None
    header, start = found
    payload = octets[start:]
    assert len(payload) == header.length
    lines = []
    for index in range(frames.FIXED_OCTETS):
        fields = (f for f in frames.FIELDS if f.octet == index)
        bits = " ".join(f"{frames.extract(f, octets):0{f.width}b}" for f in fields)
        lines.append(_line(octets[index : index + 1], bits, _fixed_words(header, index)))
    extended = frames.LENGTH_FORMS[header.form].extended
    if extended:
        at = frames.FIXED_OCTETS
        lines.append(_line(octets[at : at + extended], "", f"length {header.length}"))
    if header.key is not None:
        lines.append(_line(header.key, "", "masking key"))
    if header.key is None:
        return lines + _payload(header.opcode, payload, state), _after(header.opcode, payload, state)
    lines.append(_line(payload, "", "payload, masked"))
    shown = mask(payload, header.key)
    lines.append(_line(b"", "", f"unmasked: {shown.hex(' ')}: {_quoted(shown, state)}"))
    return lines, _after(header.opcode, shown, state)


def _after(opcode: int, payload: bytes, state: int) -> int:
    return state if is_control(opcode) else utf8.run(payload, state)


def _fixed_words(header: frames.Header, index: int) -> str:
    if index == 0:
        last = "the last frame of its message" if header.fin else "more frames of this message follow"
        end = "" if is_control(header.opcode) else f": {last}"
        return f"FIN={int(header.fin)}{end}; opcode {header.opcode:X}: {OPCODE_NAMES[header.opcode]}"
    return f"MASK={int(header.masked)}; length {header.length}"


def _payload(opcode: int, payload: bytes, state: int) -> list[str]:
    if opcode == CLOSE:
        status, reason = payload[:2], payload[2:]
        words = [(status, f"status code {close_code(payload)}"), (reason, f'reason: "{reason.decode()}"')]
        return [_line(part, "", said) for part, said in words if part]
    start = utf8.ACCEPT if is_control(opcode) else state
    return [_line(payload, "", f"payload: {_quoted(payload, start)}")] if payload else []


def _quoted(payload: bytes, state: int) -> str:
    end = utf8.run(payload, state)
    if state == end == utf8.ACCEPT:
        return f'"{payload.decode()}"'
    return f"the automaton goes from {utf8.STATE_NAMES[state]} to {utf8.STATE_NAMES[end]}"


def _line(octets: bytes, bits: str, words: str) -> str:
    return f"  {octets.hex(' '):<15} {bits:<12} {words}".rstrip()


def masking_example() -> str:
    """The masked payload of the example, octet by octet."""
    octets = bytes.fromhex(EXAMPLES["hello-masked"][0])
    found = frames.decode_header(octets)
    assert found is not None and found[0].key is not None
    key, payload = found[0].key, octets[found[1] :]
    rows = [
        (str(i), code(f"{o:02x}"), f"{code(f'{key[i % KEY_OCTETS]:02x}')} (octet {i % KEY_OCTETS} of the key)",
         code(f"{mask_octet(o, key, i):02x}"), chr(mask_octet(o, key, i)))
        for i, o in enumerate(payload)
    ]  # fmt: skip
    return table(("octet i", "on the wire", "XOR", "unmasked", "character"), rows)


# --- UTF-8 ----------------------------------------------------------------------------------------------------------


def utf8_table() -> str:
    """The rows of the automaton: what each state takes and where that leads."""
    rows = []
    for state in utf8.STATES[: utf8.REJECT]:
        leads = [f"{code(_octets(row))} to {utf8.STATE_NAMES[row.next]}" for row in utf8.ROWS if row.state == state]
        rows.append((utf8.STATE_NAMES[state], "; ".join(leads)))
    rows.append((utf8.STATE_NAMES[utf8.REJECT], "never left"))
    return table(("state", "octets that lead on (any other octet leads to REJECT)"), rows)


def _octets(row: utf8.Row) -> str:
    return f"{row.low:02X}" if row.low == row.high else f"{row.low:02X}-{row.high:02X}"


def utf8_diagram() -> str:
    """The automaton as a Mermaid flowchart; REJECT is left out, every octet without an arrow leads there."""
    lines = ["```mermaid", "flowchart LR"]
    for state in utf8.STATES[: utf8.REJECT]:
        left, right = ("((", "))") if state == utf8.ACCEPT else ("(", ")")
        lines.append(f'    s{state}{left}"{utf8.STATE_NAMES[state]}"{right}')
    arrows: dict[tuple[int, int], list[str]] = {}
    for row in utf8.ROWS:
        arrows.setdefault((row.state, row.next), []).append(_octets(row))
    lines += [f'    s{start} -->|"{", ".join(octets)}"| s{end}' for (start, end), octets in arrows.items()]
    return "\n".join((*lines, "```"))


def utf8_trace(octets: Sequence[int], names: Sequence[str] = utf8.STATE_NAMES) -> str:
    """The states that octets lead through, from ACCEPT."""
    state = utf8.ACCEPT
    parts = [names[state]]
    for octet in octets:
        state = utf8.step(state, octet)
        parts.append(f"{code(f'{octet:02X}')} {names[state]}")
    return " → ".join(parts)


TRACES: Final = (
    ("the euro sign, U+20AC", "e2 82 ac"),
    ("an overlong form of the slash", "c0 af"),
    ("an overlong form of the euro sign", "f0 82 82 ac"),
    ("half of a surrogate pair, U+D800", "ed a0 80"),
    ("beyond the last character, U+110000", "f4 90 80 80"),
)


def utf8_traces() -> str:
    """Example strings and what the automaton makes of them."""
    rows = [(words, code(octets.upper()), utf8_trace(bytes.fromhex(octets))) for words, octets in TRACES]
    return table(("what", "octets", "states"), rows)
