"""Exercises: each rule is asked for once, and what is called right is what the rules, interpreted one by one, allow."""

from collections import Counter
from functools import lru_cache
from typing import Final

import pytest

from tests.wsoracle.site.test_building import Reading
from wsoracle.generators.suite.witnesses import Witness, all_witnesses
from wsoracle.model.facts.deflate_payloads import run_of
from wsoracle.model.machine.interpreted import allowed
from wsoracle.model.machine.words import choice_words
from wsoracle.model.notation.variables import Setting
from wsoracle.model.rules import RULES
from wsoracle.site.addresses import Addresses
from wsoracle.site.exercise_pages import MOST, exercise_pages
from wsoracle.site.exercises import Exercise, ExerciseLevel, Mark, exercises

BUDGET: Final = 150_000


@lru_cache(maxsize=1)
def every() -> tuple[Exercise, ...]:
    return exercises(all_witnesses())


def test_each_rule_is_asked_for_once_and_named_among_the_reasons() -> None:
    asked = Counter(rule for one in every() for rule in one.asks)
    assert asked == Counter(rule.id for rule in RULES)
    for one in every():
        named = {reason.rule.id for choice in one.choices for reason in choice.reasons}
        assert set(one.asks) <= named | {reason.rule.id for reason in one.against}, one.number


def test_what_is_right_is_what_the_interpreted_rules_allow_in_full() -> None:
    settings: dict[tuple[str, ...], Setting] = {}
    for found in all_witnesses().values():
        if isinstance(found, Witness):
            settings.setdefault((found.rule.id, found.role.value), found.setting)
    for one in every():
        right = {choice.words.partition(": ")[0] for choice in one.choices if choice.grade is Mark.RIGHT}
        outcomes = allowed(one.state, one.event, settings[one.asks[0], one.role.value], RULES)
        if one.event.kind.is_input:
            assert right == {choice_words(outcome.label) for outcome in outcomes}, one.number
        else:
            assert len(right) == 1
            assert ("yes, no rule speaks against it" in right) == bool(outcomes), one.number


def test_levels_follow_each_other_and_histories_get_longer() -> None:
    levels = list(ExerciseLevel)
    assert [levels.index(one.level) for one in every()] == sorted(levels.index(one.level) for one in every())
    assert [one.number for one in every()] == list(range(1, len(every()) + 1))
    assert {one.level for one in every()} == set(levels)


def test_pages_are_well_formed_small_and_hold_every_exercise() -> None:
    pages = list(exercise_pages(every(), Addresses()))
    for page in pages:
        reading = Reading()
        reading.feed(page.body)
        assert not reading.wrong and not reading.open, page.name
        assert len(page.body.encode()) < BUDGET
    anchors = [anchor for page in pages for _, anchor in page.asks]
    assert set(anchors) == {f"exercise-{one.number}" for one in every()}
    assert all(len({anchor for _, anchor in page.asks}) <= MOST for page in pages)


def test_octets_of_a_compressed_message_are_shown_with_what_they_inflate_to() -> None:
    whole = "".join(page.body for page in exercise_pages(every(), Addresses()) if page.asks)
    compressed = [one for one in every() if run_of(one.event, one.state) is not None]
    assert len(compressed) > 10 and all(one.octets and one.inflated is not None for one in compressed)
    assert whole.count(">inflated</th>") == len(compressed)
    assert "DEFLATE data; malformed" in whole and "nothing comes out" in whole


@pytest.mark.parametrize("role", ["server", "client"])
def test_both_roles_are_asked_about(role: str) -> None:
    assert sum(one.role.value == role for one in every()) > len(every()) / 3
