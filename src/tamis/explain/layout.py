"""Places the nodes of a small graph in columns from left to right, with few crossings and straight ways.

The method is Sugiyama's (Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures", 1981): edges over several columns get a bend in each, columns are sorted by the mean place of their
neighbours, and then every node moves as near to its neighbours as the order and the sizes allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

SORTINGS, SETTLINGS, LAST_STRAIGHTENINGS = 24, 81, 5
"""How often the columns are sorted and nodes are moved: small graphs are at rest long before. The count of moves is
odd, so that the last goes forward and an end stands level with what leads to it."""

BEND_HEIGHT = 10.0
"""The room that an edge takes where it passes through a column."""

STIFF = 12.0
"""How much the bends of an edge hold together, where a link pulls with 1: long ways are to be straight."""

Key = str | tuple[int, int]
"""A node's name, or the edge's number and the column of a bend."""


@dataclass(frozen=True)
class Node:
    """The size of what is to be placed, and its column."""

    width: float
    height: float
    column: int


@dataclass(frozen=True)
class Spot:
    """Where the middle of a node has come to stand."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        """Where edges come in."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """Where edges go out."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class Layout:
    """Places for all nodes and ways for all edges, the upper left corner at (0, 0)."""

    spots: dict[str, Spot]
    routes: list[list[Spot]]
    """For each edge its source, its bends (as wide as their column), its target."""
    width: float
    height: float


def arrange(
    nodes: Mapping[str, Node],
    edges: Sequence[tuple[str, str]],
    weights: Sequence[float] | None = None,
    *,
    gap_x: float = 34.0,
    gap_y: float = 12.0,
) -> Layout:
    """Place a graph whose edges all lead to later columns.

    Parameters
    ----------
    nodes : mapping of str to Node
        The order within a column is kept where nothing speaks against it.
    edges : sequence of (source, target)
    weights : sequence of float, optional
        How bad it is to cross an edge; 1 unless given.
    gap_x, gap_y : float
        The least room between columns, and between the nodes of one.

    Examples
    --------
    >>> layout = arrange({"in": Node(20, 10, 0), "out": Node(20, 10, 1)}, [("in", "out")])
    >>> layout.spots["out"].left - layout.spots["in"].right
    34.0
    """
    graph = _Graph.of(nodes, edges, weights or [1.0] * len(edges))
    graph.sort()
    ys = graph.settle(gap_y)
    return _placed(graph, ys, gap_x)


