"""``wsoracle bench``: how many frames a second, beside wsproto and websockets."""

from __future__ import annotations

import click

from ..bench import BenchFailed, as_json, as_table, run_bench
from ..cli import FAILED, WrongInput
from ..output import STDOUT, console, progress, write_json
from .options import json_option


@click.command("bench")
@json_option
@click.option("--rounds", type=click.IntRange(1, 1000), default=7, show_default=True, help="The median of so many.")
@click.pass_context
def command(context: click.Context, json_file: str | None, rounds: int) -> None:
    """Measure frames a second, beside wsproto and websockets.

    The figures belong to the machine and the moment; ratios travel better.
    """
    try:
        with progress("measuring") as step:
            report = run_bench(rounds=rounds, progress=step)
    except ImportError as error:
        raise WrongInput(f"the benchmark needs {error.name}: pip install 'wsoracle[peers]'") from error
    except BenchFailed as error:
        click.echo(f"failed: {error}", err=True)
        context.exit(FAILED)
    if json_file is not None:
        write_json(json_file, as_json(report))
    if json_file != STDOUT:
        console().print(as_table(report))
