"""``wsoracle test``: cases against running servers, each verdict from the rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from wsoracle.model.octets.header_values import TOKEN
from wsoracle.model.octets.uri import WebSocketUri, parse_uri
from wsoracle.model.octets.vocabulary import Role

from ..cli import FAILED, WrongInput, checked
from ..text.input_checks import VALUE, check_agent, check_host, check_origin, check_subprotocol
from ..text.output import STDOUT, one_line, progress, write_json
from .harness_options import chosen_cases, enough_files, harness_options, manners_of, run_folder, wanted_of
from .options import json_option, switches_of

if TYPE_CHECKING:
    import ssl

    from ..harness.judging_pool import Judges
    from ..harness.launching import Launcher
    from ..harness.target import Target


@click.command("test")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@harness_options("reports/servers")
@click.option("--agent", "agents", multiple=True, metavar="NAME", help="The name of each server in reports, in order.")
@click.option("--jobs", type=click.IntRange(1, 512), default=16, show_default=True, help="Connections at once.")
@click.option("--origin", metavar="ORIGIN", help="Send this Origin field.")
@click.option("--subprotocol", "subprotocols", multiple=True, metavar="NAME", help="Offer this one; may be repeated.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Send this field; may be repeated.")
@click.option("--cafile", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust, for wss.")
@click.option("--insecure", is_flag=True, help="Accept any certificate.")
@click.option("--server-name", metavar="NAME", help="The name that a wss server is asked for (SNI).")
@click.option("--connect-to", metavar="HOST:PORT", help="The address for TCP, instead of the host and port of the URL.")
@click.option(
    "--restart", metavar="COMMAND", help="Start the server by this, again where it dies, and stop it at the end."
)
@click.option("-v", "--verbose", is_flag=True, help="Print each exchange as it happens, its verdict, and why.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    /,
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
    restart: str | None,
    json_file: str | None,
    **options: Any,
) -> None:
    """Test running servers whose application echoes, and write a page for each case.

    URL is ws://HOST:PORT/PATH or wss://...; several are tested one after another. A case that an endpoint can pass by
    doing nothing counts only where its control, the nearest legal case, was answered in the same run. The exit status
    is 1 where something failed that is not expected to, or passed that is.

    With --restart the whole test is one line: COMMAND is run by the shell, and the test begins when it listens. A
    server that dies is started again, and the cases that may have killed it are asked one by one.
    """
    for name in subprotocols:
        checked(check_subprotocol, "--subprotocol", name)
    greeting = (
        None if origin is None else checked(check_origin, "--origin", origin),
        tuple(subprotocols),
        tuple(_field(header) for header in headers),
    )
    _check_agents(agents, len(urls))
    if server_name is not None:
        checked(check_host, "--server-name", server_name)
    address = _address(connect_to)
    uris = [_uri(url) for url in urls]
    if (cafile or insecure or server_name) and not any(uri.secure for uri in uris):
        raise WrongInput("--cafile, --insecure and --server-name are for wss: give a wss URL, or leave them out")
    if options["resume"] and len(urls) > 1 and len(agents) < len(urls):
        raise WrongInput("--resume: several URLs, and no name for each server: name each with --agent")
    if restart is not None and len(urls) > 1:
        raise WrongInput("--restart starts one server: give one URL")

    from ..harness.judging_pool import Judges

    enough_files(jobs, "--jobs")
    with Judges(Role.SERVER, switches=switches_of(options["switches"])) as judges:
        # Slow imports are made while the other process makes the same.
        from wsoracle.generators.cases.steps import Greeting

        from ..harness.target import Target

        targets = [
            Target(
                uri,
                agents[number] if number < len(agents) else None,
                _tls(cafile, insecure) if uri.secure else None,
                server_name,
                Greeting(*greeting),
                address,
            )
            for number, uri in enumerate(uris)
        ]
        with _launched(restart, targets[0]) as launcher:
            good = _test(targets, agents, jobs, judges, {**options, "json_file": json_file}, launcher)
    if not good:
        context.exit(FAILED)


def _test(
    targets: Sequence[Target],
    agents: Sequence[str],
    jobs: int,
    judges: Judges,
    options: dict[str, Any],
    launcher: Launcher | None,
) -> bool:
    """Run the cases against each target, and show the results; whether all is well."""
    from ..harness.client import run_client
    from ..harness.event_loop import run_until_stopped
    from ..harness.run_result import Tally, document_of, show, tally_of, write_expected
    from ..harness.target import AgentNames, NoServer

    manners, cases = manners_of(options), chosen_cases(Role.SERVER, options)
    wanted = wanted_of(options, cases)
    numbers = {case.id: number for number, case in enumerate(cases, 1)}
    json_file: str | None = options["json_file"]
    good, document, known = True, [], list[Tally]()
    taken = set(agents)
    with run_folder(options, judges, wanted) as folder:
        folder.expect(case.id for case in cases)
        for target in targets:
            if options["resume"] and target.agent is None and folder.agents:
                target = replace(target, agent=_only(folder.agents, len(targets)))
            earlier = folder.earlier(target.agent)
            left = [case for case in cases if case.id not in earlier]
            agent = target.agent or ""
            if earlier:
                before = f"{one_line(agent, 100)}: {len(cases) - len(left)} of {len(cases)} cases were run before"
                click.echo(f"{before}, and are not run again", err=True)

            if left:
                with nullcontext() if options["verbose"] else progress("testing") as step:
                    try:
                        agent = run_until_stopped(
                            run_client(
                                target,
                                left,
                                manners,
                                folder,
                                jobs=jobs,
                                profile=options["profile"],
                                step=step,
                                answered=folder.answered_by(target.agent),
                                numbers=numbers,
                                named=AgentNames(target.uri.host_header, taken).new,
                                judges=judges,
                                launcher=launcher,
                                live=partial(click.echo, err=json_file == STDOUT) if options["verbose"] else None,
                            )
                        )
                    except NoServer as error:
                        if len(targets) == 1:
                            raise WrongInput(str(error)) from error
                        click.echo(f"wsoracle test: {one_line(str(error))}", err=True)
                        document.append({"url": target.url, "error": str(error)})
                        continue
            taken.add(agent)
            found = folder.summaries.get(agent, {})
            summaries = {case.id: found[case.id] for case in cases if case.id in found}
            tally = tally_of(summaries, wanted)
            good = good and tally.good
            known.append(tally)
            document.append(document_of(agent, target.url, summaries, tally))
            if json_file != STDOUT:
                show(agent, summaries, tally, folder.path)
    write_expected(options["write_expected_failures"], known)
    if json_file is not None:
        write_json(json_file, {"servers": document})
    missing = [one["url"] for one in document if "error" in one]
    if missing:
        raise WrongInput(f"{len(missing)} of {len(targets)} servers were not tested: {', '.join(missing)}")
    return good


@contextmanager
def _launched(restart: str | None, target: Target) -> Iterator[Launcher | None]:
    """The server as a process of ours, for as long as the block lasts. Raises WrongInput where it does not listen."""
    if restart is None:
        yield None
        return
    from ..harness.launching import CannotStart, Launcher

    launcher = Launcher(restart, target.address)
    try:
        launcher.start()
        yield launcher
    except CannotStart as error:
        raise WrongInput(f"--restart: {error}") from error
    finally:
        launcher.stop()


def _uri(url: str) -> WebSocketUri:
    try:
        uri = parse_uri(url)
    except ValueError as error:
        raise WrongInput(str(error)) from error
    checked(check_host, url, uri.host.strip("[]"))
    return uri


def _only(agents: Sequence[str], servers: int) -> str:
    """The agent whose run is resumed, where ``--agent`` names none."""
    if len(agents) > 1:
        raise WrongInput("--resume: the folder has several agents: name the one to resume with --agent")
    if servers > 1:
        raise WrongInput("--resume: with several URLs, name each server with --agent, as the folder calls it")
    return agents[0]


def _check_agents(agents: Sequence[str], servers: int) -> None:
    if len(agents) > servers:
        raise WrongInput(f"--agent: {len(agents)} names for {servers}: give it once for each URL, or less often")
    for agent in agents:
        checked(check_agent, "--agent", agent)
    if len(set(agents)) < len(agents):
        raise WrongInput("--agent: two servers have the same name: give each its own")


_FIELD: Final = re.compile(rf"({TOKEN}):[ \t]*({VALUE})")


def _field(header: str) -> tuple[str, str]:
    """A header field of the command line."""
    match = _FIELD.fullmatch(header)
    if match is None:
        raise WrongInput(f"--header: {header!r} is no field such as 'Authorization: Bearer x'")
    name = match[1].lower()
    if name in _OURS or (name == "host" and not match[2].strip()):
        raise WrongInput(f"--header: {match[1]} belongs to the opening handshake, whose faults are cases of their own")
    return match[1], match[2]


_OURS: Final = frozenset(("upgrade", "connection", "sec-websocket-key", "sec-websocket-version",
                          "sec-websocket-extensions", "content-length", "transfer-encoding"))  # fmt: skip


def _address(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise WrongInput(f"--connect-to: {text!r} is no address such as 127.0.0.1:9001")
    checked(check_host, "--connect-to", host.strip("[]"))
    return host.strip("[]"), int(port)


def _tls(cafile: str | None, insecure: bool) -> ssl.SSLContext:
    import ssl

    try:
        context = ssl.create_default_context(cafile=cafile)
    except (ssl.SSLError, OSError) as error:
        raise WrongInput(f"--cafile: {cafile}: no certificates in PEM: {error}") from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
