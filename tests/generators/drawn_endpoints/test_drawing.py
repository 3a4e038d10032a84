"""Drawn endpoints: what is drawn conforms, as an exhaustive search of all interleavings says, and is varied."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from wsoracle.generators.drawn_endpoints.drawing import draw_conforming
from wsoracle.generators.drawn_endpoints.endpoint import DrawnEndpoint
from wsoracle.generators.drawn_endpoints.habits import Behaviour, draw_extensions, draw_habits
from wsoracle.generators.drawn_endpoints.units import DrawnFrame
from wsoracle.properties.judge.observation import (
    ArrivesEof,
    ArrivesReset,
    ClosesTcp,
    Quiet,
    ResetsTcp,
    ShutsDownTcp,
    Tells,
    Writes,
)
from wsoracle.selfcheck.checking import searched

_COUNT = 150


def test_what_is_drawn_conforms() -> None:
    for index in range(_COUNT):
        # The search does not tell the ends of the two directions of TCP apart.
        habits = replace(draw_habits(Random(index)), ends_apart=False)
        drawn = draw_conforming(f"conforms/{index}", habits)
        assert searched(drawn.recorded, faults=False).conforms, drawn


def test_a_seed_stands_for_one_trace() -> None:
    assert draw_conforming("seed/7") == draw_conforming("seed/7")
    assert len({draw_conforming(f"seed/{index}").recorded.trace for index in range(30)}) > 15


def test_all_kinds_of_endpoints_are_drawn() -> None:
    """Every behaviour in both roles, with and without the opening handshake; every way in which a connection ends."""
    seen: Counter[object] = Counter()
    for index in range(600):
        drawn = draw_conforming(f"kinds/{index}")
        recorded = drawn.recorded
        seen[drawn.behaviour, recorded.setting.role] += 1
        seen[recorded.opening] += 1
        seen.update(type(one) for one in recorded.trace)
    assert {key for key in seen if isinstance(key, tuple)} == {(b, r) for b in Behaviour for r in ("server", "client")}
    for needed in (True, False, ArrivesEof, ArrivesReset, ClosesTcp, Quiet, ResetsTcp, ShutsDownTcp, Tells, Writes):
        assert seen[needed] >= 10, needed


def test_compressed_messages_are_drawn_in_both_directions() -> None:
    """Whole and in fragments, sound and not, over what was sent before; agreed on before the trace, or in it."""
    seen: Counter[str] = Counter()
    for index in range(500):
        random = Random(f"compressed/{index}")
        endpoint = DrawnEndpoint(random, replace(draw_habits(random), extensions=draw_extensions(random, narrow=True)))
        endpoint.run()
        if endpoint.way is None:
            continue
        seen["agreed in the trace" if endpoint.habits.opening else "agreed before it"] += 1
        arrived = [unit for unit in endpoint.peer.units if isinstance(unit, DrawnFrame)]
        for way, frames in (("arrived", arrived), ("sent", endpoint.way.sent)):
            compressed = [(frame.header, frame.deflated) for frame in frames if frame.deflated is not None]
            seen[way] += len(compressed)
            seen[f"{way} in parts"] += any(not header.fin for header, _ in compressed)
            seen[f"{way} over what came before"] += any(measured.reach > 0 for _, measured in compressed)
            seen[f"{way} damaged"] += any(measured.fault.lost for _, measured in compressed)
    assert seen.pop("sent damaged") == 0
    assert len(seen) == 9 and all(seen.values()), seen


def test_what_an_application_does_of_its_own_is_known() -> None:
    """Where `own` says so, the trace has a message that no peer sends and no observer saw asked for."""
    owns = [drawn for index in range(400) if (drawn := draw_conforming(f"own/{index}")).own]
    assert owns
    assert all(drawn.behaviour in (Behaviour.GREETER, Behaviour.FREE) for drawn in owns)
    assert all(any(isinstance(one, Writes) for one in drawn.recorded.trace) for drawn in owns)
