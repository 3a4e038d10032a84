"""The folder of a run: a JSON and an HTML file a case, and the files that list them, in Autobahn's shape.

Every file is written beside its place and renamed into it, so that a run that is killed leaves whole files; what it
left half written is removed by the next one. The JSON of a case is the truth: lists are made from the summaries of
records, and `wsoracle report` makes everything else anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wsoracle.generators.atomic_write import remove_halves

from ..text.output import OnStep
from .lists import NO_LISTS, Lists, autobahn_fields, json_of, own_fields
from .stored_record import FilePlace, NoRecord, PageLinks, RecordFile, page_name, records_in, tidy, write_escaped
from .summary import (
    NOT_RUN,
    CaseSummary,
    Summaries,
    case_order,
    in_order,
    span_of,
    summary_of,
    summary_of_tidy,
    with_summary,
)

FORMAT: Final = "wsoracle-run"
VERSION: Final = 1

if TYPE_CHECKING:
    from wsoracle.properties.connections.checks import CheckResult
    from wsoracle.properties.connections.seen import SeenClient

    from .seen_connections import OverConnections

CONNECTIONS: Final = "_connections.json"
"""The end of the name of a file with what was seen of a client's connections."""


class ForeignFolder(Exception):
    """The folder holds something that is no report, or cannot be written; the message says what to do."""


