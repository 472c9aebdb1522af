"""Tests of how rows are dealt to parts."""

import numpy as np
import pytest

from tamis.core.dealing import held_out, places


def test_parts_are_alike() -> None:
    y = np.random.default_rng(0).normal(size=1_000)
    place = places(y, seed=1)
    assert sorted(place.tolist()) == list(range(1_000))
    means = [y[held_out(place, number, 5)].mean() for number in range(5)]
    assert max(means) - min(means) < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_belong_together_are_on_one_side(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, 40, 400) * 7
    place = places(rng.normal(size=400), seed, clusters)
    held = held_out(place, 1, 5)
    assert 0.1 < held.mean() < 0.3
    assert not set(clusters[held]) & set(clusters[~held])


def test_where_all_rows_belong_together_they_are_dealt_as_if_none_did() -> None:
    y = np.arange(10.0)
    np.testing.assert_array_equal(places(y, 0, np.zeros(10, dtype=int)), places(y, 0))


def test_no_class_is_held_out_as_a_whole() -> None:
    classes = np.array([0, 0, 0, 1, 1, 2, 0, 1, 0, 2])
    clusters = np.array([0, 1, 2, 3, 3, 4, 5, 6, 7, 4])
    place = places(classes, 0, clusters)
    for number in range(3):
        held = held_out(place, number, 3, classes)
        assert set(classes[~held]) == {0, 1, 2}
