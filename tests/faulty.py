"""Our own endpoint with a seeded fault: an implementation that is wrong in a known way."""

from __future__ import annotations

from typing import Final

from wsoracle.explore.attempts import Attempt, OwnRole
from wsoracle.implementations.own_endpoint import OwnEndpoint
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.state_machines.driving import Sut

ACCEPTS_INVALID_TEXT: Final = RULES.without("8.1/invalid-text")
ACCEPTS_FRAGMENTED_CONTROL: Final = RULES.without("5.5/fragmented-control")
ACCEPTS_UNMASKED: Final = RULES.without("5.1/server-refuses-unmasked")
OWES_NO_PONG: Final = RULES.without("5.5.2/pong-owed")
FAILS_WITH_ANOTHER_CODE: Final = RULES.replacing("5.2/unknown-opcode", then=RULES.by_id["8.1/invalid-text"].then)


class FaultyRole(OwnRole):
    """Our own endpoint on other rules."""

    def __init__(self, role: Role, rules: RuleSet) -> None:
        super().__init__(role)
        self.rules: Final = rules

    def connect(self, attempt: Attempt) -> Sut:
        return OwnEndpoint(attempt.setting, attempt.start, rules=self.rules)
