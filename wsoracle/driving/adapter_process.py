"""The adapter as a process: one line of JSON goes in, one comes out, within bounds of time and memory.

Whatever the adapter does else is a fault of its own (:class:`AdapterFault`), and ends the process: it died, it hangs,
it floods, it writes what is no JSON, half a line, or the answer to another question.
"""

from __future__ import annotations

import json
import os
import selectors
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from typing import Any, Final, NamedTuple

from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role

from ..oracle.schema_checks import Check, NotOfSchema, check_of, schema

VERSION: Final = 1
"""The version of the protocol."""

SCHEMA: Final = "adapter.schema.json"

ANSWERS_WITHIN: Final = 10.0
"""Seconds that an adapter has for an answer."""

MOST_LINE: Final = 64 << 20
"""Octets of an answer."""

URI: Final = WebSocketUri(False, "adapter", 80, "/")
"""Where adapters are: no address, but heads need one."""

_OF_ROLE: Final = {Role.SERVER: (), Role.CLIENT: ("--role", "client")}
_READ: Final = 1 << 16
_GOODBYE: Final = 2.0
_SHOWN: Final = 60


class AdapterFault(Exception):
    """The adapter is no such: one sentence that says what it did, and what to do."""


class Output(NamedTuple):
    """What an endpoint did: octets that it wrote, messages that it told, and whether it closes TCP."""

    octets: bytes
    messages: tuple[tuple[str, str], ...]
    closes: bool


