"""Peers that try to cost much: servers for ``wsoracle test``, and clients for ``wsoracle serve``."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from .files import REQUEST

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MOST: Final = 64 << 20
"""Octets that an attack writes on one connection at the most."""

Attack = Callable[[socket.socket, bytes], None]


def _flood(peer: socket.socket, octets: bytes, most: int = _MOST) -> None:
    chunk = octets * max(1, 65536 // len(octets))
    for _ in range(most // len(chunk)):
        peer.sendall(chunk)


def _opened(attack: Callable[[socket.socket], None]) -> Attack:
    """A server that answers the opening handshake first."""

    def serve(peer: socket.socket, request: bytes) -> None:
        key = re.search(rb"Sec-WebSocket-Key: *(\S+)", request, re.IGNORECASE)
        accept = base64.b64encode(hashlib.sha1((key[1] if key else b"") + _GUID).digest())
        peer.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        attack(peer)

    return serve


def _slowly(peer: socket.socket, octets: bytes) -> None:
    for octet in octets:
        peer.sendall(bytes((octet,)))
        time.sleep(0.2)


def _reset(peer: socket.socket, request: bytes) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _pings_that_differ(peer: socket.socket) -> None:
    peer.sendall(b"".join(b"\x89\x04" + number.to_bytes(4, "big") for number in range(15_000)))
    with suppress(TimeoutError):
        while peer.recv(65536):
            pass


SERVERS: Final[Mapping[str, Attack]] = {
    "interim-answers": lambda peer, request: _flood(peer, b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless-head": lambda peer, request: _flood(peer, b"HTTP/1.1 101 S\r\n" + b"X: y\r\n" * 10_000),
    "endless-line": lambda peer, request: _flood(peer, b"x"),
    "slow-head": lambda peer, request: _slowly(peer, b"HTTP/1.1 101 Switching Protocols\r\n" * 3),
    "reset": _reset,
    "half-open": lambda peer, request: peer.shutdown(socket.SHUT_WR),
    "pongs": _opened(lambda peer: _flood(peer, b"\x8a\x00")),
    "few-pongs-first": _opened(lambda peer: peer.sendall(b"\x8a\x00" * 15_000)),
    "pings-that-differ": _opened(_pings_that_differ),
    "messages": _opened(lambda peer: _flood(peer, b"\x81\x05Hello")),
    "empty-fragments": _opened(lambda peer: _flood(peer, b"\x00\x00")),
    "length-of-2-63": _opened(lambda peer: _flood(peer, b"\x82\x7f" + b"\xff" * 8)),
    "frame-without-end": _opened(lambda peer: _flood(peer, b"\x82\x7f\x00\x00\x00\xff\x00\x00\x00\x00")),
    "noise": lambda peer, request: peer.sendall(os.urandom(1 << 20)),
    "tls": lambda peer, request: peer.sendall(b"\x16\x03\x01\x02\x00\x01" + os.urandom(506)),
}  # fmt: skip


@contextmanager
def serving(attack: Attack) -> Iterator[int]:
    """A server that does the same on every connection; its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def talk(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            peer.settimeout(30)
            attack(peer, peer.recv(65536))
            if attack is not _reset:
                time.sleep(0.2)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


# --- clients of the fuzzing server ------------------------------------------------------------------------------------

_SMALL: Final = b"GET / HTTP/1.1\r\n\r\n"


def _request(path: str) -> bytes:
    return REQUEST.replace(b"GET /", b"GET " + path.encode(), 1)


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def _sends(*pieces: bytes, pause: float = 0.0, times: int = 1) -> Callable[[int], None]:
    """A client that writes these octets on a connection, and reads what comes, several times."""

    def talk(port: int) -> None:
        for _ in range(times):
            with _connected(port) as peer, suppress(OSError):
                for piece in pieces:
                    peer.sendall(piece)
                    time.sleep(pause)
                while peer.recv(65536):
                    pass

    return talk


def _many(port: int) -> None:
    peers = []
    with suppress(OSError):
        for _ in range(400):
            peers.append(_connected(port))
            peers[-1].sendall(b"GET /")
    time.sleep(12)
    for peer in peers:
        peer.close()


def _resets(port: int) -> None:
    for _ in range(2_000):
        with suppress(OSError), _connected(port) as peer:
            peer.sendall(_request("/runCase?case=1&agent=reset"))
            _reset(peer, b"")


def _many_agents(port: int) -> None:
    for number in range(80):
        _sends(_request(f"/runCase?case=1&agent=agent-{number}"))(port)


CLIENTS: Final[Mapping[str, Callable[[int], None]]] = {
    "pipelined-at-once": _sends(_request("/runCase?case=1&agent=x") + _SMALL * 200_000),
    "pipelined-few-at-once": _sends(_request("/runCase?case=1&agent=x") + _SMALL * 12_000, times=5),
    "pipelined-later": _sends(_request("/runCase?case=1&agent=x"), _SMALL * 200_000, pause=0.5),
    "pipelined-in-an-opening": _sends(_request("/runCase?case=310&agent=x"), _SMALL * 200_000, pause=0.5),
    "endless-head": _sends(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5_000_000),
    "slow-head": _sends(*[b"GET"] * 30, pause=0.5),
    "many-half-open": _many,
    "resets": _resets,
    "frames": _sends(_request("/runCase?case=1&agent=x"), (b"\x8a\x80" + bytes(4)) * 700_000, pause=0.3),
    "long-names": _sends(_request("/runCase?case=1&agent=" + "x" * 60_000), times=200),
    "many-agents": _many_agents,
}  # fmt: skip
