"""Looking for deviations of one implementation: Hypothesis draws scenarios, the judge judges, Hypothesis shrinks.

Theory of operation. Each kind of deviation has an exception of its own, so that Hypothesis takes them for different
faults and shrinks each to a minimal scenario. What was found is known in the next round and no longer raised, so that
it cannot hide another. A round is steered: Hypothesis is told (`target`) how many rules a scenario makes fire, those
that fired seldom in the rounds before counting for more. The same seed gives the same findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings, target
from hypothesis import strategies as st

from wsoracle.generators.strategies.frames import settings_of_endpoints, starts, stimuli
from wsoracle.model.notation.variables import MAX_LENGTH, Setting, State
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.deviation import Deviation, deviations
from wsoracle.properties.judge.judge import EVERYTHING, Application, Judgement, judge, rules_fired
from wsoracle.properties.judge.observation import Observation, Stimulus
from wsoracle.properties.state_machines.driving import Driver, Sut, drive

from ..implementations import ApplicationRefused, PeerCrashed, PeerFactory
from ..implementations.limited import SMALL_LIMIT, can_be_limited, limited
from ..implementations.own_endpoint import OwnEndpoint

__all__ = ["Examined", "Hunt", "OwnSubject", "PeerSubject", "Scenario", "Subject", "Way", "examine", "hunt", "hunt_by"]

NO_LIMIT: Final = MAX_LENGTH
"""Of an implementation without a limit of its own: any message is legal. (A limit that nobody states excuses more.)"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done to an endpoint, in which setting, with which application on top."""

    stimulus: Stimulus
    application: Application
    setting: Setting
    start: State = field(default_factory=State)


