"""A record as a file, and the summary of it that is kept in memory.

The process that judges a case writes the files of its record and hands on a summary: all that lists, sums and controls
need. Where the control of a case turns out not to be answered, the summary changes, and the files are made anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from wsoracle.generators.atomic_write import write_file

from .evidence import Evidence, answer_of, evidence_of
from .rendering import NOT_RUN, PageLinks, label, tidy

MOST_OCTETS: Final = 64 << 20
"""A larger file is no record."""


_GOOD: Final = ("OK", "NON-STRICT")


class FilePlace(NamedTuple):
    """The paths of the files of a case: the folder, their name without suffix, and the pages that its page leads to."""

    folder: Path
    base: str
    links: PageLinks


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """A record as it is kept in memory: `file` is the name of its file, `rules` are those that were not followed.

    `is_own` is False for records of Autobahn and for damaged ones. `echo`: whether the endpoint showed that its
    application echoes; None where the case does not tell. `one_of` are the ids of the rules of which one was certainly
    not followed, but it cannot be told which. `answer` is what a server answered to the request, `url` where it was
    tested. `evidence` is there where the verdict says that something is amiss. `changed` is True where the
    summary says something else than the files of the record.
    """

    agent: str
    id: str
    behavior: str
    behavior_close: str
    duration: int
    remote_close_code: int | None
    started: str
    result: str
    verdict: str
    counts: bool
    passed: bool
    control: str | None
    note: str
    rules: tuple[Mapping[str, str], ...]
    group: tuple[str, ...]
    title: str
    file: str = ""
    is_own: bool = True
    echo: bool | None = None
    role: str = ""
    url: str = ""
    answer: str = ""
    one_of: tuple[str, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    changed: bool = False

    @property
    def answered(self) -> bool:
        """Whether the endpoint did what a control asks for: how it closed is no matter."""
        return self.verdict in _GOOD or (self.counts and self.behavior in _GOOD)

    @property
    def failed(self) -> bool:
        """Whether the case failed: it did not pass, and its verdict is not one without passes and failures."""
        neither = ("INFORMATIONAL", "UNIMPLEMENTED", NOT_RUN)
        return not self.passed and (not self.counts or self.verdict not in neither)

    @property
    def label(self) -> str:
        """The verdict in a word or two."""
        return label(self.verdict, self.counts)

    @property
    def rule_ids(self) -> list[str]:
        """The ids of the rules that were not followed."""
        return [rule["id"] for rule in self.rules]


Summaries = Mapping[str, Mapping[str, CaseSummary]]
"""Summaries by agent and case."""


def summary_of(record: Mapping[str, Any], file: str = "") -> CaseSummary:
    """The summary of a record, whatever is in it."""
    tidied = tidy({name: record[name] for name in _READ if name in record}, timeline=False)
    return _summary(record, tidied if tidied["wsoracle"]["verdict"] in _NOTHING_AMISS else tidy(record), file)


def _summary(record: Mapping[str, Any], tidied: Mapping[str, Any], file: str) -> CaseSummary:
    ours, own = tidied["wsoracle"], record.get("wsoracle")
    return CaseSummary(
        tidied["agent"],
        tidied["id"],
        tidied["behavior"],
        tidied["behaviorClose"],
        tidied["duration"],
        tidied["remoteCloseCode"],
        tidied["started"],
        tidied["result"],
        ours["verdict"],
        ours["counts"],
        ours["passed"],
        ours["control"],
        ours["note"],
        tuple(ours["rules"]),
        tuple(ours["group"]),
        ours["title"],
        file,
        isinstance(own, dict)
        and all(name in own and own[name] == ours[name] and type(own[name]) is type(ours[name]) for name in _OURS_READ)
        and all(record.get(name) == tidied[name] for name in ("behavior", "behaviorClose")),
        ours["echo"],
        ours["role"],
        ours["url"],
        answer_of(tidied),
        tuple(ours["oneOf"]),
        Evidence() if ours["verdict"] in _NOTHING_AMISS else evidence_of(tidied),
    )


def uncounted(summary: CaseSummary, without: Literal["answered", "run", "echoed"] = "answered") -> CaseSummary:
    """The summary of a case that proves nothing: its control was not answered, or not run, or there is no echo.

    A failure stands by itself, and only its behaviour is none that passed: a control tells a pass from an endpoint
    that does nothing.
    """
    if not summary.counts or summary.verdict == NOT_RUN or (summary.verdict == "FAILED" == summary.behavior):
        return summary
    missing = f"its control {summary.control} was not {without}"
    if without == "echoed":
        missing = "no message was echoed in this run"
    why = f"{missing}, so that it proves nothing"
    note = f"{summary.note}; {why}" if summary.note else why
    result = f"{why} ({summary.result})"
    counts = summary.verdict == "FAILED"
    return replace(summary, counts=counts, passed=False, note=note, behavior="FAILED", result=result, changed=True)


def with_summary(record: Mapping[str, Any], summary: CaseSummary) -> dict[str, Any]:
    """The record with what its summary says of whether the case counts."""
    ours = {**record["wsoracle"], "counts": summary.counts, "passed": summary.passed, "note": summary.note}
    return {**record, "behavior": summary.behavior, "result": summary.result, "wsoracle": ours}


def case_order(case_id: str) -> tuple[int, list[int], str]:
    """The key by which cases are sorted: those of Autobahn by their numbers, then all others."""
    parts = case_id.split(".")
    if all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts):
        return 0, [int(part) for part in parts], case_id
    return 1, [], case_id


def faults_in(case_id: str) -> int:
    """How many faults a case puts together, by its id: one with fewer is quicker to understand."""
    return case_id.count("+") + case_id.startswith("mutant/")


def in_order(summaries: Summaries) -> dict[str, dict[str, CaseSummary]]:
    """Agents by name, their cases as Autobahn numbers them, then all others."""
    return {
        agent: dict(sorted(cases.items(), key=lambda item: case_order(item[0])))
        for agent, cases in sorted(summaries.items())
        if cases
    }


def span_of(summaries: Iterable[CaseSummary]) -> tuple[str | None, float]:
    """When the first case began, and for how many seconds cases ran from then on."""
    begins, ends = [], []
    for summary in summaries:
        try:
            begun = datetime.fromisoformat(summary.started)
            ends.append(begun + timedelta(milliseconds=summary.duration))
            begins.append(begun)
        except (ValueError, OverflowError):
            continue
    try:
        first = min(begins)
        return first.isoformat(timespec="milliseconds").replace("+00:00", "Z"), (max(ends) - first).total_seconds()
    except (ValueError, TypeError):
        # There is no time at all, or some have a time zone and some have none.
        return None, 0.0


# --- files ------------------------------------------------------------------------------------------------------------


def page_name(file: str) -> str:
    """The name of the page beside the file of a record."""
    return f"{file.removesuffix('.json')}.html"


def file_record(record: Mapping[str, Any], place: FilePlace) -> CaseSummary:
    """Write the files of a record, its JSON first, and return its summary. Raises OSError."""
    from .page import tidy_page  # what it imports is needed by processes that make pages, and by no other

    file, tidied = f"{place.base}.json", tidy(record)
    write_escaped(place.folder / file, json.dumps(record, ensure_ascii=True, separators=(",", ":")))
    write_escaped(place.folder / page_name(file), tidy_page(tidied, place.links))
    return _summary(record, tidied, file)


def write_escaped(path: Path, text: str) -> None:
    """Write a file whole, in UTF-8; characters that have no form in it (lone surrogates) as escapes. Raises OSError."""
    write_file(path, text.encode("utf-8", "backslashreplace"))


class RecordFile(NamedTuple):
    """A record, and the name of its file."""

    name: str
    record: dict[str, Any]


class NoRecord(NamedTuple):
    """A file with the name of a record, and the reason why it is no record."""

    name: str
    why: str


def records_in(folder: Path) -> Iterator[RecordFile | NoRecord]:
    """Every file with the name of a record, in the order of their names. Raises OSError for the folder."""
    for path in sorted(folder.glob("*_case_*.json")):
        try:
            if not path.is_file():
                yield NoRecord(path.name, "no regular file")
                continue
            if path.stat().st_size > MOST_OCTETS:
                yield NoRecord(path.name, f"more than {MOST_OCTETS} octets")
                continue
            record = json.loads(path.read_bytes())
        except OSError as error:
            yield NoRecord(path.name, error.strerror or str(error))
        except (ValueError, RecursionError):
            yield NoRecord(path.name, "no JSON")
        else:
            if isinstance(record, dict) and all(isinstance(record.get(key), str) for key in ("agent", "id")):
                yield RecordFile(path.name, record)
            else:
                yield NoRecord(path.name, "no record of a case")


_READ: Final = (
    "id", "agent", "behavior", "behaviorClose", "duration", "remoteCloseCode", "started", "result", "wsoracle",
    "httpResponse", "isServer", "wirelog",
)  # fmt: skip
_NOTHING_AMISS: Final = ("OK", "INFORMATIONAL", "UNIMPLEMENTED")
_OURS_READ: Final = ("verdict", "counts", "passed", "control", "note", "rules")
