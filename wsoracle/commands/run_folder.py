"""The report folder of a run, as the commands of the harness use it: resumed or not, and finished at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ..cli import WrongInput
from ..harness.summary import summary_of
from ..output import OutputError, check_writable, write_text
from ..reports import ForeignFolder, ReportFolder

__all__ = ["RunFolder", "run_folder"]

_ANSWERED: Final = ("OK", "NON-STRICT")


class RunFolder:
    """A report folder, and what is known in it from an earlier part of the run."""

    def __init__(self, folder: ReportFolder, resumed: bool) -> None:
        self.path: Final[Path] = folder.path
        self._folder: Final = folder
        self._earlier: Final[dict[str, dict[str, dict[str, Any]]]] = {}
        if resumed:
            for record in folder.records():
                if isinstance(record.get("wsoracle"), dict):
                    self._earlier.setdefault(record["agent"], {})[record["id"]] = summary_of(record)

    def add(self, record: dict[str, Any]) -> None:
        """Write the files of a case."""
        self._folder.add(record)

    def finish(self) -> None:
        """Write the files that list all cases."""
        self._folder.finish()

    def records_of(self, agent: str | None) -> dict[str, dict[str, Any]]:
        """Summaries of what an agent did before, by id, where this run goes on with an earlier one.

        Cases whose control was not run are left out: whether they count is not known, and they are to be run again.
        """
        earlier = self._earlier.get(agent or "", {})
        return {case_id: one for case_id, one in earlier.items() if one["wsoracle"]["control"] in {None, *earlier}}

    def answered_by(self, agent: str | None) -> dict[str, bool]:
        """For each case that an agent did before, whether it answered: what a control must do."""
        return {case_id: one["wsoracle"]["verdict"] in _ANSWERED for case_id, one in self.records_of(agent).items()}

    def write(self, junit: str | None, markdown: str | None) -> None:
        """Write the results for other programs."""
        from ..reports.for_machines import junit_xml, markdown_summary

        if junit is not None:
            write_text(junit, junit_xml(self._folder.entries))
        if markdown is not None:
            write_text(markdown, markdown_summary(self._folder.entries))


@contextmanager
def run_folder(options: Mapping[str, Any]) -> Iterator[RunFolder]:
    """The folder `out`; at the end, however that comes about, the lists are written. Raises WrongInput."""
    for name in ("junit", "markdown"):
        if options[name] is not None:
            try:
                check_writable(options[name])
            except OutputError as error:
                raise WrongInput(f"--{name}: {error}") from error
    try:
        folder = RunFolder(ReportFolder(options["out"], resumed=options["resume"]), options["resume"])
    except ForeignFolder as error:
        raise WrongInput(str(error)) from error
    try:
        yield folder
    finally:
        folder.finish()
        folder.write(options["junit"], options["markdown"])
