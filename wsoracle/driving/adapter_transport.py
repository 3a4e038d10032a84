"""TCP to an adapter, as the event loop has transports: no sockets, and no time passes."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

from wsoracle.generators.cases.steps import Greeting, answer_to, request_to
from wsoracle.model.octets.http import HeadParser, ParsedHead, Request
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role

from .adapter_process import AdapterFault, AdapterProcess, Output

MOST_LATE: Final = 1_000
"""Messages that an adapter may tell only when it is asked to send earlier ones back; more come from no tester."""


class AdapterTransport(asyncio.Transport):
    """TCP to an adapter, which is a server, or with ``uri`` the client that is told to open it.

    What is written is given to the adapter before the event loop does anything else. `lost` is set at the end.
    """

    def __init__(
        self, adapter: AdapterProcess, number: int, protocol: asyncio.Protocol, uri: WebSocketUri | None = None
    ) -> None:
        super().__init__()
        self.lost: Final = asyncio.Event()
        self._adapter: Final = adapter
        self._number: Final = number
        self._protocol: asyncio.Protocol = protocol
        self._uri: Final = uri
        self._loop: Final = asyncio.get_running_loop()
        self._waiting: Final[deque[bytes | None]] = deque()
        self._head: HeadParser | None = None
        self._closing = self._gone = self._ended = False
        self._closed_by_endpoint = self._failed = False
        self._told: Final[deque[tuple[str, str]]] = deque()
        self._is_sending = False

    def begin(self) -> None:
        """Open the connection. Raises AdapterFault."""
        output = self._adapter.open(self._number, self._uri)
        self._protocol.connection_made(self)
        if not self._adapter.opening:
            self._head = HeadParser(Role.SERVER if self._uri is None else Role.CLIENT)
            if self._uri is not None:
                request = request_to(self._uri, Greeting(user_agent=self._adapter.name), secrets.token_bytes(16))
                output = output._replace(octets=request.octets() + output.octets)
        self._loop.call_soon(self._deliver, output)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another connection has TCP from now on."""
        self._protocol = cast("asyncio.Protocol", protocol)

    # --- what the tester does -----------------------------------------------------------------------------------------

    def write(self, data: Any) -> None:
        """Octets for the adapter."""
        if not (self._closing or self._ended):
            self._later(bytes(data))

    def write_eof(self) -> None:
        """The end of the tester's direction of TCP."""
        if not (self._closing or self._ended):
            self._ended = True
            self._later(None)

    def can_write_eof(self) -> bool:
        """TCP has halves."""
        return True

    def is_closing(self) -> bool:
        """Whether it is closed, by either end."""
        return self._closing

    def close(self) -> None:
        """Close TCP, once all is given to the adapter."""
        self.write_eof()
        self._lose(None)

    def abort(self) -> None:
        """Drop TCP."""
        self._lose(None)

    def get_write_buffer_size(self) -> int:
        """Octets that were not given to the adapter yet: it is as quick as the tester."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    # --- the adapter --------------------------------------------------------------------------------------------------

    def _later(self, what: bytes | None) -> None:
        if not self._waiting:
            self._loop.call_soon(self._give)
        self._waiting.append(what)

    def _give(self) -> None:
        """Give the adapter all that was written, in the pieces in which it was."""
        while self._waiting:
            what = self._waiting.popleft()
            if self._gone or self._failed or self._closed_by_endpoint:
                continue
            if what is None:
                self._ask(self._adapter.eof, self._number)
            elif self._head is not None:
                self._play_opening(what)
            else:
                self._ask(self._adapter.receive, self._number, what)

    def _play_opening(self, octets: bytes) -> None:
        """The opening handshake, for an adapter that begins after it."""
        assert self._head is not None
        self._head.feed(octets)
        result = self._head.result
        if result is None:
            return
        self._head = None
        if not isinstance(result, ParsedHead):
            self._lose(None)
            return
        if isinstance(result.head, Request):
            answer = answer_to(result.head, Greeting(user_agent=self._adapter.name))
            self._deliver(Output(answer.octets(), (), False))
        if result.rest:
            self._ask(self._adapter.receive, self._number, result.rest)

    def _ask(self, ask: Callable[..., Output], *what: Any) -> None:
        try:
            self._deliver(ask(*what))
        except AdapterFault as error:
            self._fail(error)

    def _fail(self, error: AdapterFault) -> None:
        self._failed = True
        self._lose(error)

    def _deliver(self, output: Output) -> None:
        """What the endpoint did; its application sends each message back."""
        if self._gone:
            return
        if output.octets:
            self._protocol.data_received(output.octets)
        if output.closes and not self._closed_by_endpoint:
            self._closed_by_endpoint = True
            self._protocol.eof_received()
            if self._ended:
                self._lose(None)
        self._told.extend(output.messages)
        if not self._is_sending:
            self._send_back(len(self._told) + MOST_LATE)

    def _send_back(self, most: int) -> None:
        """Send back each message that was told, and those that are told meanwhile."""
        self._is_sending = True
        while self._told and not (self._gone or self._failed or self._closed_by_endpoint):
            if most == 0:
                self._fail(
                    self._adapter.fault("its answers to send tell messages without end: tell those that arrive alone")
                )
                break
            most -= 1
            self._ask(self._adapter.send, self._number, *self._told.popleft())
        self._is_sending = False

    def _lose(self, error: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._lost, error)

    def _lost(self, error: Exception | None) -> None:
        self._gone = True
        if self._adapter.running and error is None:
            with suppress(AdapterFault):  # the adapter has it among its faults
                self._adapter.close(self._number)
        self._protocol.connection_lost(error)
        self.lost.set()
