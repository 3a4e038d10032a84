"""Which mutants a history tells apart is what following it under each of their rules says."""

from __future__ import annotations

from collections.abc import Iterator

from wsoracle.generators.mutants.distinguish import Scenario
from wsoracle.generators.mutants.killed import kills
from wsoracle.generators.mutants.observable import expected, mutated
from wsoracle.generators.mutants.operators import mutants
from wsoracle.generators.mutants.reachable_histories import World
from wsoracle.generators.mutants.world_starts import AGREEMENTS, WorldStart
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.variables import EventKind, Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

STARTS = (
    WorldStart(Setting(Role.SERVER, echo=True)),
    WorldStart(Setting(Role.SERVER, limit=2, echo=True), AGREEMENTS[0]),
    WorldStart(Setting(Role.CLIENT, echo=True), departing=True),
)


def _scenarios() -> Iterator[Scenario]:
    for start in STARTS:
        world = World(start)
        for here in world.layer(2)[::11]:
            for kind in (EventKind.RECEIVE, EventKind.SEND, EventKind.SILENCE):
                for trial in world.trials_in(here, kind)[:40:13]:
                    yield Scenario(start, (*world.history(here), trial.step(here.state)))


def test_kills_are_the_mutants_that_expect_something_else_along_the_whole_history() -> None:
    some = mutants()[::37]
    scenarios = list(_scenarios())
    machines = {start.setting: CompiledMachine(RULES, start.setting) for start in STARTS}
    as_machines = {start.setting: [mutated(machines[start.setting], m) for m in some] for start in STARTS}
    total = 0
    for scenario, killed in zip(scenarios, kills(scenarios, some), strict=True):
        setting, history, first = scenario.start.setting, scenario.history, scenario.start.state
        ours = expected(machines[setting], history, first)
        theirs = {
            m.id: expected(changed, history, first) for m, changed in zip(some, as_machines[setting], strict=True)
        }
        assert killed == {name for name, seen in theirs.items() if seen != ours}
        total += len(killed)
    assert total > 20
