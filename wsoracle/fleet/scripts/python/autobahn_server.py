"""Echo server: autobahn on Twisted. No limit of size unless set; failByDrop=False: it fails with a Close frame."""

import os
import sys

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from twisted.internet import reactor


def taken(offers: list[object]) -> PerMessageDeflateOfferAccept | None:
    """The first offer of permessage-deflate, taken."""
    found = [offer for offer in offers if isinstance(offer, PerMessageDeflateOffer)]
    return PerMessageDeflateOfferAccept(found[0]) if found else None


class Echo(WebSocketServerProtocol):
    """One connection."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Send back every message with its type."""
        self.sendMessage(payload, isBinary)


factory = WebSocketServerFactory()
factory.protocol = Echo
factory.setProtocolOptions(failByDrop=False)
if os.environ.get("WSORACLE_COMPRESSION"):
    factory.setProtocolOptions(perMessageCompressionAccept=taken)
port = reactor.listenTCP(int(sys.argv[1]), factory, interface="127.0.0.1")
print("READY", port.getHost().port, flush=True)
reactor.run()
