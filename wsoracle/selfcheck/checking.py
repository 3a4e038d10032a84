"""One drawn trace, and whether the judge is right about it.

Of a conforming endpoint no verdict may accuse. Of one with a departure the verdict has to name a rule that the act
breaks. Where it does not, the exhaustive search says whether any observer could have told: some explanation of the
trace may break nothing, or other rules.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final
from zlib import crc32

from wsoracle.generators.drawn_endpoints.departing import Act, DepartingEndpoint, departing_habits
from wsoracle.generators.drawn_endpoints.drawing import draw_conforming, recorded_of
from wsoracle.generators.drawn_endpoints.habits import setting_of
from wsoracle.model.notation.rule import STRENGTHS
from wsoracle.model.notation.variables import CONNECTING, State
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.exhaustive.explanations import Explained, TooManyPlacesError, explained
from wsoracle.properties.exhaustive.place import Whereabouts
from wsoracle.properties.judge.judge import Application
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.verdict import Verdict
from wsoracle.properties.traces.recorded import Recorded

_TRIES: Final = 12
"""How often an endpoint is drawn until the moment for its departure comes."""

ACCUSES: Final = (Verdict.FAILED, Verdict.NON_STRICT)


class Worth(StrEnum):
    """What the judge's verdict on a drawn trace turned out to be."""

    RIGHT = "right"
    """It accuses where it should and names a rule of the act, or does not accuse a conforming endpoint."""
    OTHER_RULE = "another rule explains it"
    """It names a rule that another explanation with one fault breaks."""
    CANNOT_BE_TOLD = "cannot be told"
    """It does not accuse, and some explanation of the trace breaks nothing."""
    NOT_SMALL = "too large to be told"
    """It names no rule of the act, and the exhaustive search gave up."""
    NOT_DRAWN = "not drawn"
    """The moment for the departure did not come."""
    FALSE_ACCUSATION = "false accusation"
    OVERLOOKED = "overlooked"
    WRONG_RULE = "wrong rule"
    WRONG_OCTET = "wrong octet"
    """It names a rule of the act, and the octet of something else."""
    WITHOUT_WORDS = "without words"
    """The application did what an echo or a sink does not, and the verdict does not say so."""

    @property
    def is_wrong(self) -> bool:
        """The judge is wrong."""
        return self in (
            Worth.FALSE_ACCUSATION, Worth.OVERLOOKED, Worth.WRONG_RULE, Worth.WRONG_OCTET, Worth.WITHOUT_WORDS,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """A trace as it was given to the judge, the judgement, and what that is worth; `rule` was departed from, if any."""

    worth: Worth
    seed: str
    recorded: Recorded | None = None
    judgement: Judgement | None = None
    rule: str = ""
    act: Act | None = None
    broken: tuple[tuple[str, ...], ...] = ()
    """The sets of rules that the explanations with one fault break, where the exhaustive search was asked."""


def accuses(judgement: Judgement, recorded: Recorded) -> bool:
    """Whether a verdict accuses. That clients SHOULD NOT close of their own accord (section 7.3) is no accusation."""
    if judgement.verdict not in ACCUSES:
        return False
    closes_itself = recorded.setting.role is Role.CLIENT and recorded.application != "unknown"
    unasked = closes_itself and judgement.rules and all(rule.startswith("7.3/") for rule in judgement.rules)
    return not (judgement.verdict is Verdict.NON_STRICT and unasked)


def seen_as(recorded: Recorded, application: Application) -> Recorded:
    """The trace as one of another application."""
    setting = recorded.setting
    if recorded.application == application:
        return recorded
    return replace(
        recorded, setting=setting_of(setting.role, setting.limit, application == "echo"), application=application
    )


def searched(recorded: Recorded, *, faults: bool = True) -> Explained:
    """What the exhaustive search says. Raises TooManyPlacesError."""
    start = Whereabouts(CONNECTING if recorded.opening else recorded.agreed or State())
    known = recorded.application != "unknown"
    return explained(
        recorded.trace, recorded.setting, start, known_application=known, sees=recorded.sees, faults=faults
    )


def check_conforming(seed: str, *, in_turn: bool = False) -> list[Checked]:
    """The conforming endpoint that a seed stands for: as what it is, and to a judge who does not know its application.

    A free application is also seen as a sink, which it is not. ``in_turn``: the seed decides on one of these ways.
    """
    drawn = draw_conforming(seed)
    recorded = drawn.recorded
    views: tuple[Application, ...] = ("unknown", "sink" if recorded.application == "unknown" else recorded.application)
    if in_turn:
        turn = crc32(seed.encode()) % len(views)
        views = views[turn : turn + 1]
    known = recorded.application != "unknown"
    return [
        _conforming(seed, seen_as(recorded, view), own=drawn.own and known and view == recorded.application)
        for view in views
    ]


def _conforming(seed: str, recorded: Recorded, *, own: bool) -> Checked:
    judgement = recorded.judged()
    worth = Worth.RIGHT
    if accuses(judgement, recorded):
        worth = Worth.FALSE_ACCUSATION
    elif own and not (judgement.verdict is Verdict.INFORMATIONAL and judgement.note):
        worth = Worth.WITHOUT_WORDS if judgement.verdict is not Verdict.NON_STRICT else Worth.RIGHT
    return Checked(worth, seed, recorded, judgement)


def check_departure(seed: str, rule_id: str, role: Role) -> Checked:
    """The endpoint with one departure from a rule that a seed stands for."""
    random, rule = Random(seed), RULES.by_id[rule_id]
    for _ in range(_TRIES):
        endpoint = DepartingEndpoint(random, departing_habits(random, rule, role), rule)
        endpoint.run()
        act = endpoint.act_done
        if act is not None:
            break
    else:
        return Checked(Worth.NOT_DRAWN, seed, rule=rule_id)
    recorded = recorded_of(endpoint)
    if random.random() < 0.3:
        recorded = seen_as(recorded, "unknown")
    worth, judgement, broken = weighed(recorded, act)
    return Checked(worth, seed, recorded, judgement, rule_id, act, broken)


def _is_at(judgement: Judgement, act: Act) -> bool:
    """Whether the octet that decides is one of the unit that the act is about; one of silence has none.

    Where something legal is refused, it is an octet of the refusal; where a request is answered as it must not be, it
    may be the one for which the request has to be refused. Where one of several rules was broken, and it cannot be told
    which, it may be that of another act.
    """
    octet, one_of = judgement.octet, set(judgement.one_of)
    if octet is None or (act.sent is None and act.read is None):
        return True
    if act.broken & one_of and not act.broken & (set(judgement.rules) - one_of):
        return True
    if judgement.direction == "arrived":
        return act.read is not None and act.read[0] <= octet < act.read[1]
    return act.refuses if act.sent is None else act.sent[0] <= octet < act.sent[1]


def weighed(recorded: Recorded, act: Act) -> tuple[Worth, Judgement, tuple[tuple[str, ...], ...]]:
    """What the judgement on a trace with a departure is worth, and what the exhaustive search says if it is asked."""
    judgement = recorded.judged()
    accused, named = accuses(judgement, recorded), set(judgement.rules)
    if named & act.broken and (accused or judgement.verdict is Verdict.INFORMATIONAL):
        return (Worth.RIGHT if _is_at(judgement, act) else Worth.WRONG_OCTET), judgement, ()
    try:
        result = searched(recorded)
    except TooManyPlacesError:
        return Worth.NOT_SMALL, judgement, ()
    broken = tuple(sorted(tuple(sorted(one)) for one in result.broken))
    if result.conforms:
        return (Worth.FALSE_ACCUSATION if accused else Worth.CANNOT_BE_TOLD), judgement, broken
    if not result.broken:
        return Worth.NOT_SMALL, judgement, broken
    if not accused:
        return Worth.OVERLOOKED, judgement, broken
    # The same octets may be a head to one reader, and frames to another.
    explains = any(named & one for one in result.broken) or (act.sent is not None and _is_at(judgement, act))
    # An explanation with two steps that break a SHOULD is milder than one with a single step that breaks a MUST.
    explains = explains or (bool(named) and all(_rank(named) > _rank(one) for one in result.broken))
    return (Worth.OTHER_RULE if explains else Worth.WRONG_RULE), judgement, broken


def _rank(rules: Collection[str]) -> int:
    """How mild it is to break these rules: by the strongest of them, the more the milder."""
    return min((STRENGTHS.index(RULES.by_id[rule].strength) for rule in rules), default=len(STRENGTHS))
