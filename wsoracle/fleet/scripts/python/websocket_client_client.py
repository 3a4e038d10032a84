"""Client: websocket-client, blocking. It has no extensions, no limit of size, and none of fragments."""

from testee import run
from websocket import ABNF, create_connection


def ask(url: str) -> str:
    """The first message."""
    websocket = create_connection(url)
    message = websocket.recv()
    websocket.close()
    return message


def echo(url: str) -> None:
    """Echo until the connection has ended."""
    websocket = create_connection(url)
    try:
        while websocket.connected:
            opcode, payload = websocket.recv_data()
            if opcode == ABNF.OPCODE_CLOSE:
                break
            websocket.send(payload, opcode)
    finally:
        websocket.close()


run(ask, echo)
