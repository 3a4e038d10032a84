"""Hunting for deviations of an implementation: Hypothesis draws attempts, the judge judges, Hypothesis shrinks.

Theory of operation. Each kind of deviation has an exception of its own, so that Hypothesis takes them for different
faults and shrinks each to a minimal attempt. A later round does not raise a deviation that is known, so that it cannot
hide another. The same seed draws the same attempts, with one limit: ten seconds after the first fault of a round
Hypothesis looks for no further one and begins to shrink, so that a much slower machine can end a round earlier.

A round after the opening handshake is steered: Hypothesis is told (`target`) how many rules an attempt makes fire,
those that fired seldom in the rounds before counting for more. A round from the first octet on is not: each single
change of a sound head is tried before in any case, and steering takes more time there than trying.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Final

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings, target
from hypothesis import strategies as st

from wsoracle.model.notation.variables import CONNECTING
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.deviation import Deviation, deviations
from wsoracle.properties.judge.judge import EVERYTHING, judge, rules_fired
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Trace
from wsoracle.properties.state_machines.driving import Driver, drive

from ..implementations import ApplicationRefused, PeerCrashed
from ..implementations.adapter import URI
from .attempts import Attempt, RoleUnderTest


@dataclass(frozen=True, slots=True)
class Examined:
    """An attempt, the trace of it, the judgement on the trace, and the deviations that it shows."""

    attempt: Attempt
    trace: Trace
    judgement: Judgement
    deviations: tuple[Deviation, ...]


def examine(tested: RoleUnderTest, attempt: Attempt) -> Examined:
    """Drive a fresh connection through an attempt and judge the trace."""
    trace = drive(Driver(tested.connect(attempt), (ApplicationRefused,), (PeerCrashed,)), attempt.stimulus)
    judgement = _judged(trace, attempt)
    return Examined(attempt, trace, judgement, deviations(judgement, trace))


def _judged(trace: Trace, attempt: Attempt) -> Judgement:
    return judge(
        trace,
        attempt.setting,
        start=CONNECTING if attempt.from_first_octet else attempt.start,
        uri=parse_uri(URI) if attempt.setting.role is Role.CLIENT else None,
        head_limit=attempt.head_limit,
        application=attempt.application,
        sees=EVERYTHING,
    )


@dataclass(frozen=True, slots=True)
class Hunt:
    """The result of a hunt: the minimal example of each deviation, how often each rule fired, how many were drawn."""

    found: tuple[Examined, ...]
    fired: Mapping[str, int]
    drawn: int


MOST_ROUNDS: Final = 40


def hunt(
    tested: RoleUnderTest,
    seed_value: int,
    examples: int,
    progress: Callable[[], None] | None = None,
    *,
    opening: bool = False,
) -> Hunt:
    """Hunt for deviations through about `examples` drawn attempts, those that shrinking runs included.

    With `opening` connections begin with the first octet. Each single change of a sound head is tried first then, once,
    and not counted. A round ends soon after a deviation was found, to shrink it; there are rounds as long as examples
    are left. `progress` is called once for each attempt that is drawn.
    """
    fired: Counter[str] = Counter()
    known: set[object] = set()
    found: list[Examined] = []
    drawn = 0
    for attempt in tested.single_changes() if opening else ():
        examined = examine(tested, attempt)
        fired.update(rules_fired(examined.judgement, attempt.setting))
        kinds = _kinds(examined.deviations)
        if not known.issuperset(kinds):
            found.append(examined)
            known.update(kinds)
    strategy = tested.opening_attempts() if opening else tested.attempts()
    for number in range(MOST_ROUNDS):
        if drawn >= examples:
            break
        one = _Round(tested, frozenset(known), Counter(fired), progress)
        new = one.run(strategy, seed_value * MOST_ROUNDS + number, examples - drawn)
        fired += one.fired
        drawn += one.drawn
        found += new
        known.update(kind for examined in new for kind in _kinds(examined.deviations))
    return Hunt(tuple(found), dict(fired), drawn)


def _kinds(found: Iterable[Deviation]) -> list[object]:
    """The keys by which a deviation is known or new.

    A head that is accepted in spite of rules has a key for each rule, so that two faults in one head show nothing new
    where each was found already. The key of a crash is the function that raised the exception.
    """
    kinds: list[object] = []
    for one in found:
        reasons = [rule for rule in one.rules if RULES.by_id[rule].on.value.startswith("receive_re")]
        if reasons:
            kinds += [(rule, one.act.partition(" ")[0]) for rule in reasons]
        elif one.act.startswith("it crashed"):
            kinds.append((one.rules, one.act.rpartition("(")[2]))
        else:
            kinds.append((one.rules, one.act, one.prompted))
    return kinds


class Deviates(AssertionError):
    """An attempt shows a deviation that was not known."""

    def __init__(self, examined: Examined) -> None:
        super().__init__(str(examined.deviations))
        self.examined = examined


def repeatable(examples: int) -> settings:
    """Settings of Hypothesis under which the same seed gives the same result, and faults are returned, not printed."""
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=True,
    )


class _Round:
    """One run of Hypothesis."""

    def __init__(
        self,
        tested: RoleUnderTest,
        known: frozenset[object],
        before: Counter[str],
        progress: Callable[[], None] | None,
    ) -> None:
        self.fired: Final[Counter[str]] = Counter()
        self.drawn = 0
        self._tested: Final = tested
        self._known: Final = known
        self._before: Final = before
        self._progress: Final = progress
        self._raised: Final[dict[object, type[Deviates]]] = {}

    def run(self, strategy: st.SearchStrategy[Attempt], seed_value: int, examples: int) -> list[Examined]:
        """The minimal example of each deviation that was not known."""

        @seed(seed_value)
        @repeatable(examples)
        @given(strategy)
        def deviates_in_no_new_way(attempt: Attempt) -> None:
            self._try(attempt)

        try:
            deviates_in_no_new_way()
        except Deviates as one:
            return [one.examined]
        except ExceptionGroup as several:
            return [one.examined for one in _leaves(several)]
        return []

    def _try(self, attempt: Attempt) -> None:
        self.drawn += 1
        if self._progress is not None:
            self._progress()
        examined = examine(self._tested, attempt)
        fired = rules_fired(examined.judgement, attempt.setting)
        self.fired.update(fired)
        if not attempt.from_first_octet:
            # fsum, because a sum that depends on the order of a set would make the search depend on Python's hash seed.
            target(fsum(1.0 + 10.0 / (1 + self._before[rule]) for rule in fired), label="rules fired")
        new = [kind for kind in _kinds(examined.deviations) if kind not in self._known]
        if new:
            kind = self._raised.setdefault(new[0], type(f"Deviates{len(self._raised)}", (Deviates,), {}))
            raise kind(examined)


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Deviates]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        elif isinstance(error, Deviates):
            yield error
        else:
            raise error
