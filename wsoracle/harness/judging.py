"""From what happened on a connection to a trace, and to the judgement on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from wsoracle.model.notation.variables import MAX_LENGTH, Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.behaviour_and_closing import Parts, parts
from wsoracle.properties.judge.judge import Judgement
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Quiet, ResetsTcp, Writes
from wsoracle.properties.judge.opening_judge import judge_opening
from wsoracle.properties.judge.verdict import Profile, Verdict

from .log_entry import Entry
from .transcript import Finished

__all__ = ["Judged", "judge_conversation", "trace_of"]


def trace_of(log: list[Entry]) -> list[Observation]:
    """The log from the side of the endpoint under test; writes and reads that follow one another are joined."""
    trace: list[Observation] = []
    sent: list[bytes] = []
    received: list[bytes] = []

    def flush() -> None:
        if sent:
            trace.append(Arrives(b"".join(sent)))
            sent.clear()
        if received:
            trace.append(Writes(b"".join(received)))
            received.clear()

    ended = False
    for entry in log:
        if entry.kind == "sent":
            if received:
                flush()
            sent.append(entry.octets)
        elif entry.kind == "received":
            if sent:
                flush()
            received.append(entry.octets)
        elif entry.kind != "note":
            flush()
            if entry.kind == "closed by peer":
                trace.append(ClosesTcp())
            elif entry.kind == "reset by peer":
                trace.append(ResetsTcp())
            elif entry.kind == "silence":
                trace.append(Quiet())
            elif not ended:
                ended = True
                trace.append(ArrivesEof())
    flush()
    return trace


UNOPENED: Final = "the opening handshake was not completed, so that nothing of the case was tested"


class Judged(NamedTuple):
    """The judgement on a conversation, and its two parts: behaviour, and how the connection was closed."""

    judgement: Judgement
    parts: Parts


def judge_conversation(talk: Finished, profile: Profile = "interop") -> Judged:
    """What the rules say of a conversation that has come to its end; the application behind the endpoint echoes.

    One that the tester broke off, because it took too long or too much was sent, is failed without their help: no rule
    forbids to go on for ever, but what was asked for did not come.
    """
    if talk.broken_off:
        return Judged(Judgement(Verdict.FAILED, profile), Parts(Verdict.FAILED, Verdict.FAILED, (), (), "FAILED"))
    trace = trace_of(talk.log)
    uri = talk.uri if talk.role is Role.CLIENT else None

    def judged(limit: int | None, strictly: bool = False) -> Judgement:
        setting = Setting(talk.role, limit, echo=True, willing=talk.role is Role.SERVER)
        found = judge_opening(trace, setting, uri=uri, application="echo", profile=profile, strictly=strictly)
        if talk.opened or talk.case.opening or found.verdict not in (Verdict.OK, Verdict.NON_STRICT):
            return found
        # To refuse is allowed, for an Origin above all; it is no conformance with what was to come after it.
        note = "; ".join(filter(None, (found.note, UNOPENED)))
        return replace(found, verdict=Verdict.INFORMATIONAL, note=note)

    limits = (MAX_LENGTH, None) if talk.case.may_be_too_big else (MAX_LENGTH,)
    if len(limits) > 1:
        # What is wrong is looked for last: that takes long where any of thousands of fragments may have been refused.
        for limit in limits:
            judgement = judged(limit, strictly=True)
            if judgement.verdict is not Verdict.FAILED:
                return Judged(judgement, parts(judgement, trace))
    judgements = [judged(MAX_LENGTH)]
    if judgements[0].verdict is Verdict.FAILED:
        judgements += [excused for excused in map(judged, limits[1:]) if excused.verdict is not Verdict.FAILED]
    return Judged(judgements[-1], parts(judgements[-1], trace))
