"""The expectation of a case: the judge's verdict on each candidate. It is worked out, never written by hand.

Theory of operation. Candidates are proposed, the judge decides each, and candidates with the same result are listed
together. No verdict on a real endpoint depends on this module: it tells people beforehand what a verdict will be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from wsoracle.generators.cases.canonical import Answer, agreed_in, is_scaled, reduced
from wsoracle.generators.cases.case import Case
from wsoracle.model.facts.heads import SAMPLE_URI
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.variables import CONNECTING, LARGEST_LENGTH, EventKind, Setting
from wsoracle.model.octets.vocabulary import BINARY, PONG, Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.verdict import TAKEN_BY_ALL, Profile, Verdict

from .frame_candidates import frame_candidates
from .head_candidates import head_candidates
from .outcome import Candidate, Expected, best_first, verdict_of

_NO_FAILURES: Final = (Verdict.OK, Verdict.NON_STRICT, Verdict.INFORMATIONAL)

MOST_RULES: Final = 4
"""Rules that are named where all were followed."""


def expectations(case: Case, role: Role, profile: Profile = "interop", *, failed: bool = False) -> tuple[Expected, ...]:
    """The outcomes allowed to an endpoint of that role in a case, the best first; with ``failed`` the others too.

    A case for other roles has none.
    """
    found: dict[Any, Expected] = {}
    for candidate, judgement in _judged(case, role, profile) if role in case.roles else ():
        if judgement.unexplained:
            continue  # nothing is expected that the judge cannot tell
        verdict = verdict_of(judgement)
        rules = judgement.rules or _followed(judgement, opening=case.opening)
        alike = rules if case.opening else judgement.rules
        key = (verdict, candidate.words, candidate.ending, alike)
        if key in found:
            codes = dict.fromkeys((*found[key].codes, *candidate.codes))
            found[key] = replace(found[key], codes=tuple(codes))
        else:
            found[key] = Expected(verdict, rules, candidate.codes, candidate)
    return tuple(one for one in best_first(found.values()) if failed or one.verdict in _NO_FAILURES)


@lru_cache(maxsize=64)
def _judged(case: Case, role: Role, profile: Profile) -> tuple[tuple[Candidate, Judgement], ...]:
    return tuple(_each_judged(case, role, profile))


def _each_judged(case: Case, role: Role, profile: Profile) -> Iterator[tuple[Candidate, Judgement]]:
    if case.opening:
        setting = Setting(role, LARGEST_LENGTH, echo=True, willing=role is Role.SERVER)
        uri = SAMPLE_URI if role is Role.CLIENT else None
        for one in head_candidates(case.actions, role, extension=case.extension):
            yield (
                one,
                judge(
                    one.trace,
                    setting,
                    start=CONNECTING,
                    uri=uri,
                    application="echo",
                    profile=profile,
                    keeps_promise=True,
                ),
            )
        return
    big = case.may_be_too_big
    setting = Setting(role, None if big else LARGEST_LENGTH, echo=True)
    # A message that stands for one that is too big for some endpoints may be small itself.
    most = 0 if big else TAKEN_BY_ALL
    agreed = agreed_in(case)
    start = None if agreed is None else agreed.state
    for one in frame_candidates(reduced(case), role, scaled=is_scaled(case), agreed=agreed):
        yield (
            one,
            judge(
                one.trace,
                setting,
                start=start,
                application="echo",
                taken_by_all=most,
                profile=profile,
                keeps_promise=True,
            ),
        )


def _followed(judgement: Judgement, *, opening: bool) -> tuple[str, ...]:
    """The rules by which an endpoint reacted to its input, where it followed all: for frames the failing ones first."""
    steps = [step for step in judgement.steps if step.event is not None and step.event.kind.is_input and step.rules]
    if not opening:
        steps = [step for step in steps if step.event is not None and step.event.kind is EventKind.RECEIVE]
        steps = [step for step in steps if step.label is not None and step.label.kind is Kind.FAIL] or steps
    return tuple(dict.fromkeys(rule for step in steps for rule in step.rules))[:MOST_RULES]


def autobahn_shape(case: Case, role: Role, profile: Profile = "interop") -> tuple[dict[str, Any], dict[str, Any]]:
    """`expected` and `expectedClose` as in Autobahn: the events by verdict, and how the connection ends.

    The first outcome with a verdict stands for all with that verdict. There are no events where a smaller stimulus was
    judged, and both are empty for a case about the opening handshake: Autobahn has no such cases.
    """
    found = () if case.opening else expectations(case, role, profile)
    expected: dict[str, Any] = {}
    for one in found:
        events = [_autobahn_event(answer) for answer in one.events]
        if not is_scaled(case) and events not in expected.values():
            expected.setdefault(one.verdict.value, events)
    if not found:
        return expected, {"closedByMe": False, "closeCode": [], "requireClean": False}
    best = found[0].candidate
    alike = [one for one in found if one.verdict is found[0].verdict and one.candidate.by_tester == best.by_tester]
    codes = sorted({code for one in alike for code in one.codes if code is not None})
    by_me = best.by_tester or case.sends_close
    return expected, {"closedByMe": by_me, "closeCode": codes, "requireClean": best.ending == "reply"}


def _autobahn_event(answer: Answer) -> list[Any]:
    try:
        text = answer.payload.decode("utf-8")
    except UnicodeDecodeError:
        text = "0x" + answer.payload.hex()
    return ["pong", text] if answer.opcode == PONG else ["message", text, answer.opcode == BINARY]
