"""A conversation that has come to its end becomes a trace, which is judged, recorded and filed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import CONNECTING, LARGEST_LENGTH, Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.echo_contract import InRun, in_a_run
from wsoracle.properties.judge.history import History
from wsoracle.properties.judge.judge import Feature, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    ArrivesReset,
    ClosesTcp,
    Observation,
    Quiet,
    ResetsTcp,
    Writes,
)
from wsoracle.properties.judge.verdict import Profile, Verdict

from ..reports.index import index_page
from ..reports.page import case_page
from ..reports.report_folder import file_record
from ..reports.stored_record import FilePlace
from ..reports.summary import CaseSummary, summary_of
from .compressed_trace import CompressedTrace
from .record import Judged, record_of
from .transcript import EntryKind, LogEntry, RunFacts, Transcript

_WITHOUT_OCTETS: Final[Mapping[EntryKind, type[ClosesTcp | ResetsTcp | Quiet | ArrivesEof | ArrivesReset]]] = {
    "closed by peer": ClosesTcp, "reset by peer": ResetsTcp, "silence": Quiet, "closed by us": ArrivesEof,
    "ended by us": ArrivesEof, "reset by us": ArrivesReset,
}  # fmt: skip


def observation_of(entry: LogEntry) -> Observation | None:
    """An entry as an observation of the endpoint under test; None for a note."""
    if entry.kind == "sent":
        return Arrives(entry.octets)
    if entry.kind == "received":
        return Writes(entry.octets)
    without = _WITHOUT_OCTETS.get(entry.kind)
    return None if without is None else without()


def trace_of(log: list[LogEntry]) -> list[Observation]:
    """The log as observations of the endpoint under test; writes and reads that follow one another are joined."""
    trace: list[Observation] = []
    seen = [one for entry in log if (one := observation_of(entry)) is not None]
    for _, group in groupby(seen, type):
        same = list(group)
        first = same[0]
        if isinstance(first, (Arrives, Writes)):
            trace.append(type(first)(b"".join([one.octets for one in same if isinstance(one, (Arrives, Writes))])))
        elif not isinstance(first, ArrivesEof):
            trace += same
        elif first not in trace:
            trace.append(first)
    return trace


UNOPENED: Final = "the opening handshake was not completed, so that nothing of the case was tested"


def judge_conversation(talk: Transcript, profile: Profile = "interop", switches: Switches | None = None) -> Judged:
    """The judgement on a conversation that has come to its end; the application behind the endpoint is asked to echo.

    A conversation that the tester broke off, because it took too long or too much was sent, is failed without the
    rules: none of them forbids to go on for ever, but the answer that the case asks for did not come. So is one
    that the endpoint died of: how TCP ended then is no matter. One that was not held is NOT RUN.
    """
    if talk.broken_off or talk.died:
        return Judged(Judgement(Verdict.FAILED, profile), None, whole=not talk.not_run)
    history = History(trace_of(talk.log), talk.role)
    uri = talk.uri if talk.role is Role.CLIENT else None

    chosen = switches or Switches()

    agreed = talk.agreed if talk.case.compresses else None
    compressed = None if agreed is None else CompressedTrace(history, agreed.state)
    needs: tuple[Feature, ...] = ("extension",) if talk.lacks_extension else ()

    def judged(limit: int | None, strictly: bool = False) -> InRun:
        setting = Setting(talk.role, limit, echo=True, switches=chosen, willing=talk.role is Role.SERVER)

        def seen(acts: bool) -> InRun:
            if compressed is not None:
                found = compressed.judged(setting, uri, profile, strictly, acts)
                return in_a_run(found, left=talk.left, unanswered=talk.unanswered)
            found = judge(
                history,
                setting,
                start=CONNECTING,
                uri=uri,
                application="echo",
                profile=profile,
                needs=needs,
                strictly=strictly,
                keeps_promise=True,
                acts=acts,
            )
            return in_a_run(found, left=talk.left, unanswered=talk.unanswered)

        run = seen(acts=True)
        if run.judgement.verdict is Verdict.FAILED and run.judgement.application:
            # To the judge an act of the application is milder than a breach of a SHOULD; here it fails the case.
            by_rules = seen(acts=False)
            if by_rules.judgement.verdict is not Verdict.FAILED and not by_rules.judgement.unexplained:
                run = by_rules
        found = run.judgement
        if talk.opened or talk.case.opening or found.verdict not in (Verdict.OK, Verdict.NON_STRICT):
            return run
        # An endpoint may refuse, for an Origin above all; it does not thereby conform with what was to come.
        note = "; ".join(filter(None, (found.note, UNOPENED)))
        return InRun(replace(found, verdict=Verdict.INFORMATIONAL, note=note))

    limits = (LARGEST_LENGTH, None) if talk.case.may_be_too_big else (LARGEST_LENGTH,)
    if len(limits) > 1:
        # The judge looks for faults last: that takes long where any of thousands of fragments may have been refused.
        for limit in limits:
            run = judged(limit, strictly=True)
            if run.judgement.verdict is not Verdict.FAILED and not run.judgement.unexplained:
                return _judged(run, history, compressed)
    found = [judged(LARGEST_LENGTH)]
    if found[0].judgement.verdict is Verdict.FAILED:
        found += [run for run in map(judged, limits[1:]) if run.judgement.verdict is not Verdict.FAILED]
    return _judged(found[-1], history, compressed)


def _judged(run: InRun, history: History, compressed: CompressedTrace | None) -> Judged:
    volumes = None if compressed is None else compressed.volumes
    return Judged(run.judgement, history, run.whole, volumes)


def judge_and_file(
    transcript: Transcript,
    facts: RunFacts,
    profile: Profile,
    place: FilePlace,
    switches: Switches | None = None,
) -> CaseSummary:
    """Judge a conversation and write the files of its record; the summary. Raises OSError."""
    record = record_of(transcript, judge_conversation(transcript, profile, switches), facts)
    if switches is not None:
        record["wsoracle"]["switches"] = switches.changes()
    return file_record(record, place)


def get_ready(talk: Transcript) -> None:
    """Judge, record and show a conversation, so that all that is made on first use is there.

    That takes a good part of a second: rules become functions, templates are read.
    """
    record = record_of(talk, judge_conversation(talk), RunFacts("", 1, datetime.now(UTC), 0.0, None, 0))
    case_page(record)
    index_page({"": {talk.case.id: summary_of(record)}})
