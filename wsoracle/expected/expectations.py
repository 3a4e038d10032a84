"""What the judge says of the behaviours that one can think of in a live case: the expectation, which nobody types in.

Theory of operation. `behaviours` proposes, the judge decides, and what is decided alike is told together. Nothing here
is needed for a verdict on a real endpoint: it is for those who want to know beforehand.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from wsoracle.generators.cases.live_case import Action, LiveCase, SendFrame
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.variables import MAX_LENGTH, EventKind, Setting
from wsoracle.model.octets.units import shown
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PONG, Role
from wsoracle.properties.judge.judge import Judgement, judge
from wsoracle.properties.judge.verdict import TAKEN_BY_ALL, Profile, Verdict

from .candidates import Behaviour, behaviours, trace_of
from .head_candidates import opening_expectations
from .outcome import Expected, best_first, verdict_in
from .reduced_stimulus import Answer, Run, is_scaled, reduced

__all__ = ["Expected", "autobahn_shape", "expectations", "must_answer", "verdict_in"]

GOOD: Final = (Verdict.OK, Verdict.NON_STRICT, Verdict.INFORMATIONAL)
PLAIN: Final = ("overtaking", "Pongs last", "Pongs first")
"""Notes on a behaviour that its answers say themselves."""

MANY: Final = 4
"""Answers that are no longer told one by one."""


def expectations(
    case: LiveCase, role: Role, profile: Profile = "interop", *, failed: bool = False
) -> tuple[Expected, ...]:
    """What an endpoint of that role may do in a case, the best first; with ``failed`` also what it must not.

    A case for other roles has none.
    """
    if role not in case.roles:
        return ()
    if case.opening:
        found = opening_expectations(case, role, profile)
    else:
        found = _judged(reduced(case), role, is_scaled(case), case.may_be_too_big, profile)
    return tuple(one for one in found if failed or one.verdict in GOOD)


def must_answer(case: LiveCase, role: Role) -> bool:
    """Whether whoever does nothing wrong in a case sends a message or a Pong: then nobody passes it by leaving."""
    fine = [one for one in expectations(case, role) if one.verdict in (Verdict.OK, Verdict.NON_STRICT)]
    return bool(fine) and all(one.answers for one in fine)


def autobahn_shape(case: LiveCase, role: Role, profile: Profile = "interop") -> tuple[dict[str, Any], dict[str, Any]]:
    """`expected` and `expectedClose` as in Autobahn: the events by verdict, and how the connection ends.

    Of the outcomes with one verdict the first stands for all; no events where a smaller stimulus was judged, and
    nothing of a case about the opening handshake, of which that suite has none.
    """
    found = () if case.opening else expectations(case, role, profile)
    expected: dict[str, Any] = {}
    for one in found:
        events = [_suite_event(answer) for answer in one.events]
        if one.events is not None and not is_scaled(case) and events not in expected.values():
            expected.setdefault(one.verdict.value, events)
    best = [one for one in found if found and one.verdict is found[0].verdict]
    alike = [one for one in best if one.by_tester == best[0].by_tester]
    sends_close = any(isinstance(action, SendFrame) and action.frame.opcode == CLOSE for action in case.actions)
    codes = sorted({code for one in alike for code in one.codes if code is not None})
    by_me = bool(alike) and (alike[0].by_tester or sends_close)
    return expected, {"closedByMe": by_me, "closeCode": codes, "requireClean": bool(alike) and alike[0].clean}


def _suite_event(answer: Answer) -> list[Any]:
    try:
        text = answer.payload.decode("utf-8")
    except UnicodeDecodeError:
        text = "0x" + answer.payload.hex()
    return ["pong", text] if answer.opcode == PONG else ["message", text, answer.opcode == BINARY]


# --- judging


@lru_cache(maxsize=64)
def _run_of(actions: tuple[Action, ...], role: Role, big: bool) -> tuple[tuple[Behaviour, Judgement], ...]:
    setting = Setting(role, None if big else MAX_LENGTH, echo=True)
    run, found = behaviours(actions, role)
    # What stands for a message that is too big for some may be small.
    most = 0 if big else TAKEN_BY_ALL
    return tuple(
        (one, judge(trace_of(actions, run, one, role), setting, application="echo", taken_by_all=most)) for one in found
    )


def _judged(actions: tuple[Action, ...], role: Role, scaled: bool, big: bool, profile: Profile) -> tuple[Expected, ...]:
    run, _ = behaviours(actions, role)
    found: dict[Any, Expected] = {}
    for behaviour, judgement in _run_of(actions, role, big):
        verdict = verdict_in(judgement, profile)
        words = _in_words(behaviour, run, scaled)
        key = (verdict, words, behaviour.ending.kind, judgement.rules)
        known = found.get(key)
        codes = (behaviour.ending.code,) if behaviour.ending.kind in ("close", "reply") else ()
        if known is not None:
            found[key] = replace(known, codes=tuple(dict.fromkeys((*known.codes, *codes))))
            continue
        found[key] = Expected(
            verdict,
            behaviour.events,
            _rules(judgement),
            codes,
            behaviour.ending.kind,
            by_tester=behaviour.by_tester,
            prefix=words,
            failing=run.failed is not None,
            asked=run.closed,
        )
    return best_first(found.values())


def _rules(judgement: Judgement) -> tuple[str, ...]:
    """The rules that were not followed; where all were, those by which it reacted to what it received."""
    if judgement.rules:
        return judgement.rules
    received = [s for s in judgement.steps if s.event is not None and s.event.kind is EventKind.RECEIVE and s.label]
    failing = [s for s in received if s.label is not None and s.label.kind is Kind.FAIL]
    return tuple(dict.fromkeys(rule for step in failing or received for rule in step.rules))[:MANY]


def _note(behaviour: Behaviour) -> str:
    return "" if behaviour.note in PLAIN else behaviour.note


def _in_words(behaviour: Behaviour, run: Run, scaled: bool) -> str:
    events, note = behaviour.events, _note(behaviour)
    if not events and not run.answers:
        return note
    pongs = [one for one in events if one.opcode == PONG]
    if not events:
        said = "no answer"
    elif scaled:
        said = "every answer, in full" if len(events) == len(run.answers) else "some of the answers"
    elif len(events) > MANY:
        said = f"{len(pongs)} Pongs" if len(pongs) == len(events) else f"{len(events)} answers"
    else:
        said = ", ".join(_answer(one) for one in events)
    return f"{said} ({note})" if note else said


def _answer(answer: Answer) -> str:
    if answer.opcode == PONG:
        return f"Pong {shown(answer.payload)}" if answer.payload else "an empty Pong"
    kind = "binary" if answer.opcode == BINARY else "text"
    return f"{kind} message {shown(answer.payload)}" if answer.payload else f"an empty {kind} message"
