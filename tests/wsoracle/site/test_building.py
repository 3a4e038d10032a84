"""The files of the site: every link leads somewhere, every rule has its place, and what loads first is small."""

import json
import re
from collections import Counter
from functools import lru_cache
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest

from tests.wsoracle.site.pyodide_folder import pyodide
from wsoracle import spec
from wsoracle.generators.suite.telling import TellingMutant, telling
from wsoracle.generators.suite.witnesses import witnesses
from wsoracle.model.rules import RULES
from wsoracle.site.addresses import Addresses
from wsoracle.site.building import START, SiteBuilder
from wsoracle.site.chapters import chapters
from wsoracle.site.knowledge import knowledge
from wsoracle.site.markup import Markup
from wsoracle.spec import document, runs

DOCUMENT: Final = (Path(__file__).resolve().parents[3] / spec.DOCUMENT).read_text(encoding="utf-8")
FINDINGS: Final = (Path(__file__).resolve().parents[3] / "docs" / "findings.md").read_text(encoding="utf-8")
ASKED: Final = ("5.1/server-refuses-unmasked", "5.2/reserved-bits", "5.1/client-masks", "4.2.1/get-only")
"""Rules of which the tests of pages have exercises; all of them take longer."""

BUDGET: Final = 200_000
"""The most octets that a page may load before its reader does anything, the first one above all."""

EXPLORER: Final = "explorer.html"
HISTORY: Final = re.compile(r"(open|connect),")
"""The beginning of what stands behind the address of the explorer."""

_LONG: Final = ("cases-compressed-messages.html", "cases-opening-handshake.html", "mutants-responses-client.html")
"""Lists to look things up in, which may be longer."""


