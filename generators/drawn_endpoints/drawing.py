"""A drawn endpoint and its trace, from a number."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from wsoracle.properties.judge.judge import EVERYTHING
from wsoracle.properties.traces.recorded import Recorded

from .endpoint import DrawnEndpoint
from .habits import Behaviour, Habits, draw_habits


class Drawn(NamedTuple):
    """A trace of a conforming endpoint. ``own``: its application did something for which the trace shows no reason."""

    recorded: Recorded
    behaviour: Behaviour
    own: bool


def draw_conforming(seed: str, habits: Habits | None = None) -> Drawn:
    """The conforming endpoint that a seed stands for, and its trace."""
    random = Random(seed)
    chosen = draw_habits(random) if habits is None else habits
    endpoint = DrawnEndpoint(random, chosen)
    endpoint.run()
    own = endpoint.did_something_of_its_own and not (chosen.setting.echo and endpoint.peer.sent_open)
    return Drawn(recorded_of(endpoint), chosen.behaviour, own)


def recorded_of(endpoint: DrawnEndpoint) -> Recorded:
    """The trace of a drawn endpoint that has run, with all that judging takes."""
    habits = endpoint.habits
    sees = EVERYTHING if habits.inside else frozenset()
    return Recorded(
        tuple(endpoint.observer.trace), habits.setting, habits.application, habits.opening, sees,
        extensions=None if habits.opening else habits.extensions,
    )  # fmt: skip
