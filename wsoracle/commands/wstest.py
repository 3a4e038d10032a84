"""``wsoracle wstest``: a replacement of Autobahn's command line, with its options and files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from wsoracle.model.octets.uri import WebSocketUri, parse_uri
from wsoracle.model.octets.vocabulary import Role

from ..autobahn.specification import CLIENT, SERVER, ServerUnderTest, SpecFile, SpecFileError, default_text, read_spec
from ..cli import FAILED, WrongInput, checked
from ..reports.wanted import PLAIN
from ..text.input_checks import check_host
from ..text.output import one_line, progress, why_not, write_text
from .harness_options import enough_files, run_folder
from .serve import ended, say, tls_of

if TYPE_CHECKING:
    import ssl

    from wsoracle.generators.cases.case import Case

    from ..harness.judging_pool import Judges
    from ..harness.manners import Manners
    from ..harness.target import AgentNames
    from ..reports import ReportFolder

BIND: Final = "WSORACLE_BIND"
"""The environment variable with the host to listen on, in place of that of a URL: containers set it."""

NAMELESS: Final = "UnknownServer"
"""The name of a server without a Server field, as Autobahn has it."""

MASSCONNECT: Final = "massconnect"
"""The mode that opens many connections to a server."""

_OWN_ENDPOINTS: Final = ("echoserver", "testeeserver", "echoclient", "testeeclient")


def _version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from .. import __version__

        click.echo(f"wsoracle {__version__}")
        context.exit()


@click.command("wstest")
@click.option("-m", "--mode", required=True, metavar="MODE", help="fuzzingclient or fuzzingserver.")
@click.option("-s", "--spec", "spec_file", metavar="FILE", help="The specification; without one MODE.json is used.")
@click.option(
    "-w", "--wsuri", metavar="URL", help="The server to test, where the specification names none; or where to listen."
)
@click.option(
    "-u",
    "--webport",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="fuzzingserver: the port of the pages; 0 for none.",
)
@click.option(
    "-i", "--ident", metavar="NAME", help="fuzzingclient: the name of a server that the specification does not name."
)
@click.option("-k", "--key", metavar="FILE", help="fuzzingserver: the key of the certificate.")
@click.option("-c", "--cert", metavar="FILE", help="fuzzingserver: the certificate, for wss.")
@click.option("-o", "--outfile", metavar="FILE", help="Without effect in these modes.")
@click.option("-t", "--testset", metavar="NAME", help="Without effect in these modes.")
@click.option(
    "-a",
    "--autobahnversion",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version.",
)
@click.option("-d", "--debug", is_flag=True, help="Without effect: reports show what crossed the wire.")
@click.pass_context
def command(
    context: click.Context,
    /,
    mode: str,
    spec_file: str | None,
    wsuri: str | None,
    webport: int,
    ident: str | None,
    key: str | None,
    cert: str | None,
    outfile: str | None,
    testset: str | None,
    debug: bool,
) -> None:
    """Test as Autobahn does: the same options, specification files and report tree.

    Cases whose patterns begin with * are those of Autobahn; controls of what is selected are run too. The
    exit status is 1 where a case failed or was not run. docs/wstest.md lists the differences.
    """
    if mode in _OWN_ENDPOINTS:
        if not _own_endpoint(mode, wsuri, ident, key, cert):
            context.exit(FAILED)
        return
    if mode == MASSCONNECT:
        if not _load(spec_file, wsuri):
            context.exit(FAILED)
        return
    if mode not in (CLIENT, SERVER):
        from ..autobahn.modes import INSTEAD

        hint = INSTEAD.get(mode, f"give {CLIENT} or {SERVER}")
        raise WrongInput(f"-m {one_line(mode, 60)} is no mode of this program: {hint}")
    for name, value in (("-o", outfile), ("-t", testset), ("-d", debug)):
        if value:
            _warn(f"{name} has no effect in mode {mode}")
    try:
        fuzzing = CLIENT if mode == CLIENT else SERVER
        spec = read_spec(_spec_path(spec_file, mode, default_text(fuzzing)), fuzzing, wsuri)
    except SpecFileError as error:
        raise WrongInput(str(error)) from error
    for warning in spec.warnings:
        _warn(one_line(warning))
    if mode == CLIENT and (key or cert):
        _warn("-k and -c have no effect in mode fuzzingclient")
    if mode == SERVER and ident:
        _warn("-i has no effect in mode fuzzingserver: a client names itself")

    from ..harness.judging_pool import Judges

    role = Role.SERVER if mode == CLIENT else Role.CLIENT
    with Judges(role) as judges:
        # Slow imports are made from here on, while the other process makes the same.
        told = len(spec.warnings)
        ids, cases, every = _selected(spec, role)
        for warning in spec.warnings[told:]:
            _warn(one_line(warning))
        added = len(cases) - len(ids)
        say(f"{len(cases)} cases" + (f", {added} of them as controls of the others" if added else ""))
        options = {"out": spec.outdir}
        if mode == CLIENT:
            good = _test(spec, cases, every, ident, options, judges)
        else:
            good = _serve(spec, cases, webport, key, cert, options, judges)
    if not cases:
        _warn("no case was run, so that nothing was tested: cases and exclude-cases leave none that exists here")
        good = False
    if not good:
        context.exit(FAILED)


def _warn(line: str) -> None:
    click.echo(f"wsoracle wstest: warning: {line}", err=True)


def _spec_path(name: str | None, mode: str, text: str) -> Path:
    """The specification that is named, or the one of the mode's name, which is written with a text if need be."""
    if name is not None:
        if not Path(name).exists() or Path(name).is_dir():
            raise WrongInput(f"-s {name}: there is no such file: write one, or leave -s out for one with the defaults")
        return Path(name)
    path = Path(f"{mode}.json")
    if path.is_file():
        say(f"using the specification {path}")
    else:
        write_text(str(path), text)
        say(f"wrote the specification {path}")
    return path


