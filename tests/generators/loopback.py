"""Servers on the loopback interface, each in a thread, on a port that the system chooses."""

import base64
import hashlib
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def quiet() -> logging.Logger:
    """A logger that keeps what an implementation says about broken input to itself."""
    logger = logging.getLogger("tests.loopback")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


@contextmanager
def echo_server(compression: str | None = None) -> Iterator[str]:
    """The URL of a `websockets` server that echoes each message; ``compression="deflate"``: with permessage-deflate."""

    def echo(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            for message in connection:
                connection.send(message)

    with serve(echo, "127.0.0.1", 0, compression=compression, close_timeout=2, logger=quiet()) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def raw_server(after_handshake: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a server that completes each opening handshake, does as told with the connection, and drops TCP."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    stopping = False

    def run() -> None:
        while not stopping:
            connection, _ = listener.accept()
            with connection:
                if not stopping:
                    _serve(connection, after_handshake)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{port}/"
    finally:
        stopping = True
        with socket.create_connection(("127.0.0.1", port)):
            pass
        thread.join()
        listener.close()


def _serve(connection: socket.socket, after_handshake: Callable[[socket.socket], None]) -> None:
    connection.settimeout(5)
    try:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(4096)
        found = re.search(rb"(?i)^sec-websocket-key: *(\S+)\r$", request, re.MULTILINE)
        assert found is not None
        accept = base64.b64encode(hashlib.sha1(found[1] + GUID).digest())
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        connection.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        after_handshake(connection)
    except OSError:
        return  # the peer is gone


def drop(connection: socket.socket) -> None:
    """Read what comes first, so that the peer sees an end of TCP and no reset; then nothing."""
    connection.settimeout(0.2)
    connection.recv(65536)


def drop_at_once(connection: socket.socket) -> None:
    """Nothing at all."""


def fail_everything(connection: socket.socket) -> None:
    """Answer whatever comes first with a Close of 1002."""
    connection.recv(65536)
    connection.sendall(bytes.fromhex("880203ea"))
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def echo_anything(connection: socket.socket) -> None:
    """Echo the payload of each short masked frame as text, whatever its header says; answer Ping and Close."""
    stream = connection.makefile("rb")
    while head := stream.read(2):
        key = stream.read(4)
        masked = stream.read(head[1] & 0x7F)
        payload = bytes(octet ^ key[n % 4] for n, octet in enumerate(masked))
        first = {8: 0x88, 9: 0x8A}.get(head[0] & 0x0F, 0x81)
        connection.sendall(bytes([first, len(payload)]) + payload)
        if first == 0x88:
            return


def stay_silent(connection: socket.socket) -> None:
    """Read until the peer goes."""
    while connection.recv(65536):
        pass


def echo_client(url: str, agent: str) -> None:
    """Run all cases of a fuzzing server as a `websockets` client that echoes, then ask for the reports."""
    for case_url in _case_urls(url, agent):
        with suppress(ConnectionClosed), connect(case_url, compression=None, logger=quiet()) as connection:
            for message in connection:
                connection.send(message)
    _ask_for_reports(url, agent)


def dropping_client(url: str, agent: str) -> None:
    """The same as a client that drops TCP right after each opening handshake."""
    for case_url in _case_urls(url, agent):
        parts = urlsplit(case_url)
        with socket.create_connection((parts.hostname, parts.port), 5) as connection:
            key = base64.b64encode(bytes(16)).decode()
            connection.sendall(
                f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            connection.recv(4096)
    _ask_for_reports(url, agent)


def _case_urls(url: str, agent: str) -> list[str]:
    with connect(f"{url}getCaseCount", compression=None, logger=quiet()) as connection:
        count = int(connection.recv())
    return [f"{url}runCase?case={number}&agent={agent}" for number in range(1, count + 1)]


def _ask_for_reports(url: str, agent: str) -> None:
    # The suite stops as soon as it has written its reports, often before it answers.
    with (
        suppress(WebSocketException, OSError),
        connect(f"{url}updateReports?agent={agent}&shutdownOnComplete=true", logger=quiet()) as connection,
    ):
        connection.recv()
