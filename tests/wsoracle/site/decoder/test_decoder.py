"""What the decoder says, as parts of a page: the same as explain and judge, in HTML that nothing can break out of."""

from html.parser import HTMLParser
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wsoracle.site.decoder.examples import DecoderInput, by_hand
from wsoracle.explain.frames import explain
from wsoracle.explain.text import lines
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.site.addresses import Addresses
from wsoracle.site.decoder.entry import decoded
from wsoracle.site.decoder.page import EXAMPLES, DecoderExample
from wsoracle.site.decoder.reading import MOST_FRAMES

NOWHERE: Final = Addresses()
KNOWN: Final = {
    "p", "section", "h3", "h4", "span", "table", "thead", "tbody", "tr", "th", "td", "div", "blockquote", "cite",
    "code", "pre", "article", "ol", "ul", "li", "strong", "details", "summary", "a",
}  # fmt: skip


class PartsOfPage(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in KNOWN
        assert all(name in ("class", "scope", "start", "tabindex", "open", "href") for name, _ in attrs)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def words_of(html: str) -> str:
    parts = PartsOfPage()
    parts.feed(html)
    parts.close()
    assert parts.open == []
    return " ".join(" ".join(parts.text).split())


def said(text: str = "", octets: bytes | None = None, **options: object) -> str:
    return words_of(decoded({"text": text, **options}, octets, NOWHERE))


@settings(max_examples=40)
@given(st.binary(min_size=1, max_size=40), st.sampled_from(Role))
def test_it_says_what_explain_prints(octets: bytes, role: Role) -> None:
    html = said(octets.hex(), role=role.value)
    for line in lines(explain(octets, Setting(role)), 10_000):
        for word in line.plain.replace('"', " ").split():
            assert word.rstrip(".:") in html or "..." in line.plain, line.plain


@given(st.text(max_size=60) | st.text("<>&\"' 81\n", max_size=20))
def test_whatever_is_pasted_nothing_breaks_out_of_its_element(text: str) -> None:
    said(text)
    said(f"> {text}\n< {text}\n")
    said(f"GET /{text} HTTP/1.1\nHost: {text}\n")


@settings(max_examples=40)
@given(st.binary(min_size=1, max_size=60))
def test_whatever_file_is_opened_something_is_said(octets: bytes) -> None:
    assert said(octets=octets)


@pytest.mark.parametrize("one", list(by_hand()))
def test_every_form_is_answered(one: DecoderInput) -> None:
    assert words_of(decoded(one.asked, one.octets, NOWHERE))


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.title)
def test_examples_are_no_errors(one: DecoderExample) -> None:
    assert "received by a" in said(one.text, role=one.role)


def test_of_a_long_conversation_the_first_frames_are_explained() -> None:
    html = said("8a 00 " * (MOST_FRAMES + 1), role="client")
    assert f"the first {MOST_FRAMES} of {MOST_FRAMES + 1} frames are explained" in html
    assert html.count("octets long") == MOST_FRAMES


def test_both_heads_and_the_frames_behind_them_are_explained() -> None:
    conversation = next(one.asked["text"] for one in by_hand() if "* remark" in str(one.asked.get("text")))
    html = said(conversation + "> 81 85 37 fa 21 3d 7f 9f 4d 51 58\n< 81 05 48 65 6c 6c 6f\n")
    for words in (
        "What the client sent",
        "What the server sent",
        "accept: right",
        "✓ OK the client",
        "✓ OK the server",
    ):
        assert words in html
    assert html.count("frame 1:") == 2
