"""The record of a case: one JSON document with the transcript, the judgement, and the grounds of the judgement.

It has every field of Autobahn's report of a case, and one more, ``wsoracle`` (docs/reports.md). Octets of an
endpoint are text from outside: the record keeps them as they came, in hex or as JSON strings, and pages escape them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple

from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.behaviour_and_closing import Parts, parts
from wsoracle.properties.judge.echo_words import NOT_AN_ECHO
from wsoracle.properties.judge.history import History
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.verdict import PASSES, Verdict

from .. import __version__
from ..expected.foreseen import Outcomes
from ..expected.stored import outcomes_of
from ..reports.summary import NOT_RUN, summary_of, uncounted, with_summary
from .compressed_trace import Volumes, traffic_stats
from .transcript import RunFacts, Transcript
from .wire_log import WireLog, holds

FORMAT: Final = "wsoracle-record"
VERSION: Final = 1


_BROKEN_OFF: Final = Parts(Verdict.FAILED, Verdict.FAILED, (), (), "FAILED")
"""The parts of a judgement on a conversation that the tester broke off."""


class Judged(NamedTuple):
    """The judgement on a conversation.

    ``history`` is what was judged; None where the tester broke off, which nothing is judged of. ``whole`` is False
    where the endpoint closed, though nothing was wrong, before the case had come to its end. ``volumes`` are what
    crossed under compression.
    """

    judgement: Judgement
    history: History | None
    whole: bool = True
    volumes: Volumes | None = None


def record_of(talk: Transcript, judged: Judged, facts: RunFacts, outcomes: Outcomes | None = None) -> dict[str, Any]:
    """The record of a conversation. ``outcomes`` are what was expected; None for those of its case."""
    case, role, (judgement, history, whole, volumes) = talk.case, talk.role, judged
    both = _BROKEN_OFF if history is None else parts(judgement, history.trace)
    wire = WireLog(talk.log, history, case.log, sum(talk.sent_frames.values()), judgement.begins)
    sut_is_server = role is Role.SERVER
    mine, theirs = talk.sent_close, wire.closes.get("sut")
    clean = mine is not None and theirs is not None and talk.closed_by_peer
    deciding = _mark(wire.timeline, judgement)
    outcomes = outcomes_of(case, role, judgement.profile) if outcomes is None else outcomes
    close_rules = {broken.rule for broken in both.broken_in_closing} - {b.rule for b in both.broken_in_behavior}
    rules = [_rule(b.rule, "close" if b.rule in close_rules else "behavior") for b in judgement.broken]
    request, response = (wire.sent.head, wire.received.head) if sut_is_server else (wire.received.head, wire.sent.head)
    verdict = judgement.verdict.value if whole else NOT_RUN
    note = "; ".join([*talk.notes, *([judgement.words] if judgement.words else [])])
    silent_at = [entry for entry in talk.log if entry.kind == "silence"]
    record = {
        "agent": facts.agent,
        "behavior": both.behavior.value if whole else Verdict.FAILED.value,
        "behaviorClose": both.closing_kind,
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
        "reportCompressionRatio": case.compresses,
        "reportTime": case.id.startswith("9.") or case.compresses,
        "result": _result(judgement, note),
        "resultClose": _closing(both),
        "rxFrameStats": _counts(Counter(frame.header.opcode for frame in wire.received.frames)),
        "rxOctetStats": _counts(wire.received.chops),
        "started": facts.started.strftime("%Y-%m-%dT%H:%M:%S.") + f"{facts.started.microsecond // 1000:03d}Z",
        "trafficStats": None if volumes is None or verdict not in PASSES else traffic_stats(volumes),
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
            "again": facts.again,
            "seed": facts.seed,
            "profile": judgement.profile,
            "verdict": verdict,
            "counts": True,
            "passed": whole and judgement.verdict in PASSES,
            "control": case.control,
            "echo": _echo(talk, judged),
            "rules": rules,
            "oneOf": list(judgement.one_of),
            "allowed": [{"what": one.what, "rules": list(one.rules)} for one in judgement.instead],
            "expected": outcomes.outcomes,
            "deciding": deciding,
            "note": note,
            "timeline": [*wire.timeline, *wire.more],
            "facts": facts.facts,
        },
    }
    return record if facts.counts else with_summary(record, uncounted(summary_of(record)))


def _echo(talk: Transcript, judged: Judged) -> bool | None:
    """Whether the endpoint showed that its application echoes; None where the case does not tell."""
    if NOT_AN_ECHO in judged.judgement.note:
        return False
    return True if talk.echoes and judged.history is not None else None


def _mark(timeline: list[dict[str, Any]], judgement: Judgement) -> dict[str, Any] | None:
    """Find the deciding place in the timeline, and mark it."""
    if judgement.at is None:
        return None
    index = None
    if judgement.begins is not None:
        index = next((n for n, step in enumerate(timeline) if holds(step, judgement.begins)), None)
    else:
        ends = (n for n, s in enumerate(timeline) if s["start"] is None and s["from"] in ("sut", "timer"))
        index = next(ends, None)
    if index is not None:
        timeline[index]["deciding"] = True
    return {
        "octet": judgement.octet,
        "direction": judgement.direction,
        "entry": index,
        "arrived": judgement.arrived,
    }


def _rule(rule_id: str, part: str) -> dict[str, str]:
    rule = RULES.by_id[rule_id]
    return {"id": rule.id, "strength": rule.strength.value, "section": rule.section, "quote": rule.quote,
            "part": part}  # fmt: skip


def _closing(both: Parts) -> str:
    if not both.broken_in_closing:
        return "the connection was closed as the RFC allows" if both.closing_kind == "OK" else both.closing_kind
    return "not followed: " + ", ".join(f"{b.strength.value} {b.rule}" for b in both.broken_in_closing)


def _latin(octets: bytes) -> str:
    return octets.decode("latin-1") if octets else "?"


def _counts(counter: Counter[int]) -> dict[str, int]:
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
