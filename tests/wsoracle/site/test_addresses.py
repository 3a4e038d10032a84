"""Words that become links: of two RFCs, whose sections have the same numbers."""

from __future__ import annotations

import pytest

from wsoracle.model.rules import RULES
from wsoracle.site.addresses import Addresses

PLACES = Addresses(sections={"7.1": "ours", "7.2": "ours2", "7692.7.1": "other", "7692.7.1.1.1": "other1"})


@pytest.mark.parametrize(
    ("words", "html"),
    [
        ("by section 7.1.", 'by <a href="ours">section 7.1</a>.'),
        ("sections 7.1 and 7.2", '<a href="ours">sections 7.1</a> and <a href="ours2">7.2</a>'),
        ("section 7.1 of RFC 7692", '<a href="other">section 7.1</a> of RFC 7692'),
        ("RFC 7692, section 7.1", 'RFC 7692, <a href="other">section 7.1</a>'),
        ("section 9.9", "section 9.9"),
    ],
)
def test_sections_are_linked_in_their_rfc(words: str, html: str) -> None:
    assert PLACES.linked(words, "") == html


def test_the_clause_of_a_rule_is_linked_in_its_rfc() -> None:
    assert PLACES.clause(RULES.by_id["7692.7.1.1.1/stop-takeover"]) == '<a href="other1">RFC 7692, section 7.1.1.1</a>'
