"""The record of a case: one JSON document with what happened, what the judge says of it, and what it stands on.

It has every field of Autobahn's report of a case, and one more, ``wsoracle`` (docs/reports.md). What an
endpoint sent is text from outside: it is kept as it came, in hex or as JSON strings, and whoever shows it escapes it.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

from wsoracle.generators.cases.steps import writes
from wsoracle.model.octets.units import describe
from wsoracle.model.octets.vocabulary import CLOSE, OPCODE_NAMES, PING, PONG, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.behaviour_and_closing import Parts
from wsoracle.properties.judge.judge import Judgement
from wsoracle.properties.judge.verdict import Verdict

from .. import __version__
from ..expected.stored import outcomes_of
from ..reports.stored_record import summary_of, uncounted, with_summary
from .transcript import BARRIER, LogEntry, RunFacts, Transcript
from .wire_log import SHOWN, Direction, FrameSeen, HeadSeen

__all__ = ["FORMAT", "VERSION", "Judged", "record_of"]

FORMAT: Final = "wsoracle-record"
VERSION: Final = 1

MOST_ENTRIES: Final = 300
"""Lines of a wire log and of a timeline; of more, only their number is kept."""

GOOD: Final = (Verdict.OK, Verdict.NON_STRICT)


class Judged(NamedTuple):
    """The judgement on a conversation, and its two parts: behaviour, and how the connection was closed."""

    judgement: Judgement
    parts: Parts


class _Traffic:
    """Both directions of a log, read once. ``decides``: the octet received that decides, which has to be listed."""

    def __init__(self, log: list[LogEntry], full: bool, sent_frames: int, decides: int | None) -> None:
        # Frames of the tester are known: those that are not listed need not be read again.
        self.sent: Final = Direction(heads=1, most=MOST_ENTRIES, stops=True)
        self.received: Final = Direction(heads=1, most=MOST_ENTRIES, keep=decides)
        self.lines: Final[list[list[Any]]] = []
        self.timeline: Final[list[dict[str, Any]]] = []
        self.messages: Final[list[list[Any]]] = []
        self.closes: Final[dict[str, bytes]] = {}
        self.first_drop: Literal["tester", "sut"] | None = None
        self._left_out = 0
        self._decides = decides
        self._full = full
        self._lines_cut = False
        self._text: list[bytes] = []
        self._binary = False
        for entry in log:
            self._take(entry)
        last = log[-1].at if log else 0.0
        for side, crossing in (("tester", self.sent), ("sut", self.received)):
            seen = crossing.unfinished()
            if isinstance(seen, HeadSeen) and not crossing.in_head:
                words = f"{seen.size} octets of a header"
                self._step(_step(seen.at, side, words, seen.size, seen.octets, seen.start))
            elif seen is not None:
                self._see(side, seen)
        self.timeline.sort(key=lambda step: float(step["t"]))
        unread = max(0, sent_frames - MOST_ENTRIES) if self.sent.stopped is not None else 0
        unlisted = unread + self.received.left_out
        self.more: Final[list[dict[str, Any]]] = []
        """A last step that says that there were more: it never decides."""
        if left_out := self._left_out + unlisted:
            self.more.append(_step(last, "timer", f"... {left_out} more, not listed"))
        if self._lines_cut or unlisted:
            self.lines.append(["WLM", False])

    def _take(self, entry: LogEntry) -> None:
        if entry.kind in ("sent", "received"):
            out = entry.kind == "sent"
            # One more than there is room for, which is not listed: then it is known that there was more.
            room = MOST_ENTRIES - len(self.lines) + 1 if self._full else 0
            for piece in islice(writes(entry.octets, entry.chop), room):
                self._line(["TO" if out else "RO", _cut(piece), *([False] if out else [])])
            side, crossing = ("tester", self.sent) if out else ("sut", self.received)
            for seen in crossing.take(entry.at, entry.octets, entry.chop):
                self._see(side, seen)
        elif entry.kind == "silence":
            self._step(_step(entry.at, "timer", entry.words))
            self._line(["TI", float(entry.words.split()[0])])
        elif entry.kind == "note":
            self._step(_step(entry.at, "timer", entry.words))
        else:
            by_sut = entry.kind in ("closed by peer", "reset by peer")
            self.first_drop = self.first_drop or ("sut" if by_sut else "tester")
            words = {"closed by peer": "closes TCP", "reset by peer": "resets TCP", "closed by us": "closes TCP"}
            self._step(_step(entry.at, "sut" if by_sut else "tester", words.get(entry.kind, "ends its half of TCP")))

    def _see(self, side: str, seen: HeadSeen | FrameSeen) -> None:
        if isinstance(seen, HeadSeen):
            self._step(_step(seen.at, side, _first_line(seen.octets), seen.size, seen.octets, seen.start))
            return
        header = seen.header
        words = describe(header, seen.payload if seen.whole and len(seen.payload) <= SHOWN else None)
        if seen.whole and len(seen.payload) > SHOWN:
            words = words.replace("octets declared", "octets")
        elif not seen.whole:
            words += ", not all of them sent"
        first_close = seen.whole and header.opcode == CLOSE and side not in self.closes
        self._step(_step(seen.at, side, words, seen.size, seen.payload, seen.start), first_close)
        if not seen.whole:
            return  # what came of it is in the octets; it is no frame, and no message
        if first_close:
            self.closes[side] = seen.payload
        fields = [header.opcode, header.fin, header.rsv1 << 2 | header.rsv2 << 1 | header.rsv3]
        mask = None if header.key is None else header.key.hex()
        if side == "sut":
            self._line(["RF", _shown(header.length, seen.payload), *fields, header.masked, mask])
            self._received(seen)
        else:
            self._line(["TF", _shown(header.length, seen.payload), *fields, mask, None, None, False])

    def _received(self, seen: FrameSeen) -> None:
        """List the messages, Pings and Pongs of the endpoint as Autobahn does."""
        header = seen.header
        if header.opcode in (PING, PONG):
            if seen.payload != BARRIER and len(self.messages) < MOST_ENTRIES:
                self.messages.append([OPCODE_NAMES[header.opcode], _text(seen.payload, header.length, "replace")])
        elif header.opcode < CLOSE:
            if header.opcode:
                self._text, self._binary = [], header.opcode == 2
            if sum(map(len, self._text)) <= SHOWN:
                self._text.append(seen.payload)
            if header.fin and len(self.messages) < MOST_ENTRIES:
                whole = b"".join(self._text)
                self.messages.append(["message", _text(whole, len(whole), "replace"), self._binary])

    def _step(self, step: dict[str, Any], always: bool = False) -> None:
        # Silences and ends have no place among octets: there are few, and any of them may decide.
        always = always or step["start"] is None or _holds(step, self._decides)
        if len(self.timeline) < MOST_ENTRIES or always:
            self.timeline.append(step)
        else:
            self._left_out += 1

    def _line(self, line: list[Any]) -> None:
        if self._full and len(self.lines) < MOST_ENTRIES:
            self.lines.append(line)
        else:
            self._lines_cut |= self._full


def record_of(talk: Transcript, judged: Judged, facts: RunFacts) -> dict[str, Any]:
    """The record of a conversation."""
    case, role, (judgement, parts) = talk.case, talk.role, judged
    wire = _Traffic(talk.log, case.log, sum(talk.sent_frames.values()), judgement.octet)
    sut_is_server = role is Role.SERVER
    mine, theirs = talk.sent_close, wire.closes.get("sut")
    clean = mine is not None and theirs is not None and talk.closed_by_peer
    deciding = _mark(wire.timeline, judgement)
    outcomes = outcomes_of(case, role, judgement.profile)
    close_rules = {broken.rule for broken in parts.broken_in_closing} - {b.rule for b in parts.broken_in_behavior}
    rules = [_rule(b.rule, "close" if b.rule in close_rules else "behavior") for b in judgement.broken]
    request, response = (wire.sent.head, wire.received.head) if sut_is_server else (wire.received.head, wire.sent.head)
    verdict = judgement.verdict
    note = "; ".join([*talk.notes, *([judgement.note] if judgement.note else [])])
    silent_at = [entry for entry in talk.log if entry.kind == "silence"]
    record = {
        "agent": facts.agent,
        "behavior": parts.behavior.value,
        "behaviorClose": parts.closing_kind,
        "case": facts.number,
        "closedByMe": talk.first_close is role.peer,
        "createStats": True,
        "createWirelog": case.log,
        "description": case.stimulus,
        "droppedByMe": wire.first_drop == "tester",
        "duration": round(facts.duration * 1000),
        "expectation": _expectation(outcomes.outcomes),
        "expected": outcomes.expected,
        "expectedClose": outcomes.expected_close,
        "failedByMe": False,
        "httpRequest": _latin(request),
        "httpResponse": _latin(response),
        "id": case.id,
        "isServer": not sut_is_server,
        "localCloseCode": _code(mine),
        "localCloseReason": _reason(mine),
        "received": wire.messages,
        "remoteCloseCode": _code(theirs),
        "remoteCloseReason": _reason(theirs),
        "reportCompressionRatio": False,
        "reportTime": case.id.startswith("9."),
        "result": _result(judgement, note),
        "resultClose": _closing(parts),
        "rxFrameStats": _counts(wire.received.opcodes),
        "rxOctetStats": _counts(wire.received.chops),
        "started": facts.started.strftime("%Y-%m-%dT%H:%M:%S.") + f"{facts.started.microsecond // 1000:03d}Z",
        "trafficStats": None,
        "txFrameStats": _counts(talk.sent_frames),
        "txOctetStats": _counts(wire.sent.chops),
        "wasClean": clean,
        "wasCloseHandshakeTimeout": bool(silent_at) and mine is not None and theirs is None,
        "wasNotCleanReason": None if clean else _why_not_clean(talk, mine, theirs),
        "wasOpenHandshakeTimeout": bool(silent_at) and not talk.opened,
        "wasServerConnectionDropTimeout": bool(silent_at) and sut_is_server and theirs is not None,
        "wirelog": wire.lines,
        "wsoracle": {
            "format": FORMAT,
            "version": VERSION,
            "tool": __version__,
            "title": case.title,
            "group": list(case.group),
            "stimulus": case.stimulus,
            "role": role.value,
            "url": facts.url,
            "seed": facts.seed,
            "profile": judgement.profile,
            "verdict": verdict.value,
            "counts": True,
            "passed": verdict in GOOD,
            "control": case.control,
            "rules": rules,
            "allowed": [{"what": one.what, "rules": list(one.rules)} for one in judgement.instead],
            "expected": outcomes.outcomes,
            "deciding": deciding,
            "note": note,
            "timeline": [*wire.timeline, *wire.more],
            "facts": facts.facts,
        },
    }
    return record if facts.counts else with_summary(record, uncounted(summary_of(record)))


def _step(
    at: float, side: str, words: str, octets: int = 0, content: bytes = b"", start: int | None = None
) -> dict[str, Any]:
    return {
        "t": round(at, 6),
        "from": side,
        "what": words,
        "octets": octets,
        "hex": content[:SHOWN].hex(),
        "start": start,
        "deciding": False,
    }


def _holds(step: Mapping[str, Any], octet: int | None) -> bool:
    """Whether the octet of what the endpoint wrote is in what this step tells of."""
    if octet is None or step["start"] is None or step["from"] != "sut":
        return False
    return bool(step["start"] <= octet < step["start"] + max(step["octets"], 1))


def _mark(timeline: list[dict[str, Any]], judgement: Judgement) -> dict[str, Any] | None:
    """Find the deciding place in the timeline, and mark it."""
    if judgement.at is None:
        return None
    index = None
    if judgement.octet is not None:
        index = next((n for n, step in enumerate(timeline) if _holds(step, judgement.octet)), None)
    else:
        ends = (n for n, s in enumerate(timeline) if s["start"] is None and s["from"] in ("sut", "timer"))
        index = next(ends, None)
    if index is not None:
        timeline[index]["deciding"] = True
    return {"octet": judgement.octet, "entry": index, "arrived": judgement.arrived}


def _rule(rule_id: str, part: str) -> dict[str, str]:
    rule = RULES.by_id[rule_id]
    return {"id": rule.id, "strength": rule.strength.value, "section": rule.section, "quote": rule.quote,
            "part": part}  # fmt: skip


def _closing(parts: Parts) -> str:
    if not parts.broken_in_closing:
        return "the connection was closed as it may be" if parts.closing_kind == "OK" else parts.closing_kind
    return "not followed: " + ", ".join(f"{b.strength.value} {b.rule}" for b in parts.broken_in_closing)


def _cut(octets: bytes) -> list[Any]:
    shown = octets.hex() if len(octets) <= SHOWN - 4 else octets[:SHOWN].hex() + " ..."
    return [len(octets), shown]


def _shown(length: int, payload: bytes) -> list[Any]:
    try:
        return [length, _text(payload, length)]
    except UnicodeDecodeError:
        return [length, f"0x{payload[:SHOWN].hex()}{_more(length)}"]


def _text(octets: bytes, length: int, errors: Literal["strict", "replace"] = "strict") -> str:
    """The first octets as text; a character of which only a part is among them is no fault, and left out."""
    more = _more(length)
    return codecs.getincrementaldecoder("utf-8")(errors).decode(octets[:SHOWN], final=not more) + more


def _more(length: int) -> str:
    return " ..." if length > SHOWN else ""


def _first_line(octets: bytes) -> str:
    return octets.partition(b"\r\n")[0][:200].decode("latin-1")


def _latin(octets: bytes) -> str:
    return octets.decode("latin-1") if octets else "?"


def _counts(counter: Any) -> dict[str, int]:
    return {str(key): count for key, count in sorted(counter.items()) if count}


def _code(body: bytes | None) -> int | None:
    return int.from_bytes(body[:2], "big") if body is not None and len(body) >= 2 else None


def _reason(body: bytes | None) -> str | None:
    return body[2:].decode("utf-8", "replace") if body is not None and len(body) > 2 else None


def _expectation(expected: list[Any]) -> str:
    return "; or ".join(f"{one['verdict']}: {one['what']}" for one in expected)


def _result(judgement: Judgement, note: str) -> str:
    if not judgement.broken:
        return note or "everything that was observed is allowed in full"
    broken = ", ".join(f"{b.strength.value} {b.rule}" for b in judgement.broken)
    instead = "; or ".join(one.what for one in judgement.instead)
    text = f"not followed: {broken}" + (f"; would have been allowed: {instead}" if instead else "")
    return f"{text} ({note})" if note else text


def _why_not_clean(talk: Transcript, mine: bytes | None, theirs: bytes | None) -> str:
    if not talk.opened:
        return "the opening handshake was not completed"
    if theirs is None:
        return "the endpoint sent no Close"
    return "the tester sent no Close" if mine is None else "the endpoint did not end TCP"
