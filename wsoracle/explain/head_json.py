"""An explanation of a request or a response as plain data, for other programs."""

from __future__ import annotations

from typing import Any

from wsoracle.model.notation.expression import text
from wsoracle.model.notation.rule import Rule
from wsoracle.model.notation.variables import Setting, State, label
from wsoracle.model.rules import RULES

from .frame_json import outcome_as_json
from .head_text import stage_words
from .heads import HeadExplanation, reason


def head_as_json(explanation: HeadExplanation) -> dict[str, Any]:
    """The explanation as an object."""
    setting, facts = explanation.setting, explanation.facts
    known = not explanation.missing
    ids = [rule_id for outcome in explanation.outcomes for rule_id in outcome.rules]
    ids += [rule.id for rule in explanation.refusals]
    mended = explanation.mended
    return {
        "role": setting.role.value,
        "head": explanation.kind.value.removeprefix("receive_"),
        "switches": dict(setting.switches),
        "notes": list(explanation.notes),
        "octets": explanation.octets.hex(),
        "rest": explanation.rest,
        "complete": known,
        "malformed": explanation.malformed,
        "before": _state(explanation.before),
        "facts": {name: label(name, value) for name, value in facts._asdict().items()} if known else None,
        "lines": [
            {
                "octets": line.octets.hex(),
                "facts": {fact.name: fact.words for fact in line.facts},
                "wrong": [fact.name for fact in line.facts if fact.wrong],
                "remark": line.remark or None,
            }
            for line in explanation.lines
        ],
        "absent": list(explanation.absent),
        "outcomes": [outcome_as_json(outcome) for outcome in (*explanation.outcomes, *explanation.departing)],
        "rules": [_rule(RULES.by_id[i], setting, explanation.before, explanation) for i in dict.fromkeys(ids)],
        "sender": {
            "role": explanation.sender.role.value,
            "breaks": [
                _rule(rule, explanation.sender, explanation.sender_before, explanation) for rule in explanation.breaks
            ],
        },
        "after": _state(explanation.after),
        "owes": [
            {
                "due": owed.due.name.lower().replace("_", " "),
                "rule": owed.rule.id,
                "octets": None if owed.answer is None else owed.answer.octets().hex(),
            }
            for owed in explanation.owed
        ],
        "mended": None if mended is None else {"changes": list(mended.changes), "octets": mended.head.octets().hex()},
        "disputes": [
            {
                "switch": dispute.switch.name,
                "value": dispute.value,
                "outcomes": [str(outcome.label) for outcome in dispute.outcomes],
            }
            for dispute in explanation.disputes
        ],
    }


def _rule(rule: Rule, setting: Setting, state: State, explanation: HeadExplanation) -> dict[str, Any]:
    why = reason(rule, setting, state, explanation.facts)
    return {
        "id": rule.id,
        "strength": rule.strength.value,
        "section": rule.section,
        "quote": rule.quote,
        "because": None if why is None else text(why),
    }


def _state(state: State) -> dict[str, Any]:
    return {"words": stage_words(state), "variables": state._asdict()}


__all__ = ["head_as_json"]
