"""``wsoracle bench``: how many frames a second, and how long a suite takes, beside others."""

from __future__ import annotations

import click

from ..benchmarks.frames import BenchFailed, as_json, as_table, run_bench
from ..benchmarks.suites import SuiteBenchFailed, run_suite_bench
from ..benchmarks.suites import as_json as suites_as_json
from ..benchmarks.suites import as_table as suites_as_table
from ..cli import FAILED, WrongInput
from ..text.output import STDOUT, console, progress, write_json
from .options import json_option


@click.command("bench")
@json_option
@click.option("--rounds", type=click.IntRange(1, 1000), default=7, show_default=True, help="The median of so many.")
@click.option("--only", type=click.Choice(["frames", "suites"]), help="Only frames a second, or only whole suites.")
@click.option("--suite-rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Likewise, of suites.")
@click.pass_context
def command(context: click.Context, json_file: str | None, rounds: int, only: str | None, suite_rounds: int) -> None:
    """Measure frames a second beside wsproto and websockets, and whole suites beside Autobahn.

    The figures belong to the machine and the moment; ratios travel better. Autobahn needs CPython 2.7: the
    environment variable WSORACLE_PYTHON27 names one that has it; without it only our times are given.
    """
    try:
        with progress("measuring") as step:
            frames = None if only == "suites" else run_bench(rounds=rounds, progress=step)
            suites = None if only == "frames" else run_suite_bench(suite_rounds, step)
    except ImportError as error:
        raise WrongInput(f"the benchmark needs {error.name}: pip install 'wsoracle[peers]'") from error
    except (BenchFailed, SuiteBenchFailed) as error:
        click.echo(f"failed: {error}", err=True)
        context.exit(FAILED)
    if json_file is not None:
        parts = ({} if frames is None else as_json(frames), {} if suites is None else suites_as_json(suites))
        write_json(json_file, {**parts[0], **parts[1]})
    if json_file != STDOUT:
        if frames is not None:
            console().print(as_table(frames))
        if suites is not None:
            console().print(suites_as_table(suites))
        if suites is not None and not suites.compared:
            click.echo("not compared: Autobahn is not here (WSORACLE_PYTHON27 names its interpreter)")
