"""Many connections to one server."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest

from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.octets.vocabulary import Role
from wsoracle.testees import many
from wsoracle.testees.many import Batches, Taken, connect_many
from wsoracle.testees.tcp import echo_server

A_FEW = Batches(25, 10, 0.0, 0.01)


def against_echo(batches: Batches) -> Taken:
    async def talk() -> Taken:
        async with echo_server("127.0.0.1", 0) as (_, port):
            return await connect_many(f"ws://127.0.0.1:{port}", batches)

    return asyncio.run(talk())


def against(answers: list[bytes], batches: Batches = A_FEW) -> Taken:
    """The server sends each of these on a connection, and ends TCP; the further ones it answers by nothing."""

    async def talk() -> Taken:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answers.pop() if answers else b"")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            return await connect_many(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", batches)

    return asyncio.run(talk())


@pytest.mark.parametrize("connections", [1, 10, 11, 25])
def test_all_are_opened_and_closed(connections: int) -> None:
    taken = against_echo(Batches(connections, 10, 0.0, 0.01))
    assert (taken.open, taken.given_up, taken.failed, taken.lost, taken.short) == (connections, 0, 0, 0, "")


def test_a_connection_that_fails_is_tried_again_until_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "GIVEN_UP", 0.5)
    taken = against([b"HTTP/1.1 503 Busy\r\n\r\n"] * 3)
    assert (taken.open, taken.given_up, taken.lost) == (0, 25, 0) and taken.failed >= 25


def test_where_nothing_listens_all_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "GIVEN_UP", 0.2)
    taken = asyncio.run(connect_many("ws://127.0.0.1:1", A_FEW))
    assert (taken.open, taken.given_up, taken.short) == (0, 25, "")


def test_a_connection_that_the_server_ends_is_lost() -> None:
    async def talk() -> Taken:
        accepted = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal accepted
            accepted += 1
            endpoint = Endpoint(Role.SERVER, opening=ServerOpening())
            endpoint.receive(await reader.readuntil(b"\r\n\r\n"))
            writer.write(endpoint.octets_to_send())
            if accepted > 1:
                await reader.read()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            # The first connection is lost while the second one is waited for.
            return await connect_many(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", Batches(2, 1, 0.3, 0.01))

    taken = asyncio.run(talk())
    assert (taken.open, taken.given_up, taken.lost) == (2, 0, 1)


def test_what_this_machine_lacks_is_no_failure_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "GIVEN_UP", 0.1)

    def no_files(url: str) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(many, "connected", no_files)
    assert asyncio.run(connect_many("ws://127.0.0.1:1", A_FEW)).short == "Too many open files"
