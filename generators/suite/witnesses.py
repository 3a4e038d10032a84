"""A shortest witness for each rule and role: a history, and a final event at which the rule is enabled.

Theory of operation. Under the default setting the search visits the reachable states breadth first; the first events at
which a rule is enabled are its candidates, and it prefers an event that no other rule forbids. (Before the opening
handshake has begun, another rule often does; then it prefers an event one step further.) A rule that stays silent needs
another setting: the search tries those that differ from the default in one variable, then in two, among the variables
on which the guard of the rule depends, directly or through the effects of other rules. A rule that no setting enables
at the full level can still govern departures from a SHOULD or from CONSENSUS; the search tries these last, and the
witness says so. Any other rule has no witness: :class:`Unreached` carries the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, product
from typing import Final, NamedTuple, TypeAlias

import z3

from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import LEVELS
from wsoracle.model.machine.reachable import Explorer, Transition
from wsoracle.model.machine.symbolic import SymbolicMachine, within_bounds
from wsoracle.model.notation.expression import Const, Expr, Sort, Value, substitute, variables
from wsoracle.model.notation.rule import Fail, Forbid, Level, Refuse, Rule, RuleSet
from wsoracle.model.notation.switches import SWITCHES, Switches
from wsoracle.model.notation.variables import (
    CLAIMS,
    CONNECTING,
    SETTING_VARIABLES,
    STATE_VARIABLES,
    Event,
    EventKind,
    Setting,
    State,
)
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from ..mutants.observable import opportunity
from ..mutants.operators import of_handshake
from ..mutants.world_starts import AGREEMENTS

STATED_LIMIT: Final = 2
"""The limit, in octets, of a witness that needs a stated one: small, so that all states can be visited."""

MOST_CHANGES: Final = 2
"""A witness differs from the default setting in at most this many variables."""

PATIENCE: Final = 2
"""From this distance on, only rules are sought whose guard the solver finds satisfiable."""

SOLVER_MILLISECONDS: Final = 10_000

_AGREEMENT: Final = "recv_window"
"""The variable that stands for permessage-deflate in changes of a start: agreed on, with contexts or without."""
_CONSTANT: Final = frozenset((*CLAIMS, _AGREEMENT))
_ABOUT_AGREEMENT: Final = frozenset({"recv_window", "send_window", "recv_takeover", "send_takeover"})


class WitnessStart(NamedTuple):
    """The start of a witness: a setting, and the state before or right after the opening handshake."""

    setting: Setting
    state: State = State()


@dataclass(frozen=True)
class Witness:
    """The rule is enabled at ``event`` after ``path`` from ``start``; no shorter path leads to such an event.

    (At the beginning of an opening handshake one may, but then the rule is not alone.)

    ``alone``: no other binding rule refuses the event; for a rule that takes it, no other rule is enabled at all.
    ``level``: the level at which the rule is enabled; below ``FULL``, the event departs from a SHOULD or CONSENSUS.
    ``changes``: the setting variables that differ from their defaults.
    """

    rule: Rule
    start: WitnessStart
    path: tuple[Transition, ...]
    event: Event
    alone: bool
    level: Level = Level.FULL
    changes: tuple[str, ...] = ()

    @property
    def setting(self) -> Setting:
        """The setting of the whole witness."""
        return self.start.setting

    @property
    def role(self) -> Role:
        """The role of the endpoint at which the rule fires."""
        return self.setting.role

    @property
    def state(self) -> State:
        """The state at which the event happens."""
        return self.path[-1].target if self.path else self.start.state


@dataclass(frozen=True)
class Unreached:
    """The rule has no witness in this role. ``proved``: its guard cannot hold in any state whatever, at any level."""

    rule: Rule
    role: Role
    proved: bool
    why: str


WitnessOrReason: TypeAlias = Witness | Unreached
Changes: TypeAlias = tuple[tuple[str, Value], ...]


def witnesses(rules: RuleSet = RULES, only: Iterable[str] | None = None) -> dict[tuple[str, Role], WitnessOrReason]:
    """A shortest witness, or the reason for its absence, by rule id and role, in the order of the rules.

    With ``only``, those of the rules with these ids; :class:`KeyError` for an id that no rule has.
    """
    return _Search(rules, rules.rules if only is None else tuple(rules.by_id[rule_id] for rule_id in only)).results()


@lru_cache(maxsize=1)
def all_witnesses() -> dict[tuple[str, Role], WitnessOrReason]:
    """The witnesses of the rules of RFC 6455, worked out once."""
    return witnesses(RULES)


def default_setting(role: Role) -> Setting:
    """The setting where a witness is sought first: no stated limit, no echo, the default switches."""
    return Setting(role)


class _Search:
    """The search for the witnesses of one rule set; explorations are shared among its rules."""

    def __init__(self, rules: RuleSet, sought: Sequence[Rule]) -> None:
        self.rules = rules
        self.sought = sought
        self.found: dict[tuple[str, Role], WitnessOrReason] = {}
        self._alphabets: dict[tuple[Role, int | None], Alphabet] = {}
        self._folded = _Folded()

    def results(self) -> dict[tuple[str, Role], WitnessOrReason]:
        """Search setting by setting, nearest first, each for all rules that ask for it."""
        wanted = {(rule.id, role) for rule in self.sought for role in Role}
        for rule, role in product(self.sought, Role):
            if self._impossible_in(rule, role):
                self.found[rule.id, role] = Unreached(rule, role, True, _why_not(rule, role))
        for level in LEVELS:
            for departing in (False, True) if level is not Level.FULL else (False,):
                for count in range(MOST_CHANGES + 1):
                    self._search(level, count, wanted - set(self.found), departing=departing)
        for rule_id, role in wanted - set(self.found):
            self.found[rule_id, role] = self._unreached(self.rules.by_id[rule_id], role)
        return {(rule.id, role): self.found[rule.id, role] for rule in self.sought for role in Role}

    def _search(self, level: Level, count: int, wanted: set[tuple[str, Role]], *, departing: bool) -> None:
        """Visit each setting with this many changes that a rule without a witness depends on."""
        asking: dict[tuple[Role, Changes, State], set[str]] = {}
        for rule, role in product(self.sought, Role):
            if (rule.id, role) in wanted and (count == 0 or self._satisfiable(rule.id, role, level)):
                for changes in self._changes(rule, count):
                    asking.setdefault((role, changes, first_state(rule)), set()).add(rule.id)
        for (role, changes, first), ids in asking.items():
            start = _changed(role, changes, first)
            known = known_values(self.rules, start, self._folded)
            open_ = {i for i in ids if (i, role) not in self.found and not self._is_excluded(i, known)}
            if open_:
                self._visit(tuple(name for name, _ in changes), start, level, open_, departing=departing)

    def _visit(
        self, changes: tuple[str, ...], start: WitnessStart, level: Level, open_: set[str], *, departing: bool
    ) -> None:
        """Visit the reachable states until each of the rules has a witness, or none is left."""
        role = start.setting.role
        alphabet = self._alphabet(start.setting)
        explorer = Explorer(self.rules, start.setting, departures=departing, alphabet=alphabet)
        machine = CompiledMachine(self.rules.at(level), start.setting)
        best: dict[str, Witness] = {}
        layer = 0
        visits = explorer.visits([start.state])
        for visit in visits:
            if visit.depth > layer:
                layer = visit.depth
                self._keep(best, open_, patient=layer == 1 and start.state == CONNECTING)
                if layer == PATIENCE:
                    open_ = {rule_id for rule_id in open_ if self._satisfiable(rule_id, role, level)}
                if not open_:
                    return
            kinds = {self.rules.by_id[rule_id].on for rule_id in open_}
            for event, enabled in self._events(machine, alphabet, visit.state, kinds):
                for rule in enabled:
                    if rule.id in open_ and not (rule.id in best and best[rule.id].alone):
                        alone = is_alone(rule, enabled)
                        if alone or rule.id not in best:
                            path = visits.path(visit.state)
                            best[rule.id] = Witness(rule, start, path, event, alone, level, changes)
        self._keep(best, open_)

    def _alphabet(self, setting: Setting) -> Alphabet:
        """The alphabet for a role and a limit: no atom compares a frame with any other part of a setting."""
        key = (setting.role, setting.limit)
        if key not in self._alphabets:
            self._alphabets[key] = Alphabet(self.rules, Setting(*key))
        return self._alphabets[key]

    def _keep(self, best: dict[str, Witness], open_: set[str], *, patient: bool = False) -> None:
        """Take what was found. Patient: not yet where something else speaks against the event too."""
        kept = {rule_id: witness for rule_id, witness in best.items() if witness.alone or not patient}
        for rule_id, witness in kept.items():
            self.found.setdefault((rule_id, witness.role), witness)
            open_.discard(rule_id)
            del best[rule_id]

    @staticmethod
    def _events(
        machine: CompiledMachine, alphabet: Alphabet, state: State, kinds: set[EventKind]
    ) -> Iterator[tuple[Event, list[Rule]]]:
        """The events of these kinds in a state, one for each set of enabled rules, with those rules."""
        for kind in EventKind:
            seen: set[int] = set()
            for event in alphabet.of(kind, state) if kind in kinds else ():
                mask = machine.mask(kind, state, event.facts)
                if mask not in seen:
                    seen.add(mask)
                    yield event, machine.rows(kind, mask)

    # --- which settings a rule may need ---------------------------------------------------------------------------

    def _changes(self, rule: Rule, count: int) -> Iterator[Changes]:
        """The changes of `count` variables that can matter to the rule, those that its own guard reads first."""
        names = self._depends_on(rule) if count else ()
        for chosen in combinations(names, count):
            yield from (tuple(zip(chosen, values, strict=True)) for values in product(*map(_other_values, chosen)))

    def _depends_on(self, rule: Rule) -> tuple[str, ...]:
        """The setting variables, and claims, that the guard reads: itself, or through effects on what it reads."""
        order: dict[str, None] = {}
        queue = list(variables(rule.when))
        for name in queue:
            if name not in order:
                order[name] = None
                for other in self.rules:
                    if name in other.then.effects:
                        queue += variables(other.then.effects[name])
        order.update(dict.fromkeys(variables(self.rules.guard(rule))))
        order.pop(_AGREEMENT, None)  # nearly all rules would depend on it: only those that read it themselves count
        about = [_AGREEMENT] if _ABOUT_AGREEMENT & set(variables(rule.when)) else []
        return (*about, *(n for n in order if (n in SETTING_VARIABLES and n != "server") or n in _CONSTANT))

    # --- proofs that there is none --------------------------------------------------------------------------------

    def _impossible_in(self, rule: Rule, role: Role) -> bool:
        return self._folded.cannot_be(rule, {"server": role is Role.SERVER})

    def _is_excluded(self, rule_id: str, known: Mapping[str, Value]) -> bool:
        return self._folded.cannot_be(self.rules.by_id[rule_id], known)

    def _satisfiable(self, rule_id: str, role: Role, level: Level) -> bool:
        """The guard can hold at this level in some state, reachable or not, under some setting."""
        rules = self.rules.at(level)
        if rule_id not in rules.by_id:
            return False
        rule, machine = rules.by_id[rule_id], SymbolicMachine(rules)
        state, frame = machine.state_env(), machine.frame_env()
        solver = z3.Solver()
        solver.set("timeout", SOLVER_MILLISECONDS)
        solver.add(machine.setting_bounds, *within_bounds(STATE_VARIABLES.values(), state))
        solver.add(machine.setting_env["server"] == (role is Role.SERVER))
        solver.add(machine.possible(rule.on, state, frame), machine.enabled(rule, state, frame))
        return bool(solver.check() != z3.unsat)

    def _unreached(self, rule: Rule, role: Role) -> Unreached:
        if not any(self._satisfiable(rule.id, role, level) for level in LEVELS):
            return Unreached(rule, role, True, "its guard cannot hold in any state, under any setting, at any level")
        return Unreached(rule, role, False, f"no setting within {MOST_CHANGES} changes of the default enables it")


def is_alone(rule: Rule, enabled: Sequence[Rule]) -> bool:
    """No other binding row refuses the event; for a row that takes it, no other row is enabled at all."""
    against = isinstance(rule.then, (Fail, Refuse, Forbid))
    return all(other is rule or (against and not other.refuses) for other in enabled)


class _Folded:
    """Expressions with known values put in and constants folded, each once for the values that it reads."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[Expr, tuple[str, ...]]] = {}
        self._known: dict[tuple[object, ...], Expr] = {}

    def fold(self, expression: Expr, known: Mapping[str, Value]) -> Expr:
        """The expression with these values put in."""
        # The expression is kept, so that its number stays its own.
        kept = self._names.get(id(expression))
        if kept is None:
            kept = self._names[id(expression)] = (expression, tuple(variables(expression)))
        key = (id(expression), *map(known.get, kept[1]))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = substitute(expression, known)
        return found

    def cannot_be(self, rule: Rule, known: Mapping[str, Value]) -> bool:
        """Whether, with these values known, the guard cannot hold or the event cannot happen."""
        return any(_is_false(self.fold(part, known)) for part in (rule.when, opportunity(rule.on)))


