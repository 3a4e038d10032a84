"""Theorems about octets: the UTF-8 automaton, masking, and the encoding of headers and lengths.

Each is proved over the very tables and functions that run on real octets, with Z3 terms in the place of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import z3

from wsoracle.model.octets import accept_key, frames, utf8

from .induction import SOLVER_MILLISECONDS
from .theorem import ProofResult, ProofVerdict, Theorem, TheoremKind, TheoremSubject, proved, refuted

SCALAR_LAST: Final = 0x10FFFF
SURROGATES: Final = (0xD800, 0xDFFF)
SHORTEST: Final = {1: (0x0, 0x7F), 2: (0x80, 0x7FF), 3: (0x800, 0xFFFF), 4: (0x10000, SCALAR_LAST)}
"""RFC 3629, section 3: the range of character numbers for each number of octets."""


def _holds(method: str, claim: Any, *assumptions: Any) -> ProofResult:
    solver = z3.Solver()
    solver.set("timeout", SOLVER_MILLISECONDS)
    solver.add(*assumptions, z3.Not(claim))
    answer = solver.check()
    if answer == z3.unsat:
        return proved(method)
    if answer == z3.unknown:
        return ProofResult(ProofVerdict.UNKNOWN, f"{method}: {solver.reason_unknown()}")
    model = solver.model()
    return refuted(method, [f"{declaration.name()} = {model[declaration]}" for declaration in model.decls()])


def _all(results: Sequence[ProofResult]) -> ProofResult:
    return next((r for r in results if r.verdict is not ProofVerdict.PROVED), results[-1])


# --- UTF-8 ----------------------------------------------------------------------------------------------------------


def _step(rows: Sequence[utf8.Row], state: Any, octet: Any) -> Any:
    """The table as one Z3 term: the state after an octet."""
    result: Any = z3.IntVal(utf8.REJECT)
    for row in rows:
        result = z3.If(z3.And(state == row.state, octet >= row.low, octet <= row.high), z3.IntVal(row.next), result)
    return result


def _path(rows: Sequence[utf8.Row], octets: Sequence[Any]) -> list[Any]:
    states = [z3.IntVal(utf8.ACCEPT)]
    for octet in octets:
        states.append(_step(rows, states[-1], octet))
    return states[1:]


def _encoding(number: Any, octets: int) -> list[Any]:
    """RFC 3629, section 3: the octets of a character number, for a given count of octets."""
    if octets == 1:
        return [number]
    lead = {2: 0xC0, 3: 0xE0, 4: 0xF0}[octets]
    tail = [0x80 + (number / 64**place) % 64 for place in reversed(range(octets - 1))]
    return [lead + number / 64 ** (octets - 1), *tail]


def _is_scalar(number: Any, octets: int) -> Any:
    low, high = SHORTEST[octets]
    return z3.And(number >= low, number <= high, z3.Or(number < SURROGATES[0], number > SURROGATES[1]))


def utf8_complete(subject: TheoremSubject) -> ProofResult:
    """The encoding of every Unicode scalar value is accepted, and only when its last octet was read."""
    number = z3.Int("number")
    results = []
    for count in SHORTEST:
        states = _path(subject.utf8_rows, _encoding(number, count))
        inside = [z3.And(s != utf8.ACCEPT, s != utf8.REJECT) for s in states[:-1]]
        claim = z3.And(*inside, states[-1] == utf8.ACCEPT)
        results.append(_holds("Z3: every scalar value, as an integer", claim, _is_scalar(number, count)))
    return _all(results)


def utf8_sound(subject: TheoremSubject) -> ProofResult:
    """Octets that lead from idle to idle are the encoding of one scalar value; none need more than four."""
    octets = [z3.Int(f"octet_{i}") for i in range(4)]
    bounds = [z3.And(o >= 0, o <= 255) for o in octets]
    results = []
    for count in SHORTEST:
        states = _path(subject.utf8_rows, octets[:count])
        character = z3.And(states[-1] == utf8.ACCEPT, *(s != utf8.ACCEPT for s in states[:-1]))
        number = octets[0] - {1: 0, 2: 0xC0, 3: 0xE0, 4: 0xF0}[count]
        for octet in octets[1:count]:
            number = number * 64 + (octet - 0x80)
        wanted = z3.And(
            _is_scalar(number, count), *(e == o for e, o in zip(_encoding(number, count), octets[:count], strict=True))
        )
        results.append(_holds("Z3: every string of up to four octets", z3.Implies(character, wanted), *bounds))
    states = _path(subject.utf8_rows, octets)
    ended = z3.Or(*(z3.Or(s == utf8.ACCEPT, s == utf8.REJECT) for s in states))
    results.append(_holds("Z3: every string of up to four octets", ended, *bounds))
    return _all(results)


def utf8_prefix(subject: TheoremSubject) -> ProofResult:
    """Rejection is final, and every other state can still be completed: it rejects at the first hopeless octet."""
    rows = subject.utf8_rows
    octet, state = z3.Int("octet"), z3.Int("state")
    stays = _holds(
        "Z3: every state and octet; fixpoint over the table",
        _step(rows, z3.IntVal(utf8.REJECT), octet) == utf8.REJECT,
        octet >= 0,
        octet <= 255,
        state == utf8.REJECT,
    )
    hopeful = {utf8.ACCEPT}
    for _ in rows:
        hopeful |= {row.state for row in rows if row.next in hopeful and row.low <= row.high}
    used = {utf8.ACCEPT} | {row.next for row in rows}
    if used - hopeful - {utf8.REJECT}:
        return refuted(stays.method, [f"nothing leads on from state {s}" for s in sorted(used - hopeful)])
    return stays


# --- masking --------------------------------------------------------------------------------------------------------


def _masking() -> tuple[Any, Any, Any]:
    key = z3.Array("key", z3.IntSort(), z3.BitVecSort(8))
    return key, z3.BitVec("octet", 8), z3.Int("index")


def mask_inverse(subject: TheoremSubject) -> ProofResult:
    """Masking twice with one key at one offset gives the octet back, for every key, octet and offset."""
    key, octet, index = _masking()
    twice = subject.mask_octet(subject.mask_octet(octet, key, index), key, index)
    return _holds("Z3: every octet, key and offset (unbounded)", twice == octet, index >= 0)


def mask_in_pieces(subject: TheoremSubject) -> ProofResult:
    """Masking in pieces is masking the whole: only the offset modulo 4 counts."""
    key, octet, index = _masking()
    start = z3.Int("start")
    whole = subject.mask_octet(octet, key, start + index)
    piece = subject.mask_octet(octet, key, start % 4 + index)
    return _holds("Z3: every octet, key and offset (unbounded)", whole == piece, start >= 0, index >= 0)


# --- headers and lengths --------------------------------------------------------------------------------------------


def header_bijective(subject: TheoremSubject) -> ProofResult:
    """The fixed octets of a header and its fields determine each other, for all values."""
    fields = subject.header_fields
    count = 1 + max(field.octet for field in fields)
    octets = [z3.BitVec(f"octet_{i}", 8) for i in range(count)]
    read = {field.name: frames.extract(field, octets) for field in fields}
    written: list[Any] = [z3.BitVecVal(0, 8)] * count
    for field in fields:
        written[field.octet] = written[field.octet] | frames.insert(field, read[field.name])
    method = "Z3: bit-vectors, all octets and all field values"
    there_and_back = _holds(method, z3.And(*(w == o for w, o in zip(written, octets, strict=True))))
    values = {field.name: z3.BitVec(field.name, 8) for field in fields}
    packed: list[Any] = [z3.BitVecVal(0, 8)] * count
    for field in fields:
        packed[field.octet] = packed[field.octet] | frames.insert(field, values[field.name])
    small = [z3.ULT(values[field.name], 1 << field.width) for field in fields]
    again = [frames.extract(field, packed) == values[field.name] for field in fields]
    return _all([there_and_back, _holds(method, z3.And(*again), *small)])


def _capacity(forms: Sequence[frames.LengthForm], index: int) -> int:
    row = forms[index]
    return (1 << 8 * row.extended) - 1 if row.extended else forms[index + 1].marker - 1


def length_unique(subject: TheoremSubject) -> ProofResult:
    """Every length has exactly one minimal form, it fits that form, and the octets written give it back."""
    forms = subject.length_forms
    length = z3.Int("length")
    method = "Z3: every length below 2^64, as integers and bit-vectors"
    minimal = []
    for i, row in enumerate(forms):
        below = forms[i + 1].smallest if i + 1 < len(forms) else _capacity(forms, i) + 1
        minimal.append(z3.And(length >= row.smallest, length < below, length <= _capacity(forms, i)))
    one = z3.PbEq([(m, 1) for m in minimal], 1)
    shorter = [
        z3.Implies(minimal[i], z3.And(*(length > _capacity(forms, j) for j in range(i)))) for i in range(len(forms))
    ]
    results = [_holds(method, z3.And(one, *shorter), length >= 0, length < 2**64)]
    bits = z3.BitVec("length", 64)
    for i, row in enumerate(forms):
        if row.extended:
            fits = z3.ULE(bits, z3.BitVecVal(_capacity(forms, i), 64))
            results.append(_holds(method, frames.join(frames.split(bits, row.extended)) == bits, fits))
    return _all(results)


def _theorem(
    name: str,
    statement: str,
    check: Callable[[TheoremSubject], ProofResult],
    table: str,
    *requirements: str,
) -> Theorem:
    return Theorem(f"octets/{name}", TheoremKind.SAFETY, statement, check, (table,), requirements)


# --- the accept key -------------------------------------------------------------------------------------------------

RFC_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
RFC_EXAMPLE: Final = ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")


def _accept_key(subject: TheoremSubject) -> ProofResult:
    """Hashing is a function of which nothing is known but that equal strings have equal hashes."""
    method = "Z3: every string as a key, the hash uninterpreted; and the RFC's example"
    hashed = z3.Function("hashed", z3.StringSort(), z3.StringSort())
    key, other = z3.Strings("key other")
    by_server, by_client = subject.challenge(key), z3.Concat(key, z3.StringVal(RFC_GUID))
    agree = hashed(by_server) == hashed(by_client)
    distinct = z3.Implies(key != other, subject.challenge(key) != subject.challenge(other))
    sixteen = [z3.Length(key) == 24, z3.Length(other) == 24]
    example = accept_key.accept_value(RFC_EXAMPLE[0]) == RFC_EXAMPLE[1]
    return _all([_holds(method, agree), _holds(method, distinct, *sixteen), _holds(method, z3.BoolVal(example))])


OCTETS: Final = (
    _theorem("accept-key",
             "The accept value that a server computes is the one that a client expects, for every key, and different "
             "keys are hashed as different strings.",
             _accept_key, "accept key"),
    _theorem("utf8-accepts-all-of-rfc-3629", "The automaton accepts the UTF-8 encoding of every Unicode scalar value.",
             utf8_complete, "utf8 table", "8.1-01"),
    _theorem("utf8-accepts-only-rfc-3629", "Whatever the automaton accepts is a sequence of encoded scalar values: no "
             "overlong form, no surrogate, nothing above U+10FFFF.",
             utf8_sound, "utf8 table", "5.6-01", "8.1-01"),
    _theorem("utf8-rejects-at-the-first-hopeless-octet", "The automaton rejects as soon as no continuation can make "
             "the octets valid, and for good.",
             utf8_prefix, "utf8 table"),
    _theorem("masking-is-its-own-inverse", "Masking is its own inverse, for every key and offset.",
             mask_inverse, "masking", "6.2-07"),
    _theorem("masking-in-pieces", "Masking a payload in pieces, each at its offset, is masking it whole.",
             mask_in_pieces, "masking"),
    _theorem("header-is-a-bijection", "The first two octets and the fields of a header determine each other.",
             header_bijective, "header layout", "6.2-01"),
    _theorem("one-encoding-a-length", "Every length has exactly one encoding that a sender may use, and reading that "
             "encoding gives the length.",
             length_unique, "length forms", "5.2-06"),
)  # fmt: skip
