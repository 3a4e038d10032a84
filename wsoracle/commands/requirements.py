"""``wsoracle requirements``: every normative sentence of RFC 6455, and what covers it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from wsoracle.generators.cases.runnable import generated_cases
from wsoracle.model.rules import RULES
from wsoracle.properties.connections.checks import CHECKS
from wsoracle.properties.requirements.register import REGISTER, matrix, problems

from ..cli import FAILED
from ..text.output import STDOUT, say, say_wrapped, write_json
from .options import json_option, select

_STYLE = {"covered": "green", "not observable": "dim"}


@click.command("requirements")
@click.argument("pattern", required=False)
@json_option
@click.pass_context
def command(context: click.Context, pattern: str | None, json_file: str | None) -> None:
    """List the normative sentences of RFC 6455 and RFC 7692, and what covers each.

    PATTERN selects sentences by their id, such as 5.5.1- or 7.*. Cases are those that a tester runs. The exit status is
    1 where the register contradicts the rules or the theorems.
    """
    from ..prover import theorems

    chosen = set(select(pattern, (row.id for row in REGISTER), "requirement"))
    register = [row for row in REGISTER if row.id in chosen]
    rows = matrix(register, RULES, theorems(), CHECKS, _cases_by_rule())["requirements"]
    wrong = problems(REGISTER, RULES, theorems(), CHECKS)
    if json_file is not None:
        write_json(json_file, {"requirements": rows})
    if json_file != STDOUT:
        show(rows, wrong)
    if wrong:
        context.exit(FAILED)


def _cases_by_rule() -> dict[str, list[str]]:
    """For each rule the ids of the cases that a tester runs and that stand on it."""
    found: dict[str, list[str]] = {}
    for case in generated_cases():
        for rule in case.quotes:
            found.setdefault(rule, []).append(case.id)
    return found


def show(rows: list[dict[str, Any]], wrong: list[str]) -> None:
    """Print rows of the matrix, what is wrong with it, and the sums."""
    for row in rows:
        status = row["status"]
        say((row["id"].ljust(11), "bold"), f"{row['level']:<19}{row['binds']:<14}", (status, _STYLE[status]))
        say_wrapped(f'"{row["quote"]}"', 11, "italic")
        say_wrapped(_covering(row), 11, "dim")
    counts = Counter(row["status"] for row in rows)
    sums = ", ".join(f"{count} {status}" for status, count in counts.items())
    say((f"{len(rows)} sentence{'' if len(rows) == 1 else 's'}: {sums}", "bold"))
    for line in wrong:
        say((line, "bold red"))


def _covering(row: dict[str, Any]) -> str:
    parts = [f"{what} {', '.join(row[what])}" for what in ("rules", "theorems", "checks") if row[what]]
    if row["cases"]:
        count = len(row["cases"])
        parts.append(f"{count} case{'' if count == 1 else 's'}, such as {row['cases'][0]}")
    if row["why"]:
        parts.append(row["why"])
    return "; ".join(parts)
