"""Both endpoints of a connection that passes through, watched as it runs: in the process that judges.

Each entry of the log is an observation of one endpoint (`properties.judge.live`). What an endpoint has done against the
rules is told as soon as it is known; at the end both are judged as any trace is, and each gets a record and a trace.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from wsoracle.generators.atomic_write import write_file
from wsoracle.generators.cases.case import Case
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.http import HEAD_LIMIT
from wsoracle.model.octets.units import SWITCHING
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.history import History
from wsoracle.properties.judge.judge import Application
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.live import Watch
from wsoracle.properties.judge.verdict import Profile
from wsoracle.properties.traces.autobahn import PASSED_ON
from wsoracle.properties.traces.conversation import begins_like_opening
from wsoracle.properties.traces.recorded import Recorded, trace_to_json

from ..expected.foreseen import Outcomes
from ..harness.connection import Received
from ..harness.judging import observation_of
from ..harness.record import Judged, record_of
from ..harness.transcript import LogEntry, RunFacts, Transcript
from ..reports.report_folder import file_record
from ..reports.stored_record import FilePlace
from ..reports.summary import CaseSummary

_EMPTY_LINE: Final = re.compile(rb"\r?\n\r?\n")
_NOTHING_EXPECTED: Final = Outcomes([], {}, {})

OVER_HTTP: Final = "no request for WebSocket: passed on, and not judged"


class Kept(NamedTuple):
    """An event in the log of one of the endpoints."""

    role: Role
    entry: LogEntry


class Noticed(NamedTuple):
    """What is known of a connection by now: its request in a line (empty before it has one), and the endpoints that
    have done something that is not allowed in full since the last time, each with the judgement in a line."""

    request: str
    faults: list[tuple[Role, str]]


class Filing(NamedTuple):
    """Where the record of an endpoint and its trace go, and under which agent."""

    agent: str
    place: FilePlace
    trace: Path


class Watched:
    """A connection, as far as it has run. ``application`` is what is known of the applications of both endpoints."""

    def __init__(self, number: int, application: Application, profile: Profile) -> None:
        self._number: Final = number
        self._application: Final[Application] = application
        self._profile: Final[Profile] = profile
        self._begun: Final = bytearray()
        self._is_websocket: bool | None = None
        self._logs: Final[dict[Role, list[LogEntry]]] = {role: [] for role in Role}
        self._watches: Final = {role: Watch(self._setting(role), application=application) for role in Role}
        self._told: Final[set[Role]] = set()

    def take(self, events: Sequence[Kept]) -> Noticed:
        """More events, in their order."""
        before = self._is_websocket
        for role, entry in events:
            if self._is_websocket is False:
                break
            self._logs[role].append(entry)
            if self._is_websocket is None and role is Role.CLIENT:
                self._look_at(entry)
            elif self._is_websocket:
                self._observe(role, entry)
        return Noticed(self.request if before is None and self._is_websocket is not None else "", self._new_faults())

    @property
    def request(self) -> str:
        """The first line of the request, and why it is not judged where it is not."""
        line = bytes(self._begun).lstrip(b"\r\n").partition(b"\n")[0].decode("latin-1").strip()
        return line if self._is_websocket else f"{line}: {OVER_HTTP}" if line else OVER_HTTP

    def end(
        self, started: datetime, duration: float, filings: dict[Role, Filing], notes: Sequence[str]
    ) -> list[CaseSummary]:
        """The connection is over, or is watched no more: a record and a trace of each endpoint, if it is to be judged.

        Raises OSError.
        """
        if self._is_websocket is None:
            self._decide()
        if not self._is_websocket:
            return []
        return [self._file(role, started, duration, filings[role], notes) for role in Role]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _setting(self, role: Role) -> Setting:
        return Setting(role, echo=self._application == "echo")

    def _look_at(self, entry: LogEntry) -> None:
        """What the client sends first tells whether this is WebSocket."""
        self._begun.extend(entry.octets if entry.kind == "received" else b"")
        over = entry.kind in ("closed by peer", "reset by peer")
        if over or len(self._begun) > HEAD_LIMIT or _EMPTY_LINE.search(self._begun.lstrip(b"\r\n")):
            self._decide()

    def _decide(self) -> None:
        self._is_websocket = begins_like_opening(bytes(self._begun).lstrip(b"\r\n"))
        for role, log in self._logs.items():
            if not self._is_websocket:
                log.clear()
            for entry in log:
                self._observe(role, entry)

    def _observe(self, role: Role, entry: LogEntry) -> None:
        seen = observation_of(entry)
        if seen is not None:
            self._watches[role].observe(seen)

    def _new_faults(self) -> list[tuple[Role, str]]:
        new = [role for role, watch in self._watches.items() if not watch.conforms_so_far and role not in self._told]
        self._told.update(new)
        return [(role, in_a_line(self._watches[role].judgement(self._profile))) for role in new]

    def _file(
        self, role: Role, started: datetime, duration: float, filing: Filing, notes: Sequence[str]
    ) -> CaseSummary:
        log, watch = self._logs[role], self._watches[role]
        judgement = watch.judgement(self._profile)
        judged = Judged(judgement, History(watch.trace, role))
        again = f"wsoracle judge {shlex.quote(str(filing.trace))}"
        facts = RunFacts(filing.agent, self._number, started, duration, None, 0, again=again)
        record = record_of(self._transcript(role, log, notes), judged, facts, _NOTHING_EXPECTED)
        recorded = Recorded(
            tuple(watch.trace),
            self._setting(role),
            self._application,
            times=tuple(round(entry.at, 6) for entry in log if observation_of(entry) is not None),
        )
        write_file(filing.trace, json.dumps(trace_to_json(recorded)).encode())
        return file_record(record, filing.place)

    def _transcript(self, role: Role, log: list[LogEntry], notes: Sequence[str]) -> Transcript:
        sides = {"sent": Received(role.peer), "received": Received(role)}
        answers = sides["received" if role is Role.SERVER else "sent"]
        opened, first_close = False, None
        for entry in log:
            side = sides.get(entry.kind)
            if side is None:
                continue
            side.take(entry.octets)
            if not opened and answers.response is not None and answers.response.status == SWITCHING:
                opened = True
                for one in sides.values():
                    one.begin_frames()
            if first_close is None and side.close is not None:
                first_close = role if entry.kind == "received" else role.peer
        case = Case(
            str(self._number),
            self.request,
            "A connection that passed through the proxy. What is called the tester here is the other endpoint.",
            (PASSED_ON,),
            roles=frozenset([role]),
        )
        return Transcript(
            case,
            role,
            None,
            log,
            closed_by_peer=any(entry.kind in ("closed by peer", "reset by peer") for entry in log),
            opened=opened,
            broken_off=False,
            notes=list(notes),
            sent_close=sides["sent"].close,
            first_close=first_close,
            sent_frames=sides["sent"].frames,
        )


def in_a_line(judgement: Judgement) -> str:
    """A verdict with what is behind it."""
    rules = ", ".join(f"{broken.strength.value} {broken.rule}" for broken in judgement.broken)
    why = ": ".join(filter(None, (rules, judgement.words)))
    return f"{judgement.verdict.value}: {why}" if why else judgement.verdict.value


# --- in the process that judges, which has all connections that are being watched -------------------------------------

_WATCHED: Final[dict[int, Watched]] = {}


def begin(number: int, application: Application, profile: Profile) -> None:
    """Watch a new connection."""
    _WATCHED[number] = Watched(number, application, profile)


def take(number: int, events: Sequence[Kept]) -> Noticed:
    """More events of a connection."""
    return _WATCHED[number].take(events)


def end(
    number: int, started: datetime, duration: float, filings: dict[Role, Filing], notes: Sequence[str]
) -> list[CaseSummary]:
    """The end of a connection: the summaries of its records; none where it is not WebSocket. Raises OSError."""
    return _WATCHED.pop(number).end(started, duration, filings, notes)
