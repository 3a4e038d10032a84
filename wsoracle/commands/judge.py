"""``wsoracle judge``: what the rules say of a recorded trace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final, get_args

import click

from wsoracle.model.notation.variables import LARGEST_LENGTH
from wsoracle.model.octets.header_values import parse_extensions
from wsoracle.properties.judge.behaviour_and_closing import parts
from wsoracle.properties.judge.judge import Application
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.verdict import PROFILES, Profile, Verdict
from wsoracle.properties.traces.captured import Captured
from wsoracle.properties.traces.recorded import ListsResults, TraceError
from wsoracle.properties.traces.registry import InFile, read_file

from ..cli import FAILED, WRONG_INPUT, WrongInput, on_stderr
from ..oracle.as_json import judgement_as_json
from ..text.judgements import LONGEST, around, judgement_lines
from ..text.output import STDOUT, say, write_json
from ..text.visible import visible
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
@click.option("--limit", type=click.IntRange(0, LARGEST_LENGTH), metavar="OCTETS",
              help="The endpoint's limit on a message, instead of what the file states.")  # fmt: skip
@click.option(
    "--extensions",
    metavar="LIST",
    help="The extensions agreed on before a trace that begins after the opening handshake, "
    "instead of what the file states.",
)
@click.option(
    "--keylog",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A log of keys (SSLKEYLOGFILE): tshark, which must be installed, then shows what is inside TLS.",
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
    keylog: Path | None,
) -> None:
    """Judge recorded traces: the verdict, the clauses behind it, and the octet that decides.

    FILE holds a trace (docs/traces.md), a capture of others (docs/captures.md), or the JSON report of a
    case as Autobahn writes it; - reads from standard input. Of each WebSocket connection in a capture both ends are
    judged. For a report of Autobahn the judge assumes an application that echoes, unless --application says otherwise.
    Each file is judged, whatever becomes of the others; lists of results beside them are passed over. The exit status
    is 1 where a trace is FAILED, 2 where a file is no trace, or where nothing of a trace could be judged.
    """
    if files.count(STDOUT) > 1:
        raise WrongInput("standard input can be read once: give - once")
    if extensions is not None and extensions and parse_extensions([extensions]) is None:
        raise WrongInput(f"--extensions: {extensions!a} is no list of extensions: give one such as permessage-deflate")
    found: list[dict[str, Any]] = []
    wrong: list[str] = []
    passed_over: list[str] = []
    not_judged: list[str] = []
    not_in_traces: list[str] = []
    failed = False
    for name in files:
        try:
            octets = _octets(name)
            file = read_file(octets, application, limit, None if keylog is None else _inside_tls(octets, keylog))
            traces = [one.as_stated(application, limit, extensions) for one in file.traces]
        except ListsResults as error:
            passed_over.append(f"{name}: {error}")
            continue
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
    if len(passed_over) == len(files):
        wrong, passed_over = passed_over, []
    if json_file is not None and (found or not wrong):
        write_json(json_file, {"judgements": found})
    not_in_traces += (f"{one}: passed over" for one in passed_over)
    for line in (*(f"error: {one}" for one in wrong), *not_judged, *not_in_traces):
        on_stderr(line)
    if wrong or failed or not_judged:
        context.exit(FAILED if failed and not wrong else WRONG_INPUT)


def _inside_tls(octets: bytes, keylog: Path) -> Captured:
    from ..tshark import inside_tls

    return inside_tls(octets, keylog)


def _name(name: str, one: InFile) -> str:
    return f"{name}: {visible(one.connection, LONGEST, lines=False)}" if one.connection else name


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
    recorded = one.recorded
    found = parts(judgement, recorded.trace)
    say(
        (f"{judgement.verdict.value}  ", "bold green" if judgement.verdict in PASSED else "bold red"),
        (f"{name}: a {recorded.setting.role.value}", "bold"),
        f" (behaviour {found.behavior.value}, closing {found.closing_kind})",
    )
    shown = around(judgement, recorded.in_words, recorded.times)
    for line, style in judgement_lines(judgement, shown, one.notes):
        say((f"    {line}", style))
