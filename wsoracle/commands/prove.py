"""``wsoracle prove``: the theorems, each proved and each refuted by a fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ..cli import FAILED, WrongInput
from ..text.output import STDOUT, progress, say, say_wrapped, write_json, write_text
from .options import checked_file, jobs_option, json_option, select

if TYPE_CHECKING:
    from ..prover import ProofReport, ProvedTheorem

_WORST_FIRST = {"refuted": "bold red", "unknown": "bold yellow", "proved": "green"}


@click.command("prove")
@click.argument("pattern", required=False)
@json_option
@jobs_option
@click.option(
    "--faults", callback=checked_file, metavar="FILE", help="Write which theorems fall with which rule; takes minutes."
)
@click.pass_context
def command(context: click.Context, pattern: str | None, json_file: str | None, jobs: int, faults: str | None) -> None:
    """Prove the theorems, and find for each a fault that refutes it.

    PATTERN selects theorems by their id, such as safety/ or *utf8*. The exit status is 1 where a theorem is refuted or
    undecided, or where no fault refutes it, so that it says nothing.
    """
    from ..prover import failures, prove_all, theorems

    if faults is not None:
        from ..site.fallen import fallen_text

        if pattern is not None or json_file is not None:
            raise WrongInput("--faults goes alone, perhaps with --jobs: leave out the rest")
        with progress("breaking rules") as step:
            write_text(faults, fallen_text(step, jobs))
        return
    select(pattern, (theorem.id for theorem in theorems()), "theorem")
    with progress("proving") as step:
        report = prove_all(pattern, jobs, lambda row, done, total: step(row["id"], done, total))
    if json_file is not None:
        write_json(json_file, {"theorems": report["theorems"], "seconds": report["seconds"]})
    wrong = failures(report)
    if json_file != STDOUT:
        show(report, wrong)
    if wrong:
        context.exit(FAILED)


def show(report: ProofReport, wrong: list[str]) -> None:
    """Print a report: every theorem, what is wrong, and the sums."""
    from ..prover import summary

    for row in report["theorems"]:
        result = (row["result"].ljust(8), _WORST_FIRST.get(row["result"], ""))
        say(result, f" {row['seconds']:6.2f} s  ", (row["id"], "bold"))
        for line, style in _lines(row):
            say_wrapped(line, 19, style)
    say()
    for kind, sums in summary(report).items():
        say(f"{kind}: {sums['proved']} of {sums['theorems']} proved in {sums['seconds']:.1f} s")
    for line in wrong:
        say((line, "bold red"))
    held = f"every theorem holds, and a fault refutes each ({report['seconds']:.1f} s)"
    say((held if not wrong else f"{len(wrong)} to look at", "bold"))


def _lines(row: ProvedTheorem) -> Iterator[tuple[str, str]]:
    """The lines of the report on a theorem, each part with its style."""
    yield row["statement"], ""
    yield f"by {row['method']}" + (f": {row['detail']}" if row["detail"] else ""), "dim"
    if row["invariant"] is not None:
        yield f"invariant: {row['invariant']}", "cyan"
    for line in row["counterexample"]:
        yield line, "red"
    if row["refuted_by"] is not None:
        yield f"refuted by the fault {row['refuted_by']}", "dim"
