"""``wsoracle cases``: the cases that a tester runs, one of them in full, and the files that are made from all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.model.octets.vocabulary import Role

from ..cli import WrongInput
from ..expected.case_text import case_lines, case_overview, summary
from ..text.output import STDOUT, progress, write_json, write_text
from .case_selection import more_generated, select_known
from .options import checked_autobahn_cases, checked_file, json_option

if TYPE_CHECKING:
    from wsoracle.generators.export.script import ScriptForm


@click.command("cases")
@click.argument("pattern", required=False)
@json_option
@click.option("--autobahn", is_flag=True, help="Make docs/autobahn.md from Autobahn's cases.")
@click.option("--suite", is_flag=True, help="Generate the suite again; this takes a minute or two.")
@click.option("--expected", is_flag=True, help="Work out the expectation of every case; this takes a minute.")
@click.option("--write", "file", callback=checked_file, metavar="FILE", help="Write to FILE instead of printing.")
@click.option("--autobahn-cases", metavar="FILE", help="Autobahn's cases, one JSON object per line.")
@click.option("--script", type=click.Choice(["python", "sh"]), help="Print a script that plays the octets of the case.")
@click.option("--role", type=click.Choice([role.value for role in Role]), help="The endpoint that the script is for.")
def command(
    pattern: str | None,
    json_file: str | None,
    autobahn: bool,
    suite: bool,
    expected: bool,
    file: str | None,
    autobahn_cases: str | None,
    script: ScriptForm | None,
    role: str | None,
) -> None:
    """List the cases that a tester runs, or show what is sent and expected in one.

    PATTERN is the id of a case, the beginning or a part of ids, words of titles and rules (utf8), or a pattern with *
    for whole ids. The expectation is worked out from the rules. Generated cases that no tester plays are shown too.
    """
    if autobahn or suite or expected:
        if autobahn + suite + expected > 1 or pattern is not None or json_file is not None:
            raise WrongInput("--autobahn, --suite and --expected go alone, perhaps with --write: give one of them")
        made = _suite() if suite else _expected() if expected else _autobahn(autobahn_cases)
        write_text(file or STDOUT, made)
        return
    if file is not None or autobahn_cases is not None:
        raise WrongInput(
            "--write and --autobahn-cases go with --autobahn, --suite or --expected: give one of these too"
        )
    chosen = select_known(pattern)
    one = chosen[0] if len(chosen) == 1 else None
    if script is not None:
        if one is None:
            raise WrongInput(f"--script: {len(chosen)} cases match: name one of them, such as {chosen[0].id}")
        click.echo(_script(one, script, role), nl=False)
        return
    if json_file is not None:
        write_json(json_file, {"cases": [case_overview(case, whole=case is one) for case in chosen]})
    if json_file == STDOUT:
        return
    if one is not None:
        click.echo("\n".join(case_lines(one)))
    else:
        _list(chosen)
    more = 0 if chosen[0].allowed else more_generated(pattern)
    if more:
        click.echo(f"and up to {more} more that no tester plays: wsoracle generate --select {pattern}", err=True)


def _script(case: Case, form: ScriptForm, role: str | None) -> str:
    from wsoracle.generators.export.script import NoScript, script_of

    try:
        return script_of(case, max(case.roles) if role is None else Role(role), form)
    except NoScript as error:
        raise WrongInput(str(error)) from error


def _list(cases: Sequence[Case]) -> None:
    group: Any = None
    for case in cases:
        if case.group != group:
            group = case.group
            click.echo(": ".join(group) or "Cases that are only generated")
        click.echo(f"  {summary(case)}")


def _suite() -> str:
    from wsoracle.generators.cases.catalogue import catalogued
    from wsoracle.generators.cases.controls import with_nearest_controls
    from wsoracle.generators.cases.file import suite_text
    from wsoracle.generators.cases.tester_suite import suite_for_testers
    from wsoracle.generators.suite.all_cases import collect

    from .options import DEFAULT_SEED

    with progress("generating") as step:
        found = collect(DEFAULT_SEED, step)
    return suite_text(suite_for_testers(found.cases), with_nearest_controls(catalogued()))


def _expected() -> str:
    from ..expected.stored import expected_text
    from ..expected.working_out import every_outcome

    with progress("judging") as step:
        return expected_text(every_outcome(runnable_cases(), step))


def _autobahn(autobahn_cases: str | None) -> str:
    from ..autobahn.document import document

    path = checked_autobahn_cases(autobahn_cases)
    if path is None:
        raise WrongInput("--autobahn: Autobahn's cases are not here: name them with --autobahn-cases FILE")
    try:
        return document(path)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise WrongInput(f"--autobahn-cases: {error}: name the cases of Autobahn, groups 1 to 10") from error
