"""Echo server: autobahn on Twisted. No limit of size unless set; failByDrop=False: it fails with a Close frame."""

import sys

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor


class Echo(WebSocketServerProtocol):
    """One connection."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Send back every message with its type."""
        self.sendMessage(payload, isBinary)


factory = WebSocketServerFactory()
factory.protocol = Echo
factory.setProtocolOptions(failByDrop=False)
port = reactor.listenTCP(int(sys.argv[1]), factory, interface="127.0.0.1")
print("READY", port.getHost().port, flush=True)
reactor.run()
