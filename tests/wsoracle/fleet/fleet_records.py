"""Records of cases as the harness writes them, small, for tests of what reads them."""

from typing import Any

QUOTE = "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."


def entry(side: str, what: str, content: bytes = b"", start: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "t": 0.01,
        "from": side,
        "what": what,
        "octets": len(content),
        "hex": content[:64].hex(),
        "start": start,
        "deciding": False,
        **more,
    }


def rule(name: str = "5.2/reserved-opcode", strength: str = "MUST", **more: str) -> dict[str, str]:
    return {"id": name, "strength": strength, "section": name[:3], "quote": QUOTE, "part": "behavior", **more}


def record(agent: str, case: str, *, verdict: str = "FAILED", **more: Any) -> dict[str, Any]:
    """A record in which the endpoint was sent a request and a frame of opcode 14, and sent a Pong."""
    request, bad = b"GET / HTTP/1.1\r\n\r\n", bytes.fromhex("8e8000000000")
    response, pong = b"HTTP/1.1 101 Switching Protocols\r\n\r\n", bytes.fromhex("8a00")
    timeline = [
        entry("tester", "GET / HTTP/1.1", request, 0),
        entry("sut", "HTTP/1.1 101 Switching Protocols", response, 0),
        entry("tester", "opcode 14 fin masked", bad, len(request)),
        entry("sut", "pong fin", pong, len(response), deciding=True),
        entry("sut", "closes TCP"),
    ]
    sent, received = request + bad, response + pong
    ours = {
        "format": "wsoracle-record",
        "version": 1,
        "title": "a reserved opcode",
        "stimulus": "a frame of opcode 14",
        "role": "server",
        "verdict": verdict,
        "counts": True,
        "passed": verdict in ("OK", "NON-STRICT"),
        "rules": [],
        "allowed": [{"what": "Close 1002", "rules": ["5.2/reserved-opcode"]}],
        "deciding": {"octet": len(response), "entry": 3, "arrived": len(sent)},
        "note": "",
        "timeline": timeline,
        **more,
    }
    wirelog = [["TO", [len(sent), sent.hex()], False], ["RO", [len(received), received.hex()]]]
    heads = {"httpRequest": request.decode(), "httpResponse": response.decode()}
    return {"agent": agent, "id": case, **heads, "wirelog": wirelog, "wsoracle": ours}
