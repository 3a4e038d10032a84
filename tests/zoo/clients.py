"""The clients of the zoo: what each does amiss, and the causes that a report on it must name."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tests.wsoracle.client_testee import TemporaryFolder, address_of, ask, fuzzing_server
from tests.wsoracle.degenerate_servers import frames
from wsoracle.generators.cases.case import Case
from wsoracle.harness.manners import Manners
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.handshake_client import ClientOpening
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import PING, TEXT, Frame, Role
from wsoracle.reports.summary import CaseSummary

from .base import Hears, Says, hears_all, says_all


@dataclass(frozen=True)
class Client:
    """A sound client but for what it hears and says. ``causes`` as for a server; it ``masks``, or does not."""

    name: str
    causes: frozenset[str]
    hears: Hears = hears_all
    says: Says = says_all
    masks: bool = True


def run(client: Client, cases: Sequence[Case], manners: Manners) -> dict[str, CaseSummary]:
    """The summaries of a run of all cases, one after another."""

    async def talk() -> dict[str, CaseSummary]:
        folder = TemporaryFolder()
        served = [case for case in cases if Role.CLIENT in case.roles]
        async with fuzzing_server(served, folder, manners=manners) as (_, url):
            for number in range(1, len(served) + 1):
                await _run_case(client, url, f"/runCase?case={number}&agent=zoo")
            await ask(f"{url}/updateReports?agent=zoo")
        return dict(folder.summaries["zoo"])

    return asyncio.run(talk())


async def _run_case(client: Client, url: str, target: str) -> None:
    endpoint = Endpoint(Role.CLIENT, echo=True, limit=1 << 24, opening=ClientOpening(f"{url}{target}"))
    reader, writer = await asyncio.open_connection(*address_of(url))
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        writer.write(endpoint.octets_to_send())
        endpoint.receive(await reader.readuntil(b"\r\n\r\n"))
        async for frame in frames(reader):
            heard = client.hears(frame)
            if heard is None:
                continue
            endpoint.receive(encode(heard))
            for answer in frames_in(endpoint.octets_to_send())[0]:
                said = Frame(
                    answer.header.opcode, answer.payload, answer.header.fin, key=os.urandom(4) if client.masks else None
                )
                for piece in client.says(said, frame):
                    writer.write(encode(piece))
            if endpoint.wants_tcp_close:
                break
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _client(name: str, *causes: str, hears: Hears = hears_all, says: Says = says_all, masks: bool = True) -> Client:
    return Client(name, frozenset(causes), hears, says, masks)


CLIENTS: Final = (
    _client("sound"),
    _client("no mask", "FAILED 5.1/client-masks", masks=False),
    _client("never sends a Pong", "FAILED 5.5.2/pong-owed",
            hears=lambda frame: None if frame.opcode == PING else frame),
    _client("overlooks reserved bits", "FAILED 5.2/reserved-bits",
            hears=lambda frame: replace(frame, rsv1=False, rsv2=False, rsv3=False)),
    _client("upper case", "FAILED echo/the-message-differs-at-octet-n",
            says=lambda frame, heard: (replace(frame, payload=frame.payload.upper())
                                       if frame.opcode == TEXT else frame,)),
)  # fmt: skip
