"""The explorer finds what a graph library finds, by paths as short, in an order that the relation alone decides."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.machine.explorer import BreadthFirst, TooManyStatesError

EDGES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40)


def explorer(edges: list[tuple[int, int]], longest: int | None = None) -> BreadthFirst[int, str]:
    return BreadthFirst([0], lambda state: ((f"{a}-{b}", b) for a, b in edges if a == state), longest=longest)


@given(EDGES, st.none() | st.integers(0, 4))
def test_every_reachable_state_comes_once_by_a_shortest_path(edges: list[tuple[int, int]], longest: int | None) -> None:
    graph: nx.DiGraph[int] = nx.DiGraph(edges)
    graph.add_node(0)
    distances = nx.single_source_shortest_path_length(graph, 0, cutoff=longest)
    reached = explorer(edges, longest)
    visits = list(reached)
    assert {visit.state: visit.depth for visit in visits} == distances
    assert [visit.depth for visit in visits] == sorted(visit.depth for visit in visits)
    for visit in visits:
        path = reached.path(visit.state)
        assert len(path) == visit.depth
        here = 0
        for label in path:
            source, _, target = label.partition("-")
            assert int(source) == here
            here = int(target)
        assert here == visit.state


@given(EDGES)
def test_layers_are_the_visits_by_distance(edges: list[tuple[int, int]]) -> None:
    by_distance: dict[int, tuple[int, ...]] = {}
    for visit in explorer(edges):
        by_distance[visit.depth] = (*by_distance.get(visit.depth, ()), visit.state)
    assert list(explorer(edges).layers()) == list(by_distance.values())


def test_nothing_is_explored_before_it_is_asked_for() -> None:
    asked: list[int] = []

    def steps(state: int) -> Iterator[tuple[None, int]]:
        asked.append(state)
        yield None, state + 1

    visits = iter(BreadthFirst([0], steps))
    assert [next(visits).state for _ in range(3)] == [0, 1, 2]
    assert asked == [0, 1]


def test_of_states_with_one_key_the_first_is_visited() -> None:
    reached = BreadthFirst([1], lambda state: [("twice", 2 * state), ("more", state + 1)], key=lambda state: state % 5)
    assert [visit.state for visit in reached] == [1, 2, 4, 3, 5]
    assert reached.path(3) == ("twice", "more")
    with pytest.raises(KeyError):
        reached.path(6)


def test_too_many_states_are_an_error() -> None:
    with pytest.raises(TooManyStatesError, match="more than 5 states"):
        list(BreadthFirst([0], lambda state: [(None, state + 1)], most=5))
