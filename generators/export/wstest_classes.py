"""Cases as classes that the runner of AutobahnTestSuite loads: Python 2.7 source (docs/cases.md).

The suite knows a case by its class name, `Case` and numbers: Case6455_2_1 is its case 6455.2.1. The number 6455 is
ours; the second one groups the cases, controls first, because the suite runs them in the order of their numbers.
"""

from __future__ import annotations

import html
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..cases.agreed import after_heads
from ..cases.case import Case
from ..cases.derived import check_suite
from ..cases.outcome import SeenClose
from ..cases.stimulus import bursts, stream_end
from .files import ExportResult, as_json, fill_template, write_directory
from .run_plan import carried_by, plan

CATEGORY: Final = 6455
"""The first number of every case that this module writes; the suite's own end at 13."""

_GROUPS: Final = {"control": 1, "witness": 2, "mutant": 3, "exploration": 4, "compression": 5}


def export_wstest(cases: Iterable[Case], directory: str | os.PathLike[str]) -> ExportResult:
    """Write `wsoracle_cases.py`, its loader `run_wstest.py`, two sample specs, and which case has which number.

    The result has the reasons for the cases that the suite's runner cannot carry. ValueError where none is left, or
    where the cases do not go together; OSError where the directory cannot be written.
    """
    suite = check_suite(map(after_heads, cases))
    carried, left_out = carried_by(suite, _why_not)
    if not carried:
        raise ValueError(f"no case can be run by the suite: {'; '.join(sorted(set(left_out.values())))}")
    numbers = _numbers(carried)
    names = {case.id: _class_name(numbers[case.id]) for case in carried}
    texts = {
        "wsoracle_cases.py": fill_template(
            "wstest_cases.py.txt",
            {
                "CLASSES": "\n\n".join(_class_text(case, names) for case in carried).rstrip("\n"),
                "NAMES": "\n".join(f"    {name}," for name in sorted(names.values(), key=_sort_key)),
            },
        ),
        "run_wstest.py": fill_template("wstest_run.py.txt", {}),
        "wsoracle_cases.json": as_json(
            {
                "format": "wsoracle-wstest",
                "version": 1,
                "cases": {numbers[case.id]: case.id for case in sorted(carried, key=lambda c: _sort_key(names[c.id]))},
                "leftOut": left_out,
            }
        ),
        "fuzzingclient.json": as_json(
            {
                "outdir": "./reports/servers",
                "servers": [{"agent": "server", "url": "ws://127.0.0.1:9001"}],
                "cases": [f"{CATEGORY}.*"],
            }
        ),
        "fuzzingserver.json": as_json(
            {"url": "ws://127.0.0.1:9001", "outdir": "./reports/clients", "cases": [f"{CATEGORY}.*"]}
        ),
    }
    files = write_directory(directory, "wstest", texts)
    return ExportResult(Path(directory), files, tuple(case.id for case in carried), left_out, numbers)


def _why_not(case: Case) -> str | None:
    if case.application != "echo":
        return "the suite's peers echo every message"
    if case.opening:
        return "the suite's runner makes the opening handshake itself"
    if case.half_closes:
        return "the suite's runner cannot close half of TCP and go on reading"
    if any(isinstance(seen, SeenClose) for burst in bursts(case) for seen in burst.awaits):
        return "the suite's runner answers a Close at once, and this case goes on sending"
    return None


def _numbers(cases: Sequence[Case]) -> dict[str, str]:
    """The number of each case: a case that serves as a control is in the first group, wherever it comes from."""
    controls = {case.control for case in cases}
    counts: Counter[int] = Counter()
    numbers = {}
    for case in cases:
        group = 1 if case.id in controls else _GROUPS[case.origin.kind]
        counts[group] += 1
        numbers[case.id] = f"{CATEGORY}.{group}.{counts[group]}"
    return numbers


def _class_name(number: str) -> str:
    return "Case" + number.replace(".", "_")


def _sort_key(class_name: str) -> list[int]:
    return [int(part) for part in class_name.removeprefix("Case").split("_")]


def _class_text(case: Case, names: Mapping[str, str]) -> str:
    """The source of one class. The plan's parts are literals of JSON and of Python 2.7 alike, names of values aside."""
    what = plan(case)
    described = f"{case.title}. {case.description}" if case.description else f"{case.title}."
    wanted = "; or ".join(f"{outcome['verdict']}: {outcome['words']}" for outcome in what["outcomes"])
    control = None if case.control is None else names[case.control]
    deflate = None if what["deflate"] is None else list(what["deflate"].values())
    bursts = [(burst["awaits"], burst["chunks"]) for burst in what["bursts"]]
    outcomes = [(outcome["verdict"], outcome["seen"], outcome["words"]) for outcome in what["outcomes"]]
    description = f"{_page(described)}<br/>{_page(case.id)}, {_page(what['origin'])}"
    return "\n".join(
        [
            f"class {names[case.id]}(OracleCase):",
            f"    DESCRIPTION = {_literal(description)}",
            f"    EXPECTATION = {_literal(_page(wanted))}",
            f"    ORACLE_ID = {_literal(case.id)}",
            f"    ROLE = {_literal(case.role.value)}",
            f"    CONTROL = {_literal(control)}",
            f"    DEFLATE = {_literal(deflate)}",
            f"    CLOSES = {case.sends_close}",
            f"    ENDS = {_literal(stream_end(case).value)}",
            f"    PINGS = {_literal(what['pings'])}",
            "    BURSTS = [",
            *(f"        ({_literal(awaits)}, {_literal(chunks)})," for awaits, chunks in bursts),
            "    ]",
            "    OUTCOMES = [",
            *(f"        ({_literal(v)}, {_literal(seen)}, {_literal(words)})," for v, seen, words in outcomes),
            "    ]",
            "",
        ]
    )


def _page(text: str) -> str:
    """Text for the suite's HTML, which it writes as plain ASCII."""
    return html.escape(text, quote=False).encode("ascii", "xmlcharrefreplace").decode()


def _literal(value: Any) -> str:
    """A literal for Python 2.7. Strings are ASCII, so that JSON's form of them is Python's."""
    if value is None or isinstance(value, bool | int):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value)
