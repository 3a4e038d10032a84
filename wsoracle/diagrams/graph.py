"""The reachable graph of one endpoint as a networkx graph, and small views of it that people can read.

The whole graph has hundreds of states and tens of thousands of transitions. A *view* is a quotient of it: states that
agree on a few facts become one box, and words name the events between boxes. Nothing is drawn by hand: a
mutant of the rules has its own diagram.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from wsoracle.model.machine.reachable import Exploration, Explorer
from wsoracle.model.machine.words import DUES, FRAMES, StepWords, step_words
from wsoracle.model.notation.rule import Due
from wsoracle.model.notation.variables import CONNECTING, State, phase
from wsoracle.model.octets.vocabulary import BINARY, TEXT

from .diagram import Arrow, Box, Diagram, wrapped

if TYPE_CHECKING:
    import networkx as nx

ViewGraph: TypeAlias = "nx.DiGraph[tuple[str, ...]]"

LINE_WIDTH: Final = 42


class Counts(NamedTuple):
    """How large a reachable graph is. ``transitions`` counts each set of enabled rules, outcome and target once."""

    states: int
    transitions: int
    edges: int
    depth: int


def counts(explored: Exploration) -> Counts:
    """The size of a reachable graph."""
    edges = {(step.source, step.target) for step in explored.transitions}
    depth = max(len(explored.path(state)) for state in explored.states)
    return Counts(len(explored.states), len(explored.transitions), len(edges), depth)


# --- words --------------------------------------------------------------------------------------------------------


def broadly(words: StepWords) -> StepWords:
    """The words with frames of a kind taken together: messages, fragments."""
    if words.object.endswith("fragment"):
        return words._replace(object="fragments")
    return words._replace(object="messages") if words.object in (FRAMES[TEXT], FRAMES[BINARY]) else words


_VERBS: Final = ("receives", "refuses", "ignores", "fails", "sends", "may be silent", "TCP ends", "closes")
_OBJECTS: Final = ("messages", "fragments", *FRAMES.values())


def in_order(words: Iterable[StepWords]) -> tuple[StepWords, ...]:
    """The words in an order of their own: what comes in, then what goes out, then the end."""

    def place(word: StepWords) -> tuple[int, int, str]:
        known = _OBJECTS.index(word.object) if word.object in _OBJECTS else len(_OBJECTS)
        verb = next(number for number, start in enumerate(_VERBS) if word.verb.startswith(start))
        return verb, known, str(word)

    return tuple(sorted(words, key=place))


def sentences(words: Iterable[StepWords], width: int = LINE_WIDTH) -> tuple[str, ...]:
    """The words as lines, objects of one verb together: ``fails 1002, 1007``."""
    objects: dict[str, list[str]] = {}
    for word in words:
        known = objects.setdefault(word.verb, [])
        if word.object and word.object not in known:
            known.append(word.object)
    lines: list[str] = []
    for verb, known in objects.items():
        lines += wrapped([" ".join((verb, *known[:1])), *known[1:]], width)
    return tuple(lines)


# --- views --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """A view of a diagram: ``of`` gives the lines of the box of a state, the first one its heading."""

    name: str
    title: str
    of: Callable[[State], tuple[str, ...]]


def _closing(state: State) -> tuple[str, ...]:
    facts = [
        words
        for holds, words in (
            (state.failed and not state.tcp_open, "failed"),
            (state.tcp_open and not state.peer_open, "TCP ended by the peer"),
            (state.sent_close, "Close sent"),
            (state.got_close, "Close received"),
        )
        if holds
    ]
    return (phase(state), *([", ".join(facts)] if facts else []))


def _message(state: State) -> tuple[str, ...]:
    if phase(state) != "OPEN":
        return (phase(state),)
    doing = {0: "between messages", TEXT: "inside a text message", BINARY: "inside a binary message"}
    return ("OPEN", doing[state.recv_type])


CLOSING: Final = View("closing", "How a connection ends", _closing)
MESSAGES: Final = View("messages", "Receiving messages", _message)
VIEWS: Final = (CLOSING, MESSAGES)


def view_graph(explored: Exploration, view: View) -> ViewGraph:
    """The quotient of the reachable graph under a view.

    Nodes carry ``states`` (how many), ``stays`` (the words of events that do not leave the box, empty where nothing can
    ever change) and ``owes`` (the answers owed in all of these states); edges carry ``words``.
    """
    import networkx as nx

    graph: ViewGraph = nx.DiGraph(role=str(explored.setting.role))
    machine = Explorer(explored.rules, explored.setting).machine
    owes: dict[tuple[str, ...], set[Due]] = {}
    for state in explored.states:
        node = view.of(state)
        if node not in graph:
            graph.add_node(node, states=0)
        graph.nodes[node]["states"] += 1
        here = {due for due, _ in machine.owed(state)}
        owes[node] = owes.get(node, here) & here
    nx.set_node_attributes(graph, {node: tuple(sorted(dues)) for node, dues in owes.items()}, "owes")
    changing = {view.of(step.source) for step in explored.transitions if step.source != step.target}
    stays: dict[tuple[str, ...], set[StepWords]] = {node: set() for node in graph}
    leads: dict[tuple[tuple[str, ...], tuple[str, ...]], set[StepWords]] = {}
    for step in explored.transitions:
        source, target = view.of(step.source), view.of(step.target)
        if source != target:
            leads.setdefault((source, target), set()).add(step_words(step.event, step.label))
        elif source in changing:
            stays[source].add(broadly(step_words(step.event, step.label)))
    nx.set_node_attributes(graph, {node: in_order(words) for node, words in stays.items()}, "stays")
    graph.add_edges_from((source, target, {"words": in_order(words)}) for (source, target), words in leads.items())
    return graph


def diagram(explored: Exploration, view: View) -> Diagram:
    """The quotient under a view as a diagram, ready for ``diagram.mermaid`` and ``dot.dot``."""
    graph = view_graph(explored, view)
    ids = {node: f"s{number}" for number, node in enumerate(graph)}
    boxes = tuple(Box(ids[node], node[0], node[1:], _lines(graph, node), node[0].lower()) for node in graph)
    arrows = tuple(
        Arrow(ids[source], ids[target], sentences(graph.edges[source, target]["words"]))
        for source, target in graph.edges
    )
    # The first of several initial states is the one that comes first in the life of a connection.
    start = ids[view.of(CONNECTING if CONNECTING in explored.initial else explored.states[0])]
    return Diagram(f"{view.title}: the {explored.setting.role}", start, boxes, arrows)


def _lines(graph: ViewGraph, node: tuple[str, ...]) -> tuple[str, ...]:
    stays: tuple[StepWords, ...] = graph.nodes[node]["stays"]
    owes = [DUES[due] for due in graph.nodes[node]["owes"]]
    if any(word.verb == "receives" for word in stays):
        stays = tuple(word._replace(verb="may ignore") if word.verb == "ignores" else word for word in stays)
    return (*([f"owes {' and '.join(owes)}"] if owes else []), *sentences(stays))
