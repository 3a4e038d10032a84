"""An explanation as plain data, for other programs."""

from __future__ import annotations

from typing import Any

from wsoracle.model.machine.interpreted import Outcome
from wsoracle.model.notation.expression import text
from wsoracle.model.notation.rule import Rule
from wsoracle.model.notation.variables import State

from .frame_text import state_words
from .frames import Explanation, Reading, because
from .nearest_legal import Elsewhere


def as_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation as an object: the setting, the state before, and each frame of the octets explained."""
    setting = explanation.setting
    return {
        "role": setting.role.value,
        "limit": setting.limit,
        "switches": dict(setting.switches),
        "before": _state(explanation.start),
        "frames": [_reading(reading, explanation) for reading in explanation.readings],
    }


def _reading(reading: Reading, explanation: Explanation) -> dict[str, Any]:
    partial = reading.partial
    return {
        "start": reading.start,
        "octets": reading.octets.hex(),
        "fields": [
            {"octets": line.octets.hex(), "bits": line.bits, "field": line.field, "meaning": line.meaning}
            for line in reading.lines
        ],
        "complete": partial is None,
        "missing": 0 if partial is None else partial.missing,
        "outcomes": [outcome_as_json(outcome) for outcome in (*reading.outcomes, *reading.departing)],
        "decided": None
        if partial is None
        else {
            "fails": [rule.id for rule in partial.fails],
            "mayFail": [rule.id for rule in partial.may_fail],
            "ignored": [rule.id for rule in partial.ignored],
        },
        "rules": [_rule(rule, reading, explanation) for rule in _rules(reading, explanation)],
        "after": _state(reading.after),
        "owes": [
            {"due": owed.due.name.lower().replace("_", " "), "rule": owed.rule.id, "octets": owed.octets.hex() or None}
            for owed in reading.owed
        ],
        "elsewhere": None if reading.elsewhere is None else _elsewhere(reading.elsewhere),
        "changes": [
            {"variables": list(change.variables), "words": change.words, "octets": change.octets.hex()}
            for change in reading.changes
        ],
        "acceptedByPeer": reading.peer_accepts,
        "disputes": [
            {
                "switch": dispute.switch.name,
                "value": dispute.value,
                "outcomes": [str(outcome.label) for outcome in dispute.outcomes],
            }
            for dispute in reading.disputes
        ],
    }


def _rules(reading: Reading, explanation: Explanation) -> list[Rule]:
    """Every rule that the frame meets, each once."""
    partial = reading.partial
    ids = [rule_id for outcome in reading.outcomes for rule_id in outcome.rules]
    ids += [rule.id for rule in reading.refusals]
    if partial is not None:
        ids += [rule.id for rule in (*partial.may_fail, *partial.ignored)]
    return [explanation.rules.by_id[rule_id] for rule_id in dict.fromkeys(ids)]


def _rule(rule: Rule, reading: Reading, explanation: Explanation) -> dict[str, Any]:
    return {
        "id": rule.id,
        "strength": rule.strength.value,
        "section": rule.section,
        "quote": rule.quote,
        "because": text(because(rule, explanation.setting, reading.before, reading.frame)),
    }


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as an object."""
    return {
        "reaction": outcome.label.kind.value,
        "code": outcome.label.code,
        "delivers": outcome.label.delivers,
        "rules": list(outcome.rules),
        "strength": outcome.strength.value,
        "departsFrom": list(outcome.departs_from),
    }


def _state(state: State) -> dict[str, Any]:
    return {"words": state_words(state), "variables": state._asdict()}


def _elsewhere(elsewhere: Elsewhere) -> dict[str, Any]:
    return {
        "nowhere": elsewhere.nowhere,
        "path": None if elsewhere.path is None else [step.octets.hex() for step in elsewhere.path],
        "fromStart": elsewhere.from_start,
        "extension": list(elsewhere.extension),
    }


__all__ = ["as_json", "outcome_as_json"]