def known_values(rules: RuleSet, start: WitnessStart, folded: _Folded | None = None) -> dict[str, Value]:
    """The variables that keep one value for ever from this start, as far as folding constants can tell.

    Optimistic constant propagation: all variables are taken for constant until an effect that may happen, given those
    that are still taken for constant, says otherwise. ``folded`` keeps what was folded for other starts.
    """
    folded = folded or _Folded()
    known: dict[str, Value] = {**start.setting.values, **start.state._asdict()}
    while True:
        changed = {
            name
            for rule in rules
            if not folded.cannot_be(rule, known)
            for name, effect in rule.then.effects.items()
            if name in known and not _is_constant(folded.fold(effect, known), known[name])
        }
        if not changed:
            return known
        known = {name: value for name, value in known.items() if name not in changed}


def first_state(rule: Rule) -> State:
    """The start of histories that lead to a rule: before the opening handshake if the rule never holds after it."""
    return CONNECTING if of_handshake(rule) else State()


def _why_not(rule: Rule, role: Role) -> str:
    if _is_false(substitute(opportunity(rule.on), {"server": role is Role.SERVER})):
        does, _, what = rule.on.value.partition("_")
        return f"a {role} does not {does} a {what}"
    return f"its guard excludes the {role}"


def _is_constant(expression: Expr, value: Value) -> bool:
    return isinstance(expression, Const) and expression.value == value


