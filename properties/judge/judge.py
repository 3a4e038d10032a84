"""The judge: whether the rules allow what an endpoint (the SUT) was seen to do, and what they say if not.

Theory of operation. The theory is input-output conformance: everything that the endpoint does, silence included, must
be allowed after what came before. :func:`judge` looks for an explanation of the whole trace (`explanation.Search`):
some interleaving of what arrived and what was sent, and some choice of outcomes, that the rules allow. It looks first
among what they allow in full, then for departures from SHOULD and CONSENSUS rules, at last for the fewest steps that
break a MUST. The verdict follows from the strengths of the rules that the best explanation breaks.

The application behind the endpoint is part of what is specified. Where it is known (`echo`, `sink`), the trace shows
all that it asks for, and the endpoint may send messages and Close only for a reason: because it was asked to, because
it echoes, because the protocol calls for it. Where it is `unknown` (recorded traffic), it may send whatever the rules
let it send.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from wsoracle.model.notation.rule import STRENGTHS, RuleSet, Strength
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.rules import RULES

from .explanation import LENIENCIES, Explanation, Step, Subject, cheapest
from .grading import verdict_on
from .history import History, Moment
from .lost_in_reset import LOST_WITH_RESET
from .observation import Crashes, Quiet, Told, Trace
from .search import Search, machine_for
from .verdict import TAKEN_BY_ALL, Profile, Verdict

__all__ = ["TOO_MANY", "Allowed", "Application", "Broken", "Judgement", "judge", "rules_fired"]

Application: TypeAlias = Literal["echo", "sink", "unknown"]

EVERYTHING: Final[frozenset[Told]] = frozenset(("text", "binary", "ping", "pong", "close", "failed", "lost"))
"""All that an endpoint can tell its application."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that was not followed."""

    rule: str
    strength: Strength


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an endpoint that follows every rule would do: in words, and the rules that say so."""

    what: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of judging a trace.

    `broken` are the rules that the best explanation does not follow, in the order of the run. `at` is the place in the
    trace of the first thing that is not allowed in full, None where all is; `octet` is where that begins in what the
    endpoint wrote, if it is a frame, and `arrived` how many octets had arrived by then. `instead` is what would have
    been allowed there. `steps` are the explanation. `note` says what rules cannot; `unexplained`: it says why no
    explanation was found, so that the rules, if any are named, are not all.
    """

    verdict: Verdict
    profile: Profile
    broken: tuple[Broken, ...] = ()
    at: int | None = None
    octet: int | None = None
    arrived: int | None = None
    instead: tuple[Allowed, ...] = ()
    steps: tuple[Step, ...] = ()
    note: str = ""
    unexplained: bool = False

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that were not followed."""
        return tuple(broken.rule for broken in self.broken)

    @property
    def strength(self) -> Strength | None:
        """The strongest strength among the rules that were not followed."""
        return min((broken.strength for broken in self.broken), key=STRENGTHS.index, default=None)


TOO_MANY: Final = "not judged: there are too many orders in which it may have read what it was sent"


def judge(
    trace: Trace,
    setting: Setting,
    *,
    application: Application = "unknown",
    sees: Collection[Told] = (),
    start: State | None = None,
    rules: RuleSet = RULES,
    profile: Profile = "interop",
    strictly: bool = False,
    taken_by_all: int = TAKEN_BY_ALL,
) -> Judgement:
    """Judge a trace of one endpoint, whose role, limit and application `setting` states.

    `sees` are the kinds of :class:`~.observation.Tells` that the trace is certain to show where they happen. `start` is
    the state after the opening handshake. Who says nothing of a limit is thought to have none for messages of up to
    ``taken_by_all`` octets. ValueError where `application` and `setting` do not agree.
    """
    if (application == "echo") is not setting.echo:
        raise ValueError(f"the setting says echo={setting.echo}, the application is {application!r}")
    begins, unasked = State() if start is None else start, application == "unknown"
    subject = Subject(setting, begins, rules, frozenset(sees), unasked, taken_by_all)
    # What it did before it crashed is judged as it would be without that.
    crash = next((at for at, seen in enumerate(trace) if isinstance(seen, Crashes)), len(trace))
    history = History(trace[:crash])
    judgement = _judged(history, subject, profile, strictly)
    if history.torn is not None:
        note = f"it stops writing inside a frame, {history.written - history.unread} octets after the frame begins"
        judgement = _failed(judgement, note, history.torn, history.unread)
    if crash < len(trace):
        crashed = trace[crash]
        assert isinstance(crashed, Crashes)
        judgement = _failed(judgement, f"it crashed: {crashed.reason}", crash)
    return judgement


def _judged(history: History, subject: Subject, profile: Profile, strictly: bool) -> Judgement:
    strict: Search | None = None
    for leniency in LENIENCIES[:1] if strictly else LENIENCIES:
        search = Search(history, subject, leniency, whole=True)
        found = search.run()
        if found is not None:
            return _explained(found, search if strict is None else strict, subject.rules, profile)
        strict = strict or search
        if search.gave_up:
            if leniency.faults:
                break
            return Judgement(Verdict.INFORMATIONAL, profile, note=TOO_MANY, unexplained=True)
    assert strict is not None
    return _unexplained(strict, subject.rules, profile)


def _failed(judgement: Judgement, why: str, at: int, octet: int | None = None) -> Judgement:
    """What no rule says: it fails for that too; where that was first is the place."""
    note = "; ".join(one for one in (judgement.note, why) if one)
    failed = replace(judgement, verdict=Verdict.FAILED, note=note, unexplained=True)
    return failed if judgement.at is not None and judgement.at < at else replace(failed, at=at, octet=octet)


def rules_fired(judgement: Judgement, setting: Setting, rules: RuleSet = RULES) -> Counter[str]:
    """How often each rule was enabled along the explanation of a trace."""
    machine = machine_for(rules, setting)
    fired: Counter[str] = Counter()
    for step in judgement.steps:
        if step.event is not None:
            rules_here = step.rules if step.early else (r.id for r in machine.enabled(step.state, step.event))
            for rule in rules_here:
                fired[rule] += step.times
    return fired


def _explained(found: Explanation, strict: Search, rules: RuleSet, profile: Profile) -> Judgement:
    steps = found.steps
    ids = dict.fromkeys(rule for step in steps for rule in step.broken)
    broken = tuple(Broken(rule, rules.by_id[rule].strength) for rule in ids)
    verdict = verdict_on({b.strength for b in broken}, own_limit=found.cost.own_limit > 0, profile=profile)
    note = LOST_WITH_RESET if any(step.unseen for step in steps) else ""
    return _placed(Judgement(verdict, profile, broken, steps=steps, note=note), strict)


def _unexplained(strict: Search, rules: RuleSet, profile: Profile) -> Judgement:
    """Too much is wrong to say which rules were broken: those are named that do not allow the first thing that is."""
    best = cheapest(strict.alive)
    moment = strict.died_at
    assert moment is not None
    named = dict.fromkeys(strict.forbids(best, moment))
    if not named:
        named = dict.fromkeys(rule for _, of in strict.owes(best) for rule in of)
    note = "no explanation was found that breaks only a few rules"
    broken = tuple(Broken(rule, rules.by_id[rule].strength) for rule in named)
    return _placed(Judgement(Verdict.FAILED, profile, broken, steps=best.steps, note=note, unexplained=True), strict)


def _placed(judgement: Judgement, strict: Search) -> Judgement:
    """The judgement with the place where the trace leaves what is allowed in full."""
    moment = strict.died_at
    if moment is None:
        return judgement
    octet = moment.what.start if isinstance(moment.what, FrameUnit) else None
    return replace(judgement, at=moment.at, octet=octet, arrived=moment.arrived, instead=_instead(strict, moment))


def _instead(strict: Search, moment: Moment) -> tuple[Allowed, ...]:
    """What those would do who followed every rule up to there, and had read everything that had arrived."""
    most = max(explanation.place.consumed for explanation in strict.alive)
    found: dict[Allowed, None] = {}
    for explanation in strict.alive:
        if explanation.place.consumed < most:
            continue
        parts: list[str] = []
        rules: list[str] = []
        inputs = [step for step in explanation.steps if step.event is not None and step.event.kind.is_input]
        # What is passed over after failing is not what matters.
        inputs = [step for step in inputs if not step.state.failed] or inputs
        if inputs and inputs[-1].label is not None:
            parts.append(str(inputs[-1].label))
            rules += inputs[-1].rules
        for what, of in strict.owes(explanation):
            parts.append(what)
            rules += of
        if not strict.owes(explanation) and not isinstance(moment.what, Quiet):
            parts.append("send nothing")
        found[Allowed("; ".join(parts), tuple(dict.fromkeys(rules)))] = None
    return tuple(found)
