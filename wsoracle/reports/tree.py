"""The folder of a run: a JSON and an HTML file a case, and the files that list them, in the established suite's shape.

Every file is written beside its place and renamed into it, so that a run that is killed leaves whole files; what it
left half written is removed by the next one. The JSON of a case is the truth: the lists are made from what was added
and from what was there, and `wsoracle report` makes everything else anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from .names import Names
from .paged import page_of
from .writer import Writer

__all__ = ["FORMAT", "ForeignFolder", "ReportFolder"]

FORMAT: Final = "wsoracle-run"
VERSION: Final = 1

Record = Mapping[str, Any]


class ForeignFolder(Exception):
    """The folder holds something that is no report, or cannot be written; the message says what to do."""


class ReportFolder:
    """A folder of reports; made where there is none. Raises :class:`ForeignFolder` for one that cannot be used.

    What other agents left in it stays listed. Of an agent that is run again what it left goes with the first new
    record, unless the run is ``resumed``.
    """

    def __init__(self, path: str | os.PathLike[str], *, resumed: bool = False) -> None:
        self.path: Final = Path(path)
        self._resumed: Final = resumed
        self._writer: Final = Writer(self.path)
        self._names: Final = Names()
        self._entries: Final[dict[str, dict[str, dict[str, Any]]]] = {}
        self._begun: Final[set[str]] = set()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._writer.remove_halves()
            self._load()
        except (OSError, ValueError) as error:
            raise ForeignFolder(f"{self.path} cannot hold a report: {_why(error)}: name another folder") from error

    def records(self) -> Iterator[dict[str, Any]]:
        """The records that are in the folder, whole; files that are none are passed over."""
        for file in sorted(self.path.glob("*_case_*.json")):
            try:
                record = json.loads(file.read_text(encoding="utf-8"))
            except (ValueError, OSError, RecursionError):
                continue
            if isinstance(record, dict) and isinstance(record.get("agent"), str) and isinstance(record.get("id"), str):
                yield record

    def add(self, record: Record) -> None:
        """Write the files of a case: its JSON, then its page."""
        agent, case_id = str(record["agent"]), str(record["id"])
        self._begin(agent)
        base = self._names.base(agent, case_id)
        self._writer.write(f"{base}.json", json.dumps(record, ensure_ascii=True, separators=(",", ":")))
        self._entries.setdefault(agent, {})[case_id] = _entry(record, f"{base}.json")
        self._writer.write(f"{base}.html", page_of(record, self._control_page(agent, record)))

    def finish(self) -> None:
        """Write the files that list all cases."""
        from .index import index_page

        agents = {agent: self._sorted(cases) for agent, cases in sorted(self._entries.items()) if cases}
        established = {
            agent: {case_id: {key: entry[key] for key in _ESTABLISHED} for case_id, entry in cases.items()}
            for agent, cases in agents.items()
        }
        ours = {
            "format": FORMAT,
            "version": VERSION,
            "agents": {
                agent: {case_id: {key: entry[key] for key in _OURS} for case_id, entry in cases.items()}
                for agent, cases in agents.items()
            },
        }
        self._writer.write("wsoracle.json", json.dumps(ours, indent=1))
        self._writer.write("index.json", json.dumps(established, indent=1))
        self._writer.write("index.html", index_page(agents))
        self._writer.settle()

    @property
    def entries(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """What is listed: by agent and case."""
        return self._entries

    # --- inside -------------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        for name in ("index.json", "index.html"):
            if (self.path / name).is_dir():
                raise ValueError(f"there is a folder {name} in it")
        for record in self.records():
            agent, case_id = record["agent"], record["id"]
            base = self._base_of(record)
            self._names.keep(base, agent, case_id)
            self._entries.setdefault(agent, {})[case_id] = _entry(record, f"{base}.json")

    def _base_of(self, record: Record) -> str:
        return self._names.base(str(record["agent"]), str(record["id"]))

    def _begin(self, agent: str) -> None:
        if agent in self._begun:
            return
        self._begun.add(agent)
        if self._resumed:
            return
        for entry in self._entries.pop(agent, {}).values():
            base = str(entry["reportfile"]).removesuffix(".json")
            for suffix in (".json", ".html"):
                (self.path / f"{base}{suffix}").unlink(missing_ok=True)

    def _control_page(self, agent: str, record: Record) -> str | None:
        control = (record.get("wsoracle") or {}).get("control")
        return None if control is None else f"{self._names.base(agent, str(control))}.html"

    @staticmethod
    def _sorted(cases: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return dict(sorted(cases.items(), key=lambda item: item[1]["order"]))


_ESTABLISHED: Final = ("behavior", "behaviorClose", "duration", "remoteCloseCode", "reportfile")
_OURS: Final = ("verdict", "behavior", "behaviorClose", "counts", "passed", "control", "rules", "reportfile")


def _entry(record: Record, file: str) -> dict[str, Any]:
    """What lists say of a record; one of the established suite has no verdict of ours."""
    ours = record.get("wsoracle") or {}
    case_id = str(record["id"])
    return {
        "behavior": record.get("behavior", "?"),
        "behaviorClose": record.get("behaviorClose", "?"),
        "duration": record.get("duration", 0),
        "remoteCloseCode": record.get("remoteCloseCode"),
        "reportfile": file,
        "verdict": ours.get("verdict", record.get("behavior", "?")),
        "counts": ours.get("counts", True),
        "passed": ours.get("passed", record.get("behavior") in ("OK", "NON-STRICT")),
        "control": ours.get("control"),
        "rules": [rule.get("id") for rule in ours.get("rules", ())],
        "group": [str(part) for part in ours.get("group", ())],
        "title": str(ours.get("title", "")),
        "note": str(ours.get("note", "")),
        "order": _order(case_id),
    }


def _order(case_id: str) -> list[Any]:
    """The established ids by number, before all others."""
    parts = case_id.split(".")
    if all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts):
        return [0, [int(part) for part in parts], case_id]
    return [1, [], case_id]


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
