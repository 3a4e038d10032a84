"""Telling mutants: for each rule the few faults that say most about it, each with a shortest history that shows it.

Theory of operation. Of the operators some say more to a reader than others: that a row is missing, that another thing
is done, that the roles are swapped. In this order the mutants of a row are tried until there are three of different
operators: the first of them under the default setting, two steps deep, the others at once. Of a row of which nothing
shows there, the first that shows under another setting is taken, the fewest steps first.

A shortest history may show only which advice an endpoint departs from. Then the witness of the rule is taken where it
shows what the rules allow in full: it is made so that no other rule speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from wsoracle.model.machine.compiled import machine_for
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from ..mutants.distinguish import Distinguisher, Scenario
from ..mutants.killed import kills
from ..mutants.observable import Expectation, expected, mutated
from ..mutants.operators import Mutant, mutants
from .suite import WITNESS, scenario_of
from .witnesses import Witness, WitnessOrReason

MOST: Final = 3
"""Telling mutants of a rule, at most."""

TRIED: Final = 8
"""Mutants of a rule that are tried."""

_ORDER: Final = (
    "drop", "reaction", "role", "code", "bound", "missing", "effect", "delivers", "due", "strength", "constant",
    "negate", "without",
)  # fmt: skip
"""The operators, those that tell a reader most first."""
_PLAIN: Final = ("drop", "reaction")
"""The operators whose mutants are looked for some steps deep."""
_STEPS: Final = (1, 2)
"""Steps before the last one, where not only what shows at once is looked for."""

Witnesses = Mapping[tuple[str, Role], WitnessOrReason]


class TellingMutant(NamedTuple):
    """A mutant, and a shortest history on which it expects something else than the original."""

    mutant: Mutant
    scenario: Scenario


def telling(
    witnesses: Witnesses, rules: Iterable[str] | None = None, step: Callable[[str, int, int], None] | None = None
) -> tuple[TellingMutant, ...]:
    """The telling mutants of these rules, or of all; each rule has at least one where any of those tried shows."""
    wanted = None if rules is None else frozenset(rules)
    by_rule: dict[str, list[Mutant]] = {}
    for mutant in mutants():
        if wanted is None or mutant.rule in wanted:
            by_rule.setdefault(mutant.rule, []).append(mutant)
    searching = Distinguisher()
    found: list[TellingMutant] = []
    for done, (rule, every) in enumerate(by_rule.items(), 1):
        tried = sorted(every, key=lambda one: _ORDER.index(one.operator))[:TRIED]
        shown = [scenario_of(one) for role in Role if isinstance(one := witnesses.get((rule, role)), Witness)]
        told = list(_usual(searching, tried)) or _elsewhere(searching, tried)
        found += [_plainest(one, shown) for one in told]
        if step is not None:
            step("faults", done, len(by_rule))
    return tuple(found)


def _usual(searching: Distinguisher, tried: Sequence[Mutant]) -> Iterator[TellingMutant]:
    """Those that show soon under the default setting, each of another operator."""
    operators: set[str] = set()
    for mutant in tried:
        if mutant.operator not in operators and len(operators) < MOST:
            scenario = searching.soon(mutant, _STEPS[-1] if mutant.operator in _PLAIN else 0)
            if scenario is not None:
                operators.add(mutant.operator)
                yield TellingMutant(mutant, scenario)


def _elsewhere(searching: Distinguisher, tried: Sequence[Mutant]) -> list[TellingMutant]:
    """The first that shows under a setting near the default one."""
    for longest in _STEPS:
        for mutant in tried:
            scenario = searching.near(mutant, longest)
            if scenario is not None:
                return [TellingMutant(mutant, scenario)]
    return []


def _plainest(told: TellingMutant, witnesses: Iterable[Scenario]) -> TellingMutant:
    """A mutant with the history that shows what is allowed in full, if one does."""
    if _in_full(told):
        return told
    return next((one for shown in witnesses if _in_full(one := told._replace(scenario=shown))), told)


def _in_full(told: TellingMutant) -> bool:
    """Whether the history shows a difference in what is allowed in full."""
    mutant, (start, history) = told.mutant, (told.scenario.start, told.scenario.history)
    machine = machine_for(RULES, start.setting)
    ours, theirs = (expected(one, history, start.state) for one in (machine, mutated(machine, mutant)))
    return [*map(_fully, ours)] != [*map(_fully, theirs)]


def _fully(seen: Expectation) -> tuple[object, ...]:
    return tuple(one for one in seen.outcomes if one.level == 0), bool(seen.outcomes), seen.owed


def witnesses_that_kill(told: Sequence[TellingMutant], witnesses: Witnesses) -> dict[str, list[str]]:
    """For each mutant the ids of the cases of witnesses that tell it apart; those of its own rule first."""
    shown = {
        f"{WITNESS}/{rule}/{role}": scenario_of(one)
        for (rule, role), one in witnesses.items()
        if isinstance(one, Witness)
    }
    names = sorted(shown, key=lambda name: shown[name].start.name)
    among = [one.mutant for one in told]
    found: dict[str, list[str]] = {mutant.id: [] for mutant in among}
    for name, killed in zip(names, kills([shown[name] for name in names], among), strict=True):
        for one in killed:
            found[one].append(name)
    for mutant in among:
        found[mutant.id].sort(key=lambda name: not name.startswith(f"{WITNESS}/{mutant.rule}/"))
    return found
