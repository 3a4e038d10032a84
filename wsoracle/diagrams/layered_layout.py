"""Layered layout of a small directed graph: where boxes, labels and lines go, so that nothing overlaps.

The method is the usual one for state diagrams (Sugiyama, Tagawa and Toda, 1981): break cycles, assign layers by longest
path, order each layer by the median of its neighbours, then place it. A label is a vertex of its own on a layer between
those of the boxes, and a long line passes a narrow vertex on each layer: so neither can be run over. Placing a layer is
a least-squares problem with a fixed order and minimal distances, solved exactly by pooling adjacent violators.

Deterministic; sizes and places are in the units of the caller (pixels).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

Key: TypeAlias = Hashable
SWEEPS: Final = 24
STRAIGHTENING: Final = 120
"""Sweeps that place the layers, once their order is fixed."""
GAP: Final = 28.0
"""Between neighbours on a layer."""
LAYER_GAP: Final = 30.0
"""Between layers."""
BEND_WIDTH: Final = 12.0
"""What a passing line takes on a layer."""


class Size(NamedTuple):
    """Width and height."""

    width: float
    height: float


class Point(NamedTuple):
    """A place; y grows downwards."""

    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """A line from one box to another: the points it passes, first to last, and the middle of its label."""

    points: tuple[Point, ...]
    label: Point


@dataclass(frozen=True)
class Layout:
    """The middle of each box, the line of each arrow, and the size of the whole."""

    boxes: Mapping[str, Point]
    lines: Mapping[tuple[str, str], Line]
    size: Size


class _Bend(NamedTuple):
    """A vertex on the way of an arrow, on a layer; the one in the middle holds the label."""

    arrow: tuple[str, str]
    layer: int


@dataclass
class _Layers:
    """Vertices by layer, in order, and their neighbours above and below."""

    rows: list[list[Key]]
    above: dict[Key, list[Key]] = field(default_factory=dict)
    below: dict[Key, list[Key]] = field(default_factory=dict)


def layered(start: str, boxes: Mapping[str, Size], arrows: Mapping[tuple[str, str], Size]) -> Layout:
    """Lay out boxes, and arrows between different boxes with the sizes of their labels; ``start`` is at the top."""
    downward = _downward(start, list(boxes), list(arrows))
    rank = _ranks(list(boxes), downward.values())
    chains: dict[tuple[str, str], list[Key]] = {}
    sizes: dict[Key, Size] = dict(boxes.items())
    layers = _Layers([[] for _ in range(2 * max(rank.values(), default=0) + 1)])
    for box in boxes:
        layers.rows[2 * rank[box]].append(box)
    for arrow, (upper, lower) in downward.items():
        between = range(2 * rank[upper] + 1, 2 * rank[lower])
        middle = between[len(between) // 2]
        bends = [_Bend(arrow, layer) for layer in between]
        for bend in bends:
            sizes[bend] = arrows[arrow] if bend.layer == middle else Size(BEND_WIDTH, 0)
            layers.rows[bend.layer].append(bend)
        chains[arrow] = [upper, *bends, lower]
        for one, next_ in pairwise(chains[arrow]):
            layers.below.setdefault(one, []).append(next_)
            layers.above.setdefault(next_, []).append(one)
    _order(layers)
    x = _columns(layers, sizes)
    tops, bottoms = _heights(layers, sizes)
    middles = {v: (tops[i] + bottoms[i]) / 2 for i, row in enumerate(layers.rows) for v in row}
    lines = {
        arrow: _line(arrow, chain, x, layers, sizes, (tops, bottoms, middles), upper_first=downward[arrow] == arrow)
        for arrow, chain in chains.items()
    }
    width = max((x[v] + sizes[v].width / 2 for v in x), default=0.0)
    return Layout(
        {box: Point(x[box], middles[box]) for box in boxes}, lines, Size(width, bottoms[-1] if bottoms else 0.0)
    )


def _downward(
    start: str, boxes: Sequence[str], arrows: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Each arrow as (upper, lower) box: as it is, or turned around where it would close a cycle."""
    turned: set[tuple[str, str]] = set()
    done: set[str] = set()
    active: set[str] = set()

    def visit(box: str) -> None:
        active.add(box)
        for arrow in arrows:
            if arrow[0] == box:
                if arrow[1] in active:
                    turned.add(arrow)
                elif arrow[1] not in done:
                    visit(arrow[1])
        active.discard(box)
        done.add(box)

    for box in (start, *boxes):
        if box not in done:
            visit(box)
    return {arrow: (arrow[1], arrow[0]) if arrow in turned else arrow for arrow in arrows}


