"""``wsoracle repl``: the explorer in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from ..cli import FAILED, WrongInput
from ..repl.choices import AGAINST, MAY, MUST, NEVER, SHOULD
from ..repl.commands import ReplSession, history_in
from ..site.histories import HistoryError
from ..site.start import AGREED, BROKEN, agreed_text, with_part
from ..text.output import say

PROMPT = "wsoracle> "
_STYLES = {MUST: "bold", SHOULD: "green", MAY: "", AGAINST: "yellow", NEVER: "red"}


@click.command("repl")
@click.argument("history", required=False, default="open")
@click.option("--broken", metavar="FAULT", help="Break a rule of the ends that you are not, such as 5.5.2/ping~drop.")
@click.option(
    "--extensions", metavar="LIST", help="Extensions that were agreed on before: permessage-deflate, with parameters."
)
@click.pass_context
def command(context: click.Context, history: str, broken: str | None, extensions: str | None) -> None:
    """Explore two endpoints step by step in the terminal: what each may do next, and why.

    HISTORY is one to begin with, or a link of the site's explorer: open (the default), connect, or what link prints.
    Lines are commands; help lists them. A script may write them to standard input: what is wrong with a line is then
    said on standard error, and the exit status is 1.
    """
    try:
        first, *actions = history_in(history).split(";")
        for name, value in ((BROKEN, broken), (AGREED, extensions and agreed_text(extensions))):
            first = first if value is None else with_part(first, name, value)
        session = ReplSession(";".join([first, *actions]))
    except HistoryError as error:
        raise WrongInput(str(error)) from error
    asking = sys.stdin.isatty()
    _show(session.shown())
    wrong = 0
    while not session.over and (line := _line(asking)) is not None:
        try:
            _show(session.answer(line))
        except HistoryError as error:
            wrong += 1
            click.echo(str(error), err=not asking)
    if wrong and not asking:
        context.exit(FAILED)


def _line(asking: bool) -> str | None:
    """The next line; None at the end of input."""
    if asking:
        try:
            return input(PROMPT)
        except EOFError:
            return None
    return sys.stdin.readline() or None


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        style = next((_STYLES[grade] for grade in reversed(_STYLES) if f" {grade} " in line[:24]), "")
        say((line, style))