@dataclass
class _Graph:
    """The graph with a bend in every column that an edge passes through."""

    columns: list[list[Key]]
    sizes: dict[Key, Node]
    links: dict[tuple[Key, Key], float]
    """Edges between columns that follow each other, with their weights."""
    ways: list[list[Key]]
    """What each edge passes, its ends included."""

    @classmethod
    def of(cls, nodes: Mapping[str, Node], edges: Sequence[tuple[str, str]], weights: Sequence[float]) -> "_Graph":
        sizes = dict[Key, Node](nodes.items())
        ways: list[list[Key]] = []
        for number, (source, target) in enumerate(edges):
            passed: list[Key] = []
            for column in range(nodes[source].column + 1, nodes[target].column):
                sizes[number, column] = Node(0.0, BEND_HEIGHT, column)
                passed.append((number, column))
            ways.append([source, *passed, target])
        columns: list[list[Key]] = [[] for _ in range(1 + max((one.column for one in sizes.values()), default=0))]
        for key, one in sizes.items():
            columns[one.column].append(key)
        links: dict[tuple[Key, Key], float] = {}
        for way, weight in zip(ways, weights, strict=True):
            for pair in pairwise(way):
                links[pair] = links.get(pair, 0.0) + weight
        return cls(columns, sizes, links, ways)

    def neighbours(self, side: int) -> dict[Key, list[Key]]:
        """Return for every node those that it is linked to: in the column before (0) or after it (1)."""
        found: dict[Key, list[Key]] = {key: [] for key in self.sizes}
        for source, target in self.links:
            found[(target, source)[side]].append((source, target)[side])
        return found

    def places(self) -> dict[Key, int]:
        """Return every node's number in its column."""
        return {key: number for column in self.columns for number, key in enumerate(column)}

    def crossings(self) -> float:
        """Add up the pairs of links that cross, each as bad as the product of their weights."""
        place = self.places()
        by_column: dict[int, list[tuple[int, int, float]]] = {}
        for (source, target), weight in self.links.items():
            by_column.setdefault(self.sizes[source].column, []).append((place[source], place[target], weight))
        return sum(
            one * other
            for links in by_column.values()
            for number, (a, b, one) in enumerate(links)
            for c, d, other in links[:number]
            if (a - c) * (b - d) < 0
        )

    def sort(self) -> None:
        """Order every column by where its neighbours stand, there and back; keep the order with fewest crossings."""
        sides = self.neighbours(0), self.neighbours(1)
        best, fewest = [list(one) for one in self.columns], self.crossings()
        for sweep in range(SORTINGS):
            forward = sweep % 2 == 0
            order = range(1, len(self.columns)) if forward else range(len(self.columns) - 2, -1, -1)
            for number in order:
                self._sort_column(number, sides[0 if forward else 1])
            self._swap(sides)
            if (now := self.crossings()) < fewest:
                best, fewest = [list(one) for one in self.columns], now
        self.columns = best

    def _sort_column(self, number: int, linked: Mapping[Key, list[Key]]) -> None:
        place = {key: at / max(1, len(column) - 1) for column in self.columns for at, key in enumerate(column)}
        means = {
            key: sum(place[one] for one in linked[key]) / len(linked[key]) if linked[key] else place[key]
            for key in self.columns[number]
        }
        self.columns[number].sort(key=means.__getitem__)

    def _swap(self, sides: Sequence[Mapping[Key, list[Key]]]) -> None:
        """Exchange neighbours of a column wherever that undoes crossings."""
        for column in self.columns:
            for at in range(len(column) - 1):
                place, (upper, lower) = self.places(), column[at : at + 2]
                if self._crossed(lower, upper, sides, place) < self._crossed(upper, lower, sides, place):
                    column[at], column[at + 1] = lower, upper

    def _crossed(
        self, upper: Key, lower: Key, sides: Sequence[Mapping[Key, list[Key]]], place: Mapping[Key, int]
    ) -> float:
        """Add up the crossings between the links of two nodes, were one above the other."""
        return sum(
            self._weight(upper, one) * self._weight(lower, other)
            for linked in sides
            for one in linked[upper]
            for other in linked[lower]
            if place[one] > place[other]
        )

    def _weight(self, one: Key, other: Key) -> float:
        return self.links.get((one, other)) or self.links[other, one]

    def settle(self, gap: float) -> dict[Key, float]:
        """Return the height of every node: as near to those it is linked to as the order allows.

        The bends of an edge are drawn to their mean, so that the edge moves as one.
        """
        pulls: dict[Key, list[tuple[Key, float]]] = {key: [] for key in self.sizes}
        for one, other in self.links:
            if not (isinstance(one, tuple) and isinstance(other, tuple)):
                weight = 2.0 if isinstance(one, tuple) or isinstance(other, tuple) else 1.0
                pulls[one].append((other, weight))
                pulls[other].append((one, weight))
        bends = {key: way[1:-1] for way in self.ways for key in way[1:-1]}
        ys: dict[Key, float] = {}
        for column in self.columns:
            ys |= self._spread(column, [0.0] * len(column), [1.0] * len(column), gap)
        for sweep in range(SETTLINGS):
            for column in self.columns if sweep % 2 == 0 else self.columns[::-1]:
                wanted, weights = [], []
                for key in column:
                    heights = [(ys[one], weight) for one, weight in pulls[key]]
                    if key in bends:
                        heights.append((sum(ys[one] for one in bends[key]) / len(bends[key]), STIFF))
                    weights.append(sum(weight for _, weight in heights) or 1e-3)
                    wanted.append(sum(y * weight for y, weight in heights) / weights[-1] if heights else ys[key])
                ys |= self._spread(column, wanted, weights, gap)
        for _ in range(LAST_STRAIGHTENINGS):
            self._straighten(ys, gap)
        return ys

    def _straighten(self, ys: dict[Key, float], gap: float) -> None:
        """Bring the bends of an edge to one height, where what stands above and below leaves half the gap for that."""
        for way in self.ways:
            bends, lowest, highest = way[1:-1], -inf, inf
            for key in bends:
                column = self.columns[self.sizes[key].column]
                at = column.index(key)
                if at > 0:
                    lowest = max(lowest, ys[column[at - 1]] + self._apart(column[at - 1], key, gap / 2))
                if at + 1 < len(column):
                    highest = min(highest, ys[column[at + 1]] - self._apart(key, column[at + 1], gap / 2))
            if bends and lowest <= highest:
                level = min(max(sum(ys[key] for key in bends) / len(bends), lowest), highest)
                ys.update(dict.fromkeys(bends, level))

    def _apart(self, above: Key, below: Key, gap: float) -> float:
        """Return how far the middles of two nodes of a column must be from each other."""
        return (self.sizes[above].height + self.sizes[below].height) / 2 + gap

    def _spread(
        self, column: Sequence[Key], wanted: Sequence[float], weights: Sequence[float], gap: float
    ) -> dict[Key, float]:
        """Return the heights nearest to those wanted at which the nodes of a column, in order, keep their distance."""
        offsets, total = [], 0.0
        for number, key in enumerate(column):
            if number:
                total += self._apart(column[number - 1], key, gap)
            offsets.append(total)
        levels = isotonic([one - offset for one, offset in zip(wanted, offsets, strict=True)], weights)
        return {key: level + offset for key, level, offset in zip(column, levels, offsets, strict=True)}


def isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the rising sequence that is nearest in squares: neighbours that fall are pooled (Ayer et al., 1955).

    Examples
    --------
    >>> isotonic([1.0, 3.0, 2.0], [1.0, 1.0, 1.0])
    [1.0, 2.5, 2.5]
    """
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, heavy, count = value, weight, 1
        while pools and pools[-1][0] > mean:
            other, more, members = pools.pop()
            mean, heavy, count = (mean * heavy + other * more) / (heavy + more), heavy + more, count + members
        pools.append((mean, heavy, count))
    return [mean for mean, _, count in pools for _ in range(count)]


def _placed(graph: _Graph, ys: Mapping[Key, float], gap_x: float) -> Layout:
    """Give the columns their places: steep links get more room."""
    top = min((ys[key] - graph.sizes[key].height / 2 for key in ys), default=0.0)
    bottom = max((ys[key] + graph.sizes[key].height / 2 for key in ys), default=0.0)
    steepest = [0.0] * len(graph.columns)
    for source, target in graph.links:
        number = graph.sizes[source].column
        steepest[number] = max(steepest[number], abs(ys[target] - ys[source]))
    spots: dict[Key, Spot] = {}
    x = 0.0
    for number, column in enumerate(graph.columns):
        width = max((graph.sizes[key].width for key in column), default=0.0)
        for key in column:
            size = graph.sizes[key]
            own = width if isinstance(key, tuple) else size.width
            spots[key] = Spot(x + width / 2, ys[key] - top, own, size.height)
        x += width + (min(gap_x * 2.6, gap_x + 0.25 * steepest[number]) if number + 1 < len(graph.columns) else 0.0)
    routes = [[spots[key] for key in way] for way in graph.ways]
    named = {key: spot for key, spot in spots.items() if isinstance(key, str)}
    return Layout(named, routes, x, bottom - top)
