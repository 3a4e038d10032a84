"""``wsoracle demo``: explore, prove, mutate, cover, generate, run, report."""

from __future__ import annotations

import click

from ..cli import FAILED
from ..text.output import progress
from .generate import checked_directory
from .options import checked_autobahn_cases, seed_option


@click.command("demo")
@click.option("--out", default="out", show_default=True, metavar="DIR", help="Where to write everything.")
@seed_option
@click.pass_context
def command(context: click.Context, out: str, seed: int) -> None:
    """Explore, prove, mutate, cover, generate and run, and write all of it below one directory.

    Deviations of the implementations are findings; the exit status is 1 where the model itself does not hold.
    """
    from .demo_run import Demo

    directory = checked_directory(out, empty=False)
    checked_autobahn_cases()
    if Demo(directory, seed, progress).run():
        context.exit(FAILED)
