"""A rule, and a set of rules: the one place where a row of the specification is defined.

A row says: at an event of this kind, when this guard holds, this reaction is what the RFC asks for (or permits), with
this strength and these words. Order among rows carries no meaning: every enabled row counts.

Reactions to inputs: :class:`Accept`, :class:`Fail` (section 7.1.7), :class:`Refuse` (section 4.2), :class:`Ignore`.
Verdicts on outputs of the endpoint itself: :class:`Permit`, :class:`Forbid`. Silence is an output too (quiescence): a
row that forbids it names the output that is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from functools import cached_property
from types import MappingProxyType
from typing import ClassVar, Final, TypeAlias

from .expression import Expr, Operand, Var, any_of, lift, substitute, variables
from .sources import RFC_7692, clause_of, source_of
from .variables import STATE_VARIABLES, EventKind


class Strength(Enum):
    """How strongly a rule binds (RFC 2119), two strengths that a profile decides about, and APPLICATION.

    CONSENSUS is a reaction that the RFC leaves open (it binds only the sender, and section 10.7 says MAY) but on which
    implementations and Autobahn agree. LETTER is a MUST of the text that they agree not to hold anybody to.
    APPLICATION is what the application behind the endpoint promises, such as to send every message back: no clause asks
    for it, and an endpoint that does otherwise breaks no rule of the RFC.
    """

    MUST = "MUST"
    CONSENSUS = "CONSENSUS"
    LETTER = "LETTER"
    SHOULD = "SHOULD"
    APPLICATION = "APPLICATION"
    MAY = "MAY"

    @property
    def binds(self) -> bool:
        """A rule of this strength takes freedom away; MAY only gives it."""
        return self is not Strength.MAY


STRENGTHS: Final = tuple(Strength)
"""From the strongest to the weakest."""


class Due(IntEnum):
    """An output that an endpoint owes, in the order in which the canonical endpoint discharges them."""

    REQUEST = 1
    RESPONSE = 2
    REPLY = 3
    PONG = 4
    CLOSE = 5
    TCP_CLOSE = 6


@dataclass(frozen=True)
class _Reaction:
    """The change of the state: the new value of each variable that changes, over the values before."""

    effects: Mapping[str, Expr] = field(default_factory=dict)
    word: ClassVar[str] = ""

    def __post_init__(self) -> None:
        unknown = set(self.effects) - set(STATE_VARIABLES)
        if unknown:
            raise ValueError(f"not a state variable: {', '.join(sorted(unknown))}")
        object.__setattr__(self, "effects", MappingProxyType(dict(self.effects)))


@dataclass(frozen=True)
class Accept(_Reaction):
    """The input is processed; ``delivers`` is what the application is told of, if anything."""

    delivers: str | None = None
    word: ClassVar[str] = "accept"


@dataclass(frozen=True)
class Fail(_Reaction):
    """Fail the WebSocket Connection (section 7.1.7); ``code`` is the appropriate status code.

    ``unable``: it fails for a limit of its own, which nothing on the wire shows. The canonical endpoint has none.
    """

    code: int = 1002
    unable: bool = False
    word: ClassVar[str] = "fail"


@dataclass(frozen=True)
class Refuse(_Reaction):
    """Abort the opening handshake (section 4.2); ``code`` is an appropriate status code of HTTP for the answer."""

    code: int = 400
    word: ClassVar[str] = "refuse"


@dataclass(frozen=True)
class Ignore(_Reaction):
    """The input is not processed."""

    word: ClassVar[str] = "ignore"


@dataclass(frozen=True)
class Permit(_Reaction):
    """The endpoint may do this."""

    word: ClassVar[str] = "permit"


@dataclass(frozen=True)
class Forbid(_Reaction):
    """The endpoint may not do this; where it is silence, ``due`` is what it owes instead.

    ``soon``: another row says that it is due; this one asks for it as soon as practical.
    """

    due: Due | None = None
    soon: bool = False
    word: ClassVar[str] = "forbid"


Reaction: TypeAlias = Accept | Fail | Refuse | Ignore | Permit | Forbid


def effects(**changes: Operand) -> Mapping[str, Expr]:
    """The effects of a reaction, by keyword: variable = new value."""
    return {name: lift(value) for name, value in changes.items()}


@dataclass(frozen=True)
class Rule:
    """One row. ``quote`` stands verbatim in ``section`` of ``source``; ``id`` is ``section/name``.

    For a row of RFC 7692 its number comes first: ``7692.7.2.1/name``.
    """

    id: str
    strength: Strength
    quote: str
    on: EventKind
    when: Expr
    then: Reaction
    words: str = field(default="", compare=False, repr=False)
    """For people: what arrives at the endpoint, where the rule says how to react; what is wrong in what it sends, where
    the rule forbids that."""
    does: str = field(default="", compare=False, repr=False)
    """For people: what an endpoint does that breaks the rule, where it is the same in every frame."""

    @property
    def section(self) -> str:
        """The section of ``source`` that the rule comes from."""
        return self.id.partition("/")[0].removeprefix(RFC_7692)

    @property
    def source(self) -> str:
        """The RFC that the rule comes from."""
        return source_of(self.id)

    @property
    def clause(self) -> str:
        """The section in words."""
        return clause_of(self.id, self.section)

    @property
    def refuses(self) -> bool:
        """A binding row against the event: it takes the other reactions away (see :data:`LEGAL`)."""
        return isinstance(self.then, (Fail, Refuse, Forbid)) and self.strength.binds


def worded(rows: Iterable[Rule], words: Mapping[str, str], does: Mapping[str, str] | None = None) -> tuple[Rule, ...]:
    """The rows with their words for people, by id. Raises ValueError for words of a row that is not there."""
    known = tuple(rows)
    lost = {*words, *(does or {})} - {row.id for row in known}
    if lost:
        raise ValueError(f"words of no row: {', '.join(sorted(lost))}")
    return tuple(replace(row, words=words.get(row.id, ""), does=(does or {}).get(row.id, "")) for row in known)


LEGAL: Final = Var("legal")
"""In a guard: no binding row of this event refuses it. Resolved by the :class:`RuleSet` from its own rows."""


class Level(Enum):
    """Which rows against an event count: all; all but APPLICATION; without SHOULD too; or those of MUST alone."""

    FULL = "full"
    NO_APPLICATION = "without APPLICATION"
    NO_SHOULD = "without SHOULD"
    MUST_ONLY = "MUST only"

    def keeps(self, strength: Strength) -> bool:
        """Refusals of this strength count at this level."""
        return strength not in _LEFT_OUT[self]


_LEFT_OUT: Final = {
    Level.FULL: (),
    Level.NO_APPLICATION: (Strength.APPLICATION,),
    Level.NO_SHOULD: (Strength.APPLICATION, Strength.SHOULD),
    Level.MUST_ONLY: (Strength.APPLICATION, Strength.SHOULD, Strength.CONSENSUS, Strength.LETTER),
}


class RuleSet:
    """An immutable set of rules, each with a unique id.

    ``guard(rule)`` is its guard with ``legal`` resolved over this very set. A mutant of the specification is a rule set
    with a row changed (:meth:`replacing`, :meth:`without`).
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: Final = tuple(rules)
        self.by_id: Final[Mapping[str, Rule]] = {rule.id: rule for rule in self.rules}
        if len(self.by_id) != len(self.rules):
            seen: set[str] = set()
            twice = [r.id for r in self.rules if r.id in seen or seen.add(r.id)]  # type: ignore[func-returns-value]
            raise ValueError(f"two rules have the id {', '.join(twice)}")
        self._levels: dict[Level, RuleSet] = {}

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def of(self, kind: EventKind) -> tuple[Rule, ...]:
        """The rules for events of this kind."""
        return self._by_kind[kind]

    @cached_property
    def _by_kind(self) -> dict[EventKind, tuple[Rule, ...]]:
        return {kind: tuple(r for r in self.rules if r.on is kind) for kind in EventKind}

    @cached_property
    def _guards(self) -> dict[str, Expr]:
        guards: dict[str, Expr] = {}
        for kind in EventKind:
            refused = any_of([r.when for r in self.of(kind) if r.refuses])
            for rule in self.of(kind):
                needs_legal = LEGAL.name in variables(rule.when)
                guards[rule.id] = substitute(rule.when, {LEGAL.name: ~refused}) if needs_legal else rule.when
        return guards

    def guard(self, rule: Rule) -> Expr:
        """The guard of a rule of this set over state, event and setting alone."""
        return self._guards[rule.id]

    def at(self, level: Level) -> RuleSet:
        """This set with the refusals that do not count at a level left out."""
        if level is Level.FULL:
            return self
        if level not in self._levels:
            self._levels[level] = RuleSet(r for r in self.rules if not r.refuses or level.keeps(r.strength))
        return self._levels[level]

    def without(self, rule_id: str) -> RuleSet:
        """This set with one row dropped; :class:`KeyError` for an unknown id."""
        dropped = self.by_id[rule_id]
        return RuleSet(r for r in self.rules if r is not dropped)

    def replacing(self, rule_id: str, **changes: object) -> RuleSet:
        """This set with fields of one row changed; :class:`KeyError` for an unknown id."""
        changed = replace(self.by_id[rule_id], **changes)  # type: ignore[arg-type]
        return RuleSet(changed if r.id == rule_id else r for r in self.rules)
