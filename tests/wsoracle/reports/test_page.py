"""The page of a case and the index: what they show, and that nothing in a record becomes more than text."""

from __future__ import annotations

import itertools
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.wsoracle.reports.report_samples import (
    HOSTILE,
    PONG,
    Skeleton,
    autobahn_record,
    poisoned,
    sample,
    spoiled,
    step,
    with_leaves,
)
from wsoracle.reports import index, page, rendering
from wsoracle.reports.index import index_page, totals_of
from wsoracle.reports.page import MOST_UNFOLDED, case_page, wire_log
from wsoracle.reports.rendering import template_environment
from wsoracle.reports.sequence import MOST_ARROWS, sequence_diagram
from wsoracle.reports.stored_record import PageLinks, tidy
from wsoracle.reports.summary import CaseSummary, in_order, span_of, summary_of
from wsoracle.text.verdict_signs import MEANINGS, VERDICTS
from wsoracle.text.visible import LONGEST, visible

ELEMENTS = re.findall(r"\S+", """
    html head meta title style body nav main a h1 h2 h3 p section strong table thead tbody tr th td code blockquote
    ul ol li span div pre mark svg desc line text g path script label input select option details summary
""")  # fmt: skip
ATTRIBUTES = re.findall(r"\S+", """
    lang charset http-equiv content name aria-label aria-labelledby aria-live href class scope id role viewbox width
    height xmlns x y x1 y1 x2 y2 d text-anchor tabindex rel title colspan type placeholder autocomplete value
    data-group data-verdicts data-rules data-causes data-worst data-name open
""")  # fmt: skip
LINKS = re.compile(
    r"#cause=[0-9]+|#verdict=[A-Za-z-]+&agent=[0-9]+|#cases|index\.html|[a-z0-9_%]+\.html|https://www\.rfc-editor\.org/rfc/rfc6455#section-[0-9.]+"
)


def words_of(page: str) -> str:
    return re.sub(r"<[^>]*>", "", page.partition("<body")[2])


def assert_harmless(page: str, scripts: int = 0) -> Skeleton:
    """Only elements and attributes of ours, links to pages and to the RFC, and nothing that cannot be written."""
    page.encode()
    assert visible(page, len(page)) == page
    found = Skeleton(page)
    assert {tag for tag, _ in found.elements} <= set(ELEMENTS)
    assert {name for _, names in found.elements for name in names} <= set(ATTRIBUTES)
    assert all(LINKS.fullmatch(link) for link in found.links), found.links
    tags = [tag for tag, _ in found.elements]
    assert (tags.count("script"), tags.count("style"), tags.count("main")) == (scripts, 1, 1)
    return found


def index_of(*records: Any) -> str:
    agents: dict[str, dict[str, CaseSummary]] = {}
    for number, record in enumerate(records):
        agents.setdefault(record["agent"], {})[record["id"]] = summary_of(record, f"a_case_{number}.json")
    return index_page(in_order(agents))


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_a_page_shows_verdict_rule_quote_and_the_deciding_octet() -> None:
    page = case_page(sample(), PageLinks("sample_case_2_9.html", "sample_case_4_2_3.html", "sample_case_4_2_5.html"))
    words = words_of(page)
    for said in ("FAILED", MEANINGS["FAILED"], "5.2/unknown-opcode", "RFC 6455, section 5.2", "If an unknown opcode",
                 "Close 1002", "octet 52 of what the endpoint wrote", "64 octets had arrived", "a note", "bye",
                 "A frame of opcode 14", "Opcodes · Reserved", "peer", "(number 43)"):  # fmt: skip
        assert said in words
    assert "https://www.rfc-editor.org/rfc/rfc6455#section-5.2" in Skeleton(page).links
    first, second = PONG[:2], PONG[2:]
    assert page.count(f"<mark>{first}</mark>{second}") == 1
    assert page.count(f'<mark title="the deciding octet">{first}</mark>{second}') == 1
    assert page.count("◄ decides") + page.count("&#9668; decides") == 1
    assert page.count("(decides)") == 2  # in the list for narrow screens, and in the timeline
    links = Skeleton(page).links
    assert {"sample_case_2_9.html", "sample_case_4_2_3.html", "sample_case_4_2_5.html"} <= set(links)
    assert "<code>wsoracle test ws://127.0.0.1/ --select 4.2.4 -v</code>" in page


