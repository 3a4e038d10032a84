"""The reachable graph and its views: counts, words, and diagrams that can be read."""

import itertools
import re
from xml.etree import ElementTree

import networkx as nx
import pytest

from wsoracle.diagrams.diagram import Arrow, Box, Diagram, mermaid, wrapped
from wsoracle.diagrams.graph import (
    CLOSING,
    VIEWS,
    View,
    Words,
    broadly,
    counts,
    diagram,
    in_order,
    reachable_graph,
    sentences,
    view_graph,
)
from wsoracle.diagrams.layered_layout import Layout, Size, layered
from wsoracle.diagrams.svg import svg, text_width
from wsoracle.model.machine.reachable import Exploration, explore
from wsoracle.model.machine.words import frame_words
from wsoracle.model.notation.variables import FrameFacts, Setting, State
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, PING, TEXT, Role


@pytest.fixture(scope="module")
def explored() -> dict[Role, Exploration]:
    return {role: explore(Setting(role)) for role in Role}


def test_the_graph_has_what_was_explored(explored: dict[Role, Exploration]) -> None:
    for exploration in explored.values():
        graph, size = reachable_graph(exploration), counts(exploration)
        assert (graph.number_of_nodes(), graph.number_of_edges()) == (size.states, size.edges)
        assert sum(len(graph.edges[edge]["transitions"]) for edge in graph.edges) == size.transitions
        lengths = [nx.single_source_shortest_path_length(graph, state) for state in exploration.initial]
        nearest = {state: min(found[state] for found in lengths if state in found) for state in graph}
        assert {state: graph.nodes[state]["distance"] for state in graph} == nearest
        assert max(nearest.values()) == size.depth


def test_closing_is_never_undone(explored: dict[Role, Exploration]) -> None:
    """The view of the closing facts has no cycle, and every box that nothing leaves is CLOSED."""
    for exploration in explored.values():
        graph = view_graph(exploration, CLOSING)
        assert nx.is_directed_acyclic_graph(graph)
        assert {node[0] for node in graph if not graph.out_degree(node)} == {"CLOSED"}
        assert sum(graph.nodes[node]["states"] for node in graph) == len(exploration.states)


def test_the_two_roles_close_differently(explored: dict[Role, Exploration]) -> None:
    both = ("CLOSING", "Close sent, Close received")
    done = ("CLOSED", "Close sent, Close received")
    words = {role: view_graph(explored[role], CLOSING).edges[both, done]["words"] for role in Role}
    assert Words("closes", "TCP") in words[Role.SERVER]
    assert words[Role.CLIENT] == (Words("TCP ends: closed cleanly"),)


def test_words_for_frames() -> None:
    assert frame_words(FrameFacts(TEXT, fin=False)) == "first text fragment"
    assert frame_words(FrameFacts(CONTINUATION)) == "last fragment"
    assert frame_words(FrameFacts(CONTINUATION, fin=False)) == "next fragment"
    assert frame_words(FrameFacts(3)) == "opcode 0x3"
    assert broadly(Words("sends", "last fragment")) == Words("sends", "fragments")
    assert broadly(Words("sends", "binary")) == Words("sends", "messages")


def test_objects_of_one_verb_are_put_together() -> None:
    words = in_order(
        [Words("fails", "1007"), Words("receives", "Ping"), Words("fails", "1002"), Words("may be silent")]
    )
    assert sentences(words) == ("receives Ping", "fails 1002, 1007", "may be silent")


def test_long_lines_are_wrapped() -> None:
    assert wrapped(["aaaa", "bbbb", "cccc"], 10) == ["aaaa, bbbb,", "cccc"]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
