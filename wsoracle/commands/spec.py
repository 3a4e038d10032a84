"""``wsoracle spec``: docs/spec.md, with its blocks made from the model."""

from __future__ import annotations

from pathlib import Path

import click

from ..cli import FAILED, WrongInput
from ..spec import DOCUMENT
from ..text.output import STDOUT, check_writable, write_text


@click.command("spec")
@click.option("--write", is_flag=True, help="Write the document with its blocks regenerated.")
@click.option("--check", is_flag=True, help="Only say which blocks are stale: exit status 1 if any is.")
@click.option(
    "--file",
    "name",
    default=str(DOCUMENT),
    show_default=True,
    metavar="FILE",
    help="The document.",
)
@click.pass_context
def command(context: click.Context, write: bool, check: bool, name: str) -> None:
    """Make the generated blocks of docs/spec.md, or check them.

    With neither option the whole document is printed.
    """
    from ..spec.document import MarkerError, render, stale_blocks

    if write and check:
        raise WrongInput("--write and --check exclude each other: give one of them")
    mode = "write" if write else "check" if check else None
    if write:
        check_writable(name)
    try:
        if "\0" in name or not name:
            raise WrongInput("--file: the name of the file is empty or has a NUL in it: give another one")
        document = Path(name).read_text(encoding="utf-8")
        changed = stale_blocks(document)
    except OSError as error:
        raise WrongInput(f"{name}: {error.strerror}: call it in the repository, or say --file where it is") from error
    except (MarkerError, UnicodeDecodeError) as error:
        raise WrongInput(f"{name}: {error}") from error
    if mode is None:
        write_text(STDOUT, render(document))
        return
    if mode == "write" and changed:
        write_text(name, render(document))
    words = {"write": ("made anew", "nothing to do: every block is what the model says"),
             "check": ("stale: make docs", "every block is what the model says")}[mode]  # fmt: skip
    for block in changed:
        click.echo(f"{block}: {words[0]}")
    if not changed:
        click.echo(words[1])
    elif mode == "check":
        context.exit(FAILED)
