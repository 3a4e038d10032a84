"""The deciding octet: the one at fault, read off the guard of the rule that is not followed.

A rule about what the endpoint sends is broken by an octet that it wrote. A rule about what it receives is broken where
it overlooks a fault of its peer: then the octet is the one of the peer that it overlooked. Where it refused what was
sound, the octet is in the refusal that it wrote: the code of a Close.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, TypeAlias

from wsoracle.model.facts.frames import text_before
from wsoracle.model.facts.places import place_in_frame, place_in_head
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.machine.reasons import because
from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.rule import Rule
from wsoracle.model.notation.variables import EventKind
from wsoracle.model.octets.frames import Header
from wsoracle.model.octets.http import Malformed, ParsedHead
from wsoracle.model.octets.units import FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import CLOSE

from .explanation import Step, Subject
from .history import History
from .moments import Moment

Direction: TypeAlias = Literal["written", "arrived"]
"""The stream in which an octet is counted: what the endpoint wrote, or what arrived at it."""

_HEADS = (EventKind.RECEIVE_REQUEST, EventKind.RECEIVE_RESPONSE)


class DecidingOctet(NamedTuple):
    """An octet by its offset in one of the two streams. ``why``: what is wrong with the syntax of a head, in words."""

    octet: int
    direction: Direction = "written"
    why: str = ""


def deciding_octet(
    steps: Sequence[Step], named: Collection[str], moment: Moment, history: History, subject: Subject, start: int
) -> DecidingOctet | None:
    """The octet at fault, by the first broken rule of an explanation; None where no octet is at fault, as in silence.

    ``named`` are the rules that the judgement names: one that is broken in this explanation alone decides nothing.
    ``moment`` is the first that is not allowed in full, and ``start`` is where the frames begin in what arrived.
    """
    faulty, broken = next(
        ((number, rule) for number, step in enumerate(steps) for rule in step.broken if rule in named), (None, "")
    )
    if faulty is not None:
        rule = subject.rules.by_id[broken]
        if rule.on.is_input and rule.refuses:
            return _overlooked(rule, steps, faulty, history, subject, start)
        if rule.on.facts is not None and not rule.on.is_input:
            return _sent(rule, steps, faulty, history, subject)
        later = _seen_at(steps, faulty, history)
        if rule.on.is_input and later is not None and later.number > moment.number:
            moment = later  # what came first was the application's affair
    return _in_refusal(moment)


def _overlooked(
    rule: Rule, steps: Sequence[Step], faulty: int, history: History, subject: Subject, start: int
) -> DecidingOctet | None:
    """The octet of the peer for which the endpoint had to refuse a unit."""
    before = steps[: faulty + 1]
    if rule.on in _HEADS:
        heads = [step for step in before if step.event is not None and step.event.kind in _HEADS]
        unit = history.head(len(heads) - 1) if heads else None
        if unit is None:
            return None
        names = _facts(rule, heads[-1], subject)
        return DecidingOctet(_in_head(names, unit), "arrived", _why(names, unit))
    for step in reversed(before):
        failing = step.label is not None and step.label.kind is Kind.FAIL
        if step.frame is not None and (step is steps[faulty] or failing):
            frame = history.arriving(start).beginning(step.frame)
            return None if frame is None else DecidingOctet(_in_frame(rule, step, frame, subject), "arrived")
    return None


def _sent(rule: Rule, steps: Sequence[Step], faulty: int, history: History, subject: Subject) -> DecidingOctet | None:
    """The octet at fault in a unit that the endpoint wrote: of several that are seen at once, each has its step."""
    moment = _seen_at(steps, faulty, history)
    if moment is None or not isinstance(moment.what, (FrameUnit, HeadUnit)):
        return None
    if isinstance(moment.what, FrameUnit):
        return DecidingOctet(_in_frame(rule, steps[faulty], moment.what, subject))
    names, head = _facts(rule, steps[faulty], subject), moment.what
    return DecidingOctet(_in_head(names, head), why=_why(names, head))


def _seen_at(steps: Sequence[Step], faulty: int, history: History) -> Moment | None:
    """The moment of a step, or the one that follows what it reads: of several units in one observation its own."""
    at = steps[faulty].at
    here = [moment for moment in history.moments if moment.at == at]
    before = sum(step.at == at and _is_sent(step) for step in steps[:faulty])
    # Units that are alike may be one step: from there on, the first that the step fits.
    fitting = (moment for moment in here[before:] if _fits(steps[faulty], moment.what))
    return next(fitting, here[min(before, len(here) - 1)]) if here else None


def _fits(step: Step, what: object) -> bool:
    """Whether a unit may be the one of a step: a frame with this header."""
    frame = None if step.event is None else step.event.frame
    return frame is None or (isinstance(what, FrameUnit) and frame[: len(what.header) - 1] == what.header[:-1])


def _is_sent(step: Step) -> bool:
    """Whether a step is a unit that the endpoint was seen to write."""
    return step.event is not None and step.event.facts is not None and not step.event.kind.is_input and not step.unseen


def _facts(rule: Rule, step: Step, subject: Subject) -> Collection[str]:
    """The facts for which a rule is against a unit."""
    assert step.event is not None and step.event.facts is not None
    reason = because(rule, subject.setting, step.state, step.event.facts)
    return () if reason is None else variables(reason)


def _in_frame(rule: Rule, step: Step, frame: FrameUnit, subject: Subject) -> int:
    """Where the facts of a frame stand for which a rule is against it."""
    text_from = text_before(frame.header.opcode, step.state, rule.on)
    compressed = frame.deflated is not None
    facts = _facts(rule, step, subject)
    return frame.start + place_in_frame(facts, frame.header, frame.payload, text_from, compressed=compressed)


def in_header(rule: Rule, step: Step, header: Header, subject: Subject) -> int:
    """Where a header is at fault that is sent in a step, counted from where it begins."""
    return place_in_frame(_facts(rule, step, subject), header, b"", None)


def _in_head(facts: Collection[str], head: HeadUnit) -> int:
    """Where these facts of a head stand."""
    line = head.result.faulty_line if "syntax" in facts and isinstance(head.result, ParsedHead) else None
    return head.start + place_in_head(facts, head.result.octets, line)


def _why(facts: Collection[str], head: HeadUnit) -> str:
    """What is wrong with the syntax of a head, in words, where that is the reason."""
    if "syntax" not in facts:
        return ""
    result = head.result
    if isinstance(result, Malformed):
        return f"no HTTP: {result.why}"
    return f"no sender may write so: {result.tolerated}" if result.tolerated else ""


def _in_refusal(moment: Moment) -> DecidingOctet | None:
    """The octet that says why something is not sent as it should be: the code of a Close, or how a unit begins."""
    what = moment.what
    if not isinstance(what, (FrameUnit, HeadUnit)):
        return None
    if isinstance(what, FrameUnit) and what.header.opcode == CLOSE:
        return DecidingOctet(what.start + place_in_frame(["code"], what.header, what.payload, None))
    return DecidingOctet(what.start)
