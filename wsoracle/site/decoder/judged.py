"""Judgements as HTML: for each end of each connection what ``judge`` says, and below it the octets field by field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from wsoracle.model.rules import RULES
from wsoracle.properties.judge.behaviour_and_closing import parts
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, Writes
from wsoracle.properties.traces.messages import NOT_SHOWN
from wsoracle.properties.traces.recorded import Recorded
from wsoracle.properties.traces.registry import FileRead, InFile

from ...text.judgements import LONGEST, Shown, around, decided_words
from ...text.verdict_signs import MEANINGS, SIGNS
from ...text.visible import html_of
from ..addresses import Addresses
from .explained import explained_html, rule_html
from .reading import Options, both_directions

MOST_CONNECTIONS: Final = 50
"""Connections of a file that are judged on a page."""

_SHORT: Final = 600
"""Octets of a conversation that are shown at once."""


def judged_html(file: FileRead, options: Options, addresses: Addresses) -> str:
    """Each trace of a file judged, and what is in none of them."""
    return "".join(_all(file, options, addresses))


def _all(file: FileRead, options: Options, addresses: Addresses) -> Iterator[str]:
    yield f"<p>It is {html_of(file.format)}.</p>"
    connections = [list(traces) for _, traces in groupby(file.traces, lambda one: one.connection)]
    for traces in connections[:MOST_CONNECTIONS]:
        name = traces[0].connection
        yield f"<section class=unit><h3>{html_of(name, LONGEST, lines=False) or 'The trace'}</h3>"
        for one in traces:
            yield _end(one, one.recorded.judged(options.profile), addresses)
        for note in dict.fromkeys(note for one in traces for note in one.notes):
            yield f'<p class="said note">{html_of(note)}</p>'
        if NOT_SHOWN not in traces[0].notes:
            yield _octets(traces[0].recorded, options, addresses)
        yield "</section>"
    left = len(connections) - MOST_CONNECTIONS
    if left > 0:
        yield f'<p class="said note">{left} more connections are not judged here: wsoracle judge reads all of them</p>'
    for note in file.notes:
        yield f'<p class="said note">{html_of(note)}</p>'


def _end(one: InFile, judgement: Judgement, addresses: Addresses) -> str:
    """What is said of one end."""
    recorded, verdict = one.recorded, judgement.verdict.value
    found = parts(judgement, recorded.trace)
    look = verdict.replace(" ", "-")
    said = [
        f'<article class=end><h4><span class="verdict {look}">{SIGNS[verdict]} {verdict}</span> '
        f"the {recorded.setting.role.value}</h4><p class=dim>{MEANINGS[verdict]} "
        f"(behaviour {found.behavior.value}, closing {found.closing_kind})</p>"
    ]
    said += [rule_html(RULES.by_id[rule], addresses) for rule in judgement.rules]
    said.append(_around(around(judgement, recorded.in_words, recorded.times)))
    decided = decided_words(judgement)
    said += [f"<p>{decided}</p>"] if decided else []
    if judgement.instead:
        allowed = "".join(
            f"<li>{html_of(each.what)} {', '.join(map(addresses.link, each.rules))}</li>" for each in judgement.instead
        )
        said.append(f'<div class="said good"><p>would have been allowed:</p><ul>{allowed}</ul></div>')
    said += [f'<p class="said note">{html_of(judgement.words)}</p>'] if judgement.words else []
    return "".join([*said, "</article>"])


def _around(shown: Sequence[Shown]) -> str:
    """The deciding observation, and those before it."""
    if not shown:
        return ""
    *before, decides = (_observation(one) for one in shown)
    rows = [*(f"<li>{row}</li>" for row in before), f"<li class=decides>{decides} <strong>(decides)</strong></li>"]
    return f"<ol class=around start={shown[0].at + 1}>{''.join(rows)}</ol>"


def _observation(one: Shown) -> str:
    time = f"<span class=dim>{one.time}</span> " if one.time else ""
    return f"{time}{html_of(one.words, LONGEST, lines=False)}"


def _octets(recorded: Recorded, options: Options, addresses: Addresses) -> str:
    """What each end sent, field by field; folded away where it is long."""
    count = sum(len(seen.octets) for seen in recorded.trace if isinstance(seen, (Arrives, Writes)))
    return "".join(
        f"<details class=octets{' open' if count <= _SHORT else ''}>"
        f"<summary>What the {sender.value} sent, field by field</summary>"
        f"{''.join(explained_html(one, addresses, 4) for one in explained)}</details>"
        for sender, explained in both_directions(recorded, options)
    )
