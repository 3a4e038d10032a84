"""The machine: what an endpoint may do, read straight off the rules.

:func:`allowed` is the specification as a set-valued step relation. It is the reference that the compiled path and the
symbolic model are checked against; speed is the business of ``model.machine.compiled``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

from ..notation.expression import evaluate
from ..notation.rule import STRENGTHS, Accept, Due, Fail, Forbid, Level, Refuse, Rule, RuleSet, Strength
from ..notation.variables import Event, EventKind, Setting, State, environment
from ..octets.vocabulary import CLOSE, PONG
from ..rules import RULES


class Kind(Enum):
    """The kind of an outcome. PERMIT is for an output of the endpoint itself, the others answer an input."""

    ACCEPT = "accept"
    FAIL = "fail"
    REFUSE = "refuse"
    IGNORE = "ignore"
    PERMIT = "permit"

    # A member is one object, and equal to itself alone. What Enum has is written in Python, and labels are keys.
    __hash__ = object.__hash__


class Label(NamedTuple):
    """The properties of an outcome that show from outside: two outcomes with one label lead to one state."""

    kind: Kind
    code: int | None = None
    delivers: str | None = None

    def __str__(self) -> str:
        if self.code is not None:
            return f"{self.kind.value} {self.code}"
        return self.kind.value if self.delivers is None else f"{self.kind.value}: {self.delivers}"


@dataclass(frozen=True)
class Outcome:
    """One thing that may happen: its label, the state after it, the rules that allow it, the rules it departs from.

    ``rules`` allow it. ``departs_from`` is empty where the specification allows it in full; otherwise it names the
    APPLICATION, SHOULD and CONSENSUS rules that are not followed. ``unable``: only an endpoint does it that is not able
    to do otherwise.
    """

    label: Label
    state: State
    rules: tuple[str, ...]
    strength: Strength
    departs_from: tuple[str, ...] = ()
    unable: bool = False


LEVELS: Final = tuple(Level)
"""From the strictest on."""


def label_of(rule: Rule) -> Label | None:
    """The label of the outcome that a rule allows; None for a rule that forbids."""
    reaction = rule.then
    if isinstance(reaction, Forbid):
        return None
    if isinstance(reaction, (Fail, Refuse)):
        return Label(Kind(reaction.word), code=reaction.code)
    delivers = reaction.delivers if isinstance(reaction, Accept) else None
    return Label(Kind(reaction.word), delivers=delivers)


def enabled(rules: RuleSet, setting: Setting, state: State, event: Event) -> list[Rule]:
    """The rules whose guard holds."""
    values = environment(setting, state, event.facts)
    return [rule for rule in rules.of(event.kind) if evaluate(rules.guard(rule), values)]


def after(rule: Rule, setting: Setting, state: State, event: Event) -> State:
    """The state after the reaction of a rule."""
    values = environment(setting, state, event.facts)
    changes: dict[str, Any] = {name: evaluate(effect, values) for name, effect in rule.then.effects.items()}
    return state._replace(**changes)


def strongest(rules: Iterable[Rule]) -> Strength:
    """The strongest strength among rules; :class:`ValueError` for no rules."""
    return min((rule.strength for rule in rules), key=STRENGTHS.index)


def unable(rules: Iterable[Rule]) -> bool:
    """Whether rules allow an outcome only to an endpoint that is not able to do otherwise."""
    return all(isinstance(rule.then, Fail) and rule.then.unable for rule in rules)


Enabled = Callable[[RuleSet, Setting, State, Event], list[Rule]]
After = Callable[[Rule, Setting, State, Event], State]


def outcomes_at(
    rules: RuleSet, setting: Setting, state: State, event: Event, find: Enabled = enabled, move: After = after
) -> dict[Label, tuple[State, list[Rule]]]:
    """The outcomes that one rule set allows, by label, with their rules; ``find`` and ``move`` evaluate rules."""
    found: dict[Label, tuple[State, list[Rule]]] = {}
    for rule in find(rules, setting, state, event):
        label = label_of(rule)
        if label is None:
            continue
        if label in found:
            found[label][1].append(rule)
        else:
            found[label] = (move(rule, setting, state, event), [rule])
    return found


def allowed(
    state: State,
    event: Event,
    setting: Setting,
    rules: RuleSet = RULES,
    *,
    departures: bool = False,
) -> tuple[Outcome, ...]:
    """The set of outcomes of an event in a state, each with the rules that allow it.

    With ``departures`` also those that only break an APPLICATION, SHOULD or CONSENSUS rule, which say so in
    ``departs_from``. An
    empty result means that a MUST forbids the event (outputs), for an input it never happens (a theorem). The order
    is by how much is departed from, then what an endpoint without limits of its own does, then fail or refuse before
    accept before ignore; it carries no further meaning.
    """
    result: dict[Label, Outcome] = {}
    for level in LEVELS if departures else LEVELS[:1]:
        for label, (then, found) in outcomes_at(rules.at(level), setting, state, event).items():
            if label not in result:
                left = () if level is Level.FULL else _departures(rules, level, setting, state, event)
                result[label] = Outcome(label, then, tuple(r.id for r in found), strongest(found), left, unable(found))
    return tuple(sorted(result.values(), key=order_of))


def _departures(rules: RuleSet, level: Level, setting: Setting, state: State, event: Event) -> tuple[str, ...]:
    refusals = [r for r in enabled(rules, setting, state, event) if r.refuses]
    return tuple(r.id for r in refusals if not level.keeps(r.strength))


PREFERENCE: Final = (Kind.FAIL, Kind.REFUSE, Kind.ACCEPT, Kind.PERMIT, Kind.IGNORE)


def order_of(outcome: Outcome) -> tuple[int, bool, int, bool, int]:
    """The key that orders outcomes: the canonical one is the least."""
    label = outcome.label
    permitted = not outcome.strength.binds
    return len(outcome.departs_from), outcome.unable, PREFERENCE.index(label.kind), permitted, label.code or 0


def forbidden_by(state: State, event: Event, setting: Setting, rules: RuleSet = RULES) -> tuple[Rule, ...]:
    """The binding rules that refuse an event in a state, the strongest first."""
    refusals = [r for r in enabled(rules, setting, state, event) if r.refuses]
    return tuple(sorted(refusals, key=lambda rule: STRENGTHS.index(rule.strength)))


def owed(state: State, setting: Setting, rules: RuleSet = RULES) -> tuple[tuple[Due, Rule], ...]:
    """The answers that an endpoint owes in a state, in the order in which the canonical endpoint gives them."""
    silence = Event(EventKind.SILENCE)
    dues = [
        (rule.then.due, rule)
        for rule in enabled(rules, setting, state, silence)
        if isinstance(rule.then, Forbid) and rule.then.due is not None and not rule.then.soon
    ]
    return tuple(sorted(dues, key=lambda due: due[0]))


_DOES: Final = {
    EventKind.SEND_REQUEST: Due.REQUEST,
    EventKind.SEND_RESPONSE: Due.RESPONSE,
    EventKind.CLOSE_TCP: Due.TCP_CLOSE,
}


def done_by(event: Event) -> Due | None:
    """What is no longer due after an output, if it is what was due."""
    frame = event.frame
    if frame is None:
        return _DOES.get(event.kind)
    if frame.opcode == CLOSE:
        return Due.CLOSE
    if not frame.answers:
        return None
    return Due.PONG if frame.opcode == PONG else Due.REPLY


def canonical(outcomes: tuple[Outcome, ...]) -> Outcome:
    """The outcome that the canonical endpoint chooses: the strictest one allowed.

    It is able to do whatever was agreed. It fails as soon as it may, and goes on processing as long as it may. It
    prefers the code of a rule that binds to a code that is only permitted, and then the lowest code.
    """
    return min(outcomes, key=order_of)