def _selected(spec: SpecFile, role: Role) -> tuple[list[str], tuple[Case, ...], list[Case]]:
    """The ids that are selected, the cases that are run, and all that there are for the role, in numeric order."""
    from wsoracle.generators.cases.runnable import runnable_cases

    from ..harness.controls import with_controls
    from ..reports.summary import case_order

    every = sorted((case for case in runnable_cases() if role in case.roles), key=lambda case: case_order(case.id))
    ids = spec.chosen([case.id for case in every])
    chosen = set(ids)
    return ids, with_controls([case for case in every if case.id in chosen], every), every


# --- fuzzingclient ----------------------------------------------------------------------------------------------------


def _test(
    spec: SpecFile,
    cases: Sequence[Case],
    every: Sequence[Case],
    ident: str | None,
    options: dict[str, Any],
    judges: Judges,
) -> bool:
    from ..harness.run_result import show, tally_of
    from ..harness.target import AgentNames, NoServer

    numbers = {case.id: number for number, case in enumerate(every, 1)}
    good, taken = True, set[str]()
    with run_folder(options, judges) as folder:
        for server in spec.servers if cases else ():
            names = AgentNames(server.uri.host_header, taken)
            own = server.agent or ident
            named = server if own is None else replace(server, agent=names.new(own))
            try:
                agent = _test_one(named, spec, cases, numbers, folder, judges, names)
            except NoServer as error:
                click.echo(f"wsoracle wstest: {one_line(str(error))}", err=True)
                good = False
                continue
            taken.add(agent)
            found = folder.summaries.get(agent, {})
            ordered = {case.id: found[case.id] for case in cases if case.id in found}
            tally = tally_of(ordered, PLAIN)
            show(one_line(agent, 100), ordered, tally, folder.path)
            good = good and tally.good
    return good


def _test_one(
    server: ServerUnderTest,
    spec: SpecFile,
    cases: Sequence[Case],
    numbers: dict[str, int],
    folder: ReportFolder,
    judges: Judges,
    names: AgentNames,
) -> str:
    """Run the cases on a server; the name of the agent."""
    from wsoracle.generators.cases.steps import Greeting

    from ..harness.client import run_client
    from ..harness.event_loop import run_until_stopped
    from ..harness.target import Target

    greeting = Greeting(server.origin, tuple(server.protocols))
    tls = _client_tls(server.hostname) if server.uri.secure else None
    target = Target(server.uri, server.agent, tls, server.hostname, greeting, nameless=NAMELESS)
    manners = _manners(server.patience)

    def run(some: Sequence[Case], target: Target, answered: dict[str, bool] | None = None) -> str:
        with progress("testing") as step:
            running = run_client(
                target,
                some,
                manners,
                folder,
                step=step,
                answered=answered,
                numbers=numbers,
                named=names.new,
                judges=judges,
            )
            return run_until_stopped(running)

    left, answered = list(cases), dict[str, bool]()
    if spec.exclude_agent_cases and target.agent is None:
        # The cases to leave out are known when the server has told its name.
        first = next((case for case in left if case.control is None), left[0])
        agent = run([first], target)
        target = replace(target, agent=agent)
        left.remove(first)
        answered = {case_id: summary.answered for case_id, summary in folder.summaries[agent].items()}
    name = target.agent
    if name is not None:
        wanted = [case for case in cases if not spec.exclude_agent_cases(name, case.id)]
        controls = {case.control for case in wanted}
        left = [case for case in left if case in wanted or case.id in controls]
    return run(left, target, answered) if left else name or ""