def _ranks(boxes: Sequence[str], pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The layer of each box: the length of the longest way down to it."""
    edges = list(pairs)
    rank = dict.fromkeys(boxes, 0)
    for _ in boxes:
        for upper, lower in edges:
            rank[lower] = max(rank[lower], rank[upper] + 1)
    return rank


def _order(layers: _Layers) -> None:
    """Order each layer by the middles of its neighbours, down and up in turn; the order with fewest crossings stays."""
    best = [list(row) for row in layers.rows]
    fewest = _crossings(layers)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        order = range(1, len(layers.rows)) if down else range(len(layers.rows) - 2, -1, -1)
        neighbours = layers.above if down else layers.below
        for i in order:
            place = {v: n for n, v in enumerate(layers.rows[i - 1 if down else i + 1])}
            old = {v: n for n, v in enumerate(layers.rows[i])}
            layers.rows[i].sort(key=lambda v: (_mean([place[n] for n in neighbours.get(v, ())], old[v]), old[v]))
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest = [list(row) for row in layers.rows], crossings
    layers.rows = best


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: _Layers) -> int:
    count = 0
    for upper, lower in pairwise(layers.rows):
        place = {v: n for n, v in enumerate(lower)}
        ends = [place[w] for v in upper for w in sorted(layers.below.get(v, ()), key=place.__getitem__)]
        count += sum(a > b for i, a in enumerate(ends) for b in ends[i + 1 :])
    return count


def _columns(layers: _Layers, sizes: Mapping[Key, Size]) -> dict[Key, float]:
    """The x of the middle of each vertex: near the mean of its neighbours, in order, without overlap."""
    x: dict[Key, float] = {}
    for row in layers.rows:
        x.update(_placed(row, [0.0] * len(row), sizes))
    for sweep in range(STRAIGHTENING):
        rows = layers.rows if sweep % 2 == 0 else layers.rows[::-1]
        for row in rows:
            x.update(_placed(row, [_wanted(v, layers, x) for v in row], sizes))
    left = min((x[v] - sizes[v].width / 2 for v in x), default=0.0)
    return {v: place - left for v, place in x.items()}


def _wanted(vertex: Key, layers: _Layers, x: Mapping[Key, float]) -> float:
    """The mean of the neighbours; on a long line the next bend counts more than the box at its end."""
    near = (*layers.above.get(vertex, ()), *layers.below.get(vertex, ()))
    weights = [6 if isinstance(vertex, _Bend) and isinstance(n, _Bend) else 1 for n in near]
    return sum(w * x[n] for w, n in zip(weights, near, strict=True)) / sum(weights) if near else x[vertex]


def _placed(row: Sequence[Key], wanted: Sequence[float], sizes: Mapping[Key, Size]) -> dict[Key, float]:
    """Places in this order, at least a gap apart, as near as can be to the wanted ones in the least-squares sense."""
    offsets = [0.0]
    for one, next_ in pairwise(row):
        offsets.append(offsets[-1] + (sizes[one].width + sizes[next_].width) / 2 + GAP)
    pools: list[tuple[float, int]] = []
    for place, offset in zip(wanted, offsets, strict=False):
        value, weight = place - offset, 1
        while pools and pools[-1][0] > value:
            before, count = pools.pop()
            value, weight = (before * count + value * weight) / (count + weight), count + weight
        pools.append((value, weight))
    flat = [value for value, weight in pools for _ in range(weight)]
    return {v: value + offset for v, value, offset in zip(row, flat, offsets, strict=False)}


def _heights(layers: _Layers, sizes: Mapping[Key, Size]) -> tuple[list[float], list[float]]:
    """The top and the bottom of each layer."""
    tops: list[float] = []
    bottoms: list[float] = []
    for row in layers.rows:
        tops.append(bottoms[-1] + LAYER_GAP if bottoms else 0.0)
        bottoms.append(tops[-1] + max((sizes[v].height for v in row), default=0.0))
    return tops, bottoms


def _line(
    arrow: tuple[str, str],
    chain: Sequence[Key],
    x: Mapping[Key, float],
    layers: _Layers,
    sizes: Mapping[Key, Size],
    heights: tuple[list[float], list[float], dict[Key, float]],
    *,
    upper_first: bool,
) -> Line:
    """From the bottom of the upper box through all bends to the top of the lower one; straight across each layer."""
    tops, bottoms, middles = heights
    layer = {v: i for i, row in enumerate(layers.rows) for v in row}
    upper, lower = chain[0], chain[-1]
    points = [
        Point(_port(upper, chain[1], layers.below[upper], x, sizes), middles[upper] + sizes[upper].height / 2),
        Point(_port(upper, chain[1], layers.below[upper], x, sizes), bottoms[layer[upper]]),
    ]
    for bend in chain[1:-1]:
        points += [Point(x[bend], tops[layer[bend]]), Point(x[bend], bottoms[layer[bend]])]
    enter = _port(lower, chain[-2], layers.above[lower], x, sizes)
    points += [Point(enter, tops[layer[lower]]), Point(enter, middles[lower] - sizes[lower].height / 2)]
    label = max(chain[1:-1], key=lambda v: sizes[v].height)
    kept = tuple(points if upper_first else reversed(points))
    return Line(kept, Point(x[label], middles[label]))


def _port(box: Key, towards: Key, all_: Sequence[Key], x: Mapping[Key, float], sizes: Mapping[Key, Size]) -> float:
    """Where on its side a box is left for a neighbour: the neighbours share the side, from left to right."""
    order = sorted(all_, key=lambda v: x[v])
    share = sizes[box].width * 0.8 / len(order)
    return x[box] + (order.index(towards) - (len(order) - 1) / 2) * share
