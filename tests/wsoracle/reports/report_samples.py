"""Records for tests of reports: a good one, and what somebody who wishes us ill makes of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any, Final

REQUEST: Final = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\r\n"
RESPONSE: Final = "HTTP/1.1 101 Switching Protocols\r\nServer: sample\r\n\r\n"
PONG: Final = "8a00"
RULE: Final = {
    "id": "5.2/unknown-opcode",
    "strength": "MUST",
    "section": "5.2",
    "quote": "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_.",
    "part": "behavior",
}

SCRIPT: Final = "document.title='ran';window.ran=1"
HOSTILE: Final = (
    f"<script>{SCRIPT}</script>",
    f'"><img src=x onerror="{SCRIPT}">',
    f"'><svg onload='{SCRIPT}'>",
    f"</style><script>{SCRIPT}</script>",
    f"</title></pre></textarea><script>{SCRIPT}</script>",
    f"javascript:{SCRIPT}",
    f'" onfocus="{SCRIPT}" autofocus="',
    f"{{{{ 7*7 }}}}${{{SCRIPT}}}<!--",
    "\u202eevil\u2066 \0 \ud800 \x1b[31m \x85",
    "https://example.invalid/x.png",
)


def step(side: str, what: str, octets: int = 0, start: int | None = None, **more: Any) -> dict[str, Any]:
    return {"t": 0.0125, "from": side, "what": what, "octets": octets, "hex": "", "start": start, "deciding": False,
            **more}  # fmt: skip


def sample(agent: str = "sample", case_id: str = "4.2.4", verdict: str = "FAILED", **ours: Any) -> dict[str, Any]:
    """An endpoint that answers a frame of opcode 14 with a Pong; its first octet decides."""
    sent = REQUEST.encode().hex()
    received = RESPONSE.encode().hex()
    return {
        "agent": agent, "id": case_id, "case": 43, "behavior": verdict, "behaviorClose": "OK", "duration": 41,
        "started": "2026-11-22T17:06:31.391Z", "description": "a frame of opcode 14", "expectation": "it fails",
        "result": "it did not", "resultClose": "closed as it may be", "isServer": False, "closedByMe": False,
        "failedByMe": False, "droppedByMe": False, "wasClean": True, "wasServerConnectionDropTimeout": False,
        "wasOpenHandshakeTimeout": False, "wasCloseHandshakeTimeout": False, "reportTime": False,
        "reportCompressionRatio": False, "createWirelog": True, "createStats": True, "localCloseCode": 1000,
        "remoteCloseCode": 1000, "localCloseReason": None, "remoteCloseReason": "bye", "wasNotCleanReason": None,
        "httpRequest": REQUEST, "httpResponse": RESPONSE, "expected": {"OK": [["message", "Hello", False]]},
        "received": [["pong", ""], ["message", "Hello", False]], "expectedClose": {},
        "rxOctetStats": {"2": 1, "52": 1}, "txOctetStats": {"6": 1, "58": 1}, "rxFrameStats": {"10": 1},
        "txFrameStats": {"14": 1}, "trafficStats": None,
        "wirelog": [
            ["TO", [len(REQUEST), sent], False], ["RO", [len(RESPONSE), received]],
            ["TO", [6, "8e8001020304"], False], ["TF", [0, ""], 14, True, 0, "01020304", None, None, False],
            ["RO", [2, PONG]], ["RF", [0, ""], 10, True, 0, False, None],
        ],
        "wsoracle": {
            "format": "wsoracle-record", "version": 1, "tool": "0.1.0", "title": "A frame of opcode 14",
            "group": ["Opcodes", "Reserved"], "stimulus": "a frame", "role": "server", "url": "ws://127.0.0.1/",
            "seed": 1, "profile": "interop", "verdict": verdict, "counts": True,
            "passed": verdict in ("OK", "NON-STRICT"), "control": None,
            "rules": [dict(RULE)] if verdict == "FAILED" else [],
            "allowed": [{"what": "Close 1002", "rules": ["5.2/unknown-opcode"]}],
            "expected": [{"verdict": "OK", "what": "fails: Close 1002", "rules": ["5.2/unknown-opcode"]}],
            "deciding": {"octet": len(RESPONSE), "entry": 3, "arrived": 64}, "note": "a note",
            "timeline": [
                step("tester", "GET / HTTP/1.1", len(REQUEST), 0),
                step("sut", "HTTP/1.1 101 Switching Protocols", len(RESPONSE), 0),
                step("tester", "reserved-control-E fin masked", 6, len(REQUEST)),
                step("sut", "pong fin", 2, len(RESPONSE), deciding=True),
                step("timer", "1 s of silence"),
                step("sut", "closes TCP"),
            ],
            "facts": {"peer": "127.0.0.1"},
            **ours,
        },
    }  # fmt: skip


def autobahn_record(agent: str, case_id: str, behavior: str = "OK", close: str = "OK") -> dict[str, Any]:
    """The same as a record of Autobahn: nothing of ours in it."""
    record = sample(agent, case_id, behavior)
    del record["wsoracle"]
    return {**record, "behaviorClose": close}


def with_leaves(document: Any, change: Callable[[str], Any]) -> Any:
    """The document with each of its texts changed, and the names in its objects where they are data."""
    if isinstance(document, str):
        return change(document)
    if isinstance(document, list):
        return [with_leaves(one, change) for one in document]
    if isinstance(document, dict):
        return {key: with_leaves(value, change) for key, value in document.items()}
    return document


def poisoned(text: str) -> dict[str, Any]:
    """A record in which every text begins with this one, and also names that are data."""
    record: dict[str, Any] = with_leaves(sample(), lambda one: text + one[:5])
    for field in ("expected", "trafficStats"):
        record[field] = {text: {text: text}, "OK": [["message", text, True], [text]]}
    for field in ("rxOctetStats", "txFrameStats"):
        record[field] = {text: 1, "1": text, "2": 2}
    record["localCloseReason"] = record["wasNotCleanReason"] = text
    record["wsoracle"]["control"] = text
    record["wsoracle"]["facts"] = {text: text}
    # Kinds of rows and sides that are ours, with text in all their other places.
    record["wirelog"] += [
        ["RO", [1, text]], ["TO", [1, text], text], ["RF", [1, text], text, text, text, True, text],
        ["TF", [1, text], text, text, text, text, text, text, text], ["CT", text, text], ["CTE", text],
        ["KL", text], ["KLE", text], ["TI", text], ["TIE", text], ["WLM", text], [text, text], text, [[text]],
    ]  # fmt: skip
    for side in ("tester", "sut", "tcp", "timer"):
        record["wsoracle"]["timeline"] += [step(side, text, deciding=side == "sut"), step(side, "closes TCP")]
    record["wsoracle"]["timeline"] += [text, [text], {"t": text, "from": text, "octets": text, "start": text}, {}]
    return record


WRONG: Final[tuple[Any, ...]] = (None, True, -1.5, float("nan"), 10**30, "<b>", ["<b>"], [{}], {"<b>": "<b>"})


def spoiled() -> Iterator[dict[str, Any]]:
    """Good records in which one place holds a wrong value, for every place."""
    for path in _paths(sample()):
        for value in WRONG:
            record = copy.deepcopy(sample())
            at: Any = record
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            yield record


def _paths(document: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keys = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in keys:
        # Who it is of and which case it is decide whether it is a record at all.
        if (*above, key) not in (("agent",), ("id",)):
            yield (*above, key)
            yield from _paths(document[key], (*above, key))


class Skeleton(HTMLParser):
    """The elements of a page with the names of their attributes, and where links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "data", "poster")]