class AdapterProcess:
    """An adapter that a command of the shell starts. After :meth:`start`, `name` is that of the implementation, and
    `opening` says whether it does the opening handshake itself. `faults` are what it did wrong, each time."""

    def __init__(self, command: str, *, within: float | None = None) -> None:
        self.name = ""
        self.opening = False
        self.faults: Final[list[str]] = []
        self.command: Final = command
        self._within: Final = ANSWERS_WITHIN if within is None else within
        self._process: subprocess.Popen[bytes] | None = None
        self._seq = 0
        self._checks: Final[dict[str, Check]] = {}

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None

    def again(self, case_id: str, role: Role) -> str:
        """The command that plays a case again."""
        return shlex.join(["wsoracle", "drive", self.command, *_OF_ROLE[role], "--select", case_id])

    def start(self) -> None:
        """Start the process, and greet it. Raises :class:`AdapterFault`."""
        self.kill()
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", self.command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        answer = self._ask({"cmd": "start", "version": VERSION})
        implementation = answer["implementation"]
        self.name = " ".join(filter(None, (implementation["name"], implementation.get("version", ""))))
        self.opening = answer.get("opening", False)

    def open(self, connection: int, uri: WebSocketUri | None = None) -> Output:
        """A new connection of a server, or of a client that opens ``uri``. Raises :class:`AdapterFault`, as all that
        follow."""
        role = {"role": "server"} if uri is None else {"role": "client", "url": uri.text}
        return _output(self._ask({"cmd": "open", "connection": connection, **role}))

    def receive(self, connection: int, octets: bytes) -> Output:
        """Octets arrive."""
        return _output(self._ask({"cmd": "receive", "connection": connection, "octets": octets.hex()}))

    def eof(self, connection: int) -> Output:
        """The peer's end of TCP arrives."""
        return _output(self._ask({"cmd": "eof", "connection": connection}))

    def send(self, connection: int, kind: str, payload: str) -> Output:
        """The application sends a message."""
        return _output(self._ask({"cmd": "send", "connection": connection, "kind": kind, "payload": payload}))

    def close(self, connection: int) -> None:
        """Forget a connection."""
        self._ask({"cmd": "close", "connection": connection})

    def stop(self) -> None:
        """Ask the adapter to end, and end it in any case."""
        process = self._process
        if process is not None:
            with suppress(AdapterFault):
                self._ask({"cmd": "stop"})
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GOODBYE)
        self.kill()

    def kill(self) -> None:
        """End the process, and all of its group."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        self._seq += 1
        line = json.dumps({"seq": self._seq, **question}).encode() + b"\n"
        try:
            answer = self._parsed(self._exchange(line))
            if answer.get("seq") != self._seq:
                raise AdapterFault(
                    f"it answered {_shown(answer.get('seq'))} and was asked {self._seq}: answer each line once, in "
                    "order, with its seq"
                )
            if "error" in answer:
                raise AdapterFault(f"it answered {question['cmd']} with an error: {_shown(answer['error'])}")
            self._check(question["cmd"])(answer, "")
        except NotOfSchema as error:
            raise self.fault(f"its answer to {question['cmd']} is not as docs/driving.md says: {error}") from None
        except AdapterFault as error:
            raise self.fault(str(error)) from None
        return answer

    def fault(self, what: str) -> AdapterFault:
        """A fault of the adapter, to be raised: it is kept in `faults`, and the process ends."""
        self.kill()
        self.faults.append(what)
        return AdapterFault(what)

    def _check(self, cmd: str) -> Check:
        if cmd not in self._checks:
            whole = schema(SCHEMA, __package__)
            self._checks[cmd] = check_of(whole["$defs"]["answers"][cmd], whole)
        return self._checks[cmd]

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise AdapterFault(
                f"it wrote a line that is no object in JSON, {_shown(line)}: write nothing but answers to standard "
                "output"
            )
        return found

    def _exchange(self, line: bytes) -> bytes:
        """Write a line, and read one. A deadline is for both."""
        process = self._process
        if process is None:
            raise AdapterFault("it is not running any more")
        assert process.stdin is not None and process.stdout is not None
        written, held, until = 0, bytearray(), time.monotonic() + self._within
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            ready.register(process.stdin, selectors.EVENT_WRITE)
            while True:
                left = until - time.monotonic()
                events = ready.select(max(0.0, left))
                if not events and left <= 0:
                    raise AdapterFault(self._silent(held))
                for key, _ in events:
                    if key.fileobj is process.stdin:
                        try:
                            written += os.write(process.stdin.fileno(), line[written : written + _READ])
                        except OSError:
                            written = len(line)  # it has closed its input: its output tells the rest
                        if written == len(line):
                            ready.unregister(process.stdin)
                        continue
                    chunk = os.read(process.stdout.fileno(), _READ)
                    if not chunk:
                        raise AdapterFault(self._died(process, held))
                    end = chunk.find(b"\n")
                    held += chunk
                    if end >= 0:
                        at = len(held) - len(chunk) + end
                        if len(held) > at + 1:
                            self._parsed(bytes(held[:at]))
                            raise AdapterFault(
                                f"it wrote more than one line for a question, {_shown(bytes(held[at + 1 :]))}: answer "
                                "each line once, and write nothing else to standard output"
                            )
                        return bytes(held[:at])
                    if len(held) > MOST_LINE:
                        raise AdapterFault(
                            f"it wrote {len(held):,} octets without an end of line: it floods the tester"
                        )

    def _silent(self, held: bytearray) -> str:
        seconds = f"{self._within:g} s"
        if held:
            half = _shown(bytes(held))
            return f"it wrote half a line, {half}, and no end of it in {seconds}: end it with \\n, and flush"
        return f"it gave no answer in {seconds}: answer each line at once, and flush standard output"

    def _died(self, process: subprocess.Popen[bytes], held: bytearray) -> str:
        try:
            status = process.wait(_GOODBYE)
        except subprocess.TimeoutExpired:
            return "it closed its standard output and runs on: answer until the input ends"
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        inside = f" inside a line, {_shown(bytes(held))}" if held else ""
        return f"it ended {how}{inside}: run {_shown(self.command)} by hand, and give it the lines of docs/driving.md"


def _output(answer: dict[str, Any]) -> Output:
    told = tuple(
        (event["kind"], event.get("payload", ""))
        for event in answer.get("events", ())
        if event["kind"] in ("text", "binary")
    )
    return Output(bytes.fromhex(answer.get("octets", "")), told, bool(answer.get("closes", False)))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