class Reading(HTMLParser):
    """The ids and the addresses of a page, and its elements that are not closed."""

    VOID: Final = {"meta", "link", "input", "br", "hr"}

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if found.get("href"):
            (self.links if tag == "a" else self.loads).append(str(found["href"]))
        if found.get("src"):
            self.loads.append(str(found["src"]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@lru_cache(maxsize=1)
def builder_of_the_site() -> SiteBuilder:
    found = witnesses(only=ASKED)
    return SiteBuilder(DOCUMENT, pyodide(), found, told_mutants(), FINDINGS)


@lru_cache(maxsize=1)
def told_mutants() -> tuple[TellingMutant, ...]:
    return telling(witnesses(only=ASKED), ASKED)


@lru_cache(maxsize=1)
def files_of_the_site() -> dict[str, str]:
    return builder_of_the_site().files()


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return files_of_the_site()


@pytest.fixture(scope="module")
def pages(files: dict[str, str]) -> dict[str, Reading]:
    found = {}
    for name, text in files.items():
        if name.endswith(".html"):
            found[name] = Reading()
            found[name].feed(text)
    return found


def test_every_page_is_well_formed_and_every_anchor_is_there_once(pages: dict[str, Reading]) -> None:
    for name, page in pages.items():
        assert not page.wrong and not page.open, name
        assert [one for one, count in Counter(page.ids).items() if count > 1] == [], name


def test_every_link_leads_to_a_page_and_an_anchor_of_the_site(pages: dict[str, Reading]) -> None:
    for name, page in pages.items():
        for link in page.links:
            to, _, anchor = link.partition("#")
            assert (to or name) in pages, f"{name}: {link}"
            if to == EXPLORER and anchor:  # a history
                assert HISTORY.match(anchor), f"{name}: {link}"
                continue
            assert not anchor or unquote(anchor) in pages[to or name].ids, f"{name}: {link}"


def test_every_page_can_be_reached_from_the_first(pages: dict[str, Reading]) -> None:
    reached, ahead = {START}, [START]
    while ahead:
        for link in pages[ahead.pop()].links:
            to = link.partition("#")[0]
            if to and to not in reached:
                reached.add(to)
                ahead.append(to)
    assert reached == set(pages)


def test_pages_load_nothing_but_the_style_and_the_scripts_beside_them(
    files: dict[str, str], pages: dict[str, Reading]
) -> None:
    loads = {load for page in pages.values() for load in page.loads}
    assert {"data:,", "style.css", "site.js"} <= loads <= {"data:,", *files}
    data = ("search.js", "presets.js")
    scripts = "".join(text for name, text in files.items() if name.endswith((".css", ".js")) and name not in data)
    assert not re.search(r"https?://|@import|url\(", scripts)


def test_what_loads_first_is_within_the_budget(files: dict[str, str], pages: dict[str, Reading]) -> None:
    sizes = {
        name: sum(len(files[one].encode()) for one in (name, *page.loads) if one in files)
        for name, page in pages.items()
    }
    assert [name for name, size in sizes.items() if size > BUDGET] == [*_LONG]


def test_every_rule_theorem_requirement_case_and_mutant_stands_on_one_page(pages: dict[str, Reading]) -> None:
    known = knowledge()
    mutants = [mutant.id for every in known.mutants_of.values() for mutant in every]
    for prefix, names in (
        ("rules-", [rule.id for rule in RULES]),
        ("theorems", [theorem.id for theorem in known.theorems]),
        ("clause-", [row["id"] for row in known.requirements]),
        ("cases-", [case.id for case in known.cases]),
        ("mutants-", mutants),
    ):
        places = Counter(one for name, page in pages.items() if name.startswith(prefix) for one in page.ids)
        assert names
        assert [name for name in names if places[name] != 1] == []


def test_every_run_is_a_player_in_its_chapter(files: dict[str, str]) -> None:
    blocks = [f"run-{name}" for name in runs.RUNS] + [f"opening-{name}" for name in runs.OPENINGS]
    for block in blocks:
        inside = [name for name, text in files.items() if f'<figure class=player id="{block}"' in text]
        assert len(set(inside) - {START}) == 1, block


def test_frames_come_before_the_opening_handshake_and_its_refusals_last() -> None:
    order = [chapter.number for chapter in chapters(DOCUMENT)]
    assert order[:2] == ["1", "3"]
    assert order.index("12") < order.index("2") < order.index("2.7") < order.index("13")


def test_the_first_page_says_which_end_closes_tcp_first_and_why(files: dict[str, str]) -> None:
    start = files[START]
    assert "SHOULD be closed first by the server, so that it holds the TIME_WAIT state" in start
    assert 'href="closing.html#10-5-which-end-closes-tcp"' in start
    assert 'rel=next href="frames.html"' in start


def test_the_number_by_which_a_chapter_is_referred_to_stands_in_the_contents(files: dict[str, str]) -> None:
    for chapter in chapters(DOCUMENT):
        entry = f"<span class=dim>{chapter.number}</span> {escape(chapter.title)}</a>"
        assert entry in files["contents.html"], chapter.number


def test_a_page_of_rules_says_first_how_a_rule_is_read(files: dict[str, str]) -> None:
    pages = [name for name in files if name.startswith("rules-") and name.endswith(".html")]
    assert pages
    for name in pages:
        before = files[name].partition("<article")[0]
        assert '<a href="what-a-rule-is.html#13-2-a-row">chapter 13.2</a>' in before, name


def test_a_long_chapter_begins_with_its_sections(files: dict[str, str]) -> None:
    overview = files["closing.html"].partition("<nav class=sections")[2].partition("</nav>")[0]
    assert [link.count(".") for link in re.findall(r">(10\.\d) ", overview)] == [1] * 6
    assert "<nav class=sections" not in files["masking.html"]


def test_the_search_knows_the_text_of_chapters(files: dict[str, str]) -> None:
    text = files["search.js"]
    entries = json.loads(text[text.index("[") : text.rindex("]") + 1])
    holding = {(page, anchor) for page, _, anchor, words in entries if "TIME_WAIT" in words}
    assert ("closing.html", "10-5-which-end-closes-tcp") in holding
    assert any(page == "masking.html" and not anchor and "proxy" in words for page, _, anchor, words in entries)


def test_what_to_break_first_says_what_is_no_longer_true(files: dict[str, str]) -> None:
    first = files["break.html"].partition("To begin with")[2].partition("</ul>")[0]
    assert "No longer true: \u201cA server accepts and a client sends only masked frames" in first
    assert "well-formed/" not in first


def test_no_word_of_the_document_is_lost(files: dict[str, str]) -> None:
    """Each paragraph and each heading that people wrote stands on some page."""
    text = " ".join(files[chapter.page] for chapter in chapters(DOCUMENT))
    shown = " ".join(unescape(re.sub(r"<[^>]+>", "", text)).split())
    by_hand = "\n".join(part.text for part in document.parts(DOCUMENT) if part.name is None)
    body = by_hand[by_hand.index("## 1. ") :]
    paragraphs = [" ".join(one.split()) for one in re.split(r"\n\s*\n", body)]
    plain = [
        re.sub(r"[`*]", "", re.sub(r"\[.*?\]\((.*?)\)", r"docs/\1", one)) for one in paragraphs if one[:1].isalpha()
    ]
    assert len(plain) > 100
    assert [one for one in plain if one not in shown] == []


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("a *b* **c** `<d>`", "<p>a <em>b</em> <strong>c</strong> <code>&lt;d&gt;</code></p>"),
        ("1. a\n2. b<br>c", "<ol><li>a</li><li>b<br>c</li></ol>"),
        ("> a <b>\n> (section 9.9)", "<blockquote><p>a &lt;b&gt;<cite>(section 9.9)</cite></p></blockquote>"),
        ("chapter 3, section 5.2.", '<p><a href="f.html">chapter 3</a>, <a href="c.html#5.2">section 5.2</a>.</p>'),
        ("`5.1/x` or `y`", '<p><a href="r.html#5.1/x"><code>5.1/x</code></a> or <code>y</code></p>'),
        ("see [testing.md](testing.md)", "<p>see <code>docs/testing.md</code></p>"),
    ],
)  # fmt: skip
def test_markdown_becomes_html(markdown: str, html: str) -> None:
    to = Addresses({"5.1/x": "r.html#5.1/x"}, {"3": "f.html"}, {"5.2": "c.html#5.2"})
    assert Markup(to).html(markdown).replace("\n", "") == html