class TestDrawing:
    def test_mermaid_names_every_box_once(self, explored: dict[Role, Exploration], role: Role, view: View) -> None:
        drawn = diagram(explored[role], view)
        lines = mermaid(drawn).splitlines()
        assert lines[3] == "stateDiagram-v2"
        assert role.value in lines[1]
        assert sum(line.lstrip().startswith("state ") for line in lines) == len(drawn.boxes) <= 13
        for line in lines[4:]:
            assert re.fullmatch(r'    (state "[^"]+" as s\d+|(\[\*\]|s\d+) --> (\[\*\]|s\d+)(: [^:;"]+)?)', line), line

    def test_svg_is_well_formed_and_says_whose_it_is(
        self, explored: dict[Role, Exploration], role: Role, view: View
    ) -> None:
        text = svg(diagram(explored[role], view))
        root = ElementTree.fromstring(text)
        assert role.value in root.attrib["aria-label"]
        assert "http://www.w3.org/2000/svg" in root.tag
        assert "href" not in text
        assert text == svg(diagram(explored[role], view))

    def test_nothing_is_run_over(self, explored: dict[Role, Exploration], role: Role, view: View) -> None:
        """No two boxes or labels overlap, and no line crosses a box or a label that is not its own."""
        drawn = diagram(explored[role], view)
        boxes = {box.id: Size(150, 60 + 5 * len(box.lines)) for box in drawn.boxes}
        arrows = {(a.source, a.target): Size(90, 16.0 * len(a.lines)) for a in drawn.arrows}
        assert overlaps(layered(drawn.start, boxes, arrows), boxes, arrows) == []


def overlaps(
    layout: Layout, boxes: dict[str, Size], arrows: dict[tuple[str, str], Size]
) -> list[tuple[object, object]]:
    areas: dict[object, tuple[float, float, float, float]] = {}
    for own, middle, size in (
        *((box, layout.boxes[box], size) for box, size in boxes.items()),
        *((arrow, layout.lines[arrow].label, size) for arrow, size in arrows.items()),
    ):
        w, h = size.width / 2, size.height / 2
        areas[own] = (middle.x - w, middle.y - h, middle.x + w, middle.y + h)
    found: list[tuple[object, object]] = []
    for (here, one), (there, two) in itertools.combinations(areas.items(), 2):
        if one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]:
            found.append((here, there))
    for arrow, line in layout.lines.items():
        for (x0, y0), (x1, y1) in itertools.pairwise(line.points):
            for other, (left, top, right, bottom) in areas.items():
                inside = min(y0, y1) < bottom - 0.01 and max(y0, y1) > top + 0.01
                if x0 == x1 and left < x0 < right and inside and other not in (arrow, *arrow):
                    found.append((arrow, other))
    return found


def test_a_layout_of_one_box() -> None:
    layout = layered("a", {"a": Size(10, 10)}, {})
    assert layout.size == Size(10, 10)
    assert layout.boxes["a"] == (5, 5)


def test_a_cycle_is_drawn_with_one_arrow_going_up() -> None:
    boxes = {"a": Size(40, 20), "b": Size(40, 20)}
    lines = layered("a", boxes, {("a", "b"): Size(30, 10), ("b", "a"): Size(30, 10)}).lines
    assert lines["a", "b"].points[0].y < lines["a", "b"].points[-1].y
    assert lines["b", "a"].points[0].y > lines["b", "a"].points[-1].y


def test_markup_in_labels_is_escaped() -> None:
    drawn = Diagram('a "b" <c>', "s0", (Box("s0", "<x>"), Box("s1", "y: z;")), (Arrow("s0", "s1", ("a & b",)),))
    ElementTree.fromstring(svg(drawn))
    assert drawn.ends == ("s1",)
    assert '"y - z,"' in mermaid(drawn)


def test_text_is_measured_by_its_letters() -> None:
    assert text_width("iii", 12) < text_width("aaa", 12) < text_width("MMM", 12)


def test_a_box_tells_binary_messages_from_text(explored: dict[Role, Exploration]) -> None:
    messages = VIEWS[1]
    assert messages.of(State(recv_type=BINARY)) == ("OPEN", "inside a binary message")
    assert messages.of(State(failed=True)) == ("FAILED",)
    assert sentences([Words("receives", frame_words(FrameFacts(PING)))]) == ("receives Ping",)
    assert explored
