"""The folder of a run: where its records go, and what an earlier part of the run has left in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ..reports import ReportFolder
from ..reports.entries import Entries
from ..reports.names import page_name
from ..reports.stored_record import Place
from ..text.output import write_text
from .summary import summary_of

__all__ = ["RunFolder", "settled"]

_ANSWERED: Final = ("OK", "NON-STRICT")


class RunFolder:
    """A report folder with ``resume``: of an agent that was run before, only what is missing needs to be run.

    ``junit`` and ``markdown`` name files that are written too; ``index`` makes the index page instead of this process.
    Raises :class:`~wsoracle.reports.ForeignFolder`.
    """

    def __init__(
        self,
        path: str,
        *,
        resume: bool,
        junit: str | None = None,
        markdown: str | None = None,
        index: Callable[[Entries], str] | None = None,
    ) -> None:
        self._folder: Final = ReportFolder(path, resumed=resume, index=index)
        self._junit: Final = junit
        self._markdown: Final = markdown
        self._earlier: Final[dict[str, dict[str, dict[str, Any]]]] = {}
        self._without_page: Final[set[tuple[str, str]]] = set()
        self.profiles: Final[set[str]] = set()
        """By which profiles what is in it counts as what."""
        if resume:
            self._look_back()

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._folder.path

    @property
    def agents(self) -> tuple[str, ...]:
        """Who was run before."""
        return tuple(self._earlier)

    def records_of(self, agent: str | None) -> dict[str, dict[str, Any]]:
        """The summaries of an agent's records from before that need not be run again, by id."""
        return settled(self._earlier.get(agent, {})) if agent is not None else {}

    def answered_by(self, agent: str | None) -> Mapping[str, bool]:
        """Of each case that an agent ran before, whether it was answered as a control must be."""
        found = self.records_of(agent)
        return {case_id: record["wsoracle"]["verdict"] in _ANSWERED for case_id, record in found.items()}

    def place(self, agent: str, case_id: str, control: str | None) -> Place:
        """Where the files of a case are to go, for who writes them."""
        return self._folder.place(agent, case_id, control)

    def add(self, record: Mapping[str, Any]) -> None:
        """Write the files of a case."""
        self._without_page.discard((record["agent"], record["id"]))
        self._folder.add(record)

    def finish(self) -> None:
        """Write the files that list all cases."""
        if self._without_page:
            for record in self._folder.records():
                if (record["agent"], record["id"]) in self._without_page:
                    self._folder.add(record)
        self._folder.finish()
        if self._junit is not None or self._markdown is not None:
            self._write_for_machines()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _write_for_machines(self) -> None:
        # What it imports would make everybody else wait.
        from ..reports.junit_markdown import junit_xml, markdown_summary

        if self._junit is not None:
            write_text(self._junit, junit_xml(self._folder.entries))
        if self._markdown is not None:
            write_text(self._markdown, markdown_summary(self._folder.entries))

    def _look_back(self) -> None:
        """What counts of what was run before; a run that was killed may have left a record without its page."""
        for record in self._folder.records():
            summary = _summary(record)
            if summary is not None:
                self.profiles.add(str(record["wsoracle"].get("profile")))
                self._earlier.setdefault(record["agent"], {})[record["id"]] = summary
        for agent, cases in self._folder.entries.items():
            for case_id, entry in cases.items():
                if not (self.path / page_name(entry["reportfile"])).is_file():
                    self._without_page.add((agent, case_id))


def settled(records: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those of an agent's summaries that stay as they are, where it goes on.

    Whether a case counts whose control is not among them, nobody knows any more.
    """
    there = (None, *records)
    return {key: one for key, one in records.items() if one["wsoracle"]["control"] in there}


def _summary(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The summary of a record that counts; None for one that does not, or that is none of ours."""
    try:
        if record["wsoracle"]["counts"] is not True:
            return None
        summary = summary_of(record)
    except (KeyError, TypeError):
        return None
    ours = summary["wsoracle"]
    texts = [summary["behavior"], summary["behaviorClose"], ours["verdict"], ours["note"]]
    texts += [text for rule in ours["rules"] for text in rule.values()]
    return summary if isinstance(ours["passed"], bool) and all(isinstance(text, str) for text in texts) else None