def _is_false(expression: Expr) -> bool:
    return _is_constant(expression, False) and expression.sort is Sort.BOOL


def _other_values(name: str) -> tuple[Value, ...]:
    """The values of a setting variable, or claim, that are not its default."""
    if name == "limit":
        return (STATED_LIMIT,)
    if name == _AGREEMENT:
        return tuple(range(len(AGREEMENTS)))
    for switch in SWITCHES:
        if switch.variable.name == name:
            return tuple(i for i, value in enumerate(switch.values) if value != switch.default)
    return (True,)


def _changed(role: Role, changes: Iterable[tuple[str, Value]], first: State) -> WitnessStart:
    """The default start with some variables changed."""
    start = WitnessStart(default_setting(role), first)
    switches: dict[str, str] = {}
    by_variable = {switch.variable.name: switch for switch in SWITCHES}
    for name, value in changes:
        if name in by_variable:
            switches[by_variable[name].name] = by_variable[name].values[int(value)]
        elif name == _AGREEMENT:
            start = start._replace(state=AGREEMENTS[int(value)])
        elif name in STATE_VARIABLES:
            start = start._replace(state=start.state._replace(**{name: value}))  # type: ignore[arg-type]
        else:
            start = start._replace(setting=replace(start.setting, **{name: value}))  # type: ignore[arg-type]
    return start._replace(setting=replace(start.setting, switches=Switches(**switches)))
