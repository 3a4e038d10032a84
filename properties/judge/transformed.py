"""Frames whose payloads an extension transforms: what their headers alone make certain.

Nobody can say what a transformed message holds without the extension: what the application makes of it, whether it is
text at all, and so whether it is refused for good reason. But headers stay as RFC 6455 has them, and an extension marks
only the first frame of a message (RFC 7692, section 6): a fault of those is still one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import is_data
from wsoracle.model.rules import compression, receiving, sending

from .explanation import Subject

ABOUT_HEADERS: Final = frozenset(
    rule.id
    for rule in (
        *receiving.FRAMING,
        *receiving.FRAGMENTATION,
        *sending.FRAMING,
        *sending.FRAGMENTATION,
        compression.MARK_RECEIVED,
        compression.MARK_SENT,
    )
    if rule.strength.binds
)
"""The rules whose breach shows in headers."""

_MAY_FAIL: Final = "8.1/fail-fast"


def without_content(subject: Subject) -> Subject:
    """The subject as far as headers show it: its application may do anything, and it may refuse any data."""
    return subject._replace(
        setting=replace(subject.setting, echo=False),
        rules=_without_content(subject.rules),
        sees=frozenset(),
        unasked=True,
    )


@lru_cache(maxsize=16)
def _without_content(rules: RuleSet) -> RuleSet:
    """The rules without those that ask for text, and with a failure that any data may be the reason of."""
    kept = RuleSet(rule for rule in rules if not (rule.refuses and "utf8_next" in variables(rule.when)))
    return kept.replacing(_MAY_FAIL, when=receiving.attending & is_data) if _MAY_FAIL in kept.by_id else kept