def _client_tls(hostname: str | None) -> ssl.SSLContext:
    """With a name the certificate must be for it, as in Autobahn; without one any certificate will do."""
    import ssl

    context = ssl.create_default_context()
    if hostname is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _manners(patience: float | None, protocols: Sequence[str] = ()) -> Manners:
    from wsoracle.generators.cases.steps import Greeting

    from ..harness.manners import Manners

    manners = Manners(greeting=Greeting(subprotocols=tuple(protocols)))
    if patience is None:
        return manners
    # A case must not end before silence is found in it.
    seconds = max(manners.seconds, 2 * patience)
    return replace(manners, patience=patience, grace=min(manners.grace, patience / 2), seconds=seconds)


# --- fuzzingserver ----------------------------------------------------------------------------------------------------


def _serve(
    spec: SpecFile,
    cases: Sequence[Case],
    webport: int,
    key: str | None,
    cert: str | None,
    options: dict[str, Any],
    judges: Judges,
) -> bool:
    from ..harness.server import FuzzingServer
    from ..harness.server_connection import FEWEST_CONNECTIONS
    from ..harness.server_run import ServerRun
    from ..harness.serving import CannotListen, Where, conclude, serve_until_stopped

    enough_files(FEWEST_CONNECTIONS)
    uri = spec.url
    assert uri is not None
    key, cert = key or spec.key, cert or spec.cert
    where = Where(_host_of(uri), uri.port, webport or None, _server_tls(uri, key, cert))
    with run_folder(options, judges) as folder:
        run = ServerRun(folder)
        server = FuzzingServer(
            cases,
            _manners(spec.patience, spec.protocols),
            run,
            folder.path,
            say=say,
            excluded=spec.exclude_agent_cases,
            judges=judges,
        )
        try:
            told = serve_until_stopped(server, where, say)
        except CannotListen as error:
            raise WrongInput(f"url: {error}") from error
        ids = [case.id for case in cases]
        good = conclude(run, ids, PLAIN, folder.path, say, spec.exclude_agent_cases)
    ended(told)
    return good


def _host_of(uri: WebSocketUri) -> str:
    """The host to listen on: that of the URL, unless the environment names another one."""
    host = os.environ.get(BIND) or uri.host.strip("[]")
    return checked(check_host, BIND, host)


def _server_tls(uri: WebSocketUri, key: str | None, cert: str | None) -> ssl.SSLContext | None:
    """The context of a wss URL; None for ws. Raises WrongInput."""
    if (key is None) != (cert is None):
        raise WrongInput("a key and a certificate go together: give both (-k, -c, or in the specification), or none")
    if uri.secure and cert is None:
        raise WrongInput("wss needs a certificate and its key: give them with -c and -k, or in the specification")
    if cert is not None and not uri.secure:
        _warn("key and cert have no effect: the url is ws, and not wss")
        return None
    context: ssl.SSLContext | None = tls_of(cert, key)
    return context


# --- endpoints of our own ---------------------------------------------------------------------------------------------


def _own_endpoint(mode: str, url: str | None, ident: str | None, key: str | None, cert: str | None) -> bool:
    """Be an echo server or a client, to try a set-up with; whether it went well."""
    from ..autobahn.modes import SERVERS, NoEcho, be_client, serve_echo
    from ..harness.event_loop import run_until_stopped

    if url is None:
        raise WrongInput(f"-m {mode} needs -w URL, such as ws://127.0.0.1:9001")
    try:
        uri = parse_uri(url)
    except ValueError as error:
        raise WrongInput(f"-w: {error}") from error
    checked(check_host, "-w", uri.host.strip("[]"))
    try:
        if mode in SERVERS:
            run_until_stopped(serve_echo(uri, _host_of(uri), _server_tls(uri, key, cert), say))
        else:
            run_until_stopped(be_client(mode, url, ident or "wsoracle", say))
    except NoEcho as error:
        click.echo(f"wsoracle wstest: {one_line(f'{url}: {error}')}", err=True)
        return False
    except OSError as error:
        raise WrongInput(f"-w {url}: {why_not(error)}: name another address, or start what is to be there") from error
    return True


# --- massconnect ------------------------------------------------------------------------------------------------------


def _load(spec_file: str | None, wsuri: str | None) -> bool:
    """Open many connections; whether each was opened and none was lost."""
    from ..autobahn.load import default_text, load, read_load
    from ..harness.event_loop import run_until_stopped

    try:
        batches, servers = read_load(_spec_path(spec_file, MASSCONNECT, default_text()), wsuri)
    except SpecFileError as error:
        raise WrongInput(str(error)) from error
    enough_files(batches.connections)
    try:
        return run_until_stopped(load(batches, servers, say))
    except OSError as error:
        raise WrongInput(str(error)) from error
