"""How a run ended, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import click

from ..text.output import one_line
from .expected_failures import Tally

__all__ = ["document_of", "show", "summary_of"]

_MOST_LISTED: Final = 40


def summary_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a record in memory: enough to sum up, and to say what failed."""
    ours = record["wsoracle"]
    kept = ("verdict", "counts", "passed", "control", "note")
    rules = [{key: rule[key] for key in ("id", "strength", "section", "quote")} for rule in ours["rules"]]
    return {
        "id": record["id"],
        "behavior": record["behavior"],
        "behaviorClose": record["behaviorClose"],
        "wsoracle": {**{key: ours[key] for key in kept}, "rules": rules},
    }


def document_of(agent: str, url: str | None, records: Mapping[str, Mapping[str, Any]], tally: Tally) -> dict[str, Any]:
    """The end of a run as an object."""
    return {
        "agent": agent,
        "url": url,
        "good": tally.good,
        "verdicts": dict(sorted(Counter(_verdict(record) for record in records.values()).items())),
        "passed": len(tally.passed),
        "failed": list(tally.failed),
        "expectedFailures": list(tally.expected),
        "unexpectedPasses": list(tally.unexpected_passes),
        "cases": {
            case_id: {
                "behavior": record["behavior"],
                "behaviorClose": record["behaviorClose"],
                "verdict": record["wsoracle"]["verdict"],
                "counts": record["wsoracle"]["counts"],
                "rules": [rule["id"] for rule in record["wsoracle"]["rules"]],
            }
            for case_id, record in records.items()
        },
    }


def show(agent: str, records: Mapping[str, Mapping[str, Any]], tally: Tally, where: Any) -> None:
    """Print what failed with its clauses, the sums, and where the pages are."""
    for case_id in tally.failed[:_MOST_LISTED]:
        ours = records[case_id]["wsoracle"]
        verdict = click.style(f"{_verdict(records[case_id])}  ", fg="red", bold=True)
        click.echo(verdict + click.style(case_id, bold=True))
        for rule in ours["rules"]:
            said = f"    {rule['id']}: {rule['strength']}, section {rule['section']}: «{rule['quote']}»"
            click.secho(said, dim=True)
        if ours["note"]:
            click.echo(f"    {one_line(ours['note'])}")
    if len(tally.failed) > _MOST_LISTED:
        click.echo(f"... and {len(tally.failed) - _MOST_LISTED} more that failed")
    for case_id in tally.unexpected_passes:
        click.secho(f"passed, though it is expected to fail: {case_id}", fg="red", bold=True)
    counted = Counter(_verdict(record) for record in records.values())
    sums = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counted.items()))
    known = f" ({len(tally.expected)} failed as expected)" if tally.expected else ""
    click.secho(f"{one_line(agent)}: {sums}{known}", fg="green" if tally.good else None, bold=True)
    click.echo(f"pages: {where}/index.html")


def _verdict(record: Mapping[str, Any]) -> str:
    ours = record["wsoracle"]
    return str(ours["verdict"]) if ours["counts"] else "NO CONTROL"
