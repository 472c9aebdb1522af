"""Fronts, crowding, and the order that both make."""

from math import inf

import numpy as np
import pytest

from tamis.search.pareto import crowding, dominates, front, fronts, standings


def some_points(seed, n=40, levels=12):
    """Draw points with many ties."""
    return [tuple(row) for row in np.random.default_rng(seed).integers(levels, size=(n, 2)).tolist()]


@pytest.mark.parametrize("seed", range(20))
def test_every_front_is_what_nobody_left_dominates(seed):
    points = some_points(seed)
    left = set(range(len(points)))
    for members in fronts(points):
        assert set(members) == {a for a in left if not any(dominates(points[b], points[a]) for b in left)}
        left -= set(members)
    assert not left


@pytest.mark.parametrize("seed", range(20))
def test_the_front_of_two_objectives_is_the_first_of_the_fronts_without_its_doubles(seed):
    points = some_points(seed)
    found = front(points)
    assert [points[index] for index in found] == sorted({points[index] for index in fronts(points)[0]})
    assert all(points.index(points[index]) == index for index in found)  # of equal points the first


def test_three_objectives_are_sorted_too():
    assert fronts([(1, 1, 1), (0, 2, 1), (1, 1, 2)]) == [[0, 1], [2]]


def test_the_ends_of_a_front_are_never_crowded_and_the_lonely_are_less_so():
    distances = crowding([(0.0, 10.0), (0.1, 9.0), (0.2, 8.0), (0.6, 4.0), (1.0, 0.0)])
    assert distances[0] == distances[-1] == inf
    assert distances[1] < distances[2] < distances[3] < inf


def test_of_equal_points_all_but_the_ends_are_wholly_crowded():
    assert crowding([(1.0, 2.0)] * 4) == [inf, 0.0, 0.0, inf]


def test_the_front_decides_before_the_crowd():
    found = standings([(0.0, 10.0), (0.1, 9.0), (0.9, 1.0), (1.0, 0.0), (1.0, 10.0)])
    assert [rank for rank, _ in found] == [0, 0, 0, 0, 1]
    assert max(found) == found[4] and found[0] < found[1]


def test_one_point_is_a_front_and_nothing_has_none():
    assert fronts([(1.0, 2.0)]) == [[0]] and standings([(1.0, 2.0)]) == [(0, -inf)]
    assert front([]) == []
