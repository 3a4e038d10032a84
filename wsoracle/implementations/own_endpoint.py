"""Our own endpoint as one more implementation under test: the control of every exploration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from wsoracle.model.endpoint.endpoint import Endpoint, Refused
from wsoracle.model.endpoint.engine import EngineName
from wsoracle.model.endpoint.events import (
    Closed,
    CloseReceived,
    EndpointEvent,
    Failed,
    MessageReceived,
    PingReceived,
    PongReceived,
)
from wsoracle.model.endpoint.handshake import Opening
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.vocabulary import CONTINUATION, DEFAULT_LIMIT, TEXT
from wsoracle.model.rules import RULES

from .. import __version__
from .adapter import ApplicationRefused, Delivered


@dataclass(frozen=True, slots=True)
class Claims:
    """An extension that claims reserved bits and does nothing."""

    claims: frozenset[int]

    def transforms_received(self, opcode: int, bits: frozenset[int]) -> bool:
        """Never."""
        return False

    def decode(self, octets: bytes, last: bool) -> bytes:
        """Leaves octets alone."""
        return octets

    def transforms_sent(self, opcode: int) -> frozenset[int] | None:
        """Never."""
        return None

    def encode(self, octets: bytes, last: bool) -> bytes:
        """Leaves octets alone."""
        return octets


class OwnEndpoint:
    """An :class:`~wsoracle.model.endpoint.endpoint.Endpoint` behind the interface of implementations under test.

    With ``opening`` its connection begins with the first octet, else after an opening handshake that claimed the
    reserved bits of ``start``. Where the setting states no limit, the endpoint has its default one. Where it closes
    TCP, it does so at once, and a connection that is closed takes and sends nothing more. On other rules than `RULES`
    it is an implementation with known faults.
    """

    implementation: Final = "wsoracle"
    version: Final = __version__

    def __init__(
        self,
        setting: Setting,
        start: State | None = None,
        engine: EngineName = "compiled",
        rules: RuleSet = RULES,
        opening: Opening | None = None,
    ) -> None:
        claimed = State() if start is None else start
        bits = (claimed.claims_rsv1, claimed.claims_rsv2, claimed.claims_rsv3)
        self._endpoint: Final = Endpoint(
            setting.role,
            limit=DEFAULT_LIMIT if setting.limit is None else setting.limit,
            switches=setting.switches,
            echo=setting.echo,
            rules=rules,
            engine=engine,
            extensions=[Claims(frozenset({n})) for n, bit in enumerate(bits, 1) if bit],
            opening=opening,
        )
        self.setting: Final = self._endpoint.setting
        self._told: list[Delivered] = []

    @property
    def state(self) -> State:
        """The state of the endpoint as rules see it."""
        return self._endpoint.state

    @property
    def wants_tcp_close(self) -> bool:
        """Whether it has closed TCP."""
        return not self._endpoint.state.tcp_open

    def receive(self, octets: bytes, /) -> None:
        """Octets arrive; they are lost once TCP is closed."""
        self._take(self._endpoint.receive(octets))

    def receive_eof(self) -> None:
        """The peer's end of the TCP stream arrives."""
        self._take(self._endpoint.receive_eof())

    def octets_to_send(self) -> bytes:
        """The octets that the endpoint wrote since the last call."""
        return self._endpoint.octets_to_send()

    def events(self) -> list[Delivered]:
        """The events that its application was told since the last call."""
        told, self._told = self._told, []
        return told

    def send_fragment(self, opcode: int, payload: bytes, fin: bool) -> None:
        """The application sends a frame of a message. Raises ApplicationRefused."""
        if (opcode == CONTINUATION) is not bool(self._endpoint.state.send_type):
            raise ApplicationRefused("fragments follow one another, and a message ends before the next one begins")
        self._ask(lambda: self._endpoint.send_fragment(payload, last=fin, text=opcode == TEXT))

    def send_ping(self, payload: bytes = b"") -> None:
        """The application sends a Ping. Raises ApplicationRefused."""
        self._ask(lambda: self._endpoint.ping(payload))

    def send_pong(self, payload: bytes = b"") -> None:
        """The application sends a Pong. Raises ApplicationRefused."""
        self._ask(lambda: self._endpoint.pong(payload))

    def send_close(self, code: int | None = None, reason: str = "") -> None:
        """The application starts the closing handshake. Raises ApplicationRefused."""
        self._ask(lambda: self._endpoint.close(code, reason))

    def _ask(self, send: Callable[[], None]) -> None:
        try:
            send()
        except Refused as refusal:
            raise ApplicationRefused(str(refusal)) from refusal
        self._take([])

    def _take(self, events: list[EndpointEvent]) -> None:
        self._told += _told(events)
        if self._endpoint.wants_tcp_close:
            self._told += _told(self._endpoint.close_tcp())


def _told(events: Iterable[EndpointEvent]) -> Iterator[Delivered]:
    for event in events:
        match event:
            case MessageReceived(str() as text):
                yield Delivered("text", text.encode())
            case MessageReceived(bytes() as data):
                yield Delivered("binary", data)
            case PingReceived(payload):
                yield Delivered("ping", payload)
            case PongReceived(payload):
                yield Delivered("pong", payload)
            case CloseReceived(code, reason):
                yield Delivered("close", code=code, reason=reason)
            case Failed(code):
                yield Delivered("failed", code=code)
            case Closed(code, clean) if not clean:
                yield Delivered("lost", code=code)
            case _:
                pass  # a clean end was announced by the Close frames
