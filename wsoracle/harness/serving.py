"""A fuzzing server from its start to its end: signals, lines for people, and whether all is well at the end."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from ..reports.wanted import Wanted
from ..text.output import one_line, why_not
from .event_loop import only_what_is_new
from .run_result import Tally, is_failure, show, show_results, tally_of

if TYPE_CHECKING:
    from .server import FuzzingServer
    from .server_run import ServerRun

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Where:
    """The address of a server; ``web_port`` is for pages (None: on the same port alone), and ``untrusted_port`` for TLS
    with a certificate that no client can trust (None: nowhere)."""

    host: str = "127.0.0.1"
    port: int = 9001
    web_port: int | None = None
    tls: ssl.SSLContext | None = None
    untrusted_port: int | None = None


class CannotListen(OSError):
    """The server cannot listen on its address; the message is one line."""


def server_tls(cert: str, key: str) -> ssl.SSLContext:
    """The context of a server from files of a certificate and its key in PEM. Raises OSError for other files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def untrusted_tls() -> ssl.SSLContext:
    """The context of a server whose certificate no client can trust: it has signed itself."""
    with resources.as_file(resources.files(__package__) / "data" / "untrusted.pem") as file:
        return server_tls(str(file), str(file))


def serve_until_stopped(server: FuzzingServer, where: Where, say: Callable[[str], None]) -> int | None:
    """Serve until the server is stopped, and write the reports; the signal that stopped it, if one did.

    ``say`` is told where it listens. Raises OSError where it cannot listen, and what writing the reports raises.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        with only_what_is_new():
            told = asyncio.run(_serve(server, where, say))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    server.run.finish()
    return told


async def _serve(server: FuzzingServer, where: Where, say: Callable[[str], None]) -> int | None:
    told: list[int] = []

    def stop(number: int) -> None:
        told.append(number)
        server.stop()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        scheme = "ws" if where.tls is None else "wss"
        port = where.port
        try:
            host, bound = await server.listen(where.host, port, where.tls)
            if where.web_port is not None:
                port = where.web_port
                web_host, web_port = await server.listen_for_pages(where.host, port, where.tls)
            if where.untrusted_port is not None:
                port = where.untrusted_port
                _, untrusted = await server.listen_untrusted(where.host, port, untrusted_tls())
        except OSError as error:
            raise CannotListen(
                f"{shown_host(where.host)}:{port}: {why_not(error)}: name another address or port"
            ) from error
        if where.web_port is not None:
            say(f"pages on http{scheme[2:]}://{shown_host(web_host)}:{web_port}/")
        if where.untrusted_port is not None:
            say(f"a certificate that no client can trust on wss://{shown_host(host)}:{untrusted}/")
        say(f"listening on {scheme}://{shown_host(host)}:{bound}")
        server.get_ready()
        await server.stopped()
    finally:
        await server.close()
    return told[0] if told else None


def shown_host(host: str) -> str:
    """A host as it stands before a port: an address of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def conclude(
    run: ServerRun,
    ids: Sequence[str],
    wanted: Wanted,
    where: Any,
    say: Callable[[str], None],
    excluded: Callable[[str, str], bool] = lambda agent, case_id: False,
    tallies: list[Tally] | None = None,
) -> bool:
    """Print how each agent did; whether all is well: every case of every agent was run, none failed unexpectedly, and
    its connections together break no MUST.

    ``ids`` are those of all cases; ``tallies`` gets that of each agent. A run without any agent is not well.
    """
    good = True
    tested = [agent for agent in run.agents.values() if agent.results]
    for agent in tested:
        summaries = {case_id: agent.results[case_id].summary for case_id in ids if case_id in agent.results}
        tally = tally_of(summaries, wanted)
        if tallies is not None:
            tallies.append(tally)
        name = one_line(agent.name, 100)
        show(name, summaries, tally, where)
        results = run.results_on_connections(agent)
        show_results(results)
        missing = [case_id for case_id in ids if case_id not in summaries and not excluded(agent.name, case_id)]
        if missing:
            say(f"{name}: {len(missing)} of {len(ids)} cases were not run, such as {missing[0]}")
        good = good and tally.good and not missing and not any(map(is_failure, results))
    if not tested:
        say("no case was run")
    return good and bool(tested)
