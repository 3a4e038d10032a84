"""The words of causes: every rule that can be blamed has some, of its own, and they fit into their sentences."""

from __future__ import annotations

from collections import Counter

from wsoracle.model.notation.rule import Due, Fail, Forbid, Refuse, Strength
from wsoracle.model.rules import RULES
from wsoracle.reports.cause_words import FRAMES, SENT, WRONG

FREE = Strength.MAY


def test_every_rule_that_can_be_blamed_has_its_words() -> None:
    blamed = [rule for rule in RULES if rule.strength is not FREE]
    assert {rule.id for rule in blamed if isinstance(rule.then, Fail | Refuse)} <= SENT.keys()
    assert {rule.id for rule in blamed if isinstance(rule.then, Forbid) and not isinstance(rule.then.due, Due)} == (
        WRONG.keys() | FRAMES.keys()
    )
    assert {*SENT, *WRONG, *FRAMES} <= RULES.by_id.keys()
    assert not any(isinstance(RULES.by_id[rule_id].then, Forbid) for rule_id in SENT)


def test_words_fit_into_a_sentence() -> None:
    for words in (*SENT.values(), *WRONG.values(), *FRAMES.values()):
        assert 5 < len(words) <= 80 and words == words.strip() and not words.endswith((".", ",")), words
    # What two rules say of one thing that was sent is told apart; only what belongs to both roles may be alike.
    assert [words for words, count in Counter(SENT.values()).items() if count > 1] == []
