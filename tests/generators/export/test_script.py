"""Scripts that play cases: they have the octets of the case, and play them to real endpoints."""

from __future__ import annotations

import ast
import asyncio
import base64
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.generators.cases.steps import SendFrame, SendHead, SendOctets, octets_of
from wsoracle.generators.export.script import KEY, NoScript, script_of
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, Frame, Role

CASES = {case.id: case for case in runnable_cases()}
SMALL = [case for case in CASES.values() if case.size < 1 << 18 and len(case.actions) < 200]


def sent_by(script: str) -> bytes:
    """The octets in the steps of a script for Python."""
    (steps,) = (
        ast.literal_eval(node.value)
        for node in ast.parse(script).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "STEPS"
    )
    return b"".join(
        (zlib.decompress(base64.b64decode(more[0][1:])) if more[0][0] == "z" else bytes.fromhex(more[0])) * more[1]
        for what, *more in steps
        if what in ("send", "head")
    )


def sent_in(case: Case, role: Role) -> bytes:
    key = KEY if role is Role.SERVER else None
    return b"".join(
        octets_of(action, key) if isinstance(action, SendFrame | SendOctets) else action.octets
        for action in case.actions
        if isinstance(action, SendFrame | SendOctets | SendHead)
    )


@pytest.mark.parametrize("role", Role)
def test_a_script_has_the_octets_of_its_case(role: Role) -> None:
    key = KEY if role is Role.SERVER else None
    farewell = encode(Frame(CLOSE, b"\x03\xe8", key=key))
    for case in SMALL[::2]:
        if role in case.roles:
            assert sent_by(script_of(case, role, "python")).removesuffix(farewell) == sent_in(case, role).removesuffix(
                farewell
            ), case.id


def test_what_a_shell_cannot_is_said() -> None:
    large = max((case for case in CASES.values() if case.compression is None), key=lambda case: case.size)
    for case in [*SMALL[::7], large]:
        try:
            assert script_of(case, max(case.roles), "sh").startswith("#!/usr/bin/env bash\n")
            assert case is not large
        except NoScript as error:
            assert "use --script python" in str(error)
    with pytest.raises(NoScript, match="is not for a"):
        script_of(next(case for case in CASES.values() if case.roles == {Role.SERVER}), Role.CLIENT, "python")


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def played(case_id: str, form: str, tmp_path: Path, compression: str | None = None) -> str:
    """What the script of a case says of a real server."""
    path = tmp_path / "script"
    path.write_text(script_of(CASES[case_id], Role.SERVER, "sh" if form == "sh" else "python"), encoding="utf-8")
    program = ["bash"] if form == "sh" else [sys.executable, "-I"]

    async def run() -> str:
        async with serve(echo, "127.0.0.1", 0, compression=compression) as server:
            port = str(server.sockets[0].getsockname()[1])
            process = await asyncio.create_subprocess_exec(
                *program, str(path), "127.0.0.1", port, "/", stdout=asyncio.subprocess.PIPE
            )
            output, _ = await asyncio.wait_for(process.communicate(), 60)
            return output.decode()

    return asyncio.run(run())


@pytest.mark.peers
def test_a_script_plays_to_a_real_server(tmp_path: Path) -> None:
    lines = played("4.2.4", "python", tmp_path).splitlines()
    assert "< HTTP/1.1 101 Switching Protocols" in lines
    assert any(line.startswith("> 1 times 19 octets: 8e 8d 37 fa 21 3d") for line in lines)
    assert any(line.startswith("< text fin, 13 octets: 'Hello, world!' | 81 0d") for line in lines)
    assert any(line.startswith("< close fin") and "1002" in line for line in lines)


@pytest.mark.peers
def test_a_script_that_makes_its_own_opening_handshake_knows_the_server(tmp_path: Path) -> None:
    lines = played("fault/server/host-absent", "python", tmp_path).splitlines()
    assert lines[0].startswith("> 1 times") and any(line.startswith("< HTTP/1.1 ") for line in lines)


@pytest.mark.peers
def test_a_script_for_a_shell_plays_the_same(tmp_path: Path) -> None:
    output = played("4.2.4", "sh", tmp_path)
    assert "81 0d 48 65 6c" in output and "88 10" in output


@pytest.mark.peers
def test_a_script_compresses_its_messages_so_that_they_fit_any_agreement(tmp_path: Path) -> None:
    lines = played("12.1.1", "python", tmp_path, "deflate").splitlines()
    assert sum(line.startswith("< text fin rsv1") for line in lines) > 3
    assert any(line.startswith("< close fin, 2 octets: 1000") for line in lines)


@pytest.mark.peers
def test_a_script_listens_for_a_real_client(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(script_of(CASES["1.1.2"], Role.CLIENT, "python"), encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-I", str(path), "0"], stdout=subprocess.PIPE, text=True)

    async def talk(url: str) -> None:
        async with connect(url, compression=None) as connection:
            async for message in connection:
                await connection.send(message)

    assert process.stdout is not None
    url = process.stdout.readline().rpartition(" ")[2].strip()
    asyncio.run(talk(url))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "< text fin, 125 octets" in said and "< close fin, 2 octets: 1000" in said and "< the end of TCP" in said
