"""The folder of a run: where its records go, and what an earlier part of the run has left in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..output import write_text
from ..reports import ReportFolder
from .summary import summary_of

__all__ = ["RunFolder"]

_ANSWERED: Final = ("OK", "NON-STRICT")


class RunFolder:
    """A report folder with ``resume``: of an agent that was run before, only what is missing needs to be run.

    ``junit`` and ``markdown`` name files that are written too. Raises :class:`~wsoracle.reports.ForeignFolder`.
    """

    def __init__(self, path: str, *, resume: bool, junit: str | None = None, markdown: str | None = None) -> None:
        self._folder: Final = ReportFolder(path, resumed=resume)
        self._junit: Final = junit
        self._markdown: Final = markdown
        self._earlier: Final[dict[str, dict[str, dict[str, Any]]]] = {}
        for record in self._folder.records() if resume else ():
            if "wsoracle" in record and record["wsoracle"]["counts"]:
                self._earlier.setdefault(record["agent"], {})[record["id"]] = summary_of(record)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._folder.path

    @property
    def agents(self) -> tuple[str, ...]:
        """Who was run before."""
        return tuple(self._earlier)

    def records_of(self, agent: str | None) -> dict[str, dict[str, Any]]:
        """The summaries of an agent's records from before, by id."""
        return dict(self._earlier.get(agent, {})) if agent is not None else {}

    def answered_by(self, agent: str | None) -> Mapping[str, bool]:
        """Of each case that an agent ran before, whether it was answered as a control must be."""
        found = self.records_of(agent)
        return {case_id: record["wsoracle"]["verdict"] in _ANSWERED for case_id, record in found.items()}

    def add(self, record: Mapping[str, Any]) -> None:
        """Write the files of a case."""
        self._folder.add(record)

    def finish(self) -> None:
        """Write the files that list all cases."""
        from ..reports.for_machines import junit_xml, markdown_summary

        self._folder.finish()
        if self._junit is not None:
            write_text(self._junit, junit_xml(self._folder.entries))
        if self._markdown is not None:
            write_text(self._markdown, markdown_summary(self._folder.entries))
