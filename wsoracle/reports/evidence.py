"""What a record shows of the place that decides: what the endpoint did there, and the octets before and at it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wsoracle.model.octets.vocabulary import OPCODE_NAMES

from .rendering import visible

_SENT_SHOWN: Final = 3
_OCTETS_SHOWN: Final = 64
_LONGEST_HEAD: Final = 4096
_HEX: Final = re.compile("(?:[0-9a-f]{2})*")
_STATUS: Final = re.compile(r"HTTP/[0-9.]{1,8} ([0-9]{3})\b")
_ASKS: Final = re.compile(r"(?im)^(location|www-authenticate):[ \t]*([^\r\n]*)")
_OPCODES: Final = frozenset(OPCODE_NAMES.values())

NO_CLOSE: Final = "without a Close"
RETURNS_CLOSE: Final = "sends back the Close that it was sent"
SILENT: Final = "sends nothing more"
SPEAKS_TLS: Final = "TLS"


@dataclass(frozen=True, slots=True)
class WirePiece:
    """A piece of the wire: in words, and the octets (the first of them, in hex) where they are known."""

    what: str
    hex: str
    octets: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """The deciding place of a case.

    `act` is what the endpoint did there, as a verb with what goes with it ("sends Close 1000"); empty where no step
    decides. `sent` are the last pieces that arrived at it before, `seen` its reaction. `octet` is the offset of the
    deciding octet in all that it wrote or (`octet_arrived`) in all that arrived at it. `allowed` is what would have
    been allowed there. `effort` says how much there is to read in the case: only what the tester did counts, so that
    endpoints that fail in the same cases have the same example.
    """

    act: str = ""
    sent: tuple[WirePiece, ...] = ()
    seen: tuple[WirePiece, ...] = ()
    octet: int | None = None
    octet_arrived: bool = False
    allowed: tuple[str, ...] = ()
    effort: int = 0


def evidence_of(record: Mapping[str, Any]) -> Evidence:
    """The evidence in a tidy record, with its timeline."""
    ours = record["wsoracle"]
    timeline: Sequence[Mapping[str, Any]] = ours["timeline"]
    deciding = ours["deciding"] or {}
    at = next((number for number, step in enumerate(timeline) if step["deciding"]), None)
    if at is None:
        before, last = timeline, [step for step in timeline if step["from"] != "tester"][-1:]
    else:
        before, last = timeline[:at], [timeline[at]]
    sent = [step for step in before if step["from"] == "tester"]
    # The head of the opening handshake matters where nothing else was sent.
    sent = [step for step in sent if step["start"] != 0] or sent
    wire = _Wire(record)
    mine = [step for step in timeline if step["from"] == "tester" and step["start"] != 0]
    return Evidence(
        "" if at is None else _act(timeline[at], before, ours["role"]),
        tuple(map(wire.seen, sent[-_SENT_SHOWN:])),
        tuple(map(wire.seen, last)),
        deciding.get("octet"),
        deciding.get("direction") == "arrived",
        tuple(one["what"] for one in ours["allowed"]),
        sum(100 + int(step["octets"]) for step in mine),
    )


def answer_of(record: Mapping[str, Any]) -> str:
    """What a server answered to the request: the status and what it asks for instead; `TLS` for an alert of TLS.

    Empty where there was no answer, and for clients.
    """
    if record["wsoracle"]["role"] == "client" or record.get("isServer") is True:
        return ""
    head = record["httpResponse"][:_LONGEST_HEAD]
    found = _STATUS.match(head)
    if found is not None:
        asks = [f"{name.lower()}: {visible(value.strip(), 200, lines=False)}" for name, value in _ASKS.findall(head)]
        return "; ".join([found[1], *asks])
    pieces = _pieces(record, "RO")
    # RFC 8446, section 5.1: a record begins with its type, 21 for an alert, and a version whose first octet is 3.
    return SPEAKS_TLS if pieces and pieces[0][1].startswith(b"\x15\x03") else ""


def _act(step: Mapping[str, Any], before: Sequence[Mapping[str, Any]], role: str) -> str:
    """What a step of the timeline is, in words that are the same for all steps of its kind."""
    what = str(step["what"])
    kind = what.partition(" ")[0]
    if step["from"] == "timer":
        return SILENT
    if step["from"] != "sut":
        return ""
    if step["start"] is None:
        closed = any(one["from"] == "sut" and _is_close(one) for one in before)
        return visible(what, 40, lines=False) + ("" if closed else f" {NO_CLOSE}")
    if step["start"] == 0:
        status = _STATUS.match(what)
        return f"answers {status[1]}" if status else "sends its request" if role == "client" else "answers with no HTTP"
    if _is_close(step):
        asked = [one for one in before if one["from"] == "tester" and _is_close(one)]
        if asked and asked[-1]["hex"] == step["hex"] != "":
            return RETURNS_CLOSE
        code = step["hex"][:4]
        named = len(code) == 4 and _HEX.fullmatch(code)
        return f"sends Close {int(code, 16)}" if named else "sends a Close without a code"
    if kind in ("text", "binary", "continuation"):
        return "sends a message"
    if kind in ("ping", "pong"):
        return f"sends a {kind.capitalize()}"
    return "sends a frame of a reserved opcode" if kind in _OPCODES else "sends octets that are no frame"


def _is_close(step: Mapping[str, Any]) -> bool:
    return step["start"] is not None and str(step["what"]).startswith("close ")


class _Wire:
    """The octets of a case as far as its wire log has them: only the beginning of a long piece."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        tester_is_client = record["wsoracle"]["role"] == "server"
        heads = record["httpRequest"], record["httpResponse"]
        self._heads = dict(zip(("tester", "sut") if tester_is_client else ("sut", "tester"), heads, strict=True))
        self._pieces = {"tester": _pieces(record, "TO"), "sut": _pieces(record, "RO")}

    def seen(self, step: Mapping[str, Any]) -> WirePiece:
        """A step of the timeline with its octets, or of a head with its text."""
        side, start, count = step["from"], step["start"], step["octets"]
        if start is None or side not in self._pieces:
            return WirePiece(step["what"], "", count)
        if start == 0 and len(self._heads[side]) > len(step["what"]):
            return WirePiece(self._heads[side][:_LONGEST_HEAD].replace("\r\n", "\\r\\n"), "", count)
        wanted = min(count, _OCTETS_SHOWN)
        octets = b"".join(
            piece[max(start - offset, 0) : max(start + wanted - offset, 0)] for offset, piece in self._pieces[side]
        )
        # The log lacks octets in between: then the words stand alone.
        return WirePiece(step["what"], octets.hex() if len(octets) == wanted else "", count)


def _pieces(record: Mapping[str, Any], kind: str) -> list[tuple[int, bytes]]:
    """The pieces that one side wrote: the offset of each in its stream, and the octets that were kept."""
    pieces, offset = [], 0
    for line in record["wirelog"]:
        match line:
            case [found, [int(length), str(text)], *_] if found == kind:
                octets = text.removesuffix(" ...")
                pieces.append((offset, bytes.fromhex(octets) if _HEX.fullmatch(octets) else b""))
                offset += max(0, min(length, 1 << 62))
    return pieces
