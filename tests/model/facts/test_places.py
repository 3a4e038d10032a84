"""The octet at fault: another value of it, and the rule has nothing to say any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest

from wsoracle.model.facts.frames import facts_on_wire, realise, text_before
from wsoracle.model.facts.heads import (
    request_octets,
    response_octets,
    sample_request,
)
from wsoracle.model.facts.places import place_in_frame, place_in_head
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import forbidden_by
from wsoracle.model.machine.reasons import because
from wsoracle.model.notation.expression import evaluate, variables
from wsoracle.model.notation.head_variables import HEAD_VARIABLES, RequestFacts, ResponseFacts
from wsoracle.model.notation.rule import Rule
from wsoracle.model.notation.variables import NO_CODE, Event, EventKind, Setting, State, environment, label
from wsoracle.model.octets import utf8
from wsoracle.model.octets.frames import decode_header
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.units import Cutter, FrameUnit
from wsoracle.model.octets.vocabulary import TEXT, Role
from wsoracle.model.rules import RULES

STATES = (State(), State(recv_type=TEXT, recv_utf8=2, send_type=TEXT, send_utf8=2), State(sent_close=True),
          State(got_close=True), State(failed=True, fail_code=1007))  # fmt: skip
_WRITTEN_OUT = 1000
_OF_EACH = 6


@cache
def frames_at_fault() -> tuple[tuple[Setting, State, Event, Rule, bytes], ...]:
    """Frames of the boundary events that exactly one row refuses, a few for each row and role, with their octets."""
    found = []
    known: Counter[tuple[Role, str]] = Counter()
    for role, state, kind in product(Role, STATES, (EventKind.RECEIVE, EventKind.SEND)):
        setting = Setting(role)
        machine = CompiledMachine(RULES, setting)
        for event in Alphabet(RULES, setting).of(kind, state):
            rules = machine.forbidden_by(state, event)
            if len(rules) == 1 and event.frame is not None and event.frame.length <= _WRITTEN_OUT:
                known[role, rules[0].id] += 1
                if known[role, rules[0].id] <= _OF_EACH:
                    found.append((setting, state, event, rules[0], realise(event, state).octets))
    return tuple(found)


def _octet_of(setting: Setting, state: State, event: Event, rule: Rule, frame: FrameUnit) -> int:
    assert event.facts is not None
    reason = because(rule, setting, state, event.facts)
    names = () if reason is None else variables(reason)
    return place_in_frame(names, frame.header, frame.payload, text_before(frame.header.opcode, state, event.kind))


@cache
def _flips(size: int) -> list[int]:
    return sorted(range(1, 256**size), key=int.bit_count)


def _with_octet(octets: bytes, at: int, state: State, kind: EventKind, size: int) -> Iterator[Event]:
    """The frames that the octets may begin with another value of what begins there, and others behind them."""
    now = int.from_bytes(octets[at : at + size], "big")
    for flipped in _flips(size):
        changed = octets[:at] + (now ^ flipped).to_bytes(size, "big") + octets[at + size :] + b"a" * _WRITTEN_OUT
        found = decode_header(changed)
        if found is None or found[1] + found[0].length > len(changed):
            continue
        header, body = found
        payload = changed[body : body + header.length]
        payload = payload if header.key is None else mask(payload, header.key)
        yield Event(kind, facts_on_wire(header, payload, text_before(header.opcode, state, kind)))


def test_frames_with_one_fault_show_most_rows_about_frames() -> None:
    shown = {rule.id for *_, rule, _ in frames_at_fault()}
    assert len(shown) >= 37
    assert {"5.1/client-masks", "5.5/control-length", "8.1/invalid-text", "5.2/send-minimal-length"} <= shown


def test_another_value_of_the_octet_at_fault_keeps_the_rule() -> None:
    for setting, state, event, rule, octets in frames_at_fault():
        (frame,) = Cutter(octets=bytearray(octets)).frames
        at = _octet_of(setting, state, event, rule, frame)
        assert 0 <= at < len(octets), (rule.id, octets.hex())
        reason = because(rule, setting, state, event.facts)  # type: ignore[arg-type]
        seen = event.frame
        assert seen is not None
        names = set() if reason is None else set(variables(reason))
        lacks = {"code": seen.code == NO_CODE, "utf8_next": seen.utf8_next != utf8.REJECT}
        if reason is None or "send_type" in variables(rule.when) or any(lacks.get(name) for name in names):
            continue  # what is wrong is the moment, or octets that are missing
        guard = RULES.guard(rule)
        kept = any(
            not evaluate(guard, environment(setting, state, changed.facts))
            for changed in _with_octet(octets, at, state, event.kind, 2 if "code" in names else 1)
        )
        assert kept, (rule.id, event, octets.hex(), at)


@pytest.mark.parametrize(
    ("octets", "rule", "role", "kind", "at"),
    [
        ("8105 48656c6c6f", "5.1/client-masks", Role.CLIENT, EventKind.SEND, 1),
        ("c105 48656c6c6f", "5.2/reserved-bits-zero", Role.SERVER, EventKind.SEND, 0),
        ("8900", "5.1/server-refuses-unmasked", Role.SERVER, EventKind.RECEIVE, 1),
        ("897e007e" + "00" * 126, "5.5/control-length", Role.SERVER, EventKind.SEND, 1),
        ("827e0005 0102030405", "5.2/send-minimal-length", Role.SERVER, EventKind.SEND, 1),
        ("8105 6162ff6364", "5.6/text-is-utf8", Role.SERVER, EventKind.SEND, 4),
        ("8103 6161e2", "5.6/text-is-utf8", Role.SERVER, EventKind.SEND, 4),
        ("880203ed", "7.4.1/send-code-1005", Role.SERVER, EventKind.SEND, 2),
        ("880103", "5.5.1/body-starts-with-code", Role.SERVER, EventKind.SEND, 1),
        ("880503e861ff61", "5.5.1/reason-is-utf8", Role.SERVER, EventKind.SEND, 5),
        ("8380 00000000", "5.2/unknown-opcode", Role.SERVER, EventKind.RECEIVE, 0),
    ],
)
def test_the_octet_that_a_rule_speaks_of(octets: str, rule: str, role: Role, kind: EventKind, at: int) -> None:
    (frame,) = Cutter(octets=bytearray.fromhex(octets)).frames
    state = State()
    facts = facts_on_wire(frame.header, frame.payload, text_before(frame.header.opcode, state, kind))
    assert rule in {r.id for r in forbidden_by(state, Event(kind, facts), Setting(role))}
    assert _octet_of(Setting(role), state, Event(kind, facts), RULES.by_id[rule], frame) == at


REQUEST = sample_request(RequestFacts())


def _heads_with_one_fault() -> Iterator[tuple[str, RequestFacts | ResponseFacts, bytes, bytes]]:
    """Heads that differ from a sound one in one fact: its name, the facts, the octets, and those of the sound one."""
    soundest: tuple[RequestFacts | ResponseFacts, ...] = (RequestFacts(), ResponseFacts())
    for sound in soundest:
        for name, default in sound._asdict().items():
            if name in ("syntax", "for_uri", "body") or name.startswith("defines_"):
                continue
            variable = HEAD_VARIABLES[name]
            values = (200, 426) if name == "status" else range(variable.low, variable.high + 1)
            for value in (v for v in values if v != default):
                changes: dict[str, Any] = {name: bool(value) if isinstance(default, bool) else value}
                changed = sound._replace(**changes)
                try:
                    yield name, changed, _octets(changed), _octets(sound)
                except (ValueError, KeyError):
                    continue  # no head has this fact alone


def _octets(facts: RequestFacts | ResponseFacts) -> bytes:
    return request_octets(facts) if isinstance(facts, RequestFacts) else response_octets(facts, REQUEST)


HEADS = tuple(_heads_with_one_fault())


@pytest.mark.parametrize(("name", "facts", "octets", "sound"), HEADS)
def test_the_line_at_fault_is_where_the_head_differs(
    name: str, facts: RequestFacts | ResponseFacts, octets: bytes, sound: bytes
) -> None:
    at = place_in_head([name], octets)
    if name in ("method_get", "target", "http", "status"):
        first, right = (head.partition(b"\r\n")[0].split(b" ") for head in (octets, sound))
        words = [number for number, word in enumerate(first) if at == len(b" ".join([*first[:number], b""]))]
        assert words and first[words[0]] != right[words[0]], "the word of the first line"
        return
    assert at == 0 or octets[at - 1 : at] == b"\n"
    line = octets[at:].partition(b"\r\n")[0]
    if label(name, getattr(facts, name)) == "absent":
        assert line == b""  # where the fields end
        return
    assert line not in sound.split(b"\r\n") or octets.count(line) > sound.count(line)


def test_heads_with_one_fault_are_many() -> None:
    assert len(HEADS) > 25


def test_a_head_after_empty_lines_and_what_is_no_head() -> None:
    octets = b"\r\n\r\nPUT / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert place_in_head(["method_get"], octets) == 4 == place_in_head([], octets)
    assert place_in_head(["host"], octets) == octets.index(b"Host")
    assert place_in_head(["upgrade"], octets) == len(octets) - 2
    assert place_in_head(["syntax"], b"\x16") == 0 == place_in_head(["syntax"], b"")
    assert place_in_head(["syntax"], octets, 0) == 0 and place_in_head(["syntax"], octets, 2) == octets.index(b"Host")


@pytest.mark.parametrize("fact", ["inflated", "distance", "reach", "damage"])
def test_facts_of_deflate_stand_in_the_payload(fact: str) -> None:
    """From its first octet on; where there is none, the length says so."""
    header, at = decode_header(b"\xc1\x01") or (None, 0)
    assert header is not None
    assert place_in_frame([fact], header, b"\x07", None) == at == 2
    empty, _ = decode_header(b"\xc1\x00") or (None, 0)
    assert empty is not None
    assert place_in_frame([fact], empty, b"", None) == 1