class Subject(Protocol):
    """An implementation in one role."""

    @property
    def implementation(self) -> str:
        """Its name."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def role(self) -> Role:
        """The role that it plays."""

    def scenarios(self) -> st.SearchStrategy[Scenario]:
        """What to try."""

    def open(self, scenario: Scenario) -> Sut:
        """A fresh connection for a scenario."""


class PeerSubject:
    """A real implementation: its limit is the one that it states, or a small one; its application a sink or an echo."""

    def __init__(self, factory: PeerFactory, role: Role) -> None:
        self.implementation: Final = factory.implementation
        self.version: Final = factory.version
        self.role: Final = role
        self._factory: Final = factory
        stated = factory(role).limits["message_octets"]
        self.limit: Final = NO_LIMIT if stated is None else stated

    def scenarios(self) -> st.SearchStrategy[Scenario]:
        """Stimuli for either application."""
        usual = [self._scenarios("sink", self.limit), self._scenarios("sink", self.limit)]
        small = [self._scenarios("sink", SMALL_LIMIT)] if can_be_limited(self._factory) else []
        return st.one_of(*usual, *small, self._scenarios("echo", self.limit))

    def _scenarios(self, application: Application, limit: int) -> st.SearchStrategy[Scenario]:
        echo = application == "echo"
        setting = Setting(self.role, limit, echo)
        made = stimuli(self.role, limit=limit, fragments=not echo)
        return made.map(lambda stimulus: Scenario(stimulus, application, setting))

    def open(self, scenario: Scenario) -> Sut:
        """A fresh connection."""
        limit = scenario.setting.limit
        factory = self._factory if limit is None or limit == self.limit else limited(self._factory, limit)
        return factory(self.role, "echo" if scenario.application == "echo" else "sink")


class OwnSubject:
    """Our own endpoint in any setting, with any reserved bits claimed: the control."""

    def __init__(self, role: Role) -> None:
        own = OwnEndpoint(Setting(role))
        self.implementation: Final = own.implementation
        self.version: Final = own.version
        self.role: Final = role

    def scenarios(self) -> st.SearchStrategy[Scenario]:
        """Stimuli for either application, in any setting."""
        return st.one_of(self._scenarios(echo=False), self._scenarios(echo=True))

    def _scenarios(self, *, echo: bool) -> st.SearchStrategy[Scenario]:
        made = stimuli(self.role, fragments=not echo)
        return st.builds(self._scenario, made, settings_of_endpoints(self.role, echo=echo), starts())

    @staticmethod
    def _scenario(stimulus: Stimulus, setting: Setting, start: State) -> Scenario:
        stated = OwnEndpoint(setting).setting
        return Scenario(stimulus, "echo" if setting.echo else "sink", stated, start)

    def open(self, scenario: Scenario) -> Sut:
        """A fresh connection."""
        return OwnEndpoint(scenario.setting, scenario.start)


@dataclass(frozen=True, slots=True)
class Examined:
    """A scenario, the trace of it, the judgement on the trace, and the deviations that it shows."""

    scenario: Scenario
    trace: tuple[Observation, ...]
    judgement: Judgement
    deviations: tuple[Deviation, ...]


def examine(subject: Subject, scenario: Scenario) -> Examined:
    """Drive a fresh connection through a scenario and judge the trace."""
    driver = Driver(subject.open(scenario), (ApplicationRefused,), (PeerCrashed,))
    trace = drive(driver, scenario.stimulus)
    judgement = judge(trace, scenario.setting, application=scenario.application, sees=EVERYTHING, start=scenario.start)
    return Examined(scenario, trace, judgement, deviations(judgement, trace))


@dataclass(frozen=True, slots=True)
class Hunt:
    """What came of hunting: the minimal example of each deviation, rules fired by id, how many scenarios were run."""

    found: tuple[Examined, ...]
    fired: Mapping[str, int]
    scenarios: int


class Deviates(AssertionError):
    """A scenario shows a deviation that was not known."""

    def __init__(self, examined: Examined) -> None:
        super().__init__(str(examined.deviations))
        self.examined = examined


MOST_ROUNDS: Final = 40


@dataclass(frozen=True, slots=True)
class Way:
    """How one hunts: what is drawn, how it is examined, what makes a deviation new, and whether rounds are steered.

    ``kinds`` are of the deviations of one scenario, each hashable; what has only kinds that are known is not new.
    """

    scenarios: Callable[[], st.SearchStrategy[Scenario]]
    examine: Callable[[Scenario], Examined]
    kinds: Callable[[Sequence[Deviation]], Sequence[object]]
    steered: bool = True


def hunt(subject: Subject, seed_value: int, examples: int, progress: Callable[[], None] | None = None) -> Hunt:
    """Hunt for deviations through about `examples` scenarios, those that shrinking runs included.

    A round ends soon after a deviation was found, to shrink it; there are rounds as long as scenarios are left.
    `progress` is called once for each scenario.
    """
    way = Way(subject.scenarios, lambda scenario: examine(subject, scenario), lambda found: found)
    return hunt_by(way, seed_value, examples, progress)


def hunt_by(
    way: Way,
    seed_value: int,
    examples: int,
    progress: Callable[[], None] | None = None,
    first: Iterable[Scenario] = (),
) -> Hunt:
    """Hunt in some way, as :func:`hunt` does. What is to be tried ``first`` is tried once, and not counted."""
    fired: Counter[str] = Counter()
    known: set[object] = set()
    found: list[Examined] = []
    scenarios = 0
    for scenario in first:
        examined = way.examine(scenario)
        fired.update(rules_fired(examined.judgement, scenario.setting))
        kinds = way.kinds(examined.deviations)
        if not known.issuperset(kinds):
            found.append(examined)
            known.update(kinds)
    for number in range(MOST_ROUNDS):
        if scenarios >= examples:
            break
        one = _Round(way, frozenset(known), Counter(fired), progress)
        new = one.run(seed_value * MOST_ROUNDS + number, examples - scenarios)
        fired += one.fired
        scenarios += one.scenarios
        found += new
        known.update(kind for examined in new for kind in way.kinds(examined.deviations))
    return Hunt(tuple(found), dict(fired), scenarios)


class _Round:
    """One run of Hypothesis."""

    def __init__(
        self, way: Way, known: frozenset[object], before: Counter[str], progress: Callable[[], None] | None
    ) -> None:
        self.fired: Final[Counter[str]] = Counter()
        self.scenarios = 0
        self._way: Final = way
        self._known: Final = known
        self._before: Final = before
        self._progress: Final = progress
        self._raised: Final[dict[object, type[Deviates]]] = {}

    def run(self, seed_value: int, examples: int) -> list[Examined]:
        """The minimal example of each deviation that was not known."""

        @seed(seed_value)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.target, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            report_multiple_bugs=True,
        )
        @given(self._way.scenarios())
        def deviates_in_no_new_way(scenario: Scenario) -> None:
            self._try(scenario)

        try:
            deviates_in_no_new_way()
        except Deviates as one:
            return [one.examined]
        except ExceptionGroup as several:
            return [one.examined for one in _leaves(several)]
        return []

    def _try(self, scenario: Scenario) -> None:
        self.scenarios += 1
        if self._progress is not None:
            self._progress()
        examined = self._way.examine(scenario)
        fired = rules_fired(examined.judgement, scenario.setting)
        self.fired.update(fired)
        if self._way.steered:
            target(sum(1.0 + 10.0 / (1 + self._before[rule]) for rule in fired), label="rules fired")
        new = [kind for kind in self._way.kinds(examined.deviations) if kind not in self._known]
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