class ReportFolder:
    """A folder of reports; it is made if need be. Raises :class:`ForeignFolder` for one that cannot be used.

    Records of other agents stay listed. Records of an earlier run of the same agent are removed with the first new
    record, unless the run is ``resumed``: then only the cases that are missing need to be run. ``lists`` are written
    with those of the folder; ``index`` makes the index page instead of this process.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        resumed: bool = False,
        lists: Lists = NO_LISTS,
        index: Callable[[Summaries, OverConnections], str] | None = None,
    ) -> None:
        self.path: Final = Path(path)
        self._resumed: Final = resumed
        self._lists: Final = lists
        self._index: Final = index
        self._names: Final = FileNames()
        self._summaries: Final[dict[str, dict[str, CaseSummary]]] = {}
        self._earlier: Final[dict[str, dict[str, CaseSummary]]] = {}
        self._without_page: Final[set[str]] = set()  # files of records; a run that was killed may leave some
        self._beside: dict[str, tuple[str | None, str | None]] = {}
        self._begun: Final[set[str]] = set()
        self._changed: Final[set[str]] = set()  # files of records that were changed after they were written
        self._clients: Final[dict[str, SeenClient]] = {}
        self._together: Final[dict[str, tuple[tuple[int, int, int], list[CheckResult]]]] = {}
        self.profiles: Final[set[str]] = set()
        """The profiles by which the earlier part of a resumed run was judged."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            remove_halves(self.path)
            self._load()
        except (OSError, ValueError) as error:
            raise ForeignFolder(f"{self.path} cannot hold a report: {_why(error)}: name another folder") from error

    # --- an earlier part of the run -----------------------------------------------------------------------------------

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents of the earlier part."""
        return tuple(self._earlier)

    def earlier(self, agent: str | None) -> dict[str, CaseSummary]:
        """The summaries of an agent's cases that need not be run again, by id."""
        return settled(self._earlier.get(agent, {})) if agent is not None else {}

    def answered_by(self, agent: str | None) -> Mapping[str, bool]:
        """Whether each case that an agent ran earlier was answered as a control must be."""
        return {case_id: summary.answered for case_id, summary in self.earlier(agent).items()}

    # --- records ------------------------------------------------------------------------------------------------------

    def records(self) -> Iterator[dict[str, Any]]:
        """The records in the folder, whole; files that are no records are passed over."""
        for found in records_in(self.path):
            if isinstance(found, RecordFile):
                yield found.record

    def place(self, agent: str, case_id: str, control: str | None) -> FilePlace:
        """The paths at which the process that judges a case writes the files of its record."""
        self._begin(agent)
        beside = self._beside.get(case_id, (None, None))
        pages = (None if one is None else f"{self._names.base(agent, one)}.html" for one in (control, *beside))
        return FilePlace(self.path, self._names.base(agent, case_id), PageLinks(*pages))

    def expect(self, cases: Iterable[str]) -> None:
        """Which cases the run has, by their ids: a page leads to the one before it and the one after it."""
        self._beside = _beside(cases)

    def add(self, record: Mapping[str, Any]) -> None:
        """Write the files of a record, and list it."""
        self.enter(file_record(record, self._place_of(summary_of(record))))

    def enter(self, summary: CaseSummary) -> None:
        """List a record whose files were written; where they say something else by now, they are written anew."""
        place = self._place_of(summary)
        cases = self._summaries.setdefault(summary.agent, {})
        before = cases.get(summary.id)
        if before is not None and before.file != summary.file:
            self._remove(before)
        self._without_page.discard(summary.file)
        cases[summary.id] = summary
        # A record that was changed once and is not any more has to be written again too.
        if summary.changed or summary.file in self._changed:
            self._changed.add(summary.file)
            record = json.loads((self.path / summary.file).read_bytes())
            file_record(with_summary(record, summary), place)

    def client(self, agent: str) -> SeenClient:
        """What was seen of an agent that is a client, to be added to."""
        from wsoracle.properties.connections.seen import SeenClient  # a run that tests a server needs none

        self._begin(agent)
        return self._clients.setdefault(agent, SeenClient())

    @property
    def over_connections(self) -> dict[str, list[CheckResult]]:
        """What the connections of each agent show together; of one connection alone nothing."""
        if not self._clients:
            return {}
        # These imports would slow down every run that tests a server.
        from wsoracle.properties.connections.results import results_on

        for agent, seen in self._clients.items():
            size = len(seen.connections), len(seen.asked), len(seen.arrivals)  # they only grow
            if self._together.get(agent, (None, ()))[0] != size:
                self._together[agent] = size, results_on(seen)
        return {agent: self._together[agent][1] for agent in sorted(self._clients) if self._together[agent][1]}

    def remake(self, step: OnStep | None = None) -> list[NoRecord]:
        """Make the page of every record anew; returns the files that were passed over. The lists: :meth:`finish`."""
        from .page import case_page

        passed_over = []
        total = sum(map(len, self._summaries.values()))
        beside = {agent: _beside(cases) for agent, cases in self._summaries.items()}
        done = 0
        for found in records_in(self.path):
            if isinstance(found, NoRecord):
                passed_over.append(found)
                continue
            agent, case_id = found.record["agent"], found.record["id"]
            summary = self._summaries.get(agent, {}).get(case_id)
            if summary is None or summary.file != found.name:
                passed_over.append(NoRecord(found.name, "its case is in another file too"))
                continue
            write_escaped(
                self.path / page_name(found.name), case_page(found.record, self._links(summary, beside[agent][case_id]))
            )
            done += 1
            if step is not None:
                step(f"{agent}: {case_id}", done, total)
        return passed_over

    # --- lists --------------------------------------------------------------------------------------------------------

    @property
    def summaries(self) -> Summaries:
        """The summaries that are listed, in the order of lists."""
        return in_order(self._summaries)

    def finish(self, *, refresh: float = 0) -> None:
        """Write the files that list all cases, and the pages that an earlier part of the run has not written.

        ``refresh``: seconds after which a browser loads the index page anew, where the run goes on.
        """
        for found in records_in(self.path) if self._without_page else ():
            if isinstance(found, RecordFile) and found.name in self._without_page:
                self.add(found.record)
        agents = self.summaries
        started, duration = span_of(summary for cases in agents.values() for summary in cases.values())
        over = self.over_connections
        listed = self._list_clients(over) if self._clients else {}
        run = {"format": FORMAT, "version": VERSION, "started": started, "duration": duration, "connections": listed}
        write_escaped(self.path / "wsoracle.json", f'{json.dumps(run)[:-1]}, "agents": {json_of(agents, own_fields)}}}')
        write_escaped(self.path / "index.json", json_of(agents, autobahn_fields))
        write_escaped(self.path / "index.html", self._index_page(agents, over, refresh))
        self.write_lists(self._lists)

    def write_lists(self, lists: Lists) -> None:
        """Write the listed results for other programs. Raises OutputError."""
        lists.write(self.summaries, self.over_connections)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _list_clients(self, over: OverConnections) -> dict[str, list[dict[str, Any]]]:
        """Write what was seen of each client; the results as they are listed."""
        from .seen_connections import as_json, write_seen

        for agent, seen in self._clients.items():
            write_seen(self.path / self._names.connections(agent), agent, seen)
        return {agent: list(map(as_json, results)) for agent, results in over.items()}

    def _begin(self, agent: str) -> None:
        """An agent's first connection or record in this run: files of an earlier run of it go, unless it is resumed."""
        if agent in self._begun:
            return
        self._begun.add(agent)
        if not self._resumed:
            self._clients.pop(agent, None)
            self._together.pop(agent, None)
            for summary in self._summaries.pop(agent, {}).values():
                self._remove(summary)
            (self.path / self._names.connections(agent)).unlink(missing_ok=True)

    def _index_page(self, agents: Summaries, over: OverConnections, refresh: float) -> str:
        if self._index is not None and not refresh:
            return self._index(agents, over)
        from .index import index_page

        return index_page(agents, over, refresh)

    def _place_of(self, summary: CaseSummary) -> FilePlace:
        place = self.place(summary.agent, summary.id, summary.control)
        if summary.counts or summary.control in self._summaries.get(summary.agent, {}):
            return place
        return place._replace(links=place.links._replace(control=None))  # the control was not run

    def _links(self, summary: CaseSummary, beside: tuple[str | None, str | None]) -> PageLinks:
        """The pages that are there."""
        cases = self._summaries[summary.agent]
        found = (cases.get(str(one)) for one in (summary.control, *beside))
        return PageLinks(*(None if one is None else page_name(one.file) for one in found))

    def _load(self) -> None:
        for name in ("index.json", "index.html"):
            if (self.path / name).is_dir():
                raise ValueError(f"there is a folder {name} in it")
        for found in records_in(self.path):
            if not isinstance(found, RecordFile):
                continue
            summary = summary_of(found.record, found.name)
            self._names.keep(found.name.removesuffix(".json"), summary.agent, summary.id)
            self._summaries.setdefault(summary.agent, {})[summary.id] = summary
            if self._resumed and not (self.path / page_name(found.name)).is_file():
                self._without_page.add(found.name)
            if self._resumed and summary.is_own and summary.counts and summary.verdict != NOT_RUN:
                self.profiles.add(str(found.record["wsoracle"].get("profile")))
                self._earlier.setdefault(summary.agent, {})[summary.id] = summary
        if any(self.path.glob(f"*{CONNECTIONS}")):
            from .seen_connections import seen_in

            for name, agent, seen in seen_in(self.path, CONNECTIONS):
                if self._names.connections(agent) == name:
                    self._clients[agent] = seen

    def _remove(self, summary: CaseSummary) -> None:
        for name in (summary.file, page_name(summary.file)):
            (self.path / name).unlink(missing_ok=True)


