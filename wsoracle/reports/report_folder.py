"""The folder of a run: a JSON and an HTML file a case, and the files that list them, in Autobahn's shape.

Every file is written beside its place and renamed into it, so that a run that is killed leaves whole files; what it
left half written is removed by the next one. The JSON of a case is the truth: the lists are made from what was added
and from what was there, and `wsoracle report` makes everything else anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from wsoracle.generators.atomic_write import remove_halves

from .entries import ESTABLISHED, OURS, Entries, Entry, entry_of, in_order, span_of
from .names import Names, page_name
from .reading import NoRecord, RecordFile, records_in
from .stored_record import FiledRecord, Place, control_of, json_of, merged
from .writer import Writer

__all__ = ["FORMAT", "ForeignFolder", "ReportFolder"]

FORMAT: Final = "wsoracle-run"
VERSION: Final = 1

Record = Mapping[str, Any]
OnStep = Callable[[str, int, int], None]


class ForeignFolder(Exception):
    """The folder holds something that is no report, or cannot be written; the message says what to do."""


class ReportFolder:
    """A folder of reports; made where there is none. Raises :class:`ForeignFolder` for one that cannot be used.

    What other agents left in it stays listed. Of an agent that is run again what it left goes with the first new
    record, unless the run is ``resumed``. ``index`` makes the index page instead of this process.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, resumed: bool = False, index: Callable[[Entries], str] | None = None
    ) -> None:
        self.path: Final = Path(path)
        self._resumed: Final = resumed
        self._writer: Final = Writer(self.path)
        self._names: Final = Names()
        self._entries: Final[dict[str, dict[str, Entry]]] = {}
        self._begun: Final[set[str]] = set()
        self._changed: Final[set[str]] = set()  # files whose records were changed after they were filed
        self._index: Final = index
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            remove_halves(self.path)
            self._load()
        except (OSError, ValueError) as error:
            raise ForeignFolder(f"{self.path} cannot hold a report: {_why(error)}: name another folder") from error

    def records(self) -> Iterator[dict[str, Any]]:
        """The records that are in the folder, whole; files that are none are passed over."""
        for found in records_in(self.path):
            if isinstance(found, RecordFile):
                yield found.record

    def remake(self, step: OnStep | None = None) -> list[NoRecord]:
        """Make the page of every record anew; returns the files that were passed over. The lists: :meth:`finish`."""
        from .page import case_page

        passed_over = []
        total = sum(map(len, self._entries.values()))
        done = 0
        for found in records_in(self.path):
            if isinstance(found, NoRecord):
                passed_over.append(found)
                continue
            agent, case_id = found.record["agent"], found.record["id"]
            entry = self._entries.get(agent, {}).get(case_id)
            if entry is None or entry["reportfile"] != found.name:
                passed_over.append(NoRecord(found.name, "its case is in another file too"))
                continue
            control = self._entries[agent].get(str(control_of(found.record)))
            page = None if control is None else page_name(control["reportfile"])
            self._writer.write(page_name(found.name), case_page(found.record, page))
            done += 1
            if step is not None:
                step(f"{agent}: {case_id}", done, total)
        self._writer.settle()
        return passed_over

    def place(self, agent: str, case_id: str, control: str | None) -> Place:
        """Where the files of a case are to go, for who writes them and brings what is kept of its record."""
        self._begin(agent)
        page = None if control is None else f"{self._names.base(agent, control)}.html"
        return Place(self.path, self._names.base(agent, case_id), page)

    def add(self, record: Record) -> None:
        """Write the files of a case: its JSON, then its page. Those of a :class:`FiledRecord` are there already."""
        agent, case_id = str(record["agent"]), str(record["id"])
        place = self.place(agent, case_id, control_of(record))
        file = f"{place.base}.json"
        cases = self._entries.setdefault(agent, {})
        before = cases.get(case_id)
        if before is not None and before["reportfile"] != file:
            self._remove(before)
        cases[case_id] = entry_of(record, file)
        if not cases[case_id]["counts"] and control_of(record) not in cases:
            place = place._replace(control_page=None)  # it was not run
        if isinstance(record, FiledRecord):
            # What was changed once and is not any more has to be written again too.
            if not record.changed and file not in self._changed:
                return
            self._changed.add(file)
            record = merged(record, self.path / file)
        self._write(record, place)

    def finish(self) -> None:
        """Write the files that list all cases."""
        agents = in_order(self._entries)
        started, duration = span_of(entry for cases in agents.values() for entry in cases.values())
        run = {"format": FORMAT, "version": VERSION, "started": started, "duration": duration}
        self._writer.write("wsoracle.json", f'{json.dumps(run)[:-1]}, "agents": {_listed(agents, OURS)}}}')
        self._writer.write("index.json", _listed(agents, ESTABLISHED))
        self._writer.write("index.html", self._index_page(agents))
        self._writer.settle()

    @property
    def entries(self) -> Entries:
        """What is listed: by agent and case, in the order of the lists."""
        return in_order(self._entries)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _index_page(self, agents: Entries) -> str:
        if self._index is not None:
            return self._index(agents)
        from .index import index_page

        return index_page(agents)

    def _write(self, record: Record, place: Place) -> None:
        from .page import case_page

        self._writer.write(f"{place.base}.json", json_of(record))
        self._writer.write(f"{place.base}.html", case_page(record, place.control_page))

    def _load(self) -> None:
        for name in ("index.json", "index.html"):
            if (self.path / name).is_dir():
                raise ValueError(f"there is a folder {name} in it")
        for found in records_in(self.path):
            if isinstance(found, RecordFile):
                agent, case_id = found.record["agent"], found.record["id"]
                self._names.keep(found.name.removesuffix(".json"), agent, case_id)
                self._entries.setdefault(agent, {})[case_id] = entry_of(found.record, found.name)

    def _begin(self, agent: str) -> None:
        if agent in self._begun:
            return
        self._begun.add(agent)
        if self._resumed:
            return
        for entry in self._entries.pop(agent, {}).values():
            self._remove(entry)

    def _remove(self, entry: Entry) -> None:
        for name in (entry["reportfile"], page_name(entry["reportfile"])):
            (self.path / name).unlink(missing_ok=True)


def _listed(agents: Entries, names: Sequence[str]) -> str:
    """JSON of the agents with some fields of their cases, a line each."""
    lists = []
    for agent, cases in agents.items():
        lines = [
            f"{json.dumps(case_id)}: {json.dumps({name: entry[name] for name in names})}"
            for case_id, entry in cases.items()
        ]
        listed = ",\n ".join(lines)
        lists.append(f"{json.dumps(agent)}: {{\n {listed}\n}}")
    return "{" + ",\n".join(lists) + "}"


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
