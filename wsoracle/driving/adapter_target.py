"""A server that is an adapter: takes the place of the address of a running one, and of TCP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role

from ..harness.connection import Connection
from ..harness.launching import CannotStart, Launcher
from ..harness.target import Target
from .adapter_process import URI, AdapterFault, AdapterProcess
from .adapter_transport import AdapterTransport


@dataclass(frozen=True, kw_only=True)
class AdapterTarget(Target):
    """An adapter as a target; one that has failed refuses connections."""

    uri: WebSocketUri = URI
    adapter: AdapterProcess
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def open(self, connection: Connection) -> None:
        """A connection to the adapter. Raises ConnectionRefusedError where it has failed."""
        if not self.adapter.running:
            raise ConnectionRefusedError
        try:
            AdapterTransport(self.adapter, next(self._numbers), connection).begin()
        except AdapterFault as error:
            raise ConnectionRefusedError(str(error)) from error

    def again(self, case_id: str) -> str:
        """The command that plays a case again."""
        return self.adapter.again(case_id, Role.SERVER)

    async def listens(self, patience: float) -> bool:
        """Whether another connection can be made."""
        return self.adapter.running


class AdapterLauncher(Launcher):
    """Starts an adapter again that has failed."""

    def __init__(self, target: AdapterTarget) -> None:
        super().__init__("", target.address)
        self._adapter: Final = target.adapter

    def restart(self) -> None:
        """Start it again. Raises :class:`CannotStart`."""
        try:
            self._adapter.start()
        except AdapterFault as error:
            raise CannotStart(str(error)) from error
