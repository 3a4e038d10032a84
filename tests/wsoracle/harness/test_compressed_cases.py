"""Cases of compression, against endpoints that take the extension, that do not, and that get something wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from tests.wsoracle.client_testee import TemporaryFolder, fuzzing_server
from wsoracle.generators.cases.build import build_case
from wsoracle.generators.cases.catalogue import catalogued_compressed
from wsoracle.generators.cases.catalogue.compressed import with_echoes
from wsoracle.generators.cases.handwritten.deflate_heads import deflate_heads
from wsoracle.generators.cases.origin import Origin
from wsoracle.generators.cases.tester_suite import for_tester
from wsoracle.generators.suite.compressed_cases import history_of
from wsoracle.generators.suite.deflate_messages import deflate_messages
from wsoracle.harness.client import run_client
from wsoracle.harness.manners import Manners
from wsoracle.harness.target import Target
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

CASES = {case.id: case for case in with_echoes(catalogued_compressed(), 9)}
CASES |= {case.id: case for case in deflate_heads()}
MANNERS = Manners(patience=5)
Application = Callable[[ServerConnection], Awaitable[None]]
PLAYED = (
    "example-2-shared-window",
    "window-12-at",
    "window-9-over",
    "context-sent-referred-to",
    "plain-between",
    "malformed-reserved-block",
    "mark-on-ping",
    "block-fixed-final-referred-to",
)


def played(role: Role) -> list[str]:
    """The ids of some generated cases for a role, which are made here."""
    machine = CompiledMachine(RULES, Setting(role))
    for one in deflate_messages():
        case_id = f"compression/{role}/{one.name}"
        if one.name in PLAYED and case_id not in CASES:
            history = history_of(machine, one.frames, one.compression.wanted.state)
            made = build_case(case_id, Origin("compression"), one.title, history)[-1]
            CASES[case_id] = for_tester(made)
    return [f"compression/{role}/{name}" for name in PLAYED]


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def echoes_wrongly(connection: ServerConnection) -> None:
    """The fifth message comes back with its last character changed."""
    count = 0
    async for message in connection:
        count += 1
        await connection.send(message if count != 5 else f"{message[:-1]!s}~")


async def stops(connection: ServerConnection) -> None:
    """The fifth message does not come back."""
    for _ in range(4):
        await connection.send(await connection.recv())
    await connection.wait_closed()


def records(application: Application, *ids: str, patience: float = 5.0, **more: Any) -> dict[str, dict[str, Any]]:
    async def both() -> dict[str, dict[str, Any]]:
        async with serve(application, "127.0.0.1", 0, max_size=None, **more) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            folder, cases = TemporaryFolder(), [CASES[one] for one in ids]
            target = Target(parse_uri(f"ws://127.0.0.1:{port}/"))
            return folder.of(await run_client(target, cases, Manners(patience=patience), folder))

    return asyncio.run(both())


def test_a_server_that_compresses_passes_and_what_crossed_is_counted() -> None:
    found = records(echo, "12.1.4", "12.1.13", "13.3.5", "13.5.5", "13.7.6")
    for record in found.values():
        assert record["behavior"] == record["behaviorClose"] == record["wsoracle"]["verdict"] == "OK", record["result"]
        stats = record["trafficStats"]
        size = 9 * max(step.size for step in CASES[record["id"]].actions if hasattr(step, "size"))
        for way in ("incoming", "outgoing"):
            assert stats[f"{way}WebSocketMessages"] == 9 and stats[f"{way}OctetsAppLevel"] == size
            assert 0 < stats[f"{way}CompressionRatio"] == stats[f"{way}OctetsWebSocketLevel"] / size < 1
            assert stats[f"{way}WebSocketOverhead"] > 0
        assert record["reportCompressionRatio"] and record["reportTime"]
        assert "permessage-deflate" in record["httpRequest"] and "permessage-deflate" in record["httpResponse"]
    assert "server_max_window_bits=9" in found["13.3.5"]["httpResponse"]
    assert "server_no_context_takeover" in found["13.5.5"]["httpResponse"]
    assert int(found["12.1.13"]["txFrameStats"]["0"]) > 0  # it goes out in fragments


def test_a_server_without_the_extension_is_not_asked_to_compress() -> None:
    found = records(echo, "12.1.1", "12.3.1", "13.2.9", compression=None)
    for record in found.values():
        assert record["wsoracle"]["verdict"] == record["behavior"] == "UNIMPLEMENTED"
        assert record["trafficStats"] is None and record["behaviorClose"] == "OK"
        assert "extension" in record["wsoracle"]["note"] and set(record["txFrameStats"]) == {"8"}


@pytest.mark.parametrize(("application", "says"), [(echoes_wrongly, "not an echo"), (stops, "was not sent back")])
def test_what_is_no_echo_once_it_is_inflated_fails(application: Application, says: str) -> None:
    record = records(application, "12.1.3", patience=0.5)["12.1.3"]
    assert record["wsoracle"]["verdict"] == "FAILED"
    assert says in record["result"] and record["trafficStats"] is None


def test_echoes_need_not_be_compressed() -> None:
    """A server that inflates and never compresses itself."""

    class Plain(ServerPerMessageDeflateFactory):
        def process_request_params(self, params: Any, accepted: Any) -> Any:
            answer, extension = super().process_request_params(params, accepted)
            extension.encode = lambda frame: frame  # type: ignore[method-assign]
            return answer, extension

    record = records(echo, "12.1.5", compression=None, extensions=[Plain()])["12.1.5"]
    assert record["wsoracle"]["verdict"] == "OK"
    assert record["trafficStats"]["incomingCompressionRatio"] == 1 > record["trafficStats"]["outgoingCompressionRatio"]


def verdicts(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {one.rpartition("/")[2]: record["wsoracle"]["verdict"] for one, record in found.items()}


def test_generated_cases_are_played_under_what_they_ask_for() -> None:
    found = verdicts(records(echo, *played(Role.SERVER)))
    # zlib ends at BFINAL = 1, and does not see what the second message refers to.
    assert found == {**dict.fromkeys(PLAYED, "OK"), "block-fixed-final-referred-to": "FAILED"}


def test_a_server_that_chooses_a_smaller_window_is_judged_by_that_one() -> None:
    """It may refuse, or misread, what is sent for a window that it was offered and did not take."""
    factory = ServerPerMessageDeflateFactory(client_max_window_bits=9)
    found = records(echo, *played(Role.SERVER), compression=None, extensions=[factory])
    over = found["compression/server/window-12-at"]
    assert "client_max_window_bits=9" in over["httpResponse"]
    assert verdicts(found) == {**dict.fromkeys(PLAYED, "OK"), "block-fixed-final-referred-to": "FAILED"}


def test_a_server_without_the_extension_is_asked_nothing_and_has_to_decline() -> None:
    offers = ("nothing", "server-max-window-bits-8", "server-max-window-bits-7", "two-unsound-ones")
    ids = [*played(Role.SERVER), *(f"offer/server/{name}" for name in offers)]
    found = verdicts(records(echo, *ids, compression=None))
    lacking = (*PLAYED, "nothing", "server-max-window-bits-8")
    assert found == {**dict.fromkeys(lacking, "UNIMPLEMENTED"), **dict.fromkeys(offers[2:], "OK")}


def test_a_server_that_takes_what_it_has_to_decline_fails() -> None:
    class Careless(ServerPerMessageDeflateFactory):
        def process_request_params(self, params: Any, accepted: Any) -> Any:
            return super().process_request_params([], accepted)

    ids = ("offer/server/nothing", "offer/server/unknown", "offer/server/server-no-context-takeover-without-a-value")
    found = records(echo, *ids, compression=None, extensions=[Careless()])
    rules = [{rule["id"] for rule in record["wsoracle"]["rules"]} for record in found.values()]
    assert rules == [set(), {"7692.7.1.1.1/stop-takeover"}, {"7692.7/decline-unsound"}]


@pytest.mark.parametrize(("compression", "verdict"), [("deflate", "OK"), (None, "UNIMPLEMENTED")])
def test_clients_are_asked_likewise(compression: str | None, verdict: str) -> None:
    faulty = ("answer/client/server-max-window-bits-7", "answer/client/twice")
    ids = ("12.1.5", "13.5.4", "answer/client/nothing", *faulty, *played(Role.CLIENT)[:-1])

    async def talk() -> dict[str, dict[str, Any]]:
        folder = TemporaryFolder()
        async with fuzzing_server([CASES[one] for one in ids], folder=folder, manners=MANNERS) as (_, url):
            for number in range(1, len(ids) + 1):
                case = f"{url}/runCase?case={number}&agent=me"
                try:
                    async with connect(case, compression=compression, max_size=None) as connection:
                        async for message in connection:
                            await connection.send(message)
                except (ConnectionClosed, InvalidHandshake):
                    pass
            async with connect(f"{url}/updateReports?agent=me", compression=None) as connection:
                await connection.wait_closed()
        return folder.of("me")

    found = asyncio.run(talk())
    assert {one: record["wsoracle"]["verdict"] for one, record in found.items()} == dict.fromkeys(ids, verdict)
    if compression is not None:
        assert "client_max_window_bits=9" in found["13.5.4"]["httpResponse"]
        assert "client_no_context_takeover" in found["13.5.4"]["httpResponse"]
