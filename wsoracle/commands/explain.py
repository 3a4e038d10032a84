"""``wsoracle explain``: octets explained."""

from __future__ import annotations

import sys

import click

from wsoracle.model.switches import SWITCHES, Switches
from wsoracle.model.terms import MAX_LENGTH, Setting
from wsoracle.model.vocabulary import Role

from ..cli import WrongInput
from ..explain_json import as_json
from ..explain_text import show
from ..explanation import ExplainError, explain
from ..hexadecimal import octets_of
from ..output import STDOUT, console, write_json
from .options import json_option


@click.command(
    "explain", epilog=f"Switches: {', '.join(switch.name for switch in SWITCHES)}; docs/spec.md has them all."
)
@click.argument("hexadecimal", metavar="HEX...", nargs=-1, required=True)
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.SERVER.value,
    show_default=True,
    help="The endpoint that receives the octets.",
)
@click.option("--after", metavar="HEX", default="", help="Octets that it has received before.")
@click.option("--sent", metavar="HEX", default="", help="Octets that it has sent itself, after those.")
@click.option(
    "--limit",
    type=click.IntRange(0, MAX_LENGTH),
    metavar="OCTETS",
    help="Its limit on a message; where none is stated, it may refuse any data (section 10.4).",
)
@click.option("--switch", "switches", metavar="NAME=VALUE", multiple=True, help="Decide a disputed point.")
@json_option
def command(
    hexadecimal: tuple[str, ...],
    role: str,
    after: str,
    sent: str,
    limit: int | None,
    switches: tuple[str, ...],
    json_file: str | None,
) -> None:
    """Decode octets: the rules that they meet, and the clauses.

    HEX are octets that an endpoint receives after the opening handshake, in hexadecimal; blanks, colons and 0x between
    them do not matter, and - reads them from standard input. For instance:

    \b
      wsoracle explain 81 05 48 65 6c 6c 6f --role client
      wsoracle explain "80 80 37 fa 21 3d" --after "01 80 37 fa 21 3d"
    """
    if "-" in hexadecimal and len(hexadecimal) > 1:
        raise WrongInput("HEX: - reads all octets from standard input: give either that or the octets")
    setting = Setting(Role(role), limit, switches=_switches(switches))
    octets = _octets("HEX", _standard_input() if "-" in hexadecimal else " ".join(hexadecimal))
    if not octets:
        raise WrongInput("there are no octets to explain: give at least one, such as 81")
    try:
        explanation = explain(octets, setting, after=_octets("--after", after), sent=_octets("--sent", sent))
    except ExplainError as error:
        raise WrongInput(str(error)) from error
    if json_file is not None:
        write_json(json_file, as_json(explanation))
    if json_file != STDOUT:
        show(explanation, console())


def _standard_input() -> str:
    if sys.stdin is None:
        raise WrongInput("HEX: - reads octets from standard input, and that is closed: give them as arguments")
    return sys.stdin.buffer.read().decode("ascii", "replace")


def _octets(where: str, text: str) -> bytes:
    try:
        return octets_of(text)
    except ValueError as error:
        raise WrongInput(f"{where}: {error}") from error


def _switches(given: tuple[str, ...]) -> Switches:
    changes = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise WrongInput(
                f"--switch {one}: write it as NAME=VALUE, such as {SWITCHES[0].name}={SWITCHES[0].default}"
            )
        changes[name.strip().replace("-", "_")] = value.strip()
    try:
        return Switches(**changes)
    except ValueError as error:
        raise WrongInput(f"--switch: {error}") from error
