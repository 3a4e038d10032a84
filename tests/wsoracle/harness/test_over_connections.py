"""What only many connections show: small clients with one fault each, a sound one, and the folder of their run."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.wsoracle.client_testee import TemporaryFolder, address_of, fuzzing_server, run_all
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import SendFrame
from wsoracle.harness.server_run import ServerRun
from wsoracle.harness.serving import conclude
from wsoracle.model.octets.frames import decode_header, encode
from wsoracle.model.octets.vocabulary import CLOSE, TEXT, Frame
from wsoracle.reports import ReportFolder
from wsoracle.reports.lists import Lists
from wsoracle.reports.wanted import PLAIN

ECHO = Case("sample/echo", "echo", "echo", ("sample",), tuple(SendFrame(Frame(TEXT, b"%d" % n)) for n in range(3)))
Octets = Callable[[], bytes]


def counting(size: int) -> Octets:
    numbers = itertools.count(1)
    return lambda: next(numbers).to_bytes(size, "big")


async def echo_case(url: str, target: str, nonce: bytes, key: Octets) -> None:
    """One connection of an echo client whose nonce and masking keys are given."""
    reader, writer = await asyncio.open_connection(*address_of(url))
    field = base64.b64encode(nonce).decode()
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: {url[5:]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {field}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    data = b""
    while octets := await reader.read(65536):
        data += octets
        while (found := decode_header(data)) is not None and found[1] + found[0].length <= len(data):
            header, body = found
            payload, data = data[body : body + header.length], data[body + header.length :]
            writer.write(encode(Frame(header.opcode, payload, key=key())))
            if header.opcode == CLOSE:
                await reader.read()
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def run_small(folder: ReportFolder, times: int, nonce: Octets, key: Octets) -> bool:
    """Whether all is well after a client has run the case several times."""
    run = ServerRun(folder)
    async with fuzzing_server([ECHO], folder, run=run) as (_, url):
        for _ in range(times):
            await echo_case(url, "/runCase?case=1&agent=small", nonce(), key)
        async with asyncio.timeout(5):
            await run.until(lambda: not run.agents["small"].running, 5)
    run.finish()
    return conclude(run, [ECHO.id], PLAIN, folder.path, lambda line: None)


def strong(size: int) -> Octets:
    return lambda: os.urandom(size)


FAULTY = {
    "nonce/repeated": (lambda: bytes(range(16)), strong(4)),
    "nonce/near": (counting(16), strong(4)),
    "keys/fresh": (strong(16), lambda: bytes(4)),
    "keys/foreseen": (strong(16), counting(4)),
}


@pytest.mark.parametrize("check", FAULTY)
def test_a_faulty_client_is_named_with_counts_and_clause(check: str, tmp_path: Path) -> None:
    junit, markdown = tmp_path / "junit.xml", tmp_path / "summary.md"
    folder = ReportFolder(tmp_path / "out", lists=Lists(str(junit), str(markdown)))
    good = asyncio.run(run_small(folder, 4, *FAULTY[check]))
    assert not good
    results = {result.check.id: result for result in folder.over_connections["small"]}
    assert results[check].count >= 3 and results[check].example
    others = {name for name, result in results.items() if result.count} - {check}
    assert all(name.partition("/")[0] == check.partition("/")[0] for name in others)
    listed = json.loads((folder.path / "wsoracle.json").read_bytes())["connections"]["small"]
    assert {one["id"]: one["verdict"] for one in listed}[check] == "FAILED"
    assert all(row["quote"] for one in listed for row in one["requirements"])
    page = (folder.path / "index.html").read_text(encoding="utf-8")
    assert "Over all connections" in page and check in page
    cases = ElementTree.parse(junit).iter("testcase")
    failures = [case.get("name") for case in cases if case.find("failure") is not None]
    # Keys that one connection shows already fail its case as well.
    assert [one for one in failures if one != ECHO.id] == [name for name, result in results.items() if result.count]
    assert check in markdown.read_text(encoding="utf-8")


def test_a_sound_client_is_told_what_was_looked_at(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path)
    assert asyncio.run(run_small(folder, 4, strong(16), strong(4)))
    results = folder.over_connections["small"]
    assert [result.count for result in results] == [0] * len(FAULTY)
    assert {result.of for result in results} == {4, 4 * 4}


def test_the_results_are_made_anew_from_the_folder(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path)
    asyncio.run(run_small(folder, 4, *FAULTY["keys/fresh"]))
    again = ReportFolder(tmp_path, resumed=True)
    assert again.over_connections == folder.over_connections
    again.remake()
    again.finish()
    assert "Over all connections" in (tmp_path / "index.html").read_text(encoding="utf-8")
    # A new run of the agent begins with nothing.
    asyncio.run(run_small(ReportFolder(tmp_path), 4, strong(16), strong(4)))
    assert not any(result.count for result in ReportFolder(tmp_path, resumed=True).over_connections["small"])


OURS = '{"format": "wsoracle-connections", "agent": "a", "connections": [%s]}'


@pytest.mark.parametrize("content", ["", "[]", "{}", OURS.replace("[%s]", "1"), OURS % "1", OURS % '{"nonce": 1}'])
def test_another_file_of_that_name_is_passed_over(content: str, tmp_path: Path) -> None:
    (tmp_path / "a_connections.json").write_text(content, encoding="utf-8")
    assert ReportFolder(tmp_path, resumed=True).over_connections == {}


@pytest.mark.peers
def test_a_real_client_is_not_accused() -> None:
    async def both() -> TemporaryFolder:
        folder = TemporaryFolder()
        cases = [Case(f"sample/{n}", "", "", ("sample",), ECHO.actions) for n in range(20)]
        async with fuzzing_server(cases, folder) as (_, url):
            await run_all(url, "real")
        return folder

    results = asyncio.run(both()).over_connections["real"]
    assert len(results) == len(FAULTY) and not any(result.count for result in results)