@pytest.mark.parametrize("page", [case_page(sample()), case_page(autobahn_record("a", "1.1.1")), index_of(sample())])
def test_pages_can_be_read_without_eyes_and_without_a_mouse(page: str) -> None:
    levels = [int(level) for level in re.findall("<h([1-6])", page)]
    assert levels[0] == 1 and all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for box in re.findall(r'<div class="scroll[^>]*>', page):
        named = re.search('aria-label(ledby)?="([^"]+)"', box)
        assert named is not None and 'tabindex="0" role="region"' in box
        assert not named[1] or page.count(f'<h2 id="{named[2]}"') == 1
    for table in re.findall("<table.*?</table>", page, re.DOTALL):
        assert '<th scope="col"' in table or '<th scope="row"' in table


@pytest.mark.parametrize("many", [MOST_UNFOLDED, MOST_UNFOLDED + 1])
def test_a_long_case_is_folded(many: int) -> None:
    page = case_page(sample(timeline=[step("sut", "pong fin", 2, number) for number in range(many)]))
    assert (f"<details open><summary>{many} steps" in page) == (many <= MOST_UNFOLDED)


@pytest.mark.parametrize("verdict", VERDICTS[:-1])
def test_verdicts_are_words_and_classes(verdict: str) -> None:
    page = case_page(sample(verdict=verdict))
    assert f'<section class="banner {verdict.replace(" ", "-")}"' in page
    assert f"{verdict}</strong> · {MEANINGS[verdict]}" in page
    uncounted = case_page(sample(verdict=verdict, counts=False))
    assert '<section class="banner NO-CONTROL"' in uncounted


def test_what_is_no_verdict_is_no_class() -> None:
    page = case_page(sample(verdict="wide scroll"))
    assert '<section class="banner "' in page
    assert "? wide scroll" in words_of(page)


def test_a_page_of_the_established_suite_has_a_verdict_for_both_parts() -> None:
    good = case_page(autobahn_record("a", "1.1.1"))
    assert '<section class="banner OK"' in good
    assert "OK</strong> · as the suite that ran the case has judged it" in good
    assert MEANINGS["OK"] not in good
    assert '<section class="banner FAILED"' in case_page(autobahn_record("a", "1.1.1", "OK", "UNCLEAN"))
    assert '<section class="banner INFORMATIONAL"' in case_page(
        autobahn_record("a", "7.1.1", "INFORMATIONAL", "FAILED")
    )


def test_statistics_have_octets_and_totals() -> None:
    record = {**sample(), "rxOctetStats": {"30": 2, "4": 5, "x": 1, "-1": 1, "7": "many"}, "rxFrameStats": {"200": 3}}
    page = case_page(record)
    numbers = [re.findall(r'class="number">([^<]+)<', part) for part in page.split("<section><h3>")[1:]]
    assert numbers[0] == ["chop size", "count", "octets", "4", "5", "20", "30", "2", "60", "total", "7", "80"]
    assert numbers[2] == ["opcode", "count", "200 (none)", "3", "total", "3"]
    assert '<p class="dim">none</p>' in case_page({**sample(), "txFrameStats": {}})


def lines_of(record: dict[str, Any]) -> list[str]:
    return [f"{line.what} {line.detail}{line.marked}{line.rest}".strip() for line in wire_log(tidy(record))]


def ends_of(timeline: list[dict[str, Any]], **fields: Any) -> list[str]:
    return lines_of({**sample(timeline=timeline), "wirelog": [], **fields})


@pytest.mark.parametrize(
    ("steps", "dropped_by_me", "lines"),
    [
        ([("sut", "closes TCP")], False, ["TCP DROPPED BY PEER closed, at 12.5 ms"]),
        ([("sut", "resets TCP")], False, ["TCP DROPPED BY PEER reset (RST), at 12.5 ms"]),
        ([("tester", "closes TCP")], True, ["TCP DROPPED BY ME closed, at 12.5 ms"]),
        ([("tester", "ends its half of TCP"), ("sut", "closes TCP")], True,
         ["TCP DROPPED BY ME its half, still reading, at 12.5 ms", "TCP ENDED BY PEER closed, at 12.5 ms"]),
        ([("timer", "2 s of silence"), ("tester", "closes TCP")], True,
         ["FAIL CONNECTION AFTER 2 s of silence", "TCP DROPPED BY ME closed, at 12.5 ms"]),
        ([("timer", "2 s of silence"), ("sut", "closes TCP")], False, ["TCP DROPPED BY PEER closed, at 12.5 ms"]),
        ([("timer", "... 7 more, not listed")], False, ["TCP DROPPED BY PEER"]),
        ([("timer", "... 7 more, not listed")], True, ["TCP DROPPED BY ME"]),
        ([], False, []),
    ],
)  # fmt: skip
def test_the_wire_log_tells_how_tcp_ended(steps: list[tuple[str, str]], dropped_by_me: bool, lines: list[str]) -> None:
    assert ends_of([step(side, what) for side, what in steps], droppedByMe=dropped_by_me) == lines


