"""Where a trace leaves what is allowed in full, and what would have been allowed there."""

from __future__ import annotations

from dataclasses import replace

from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.rule import Due
from wsoracle.model.octets.units import FrameUnit, HeadUnit

from .deciding import deciding_octet
from .explanation import Step
from .judgement import Allowed, Judgement
from .moments import Moment
from .observation import Quiet
from .owed import owed_in
from .search import Search


def placed(judgement: Judgement, strict: Search) -> Judgement:
    """The judgement with the place where the trace leaves what is allowed in full."""
    moment = strict.died_at
    if moment is None:
        return judgement
    found = deciding_octet(judgement.steps, judgement.rules, moment, strict.history, strict.subject, strict.start)
    return replace(
        judgement,
        at=moment.at,
        octet=None if found is None else found.octet,
        direction="written" if found is None else found.direction,
        note="; ".join(filter(None, (judgement.note, "" if found is None else found.why))),
        begins=moment.what.start if isinstance(moment.what, (HeadUnit, FrameUnit)) else None,
        arrived=moment.arrived,
        instead=_instead(strict, moment),
    )


def _instead(strict: Search, moment: Moment) -> tuple[Allowed, ...]:
    """The reactions of endpoints that had followed every rule so far and had read everything that had arrived."""
    most = max(explanation.place.consumed for explanation in strict.alive)
    found: dict[Allowed, None] = {}
    for explanation in strict.alive:
        if explanation.place.consumed < most:
            continue
        owed = owed_in(strict.outputs, explanation)
        owed += tuple(
            (f"send the {'message' if due is Due.REPLY else 'Close'} that its application asked for", (rule,))
            for due, rule in strict.outputs.withheld(explanation.place, moment)
        )
        words = [what for what, _ in owed]
        rules = [rule for _, of in owed for rule in of]
        inputs = [step for step in explanation.steps if step.event is not None and step.event.kind.is_input]
        if explanation.place.opening is None:
            # Input that is passed over after failing does not matter.
            inputs = [step for step in inputs if not step.state.failed] or inputs
        if inputs:
            words = _reacting(inputs[-1], words)
            rules = [*inputs[-1].rules, *rules]
        if not owed and not isinstance(moment.what, Quiet):
            words.append("send nothing")
        found[Allowed("; ".join(words), tuple(dict.fromkeys(rules)))] = None
    return tuple(found)


def _reacting(step: Step, owed: list[str]) -> list[str]:
    """The reaction to the last input, and what is owed then."""
    label = step.label
    if label is None:
        return owed
    if not step.state.handshake:
        return [str(label), *owed]
    if label.kind is Kind.REFUSE and label.code:
        return [f"{what} such as {label.code}" if what.startswith("answer with an error") else what for what in owed]
    return ["fail the connection", *owed] if label.kind is Kind.FAIL else owed
