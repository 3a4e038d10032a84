"""A plugin for pytest that writes down the traces which tests give to the judge (``python -m tests.golden collect``).

A trace is kept where its form in JSON says all that it was judged by: no other rules than the model's, no state to
start from, nothing else that only Python can say. The rest is counted. This module, and no other of the golden corpus,
knows where the judge is; what it collected is committed, so that it need not be run again.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from wsoracle.model.terms import State
from wsoracle.properties.conformance import judge
from wsoracle.properties.opening_judge import judge_opening
from wsoracle.properties.recorded import Recorded, TraceError, trace_from_json, trace_to_json

FOLDER: Final = "WSORACLE_GOLDEN_TRACES"
"""The environment variable that names the folder to write to: a file for each process."""

HAS_NO_SAY: Final = ("trace", "setting", "application", "sees", "needs", "profile")
"""Parameters of the judge that are in the file, or are no part of the trace."""


class Collector:
    """Stands in front of the judge, and keeps each trace once."""

    def __init__(self) -> None:
        self.lines: Final[dict[str, None]] = {}
        self.left_out: Final[Counter[str]] = Counter()
        self._inside = False

    def watched(self, function: Callable[..., Any], opening: bool) -> Callable[..., Any]:
        """The function, with each call from outside written down; the judge also calls itself."""
        signature = inspect.signature(function)

        @functools.wraps(function)
        def watching(*args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return function(*args, **kwargs)
            self._inside = True
            try:
                bound = signature.bind(*args, **kwargs)
                bound.apply_defaults()
                self._keep(bound.arguments, signature, opening)
                return function(*args, **kwargs)
            finally:
                self._inside = False

        return watching

    def _keep(self, given: dict[str, Any], signature: inspect.Signature, opening: bool) -> None:
        for name, parameter in signature.parameters.items():
            if name in HAS_NO_SAY or (name == "start" and given[name] == State()):
                continue
            if given[name] is not parameter.default:
                self.left_out[name] += 1
                return
        recorded = Recorded(
            tuple(given["trace"]), given["setting"], given["application"], opening,
            frozenset(given["sees"]), frozenset(given.get("needs", ())),
        )  # fmt: skip
        document = trace_to_json(recorded)
        try:
            told = trace_from_json(document) == recorded
        except TraceError:
            told = False
        if told:
            self.lines[json.dumps(document, separators=(",", ":"))] = None
        else:
            self.left_out["not told by the file"] += 1


COLLECTOR: Final = Collector()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Put the collector in the place of the judge in every module that has it by now."""
    for function, opening in ((judge, False), (judge_opening, True)):
        watching = COLLECTOR.watched(function, opening)
        for module in list(sys.modules.values()):
            for name, value in list(getattr(module, "__dict__", {}).items()):
                if value is function and module.__name__ != __name__:
                    setattr(module, name, watching)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was collected."""
    folder = os.environ.get(FOLDER)
    if folder and (COLLECTOR.lines or COLLECTOR.left_out):
        text = "".join(f"{line}\n" for line in COLLECTOR.lines)
        Path(folder, f"{os.getpid()}.jsonl").write_text(text, encoding="utf-8")
        Path(folder, f"{os.getpid()}.json").write_text(json.dumps(COLLECTOR.left_out), encoding="utf-8")
