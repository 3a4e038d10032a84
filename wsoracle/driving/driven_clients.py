"""An adapter as the client of each case in turn, at a fuzzing server without sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote

from ..harness.server import FuzzingServer
from .adapter_process import URI, AdapterFault, AdapterProcess
from .adapter_transport import AdapterTransport

MOST_STARTS: Final = 20
"""Times that an adapter is started again; after that the rest is not run."""


async def run_driven_clients(
    server: FuzzingServer,
    adapter: AdapterProcess,
    agent: str,
    left: Sequence[str],
    step: Callable[[str, int, int], None],
) -> None:
    """Have an adapter that has started be the client in each case that is ``left``, by their ids.

    ``agent`` is its name in reports. An adapter that fails is started again. Raises what stops the server.
    """
    numbers = {case.id: number for number, case in enumerate(server.cases, 1)}
    starts = 0
    for done, case_id in enumerate(left):
        if not adapter.running:
            starts += 1
            try:
                if starts > MOST_STARTS:
                    break
                adapter.start()
            except AdapterFault:  # it is among its faults, and the cases that are left are missing
                break
        target = f"/runCase?case={numbers[case_id]}&agent={quote(agent, safe='')}"
        transport = AdapterTransport(adapter, done, server.accept(), URI._replace(resource_name=target))
        try:
            transport.begin()
        except AdapterFault:
            continue
        await transport.lost.wait()
        step(f"{agent}: {case_id}", done + 1, len(left))
    await server.idle()
