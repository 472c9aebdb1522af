"""Tests of the layout of graphs."""

from itertools import combinations

import numpy as np

from tamis.explain.layout import Node, arrange, isotonic


def random_graph(seed: int) -> tuple[dict[str, Node], list[tuple[str, str]]]:
    """A graph of five columns with edges of all lengths."""
    rng = np.random.default_rng(seed)
    nodes = {
        f"{column}/{number}": Node(float(rng.uniform(20, 90)), float(rng.uniform(10, 40)), column)
        for column in range(5)
        for number in range(rng.integers(1, 5))
    }
    pairs = [(one, other) for one in nodes for other in nodes if nodes[one].column < nodes[other].column]
    return nodes, [pairs[place] for place in rng.choice(len(pairs), size=12, replace=False)]


def test_no_two_nodes_overlap() -> None:
    for seed in range(10):
        nodes, edges = random_graph(seed)
        spots = arrange(nodes, edges, gap_y=8.0).spots
        for one, other in combinations(spots.values(), 2):
            apart_x = abs(one.x - other.x) - (one.width + other.width) / 2
            apart_y = abs(one.y - other.y) - (one.height + other.height) / 2
            assert apart_x > 0 or apart_y >= 8.0 - 1e-6


def test_everything_lies_within_the_picture() -> None:
    nodes, edges = random_graph(3)
    layout = arrange(nodes, edges)
    for spot in [*layout.spots.values(), *(one for route in layout.routes for one in route)]:
        assert spot.left >= -1e-9 and spot.right <= layout.width + 1e-9
        assert spot.y - spot.height / 2 >= -1e-9 and spot.y + spot.height / 2 <= layout.height + 1e-9


def test_edges_pass_between_the_nodes_of_the_columns_they_cross() -> None:
    for seed in range(10):
        nodes, edges = random_graph(seed)
        layout = arrange(nodes, edges)
        for route in layout.routes:
            for bend in route[1:-1]:
                for spot in layout.spots.values():
                    if spot.left < bend.right and bend.left < spot.right:
                        assert abs(spot.y - bend.y) > spot.height / 2


def test_crossings_that_can_be_avoided_are_avoided() -> None:
    nodes = {name: Node(10, 10, column) for column, names in enumerate(("ab", "cd", "ef")) for name in names}
    layout = arrange(nodes, [("a", "d"), ("b", "c"), ("d", "e"), ("c", "f")])
    spots = layout.spots
    order = [spots[one].y < spots[other].y for one, other in (("a", "b"), ("d", "c"), ("e", "f"))]
    assert len(set(order)) == 1


def test_a_crossing_goes_where_it_matters_least() -> None:
    nodes = {name: Node(10, 10, column) for column, names in enumerate(("ab", "cdef", "gh")) for name in names}
    edges = [("a", "c"), ("b", "d"), ("a", "e"), ("b", "f"), ("c", "g"), ("d", "g"), ("e", "h"), ("f", "h")]
    spots = arrange(nodes, edges, [1.0] * 4 + [2.0] * 4).spots
    inside = sorted("cdef", key=lambda name: spots[name].y)
    assert {frozenset(inside[:2]), frozenset(inside[2:])} == {frozenset("cd"), frozenset("ef")}


def test_a_long_edge_is_straight() -> None:
    nodes = {name: Node(10, 30, column) for column, name in enumerate("abcdef")}
    layout = arrange(nodes, [*zip("abcde", "bcdef", strict=True), ("a", "f")])
    heights = {round(bend.y, 6) for bend in layout.routes[-1][1:-1]}
    assert len(heights) == 1


def test_the_nearest_rising_sequence_pools_neighbours_by_weight() -> None:
    assert isotonic([4.0, 1.0, 5.0], [1.0, 2.0, 1.0]) == [2.0, 2.0, 5.0]
