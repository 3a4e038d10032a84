"""HTML from the Markdown that docs/spec.md and its blocks are written in, with links to what the words name.

It reads what the document uses: headings, paragraphs, lists, quotations, fenced blocks and tables; in a line code,
emphasis and links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, NamedTuple

from .addresses import Addresses

_HEADING: Final = re.compile(r"(#{1,6}) (.*)")
_ITEM: Final = re.compile(r"(?:-|(\d+)\.) (.*)")
_CODE: Final = re.compile(r"(?<!\\)`([^`]+)`")
_LINK: Final = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
_STRONG: Final = re.compile(r"\*\*(.+?)\*\*")
_WEAK: Final = re.compile(r"(?<![*\w])\*([^*\s](?:[^*]*[^*\s])?)\*(?![*\w])")
_BEGINS: Final = re.compile(r"#{1,6} |```|\||> |>$|- |\d+\. ")


class Heading(NamedTuple):
    """A heading of a piece of Markdown: its depth, its words without markup, and its anchor."""

    depth: int
    words: str
    anchor: str


def plain_words(markdown: str) -> str:
    """A line of Markdown without its markup, for titles and for the search."""
    text = _LINK.sub(r"\1", markdown.replace("<br>", " ").replace("\\|", "|"))
    return text.replace("**", "").replace("`", "").replace("&lt;", "<").strip()


def anchor_of(words: str) -> str:
    """The anchor of a heading: its words in lower case, joined by hyphens."""
    return "-".join(re.findall(r"[a-z0-9]+", words.lower()))


class Markup:
    """Turns Markdown into HTML; what it names is linked as ``addresses`` say, from the page named ``page``."""

    def __init__(self, addresses: Addresses, page: str = "") -> None:
        self._addresses = addresses
        self._page = page
        self.headings: list[Heading] = []

    def html(self, markdown: str) -> str:
        """The HTML of a piece of Markdown; its headings are added to :attr:`headings`."""
        return "\n".join(self._blocks(markdown.splitlines()))

    def line(self, text: str) -> str:
        """The HTML of one line."""
        parts = _CODE.split(text)
        return "".join(self._code(part) if number % 2 else self._words(part) for number, part in enumerate(parts))

    def _blocks(self, lines: Sequence[str]) -> Iterator[str]:
        at = 0
        while at < len(lines):
            line = lines[at]
            if not line.strip():
                at += 1
                continue
            end = at + 1
            if line.startswith("```"):
                while lines[end] != "```":
                    end += 1
                yield f"<pre tabindex=0>{escape(chr(10).join(lines[at + 1 : end]))}</pre>"
                end += 1
            elif heading := _HEADING.fullmatch(line):
                yield self._heading(len(heading[1]), heading[2])
            elif line.startswith("|"):
                end = _while(lines, end, "|")
                yield self._table(lines[at:end])
            elif line.startswith(">"):
                end = _while(lines, end, ">")
                yield self._quotation([quoted[2:] for quoted in lines[at:end]])
            elif _ITEM.match(line):
                while end < len(lines) and (_ITEM.match(lines[end]) or lines[end].startswith("  ")):
                    end += 1
                yield self._list(lines[at:end])
            else:
                while end < len(lines) and lines[end].strip() and not _BEGINS.match(lines[end]):
                    end += 1
                yield f"<p>{self.line(' '.join(lines[at:end]))}</p>"
            at = end

    def _heading(self, depth: int, text: str) -> str:
        depth -= 1  # the title of a page is that of a chapter, which has a depth of two in the document
        found = Heading(depth, plain_words(text), anchor_of(text))
        self.headings.append(found)
        return f'<h{depth} id="{found.anchor}">{self.line(text)}</h{depth}>'

    def _table(self, lines: Sequence[str]) -> str:
        head, _, *rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
        names = "".join(f"<th scope=col>{self.line(cell)}</th>" for cell in head)
        body = "".join(f"<tr>{''.join(f'<td>{self.line(cell)}</td>' for cell in row)}</tr>" for row in rows)
        return in_scroll(f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>", plain_words(head[0]))

    def _quotation(self, lines: Sequence[str]) -> str:
        source = lines[-1] if lines[-1].startswith("(") else ""
        words = " ".join(lines[: len(lines) - bool(source)])
        cited = f"<footer>{self.line(source)}</footer>" if source else ""
        return f"<blockquote><p>{self.line(words)}</p>{cited}</blockquote>"

    def _list(self, lines: Sequence[str]) -> str:
        items: list[str] = []
        for line in lines:
            item = _ITEM.match(line)
            if item:
                items.append(item[2])
            else:
                items[-1] += f" {line.strip()}"
        name = "ol" if lines[0][0].isdigit() else "ul"
        return f"<{name}>{''.join(f'<li>{self.line(item)}</li>' for item in items)}</{name}>"

    def _code(self, text: str) -> str:
        shown = text.replace("\\|", "|")
        address = self._addresses.of_name(shown)
        code = f"<code>{escape(shown)}</code>"
        return f'<a href="{address}">{code}</a>' if address else code

    def _words(self, text: str) -> str:
        shown = escape(text.replace("\\|", "|"), quote=False).replace("&amp;lt;", "&lt;").replace("&lt;br&gt;", "<br>")
        shown = _LINK.sub(self._outward, shown)
        shown = _WEAK.sub(r"<em>\1</em>", _STRONG.sub(r"<strong>\1</strong>", shown))
        return self._addresses.linked(shown, self._page)

    @staticmethod
    def _outward(link: re.Match[str]) -> str:
        """A link to another document of the repository, which the site does not have: its path alone."""
        return f"<code>docs/{link[2]}</code>" if link[2].endswith(".md") else f'<a href="{link[2]}">{link[1]}</a>'


def _while(lines: Sequence[str], at: int, begin: str) -> int:
    while at < len(lines) and lines[at].startswith(begin):
        at += 1
    return at


def in_scroll(table: str, name: str) -> str:
    """A table that scrolls inside its own box where it is wider than the screen; the keyboard reaches it."""
    return f'<div class=scroll tabindex=0 role=group aria-label="Table: {escape(name)}">{table}</div>'
