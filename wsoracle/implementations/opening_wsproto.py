"""wsproto from the first octet on, through `wsproto.WSConnection`; once it is open, as in `wsproto_adapter`.

What the driver does, and why (wsproto's guide "Getting Started", the docstrings of its events and exceptions):

- A client sends a Request event. A server answers each Request with AcceptConnection: the client's first subprotocol
  that is supported, and the extensions that are.
- RemoteProtocolError "is raised when processing the bytes from the remote", and its `event_hint` "is a suggested
  wsproto Event to send to the client based on the error": a server sends it, and ends its stream. Without a hint it
  ends its stream. A client tells its application.
- A client that is rejected reads the body of the rejection, and is done when wsproto's state is CLOSED.
- Any other exception is a crash.
"""

from __future__ import annotations

from typing import Final

import wsproto
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, Event, RejectConnection, RejectData, Request
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import RemoteProtocolError

from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import Role

from .adapter import ABNORMAL_CLOSURE, Application, Delivered, PeerCrashed, library_call
from .opening_offers import FIXED_KEY, URI, Offers, OpeningFactory
from .wsproto_adapter import WsprotoPeer

__all__ = ["FACTORY", "OpeningWsproto"]

_PROTOCOL_ERROR: Final = 1002

_HEAD_LIMIT: Final = 16_384
"""What h11 takes of a head that is not complete, unless it is asked for more."""


class OpeningWsproto(WsprotoPeer):
    """One wsproto connection that is not open yet; see the module's docstring for what the driver decides."""

    def __init__(self, role: Role, offers: Offers, application: Application = "sink") -> None:
        self._offers: Final = offers
        super().__init__(role, application)

    def _open_as_server(self) -> None:
        """Nothing is to be done before the request comes."""

    def _open_as_client(self) -> None:
        uri = parse_uri(URI)
        request = Request(
            host=uri.host_header,
            target=uri.resource_name,
            subprotocols=list(self._offers.subprotocols),
            extensions=list(self._extensions()),
        )
        with library_call():
            octets = bytes(self._connection.send(request))
        # wsproto takes no key from outside.
        nonce = self._connection.handshake._nonce
        assert nonce is not None
        self._connection.handshake._nonce = FIXED_KEY.encode()
        self._emit(octets.replace(nonce, FIXED_KEY.encode()))

    def _extensions(self) -> list[Extension]:
        return [PerMessageDeflate()] if self._offers.deflate else []

    def _feed(self, octets: bytes) -> None:
        if self._connection.state is not ConnectionState.CLOSED and not self._output_ended:
            self._take(octets)

    def _feed_eof(self) -> None:
        if self._connection.state is not ConnectionState.CLOSED and not self._output_ended:
            self._take(None)
        self._finish()

    def _take(self, octets: bytes | None) -> None:
        refused: RemoteProtocolError | None = None
        with library_call():
            try:
                self._connection.receive_data(octets)
            except RemoteProtocolError as error:
                refused = error
        if refused is None:
            self._take_events()
        else:
            self._on_refused(refused)

    def _on_refused(self, error: RemoteProtocolError) -> None:
        if self._connection.connection is not None:
            raise PeerCrashed(error)
        if self._eof_received:
            self._deliver(Delivered("lost", code=ABNORMAL_CLOSURE, reason=str(error)))
        elif self.role is Role.CLIENT:
            self._deliver(Delivered("failed", code=_PROTOCOL_ERROR, reason=str(error)))
        elif error.event_hint is not None:
            with library_call():
                self._emit(self._connection.send(error.event_hint))
        self._finish()

    def _on_event(self, event: Event) -> None:
        match event:
            case Request():
                chosen = next((name for name in event.subprotocols if name in self._offers.subprotocols), None)
                with library_call():
                    self._emit(self._connection.send(AcceptConnection(chosen, self._extensions())))
            case AcceptConnection():
                pass
            case RejectConnection() | RejectData():
                if self._connection.state is ConnectionState.CLOSED:
                    self._finish()
            case _:
                super()._on_event(event)


def _make(role: Role, offers: Offers, application: Application = "sink") -> OpeningWsproto:
    return OpeningWsproto(role, offers, application)


FACTORY: Final = OpeningFactory(OpeningWsproto.implementation, wsproto.__version__, _HEAD_LIMIT, _make)
