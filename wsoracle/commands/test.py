"""``wsoracle test``: cases against running servers, each verdict from the rules."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from wsoracle.generators.live_case import LiveCase
from wsoracle.model.uri import parse_uri
from wsoracle.model.vocabulary import Role

from ..cli import FAILED, WrongInput
from ..harness.conversation import Manners
from ..harness.expected_failures import ExpectedFailures, Tally, tally_of
from ..harness.handshake import Greeting
from ..output import STDOUT, OnStep, console, progress, write_json
from .harness_options import chosen_cases, harness_options, ledger_of, manners_of, report_folder
from .options import json_option


@click.command("test")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@harness_options("reports/servers")
@click.option("--agent", "agents", multiple=True, metavar="NAME", help="The name of each server in reports, in order.")
@click.option("--jobs", type=click.IntRange(1, 512), default=16, show_default=True, help="Connections at a time.")
@click.option("--origin", metavar="ORIGIN", help="Send this Origin field.")
@click.option("--subprotocol", "subprotocols", multiple=True, metavar="NAME", help="Offer it; may be repeated.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Send this field; may be repeated.")
@click.option("--cafile", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust, for wss.")
@click.option("--insecure", is_flag=True, help="Take any certificate.")
@click.option("--server-name", metavar="NAME", help="The name that a wss server is asked for (SNI).")
@click.option("--connect-to", metavar="HOST:PORT", help="Where TCP goes, instead of to the host and port of the URL.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    urls: Sequence[str],
    agents: Sequence[str],
    jobs: int,
    origin: str | None,
    subprotocols: Sequence[str],
    headers: Sequence[str],
    cafile: str | None,
    insecure: bool,
    server_name: str | None,
    connect_to: str | None,
    json_file: str | None,
    **options: Any,
) -> None:
    """Test running servers whose application echoes, and write a page for each case.

    URL is ws://HOST:PORT/PATH or wss://...; several are tested one after another. A case that an endpoint can pass by
    doing nothing counts only where its control, the nearest legal case, was answered in the same run. The exit status
    is 1 where something failed that is not expected to, or passed that is.
    """
    from ..harness.client import NoServer, Target, run_client

    greeting = Greeting(origin, subprotocols, tuple(_field(header) for header in headers))
    if len(agents) > len(urls):
        raise WrongInput(f"{len(agents)} names and {len(urls)} URLs: give --agent once for each URL, or less often")
    targets = []
    for number, url in enumerate(urls):
        try:
            uri = parse_uri(url)
        except ValueError as error:
            raise WrongInput(str(error)) from error
        agent = agents[number] if number < len(agents) else None
        tls = _tls(cafile, insecure) if uri.secure else None
        targets.append(Target(uri, agent, tls, server_name, greeting, _address(connect_to)))
    cases = chosen_cases(Role.SERVER, options)
    expected = _expected(options["expected_failures"], cases)
    manners = manners_of(options)
    folder = report_folder(options)
    numbers = {case.id: number for number, case in enumerate(cases, 1)}
    good, document = True, []
    for target in targets:
        done = folder.done_by(target.agent) if target.agent else {}
        records: dict[str, dict[str, Any]] = dict(done)
        left = [case for case in cases if case.id not in done]

        def keep(record: dict[str, Any], records: dict[str, dict[str, Any]] = records) -> None:
            folder.add(record)
            records[record["id"]] = summary_of(record)

        if left:
            with _finishing(folder), progress("testing") as step:
                try:
                    agent = asyncio.run(
                        run_client(target, left, manners, on_record=keep, jobs=jobs, profile=options["profile"],
                                   step=step, ledger=ledger_of(done), numbers=numbers)
                    )  # fmt: skip
                except NoServer as error:
                    raise WrongInput(str(error)) from error
        else:
            agent = target.agent or ""
        tally = tally_of(records, expected)
        good = good and tally.good
        document.append(document_of(agent, target.url, records, tally))
        if json_file != STDOUT:
            show(agent, records, tally, folder.path)
    if json_file is not None:
        write_json(json_file, {"servers": document})
    if not good:
        context.exit(FAILED)
