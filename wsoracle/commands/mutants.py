"""``wsoracle mutants``: the faults of the rules, and the suite that kills them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from ..cli import FAILED
from ..text.output import STDOUT, console, progress, say, write_json
from .options import checked_autobahn_cases, jobs_option, json_option, select

if TYPE_CHECKING:
    from wsoracle.generators.suite.suite import MutationResult


@click.command("mutants")
@click.argument("pattern", required=False)
@json_option
@click.option("--autobahn-cases", metavar="FILE", help="Autobahn's cases, to be scored beside ours.")
@jobs_option
@click.pass_context
def command(
    context: click.Context, pattern: str | None, json_file: str | None, autobahn_cases: str | None, jobs: int
) -> None:
    """Make faults by changing rules, and kill each by a case or prove it equivalent.

    PATTERN selects mutants by their id, such as 5.5.1/ or *~drop. The exit status is 1 where a mutant is alive, or
    where the suite does not kill all that are not equivalent.
    """
    from wsoracle.generators.mutants.operators import mutants
    from wsoracle.generators.suite.suite import analyse

    every = mutants()
    chosen = set(select(pattern, (mutant.id for mutant in every), "mutant"))
    data = checked_autobahn_cases(autobahn_cases)
    with progress("telling mutants apart") as step:
        result = analyse([mutant for mutant in every if mutant.id in chosen], data, step, jobs)
    if json_file is not None:
        write_json(json_file, result.to_json())
    if json_file != STDOUT:
        show(result)
    if result.score < 1 or alive(result):
        context.exit(FAILED)


def alive(result: MutationResult) -> list[str]:
    """The mutants that are neither killed nor proved equivalent."""
    from wsoracle.generators.mutants.distinguish import MutantStatus

    return [found.mutant for found in result.found.values() if found.status is MutantStatus.ALIVE]


def show(result: MutationResult) -> None:
    """Print the sums, by operator, and what is alive."""
    from rich.table import Table

    from wsoracle.generators.mutants.distinguish import MutantStatus

    table = Table("operator", *(status.value for status in MutantStatus))
    count = Counter((mutant.operator, result.found[mutant.id].status) for mutant in result.mutants)
    for operator in dict.fromkeys(mutant.operator for mutant in result.mutants):
        table.add_row(operator, *(str(count[operator, status]) for status in MutantStatus))
    total = Counter(found.status for found in result.found.values())
    table.add_row("all", *(str(total[status]) for status in MutantStatus), style="bold")
    console().print(table)
    for name in alive(result):
        say((f"alive: {name}", "bold red"))
    say((f"a suite of {len(result.suite)} cases scores {result.score:.1%}", "bold"))
    say(f"the event sequences of Autobahn's groups 1-7: {result.autobahn_in_words}")
