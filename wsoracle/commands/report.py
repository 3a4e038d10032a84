"""``wsoracle report``: pages and lists made anew from the records of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ..cli import FAILED, WrongInput
from ..text.output import STDOUT, one_line, progress
from .harness_options import list_options, lists_of

if TYPE_CHECKING:
    from ..reports import ReportFolder
    from ..reports.lists import Lists
    from ..reports.stored_record import NoRecord

_ADVICE: Final = "name the folder of a run, such as reports/servers"


@click.command("report")
@click.argument("folder", metavar="DIR")
@list_options
@click.pass_context
def command(context: click.Context, /, folder: str, **options: Any) -> None:
    """Make the pages and lists of a run anew, from the JSON files of its cases.

    DIR is the folder of a run of wsoracle or of Autobahn: every page, index.html, index.json and
    wsoracle.json in it are written anew. A file that holds no record is passed over and named; the exit status is then
    1. FILE may be - for standard output.
    """
    from ..reports import FolderInUse, only_run_in

    lists = lists_of(options)
    if not folder or "\0" in folder or not Path(folder).is_dir():
        what = "not a folder" if folder and "\0" not in folder and Path(folder).exists() else "no such folder"
        raise WrongInput(f"{folder!r}: {what}: {_ADVICE}")
    if not any(Path(folder).glob("*_case_*.json")):
        raise WrongInput(f"{folder} has no records of cases (files such as NAME_case_1_1_1.json): {_ADVICE}")
    try:
        with only_run_in(Path(folder)):
            run, passed_over = _remade(folder, lists)
    except FolderInUse as error:
        raise WrongInput(str(error)) from error
    if STDOUT not in lists.files:
        cases = sum(map(len, run.summaries.values()))
        found = f"{_number(cases, 'page')} of {_number(len(run.summaries), 'agent')}"
        click.echo(f"{found}: {one_line(str(Path(folder) / 'index.html'))}")
    if passed_over:
        context.exit(FAILED)


def _remade(folder: str, lists: Lists) -> tuple[ReportFolder, list[NoRecord]]:
    """Make everything in a folder anew; the run, and the files that were passed over."""
    from ..reports import ForeignFolder, ReportFolder

    try:
        run = ReportFolder(folder, resumed=True)
    except ForeignFolder as error:
        raise WrongInput(str(error)) from error
    if not run.summaries:
        raise WrongInput(f"{folder}: none of its files *_case_*.json is the record of a case: {_ADVICE}")
    with progress("making pages") as step:
        passed_over = run.remake(step)
    run.finish()
    run.write_lists(lists)
    for file in passed_over:
        click.echo(f"wsoracle: warning: {one_line(file.name)}: {file.why}: passed over", err=True)
    return run, passed_over


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
