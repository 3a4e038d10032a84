"""``wsoracle run``: the cases on real implementations, in process, each verdict with its clause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wsoracle.generators.cases.derived import judge_only

from ..cli import FAILED, WrongInput
from ..text.clauses import clause
from ..text.output import STDOUT, console, progress, write_json
from .case_selection import foreseen
from .options import json_option, seed_option, select

if TYPE_CHECKING:
    from ..explore.running import CaseRun


@click.command("run")
@click.argument("pattern", required=False)
@json_option
@click.option("--quick", is_flag=True, help="Without the killers of mutants, which take a minute or two to find.")
@seed_option
@click.pass_context
def command(context: click.Context, pattern: str | None, json_file: str | None, quick: bool, seed: int) -> None:
    """Run the cases on wsproto and websockets, in process, and judge what they do.

    PATTERN selects cases by their id; their controls are always run. The exit status is 1 where a case is failed.
    """
    from wsoracle.generators.suite.all_cases import NO_KILLERS, collect

    from ..explore.running import run_cases
    from ..implementations import available_peers, missing_peers

    peers = available_peers()
    if not peers:
        raise WrongInput("no implementation is installed: pip install 'wsoracle[explore]'")
    if pattern is not None and "://" in pattern:
        raise WrongInput(f"{pattern} is no pattern: cases run in process; for a URL: wsoracle generate --format pytest")
    foreseen(pattern)
    with progress("generating") as step:
        found = collect(seed, step, NO_KILLERS if quick else None)
    chosen = set(select(pattern, (case.id for case in found.cases if judge_only(case) is None), "case that can be run"))
    controls = {case.control for case in found.cases if case.id in chosen}
    with progress("running") as step:
        cases = [case for case in found.cases if case.id in chosen or case.id in controls]
        runs = run_cases(cases, peers, step)
    if json_file is not None:
        write_json(json_file, {"runs": [run.to_json() for run in runs]})
    if json_file != STDOUT:
        show(runs)
    for missing in missing_peers():
        click.echo(f"not run: {missing.implementation} ({missing.reason})", err=True)
    if not all(run.passed for run in runs):
        context.exit(FAILED)


def show(runs: Sequence[CaseRun], *, most: int | None = None) -> None:
    """Print each run that did not pass with its clause, at most `most` of them, and the sums."""
    from rich.text import Text

    from ..explore.running import tally

    out = console()
    odd = [run for run in runs if not run.passed]
    for run in odd[:most]:
        head = Text(f"{run.verdict if run.counts else 'NO CONTROL'}  ", "bold red")
        head.append(f"{run.implementation} {run.version} as {run.role}: {run.case}", "bold")
        out.print(head, soft_wrap=True)
        for rule in run.rules:
            out.print(Text(f"    {rule}: {clause(rule)}", "dim"))
        for line in run.observed[-3:]:
            out.print(Text(f"    {line}"))
        if run.instead:
            out.print(Text(f"    would have been allowed: {'; or '.join(run.instead)}", "green"))
    if most is not None and len(odd) > most:
        out.print(Text(f"... and {len(odd) - most} more"))
    for (name, version, role), verdicts in tally(runs).items():
        sums = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        out.print(Text(f"{name} {version} as {role}: {sums}", "bold"), soft_wrap=True)
