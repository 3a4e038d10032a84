"""All files of the site: the pages with their frame, the style, the scripts and the index of the search."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any, Final

from wsoracle.generators.suite.telling import TellingMutant, witnesses_that_kill
from wsoracle.generators.suite.witnesses import WitnessOrReason
from wsoracle.model.notation.sources import RFC_7692, place_of
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from ..reports.rendering import STYLE
from ..spec.frames import EXAMPLES
from ..spec.rules import TOPICS
from .addresses import Addresses, address
from .break_pages import CHOOSER, BreakPages
from .broken_runs import broken_run
from .broken_script import broken_script
from .cards import Cards, topic_of, topic_title
from .chapters import Chapter, chapters
from .decoder import page as decoder_page
from .decoder.packing import ARCHIVE, RUNTIME_FOLDER, archive
from .exercise_pages import SCRIPT, exercise_pages
from .exercises import exercises
from .fallen import fallen
from .finding_runs import finding_runs
from .findings import deviations_in
from .knowledge import Knowledge, knowledge
from .markup import Markup, anchor_of, words_of
from .octets import frames_html
from .playing import is_run, player
from .presets import preset_script
from .real_pages import PART as REAL
from .real_pages import RealPages
from .rule_script import rule_script
from .state_map import is_state_map, state_map
from .witness_histories import WitnessHistories

TITLE: Final = "WebSocket, read from its model"
START: Final = "index.html"
TOOLS: Final = "Try it yourself"
"""The part of the contents with pages that compute something."""

_CLOSES_FIRST: Final = "7.1.1-03"
"""The sentence of the RFC on which end closes TCP first."""
_LONG_TABLES: Final = {
    "close-codes": "All codes: the meaning of each, its senders, and the rules against it",
    "request-facts": "All facts of a request",
    "response-facts": "All facts of a response",
}
"""Tables that part a chapter, and what stands for each until it is opened."""
_LEGEND: Final = (
    "Each rule has a name, how strongly it binds, the words of the RFC that it comes from, when it counts, and what "
    "the endpoint then does or may do (chapter 13.2). The RFC marks _procedures and states_, |header fields| and "
    "/values/."
)
"""What stands above rules."""
_OVERVIEW: Final = 3
"""Sections from which on a chapter begins with their list."""

_TOOLS: Final = (
    ("explorer.html", "The explorer", "two endpoints, and what each may do next, with the rule that says so"),
    (CHOOSER, "Break a rule", "what falls when one rule is changed, and which real endpoints did it"),
    ("exercises-1.html", "Exercises", "what may the endpoint do now? With the reason after each answer"),
    (decoder_page.NAME, "Decoder", "octets of yours, field by field, with the rules that they meet"),
)
"""The pages to try things on, as the first page names them."""

EXPLORER_SCRIPTS: Final = (
    "rules.js", "explorer-machine.js", "explorer-wire.js", "explorer-deflate.js", "explorer-history.js",
    "explorer-parts.js", "explorer-forms.js", "explorer-sequence.js", "explorer.js",
)  # fmt: skip
"""The scripts of the explorer, which come after its page; the first one is made from the rules."""
EXPLORER_LOADER: Final = "explorer-load.js"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""What pages may load and run: what lies beside them, and nothing in the text of a page."""


@dataclass(frozen=True)
class SitePage:
    """A page: the name of its file, its title, the part of the contents that it stands in, and its main content."""

    name: str
    title: str
    part: str
    body: str
    found: tuple[tuple[str, str, str], ...] = ()
    """What the search finds on it: anchor, words to show, and more words that it is found by."""
    scripts: tuple[str, ...] = ()
    """The files of its own scripts, beside the one of all pages."""
    number: str = ""
    """The number of its chapter, by which texts refer to it."""
    words: str = ""
    """The text before its first heading, which the search finds it by."""


