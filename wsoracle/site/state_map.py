"""A diagram of states as boxes with links: what stands in each box, and the steps that leave it."""

from __future__ import annotations

import re
from collections import defaultdict
from html import escape
from typing import Final

_TITLE: Final = re.compile(r'title: "(.*)"')
_BOX: Final = re.compile(r'\s*(?:state "(?P<label>.*)" as (?P<id>s\d+)|(?P<node>s\d+)\(+"(?P<words>.*?)"\)+)')
_ARROW: Final = re.compile(r'\s*(s\d+) -->(?:\|"(.*)"\|)? (s\d+)(?:: (.*))?')


def is_state_map(block: str) -> bool:
    """Whether a block of docs/spec.md is a diagram of states: ``state-counts`` and the like are tables."""
    return block.startswith("states-") or block == "utf8-diagram"


def state_map(block: str, text: str) -> str:
    """The diagram of a block (as Mermaid has it) as HTML."""
    title, boxes = block.replace("-", " "), {}
    leaving: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in text.splitlines():
        if found := _TITLE.match(line):
            title = found[1]
        elif found := _BOX.fullmatch(line):
            boxes[found["id"] or found["node"]] = (found["label"] or found["words"]).split("<br>")
        elif found := _ARROW.fullmatch(line):
            leaving[found[1]].append((found[3], found[2] or found[4] or ""))
    items = "".join(_box(block, name, lines, leaving[name], boxes) for name, lines in boxes.items())
    caption = f"<figcaption>{escape(title)}</figcaption>"
    return f'<figure class=states aria-label="{escape(title)}">{caption}<ol>{items}</ol></figure>'


def _box(block: str, name: str, lines: list[str], leaving: list[tuple[str, str]], boxes: dict[str, list[str]]) -> str:
    facts = "".join(f"<li>{escape(line)}</li>" for line in lines[1:])
    arrows = "".join(
        f'<li><a href="#{block}-{target}">{escape(_name(target, boxes))}</a>: {escape(words.replace("<br>", " "))}</li>'
        for target, words in leaving
    )
    goes = f"<ul class=goes>{arrows}</ul>" if arrows else "<p class=dim>the end</p>"
    return f'<li id="{block}-{name}"><strong>{escape(_name(name, boxes))}</strong><ul>{facts}</ul>{goes}</li>'


def _name(box: str, boxes: dict[str, list[str]]) -> str:
    """The number of a box and its heading; many boxes have the same heading."""
    return f"{int(box[1:]) + 1} {boxes[box][0]}"
