"""``wsoracle explore``: the model walked, and real implementations explored against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from ..cli import FAILED
from ..text.clauses import clause
from ..text.output import STDOUT, progress, say, write_json
from .options import json_option, seed_option

if TYPE_CHECKING:
    from ..explore.exploration import Explored

EXAMPLES: Final = 2_000
"""Attempts for each implementation in each role, those that shrinking runs included."""

OWN = "wsoracle"
"""The name of our own endpoint, the control."""


@click.command("explore")
@json_option
@click.option(
    "--examples", type=click.IntRange(1), default=EXAMPLES, show_default=True, help="Scenarios for each implementation."
)
@seed_option
@click.pass_context
def command(context: click.Context, json_file: str | None, examples: int, seed: int) -> None:
    """Explore the model, and wsproto and websockets against it, as server and as client.

    Hypothesis draws frames, legal and illegal, chunks and what applications send in between; what deviates is shrunk.
    The exit status is 1 where a rule never fired, or where our own endpoint, the control, deviates.
    """
    from ..explore.exploration import explore

    with progress("exploring") as step:
        report = explore(seed, examples=examples, progress=step)
    if json_file is not None:
        write_json(json_file, report.to_json())
    if json_file != STDOUT:
        show(report)
    for name, reason in report.missing.items():
        click.echo(f"not explored: {name} ({reason})", err=True)
    if wrong(report):
        context.exit(FAILED)


def wrong(report: Explored) -> list[str]:
    """The faults of the model itself: rules that never fired, deviations of our own endpoint, the control."""
    never = [f"never fired: {rule}" for rule, count in report.rules_fired.items() if not count]
    return never + [f"our own endpoint deviates: {f.description}" for f in report.findings if f.implementation == OWN]


def show(report: Explored) -> None:
    """Print the findings, each with its clauses, and the sums."""
    for found in report.findings:
        said = found.to_json()
        style = "bold red" if found.strength in ("MUST", "CRASH") else "bold yellow"
        name = f"{found.implementation} {found.version} as {found.role}: {found.description}"
        say((f"{found.strength:<10}", style), (name, "bold"))
        for rule in found.rules:
            say((f"    {rule}: {clause(rule)}", "dim"))
        for line in said["observed"]:
            say(f"    {line}")
        if said["would_have_been_allowed"]:
            allowed = "; or ".join(said["would_have_been_allowed"])
            say((f"    would have been allowed: {allowed}", "green"))
    fired = sum(1 for count in report.rules_fired.values() if count)
    say((f"{report.states} states and {report.transitions} transitions of both roles", "bold"))
    say((f"{fired} of {len(report.rules_fired)} rules fired", "bold"))
    tried = f"{report.scenarios} scenarios and {report.walks} walks: {len(report.findings)} findings"
    say((tried, "bold"))
    for line in wrong(report):
        say((line, "bold red"))
