"""Which ids a pattern selects: whole parts first, then beginnings, then what is inside; never by a digest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wsoracle.text.patterns import matching

IDS = ("1.2.3", "1.20", "6.1", "control/server/text-f3d42c", "control/server/ping-069d2e")
WORDS = {"1.2.3": "A Ping", "1.20": "Two Pings", "6.1": "Invalid UTF-8 in a text message 8.1/invalid-text"}


def test_the_nearest_meaning_comes_first() -> None:
    assert matching("1.2", IDS) == ["1.2.3"]
    assert matching("control", IDS) == list(IDS[3:])
    assert matching("server/text", IDS) == ["control/server/text-f3d42c"]
    assert matching("*.1", IDS) == ["6.1"]


def test_titles_and_rules_are_searched_too() -> None:
    for pattern in ("utf8", "UTF-8", "utf-8 text", "invalid-text", "text invalid"):
        assert matching(pattern, IDS, WORDS) == ["6.1"], pattern
    assert matching("ping", IDS, WORDS) == ["1.2.3", "1.20", "control/server/ping-069d2e"]
    assert matching("no such", IDS, WORDS) == []


@given(st.sampled_from(IDS[3:]), st.data())
def test_the_digest_is_not_searched(one: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(len(one) - 6, len(one) - 1))
    part = one[begin : data.draw(st.integers(begin + 1, len(one)))]
    assert one not in matching(part, IDS, WORDS) or part in one[:-7]
    assert matching(one, IDS) == [one]