class SiteBuilder:
    """Makes the site from the text of docs/spec.md, whose blocks are as they should be.

    ``pyodide`` are the files of Pyodide by their names; without them the site has no decoder. Of the
    ``witnesses`` of the rules exercises are made, of the mutants that are ``told`` pages with broken rules;
    ``findings`` is the text of docs/findings.md.
    """

    def __init__(
        self,
        document: str,
        pyodide: Mapping[str, bytes] | None = None,
        witnesses: Mapping[tuple[str, Role], WitnessOrReason] | None = None,
        told: Sequence[TellingMutant] = (),
        findings: str = "",
    ) -> None:
        self._chapters = chapters(document)
        self._known: Knowledge = knowledge()
        self._addresses = Addresses()
        self._groups = _groups(self._known)
        self._witnesses = witnesses or {}
        self._told = told
        killers = witnesses_that_kill(told, self._witnesses)
        real = deviations_in(findings)
        self._real = RealPages([*finding_runs(real, self._known.cases)], self._addresses)
        self._at_work = WitnessHistories(self._witnesses)
        runs = [*map(broken_run, told)]
        self._broken = BreakPages(runs, killers, fallen(), real, self._known, self._addresses)
        self._cards = Cards(self._known, self._addresses, self._broken.places, self._at_work)
        self._give_addresses()
        self._loaded: dict[str, bytes] | None = None
        if pyodide is not None:
            rules = {rule.id: self._addresses.names[rule.id] for rule in RULES}
            places = Addresses(rules, self._addresses.chapters, self._addresses.sections)
            self._loaded = {ARCHIVE: archive(places)}
            self._loaded |= {f"{RUNTIME_FOLDER}/{name}": octets for name, octets in pyodide.items()}

    def loaded_later(self) -> Mapping[str, bytes]:
        """The files that a page loads when its reader asks for them, by their names."""
        return self._loaded or {}

    def files(self) -> dict[str, str]:
        """The text of each file of the site by its name."""
        pages = [self._chapter(chapter) for chapter in self._chapters]
        explorer = SitePage("explorer.html", "The explorer", TOOLS, _template("explorer.html"), (), (EXPLORER_LOADER,))
        pages = [*pages, explorer, self._decoder(), *self._breaking(), *self._exercises()]
        pages += [*self._reference(), *self._real_pages()]
        pages.insert(0, self._start(pages))
        pages.append(self._contents(pages))
        found = {page.name: self._whole(page, pages) for page in pages}
        entries = [[page.name, page.title, "", page.words] for page in pages]
        entries += [[page.name, shown, anchor, more] for page in pages for anchor, shown, more in page.found]
        found["style.css"] = f"{STYLE}\n{_template('site.css')}{_template('explorer.css')}"
        found |= {name: _template(name) for name in ("site.js", SCRIPT, EXPLORER_LOADER, *EXPLORER_SCRIPTS[1:])}
        found["rules.js"] = rule_script({rule.id: self._addresses.names[rule.id] for rule in RULES})
        found["broken.js"] = broken_script((one.mutant for one in self._told), self._broken.places)
        found["presets.js"] = preset_script(self._at_work, self._real)
        if self._loaded is not None:
            found |= {name: _template(name) for name in (decoder_page.SCRIPT, decoder_page.WORKER)}
        found["search.js"] = (
            f"window.wsoracleIndex = {json.dumps(entries, ensure_ascii=False, separators=(',', ':'))};\n"
        )
        return found

    def _give_addresses(self) -> None:
        known, to = self._known, self._addresses
        rule_pages = self._rule_pages()
        for rule in RULES:
            to.names[rule.id] = address(rule_pages[topic_of(rule.id).name], rule.id)
        for theorem in known.theorems:
            to.names[theorem.id] = address("theorems.html", theorem.id)
        for row in known.requirements:
            place = place_of(row["id"], row["section"])
            page = _clause_page(place)
            to.names[row["id"]] = address(page, row["id"])
            to.sections[place] = address(page, place)
        for name, cases in self._groups.items():
            to.names.update((case.id, address(_case_page(name), case.id)) for case in cases)
        for rule_id, every in known.mutants_of.items():
            page = f"mutants-{topic_of(rule_id).name}.html"
            to.names.update((mutant.id, address(page, mutant.id)) for mutant in every)
        for chapter in self._chapters:
            for number, anchor in chapter.sections.items():
                to.chapters[number] = address(chapter.page, anchor)

    def _rule_pages(self) -> dict[str, str]:
        """The page of each topic of the rules."""
        return {
            part.name.removeprefix("rules-"): chapter.page
            for chapter in self._chapters
            for part in chapter.parts
            if part.name is not None and part.name.startswith("rules-")
        }

    def _chapter(self, chapter: Chapter) -> SitePage:
        markup = Markup(self._addresses, chapter.page)
        body, words = "", {"": ""}
        for piece in chapter.parts:
            body += self._part(piece.name, piece.text, markup)
            if piece.name is None:
                under = markup.headings[-1].anchor if markup.headings else ""
                words[under] = f"{words.get(under, '')} {words_of(piece.text)}".strip()
        part = "Rules" if chapter.number.startswith("19") else "The model" if _after(chapter, "12") else "The protocol"
        found = [
            (heading.anchor, heading.words, words.get(heading.anchor, "").removeprefix(heading.words).strip())
            for heading in markup.headings
        ]
        for block in chapter.parts:
            if block.name and block.name.startswith("rules-"):
                rules = next(topic.rules for topic in TOPICS if topic.name == block.name.removeprefix("rules-"))
                found += [(rule.id, rule.id, f"{rule.quote} {rule.words}") for rule in rules]
            if block.name and is_run(block.name):
                found.append((block.name, f"Run: {block.name.partition('-')[2].replace('-', ' ')}", chapter.title))
        top = f"<p class=eyebrow>Chapter {chapter.number}</p><h1>{escape(chapter.title)}</h1>{_overview(markup)}"
        return SitePage(
            chapter.page, chapter.title, part, top + body, tuple(found), number=chapter.number, words=words[""]
        )

    def _part(self, block: str | None, text: str, markup: Markup) -> str:
        if block is not None and is_run(block):
            return player(block, self._addresses)
        if block is not None and block.partition("-")[0] == "example":
            frames = map(bytes.fromhex, EXAMPLES[block.removeprefix("example-")])
            return f"<figure class=frames>{frames_html(frames)}</figure>"
        if block is not None and is_state_map(block):
            return state_map(block, text)
        if block is not None and block.startswith("rules-"):
            topic = next(topic for topic in TOPICS if topic.name == block.removeprefix("rules-"))
            return f"<p>{self._addresses.linked(_LEGEND, '')}</p>{self._cards.rules(topic)}"
        if block == "theorems":
            return '<p><a href="theorems.html">All theorems</a></p>'
        if block == "requirements":
            links = (_link(_clause_page(one), _chapter_of_rfc(one)) for one in self._by_clause())
            return f"<ul>{''.join(f'<li>{link}</li>' for link in links)}</ul>"
        if block in _LONG_TABLES:
            return f"<details class=long><summary>{_LONG_TABLES[block]}</summary>{markup.html(text)}</details>"
        return markup.html(text)

    def _by_clause(self) -> dict[str, list[Mapping[str, Any]]]:
        """The normative sentences: of each section of RFC 6455 with one number, and of RFC 7692."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for row in self._known.requirements:
            found.setdefault(place_of(row["id"], row["section"]).split(".")[0], []).append(row)
        return found

    def _reference(self) -> Iterable[SitePage]:
        cards, known = self._cards, self._known
        for one, rows in self._by_clause().items():
            yield self._listing(
                _clause_page(one), _chapter_of_rfc(one), "Sentences of the RFC", cards.clauses(rows),
                ((row["id"], row["id"], row["quote"]) for row in rows),
            )  # fmt: skip
        yield self._listing(
            "theorems.html", "Theorems", "Proofs and tests", cards.theorems(),
            ((theorem.id, theorem.id, theorem.statement) for theorem in known.theorems),
        )  # fmt: skip
        yield self._listing(
            "findings.html", "What real endpoints do", "Proofs and tests", self._fleet() + cards.findings(),
            ((rule, f"Findings on {rule}", "") for rule in known.findings_of),
        )  # fmt: skip
        for name, cases in self._groups.items():
            yield self._listing(
                _case_page(name), f"Cases: {name}", "Cases", cards.cases(cases),
                ((case.id, case.id, case.title) for case in cases),
            )  # fmt: skip
        for topic in TOPICS:
            title = f"Mutants: {topic_title(topic)}"
            yield self._listing(f"mutants-{topic.name}.html", title, "Mutants", cards.mutants(topic), ())

    def _decoder(self) -> SitePage:
        body = decoder_page.decoder_body(_template("decoder.html"), self._loaded)
        scripts = () if self._loaded is None else (decoder_page.SCRIPT,)
        return SitePage(decoder_page.NAME, decoder_page.TITLE, TOOLS, body, scripts=scripts)

    def _breaking(self) -> Iterable[SitePage]:
        for page in self._broken.pages():
            found = tuple((anchor, f"Break {rule}", "") for rule, anchor in page.breaks)
            body = f"<h1>{escape(page.title)}</h1>{page.body}"
            yield SitePage(page.name, page.title, "Broken rules" if page.breaks else TOOLS, body, found)

    def _exercises(self) -> Iterable[SitePage]:
        for page in exercise_pages(exercises(self._witnesses), self._addresses):
            found = tuple((anchor, f"Exercise on {rule}", "") for rule, anchor in page.asks)
            body = f"<h1>{escape(page.title)}</h1>{page.body}"
            part, scripts = ("Exercises", (SCRIPT,)) if page.asks else ("Exercises as sheets", ())
            yield SitePage(page.name, page.title, part, body, found, scripts)

    def _real_pages(self) -> Iterable[SitePage]:
        for page in self._real.pages():
            found = tuple((anchor, f"{page.title}: {rules or 'no rule'}", "") for anchor, rules in page.finds)
            yield SitePage(page.name, page.title, REAL, f"<h1>{escape(page.title)}</h1>{page.body}", found)

    def _fleet(self) -> str:
        servers, clients = (self._known.fleet[role] for role in ("server", "client"))
        return (
            f"<p>Real implementations were tested: {servers} as servers and {clients} as clients. Each row below says "
            "what an endpoint does that its rules do not allow in full, and in how many of them that was found. What "
            f'each of them did, to be played in the explorer: <a href="contents.html#{anchor_of(REAL)}">{REAL}</a>.</p>'
        )

    @staticmethod
    def _listing(name: str, title: str, part: str, body: str, found: Iterable[tuple[str, str, str]]) -> SitePage:
        return SitePage(name, title, part, f"<h1>{escape(title)}</h1>{body}", tuple(found))

    def _start(self, pages: list[SitePage]) -> SitePage:
        """The first page: the first frame, the setting and the first runs, each as its chapter has it."""
        markup = Markup(self._addresses, START)
        first = next(chapter for chapter in self._chapters if chapter.number == "1")
        setting = "".join(self._part(part.name, part.text, markup) for part in first.parts)
        frame = self._part("example-hello", "", markup)
        text = _template("start.html")
        links = "".join(_item(page, False) for page in pages if page.part == "The protocol")
        why = next(row for row in self._known.requirements if row["id"] == _CLOSES_FIRST)
        quote = f"> {why['quote']}\n> (section {why['section']})"
        tools = "".join(f"<li>{_link(to, words)}: {escape(does)}</li>" for to, words, does in _TOOLS)
        return SitePage(START, TITLE, "", text.format(
            title=TITLE, setting=setting, frame=frame, run=player("run-ping-inside-message", self._addresses),
            close=player("run-server-closes", self._addresses), links=links, tools=tools, why=markup.html(quote),
            more=self._addresses.linked("Chapter 10.5", START),
        ))  # fmt: skip

    def _contents(self, pages: list[SitePage]) -> SitePage:
        return SitePage("contents.html", "Contents", "", f"<h1>Contents</h1><nav aria-label=All>{_all(pages)}</nav>")

    def _whole(self, page: SitePage, pages: list[SitePage]) -> str:
        ordered = [one for one in pages if one.part]
        at = next((place for place, one in enumerate(ordered) if one is page), None)
        before = ordered[at - 1] if at else None
        after = (
            ordered[1] if page.name == START else ordered[at + 1] if at is not None and at + 1 < len(ordered) else None
        )
        way = "".join(
            f'<a rel={rel} href="{one.name}">{words} {escape(one.title)}</a>'
            for one, rel, words in ((before, "prev", "←"), (after, "next", "→"))
            if one is not None
        )
        return _template("page.html").format(
            title=escape(page.title if page.name == START else f"{page.title} - {TITLE}"), site=TITLE, policy=POLICY,
            scripts="".join(f'<script src="{script}"></script>' for script in ("site.js", *page.scripts)),
            aside=_aside(page, pages), body=page.body, way=way,
        )  # fmt: skip


def _aside(page: SitePage, pages: list[SitePage]) -> str:
    """The contents beside a page: the chapters, and of the other parts the one that the page stands in."""
    parts = []
    for part, found in _by_part(pages).items():
        if part in ("The protocol", TOOLS, page.part):
            items = "".join(_item(one, one is page) for one in found)
        else:
            parts.append(f'<p><a href="contents.html#{anchor_of(part)}">{part}</a></p>')
            continue
        parts.append(f"<p>{part}</p><ul>{items}</ul>")
    return "".join(parts)


def _item(page: SitePage, here: bool) -> str:
    number = f"<span class=dim>{page.number}</span> " if page.number else ""
    return f'<li><a href="{page.name}"{" aria-current=page" if here else ""}>{number}{escape(page.title)}</a></li>'


def _overview(markup: Markup) -> str:
    """The sections of a chapter as a list, where there are several."""
    sections = [one for one in markup.headings if one.depth == 2]
    if len(sections) < _OVERVIEW:
        return ""
    items = "".join(f'<li><a href="#{one.anchor}">{escape(one.words)}</a></li>' for one in sections)
    return f'<nav class=sections aria-label="On this page"><ul>{items}</ul></nav>'


def _all(pages: list[SitePage]) -> str:
    return "".join(
        f'<h2 id="{anchor_of(part)}">{part}</h2><ul class=columns>{"".join(_item(one, False) for one in found)}</ul>'
        for part, found in _by_part(pages).items()
    )


def _by_part(pages: list[SitePage]) -> Mapping[str, list[SitePage]]:
    found: dict[str, list[SitePage]] = {}
    for page in pages:
        if page.part:
            found.setdefault(page.part, []).append(page)
    return found


def _after(chapter: Chapter, number: str) -> bool:
    return int(chapter.number.split(".")[0]) > int(number)


def _groups(known: Knowledge) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for case in known.cases:
        found.setdefault(case.group[0], []).append(case)
    return found


def _case_page(group: str) -> str:
    return f"cases-{anchor_of(group)}.html"


def _chapter_of_rfc(place: str) -> str:
    return "RFC 7692" if place == RFC_7692.rstrip(".") else f"Section {place} of RFC 6455"


def _clause_page(section: str) -> str:
    return f"clause-{section.split('.')[0]}.html"


def _link(to: str, words: str) -> str:
    return f'<a href="{to}">{escape(words)}</a>'


@lru_cache
def _template(name: str) -> str:
    return (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")


def write_files(files: Mapping[str, str | bytes], folder: Path) -> int:
    """Write the files of a site into a folder, which is made where it is not there; how many octets they have.

    Raises :class:`OSError` where they cannot be written.
    """
    count = 0
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        count += (folder / name).write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return count
