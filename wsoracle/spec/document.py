"""docs/spec.md: a text written by hand, with blocks that are made from the model.

A block stands between two lines, ``<!-- generated:NAME -->`` and ``<!-- end:NAME -->``. :func:`render` replaces what is
between them; :func:`stale` names the blocks that are not what the model says now. No time, place or chance goes into a
block, so that the same model gives the same octets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from wsoracle.model.octets.vocabulary import Role

from ..text.output import write_text
from . import DOCUMENT, compression, frames, heads, register, rules, runs, stages, states

BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "uris": heads.uris,
    "request-text": heads.request_text,
    "response-text": heads.response_text,
    "accept-example": heads.accept_example,
    "request-facts": heads.request_facts,
    "response-facts": heads.response_facts,
    "request-conditions": heads.request_conditions,
    "answer-conditions": heads.answer_conditions,
    **{f"opening-{name}": partial(runs.opening, name) for name in runs.OPENINGS},
    **{f"states-opening-{role.value}": partial(stages.stages, role) for role in Role},
    "header-layout": frames.header_layout,
    "opcodes": frames.opcodes,
    "length-forms": frames.length_forms,
    "length-examples": frames.length_examples,
    "masking-example": frames.masking_example,
    **{f"example-{name}": partial(frames.example, name) for name in frames.EXAMPLES},
    "utf8-table": frames.utf8_table,
    "utf8-diagram": frames.utf8_diagram,
    "utf8-traces": frames.utf8_traces,
    "compressed-window": compression.window,
    **{f"run-{name}": partial(runs.run, name) for name in runs.RUNS},
    "close-codes": rules.close_codes,
    "switches": rules.switches,
    "outcomes": runs.outcomes,
    "state-variables": rules.state_variables,
    "frame-variables": rules.frame_variables,
    "setting-variables": rules.setting_variables,
    "rule-counts": rules.counts,
    "terms": rules.terms,
    "bundles": rules.bundles,
    **{f"rules-{topic.name}": partial(rules.rule_tables, topic) for topic in rules.TOPICS},
    "state-counts": states.state_counts,
    **{f"states-{name}": partial(states.state_diagram, name) for name in states.DIAGRAMS},
    "verdicts": register.verdicts,
    "theorem-counts": register.theorem_counts,
    "theorems": register.theorems,
    "requirement-counts": register.requirement_counts,
    "requirements": register.requirements,
}
"""The function that makes each block, by the block's name."""

_MARKER: Final = re.compile(r"<!-- (generated|end):([a-z0-9-]+) -->\n?\Z")


class MarkerError(ValueError):
    """A document whose markers are not in order; the message says where and what to do."""


class DocumentPart(NamedTuple):
    """A piece of the document, whole lines: a block without its markers, or text written by hand (``name`` None)."""

    name: str | None
    text: str


def parts(document: str) -> Iterator[DocumentPart]:
    """The document cut at its markers, in order. Raises :class:`MarkerError` where they are not in order."""
    name: str | None = None
    text = ""
    seen: set[str] = set()
    for number, line in enumerate(document.splitlines(keepends=True), 1):
        marker = _MARKER.match(line)
        if marker is None:
            if line.startswith(("<!-- generated:", "<!-- end:")):
                raise MarkerError(f"line {number}: not a marker: {line.strip()}")
            text += line
            continue
        begins, found = marker[1] == "generated", marker[2]
        if begins and (name is not None or found in seen or found not in BLOCKS):
            why = f"inside block {name}" if name else "a second time" if found in seen else "which nothing makes"
            raise MarkerError(f"line {number}: block {found} begins {why}")
        if not begins and found != name:
            raise MarkerError(f"line {number}: block {found} ends, but {name or 'none'} is open")
        yield DocumentPart(name, text)
        text = ""
        name = found if begins else None
        seen.add(found)
    if name is not None:
        raise MarkerError(f"block {name} has no end: add the line <!-- end:{name} -->")
    missing = [block for block in BLOCKS if block not in seen]
    if missing:
        raise MarkerError(f"no marker for {', '.join(missing)}: add <!-- generated:{missing[0]} --> and its end")
    yield DocumentPart(None, text)


def block(name: str) -> str:
    """The lines of a block as the model makes them now. Raises :class:`KeyError` for a name that no block has.

    Not every reader of Markdown sees a table that has no empty line before and after it.
    """
    return f"\n{BLOCKS[name]()}\n\n"


def render(document: str) -> str:
    """The document with every block made anew. Raises :class:`MarkerError` where its markers are not in order."""
    return "".join(part.text if part.name is None else _marked(part.name) for part in parts(document))


def _marked(name: str) -> str:
    return f"<!-- generated:{name} -->\n{block(name)}<!-- end:{name} -->\n"


def stale_blocks(document: str) -> list[str]:
    """The names of the blocks that differ from what the model says. Raises :class:`MarkerError`."""
    return [p.name for p in parts(document) if p.name is not None and p.text != block(p.name)]


def stale(path: Path = DOCUMENT) -> list[str]:
    """The stale blocks of a file. Raises :class:`MarkerError`, and :class:`OSError` where it cannot be read."""
    return stale_blocks(path.read_text(encoding="utf-8"))


def write(path: Path = DOCUMENT) -> list[str]:
    """Make the blocks of a file anew, whole or not at all; the names of those that changed.

    Raises :class:`MarkerError`, :class:`OSError` where it cannot be read and :class:`~wsoracle.text.output.OutputError`
    where it cannot be written; the file is then as it was.
    """
    document = path.read_text(encoding="utf-8")
    changed = stale_blocks(document)
    if changed:
        write_text(str(path), render(document))
    return changed
