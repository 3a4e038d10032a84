"""The register's file: what is read of it, and faults that are named with their row."""

import json
import textwrap
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.properties.requirements.register import REGISTER
from wsoracle.properties.requirements.requirement import Binds, Requirement, Status
from wsoracle.properties.requirements.rows import read_register, rows_of

ROW = '[[requirement]]\nid = "5-01"\nbinds = "sender"\nquote = "One MUST do this."\n'
WORDS = st.lists(st.text("ab-,|_", min_size=1, max_size=8), min_size=1).map(" ".join)


def test_the_project_reads_its_own_file() -> None:
    assert read_register() == REGISTER
    assert len({row.id for row in REGISTER}) == len(REGISTER) > 200


def test_a_row_with_every_field() -> None:
    text = ROW + 'rules = ["5/a", "5.1/b-c"]\ntheorems = ["safety/d"]\n'
    row = Requirement("5-01", Binds.SENDER, "One MUST do this.", None, ("5/a", "5.1/b-c"), ("safety/d",))
    assert rows_of(text) == (row,)
    assert row.status is Status.COVERED
    unseen = replace(row, why="Nobody sees it.", rules=(), theorems=())
    assert rows_of(ROW + 'why = "Nobody sees it."\n') == (unseen,)
    assert unseen.status is Status.NOT_OBSERVABLE


@given(quote=WORDS, width=st.integers(8, 40))
def test_where_a_quote_is_broken_into_lines_makes_no_difference(quote: str, width: int) -> None:
    lines = textwrap.wrap(quote, width, break_long_words=False, break_on_hyphens=False)
    text = ROW.replace('"One MUST do this."', '"""\n' + "\n".join(lines) + '"""')
    assert [row.quote for row in rows_of(text)] == [quote]


@given(quotes=st.lists(WORDS, min_size=1, max_size=5))
def test_rows_keep_their_order(quotes: list[str]) -> None:
    text = "".join(ROW.replace('"One MUST do this."', json.dumps(quote)) for quote in quotes)
    assert [row.quote for row in rows_of(text)] == quotes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "requirements.toml: 'requirement' is a required property"),
        ('other = "x"\n' + ROW, "requirements.toml: Additional properties are not allowed"),
        (ROW + ROW.replace('quote = "One MUST do this."\n', ""), "requirement 5-01: 'quote' is a required property"),
        (ROW + ROW.replace('id = "5-01"\n', ""), "requirement number 2: 'id' is a required property"),
        (ROW.replace("5-01", "5-1"), "requirement 5-1, id: '5-1' does not match"),
        (ROW.replace("sender", "anybody"), "requirement 5-01, binds: 'anybody' is not one of"),
        (ROW.replace("One MUST do this.", " "), "requirement 5-01, quote: ' ' does not match"),
        (ROW + 'note = "x"\n', "requirement 5-01: Additional properties are not allowed"),
        (ROW + "rules = []\n", "requirement 5-01, rules: "),
        (ROW + 'rules = ["a/b", "a/b"]\n', "requirement 5-01, rules: "),
        (ROW + 'theorems = ["not an id"]\n', "requirement 5-01, theorems: 'not an id' does not match"),
    ],
)
def test_a_fault_is_named_with_its_row(text: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        rows_of(text)
    assert str(raised.value).startswith(message)


def test_what_is_not_toml_is_an_error() -> None:
    with pytest.raises(ValueError, match="end of an array declaration"):
        rows_of("[[requirement")
