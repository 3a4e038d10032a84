"""``wsoracle serve``: cases for WebSocket clients, which connect and run them."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

import click

from wsoracle.model.octets.vocabulary import Role

from ..cli import FAILED, Terminated, WrongInput, checked
from ..text.input_checks import check_host
from ..text.output import one_line
from .harness_options import chosen_cases, enough_files, harness_options, manners_of, run_folder, wanted_of
from .options import select, switches_of


@click.command("serve")
@harness_options("reports/clients")
@click.option(
    "--listen",
    default="127.0.0.1:9001",
    show_default=True,
    metavar="HOST:PORT",
    help="Where clients under test connect; port 0 lets the system choose.",
)
@click.option(
    "--web-port", type=click.IntRange(0, 65535), metavar="N", help="Pages on this port too, on the same host."
)
@click.option("--cert", type=click.Path(exists=True, dir_okay=False), help="Certificate in PEM: serve wss.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="The key of the certificate.")
@click.option(
    "--untrusted-port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="On this port wss has a certificate that no client can trust, for a probe.",
)
@click.option("--skip", "skipped", multiple=True, metavar="CASE",
              help="Let clients go at once in this case, such as one that hangs them; may be repeated.")  # fmt: skip
@click.option("--once", is_flag=True, help="End after the first /updateReports.")
@click.pass_context
def command(
    context: click.Context,
    /,
    listen: str,
    web_port: int | None,
    cert: str | None,
    key: str | None,
    untrusted_port: int | None,
    skipped: Sequence[str],
    once: bool,
    **options: Any,
) -> None:
    """Serve cases to WebSocket clients under test, and write a page for each case.

    Clients use the paths of Autobahn: /getCaseCount, /runCase?case=N&agent=A, /updateReports?agent=A. What to open
    besides, so that more than one connection can show, is on /getProbes?agent=A (docs/judging.md).
    Results are shown live at http://HOST:PORT/ while it runs. The exit status is 1 where a case failed that is not
    expected to, or was not run. A case that takes too long is given up; --skip leaves one out, and others keep their
    numbers.
    """
    from ..harness.judging_pool import Judges

    host, port = address(listen)
    if (cert is None) != (key is None):
        raise WrongInput("--cert and --key go together: give both, or none")
    with Judges(Role.CLIENT, switches=switches_of(options["switches"])) as judges:
        # Slow imports are made while the other process makes the same.
        from ..harness.run_result import Tally, write_expected
        from ..harness.server import FuzzingServer
        from ..harness.server_connection import FEWEST_CONNECTIONS
        from ..harness.server_run import ServerRun
        from ..harness.serving import CannotListen, Where, conclude, serve_until_stopped

        enough_files(FEWEST_CONNECTIONS)
        where = Where(host, port, web_port, tls_of(cert, key), untrusted_port)
        manners, cases = manners_of(options), chosen_cases(Role.CLIENT, options)
        wanted, known = wanted_of(options, cases), list[Tally]()
        ids = [case.id for case in cases]
        left_out = {case_id for pattern in skipped for case_id in select(pattern, ids, "case")}
        with run_folder(options, judges, wanted) as folder:
            folder.expect(case.id for case in cases)
            run = ServerRun(folder)
            server = FuzzingServer(
                cases,
                manners,
                run,
                folder.path,
                profile=options["profile"],
                say=say,
                excluded=lambda agent, case_id: case_id in left_out,
                once=once,
                judges=judges,
            )
            try:
                told = serve_until_stopped(server, where, say)
            except CannotListen as error:
                raise WrongInput(f"--listen: {error}") from error
            run_ids = [one for one in ids if one not in left_out]
            good = conclude(run, run_ids, wanted, folder.path, say, tallies=known)
        write_expected(options["write_expected_failures"], known)
    ended(told)
    if not good:
        context.exit(FAILED)


def say(line: str) -> None:
    """Print a line at once, without characters that a terminal would obey: names of agents are in some."""
    click.echo(one_line(line))


def address(text: str, option: str = "--listen") -> tuple[str, int]:
    """A host and a port. Raises WrongInput."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise WrongInput(f"{option}: {text!r} is no address such as 127.0.0.1:9001 or [::1]:9001")
    return checked(check_host, option, host.strip("[]")), int(port)


def tls_of(cert: str | None, key: str | None) -> Any:
    """The context for wss; None without a certificate. Raises WrongInput."""
    if cert is None or key is None:
        return None
    from ..harness.serving import server_tls

    try:
        return server_tls(cert, key)
    except OSError as error:
        raise WrongInput(f"{cert}, {key}: no certificate and key in PEM that belong together: {error}") from error


def ended(told: int | None) -> None:
    """End as every command does on a signal."""
    if told == signal.SIGINT:
        raise KeyboardInterrupt
    if told is not None:
        raise Terminated
