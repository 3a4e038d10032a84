"""The witness of each rule as a history of the explorer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wsoracle.generators.suite.witnesses import Witness, WitnessOrReason
from wsoracle.model.octets.vocabulary import Role

from .event_histories import witness_text


class WitnessHistories:
    """The histories at whose ends the rules are at work, for each role that has one."""

    def __init__(self, witnesses: Mapping[tuple[str, Role], WitnessOrReason]) -> None:
        self.known = bool(witnesses)
        """Whether witnesses were sought at all."""
        self._of: dict[str, list[tuple[Role, str]]] = {}
        for (rule_id, role), found in witnesses.items():
            text = witness_text(found) if isinstance(found, Witness) else None
            if text is not None:
                self._of.setdefault(rule_id, []).append((role, text))

    def of_rule(self, rule_id: str) -> Sequence[tuple[Role, str]]:
        """The roles in which a rule has such a history, each with it."""
        return self._of.get(rule_id, ())
