"""Client: autobahn on Twisted. No limit of size unless set; failByDrop=False: it fails with a Close frame."""

import os

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol, connectWS
from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)
from testee import addresses
from twisted.internet import reactor

count_url, rest = addresses()


def taken(response: object) -> PerMessageDeflateResponseAccept | None:
    """An answer of permessage-deflate, taken."""
    return PerMessageDeflateResponseAccept(response) if isinstance(response, PerMessageDeflateResponse) else None


class Echo(WebSocketClientProtocol):
    """One connection, and the next where it has ended."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Keep the number of cases; send back every other message with its type."""
        if self.factory.url == count_url:
            self.factory.cases = rest(int(payload))
        else:
            self.sendMessage(payload, isBinary)


class Connection(WebSocketClientFactory):
    """One address; the cases that are still to come."""

    protocol = Echo
    cases = None

    def clientConnectionLost(self, connector, reason) -> None:
        """The connection has ended: open the next."""
        url = None if self.cases is None else next(self.cases, None)
        if url is None:
            reactor.stop()
        else:
            follow(url, self.cases)

    clientConnectionFailed = clientConnectionLost


def follow(url: str, cases=None) -> None:
    """Open a connection."""
    factory = Connection(url)
    factory.cases = cases
    factory.setProtocolOptions(failByDrop=False)
    if os.environ.get("WSORACLE_COMPRESSION"):
        factory.setProtocolOptions(
            perMessageCompressionOffers=[PerMessageDeflateOffer()], perMessageCompressionAccept=taken
        )
    connectWS(factory)


follow(count_url)
reactor.run()
