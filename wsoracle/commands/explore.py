"""``wsoracle explore``: the model walked, and real implementations explored against it."""

from __future__ import annotations

import click

from ..cli import FAILED
from ..exploration import EXAMPLES, Explored, explore
from ..output import STDOUT, console, progress, write_json
from ..peers import missing_peers
from ..running import clause
from .options import json_option, seed_option


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
    with progress("exploring") as step:
        report = explore(seed, examples, step)
    if json_file is not None:
        write_json(json_file, report.to_json())
    if json_file != STDOUT:
        show(report)
    for missing in missing_peers():
        click.echo(f"not explored: {missing.implementation} ({missing.reason})", err=True)
    if wrong(report):
        context.exit(FAILED)


def wrong(report: Explored) -> list[str]:
    """What is wrong with the model itself: rules that never fired, deviations of our own endpoint."""
    never = [f"never fired: {rule}" for rule, count in report.rules_fired.items() if not count]
    return never + [f"our own endpoint deviates: {f.act} ({', '.join(f.rules)})" for f in report.own]


def show(report: Explored) -> None:
    """Print the findings, each with its clauses, and the sums."""
    from rich.text import Text

    out = console()
    for found in report.findings:
        said = found.to_json()
        head = Text(f"{found.strength:<10}", "bold red" if found.strength == "MUST" else "bold yellow")
        head.append(f"{said['implementation']} {said['version']} as {said['role']}: {said['description']}", "bold")
        out.print(head, soft_wrap=True)
        for rule in found.rules:
            out.print(Text(f"    {rule}: {clause(rule)}", "dim"))
        for line in said["observed"]:
            out.print(Text(f"    {line}"))
        if said["wouldHaveBeenAllowed"]:
            out.print(Text(f"    would have been allowed: {'; or '.join(said['wouldHaveBeenAllowed'])}", "green"))
    fired = sum(1 for count in report.rules_fired.values() if count)
    out.print(Text(f"{report.states} states and {report.transitions} transitions of both roles", "bold"))
    out.print(Text(f"{fired} of {len(report.rules_fired)} rules fired in {report.scenarios} scenarios", "bold"))
    out.print(Text(f"{len(report.findings)} findings, {len(report.own)} in our own endpoint", "bold"))
    for line in wrong(report):
        out.print(Text(line, "bold red"), soft_wrap=True)
