"""What the explorer shows from a list: example runs, and the cases made for rules, as histories."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from wsoracle.generators.cases.case import Case

from ..spec.runs import OPENINGS, RUNS
from .histories import case_text, run_text
from .knowledge import Knowledge


def preset_script(known: Knowledge) -> str:
    """The text of ``presets.js``: groups of histories, each with its words."""
    groups = [
        ["Example runs", [[_words(name), run_text(steps, "open")] for name, steps in RUNS.items()]],
        ["Opening handshakes", [[_words(name), run_text(steps, "connect")] for name, steps in OPENINGS.items()]],
        ["A rule at work", [*_of_rules(known.cases)]],
    ]
    text = json.dumps(groups, ensure_ascii=False, separators=(",", ":"))
    return f"window.wsoraclePresets = {text};\n"


def _of_rules(cases: Iterable[Case]) -> Iterator[list[Any]]:
    for case in cases:
        if case.origin.rule:
            for role in sorted(case.roles):
                text = case_text(case, role)
                if text is not None:
                    yield [f"{case.origin.rule}, at a {role.value}", text]


def _words(name: str) -> str:
    return name.replace("-", " ")
