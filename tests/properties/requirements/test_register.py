"""The requirement register: beside the RFC's text, beside the rules, and as a matrix."""

import json
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from tests.rfc_file import both_texts
from wsoracle.model.rules import RULES
from wsoracle.properties.connections.checks import CHECKS
from wsoracle.properties.requirements.register import (
    NOT_NORMATIVE,
    REGISTER,
    matrix,
    problems,
    problems_with_text,
    rules_of,
    rules_quoting,
    theorems_of,
)
from wsoracle.properties.requirements.requirement import Binds, Requirement
from wsoracle.properties.requirements.rfc_text import parse, quote_occurs

BY_ID = {row.id: row for row in REGISTER}


@dataclass(frozen=True)
class Rule:
    """As much of a rule as the register looks at."""

    id: str
    section: str
    quote: str


@dataclass(frozen=True)
class Theorem:
    """As much of a theorem as the register looks at."""

    id: str
    requirements: tuple[str, ...] = ()


# --- beside the text


def test_register_and_text_agree_in_both_directions() -> None:
    found = problems_with_text(REGISTER, both_texts())
    assert not found, "\n".join(found)


def test_the_register_has_all_183_must_and_must_not() -> None:
    words = Counter(row.level for row in REGISTER)
    assert sum(row.quote.count("MUST") for row in REGISTER) == 140 + 43
    assert words.keys() == {
        "MUST",
        "MUST NOT",
        "SHOULD",
        "SHOULD NOT",
        "MAY",
        "OPTIONAL",
        "RECOMMENDED",
        "must (lower case)",
        "must not (lower case)",
        "should (lower case)",
    }


def test_what_is_not_normative_stands_in_the_text() -> None:
    sentences = {sentence.text for sentence in both_texts().sentences()}
    assert set(NOT_NORMATIVE) <= sentences


def test_the_quotes_of_the_rules_stand_in_the_text() -> None:
    rfc = both_texts()
    wrong = [
        f"{rule.id}: {rule.quote}" for rule in RULES if not quote_occurs(rfc, rule.quote, rule.id.partition("/")[0])
    ]
    assert not wrong, "\n".join(wrong)


TEXT = parse(
    "5.  Data\n\n   One MUST do this.  One MUST NOT do that.\n\n   All must be well.\n\n9.  End\n\n   One must.\n"
)
ROWS = (
    Requirement("5-01", Binds.SENDER, "One MUST do this."),
    Requirement("5-02", Binds.SENDER, "One MUST NOT do that."),
    Requirement("5-03", Binds.SENDER, "All must be well."),
)


def test_a_small_register_agrees_with_its_text() -> None:
    assert problems_with_text(ROWS, TEXT) == []


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (ROWS[:2], "section 5: not registered: All must be well."),
        (ROWS[1:], "section 5: not registered: One MUST do this."),
        ((replace(ROWS[0], quote="One MUST do it."), *ROWS[1:]), "5-01: section 5 does not say: One MUST do it."),
        ((replace(ROWS[0], quote="One MUST do"), *ROWS[1:]), "not one whole normative sentence"),
        ((*ROWS, replace(ROWS[2], id="9-01")), "9-01: section 9 does not say"),
        ((*ROWS, replace(ROWS[2], id="5-04")), "5-04: registered 2 times, but it occurs 1 times"),
        ((ROWS[1], ROWS[0], ROWS[2]), "not in the order of the text"),
        ((ROWS[0], replace(ROWS[1], id="5-07"), ROWS[2]), "5-07: by its place its id should be 5-02"),
    ],
)
def test_a_register_that_differs_from_the_text_is_found(rows: tuple[Requirement, ...], problem: str) -> None:
    assert any(problem in found for found in problems_with_text(rows, TEXT))


@pytest.mark.parametrize("dropped", ["2-01", "5.2-09", "5.4-01", "11.3.5-02"])
def test_a_row_that_is_dropped_from_the_register_is_missed(dropped: str) -> None:
    found = problems_with_text([row for row in REGISTER if row.id != dropped], both_texts())
    assert any(f"section {BY_ID[dropped].section}: not registered" in problem for problem in found)


@pytest.mark.parametrize("altered", ["3-01", "5.5.1-05", "10.7-03"])
def test_a_quote_that_drifts_is_noticed(altered: str) -> None:
    changed = [replace(row, quote=row.quote.replace(" the ", " a ")) if row.id == altered else row for row in REGISTER]
    if changed == list(REGISTER):
        changed = [replace(row, quote=row.quote[:-1] + "!") if row.id == altered else row for row in REGISTER]
    assert any(problem.startswith(f"{altered}: ") for problem in problems_with_text(changed, both_texts()))


# --- beside the rules


def test_every_row_is_covered_or_says_why_not() -> None:
    found = problems(REGISTER, RULES, checks=CHECKS)
    assert not found, "\n".join(found)


