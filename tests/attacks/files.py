"""Traces of up to 64 MiB that are as costly to judge as their kind can be."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

REQUEST: Final = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_REFUSAL: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_QUIET: Final = {"what": "quiet"}
_NO_KEY: Final = bytes(4)
_MANY: Final = 245_000
"""Just under what is judged of frames in both directions together."""


def _arrives(octets: bytes) -> dict[str, str]:
    return {"what": "arrives", "octets": octets.hex()}


def _writes(octets: bytes) -> dict[str, str]:
    return {"what": "writes", "octets": octets.hex()}


def _trace(*observations: Any, role: str = "server", opening: bool = False, **more: Any) -> str:
    document = {"format": "wsoracle-trace", "version": 1, "role": role, "opening": opening}
    return json.dumps({**document, **more, "observations": [*observations, _QUIET]}, separators=(",", ":"))


def _pings_that_differ() -> str:
    payloads = [number.to_bytes(4, "big") for number in range(200_000)]
    pings = b"".join(b"\x89\x84" + _NO_KEY + payload for payload in payloads)
    return _trace(_arrives(pings), _writes(b"".join(b"\x8a\x04" + payload for payload in payloads)))


def _giant_echo() -> str:
    payload = random.Random(1).randbytes(15 << 20)
    length = len(payload).to_bytes(8, "big")
    sent = _arrives(b"\x82\xff" + length + _NO_KEY + payload)
    return _trace(sent, _writes(b"\x82\x7f" + length + payload), application="echo")


FILES: Final[Mapping[str, Callable[[], str]]] = {
    "tiny-frames": lambda: _trace(
        _arrives((b"\x89\x80" + _NO_KEY) * _MANY), _writes(b"\x8a\x00" * _MANY)
    ),
    "too-many-frames": lambda: _trace(_writes(b"\x8a\x00" * (16 << 20))),
    "pings-that-differ": _pings_that_differ,
    "messages": lambda: _trace(
        _arrives((b"\x81\x81" + _NO_KEY + b"a") * _MANY), _writes(b"\x81\x01a" * _MANY), application="echo"
    ),
    "messages-never-echoed": lambda: _trace(_arrives((b"\x81\x81" + _NO_KEY + b"a") * _MANY), application="echo"),
    "messages-echoed-wrongly": lambda: _trace(
        _arrives((b"\x81\x81" + _NO_KEY + b"a") * _MANY), _writes(b"\x81\x01b" * _MANY), application="echo"
    ),
    "fragments": lambda: _trace(
        _arrives(b"\x01\x80" + _NO_KEY + (b"\x00\x80" + _NO_KEY) * _MANY + b"\x80\x80" + _NO_KEY),
        _writes(b"\x01\x00" + b"\x00\x00" * _MANY + b"\x80\x00"), application="echo",
    ),
    "giant-frame": lambda: _trace(_arrives(b"\x82\xff" + (1 << 62).to_bytes(8, "big") + _NO_KEY + bytes(31 << 20))),
    "giant-echo": _giant_echo,
    "requests": lambda: _trace(_arrives(REQUEST), _writes(_REFUSAL), _arrives(REQUEST * 200_000), opening=True),
    "requests-of-a-client": lambda: _trace(
        _writes(REQUEST), _arrives(_REFUSAL), _writes(REQUEST * 200_000), role="client", opening=True
    ),
    "interim-answers": lambda: _trace(
        _writes(REQUEST), _arrives(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_200_000), role="client", opening=True
    ),
    "endless-head": lambda: _trace(_arrives(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5_000_000), opening=True),
    "long-line": lambda: _trace(_arrives(b"GET / HTTP/1.1\r\nX: " + b" " * (31 << 20)), opening=True),
    "observations": lambda: _trace(*[_arrives(b"\x89\x80" + _NO_KEY), _writes(b"\x8a\x00")] * _MANY),
    "octet-by-octet": lambda: _trace(*[_arrives(b"\x89"), _arrives(b"\x80"), _arrives(_NO_KEY)] * 160_000),
    "deep-json": lambda: '{"a":' + "[" * (32 << 20) + "]" * (32 << 20) + "}",
    "spaces": lambda: " " * (64 << 20),
    "a-long-text": lambda: '{"format":"wsoracle-trace","version":1,"role":"' + "x" * (64 << 20) + '"}',
    "a-long-number": lambda: '{"format":"wsoracle-trace","version":' + "1" * (64 << 20) + "}",
}  # fmt: skip


def write(name: str, folder: Path) -> Path:
    """Write a trace; its file."""
    path = folder / f"{name}.json"
    path.write_text(FILES[name](), encoding="ascii")
    return path
