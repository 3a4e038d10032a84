"""The words behind a rule, as verdicts give them."""

from __future__ import annotations

from wsoracle.model.rules import RULES


def clause(rule_id: str) -> str:
    """The strength of a rule, its section, and the sentence. Raises :class:`KeyError` where there is no such rule."""
    rule = RULES.by_id[rule_id]
    return f'{rule.strength.value}, {rule.clause}: "{rule.quote}"'
