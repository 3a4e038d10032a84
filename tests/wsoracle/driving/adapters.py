"""Adapters for tests: programs of a few lines, each a command of the shell."""

from __future__ import annotations

import shlex
import sys

ECHO = """
import json, sys
PONG, held = 0x8A, {}
def frames(number, octets):
    octets = held.pop(number, b"") + octets
    while len(octets) > 1:
        size, at = octets[1] & 127, 2
        if size > 125:
            at = 4 if size == 126 else 10
            size = int.from_bytes(octets[2:at], "big")
        if len(octets) < at + 4 + size:
            break
        key = octets[at : at + 4] * (size // 4 + 1)
        yield octets[0], bytes(a ^ b for a, b in zip(octets[at + 4 : at + 4 + size], key))
        octets = octets[at + 4 + size :]
    held[number] = octets
def frame(first, payload):
    size = len(payload)
    if size < 126:
        return bytes([first, size]) + payload
    wide = 2 if size < 65536 else 8
    return bytes([first, 126 if wide == 2 else 127]) + size.to_bytes(wide, "big") + payload
def answer(asked):
    if asked["cmd"] == "start":
        return {"version": 1, "implementation": {"name": "tiny", "version": "1"}}
    written, events, closes = b"", [], False
    if asked["cmd"] == "receive":
        for first, payload in frames(asked["connection"], bytes.fromhex(asked["octets"])):
            if first == 0x88:
                written, closes = written + frame(0x88, payload), True
            elif first == 0x89:
                written += frame(PONG, payload)
            elif first & 8 == 0:
                events.append({"kind": "binary" if first == 0x82 else "text", "payload": payload.hex()})
    elif asked["cmd"] == "send":
        written = frame(0x82 if asked["kind"] == "binary" else 0x81, bytes.fromhex(asked["payload"]))
    elif asked["cmd"] == "eof":
        closes = True
    return {"octets": written.hex(), "events": events, "closes": closes}
for line in sys.stdin:
    asked = json.loads(line)
    BEFORE
    print(json.dumps({"seq": asked["seq"], **answer(asked)}), flush=True)
    if asked["cmd"] == "stop": break
"""


def adapter(before: str = "pass") -> str:
    """A server that refuses nothing and knows no fragments; ``before`` is Python that it runs before each answer."""
    return f"exec {shlex.quote(sys.executable)} -c {shlex.quote(ECHO.replace('BEFORE', before))}"


def on(cmd: str, does: str) -> str:
    """An adapter that does something else where it is asked a command."""
    return adapter(f"if asked['cmd'] == {cmd!r}: {does}")
