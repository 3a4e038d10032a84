"""That explored states are all there are, by Z3, under more settings than the theorems take."""

import pytest

from tests.properties.theorems.inductive_states import escape, invariant, moving_variables
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.interpreted import allowed
from wsoracle.model.machine.reachable import Exploration, Explorer, explored_once
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

SETTINGS = {
    "a server": Setting(Role.SERVER),
    "a client": Setting(Role.CLIENT),
    "a stated limit": Setting(Role.CLIENT, limit=2),
    "other switches": Setting(
        Role.SERVER,
        echo=True,
        switches=Switches(control_after_close="must", invalid_utf8_noticed="at once", close_inside_message="refused"),
    ),
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_no_frame_whatever_leads_out_of_the_explored_states(setting: Setting) -> None:
    explored = explored_once(setting)
    assert escape(explored) is None


def test_an_exploration_that_stopped_too_early_is_found_out() -> None:
    explored = explored_once(Setting(Role.SERVER))
    kept = {state: via for state, via in explored.via.items() if not state.discarding}
    found = escape(Exploration(RULES, explored.setting, explored.initial, kept, explored.transitions))
    assert found is not None
    assert not found.source.discarding
    assert found.target.discarding
    after = allowed(found.source, found.event, explored.setting)
    assert found.target in [outcome.state for outcome in after]


def test_the_invariant_holds_of_the_explored_states_alone() -> None:
    explored = explored_once(Setting(Role.CLIENT))
    inside = invariant(explored)
    assert all(evaluate(inside, state._asdict()) for state in explored.states[::20])
    assert not evaluate(inside, explored.states[0]._replace(discarding=True)._asdict())


def test_what_never_changes_is_left_out() -> None:
    names = moving_variables(explored_once(Setting(Role.SERVER)))
    assert "close_code" not in names
    assert not any(name.startswith("claims") for name in names)
    assert "sent_close" in names


def test_pairs_of_changes_reach_nothing_more() -> None:
    setting = Setting(Role.SERVER)
    explored = explored_once(setting)
    states = set(explored.states)
    explorer = Explorer(RULES, setting, alphabet=Alphabet(RULES, setting, pairs=True))
    for state in explored.states[:24]:
        assert {step.target for step in explorer.transitions(state)} <= states
