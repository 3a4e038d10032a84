"""A judgement in two parts, as reports show it: behaviour, and how the connection came to its end.

A fault belongs to the closing if it is in a Close frame that the endpoint sent, in closing TCP, in its reaction to the
end of TCP, or in silence where a Close or the end of TCP was owed. All other faults are behaviour: above all going on
after it should have failed the connection, or failing it for no reason. An endpoint that drops TCP in the middle of an
open connection, or before the opening handshake is complete, is at fault in both parts: the answers that it owed never
come. If the endpoint could have answered a Close, dropping TCP counts as the end of the connection, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.rule import Due, Forbid, RuleSet
from wsoracle.model.notation.variables import EventKind, State
from wsoracle.model.octets.vocabulary import CLOSE
from wsoracle.model.rules import RULES

from .explanation import Step
from .grading import verdict_on
from .judgement import Broken, Judgement
from .observation import Crashes, Trace
from .verdict import Verdict, worst

ClosingKind: TypeAlias = Literal["OK", "INFORMATIONAL", "FAILED BY CLIENT", "WRONG CODE", "UNCLEAN", "FAILED"]
"""The words of Autobahn for a closing, from the best to the worst.

INFORMATIONAL      only a SHOULD was not followed, or (profile `letter`) what implementations agree on
FAILED BY CLIENT   the server left it to the client to end TCP
WRONG CODE         a Close frame had a code that does not fit, or that must not be sent
UNCLEAN            a Close, or the end of TCP, did not come where it was owed; or TCP ended before both Close frames
FAILED             anything else
"""

_KINDS: Final[tuple[ClosingKind, ...]] = (
    "OK", "INFORMATIONAL", "FAILED BY CLIENT", "WRONG CODE", "UNCLEAN", "FAILED",
)  # fmt: skip
_ABOUT_CODES: Final = frozenset(("code", "fail_code"))
_ENDS: Final = (Due.CLOSE, Due.TCP_CLOSE)


class Parts(NamedTuple):
    """The two parts of a judgement: the worse of the two verdicts is that of the judgement.

    Each rule that was not followed is in one of the two, or in both.
    """

    behavior: Verdict
    closing: Verdict
    broken_in_behavior: tuple[Broken, ...]
    broken_in_closing: tuple[Broken, ...]
    closing_kind: ClosingKind


class _Fault(NamedTuple):
    """A rule that a step breaks; `kind` of the closing, None where the fault is in the behaviour."""

    rule: str
    behavior: bool
    kind: ClosingKind | None


def parts(judgement: Judgement, trace: Trace, rules: RuleSet = RULES) -> Parts:
    """The parts of a judgement on a trace, by the rules that it was judged by.

    Where no explanation was found, nothing is said of either. An endpoint that stops writing inside a frame cannot be
    said to have closed well, one that crashed has not come to that.
    """
    if judgement.unexplained and judgement.verdict is Verdict.INFORMATIONAL:
        return Parts(Verdict.INFORMATIONAL, Verdict.INFORMATIONAL, judgement.broken, (), "INFORMATIONAL")
    if judgement.unexplained:
        crashed = any(isinstance(seen, Crashes) for seen in trace)
        return Parts(
            Verdict.FAILED,
            Verdict.OK if crashed else Verdict.FAILED,
            judgement.broken,
            (),
            "OK" if crashed else "FAILED",
        )
    answers = any(_due(rule, rules) is Due.CLOSE for allowed in judgement.instead for rule in allowed.rules)
    named = frozenset(judgement.rules)
    found = [fault for step in judgement.steps for fault in _faults(step, rules, answers)]
    faults = [fault for fault in found if fault.rule in named]
    faults += [_of_kind(rule, rules) for rule in judgement.rules if all(fault.rule != rule for fault in faults)]
    in_behavior = _named((fault.rule for fault in faults if fault.behavior), rules)
    in_closing = _named((fault.rule for fault in faults if fault.kind is not None), rules)
    on_behavior = verdict_on({b.strength for b in in_behavior}, profile=judgement.profile)
    on_closing = verdict_on({b.strength for b in in_closing}, profile=judgement.profile)
    if worst(on_behavior, on_closing) is not judgement.verdict:
        on_behavior = judgement.verdict  # a limit of its own, or a feature that it does not have
    kinds: list[ClosingKind] = ["OK", *(fault.kind for fault in faults if fault.kind is not None)]
    kind = max(kinds, key=_KINDS.index)
    if kind != "OK" and on_closing is not Verdict.FAILED:
        kind = "INFORMATIONAL"
    return Parts(on_behavior, on_closing, in_behavior, in_closing, kind)


def _named(rules: Iterable[str], among: RuleSet) -> tuple[Broken, ...]:
    return tuple(Broken(rule, among.by_id[rule].strength) for rule in dict.fromkeys(rules))


def _faults(step: Step, rules: RuleSet, answers: bool) -> Iterator[_Fault]:
    """The rules that a step breaks, each with its part; `answers`: an answer to a Close would have been allowed."""
    if not step.broken:
        return
    kind = None if step.event is None else step.event.kind
    frame = None if step.event is None else step.event.frame
    for rule in step.broken:
        if kind is EventKind.CLOSE_TCP:
            yield _Fault(rule, _open(step.state) and not answers, _of_closing_tcp(step.state))
        elif kind is EventKind.SILENCE:
            yield _of_silence(rule, step.state, rules)
        elif kind is EventKind.RECEIVE_EOF:
            yield _Fault(rule, False, "FAILED")
        elif kind is EventKind.SEND and frame is not None and frame.opcode == CLOSE and not step.state.handshake:
            about_codes = not _ABOUT_CODES.isdisjoint(variables(rules.by_id[rule].when))
            yield _Fault(rule, False, "WRONG CODE" if about_codes else "FAILED")
        else:
            yield _Fault(rule, True, None)


def _of_kind(rule: str, rules: RuleSet) -> _Fault:
    """A rule that another explanation than the one shown breaks: its part by what it is about."""
    row = rules.by_id[rule]
    about_close = row.on is EventKind.SEND and not _ABOUT_CODES.isdisjoint(variables(row.when))
    unclean = row.on is EventKind.CLOSE_TCP or _due(rule, rules) in _ENDS
    closing = row.on is EventKind.RECEIVE_EOF or unclean or about_close
    return _Fault(rule, not closing, "UNCLEAN" if unclean else "FAILED" if closing else None)


def _open(state: State) -> bool:
    """Whether nothing has begun to close the connection, or it is not open yet."""
    return bool(state.handshake) or not (state.sent_close or state.got_close or state.failed)


def _of_closing_tcp(state: State) -> ClosingKind:
    if state.handshake:
        return "FAILED"
    return "OK" if state.sent_close and (state.got_close or state.failed) else "UNCLEAN"


def _due(rule: str, rules: RuleSet) -> Due | None:
    """The output that a rule says is owed."""
    reaction = rules.by_id[rule].then
    return reaction.due if isinstance(reaction, Forbid) else None


def _of_silence(rule: str, state: State, rules: RuleSet) -> _Fault:
    due = _due(rule, rules)
    if due not in _ENDS:
        return _Fault(rule, True, None)
    return _Fault(rule, False, "FAILED BY CLIENT" if due is Due.TCP_CLOSE and state.sent_close else "UNCLEAN")
