"""Random walks through the model: each rule is a goal, and both engines must agree on the way to it.

By these walks every rule fires in an exploration, also those that need another answer to a disputed point, a stated
limit, claimed reserved bits, or a departure.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from hypothesis import given, seed, target
from hypothesis import strategies as st

from wsoracle.generators.strategies.frames import starts, varied_settings
from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.variables import CONNECTING, Setting, State
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.state_machines.walk import Walk, possible_in

from .hunting import repeatable

LONGEST_WALK: Final = 8
_MOST_TRIES: Final = 400
_PLAIN: Final = State(), State(claims_rsv1=True)
_AGREED: Final = tuple(
    State(claims_rsv1=True, recv_window=512, send_window=512, recv_takeover=keeps, send_takeover=keeps)
    for keeps in (True, False)
)
"""Right after an opening handshake that agreed on permessage-deflate, with contexts taken over and without."""
_WINDOWS: Final = frozenset(("recv_window", "send_window"))
"""A rule that asks for one of these is tried there: few others depend on what was agreed on."""


@dataclass(frozen=True, slots=True)
class RandomWalks:
    """Rules fired by id, and how many walks there were."""

    fired: Mapping[str, int]
    walks: int


@lru_cache(maxsize=1)
def few_settings() -> tuple[Setting, ...]:
    """Some of the varied settings: each answer to a disputed point in both roles, and each limit and application.

    The last two are a client that is a browser, and a server that takes every sound opening handshake.
    """
    kinds = 3
    varied = tuple(s for n, s in enumerate(varied_settings()) if n // 2 % kinds == n // (2 * kinds) % kinds)
    return (*varied, Setting(Role.CLIENT, browser=True), Setting(Role.SERVER, willing=True))


def random_walks(seed_value: int, walks: int, progress: Callable[[], None] | None = None) -> RandomWalks:
    """Walk `walks` times with a drawn rule as the goal, then for each rule that has not fired until it does.

    The engines are compared where a goal is reached for the first time (asking the rules as they stand takes long).
    Raises :class:`~wsoracle.properties.state_machines.walk.EnginesDisagree`, shrunk.
    """
    fired: Counter[str] = Counter()
    compared: set[str] = set()
    count = 0
    goals = st.sampled_from([rule.id for rule in RULES])
    steps = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99)), min_size=LONGEST_WALK, max_size=LONGEST_WALK)

    @seed(seed_value)
    @repeatable(walks)
    @given(goals, st.integers(0, 99), starts() | st.sampled_from(_AGREED), steps)
    def engines_agree(goal: str, number: int, start: State, choices: list[tuple[int, int]]) -> None:
        nonlocal count
        count += 1
        if progress is not None:
            progress()
        found = _walk(goal, number, start, choices, goal not in compared)
        if found[goal]:
            compared.add(goal)
        fired.update(found)
        target(float(len(found)), label="rules fired")

    engines_agree()
    for rule in RULES:
        chance = random.Random(f"{seed_value} {rule.id}")
        asks_for_deflate = not _WINDOWS.isdisjoint(variables(rule.when))
        tries = 0
        while not fired[rule.id] and tries < _MOST_TRIES:
            tries += 1
            choices = [(chance.randrange(10), chance.randrange(100)) for _ in range(LONGEST_WALK)]
            start = chance.choice(_AGREED if asks_for_deflate else _PLAIN)
            fired.update(_walk(rule.id, chance.randrange(100), start, choices, True))
    return RandomWalks(dict(fired), count)


def _walk(goal: str, number: int, start: State, choices: list[tuple[int, int]], compare: bool) -> Counter[str]:
    """One walk, until the goal is reached; the rules that fired. `compare`: both engines are asked at the goal."""
    where = _possible(goal)
    if _begins_earlier(goal, number):
        # One setting will do: what is worth trying in a head takes long to work out for each.
        start, where = CONNECTING, where[:1]
    walk = Walk(where[number % len(where)], start)
    for group, way in choices:
        events = walk.events_for(goal)
        if events:
            event = events[way % len(events)]
            if compare:
                walk.meet(event)
            else:
                walk.note(event)
            break
        groups = walk.moves()
        if not groups:
            break
        moves = groups[group % len(groups)]
        walk.go(moves[way % len(moves)])
    return walk.fired


def _begins_earlier(goal: str, number: int) -> bool:
    """Whether to set out for a rule from before the opening handshake.

    For rules on heads of HTTP always, for those that ask how far the handshake is every other time.
    """
    rule = RULES.by_id[goal]
    if rule.on.facts is not None and not rule.on.has_frame:
        return True
    return "handshake" in variables(rule.when) and number % 2 == 0


@cache
def _possible(goal: str) -> tuple[Setting, ...]:
    """The settings in which a rule can fire."""
    return tuple(setting for setting in few_settings() if possible_in(RULES.by_id[goal], setting))