def test_the_wire_log_of_the_established_suite() -> None:
    record = autobahn_record("a", "1.1.1")
    record["wirelog"] = [["CT", 1, "A"], ["CTE", "A"], ["KL", 1.0], ["KLE"], ["TI", 1], ["TIE"], ["WLM", True],
                         ["WLM", False], ["RF", [3, "abc"], 1, True, 0, False, None]]  # fmt: skip
    assert lines_of(record) == [
        "CONTINUE after 1 A", "CONTINUED A", "FAIL CONNECTION AFTER 1.0 sec", "FAILING CONNECTION",
        "CLOSE CONNECTION AFTER 1 sec", "CLOSING CONNECTION", "WIRE LOG on from here", "WIRE LOG no further lines",
        "RX FRAME OPCODE=1 (text), FIN=True, RSV=0, PAYLOAD-LEN=3, MASK=-: abc", "TCP DROPPED BY PEER",
    ]  # fmt: skip
    assert lines_of({**record, "wirelog": [], "droppedByMe": True}) == []
    assert lines_of({**sample(), "wirelog": [["TI", 2.0]]})[0] == "SILENCE 2.0 sec"


@given(chunks=st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=6), data=st.data())
def test_the_marked_octet_is_the_one_of_that_number(chunks: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(chunks)
    octet = data.draw(st.integers(0, len(whole) - 1))
    record = sample(deciding={"octet": octet, "entry": None, "arrived": None})
    record["wirelog"] = [["RO", [len(chunk), chunk.hex()]] for chunk in chunks]
    lines = [line for line in wire_log(tidy(record)) if line.what == "RX OCTETS"]
    marked = [place for place, line in enumerate(lines) if line.marked]
    assert len(marked) == 1
    line = lines[marked[0]]
    assert line.marked == whole[octet : octet + 1].hex()
    before = b"".join(chunks[: marked[0]]) + bytes.fromhex(line.detail.partition(": ")[2])
    assert before == whole[:octet]


def test_an_octet_that_is_not_in_the_log_is_not_marked() -> None:
    for octet in (-1, 54, 10**6):
        assert "<mark" not in case_page(sample(deciding={"octet": octet, "entry": 3, "arrived": 1}))
    for octet in (64, 65, 70):
        cut = sample(deciding={"octet": octet, "entry": None, "arrived": None})
        cut["wirelog"] = [["RO", [100, "00" * 64 + " ..."]]]
        assert "<mark" not in case_page(cut)


# --- the diagram ------------------------------------------------------------------------------------------------------


@given(steps=st.integers(1, 200), decides=st.none() | st.integers(0, 199))
@example(steps=MOST_ARROWS, decides=None)
@example(steps=MOST_ARROWS + 1, decides=0)
@example(steps=MOST_ARROWS + 1, decides=30)
def test_a_diagram_draws_each_step_or_counts_it(steps: int, decides: int | None) -> None:
    timeline = [step("sut", f"<{place}>", deciding=place == decides) for place in range(steps)]
    diagram = sequence_diagram(timeline, "server")
    drawn = [int(number) for number in re.findall(r">&lt;(\d+)&gt;</text>", diagram)]
    left_out = [int(number) for number in re.findall(r">\.\.\. (\d+) steps? left out here<", diagram)]
    assert drawn == sorted(set(drawn))
    assert len(drawn) == min(steps, MOST_ARROWS)
    assert len(drawn) + sum(left_out) == steps
    assert all(left_out)
    assert diagram.count("&#9668; decides") == (decides is not None and decides < steps)
    height = int(re.findall(r'height="(\d+)"', diagram)[0])
    assert max(int(y) for y in re.findall(r' y="(\d+)"', diagram)) < height


def test_no_steps_no_diagram() -> None:
    assert sequence_diagram([], "server") == ""
    assert "<svg" not in case_page(sample(timeline=[]))


# --- the index --------------------------------------------------------------------------------------------------------


def test_the_index_has_every_agent_case_and_total() -> None:
    records = [sample("first", "1.1.10"), sample("first", "1.1.2", "OK"), sample("second", "1.1.2", counts=False),
               sample("second", "own/case", "odd")]  # fmt: skip
    page = index_of(*records)
    ids = re.findall(r'<th scope="row">([^ <]+) <span', page)
    assert ids == ["1.1.2", "1.1.10", "own/case"]
    assert page.count(">Missing<") == 2
    assert page.count('class="group"') == 1
    matrix = page[page.index('<table class="matrix"') :]
    assert sorted(Skeleton(matrix).links) == [f"a_case_{number}.html" for number in range(4)]
    assert {link for link in Skeleton(page).links if "verdict" in link} == {
        "#verdict=OK&agent=0", "#verdict=FAILED&agent=0", "#verdict=NO-CONTROL&agent=1", "#verdict=other&agent=1",
    }  # fmt: skip
    totals = totals_of({str(n): summary_of(one, "x") for n, one in enumerate(records)})
    assert totals == {"OK": 1, "NON-STRICT": 0, "INFORMATIONAL": 0, "UNIMPLEMENTED": 0, "FAILED": 1,
                      "NOT RUN": 0, "NO CONTROL": 1, "other": 1, "cases": 4}  # fmt: skip
    assert "✗ FAILED" in page
    assert "∅ NO CONTROL" in page


def test_cases_without_a_group_are_found_by_their_number() -> None:
    page = index_of(autobahn_record("a", "4.1.1"), autobahn_record("a", "4.2.4"), autobahn_record("a", "10.1.1"),
                    autobahn_record("a", "own"))  # fmt: skip
    groups = re.findall(r'<tr class="group" data-group="([0-9.]+)"><th[^>]*><span>([^<]*)<', page)
    assert [name for _, name in groups] == ["Cases 4.*", "Cases 10.*", "Other cases"]
    assert len({number for number, _ in groups}) == 3
    options = re.findall(r'<option value="([0-9.]+)">([^<]*)</option>', page)
    assert sorted(groups) == sorted(options)


def test_file_names_in_links_are_quoted() -> None:
    entry = summary_of(sample(), 'javascript:x"_case_<1>#?.json')
    links = [link for link in Skeleton(index_page({"a": {"1": entry}})).links if not link.startswith("#")]
    assert len(links) == 2  # of the cause, and of the case
    for link in links:
        assert link == "javascript%3Ax%22_case_%3C1%3E%23%3F.html"


@pytest.mark.parametrize(
    ("begun", "span"),
    [
        (["2026-11-22T17:06:31.391Z", "2026-11-22T17:06:31.000Z"], ("2026-11-22T17:06:31.000Z", 0.432)),
        (["junk"], (None, 0.0)),
        ([], (None, 0.0)),
        (["2026-11-22T17:06:31", "2026-11-22T17:06:31Z"], (None, 0.0)),
        (["9999-12-31T23:59:59.999Z"], (None, 0.0)),
    ],
)
def test_the_span_of_a_run(begun: list[str], span: tuple[str | None, float]) -> None:
    assert span_of(replace(summary_of(sample()), started=one) for one in begun) == span


@pytest.mark.parametrize("first", ["index", "page"])
def test_neither_kind_of_page_needs_the_other(first: str) -> None:
    for cached in (template_environment, index._template, page._template):
        cached.cache_clear()
    try:
        assert "<main>" in (index_of(sample()) if first == "index" else case_page(sample()))
    finally:
        template_environment.cache_clear()
        index._template.cache_clear()
        page._template.cache_clear()


# --- hostile records --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_stays_text(text: str) -> None:
    record = poisoned(text)
    assert_harmless(case_page(record))
    assert_harmless(index_of(record, sample("other", text)), scripts=1)


def neutral(text: str) -> str:
    return text.translate(str.maketrans("<>&\"'", "łøđþß"))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_page_has_the_elements_of_a_harmless_one(text: str) -> None:
    hostile, harmless = Skeleton(case_page(poisoned(text))), Skeleton(case_page(poisoned(neutral(text))))
    assert hostile.elements == harmless.elements
    assert any(tag == "mark" for tag, _ in Skeleton(case_page(sample())).elements)


def test_wrong_types_in_any_place() -> None:
    for record in spoiled():
        page = case_page(record)
        assert "<main>" in page
        assert "<b>" not in page
        assert page.rstrip().endswith("</html>")
        summary_of(record, "a_case_1.json")


def test_wrong_types_in_the_index() -> None:
    records = [{**record, "id": f"1.{number}"} for number, record in enumerate(spoiled())]
    page = index_of(*records)
    assert_harmless(page, scripts=1)
    assert page.count('class="case"') == len(records)


def test_long_texts_are_cut() -> None:
    long = case_page(poisoned("x" * 100_000))
    assert len(long) < 60 * LONGEST
    assert "more characters)" in long
    assert len(index_of(poisoned("x" * 100_000))) < 2 * LONGEST + 20_000


TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=12)
FIELDS = st.sampled_from(
    ["agent", "id", "behavior", "behaviorClose", "duration", "started", "received", "expected", "httpRequest",
     "wirelog", "rxOctetStats", "txFrameStats", "trafficStats", "createWirelog", "droppedByMe", "remoteCloseReason"]
)  # fmt: skip
OURS = st.sampled_from(
    ["title", "group", "role", "verdict", "counts", "passed", "control", "rules", "allowed", "expected", "deciding",
     "note", "timeline", "facts", "url", "seed"]
)  # fmt: skip
INSIDE = st.sampled_from(
    ["id", "strength", "section", "quote", "part", "what", "rules", "verdict", "octet", "entry", "arrived", "t", "from",
     "octets", "hex", "start", "deciding", "1", "<i>"]
)  # fmt: skip
KINDS = st.sampled_from(["RO", "TO", "RF", "TF", "CT", "CTE", "KL", "KLE", "TI", "TIE", "WLM"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(INSIDE, inner, max_size=4)
        | st.tuples(KINDS, st.tuples(st.integers(), TEXTS).map(list), inner, inner, inner, inner, inner).map(list)
    ),
    max_leaves=12,
)
RECORDS = st.builds(
    lambda theirs, ours: {"agent": "a", "id": "1", **theirs, **({} if ours is None else {"wsoracle": ours})},
    st.dictionaries(FIELDS, JSON | st.lists(JSON, max_size=4), max_size=8),
    st.none() | LEAVES | st.dictionaries(OURS, JSON | st.lists(JSON, max_size=3), max_size=8),
)


