"""Facts and decisions about a frame that has not arrived in full."""

from __future__ import annotations

from dataclasses import dataclass

from wsoracle.model.facts.frames import facts_of_header, facts_so_far, inflated_so_far
from wsoracle.model.machine.certain_so_far import KNOWN_ALWAYS, reasons_to_read, sure_failures
from wsoracle.model.machine.interpreted import enabled
from wsoracle.model.notation.rule import Rule, RuleSet
from wsoracle.model.notation.variables import Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets import utf8
from wsoracle.model.octets.frames import FIXED_OCTETS, MAX_HEADER_OCTETS, Header, decode_header
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import KEY_OCTETS


@dataclass(frozen=True)
class EarlyDecision:
    """The decisions that are certain before a frame is complete.

    ``missing``: octets that it needs at least; of the header only, where ``header`` says that the header is incomplete.
    ``fails`` are the rules by which the endpoint must fail the connection whatever follows, ``may_fail`` those by which
    it may; ``ignored`` are the rules by which it ignores the frame whatever follows. ``known`` are the variables that
    are settled.
    """

    missing: int
    header: bool
    fails: tuple[Rule, ...] = ()
    may_fail: tuple[Rule, ...] = ()
    ignored: tuple[Rule, ...] = ()
    known: frozenset[str] = KNOWN_ALWAYS


def begun_frame(
    octets: bytes,
    header: Header | None,
    payload: bytes,
    text_from: int | None,
    setting: Setting,
    state: State,
    rules: RuleSet,
    inflated: FrameUnit | None = None,
) -> tuple[EarlyDecision, FrameFacts]:
    """The decisions that the beginning of a frame settles, and its facts that are known.

    ``header`` is None where it is not complete; ``payload`` is the part of the payload that has arrived, unmasked;
    ``text_from`` is the state of the UTF-8 automaton before it, None for a payload that is no text. ``inflated``: the
    same part of a frame of a compressed message, inflated.
    """
    if header is None:
        frame, known, missing = _of_header(octets)
    else:
        if inflated is not None:
            frame, known = inflated_so_far(inflated, text_from)
        else:
            frame, known = facts_so_far(header, payload, None if text_from is None else utf8.run(payload, text_from))
        missing = header.size + header.length - len(octets)
    known |= KNOWN_ALWAYS
    event = Event(EventKind.RECEIVE, frame)
    sure = [rules.by_id[rule.id] for rule in enabled(sure_failures(rules, known), setting, state, event)]
    ignored: tuple[Rule, ...] = ()
    if not enabled(reasons_to_read(rules, known), setting, state, event):
        rows = enabled(rules, setting, state, event)
        ignored = tuple(rule for rule in rows if rule.then.word == "ignore" and not rule.then.effects)
    fails, may_fail = (tuple(rule for rule in sure if rule.strength.binds is binds) for binds in (True, False))
    return EarlyDecision(missing, header is None, fails, may_fail, ignored, known), frame


def _of_header(octets: bytes) -> tuple[FrameFacts, frozenset[str], int]:
    """The facts that the beginning of a header settles, their names, and the octets that it needs at least.

    Missing octets are read as zeros; no variable that is known depends on them.
    """
    found = decode_header(octets.ljust(MAX_HEADER_OCTETS, b"\0"))
    assert found is not None
    header, size = found
    known = {"opcode", "fin", "rsv1", "rsv2", "rsv3"}
    if len(octets) >= FIXED_OCTETS:
        known |= {"masked", "form"}
    if size - (KEY_OCTETS if header.masked else 0) <= len(octets):
        known.add("length")
    else:
        header = header._replace(length=0)
    return facts_of_header(header), frozenset(known), size - len(octets)
