"""What can be said of a frame before all of it is there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from wsoracle.model.facts.frames import close_code, facts_of_header
from wsoracle.model.machine.certain_so_far import (
    KNOWN_ALWAYS,
    KNOWN_WITH_HEADER,
    reasons_to_read,
    sure_failures,
)
from wsoracle.model.machine.interpreted import enabled
from wsoracle.model.notation.rule import Rule, RuleSet
from wsoracle.model.notation.variables import Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets import utf8
from wsoracle.model.octets.frames import FIXED_OCTETS, LENGTH_FORMS, Header, unpack_fixed
from wsoracle.model.octets.vocabulary import CLOSE, KEY_OCTETS


@dataclass(frozen=True)
class Begun:
    """What can be said of a frame before it is complete.

    ``missing``: octets that it needs at least; of the header only, where ``header`` says that that is not complete.
    ``fails`` are the rules by which the connection is to be failed whatever follows, ``may_fail`` those by which it
    may be; ``ignored`` are the rules by which it is ignored whatever follows.
    """

    missing: int
    header: bool
    fails: tuple[Rule, ...] = ()
    may_fail: tuple[Rule, ...] = ()
    ignored: tuple[Rule, ...] = ()


def begun_frame(
    octets: bytes,
    header: Header | None,
    payload: bytes,
    text_from: int | None,
    setting: Setting,
    state: State,
    rules: RuleSet,
) -> tuple[Begun, FrameFacts]:
    """What the beginning of a frame decides, and the facts of it that are known.

    ``header`` is None where it is not complete; ``payload`` is what is there of the payload, unmasked; ``text_from`` is
    where the UTF-8 automaton stands before it, None for a payload that is no text.
    """
    known, frame = _known(octets, header, payload, text_from)
    event = Event(EventKind.RECEIVE, frame)
    sure = [rules.by_id[rule.id] for rule in enabled(_surely(rules, known), setting, state, event)]
    ignored: tuple[Rule, ...] = ()
    if not enabled(_reasons(rules, known), setting, state, event):
        rows = enabled(rules, setting, state, event)
        ignored = tuple(rule for rule in rows if rule.then.word == "ignore" and not rule.then.effects)
    begun = Begun(
        missing=_missing_of_header(octets) if header is None else header.size + header.length - len(octets),
        header=header is None,
        fails=tuple(rule for rule in sure if rule.strength.binds),
        may_fail=tuple(rule for rule in sure if not rule.strength.binds),
        ignored=ignored,
    )
    return begun, frame


@lru_cache(maxsize=64)
def _surely(rules: RuleSet, known: frozenset[str]) -> RuleSet:
    return sure_failures(rules, known)


@lru_cache(maxsize=64)
def _reasons(rules: RuleSet, known: frozenset[str]) -> RuleSet:
    return reasons_to_read(rules, known)


def _missing_of_header(octets: bytes) -> int:
    """How many octets the header that begins here needs at least."""
    if len(octets) < FIXED_OCTETS:
        return FIXED_OCTETS - len(octets)
    fixed = unpack_fixed(octets)
    form = [row for row in LENGTH_FORMS if row.marker <= fixed["length"]][-1]
    return FIXED_OCTETS + form.extended + (KEY_OCTETS if fixed["masked"] else 0) - len(octets)


def _known(
    octets: bytes, header: Header | None, payload: bytes, text_from: int | None
) -> tuple[frozenset[str], FrameFacts]:
    """The variables that the beginning of a frame settles, and facts that have their values."""
    if header is None:
        fixed = unpack_fixed(octets.ljust(FIXED_OCTETS, b"\0"))
        names = {"opcode", "fin", "rsv1", "rsv2", "rsv3"}
        frame = FrameFacts(fixed["opcode"], *(bool(fixed[name]) for name in ("fin", "rsv1", "rsv2", "rsv3")))
        if len(octets) >= FIXED_OCTETS:
            form = [row for row in LENGTH_FORMS if row.marker <= fixed["length"]][-1]
            frame = frame._replace(masked=bool(fixed["masked"]), form=form.form)
            names |= {"masked", "form"}
            extended = octets[FIXED_OCTETS : FIXED_OCTETS + form.extended]
            if len(extended) == form.extended:
                length = int.from_bytes(extended, "big") if extended else fixed["length"]
                frame = frame._replace(length=length)
                names.add("length")
        return KNOWN_ALWAYS | names, frame
    frame, known = facts_of_header(header), KNOWN_WITH_HEADER
    if header.opcode == CLOSE and len(payload) >= 2:
        frame, known = frame._replace(code=close_code(payload)), known | {"code"}
        if utf8.run(payload[2:]) == utf8.REJECT:
            frame, known = frame._replace(reason_ok=False), known | {"reason_ok"}
    # Once the automaton has rejected the text, nothing that follows can make it accept.
    if text_from is not None and utf8.run(payload, text_from) == utf8.REJECT:
        frame, known = frame._replace(utf8_next=utf8.REJECT), known | {"utf8_next"}
    return known, frame


__all__ = ["Begun", "begun_frame"]
