"""Deviations in words: the steps of a judgement that break rules, by which findings are told apart.

Two runs show the same deviation where the same kind of act breaks the same rules: ``act`` names frames by opcode and
codes by their range, and leaves octets out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, label_of_fact
from wsoracle.model.notation.rule import STRENGTHS, RuleSet, Strength
from wsoracle.model.notation.variables import HANDSHAKE, NO_CODE, EventKind, FrameFacts
from wsoracle.model.octets.units import SWITCHING
from wsoracle.model.octets.vocabulary import CLOSE, OPCODE_NAMES
from wsoracle.model.rules import RULES
from wsoracle.model.rules.close_codes import code_range

from .explanation import Step
from .judgement import Judgement
from .observation import Arrives, Asks, Trace

_ACTS: Final = {EventKind.CLOSE_TCP: "closes TCP", EventKind.SILENCE: "stays quiet"}


_STAGES: Final = {
    "awaiting 101": "without an answer to a sound handshake",
    "to be refused": "without an answer to a faulty handshake",
    "another version": "without an answer to a handshake of another version",
    "not for us": "without an answer to a request that is no handshake",
    "unreadable": "without an answer to what is no request",
}


@dataclass(frozen=True, slots=True)
class Deviation:
    """A step that breaks rules: which, the strongest strength among them, and what is done.

    `prompted`: whether the application asked for just this and the endpoint let it, so that the fault is shared. Where
    the act is about a disputed close code, `general` is the same act with any code.
    """

    rules: tuple[str, ...]
    strength: Strength | None
    act: str
    prompted: bool = False
    general: str = ""


def deviations(judgement: Judgement, trace: Trace, rules: RuleSet = RULES) -> tuple[Deviation, ...]:
    """The deviations that a judgement found in its trace, each once, in the order of the run."""
    found: dict[Deviation, None] = {}
    for step in judgement.steps:
        broken = tuple(rule for rule in step.broken if rule in judgement.rules)
        if broken:
            strength = min((rules.by_id[rule].strength for rule in broken), key=STRENGTHS.index)
            act, general = _act(step), _act(step, any_code=True)
            found[Deviation(broken, strength, act, _prompted(step, trace), general)] = None
    for act in judgement.application:
        found[Deviation((), None, act)] = None
    if judgement.unexplained or (judgement.broken and not found):
        found[Deviation(judgement.rules, judgement.strength, judgement.note)] = None
    return tuple(found)


def _act(step: Step, *, any_code: bool = False) -> str:
    if step.event is None:
        return "does not tell its application, or tells it wrong"
    kind, frame, head = step.event
    if head is not None:
        return _act_on_head(step, head)
    if frame is None:
        reasons = _reasons_to_refuse(step.broken)
        if reasons:
            return f"{_ACTS[kind]} after an answer against {reasons}"
        if step.state.handshake and kind in _ACTS:
            return f"{_ACTS[kind]} ({_STAGES.get(HANDSHAKE[step.state.handshake], 'before the handshake')})"
        return _ACTS.get(kind, "takes the end of TCP wrongly")
    named = _named(frame)
    if kind is EventKind.SEND and step.state.handshake:
        return f"sends {named} before the opening handshake is complete"
    if kind is EventKind.SEND:
        fits = step.state.fail_code if step.state.failed and frame.opcode == CLOSE else 0
        return f"sends {named}" + (f" where {fits} fits" if fits and fits != frame.code else "")
    inside = " inside a message" if step.state.recv_type else ""
    if step.label is not None and step.label.kind is Kind.FAIL:
        disputed = frame.opcode == CLOSE and frame.code != NO_CODE and code_range(frame.code).switch is not None
        legal = named if disputed and not any_code else OPCODE_NAMES[frame.opcode]
        return f"fails the connection with {step.label.code} on a legal {legal}{inside}"
    verb = "accepts" if step.label is not None and step.label.kind is Kind.ACCEPT else "drops"
    if step.state.failed or step.state.got_close:
        return f"{verb} {named} when nothing is to be processed any more"
    return f"{verb} {named}{inside} and does not fail the connection"


_READING: Final = (EventKind.RECEIVE_REQUEST, EventKind.RECEIVE_RESPONSE)


def _reasons_to_refuse(broken: tuple[str, ...], rules: RuleSet = RULES) -> str:
    """Those of the rules that say which requests or responses must not be accepted."""
    return ", ".join(rule for rule in broken if rules.by_id[rule].on in _READING)


def _act_on_head(step: Step, head: RequestFacts | ResponseFacts) -> str:
    assert step.event is not None
    kind, reasons = step.event.kind, _reasons_to_refuse(step.broken)
    if kind is EventKind.RECEIVE_REQUEST:
        return f"accepts a request against {reasons}"
    if kind is EventKind.SEND_REQUEST:
        return "sends a request that is not as it must be"
    if isinstance(head, RequestFacts) or kind is EventKind.RECEIVE_RESPONSE:
        kinds = {
            Kind.FAIL: "fails the connection on a sound answer",
            Kind.IGNORE: f"passes over an answer of {reasons}",
        }
        accepts = f"opens the connection on an answer against {reasons}"
        return accepts if step.label is None else kinds.get(step.label.kind, accepts)
    if label_of_fact("syntax", head.syntax) in ("malformed", "too large"):
        return "answers with what is no response of HTTP"
    if head.status == SWITCHING and reasons:
        return f"accepts a request against {reasons}"
    return f"answers with {head.status}"


def _named(frame: FrameFacts) -> str:
    name = OPCODE_NAMES[frame.opcode]
    if frame.opcode != CLOSE or frame.code == NO_CODE:
        return name
    return f"{name} {code_range(frame.code).codes}"


def _prompted(step: Step, trace: Trace) -> bool:
    """Whether the application asked for the frame that is sent: the same opcode and, for Close, the same code."""
    if step.event is None or step.event.kind is not EventKind.SEND or step.event.frame is None:
        return False
    frame = step.event.frame
    asked = [seen for seen in trace[: step.at] if isinstance(seen, Asks) and seen.what == OPCODE_NAMES[frame.opcode]]
    if frame.opcode == CLOSE:
        return any((NO_CODE if asks.code is None else asks.code) == frame.code for asks in asked)
    # A frame sent right after the application asked, with nothing arriving in between, is the one that it asked for.
    last = next((seen for seen in reversed(trace[: step.at]) if isinstance(seen, (Asks, Arrives))), None)
    return bool(asked) and isinstance(last, Asks)
