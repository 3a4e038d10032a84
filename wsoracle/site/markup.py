"""HTML from the Markdown that docs/spec.md and its blocks are written in, with links to what the words name.

markdown-it-py reads it. What differs from its HTML: names in code, chapters and sections are links; headings have
anchors and stand one step higher; wide tables scroll; what stands in brackets at the end of a quotation is its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from .addresses import Addresses

_TAGS: Final = ("<br>", "<cite>", "</cite>")


class Heading(NamedTuple):
    """A heading of a piece of Markdown: its depth, its words without markup, and its anchor."""

    depth: int
    words: str
    anchor: str


def plain_words(markdown: str) -> str:
    """A line of Markdown without its markup, for titles and for the search."""
    return " ".join("".join(_words(_PLAIN.parseInline(markdown))).split())


def words_of(markdown: str) -> str:
    """Paragraphs of Markdown without their markup, for the search."""
    return " ".join(" ".join(_words(_PLAIN.parse(markdown))).split())


def anchor_of(words: str) -> str:
    """The anchor of a heading: its words in lower case, joined by hyphens."""
    return "-".join(re.findall(r"[a-z0-9]+", words.lower()))


class Markup:
    """Turns Markdown into HTML; what it names is linked as ``addresses`` say, from the page named ``page``."""

    def __init__(self, addresses: Addresses, page: str = "") -> None:
        self._reader: Final = _reader()
        self._about: Final[dict[str, Any]] = {"addresses": addresses, "page": page}
        self.headings: list[Heading] = []

    def html(self, markdown: str) -> str:
        """The HTML of a piece of Markdown; its headings are added to :attr:`headings`."""
        return str(self._reader.render(markdown, self._about | {"headings": self.headings}))

    def line(self, text: str) -> str:
        """The HTML of one line."""
        return str(self._reader.renderInline(text, dict(self._about)))


class _Html(RendererHTML):
    """The HTML that differs. ``env`` has what a :class:`Markup` knows."""

    def text(self, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """Words, in which chapters and sections are linked unless they stand in a link."""
        words = escape(tokens[at].content, quote=False)
        linked = sum(token.type == "link_open" for token in tokens[:at])
        if linked > sum(token.type == "link_close" for token in tokens[:at]):
            return words
        return str(env["addresses"].linked(words, env["page"]))

    def code_inline(self, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """A name, linked to its place if it has one."""
        return str(env["addresses"].link(tokens[at].content))

    def html_inline(self, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """The tags that are meant as such."""
        content = tokens[at].content
        return content if content in _TAGS else escape(content, quote=False)

    def fence(self, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """Text as it stands, which the keyboard can scroll."""
        return f"<pre tabindex=0>{escape(tokens[at].content.rstrip(chr(10)))}</pre>\n"

    def heading_open(self, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """The title of a page is that of a chapter, which has a depth of two in the document."""
        words = "".join(_words(tokens[at + 1 : at + 2]))
        found = Heading(_depth(tokens[at]), words, anchor_of(words))
        env["headings"].append(found)
        return f'<h{found.depth} id="{found.anchor}">'

    def heading_close(self, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """Its end."""
        return f"</h{_depth(tokens[at])}>\n"

    def table_open(self, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """A table is named by its first column."""
        first = next(number for number in range(at, len(tokens)) if tokens[number].type == "th_open")
        return f"{_scroll(''.join(_words(tokens[first + 1 : first + 2])))}<table>"

    def table_close(self, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """Its end."""
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """The name of a column."""
        return "<th scope=col>"


def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": True}, renderer_cls=_Html).enable("table")
    reader.core.ruler.push("sources", _sources)
    return reader


_PLAIN: Final = MarkdownIt("commonmark")


def _sources(state: StateCore) -> None:
    """The source in brackets at the end of a quotation; links to other documents, which the site does not have."""
    quoted = 0
    for token in state.tokens:
        quoted += (token.type == "blockquote_open") - (token.type == "blockquote_close")
        children = token.children or []
        for index, child in enumerate(children):
            path = str(child.attrGet("href") or "")
            if child.type == "link_open" and path.endswith(".md"):
                end = next(number for number in range(index, len(children)) if children[number].type == "link_close")
                children[index : end + 1] = [Token("code_inline", "code", 0, content=f"docs/{path}")]
            elif quoted and child.type == "softbreak" and children[index + 1].content.startswith("("):
                child.type, child.content = "html_inline", "<cite>"
                children.append(Token("html_inline", "", 0, content="</cite>"))
                break


def _depth(heading: Token) -> int:
    return int(heading.tag[1]) - 1


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    """The words of tokens, without markup."""
    for token in tokens:
        if token.children:
            yield from _words(token.children)
        else:
            yield " " if token.type in ("softbreak", "html_inline") else token.content


def _scroll(name: str) -> str:
    return f'<div class=scroll tabindex=0 role=group aria-label="Table: {escape(name)}">'


def in_scroll(table: str, name: str) -> str:
    """A table that scrolls inside its own box where it is wider than the screen; the keyboard reaches it."""
    return f"{_scroll(name)}{table}</div>"
