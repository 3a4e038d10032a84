"""``wsoracle bench``: frames a second, how long a suite takes, beside others, and how long judging takes."""

from __future__ import annotations

import click

from ..autobahn.tool import MISSING
from ..benchmarks import frames, judging, questions, suites
from ..cli import FAILED
from ..text.output import STDOUT, console, progress, write_json
from .options import json_option


@click.command("bench")
@json_option
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=None,
    show_default="7 of frames and questions, 3 of suites, 1 of compression",
    help="How often each is measured.",
)
@click.option(
    "--only", type=click.Choice(["frames", "judging", "oracle", "suites", "compression"]), help="Only this part."
)
@click.pass_context
def command(context: click.Context, json_file: str | None, rounds: int | None, only: str | None) -> None:
    """Measure frames and questions a second, judging, and whole suites beside Autobahn.

    A round of suites takes wsoracle half a minute on an idle machine, and Autobahn minutes; one of compression takes
    wsoracle a minute, and Autobahn ten.
    The figures belong to the machine and the moment; ratios travel better. Autobahn needs CPython 2.7: the
    environment variable WSORACLE_PYTHON27 names one that has it; without it only our times are given.
    """
    try:
        with progress("measuring") as step:
            speeds = frames.run_bench(rounds=rounds or 7, progress=step) if only in (None, "frames") else []
            durations = judging.run_judging_bench(progress=step) if only in (None, "judging") else []
            rates = questions.run_question_bench(rounds or 7, step) if only in (None, "oracle") else []
            times = suites.run_suite_bench(rounds or 3, step) if only in (None, "suites") else []
            if only == "compression":  # takes minutes, and is a part of nothing else
                times = suites.run_suite_bench(rounds or 1, step, suites.COMPRESSION)
    except (frames.BenchFailed, suites.SuiteBenchFailed) as error:
        click.echo(f"failed: {error}", err=True)
        context.exit(FAILED)
    if json_file is not None:
        document = frames.as_json(speeds) if speeds else {}
        document |= judging.as_json(durations) if durations else {}
        document |= questions.as_json(rates) if rates else {}
        document |= suites.as_json(times) if times else {}
        write_json(json_file, document)
    if json_file == STDOUT:
        return
    if speeds:
        console().print(frames.as_table(speeds))
    if durations:
        console().print(judging.as_table(durations))
    if rates:
        console().print(questions.as_table(rates))
    if times:
        console().print(suites.as_table(times))
        if all(one.ratio is None for one in times):
            click.echo(f"not compared: {MISSING}")
