"""Tables that are too large to be drawn at once: what the script draws from is what every agent did."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wsoracle.reports.report_samples import HOSTILE, sample
from wsoracle.reports.index import index_page
from wsoracle.reports.matrix import MOST_CELLS, compact, is_large
from wsoracle.reports.stored_record import page_name
from wsoracle.reports.summary import CaseSummary, summary_of
from wsoracle.text.verdict_signs import VERDICTS
from wsoracle.text.visible import visible

NAMES = st.sampled_from(("a", "b", "c d", "x_case_y", *HOSTILE))
CASES = ("1.1", "1.2", "2.1")


def summary(agent: str, case_id: str, verdict: str, file: str) -> CaseSummary:
    return summary_of(sample(agent, case_id, verdict), file)


@given(st.dictionaries(NAMES, st.dictionaries(st.sampled_from(CASES), st.sampled_from(VERDICTS[:5])), min_size=1),
       st.booleans())  # fmt: skip
def test_the_compact_data_has_every_verdict_and_the_page_of_each(
    verdicts: dict[str, dict[str, str]], odd_names: bool
) -> None:
    agents = {
        agent: {
            case_id: summary(agent, case_id, verdict, f"n{place}{odd_names * case_id[0]}_case_{case_id}.json")
            for case_id, verdict in cases.items()
        }
        for place, (agent, cases) in enumerate(verdicts.items())
    }
    text = compact(CASES, agents)
    assert "<" not in text
    data = json.loads(text)
    for number, case_id in enumerate(CASES):
        end, said = data["rows"][number]
        for place, (agent, summaries) in enumerate(agents.items()):
            assert data["agents"][place] == visible(agent, 120, lines=False)
            one = summaries.get(case_id)
            assert (said[place] < 0) == (one is None)
            if one is not None:
                assert data["words"][said[place]].endswith(one.label)
                page = data["others"].get(f"{number} {place}", f"{data['files'][place]}_case_{end}")
                assert page == quote(page_name(one.file))


class Counted(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements += 1


def test_a_large_table_has_elements_for_each_case_and_each_agent_and_not_for_each_pair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agents, cases = 60, 50
    monkeypatch.setattr("wsoracle.reports.matrix.MOST_CELLS", agents * cases - 1)
    every = {f"agent {a}": {f"1.{c}": summary(f"agent {a}", f"1.{c}", VERDICTS[(a * c) % 5], f"a{a}_case_1_{c}.json")
                            for c in range(cases)} for a in range(agents)}  # fmt: skip
    folded = Counted(index_page(every)).elements
    monkeypatch.setattr("wsoracle.reports.matrix.MOST_CELLS", agents * cases)
    drawn = Counted(index_page(every)).elements
    assert drawn - folded > agents * cases


def test_a_fleet_is_drawn_whole_and_five_hundred_agents_are_not() -> None:
    assert not is_large(600, 30)
    assert is_large(590, 500)
    assert MOST_CELLS < 590 * 500