def test_reasons_are_sentences() -> None:
    for row in REGISTER:
        if row.why is not None:
            assert row.why[0].isupper() and row.why.endswith("."), row.id


RULE = Rule("5/this", "5", "MUST do this")
UNSEEN = Requirement("3-01", Binds.CLIENT, "A MUST.", why="It is inside.")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ((ROWS[0], ROWS[0]), "5-01: this id occurs 2 times"),
        ((ROWS[1],), "5-02: nothing covers it"),
        ((replace(ROWS[1], rules=("5/gone",)),), "5-02: there is no rule 5/gone"),
        ((replace(ROWS[1], rules=("5/gone",)),), "5-02: nothing covers it"),
        ((replace(ROWS[0], rules=("5/this",)),), "5-01: the quote of 5/this leads here by itself"),
        ((replace(ROWS[0], theorems=("gone",)),), "5-01: there is no theorem gone"),
        ((replace(ROWS[0], why="Because."),), "5-01: not observable, yet covered by 5/this"),
        ((Requirement("5-02", Binds.CLIENT, ROWS[1].quote, why=" "),), "5-02: not observable, but why?"),
        ((UNSEEN, replace(UNSEEN, id="3-02")), "3-02: another row has the same reason"),
    ],
)
def test_a_row_with_a_fault_is_found(rows: tuple[Requirement, ...], problem: str) -> None:
    assert problem in problems(rows, [RULE])


def test_rows_without_a_fault() -> None:
    unseen = Requirement("5-03", Binds.CLIENT, ROWS[2].quote, why="Nobody sees it.")
    assert problems((ROWS[0], replace(ROWS[1], theorems=("safe",)), unseen), [RULE], [Theorem("safe")]) == []


def test_a_check_covers_what_it_names_and_names_what_there_is() -> None:
    check = Theorem("many", ("5-02",))
    assert problems(ROWS[:2], [RULE], checks=[check]) == []
    assert problems(ROWS[:1], [RULE], checks=[check]) == ["many: there is no requirement 5-02"]
    unseen = replace(ROWS[1], why="It is inside.")
    assert problems([unseen], [], checks=[check]) == ["5-02: not observable, yet covered by many"]


@pytest.mark.parametrize(
    ("quote", "section", "leads"),
    [
        ("One MUST do this.", "5", True),
        ("MUST do", "5", True),
        ("One ... this", "5", True),
        ("One MUST do this.", "5.1", False),
        ("One MUST do that.", "5", False),
        ("As was said. One MUST do this. It helps.", "5", True),  # one of its sentences is the requirement's
        ("As was said. It helps.", "5", False),
    ],
)
def test_a_rule_covers_the_sentence_that_it_quotes(quote: str, section: str, leads: bool) -> None:
    assert rules_quoting(ROWS[0], [Rule(f"{section}/r", section, quote)]) == ((f"{section}/r",) if leads else ())


def test_rules_and_theorems_that_name_and_are_named() -> None:
    row = replace(ROWS[0], rules=("5/other",), theorems=("t2",))
    assert rules_of(row, [RULE]) == ("5/this", "5/other")
    assert theorems_of(row, [Theorem("t1", ("5-01",)), Theorem("t2"), Theorem("t3", ("5-02",))]) == ("t1", "t2")


def test_the_matrix_has_the_promised_keys() -> None:
    cases = {"5/this": ["b", "a"], "5/other": ["a", "c"], "5/unused": ["z"]}
    rows = (replace(ROWS[0], rules=("5/other",)), UNSEEN)
    assert matrix(
        rows, [RULE, Rule("5/other", "5", "other words")], [Theorem("t", ("5-01",))], [Theorem("c", ("5-01",))], cases
    ) == {
        "requirements": [
            {
                "id": "5-01",
                "section": "5",
                "level": "MUST",
                "binds": "sender",
                "quote": "One MUST do this.",
                "status": "covered",
                "why": None,
                "rules": ["5/this", "5/other"],
                "theorems": ["t"],
                "checks": ["c"],
                "cases": ["a", "b", "c"],
            },
            {
                "id": "3-01",
                "section": "3",
                "level": "MUST",
                "binds": "client",
                "quote": "A MUST.",
                "status": "not observable",
                "why": "It is inside.",
                "rules": [],
                "theorems": [],
                "checks": [],
                "cases": [],
            },
        ]
    }


def test_the_matrix_of_the_register_is_json() -> None:
    written = json.loads(json.dumps(matrix(REGISTER, RULES, checks=CHECKS)))
    assert len(written["requirements"]) == len(REGISTER)
    for row in written["requirements"]:
        assert bool(row["rules"] or row["theorems"] or row["checks"]) == (row["status"] == "covered"), row["id"]


def test_a_row_without_a_key_word_has_no_level() -> None:
    with pytest.raises(ValueError, match="5-09 has no normative key word"):
        _ = Requirement("5-09", Binds.SENDER, "Nothing much.").level
