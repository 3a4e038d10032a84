"""``wsoracle selfcheck``: the judge on endpoints whose conformance is known, since they are drawn from the rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ..cli import FAILED
from ..text.output import STDOUT, progress, write_json
from .options import jobs_option, json_option, seed_option

if TYPE_CHECKING:
    from ..selfcheck.tally import SelfcheckTally


@click.command("selfcheck")
@click.option(
    "--seconds", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="How long traces are drawn."
)
@seed_option
@json_option
@jobs_option
@click.option("--mutants", is_flag=True, help="Also run every mutant of the rules as an endpoint (a few minutes).")
@click.pass_context
def command(context: click.Context, seconds: float, seed: int, json_file: str | None, jobs: int, mutants: bool) -> None:
    """Judge endpoints drawn from the rules: some conform, and each of the others departs from one rule once.

    The exit status is 1 where the judge accused an endpoint that conforms, overlooked a departure that can be told, or
    named a wrong rule in more than one of a hundred.
    """
    from wsoracle.generators.workers import process_pool

    from ..selfcheck.mutants import run_all
    from ..selfcheck.report import false_accusations, holds, show, small_examples, to_json
    from ..selfcheck.running import run

    with progress("drawing endpoints") as step:

        def on_batch(tally: SelfcheckTally, passed: float) -> None:
            wrong = sum(tally.kinds.values())
            step(
                f"{tally.traces} conforming, {false_accusations(tally)} accused, {wrong} wrong in all",
                int(min(passed, seconds)), int(seconds),
            )  # fmt: skip

        result = run(seconds, seed, on_batch, jobs)
        step("making examples small", int(seconds), int(seconds))
        examples = small_examples(result.tally)
        if mutants:
            with process_pool(jobs) as pool:
                result = replace(result, mutants=tuple(run_all(pool, step)))
    if json_file is not None:
        write_json(json_file, to_json(result, examples))
    if json_file != STDOUT:
        show(result, examples)
    if not holds(result):
        context.exit(FAILED)
