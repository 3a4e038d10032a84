"""What the explorer shows from a list: example runs, witnesses of rules, and what real endpoints did, as histories."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from ..spec.rules import TOPICS
from ..spec.runs import OPENINGS, RUNS
from .cards import topic_title
from .histories import run_text
from .real_pages import RealPages
from .witness_histories import WitnessHistories

_ALIKE: Final = "at either end"


def preset_script(witnesses: WitnessHistories, real: RealPages) -> str:
    """The text of ``presets.js``: groups of histories, each with its words and, of a finding, the id, the sentence that
    says what was done, and its place."""
    groups: list[list[Any]] = [
        ["Example runs", [[_words(name), run_text(steps, "open")] for name, steps in RUNS.items()]],
        ["Opening handshakes", [[_words(name), run_text(steps, "connect")] for name, steps in OPENINGS.items()]],
        *_of_rules(witnesses),
        *([title, entries] for title, entries in real.presets() if entries),
    ]
    text = json.dumps(groups, ensure_ascii=False, separators=(",", ":"))
    return f"window.wsoraclePresets = {text};\n"


def _of_rules(witnesses: WitnessHistories) -> Iterator[list[Any]]:
    for topic in TOPICS:
        entries = [
            [f"{rule.id}, at a {role.value}", text] for rule in topic.rules for role, text in witnesses.of_rule(rule.id)
        ]
        if entries:
            yield [f"Rules at work: {topic_title(topic)}", entries]


def _words(name: str) -> str:
    return name.replace("-", " ")
