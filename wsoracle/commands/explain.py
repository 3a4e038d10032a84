"""``wsoracle explain``: octets explained, or a request or a response given as text."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from wsoracle.model.notation.switches import SWITCHES, Switches
from wsoracle.model.notation.variables import LARGEST_LENGTH, Setting
from wsoracle.model.octets.http import HEAD_LIMIT
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.traces.pasted import Pasted, octets_of, of_curl

from ..cli import WrongInput
from ..explain.as_json import as_json
from ..explain.explanation import ExplainedOctets, ExplainError, HeadReading, UnitReading
from ..explain.frames import explain
from ..explain.heads import explain_request, explain_response, request_of
from ..explain.text import show
from ..explain.written import octets_of_text
from ..text.output import STDOUT, console, write_json
from .options import json_option, switches_of

_MOST: Final = 4 * HEAD_LIMIT
"""Octets of a text that are read: more than a head may have, whatever becomes of its line ends."""

_MOST_DIGITS: Final = 64 << 20
"""Characters of octets in hex that are read from standard input."""


@click.command(
    "explain", epilog=f"Switches: {', '.join(switch.name for switch in SWITCHES)}; docs/spec.md has them all."
)
@click.argument("hexadecimal", metavar="HEX...", nargs=-1)
@click.option("--request", metavar="FILE", help="Explain the request of an opening handshake, as a server reads it.")
@click.option("--response", metavar="FILE", help="Explain the response to a request, as a client reads it.")
@click.option("--to", "asked", metavar="FILE", help="The request that the response answers.")
@click.option("--exact", is_flag=True, help="Read the octets of a head as they are: keep LF, add no empty line.")
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
    type=click.IntRange(0, LARGEST_LENGTH),
    metavar="OCTETS",
    help="Its limit on a message; where none is stated, it may refuse any data (section 10.4).",
)
@click.option("--extensions", metavar="LIST", default="", help="Extensions that the opening handshake agreed on.")
@click.option("--switch", "switches", metavar="NAME=VALUE", multiple=True, help="Decide a disputed point.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    hexadecimal: tuple[str, ...],
    request: str | None,
    response: str | None,
    asked: str | None,
    exact: bool,
    role: str,
    after: str,
    sent: str,
    limit: int | None,
    extensions: str,
    switches: tuple[str, ...],
    json_file: str | None,
) -> None:
    """Decode octets: the rules that they meet, and the clauses.

    HEX are octets that an endpoint receives after the opening handshake, in hexadecimal; blanks, colons and 0x between
    them do not matter, and - reads them from standard input. Rows of xxd, hexdump, tcpdump -X and Wireshark, escapes
    such as \\x81, b'...', <Buffer 81>, [129, 5] and base64 are read too, and what the text was taken for is said. For
    instance:

    \b
      wsoracle explain 81 05 48 65 6c 6c 6f --role client
      wsoracle explain "80 80 37 fa 21 3d" --after "01 80 37 fa 21 3d"

    Or it explains a head of the opening handshake. FILE holds it as text; - reads standard input, and an argument with
    a line break is the text itself. Where all lines end with LF alone, as an editor writes them, each LF is read as
    CRLF, and an empty line that is missing at the end is added; --exact does neither. Of what curl -v tells, the lines
    of the head are read. For instance:

    \b
      wsoracle explain --request request.txt
      wsoracle explain --response answer.txt --to request.txt
    """
    if request is not None or response is not None:
        _only_a_head(context)
        _give(_explained_head(request, response, asked, exact, switches_of(switches)), json_file)
        return
    for name, given in (("--to", asked is not None), ("--exact", exact)):
        if given:
            raise WrongInput(f"{name} is for heads: give --request or --response too")
    if not hexadecimal:
        raise click.MissingParameter(ctx=context, param=context.command.params[0])
    if "-" in hexadecimal and len(hexadecimal) > 1:
        raise WrongInput("HEX: - reads all octets from standard input: give either that or the octets")
    setting = Setting(Role(role), limit, switches=switches_of(switches))
    pasted = _octets("HEX", _standard_input() if "-" in hexadecimal else " ".join(hexadecimal))
    if not pasted.octets:
        raise WrongInput("there are no octets to explain: give at least one, such as 81")
    try:
        received, own = _octets("--after", after), _octets("--sent", sent)
        explanation = explain(pasted.octets, setting, after=received.octets, sent=own.octets, extensions=extensions)
    except ExplainError as error:
        raise WrongInput(str(error)) from error
    texts = (("the text", pasted), ("--after", received), ("--sent", own))
    notes = (f"{what} was taken for {one.taken_for}" for what, one in texts if one.taken_for)
    _give(replace(explanation, notes=(*notes, *explanation.notes)), json_file)


def _give(explanation: ExplainedOctets[UnitReading], json_file: str | None) -> None:
    if json_file is not None:
        write_json(json_file, as_json(explanation))
    if json_file != STDOUT:
        show(explanation, console())


def _only_a_head(context: click.Context) -> None:
    """Refuses arguments and options that are for frames only."""
    if context.params["request"] is not None and context.params["response"] is not None:
        raise WrongInput("--request and --response exclude each other: give one, and --to for the request answered")
    if context.params["request"] is not None and context.params["asked"] is not None:
        raise WrongInput("--to names the request that a response answers: give --response too")
    if context.params["hexadecimal"]:
        raise WrongInput("HEX are octets of frames: give either those or a head")
    for name in ("role", "after", "sent", "limit", "extensions"):
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise WrongInput(f"--{name} is for frames: leave it out; a server reads a request, a client a response")


def _explained_head(
    request: str | None, response: str | None, asked: str | None, exact: bool, switches: Switches
) -> ExplainedOctets[HeadReading]:
    option, name = ("--request", request) if request is not None else ("--response", response)
    assert name is not None
    if asked == name == "-":
        raise WrongInput("standard input can be read once: give --response or --to as a file")
    try:
        text = _text(option, name)
        written = octets_of_text(text, sent=request is not None, exact=exact)
        if request is not None:
            explanation = explain_request(written.octets, Setting(Role.SERVER, switches=switches))
        else:
            setting, option = Setting(Role.CLIENT, switches=switches), "--to"
            told = None if exact else of_curl(text, sent=True)
            if asked is not None:
                told = octets_of_text(_text(option, asked), sent=True, exact=exact).octets
            before = None if told is None else request_of(told)
            option = "--response"
            explanation = explain_response(written.octets, setting, before)
    except ExplainError as error:
        raise WrongInput(f"{option}: {error}") from error
    return replace(explanation, notes=(*written.notes, *explanation.notes))


def _text(option: str, name: str) -> bytes:
    """The text of a file, of standard input, or of the argument itself; no more is read than a head can have."""
    if "\n" in name:
        return name.encode("utf-8", "surrogateescape")
    if not name or "\0" in name:
        raise WrongInput(f"{option}: the name of the file is empty or has a NUL in it: give another one")
    if name == STDOUT:
        if sys.stdin is None:
            raise WrongInput(f"{option}: - reads from standard input, and that is closed: give a file")
        return sys.stdin.buffer.read(_MOST)
    try:
        with Path(name).open("rb") as file:
            return file.read(_MOST)
    except OSError as error:
        raise WrongInput(f"{option}: {name}: {error.strerror}: give a file, or - for standard input") from error


def _standard_input() -> str:
    if sys.stdin is None:
        raise WrongInput("HEX: - reads octets from standard input, and that is closed: give them as arguments")
    text = sys.stdin.buffer.read(_MOST_DIGITS + 1)
    if len(text) > _MOST_DIGITS:
        raise WrongInput(f"HEX: standard input has more than {_MOST_DIGITS:,} characters: give a part of it")
    return text.decode("ascii", "replace")


def _octets(where: str, text: str) -> Pasted:
    try:
        return octets_of(text)
    except ValueError as error:
        raise WrongInput(f"{where}: {error}") from error
