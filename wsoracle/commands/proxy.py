"""``wsoracle proxy``: a real client and a real server, judged as they talk to each other."""

from __future__ import annotations

from typing import get_args

import click

from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import Application
from wsoracle.properties.judge.verdict import PROFILES, Profile

from ..cli import FAILED, WrongInput
from ..harness.judging import get_ready
from ..harness.judging_pool import an_echo
from ..harness.workers import Workers
from .harness_options import enough_files, number_given, run_folder
from .serve import address, say


@click.command("proxy")
@click.option("--to", "server", required=True, metavar="HOST:PORT", help="Where the server is; without TLS.")
@click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT",
              help="Where the client connects; port 0 lets the system choose.")  # fmt: skip
@click.option("--out", default="reports/proxy", show_default=True, metavar="DIR", help="Where the pages go.")
@click.option("--application", type=click.Choice(get_args(Application)), default="unknown", show_default=True,
              help="How the applications of both endpoints behave.")  # fmt: skip
@click.option("--profile", type=click.Choice(PROFILES), default="interop", show_default=True,
              help="Whether rules that only implementations agree on bind.")  # fmt: skip
@click.option("--quiet", type=click.FloatRange(0.05, 3600), default=10.0, show_default=True, callback=number_given,
              metavar="SECONDS", help="After this time without an octet both endpoints are quiet.")  # fmt: skip
@click.option("--once", is_flag=True, help="End after the first WebSocket connection.")
@click.pass_context
def command(
    context: click.Context,
    server: str,
    listen: str,
    out: str,
    application: Application,
    profile: Profile,
    quiet: float,
    once: bool,
) -> None:
    """Sit between a client and a server, pass their octets on unchanged, and judge both.

    Give the client the address on which this listens, in place of that of the server. A line tells of each connection,
    of what is against the rules as soon as it is seen, and of both verdicts at its end. Each endpoint of each
    connection gets a page, and a trace that wsoracle judge reads. Requests for anything else than WebSocket are passed
    on, too. The exit status is 1 where an endpoint FAILED.
    """
    to, where = address(server, "--to"), address(listen)
    judge = Workers(1, get_ready, an_echo(Role.SERVER))
    try:
        # Slow imports are made while the other process makes the same.
        from ..harness.event_loop import run_until_stopped
        from ..harness.serving import CannotListen
        from ..proxy.proxy import MOST_AT_ONCE, MOST_WAITING, TRACE, Address, Proxy

        enough_files(2 * MOST_AT_ONCE + MOST_WAITING)
        with run_folder({"out": out, "profile": profile}) as folder:
            for earlier in folder.path.glob(TRACE.format("*", "*")):
                earlier.unlink()
            proxy = Proxy(
                Address(*to), folder, judge, say, application=application, profile=profile, quiet=quiet, once=once
            )
            try:
                run_until_stopped(proxy.run(Address(*where)))
            except CannotListen as error:
                raise WrongInput(f"--listen: {error}: name another address or port") from error
            finally:
                say(f"pages: {folder.path}/index.html")
    finally:
        judge.close()
    if proxy.failed:
        context.exit(FAILED)
