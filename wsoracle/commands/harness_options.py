"""Options that the commands of the harness share, and the cases, manners and folder that follow from them."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from wsoracle.generators.atomic_write import can_create_beside
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.verdict import PROFILES

from ..cli import Terminated, WrongInput
from ..reports.badge import SUFFIXES
from ..reports.lists import Lists
from ..reports.wanted import FAIL_ON, PLAIN, Wanted
from ..text.output import STDOUT, one_line
from .case_selection import select_cases
from .options import DEFAULT_SEED, checked_file

if TYPE_CHECKING:
    # Slow imports are made where they are used: while another process gets ready.
    from wsoracle.generators.cases.case import Case

    from ..harness.judging_pool import Judges
    from ..harness.manners import Manners
    from ..reports import ReportFolder

F = TypeVar("F", bound=Callable[..., Any])


def number_given(context: click.Context, option: click.Parameter, value: float) -> float:
    """Callback of an option for seconds: click lets nan pass any range."""
    if math.isnan(value):
        raise click.BadParameter("nan is no number of seconds", context, option)
    return value


def _folder(context: click.Context, option: click.Parameter, name: str) -> str:
    """Callback of an option for the folder of a run."""
    return checked_folder(name)


def harness_options(out: str) -> Callable[[F], F]:
    """The options of a run; ``out`` is where its pages go without ``--out``."""
    options: Final = (
        click.option("--select", "selected", multiple=True, metavar="PATTERN",
                     help="Only these cases; may be repeated."),
        click.option("--exclude", "excluded", multiple=True, metavar="PATTERN",
                     help="Not these cases; may be repeated."),
        click.option("--out", default=out, show_default=True, metavar="DIR", callback=_folder,
                     help="Where the pages go."),
        click.option("--resume", is_flag=True, help="Go on with the run that is in the folder."),
        click.option("--timeout", type=click.FloatRange(0.05, 3600), default=2.0, show_default=True,
                     callback=number_given, metavar="SECONDS", help="The patience with a silent endpoint in one case."),
        click.option("--case-timeout", type=click.FloatRange(0.1, 3600), default=60.0, show_default=True,
                     callback=number_given, metavar="SECONDS",
                     help="How long a case may take at most; a case may ask for less."),
        click.option("--seed", type=click.IntRange(min=0), default=DEFAULT_SEED, show_default=True,
                     help="The seed of masking keys and nonces."),
        click.option("--profile", type=click.Choice(PROFILES), default="interop", show_default=True,
                     help="Whether rules that only implementations agree on bind."),
        click.option("--expected-failures", metavar="FILE", type=click.Path(exists=True, dir_okay=False),
                     help="Ids of cases that are known to fail, one a line."),
        click.option("--write-expected-failures", metavar="FILE", callback=checked_file,
                     help="Write such a file with the cases that failed."),
        click.option("--fail-on", type=click.Choice(FAIL_ON), default="must", show_default=True,
                     help="Whether a SHOULD that is not followed fails a case too."),
        echoes_option,
        click.option("--switch", "switches", metavar="NAME=VALUE", multiple=True,
                     help="Decide a disputed point (docs/spec.md has them all); may be repeated."),
    )  # fmt: skip

    def add(function: F) -> F:
        function = list_options(function)
        for option in reversed(options):
            function = option(function)
        return function

    return add


def echoes_option(function: F) -> F:
    """The option for a quick look at the cases of compression."""
    return click.option(
        "--echoes", type=click.IntRange(1, 100_000), metavar="N", show_default="1000",
        help="Messages of each case in groups 12 and 13.",
    )(function)  # fmt: skip


def list_options(function: F) -> F:
    """The options for lists of the results, for other programs."""
    options: Final = (
        click.option("--junit", metavar="FILE", callback=checked_file, help="Write the results as JUnit XML too."),
        click.option("--markdown", metavar="FILE", callback=checked_file, help="Write a summary in Markdown too."),
        click.option("--ctrf", metavar="FILE", callback=checked_file, help="Write the results as CTRF JSON too."),
        click.option("--badge", metavar="FILE", callback=_badge_file,
                     help="Write a badge too: a picture (.svg), or JSON for shields.io (.json)."),
        click.option("--github", is_flag=True,
                     help="Print annotations for GitHub Actions, and add to the summary of the job."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def _badge_file(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    if name is not None and not name.endswith(SUFFIXES):
        raise click.BadParameter(f"{name!r} ends neither with .svg nor with .json", context, option)
    return checked_file(context, option, name)


def lists_of(options: Mapping[str, Any], wanted: Wanted = PLAIN) -> Lists:
    """The lists that the options ask for. Raises WrongInput where two of them go to one file."""
    lists = Lists(
        options.get("junit"), options.get("markdown"), options.get("ctrf"), options.get("badge"),
        bool(options.get("github")), wanted,
    )  # fmt: skip
    others = [options.get(kind) for kind in ("json_file", "write_expected_failures")]
    files = [*lists.files, *(name for name in others if name is not None)]
    if lists.github and STDOUT in files:
        raise WrongInput("--github prints on standard output: give another list than - for it a file")
    if len(set(files)) < len(files):
        twice = next(name for name in files if files.count(name) > 1)
        raise WrongInput(f"two lists go to {one_line(twice)}: give each its own file")
    return lists


def wanted_of(options: Mapping[str, Any], cases: Sequence[Case]) -> Wanted:
    """What fails the run. Raises WrongInput for a file of expected failures that names something else than cases."""
    expected = _expected_failures(options["expected_failures"], cases)
    return Wanted(expected, options["fail_on"] == "should")


@contextmanager
def run_folder(
    options: Mapping[str, Any], judges: Judges | None = None, wanted: Wanted = PLAIN
) -> Iterator[ReportFolder]:
    """The folder of a run, for as long as the block lasts: its lists are written at the end, however it comes.

    ``judges`` make the index page, if there are any. Raises WrongInput for a folder that cannot be used, and where a
    run cannot be resumed.
    """
    from ..reports import FolderInUse, ForeignFolder, ReportFolder, only_run_in

    lists = lists_of(options, wanted)
    path = Path(checked_folder(options["out"]))
    try:
        with only_run_in(path):
            folder = ReportFolder(
                path,
                resumed=bool(options.get("resume")),
                lists=lists,
                index=None if judges is None else judges.index_page,
            )
            _check_profiles(folder, str(options.get("profile")))
            try:
                yield folder
            except (KeyboardInterrupt, Terminated):
                if "resume" in options:
                    where = one_line(str(folder.path))
                    click.echo(f"what was judged is in {where}: --resume goes on from there", err=True)
                raise
            finally:
                folder.finish()
    except (FolderInUse, ForeignFolder) as error:
        raise WrongInput(f"--out: {error}") from error


def _check_profiles(folder: ReportFolder, profile: str) -> None:
    others = folder.profiles - {profile}
    if others:
        raise WrongInput(f"--resume: the folder was judged by the profile {min(others)}: name that one, or begin anew")


def checked_folder(name: str) -> str:
    """The name of a folder for reports. Raises WrongInput, before any work, where none can be there or be written."""
    if not name or "\0" in name:
        raise WrongInput("--out: the name of the folder is empty or has a NUL in it: give one, such as reports")
    path = Path(name).absolute()
    try:
        there = next(one for one in (path, *path.parents) if one.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        can_create_beside(there / "index.html")
    except OSError as error:
        why = error.strerror or str(error)
        raise WrongInput(f"--out: {one_line(name)} cannot hold a report: {why}: name another folder") from error
    return name


def enough_files(connections: int, option: str = "") -> None:
    """Raise WrongInput where the limit on open files does not allow this number of connections at once."""
    from ..harness.shortage import Shortage, check_connections

    try:
        check_connections(connections, option)
    except Shortage as error:
        raise WrongInput(str(error)) from error


def manners_of(options: Mapping[str, Any]) -> Manners:
    """How the tester behaves. Raises WrongInput where a case ends before silence can be found."""
    from ..harness.manners import GRACE, Manners

    patience, seconds = float(options["timeout"]), float(options["case_timeout"])
    if patience >= seconds:
        raise WrongInput(f"--timeout {patience:g} is no less than --case-timeout {seconds:g}: raise that too")
    return Manners(patience, min(GRACE, patience / 2), seconds, int(options["seed"]))


def chosen_cases(role: Role, options: Mapping[str, Any]) -> tuple[Case, ...]:
    """The cases for endpoints of a role that are selected, and their controls. Raises WrongInput where none is."""
    from wsoracle.generators.cases.catalogue.compressed import with_echoes
    from wsoracle.generators.cases.runnable import runnable_cases

    from ..harness.controls import with_controls

    if "" in (*options["selected"], *options["excluded"]):
        # A variable of a script that is not set: without a pattern all cases would run.
        raise WrongInput("--select or --exclude is empty: give a part of an id, or a pattern with *, or leave it out")
    every = [case for case in runnable_cases() if role in case.roles]
    chosen = {case.id for case in every}
    if options["selected"]:
        chosen = {case_id for pattern in options["selected"] for case_id in select_cases(pattern, every)}
    for pattern in options["excluded"]:
        chosen -= set(select_cases(pattern, every))
    if not chosen:
        raise WrongInput("--exclude excludes every case that --select selects: exclude fewer")
    cases = with_controls([case for case in every if case.id in chosen], every)
    if options.get("echoes") is not None:
        cases = with_echoes(cases, int(options["echoes"]))
    added = [case.id for case in cases if case.id not in chosen]
    if added:
        more = f" and {len(added) - 1} more" if len(added) > 1 else ""
        click.echo(f"run too, as controls of what is selected: {added[0]}{more}", err=True)
    return cases


def _expected_failures(name: str | None, cases: Sequence[Case]) -> frozenset[str]:
    """The ids of the cases that are expected to fail, by a file that may name others too.

    Raises WrongInput for a file that names something else than cases.
    """
    if name is None:
        return frozenset()
    from wsoracle.generators.cases.runnable import runnable_cases

    from ..harness.run_result import ExpectedFailures

    try:
        found = ExpectedFailures.read(Path(name)).ids(case.id for case in runnable_cases())
        return found & {case.id for case in cases}
    except OSError as error:
        raise WrongInput(f"{name}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise WrongInput(f"{name} is no text in UTF-8: give a file with an id a line") from error
    except ValueError as error:
        raise WrongInput(f"{name}: {error}: wsoracle cases lists them all") from error
