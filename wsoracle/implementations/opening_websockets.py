"""websockets from the first octet on, through its Sans-I/O layer; once it is open, as in `websockets_adapter`.

What the driver does, and why (websockets' guide "Integrate the Sans-I/O layer", and its own `Connection` classes):

- A client sends `send_request(connect())`; a server answers each Request with `send_response(accept(request))`. The
  answer comes after `data_to_send`, as everywhere: what the library has to say by itself goes first.
- "When handshake_exc is set" the handshake failed; a client tells its application, and the end of the stream that the
  library asks for is the end of its side of TCP.
- `process_request` leaves the Host field to its caller ("This control must be performed by the HTTP stack earlier"),
  and the servers that websockets ships do not look at it either: so nobody does.
"""

from __future__ import annotations

from typing import Any, Final

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.http11 import MAX_LINE_LENGTH, Request, Response
from websockets.protocol import Protocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from websockets.version import version

from wsoracle.model.octets.vocabulary import Role

from .adapter import ABNORMAL_CLOSURE, Application, Delivered, library_call
from .opening_offers import FIXED_KEY, URI, Offers, OpeningFactory
from .websockets_adapter import _SILENT, WebsocketsPeer

__all__ = ["FACTORY", "OpeningWebsockets"]

_PROTOCOL_ERROR: Final = 1002


class OpeningWebsockets(WebsocketsPeer):
    """One websockets connection that is not open yet; see the module's docstring for what the driver decides."""

    def __init__(self, role: Role, offers: Offers, application: Application = "sink") -> None:
        self._offers: Final = offers
        self._told_of_handshake = False
        super().__init__(role, application)
        self._flush()

    # The class above opens its connection here, with what every connection has; this one has offers of its own.
    def _open_server(self) -> Protocol:  # type: ignore[override]
        subprotocols: Any = self._offers.subprotocols or None
        extensions = [ServerPerMessageDeflateFactory()] if self._offers.deflate else None
        with library_call():
            return ServerProtocol(
                subprotocols=subprotocols,
                select_subprotocol=_first_in_common if subprotocols else None,
                extensions=extensions,
                logger=_SILENT,
            )

    def _open_client(self) -> Protocol:  # type: ignore[override]
        subprotocols: Any = self._offers.subprotocols or None
        extensions = [ClientPerMessageDeflateFactory()] if self._offers.deflate else None
        with library_call():
            protocol = ClientProtocol(parse_uri(URI), subprotocols=subprotocols, extensions=extensions, logger=_SILENT)
            protocol.key = FIXED_KEY
            protocol.send_request(protocol.connect())
        return protocol

    def _after_receiving(self) -> None:
        self._flush()
        with library_call():
            events = self._protocol.events_received()
        for event in events:
            if isinstance(event, Request):
                assert isinstance(self._protocol, ServerProtocol)
                with library_call():
                    self._protocol.send_response(self._protocol.accept(event))
                self._flush()
            elif isinstance(event, Frame):
                if self._failure_seen:
                    return
                self._on_frame(event)
            elif not isinstance(event, Response):
                raise ValueError(f"websockets tells of something this adapter does not know: {event}")
        self._look_for_failed_handshake()
        self._look_for_failure()

    def _look_for_failed_handshake(self) -> None:
        error = self._protocol.handshake_exc
        if error is None or self._told_of_handshake or self.role is Role.SERVER:
            return
        self._told_of_handshake = True
        if self._eof_received:
            self._deliver(Delivered("lost", code=ABNORMAL_CLOSURE, reason=str(error)))
        else:
            self._deliver(Delivered("failed", code=_PROTOCOL_ERROR, reason=str(error)))


def _first_in_common(protocol: ServerProtocol, subprotocols: Any) -> Any:
    """The client's first choice that is supported; without one, no subprotocol, and no refusal (section 4.2.2)."""
    return next((name for name in subprotocols if name in (protocol.available_subprotocols or ())), None)


def _make(role: Role, offers: Offers, application: Application = "sink") -> OpeningWebsockets:
    return OpeningWebsockets(role, offers, application)


FACTORY: Final = OpeningFactory(OpeningWebsockets.implementation, version, MAX_LINE_LENGTH, _make)
