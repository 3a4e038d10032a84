"""What is kept in memory of a record: its summary, and the evidence for what is amiss.

The process that judges a case hands on a summary: all that lists, causes, sums and controls need. Where the control of
a case turns out not to be answered, the summary changes, and the files of the record are made anew. The evidence is
what the record shows of the place that decides: what the endpoint did there, and the octets before and at it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from wsoracle.model.octets.vocabulary import OPCODE_NAMES
from wsoracle.properties.judge.verdict import PASSES

from ..text.output import one_line
from ..text.visible import visible
from .stored_record import tidy

NO_CONTROL: Final = "NO CONTROL"
"""In place of the verdict on a case that does not count."""

NOT_RUN: Final = "NOT RUN"
"""In place of the verdict on a case that was not run to its end."""

_READ: Final = (
    "id", "agent", "behavior", "behaviorClose", "duration", "remoteCloseCode", "started", "result", "wsoracle",
    "httpResponse", "isServer", "wirelog",
)  # fmt: skip
_NOTHING_AMISS: Final = ("OK", "INFORMATIONAL", "UNIMPLEMENTED")
_OURS_READ: Final = ("verdict", "counts", "passed", "control", "note", "rules")

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


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """A record as it is kept in memory: `file` is the name of its file, `rules` are those that were not followed.

    `is_own` is False for records of Autobahn and for damaged ones. `echo`: whether the endpoint showed that its
    application echoes; None where the case does not tell. `one_of` are the ids of the rules of which one was certainly
    not followed, but it cannot be told which. `answer` is what a server answered to the request, `url` where it was
    tested. `evidence` is there where the verdict says that something is amiss. `changed` is True where the
    summary says something else than the files of the record. `again` is the command that shows it again, where it is
    not the one of its role.
    """

    agent: str
    id: str
    behavior: str
    behavior_close: str
    duration: int
    remote_close_code: int | None
    started: str
    result: str
    verdict: str
    counts: bool
    passed: bool
    control: str | None
    note: str
    rules: tuple[Mapping[str, str], ...]
    group: tuple[str, ...]
    title: str
    file: str = ""
    is_own: bool = True
    echo: bool | None = None
    role: str = ""
    url: str = ""
    answer: str = ""
    one_of: tuple[str, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    changed: bool = False
    again: str = ""

    @property
    def answered(self) -> bool:
        """Whether the endpoint did what a control asks for: how it closed is no matter."""
        return self.verdict in PASSES or (self.counts and self.behavior in PASSES)

    @property
    def failed(self) -> bool:
        """Whether the case failed: it did not pass, and its verdict is not one without passes and failures."""
        neither = ("INFORMATIONAL", "UNIMPLEMENTED", NOT_RUN)
        return not self.passed and (not self.counts or self.verdict not in neither)

    @property
    def label(self) -> str:
        """The verdict in a word or two."""
        return label(self.verdict, self.counts)

    @property
    def rule_ids(self) -> list[str]:
        """The ids of the rules that were not followed."""
        return [rule["id"] for rule in self.rules]


Summaries = Mapping[str, Mapping[str, CaseSummary]]
"""Summaries by agent and case."""


def summary_of(record: Mapping[str, Any], file: str = "") -> CaseSummary:
    """The summary of a record, whatever is in it."""
    tidied = tidy({name: record[name] for name in _READ if name in record}, timeline=False)
    return summary_of_tidy(record, tidied if tidied["wsoracle"]["verdict"] in _NOTHING_AMISS else tidy(record), file)


def summary_of_tidy(record: Mapping[str, Any], tidied: Mapping[str, Any], file: str) -> CaseSummary:
    """The summary of a record that was made tidy before."""
    ours, own = tidied["wsoracle"], record.get("wsoracle")
    return CaseSummary(
        tidied["agent"],
        tidied["id"],
        tidied["behavior"],
        tidied["behaviorClose"],
        tidied["duration"],
        tidied["remoteCloseCode"],
        tidied["started"],
        tidied["result"],
        ours["verdict"],
        ours["counts"],
        ours["passed"],
        ours["control"],
        ours["note"],
        tuple(ours["rules"]),
        tuple(ours["group"]),
        ours["title"],
        file,
        isinstance(own, dict)
        and all(name in own and own[name] == ours[name] and type(own[name]) is type(ours[name]) for name in _OURS_READ)
        and all(record.get(name) == tidied[name] for name in ("behavior", "behaviorClose")),
        ours["echo"],
        ours["role"],
        ours["url"],
        answer_of(tidied),
        tuple(ours["oneOf"]),
        Evidence() if ours["verdict"] in _NOTHING_AMISS else evidence_of(tidied),
        again=ours["again"],
    )


def uncounted(summary: CaseSummary, without: Literal["answered", "run", "echoed"] = "answered") -> CaseSummary:
    """The summary of a case that proves nothing: its control was not answered, or not run, or there is no echo.

    A case that failed still counts, but its behaviour no longer passes: a control tells a pass from an endpoint that
    does nothing.
    """
    if (
        not summary.counts
        or summary.verdict in (NOT_RUN, "UNIMPLEMENTED")
        or (summary.verdict == "FAILED" == summary.behavior)
    ):
        return summary
    missing = f"its control {summary.control} was not {without}"
    if without == "echoed":
        missing = "no message was echoed in this run"
    why = f"{missing}, so that it proves nothing"
    note = f"{summary.note}; {why}" if summary.note else why
    result = f"{why} ({summary.result})"
    counts = summary.verdict == "FAILED"
    return replace(summary, counts=counts, passed=False, note=note, behavior="FAILED", result=result, changed=True)


def with_summary(record: Mapping[str, Any], summary: CaseSummary) -> dict[str, Any]:
    """The record with what its summary says of whether the case counts."""
    ours = {**record["wsoracle"], "counts": summary.counts, "passed": summary.passed, "note": summary.note}
    return {**record, "behavior": summary.behavior, "result": summary.result, "wsoracle": ours}


def case_order(case_id: str) -> tuple[int, list[int], str]:
    """The key by which cases are sorted: those of Autobahn by their numbers, then all others."""
    parts = case_id.split(".")
    if all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts):
        return 0, [int(part) for part in parts], case_id
    return 1, [], case_id


def faults_in(case_id: str) -> int:
    """How many faults a case puts together, by its id: one with fewer is quicker to understand."""
    return case_id.count("+") + case_id.startswith("mutant/")


def in_order(summaries: Summaries) -> dict[str, dict[str, CaseSummary]]:
    """Agents by name, their cases as Autobahn numbers them, then all others."""
    return {
        agent: dict(sorted(cases.items(), key=lambda item: case_order(item[0])))
        for agent, cases in sorted(summaries.items())
        if cases
    }


def span_of(summaries: Iterable[CaseSummary]) -> tuple[str | None, float]:
    """When the first case began, and for how many seconds cases ran from then on."""
    begins, ends = [], []
    for summary in summaries:
        try:
            begun = datetime.fromisoformat(summary.started)
            ends.append(begun + timedelta(milliseconds=summary.duration))
            begins.append(begun)
        except (ValueError, OverflowError):
            continue
    try:
        first = min(begins)
        return first.isoformat(timespec="milliseconds").replace("+00:00", "Z"), (max(ends) - first).total_seconds()
    except (ValueError, TypeError):
        # There is no time at all, or some have a time zone and some have none.
        return None, 0.0


def label(verdict: str, counts: bool) -> str:
    """The verdict on a case in a word or two."""
    return verdict if counts else NO_CONTROL


def command_again(case_id: str, role: str, url: str, stated: str = "") -> str:
    """The command that plays one case against the same server, or serves it to the same client; or that ``stated``."""
    if stated:
        return one_line(stated, 1000)
    case = shlex.quote(one_line(case_id, 200))
    if role == "client":
        return f"wsoracle serve --select {case}"
    return f"wsoracle test {shlex.quote(one_line(url, 500)) if url else 'URL'} --select {case} -v"


# --- the evidence -----------------------------------------------------------------------------------------------------


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
    """What a server answered to the request: the status and what it asks for instead.

    Empty where there was no answer of HTTP, and for clients.
    """
    if record["wsoracle"]["role"] == "client" or record.get("isServer") is True:
        return ""
    head = record["httpResponse"][:_LONGEST_HEAD]
    found = _STATUS.match(head)
    if found is None:
        return ""
    asks = [f"{name.lower()}: {visible(value.strip(), 200, lines=False)}" for name, value in _ASKS.findall(head)]
    return "; ".join([found[1], *asks])


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
