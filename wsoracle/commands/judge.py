"""``wsoracle judge``: what the rules say of a recorded trace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final, get_args

import click

from wsoracle.model.notation.variables import MAX_LENGTH
from wsoracle.model.octets.header_values import parse_extensions
from wsoracle.properties.judge.behaviour_and_closing import parts
from wsoracle.properties.judge.judge import Application, Judgement
from wsoracle.properties.judge.verdict import PROFILES, Profile, Verdict
from wsoracle.properties.traces.recorded import TraceError
from wsoracle.properties.traces.registry import InFile, read_file

from ..cli import FAILED, WRONG_INPUT, WrongInput, on_stderr
from ..oracle.as_json import judgement_as_json
from ..text.clauses import clause
from ..text.judgements import AROUND, decided_words
from ..text.output import STDOUT, console, write_json
from .options import json_option

_MOST: Final = 1 << 28
"""Octets of a file that are read."""

PASSED: Final = (Verdict.OK, Verdict.NON_STRICT, Verdict.INFORMATIONAL, Verdict.UNIMPLEMENTED)


@click.command("judge")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@json_option
@click.option("--profile", type=click.Choice(PROFILES), default="interop", show_default=True,
              help="Whether rules that only implementations agree on bind.")  # fmt: skip
@click.option("--application", type=click.Choice(get_args(Application)),
              help="How the application behind the endpoint behaves, instead of what the file states.")  # fmt: skip
@click.option("--limit", type=click.IntRange(0, MAX_LENGTH), metavar="OCTETS",
              help="The endpoint's limit on a message, instead of what the file states.")  # fmt: skip
@click.option(
    "--extensions",
    metavar="LIST",
    help="The extensions agreed on before a trace that begins after the opening handshake, "
    "instead of what the file states.",
)
@click.pass_context
def command(
    context: click.Context,
    files: tuple[str, ...],
    json_file: str | None,
    profile: Profile,
    application: Application | None,
    limit: int | None,
    extensions: str | None,
) -> None:
    """Judge recorded traces: the verdict, the clauses behind it, and the octet that decides.

    FILE holds a trace (docs/traces.md), a capture of others (docs/captures.md), or the JSON report of a
    case as Autobahn writes it; - reads from standard input. Of each WebSocket connection in a capture both ends are
    judged. For a report of Autobahn the judge assumes an application that echoes, unless --application says otherwise.
    Each file is judged, whatever becomes of the others. The exit status is 1 where a trace is FAILED, 2 where a file is
    no trace, or where nothing of a trace could be judged.
    """
    if files.count(STDOUT) > 1:
        raise WrongInput("standard input can be read once: give - once")
    if extensions is not None and extensions and parse_extensions([extensions]) is None:
        raise WrongInput(f"--extensions: {extensions!a} is no list of extensions: give one such as permessage-deflate")
    found: list[dict[str, Any]] = []
    wrong: list[str] = []
    not_judged: list[str] = []
    not_in_traces: list[str] = []
    failed = False
    for name in files:
        try:
            file = read_file(_octets(name), application, limit)
            traces = [one.as_stated(application, limit, extensions) for one in file.traces]
        except (TraceError, WrongInput) as error:
            wrong.append(error.message if isinstance(error, WrongInput) else f"{name}: {error}")
            continue
        for one in traces:
            judgement = one.recorded.judged(profile)
            failed |= judgement.verdict not in PASSED
            if judgement.unexplained and judgement.verdict in PASSED:
                not_judged.append(f"{_name(name, one)}: {judgement.words}")
            if json_file is not None:
                found.append(_as_json(name, one, judgement))
            if json_file != STDOUT:
                _show(_name(name, one), one, judgement)
        not_in_traces += [f"{name}: {note}" for note in file.notes]
    if json_file is not None and (found or not wrong):
        write_json(json_file, {"judgements": found})
    for line in (*(f"error: {one}" for one in wrong), *not_judged, *not_in_traces):
        on_stderr(line)
    if wrong or failed or not_judged:
        context.exit(FAILED if failed and not wrong else WRONG_INPUT)


def _name(name: str, one: InFile) -> str:
    return f"{name}: {_one_line(one.connection)}" if one.connection else name


def _octets(name: str) -> bytes:
    if not name or "\0" in name:
        raise WrongInput("FILE: the name is empty or has a NUL in it: give another one")
    try:
        if name == STDOUT:
            if sys.stdin is None:
                raise WrongInput("-: standard input is closed: give a file")
            octets = sys.stdin.buffer.read(_MOST + 1)
        else:
            with Path(name).open("rb") as file:
                octets = file.read(_MOST + 1)
    except OSError as error:
        raise WrongInput(f"{name}: {error.strerror}: give a file, or - for standard input") from error
    if len(octets) > _MOST:
        raise WrongInput(f"{name}: it has more than {_MOST} octets: give a part of it")
    return octets


def _as_json(name: str, one: InFile, judgement: Judgement) -> dict[str, Any]:
    more = {"connection": one.connection, "notShown": list(one.notes)} if one.connection else {}
    return {"file": name, **more, **judgement_as_json(one.recorded, judgement)}


def _show(name: str, one: InFile, judgement: Judgement) -> None:
    from rich.text import Text

    out, recorded = console(), one.recorded
    found = parts(judgement, recorded.trace)
    style = "bold green" if judgement.verdict in PASSED else "bold red"
    head = Text(f"{judgement.verdict.value}  ", style)
    head.append(f"{name}: a {recorded.setting.role.value}", "bold")
    head.append(f" (behaviour {found.behavior.value}, closing {found.closing_kind})")
    out.print(head, soft_wrap=True)
    for rule in judgement.rules:
        out.print(Text(f"    {rule}: {clause(rule)}", "dim"), soft_wrap=True)
    if judgement.at is not None:
        first, in_words = max(judgement.at - AROUND, 0), recorded.in_words
        for index in range(first, judgement.at + 1):
            time = "" if recorded.times is None else f"{recorded.times[index]:.6f} s  "
            mark = ">>>" if index == judgement.at else "   "
            out.print(Text(f"    {mark} {time}{_one_line(in_words.of(index))}"), soft_wrap=True)
        where = decided_words(judgement)
        if where:
            out.print(Text(f"    {where}"), soft_wrap=True)
    if judgement.instead:
        out.print(
            Text(f"    would have been allowed: {'; or '.join(one.what for one in judgement.instead)}", "green"),
            soft_wrap=True,
        )
    for words in (judgement.words, *one.notes):
        if words:
            out.print(Text(f"    {_one_line(words)}"), soft_wrap=True)


_WIDEST: Final = 400


def _one_line(text: str) -> str:
    """Text from outside, on one line and without control characters."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:_WIDEST])
    return shown if len(text) <= _WIDEST else f"{shown}..."
