"""``wsoracle report``: pages and lists made anew from the records of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ..cli import FAILED, WrongInput
from ..text.output import STDOUT, one_line, progress
from .harness_options import list_options, lists_of

if TYPE_CHECKING:
    from ..reports import ReportFolder
    from ..reports.causes import Cause
    from ..reports.lists import Lists
    from ..reports.stored_record import NoRecord

_ADVICE: Final = "name the folder of a run, such as reports/servers"


@click.command("report")
@click.argument("folder", metavar="DIR")
@list_options
@click.option("--issue", metavar="CAUSE", help="Print a report on this cause for a tracker, and make nothing anew.")
@click.pass_context
def command(context: click.Context, /, folder: str, issue: str | None, **options: Any) -> None:
    """Make the pages and lists of a run anew, from the JSON files of its cases.

    DIR is the folder of a run of wsoracle or of Autobahn: every page, index.html, index.json and
    wsoracle.json in it are written anew. A file that holds no record is passed over and named; the exit status is then
    1. FILE may be - for standard output.

    CAUSE is the number of a cause, as the list of causes counts them (1 is the first), or a part of its id or of what
    it says; with several agents the number goes on from one to the next.
    """
    from ..reports import FolderInUse, only_run_in

    lists = lists_of(options)
    if not folder or "\0" in folder or not Path(folder).is_dir():
        what = "not a folder" if folder and "\0" not in folder and Path(folder).exists() else "no such folder"
        raise WrongInput(f"{folder!r}: {what}: {_ADVICE}")
    if not any(Path(folder).glob("*_case_*.json")):
        raise WrongInput(f"{folder} has no records of cases (files such as NAME_case_1_1_1.json): {_ADVICE}")
    if issue is not None:
        click.echo(_issue(folder, issue), nl=False)
        return
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


def _issue(folder: str, wanted: str) -> str:
    """The report on a cause of the run in a folder. Raises WrongInput where none or more than one is meant."""
    from wsoracle.generators.cases.runnable import runnable_cases
    from wsoracle.generators.export.script import NoScript, script_of
    from wsoracle.model.octets.vocabulary import Role

    from ..reports import ForeignFolder, ReportFolder
    from ..reports.causes import causes_of
    from ..reports.issue import issue_text

    try:
        summaries = ReportFolder(folder).summaries
    except ForeignFolder as error:
        raise WrongInput(str(error)) from error
    causes = [(agent, cause) for agent, cases in summaries.items() for cause in causes_of(cases)]
    named = {str(number): one for number, one in enumerate(causes, 1)}
    meant = [named[wanted]] if wanted in named else _meant(wanted, causes)
    if len(meant) != 1:
        listed = "; ".join(f"{number}: {one_line(cause.id, 100)}" for number, (_, cause) in list(named.items())[:20])
        found = f"{len(meant)} causes match" if meant else "no cause matches"
        raise WrongInput(f"--issue: {found} {wanted!r}: give the number of one: {listed or 'there is none'}")
    ((agent, cause),) = meant
    case = next((case for case in runnable_cases() if case.id == cause.example.id), None)
    try:
        role = Role(cause.example.role)
        script = None if case is None else script_of(case, role, "python")
    except (NoScript, ValueError):
        script = None
    return issue_text(agent, cause, script)


def _meant(wanted: str, causes: Sequence[tuple[str, Cause]]) -> list[tuple[str, Cause]]:
    """The causes with this text in their id, or in what they say."""
    text = wanted.casefold()
    return [one for one in causes if text and text in f"{one[1].id} {one[1].says}".casefold()]


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
