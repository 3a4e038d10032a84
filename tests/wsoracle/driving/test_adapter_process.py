"""Whatever an adapter does, it is an answer or one sentence, soon and in bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.wsoracle.driving.adapters import adapter, on
from wsoracle.driving import adapter_process, adapter_transport
from wsoracle.driving.adapter_process import AdapterFault, AdapterProcess, Output
from wsoracle.driving.adapter_transport import AdapterTransport

PING = bytes.fromhex("898137fa213d56")


@contextmanager
def started(command: str, within: float = 60) -> Iterator[AdapterProcess]:
    process = AdapterProcess(command, within=within)
    try:
        process.start()
        process.open(1)
        yield process
    finally:
        process.kill()


def test_it_is_asked_and_answers() -> None:
    with started(adapter()) as process:
        assert (process.name, process.opening) == ("tiny 1", False)
        assert process.receive(1, PING) == Output(bytes.fromhex("8a0161"), (), False)
        assert process.receive(1, bytes.fromhex("8182000000006869")) == Output(b"", (("text", "6869"),), False)
        assert process.send(1, "text", "6869") == Output(bytes.fromhex("81026869"), (), False)
        assert process.eof(1).closes
        process.close(1)
        process.stop()
        assert not process.running


FAULTS = {
    "dies": ("sys.exit(3)", "it ended with status 3: run "),
    "is killed": ("import os; os.kill(os.getpid(), 9)", "it ended by signal 9: run "),
    "dies inside a line": ("print('{', end='', flush=True); sys.exit(3)", "it ended with status 3 inside a line, b'{'"),
    "hangs": ("import time; time.sleep(600)", "it gave no answer in 2 s: answer each line at once, and flush"),
    "writes half a line": ("print('{', end='', flush=True); sys.stdin.read()", "it wrote half a line, b'{', and no"),
    "writes no JSON": ("print('debug')", "it wrote a line that is no object in JSON, b'debug': write"),
    "writes a list": ("print('[]')", "it wrote a line that is no object in JSON, b'[]'"),
    "answers another question": ("asked['seq'] += 1", "it answered 4 and was asked 3: answer each line once, in order"),
    "answers twice": ("import os; os.write(1, b'{}\\n{}\\n')", "it wrote more than one line for a question, b'{}\\n"),
    "answers with an error": ("asked['error'] = 1; answer = lambda a: {'error': 'oh'}", "it answered receive with"),
    "writes no octets": ("answer = lambda a: {'octets': '8'}", "its answer to receive is not as docs/driving.md"),
    "tells what is no event": ("answer = lambda a: {'events': [{}]}", "its answer to receive is not as"),
    "floods": ("sys.stdout.write('x' * 5_000_000); sys.stdout.flush()", "octets without an end of line: it floods"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_sentence(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    does, sentence = FAULTS[fault]
    monkeypatch.setattr(adapter_process, "MOST_LINE", 1_000_000)
    with started(on("receive", does)) as process:
        if fault in ("hangs", "writes half a line"):
            process._within = 2.0  # type: ignore[misc]
        with pytest.raises(AdapterFault) as raised:
            process.receive(1, PING)
        assert sentence in str(raised.value) and "\n" not in str(raised.value)
        assert not process.running
        with pytest.raises(AdapterFault, match="it is not running any more"):
            process.receive(1, PING)
        process.start()
        process.open(1)


def test_no_such_command() -> None:
    with pytest.raises(AdapterFault, match="it ended with status 127"), started("exec /nowhere/adapter 2> /dev/null"):
        pass


def test_another_version() -> None:
    with (
        pytest.raises(AdapterFault, match="version: expected 1, got 2"),
        started(on("start", "answer = lambda a: {'version': 2, 'implementation': {'name': 'x'}}")),
    ):
        pass


@pytest.mark.parametrize("late", [2, 10_000])
def test_messages_told_in_answers_to_send_come_to_an_end(late: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter that tells what it sends as a message would be asked to send it for ever."""
    monkeypatch.setattr(adapter_transport, "MOST_LATE", 5)
    tells = "{'events': [{'kind': 'text', 'payload': '61'}] * (asked['seq'] < 4 + LATE)}".replace("LATE", str(late))

    class Tester(asyncio.Protocol):
        lost: BaseException | None = None

        def connection_lost(self, exc: Exception | None) -> None:
            self.lost = exc

    async def told(process: AdapterProcess, tester: Tester) -> list[str]:
        transport = AdapterTransport(process, 1, tester)  # the opening handshake is over
        transport.write(bytes.fromhex("8181000000006f"))
        await asyncio.sleep(0.01)
        return process.faults

    tester = Tester()
    with started(on("send", f"answer = lambda a: {tells}")) as process:
        faults = asyncio.run(told(process, tester))
        assert process.running is (late == 2)
    if late == 2:
        assert (faults, tester.lost) == ([], None)
    else:
        assert faults == [str(tester.lost)] and "tell messages without end" in faults[0]