def _beside(cases: Iterable[str]) -> dict[str, tuple[str | None, str | None]]:
    """The cases before and after each, in the order of lists."""
    ordered = sorted(cases, key=case_order)
    return dict(zip(ordered, zip([None, *ordered], [*ordered[1:], None], strict=False), strict=True))


def settled(summaries: Mapping[str, CaseSummary]) -> dict[str, CaseSummary]:
    """The summaries of an agent that stay as they are when its run goes on.

    Whether a case counts is unknown where its control is not among them.
    """
    return {key: one for key, one in summaries.items() if one.control is None or one.control in summaries}


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def file_record(record: Mapping[str, Any], place: FilePlace) -> CaseSummary:
    """Write the files of a record, its JSON first, and return its summary. Raises OSError."""
    from .page import tidy_page  # what it imports is needed by processes that make pages, and by no other

    file, tidied = f"{place.base}.json", tidy(record)
    write_escaped(place.folder / file, json.dumps(record, ensure_ascii=True, separators=(",", ":")))
    write_escaped(place.folder / page_name(file), tidy_page(tidied, place.links))
    return summary_of_tidy(record, tidied, file)


# --- names of files ---------------------------------------------------------------------------------------------------

LONGEST: Final = 80
"""Characters of a part of a name."""

_OTHER: Final = re.compile(r"[^a-z0-9]")


class FileNames:
    """The names of files in one folder, safe whatever an agent calls itself; each agent and each case keeps its first.

    As in Autobahn a name is in lower case and trimmed, with underscores for what is neither letter nor digit. Where
    that is too long, empty or taken, a few characters of a digest are added, so that different names have different
    files.
    """

    def __init__(self) -> None:
        self._parts: Final[dict[str, str]] = {}
        self._taken: Final[dict[str, str]] = {}

    def base(self, agent: str, case_id: str) -> str:
        """The name of a case's files without suffix: ``agent_case_1_1_1``."""
        return f"{self._part('agent', agent)}_case_{self._part('id', case_id)}"

    def connections(self, agent: str) -> str:
        """The name of the file of what was seen of an agent's connections."""
        return f"{self._part('agent', agent)}{CONNECTIONS}"

    def keep(self, base: str, agent: str, case_id: str) -> None:
        """Keep a name that is in the folder already, unless it stands for another agent or case."""
        left, found, right = base.rpartition("_case_")
        if found:
            for kind, part, text in (("agent", left, agent), ("id", right, case_id)):
                if self._taken.setdefault(f"{kind} {part}", text) == text:
                    self._parts.setdefault(f"{kind} {text}", part)

    def _part(self, kind: str, text: str) -> str:
        key = f"{kind} {text}"
        known = self._parts.get(key)
        if known is None:
            known = self._parts[key] = self._new(kind, text)
            self._taken[f"{kind} {known}"] = text
        return known

    def _new(self, kind: str, text: str) -> str:
        plain = _OTHER.sub(" ", text.lower()).strip().replace(" ", "_")
        if plain and len(plain) <= LONGEST and "_case_" not in f"_{plain}_" and f"{kind} {plain}" not in self._taken:
            return plain
        stem = "_".join(part for part in plain[:LONGEST].split("_") if part not in ("", "case")) or kind
        # An agent may call itself by the digest of another's name.
        for attempt in count():
            octets = f"{text}{attempt or ''}".encode("utf-8", "surrogatepass")
            name = f"{stem}_{hashlib.sha256(octets).hexdigest()[:12]}"
            if f"{kind} {name}" not in self._taken:
                return name
        raise AssertionError("there is always another one")
