"""An explanation as plain data, for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wsoracle.model.machine.reasons import because
from wsoracle.model.machine.words import due_name, state_words
from wsoracle.model.notation.expression import text
from wsoracle.model.notation.rule import Rule
from wsoracle.model.notation.variables import Setting, State, label

from .explanation import AsSent, ExplainedOctets, FrameReading, HeadReading, Inflated, UnitReading
from .nearest_legal import Elsewhere


def as_json(explanation: ExplainedOctets[UnitReading]) -> dict[str, Any]:
    """The explanation as an object: the setting, the state before, and each unit explained.

    Frames form a list; there is always one head, whose members stand beside the others.
    """
    setting = explanation.setting
    shared = {"role": setting.role.value, "switches": dict(setting.switches), "before": _state(explanation.start)}
    units = [_unit(reading, explanation) for reading in explanation.readings]
    if isinstance(explanation.readings[0], HeadReading):
        return {**shared, "notes": list(explanation.notes), **units[0]}
    return {**shared, "limit": setting.limit, "frames": units}


def _unit(reading: UnitReading, explanation: ExplainedOctets[UnitReading]) -> dict[str, Any]:
    own = (
        _head(reading)
        if isinstance(reading, HeadReading)
        else _frame(reading)
        if isinstance(reading, FrameReading)
        else {}
    )
    setting, before = explanation.setting, reading.before
    rules = map(explanation.rules.by_id.__getitem__, _rule_ids(reading))
    return {
        "octets": reading.octets.hex(),
        **own,
        "outcomes": [
            {
                "reaction": outcome.label.kind.value,
                "code": outcome.label.code,
                "delivers": outcome.label.delivers,
                "rules": list(outcome.rules),
                "strength": outcome.strength.value,
                "departsFrom": list(outcome.departs_from),
            }
            for outcome in (*reading.outcomes, *reading.departing)
        ],
        "rules": [_rule(rule, reading, setting, before) for rule in rules],
        "sender": None if reading.sent is None else _sender(reading, reading.sent),
        "after": _state(reading.after),
        "owes": [
            {"due": due_name(owed.due), "rule": owed.rule.id, "octets": owed.octets.hex() or None}
            for owed in reading.owed
        ],
        "disputes": [
            {
                "switch": dispute.switch.name,
                "value": dispute.value,
                "outcomes": [str(outcome.label) for outcome in dispute.outcomes],
            }
            for dispute in reading.disputes
        ],
    }


def _sender(reading: UnitReading, sent: AsSent) -> dict[str, Any]:
    return {
        "role": sent.sender.role.value,
        "breaks": [_rule(rule, reading, sent.sender, sent.before) for rule in sent.breaks],
    }


def _frame(reading: FrameReading) -> dict[str, Any]:
    begun = reading.begun
    return {
        "start": reading.start,
        "fields": [
            {"octets": line.octets.hex(), "bits": line.bits, "field": line.field, "meaning": line.meaning}
            for line in reading.lines
        ],
        "complete": begun is None,
        "missing": 0 if begun is None else begun.missing,
        "decided": None
        if begun is None
        else {"fails": _ids(begun.fails), "mayFail": _ids(begun.may_fail), "ignored": _ids(begun.ignored)},
        "elsewhere": None if reading.elsewhere is None else _elsewhere(reading.elsewhere),
        "changes": [
            {"variables": list(change.variables), "words": change.words, "octets": change.octets.hex()}
            for change in reading.changes
        ],
        "acceptedByPeer": reading.peer_accepts,
        "inflated": None if reading.inflated is None else _inflated(reading.inflated),
    }


def _inflated(inflated: Inflated) -> dict[str, Any]:
    measured = inflated.measured
    return {
        "agreed": inflated.agreed,
        "octets": inflated.octets.hex(),
        "message": {**measured._asdict(), "fault": measured.fault.value},
    }


def _head(reading: HeadReading) -> dict[str, Any]:
    facts, mended = reading.facts._asdict(), reading.mended
    return {
        "head": reading.kind.value.removeprefix("receive_"),
        "rest": reading.rest,
        "complete": not reading.missing,
        "malformed": reading.malformed,
        "tolerated": reading.tolerated,
        "facts": None if reading.missing else {name: label(name, value) for name, value in facts.items()},
        "lines": [
            {
                "octets": line.octets.hex(),
                "facts": {fact.name: fact.words for fact in line.facts},
                "reasons": {fact.name: fact.why for fact in line.facts if fact.why},
                "wrong": [fact.name for fact in line.facts if fact.wrong],
                "remark": line.remark or None,
            }
            for line in reading.lines
        ],
        "absent": list(reading.absent),
        "mended": None if mended is None else {"changes": list(mended.changes), "octets": mended.head.octets().hex()},
    }


def _rule_ids(reading: UnitReading) -> Iterable[str]:
    """The rules that the unit meets, each once."""
    ids = [rule_id for outcome in reading.outcomes for rule_id in outcome.rules]
    ids += _ids(reading.refusals)
    if isinstance(reading, FrameReading) and reading.begun is not None:
        ids += _ids((*reading.begun.may_fail, *reading.begun.ignored))
    return dict.fromkeys(ids)


def _rule(rule: Rule, reading: UnitReading, setting: Setting, state: State) -> dict[str, Any]:
    why = because(rule, setting, state, reading.facts)
    return {
        "id": rule.id,
        "strength": rule.strength.value,
        "section": rule.section,
        "quote": rule.quote,
        "because": None if why is None else text(why),
    }


def _ids(rules: Iterable[Rule]) -> list[str]:
    return [rule.id for rule in rules]


def _state(state: State) -> dict[str, Any]:
    return {"words": state_words(state), "variables": state._asdict()}


def _elsewhere(elsewhere: Elsewhere) -> dict[str, Any]:
    return {
        "nowhere": elsewhere.nowhere,
        "path": None if elsewhere.path is None else [step.octets.hex() for step in elsewhere.path],
        "fromStart": elsewhere.from_start,
        "extension": list(elsewhere.extension),
    }