@settings(max_examples=50)
@given(record=RECORDS)
def test_any_json_makes_a_page_without_elements_of_its_own(record: dict[str, Any]) -> None:
    page = case_page(record)
    found = assert_harmless(page)
    assert found.elements == Skeleton(case_page(with_leaves(record, neutral))).elements


@settings(max_examples=25)
@given(records=st.lists(RECORDS, max_size=3))
def test_any_json_makes_an_index(records: list[dict[str, Any]]) -> None:
    named = [{**record, "agent": str(record["agent"]), "id": str(record["id"])} for record in records]
    assert_harmless(index_of(*named), scripts=1)


@given(st.text(max_size=60))
@example("a\r\nb\tc")
@example("\u202e\u00ad\U000e0041")
def test_what_is_shown_is_visible(text: str) -> None:
    line = visible(text, 50, lines=False)
    assert "\n" not in line
    assert visible(line, 10_000, lines=False) == line
    assert not any("\ud800" <= c <= "\udfff" or c in "\u202e\u2066\0\x1b\u00ad" for c in line)
    if text.isascii() and text.isprintable():
        assert visible(text) == text


def test_templates_are_kept_compiled_as_modules_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(rendering._FOLDER, tmp_path / "templates", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(rendering, "_FOLDER", tmp_path / "templates")
    monkeypatch.setattr(sys, "dont_write_bytecode", False)

    def loaded() -> Any:
        return cast("Any", rendering.template_environment.__wrapped__()).get_template("index.html.j2")

    kept = tmp_path / "templates" / "__pycache__"
    assert loaded() and len(list(kept.iterdir())) == 1
    # Whatever is there instead is no bytecode, and made anew.
    next(kept.iterdir()).write_bytes(b"half of it")
    assert loaded() and next(kept.iterdir()).read_bytes() != b"half of it"
    # Where nothing can be kept there, nothing is.
    shutil.rmtree(kept)
    kept.write_text("in the way", encoding="utf-8")
    assert loaded()
    kept.unlink()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert loaded() and not kept.exists()
