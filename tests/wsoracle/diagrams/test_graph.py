"""The reachable graph and its views: counts, words, and diagrams that can be read."""

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.diagrams.diagram import Arrow, Box, Diagram, mermaid, wrapped
from wsoracle.diagrams.dot import DrawingFailed, can_draw, dot, svg
from wsoracle.diagrams.graph import (
    CLOSING,
    VIEWS,
    View,
    broadly,
    diagram,
    in_order,
    sentences,
    view_graph,
)
from wsoracle.model.machine.reachable import Exploration, explored_once
from wsoracle.model.machine.words import StepWords, frame_words
from wsoracle.model.notation.variables import FrameFacts, Setting, State
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, PING, TEXT, Role

needs_graphviz = pytest.mark.skipif(not can_draw(), reason="no dot here: on Debian, apt-get install graphviz")


@pytest.fixture(scope="module")
def explored() -> dict[Role, Exploration]:
    return {role: explored_once(Setting(role)) for role in Role}


def test_closing_is_never_undone(explored: dict[Role, Exploration]) -> None:
    """The view of the closing facts has no cycle, and every box that nothing leaves is CLOSED."""
    for exploration in explored.values():
        graph = view_graph(exploration, CLOSING)
        assert nx.is_directed_acyclic_graph(graph)
        assert {node[0] for node in graph if not graph.out_degree(node)} == {"CLOSED"}
        assert sum(graph.nodes[node]["states"] for node in graph) == len(exploration.states)


def test_the_two_roles_close_differently(explored: dict[Role, Exploration]) -> None:
    both = ("CLOSING", "Close sent, Close received")
    graphs = {role: view_graph(explored[role], CLOSING) for role in Role}
    words = {role: [w for _, _, data in graph.out_edges(both, data=True) for w in data["words"]]
             for role, graph in graphs.items()}  # fmt: skip
    assert StepWords("closes", "TCP") in words[Role.SERVER]
    assert StepWords("TCP ends: closed cleanly") in words[Role.CLIENT]


def test_words_for_frames() -> None:
    assert frame_words(FrameFacts(TEXT, fin=False)) == "first text fragment"
    assert frame_words(FrameFacts(CONTINUATION)) == "last fragment"
    assert frame_words(FrameFacts(CONTINUATION, fin=False)) == "next fragment"
    assert frame_words(FrameFacts(3)) == "opcode 0x3"
    assert broadly(StepWords("sends", "last fragment")) == StepWords("sends", "fragments")
    assert broadly(StepWords("sends", "binary")) == StepWords("sends", "messages")


def test_objects_of_one_verb_are_put_together() -> None:
    words = in_order(
        [
            StepWords("fails", "1007"),
            StepWords("receives", "Ping"),
            StepWords("fails", "1002"),
            StepWords("may be silent"),
        ]
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
        assert sum(line.lstrip().startswith("state ") for line in lines) == len(drawn.boxes) <= 19
        for line in lines[4:]:
            assert re.fullmatch(r'    (state "[^"]+" as s\d+|(\[\*\]|s\d+) --> (\[\*\]|s\d+)(: [^:;"]+)?)', line), line

    def test_dot_has_every_box_and_every_arrow(self, explored: dict[Role, Exploration], role: Role, view: View) -> None:
        drawn = diagram(explored[role], view)
        lines = dot(drawn).splitlines()
        assert (lines[0], lines[-1]) == ("digraph {", "}")
        assert role.value in lines[1]
        nodes = [line.split()[0] for line in lines if re.match(r"  s\d+ \[", line)]
        edges = [tuple(line.split()[:3:2]) for line in lines if " -> " in line]
        assert nodes == [box.id for box in drawn.boxes]
        assert edges == [("start", drawn.start), *((arrow.source, arrow.target) for arrow in drawn.arrows)]

    @needs_graphviz
    def test_graphviz_draws_every_line_of_text(self, explored: dict[Role, Exploration], role: Role, view: View) -> None:
        drawn = diagram(explored[role], view)
        found = Counter(texts(svg(drawn)))
        wanted = Counter([drawn.title])
        for box in drawn.boxes:
            wanted.update((box.heading, *box.facts, *box.lines))
        for arrow in drawn.arrows:
            wanted.update(arrow.lines)
        assert found == wanted


def texts(document: str) -> list[str]:
    """The texts of an SVG document."""
    return [str(text.text) for text in ElementTree.fromstring(document).iter("{http://www.w3.org/2000/svg}text")]


def test_without_graphviz_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drawn = Diagram("a", "s0", (Box("s0", "x"),), ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not can_draw()
    with pytest.raises(DrawingFailed, match="install graphviz, or use --format mermaid"):
        svg(drawn)
    (tmp_path / "dot").write_text("#!/bin/sh\necho no font >&2\nexit 3\n")
    (tmp_path / "dot").chmod(0o755)
    assert can_draw()
    with pytest.raises(DrawingFailed, match=r"^dot failed: no font: mend it, or use --format mermaid$"):
        svg(drawn)
    (tmp_path / "dot").write_bytes(b"not a program")
    with pytest.raises(DrawingFailed, match=r"^dot cannot be run: "):
        svg(drawn)


def test_markup_in_labels_is_escaped() -> None:
    drawn = Diagram('a "b" <c>', "s0", (Box("s0", "<x>"), Box("s1", "y: z;")), (Arrow("s0", "s1", ("a & b",)),))
    assert "label=<<B>a &quot;b&quot; &lt;c&gt;</B>>" in dot(drawn)
    assert "label=<a &amp; b>" in dot(drawn)
    assert drawn.ends == ("s1",)
    assert '"y - z,"' in mermaid(drawn)


@needs_graphviz
@settings(max_examples=30, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=10))
def test_any_text_can_be_drawn(text: str) -> None:
    drawn = Diagram(text, "s0", (Box("s0", text, (text,), (text,)), Box("s1", text)), (Arrow("s0", "s1", (text,)),))
    assert texts(svg(drawn)) == [text] * 6


def test_a_box_tells_binary_messages_from_text(explored: dict[Role, Exploration]) -> None:
    messages = VIEWS[1]
    assert messages.of(State(recv_type=BINARY)) == ("OPEN", "inside a binary message")
    assert messages.of(State(failed=True)) == ("FAILED",)
    assert sentences([StepWords("receives", frame_words(FrameFacts(PING)))]) == ("receives Ping",)
    assert explored
