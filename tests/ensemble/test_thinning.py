"""Tests of which rows members are compared on."""

import numpy as np
import pytest

from tamis.ensemble.thinning import LEAST_OF_CLASS, spread, thinned


def test_few_rows_are_all_taken() -> None:
    assert thinned(np.zeros(50), 100, np.random.default_rng(0)).tolist() == list(range(50))


def test_values_are_spread_over_their_order() -> None:
    y = np.random.default_rng(0).normal(size=10_000)
    rows = thinned(y, 500, np.random.default_rng(1))
    assert len(set(rows.tolist())) == 500
    assert y[rows].mean() == pytest.approx(y.mean(), abs=0.02)


@pytest.mark.parametrize(
    ("share", "wanted"), [(0.5, 1_000), (0.25, 1_000), (0.1, 3_000), (0.002, 100_000), (0.0, 100_000)]
)
def test_more_rows_are_taken_the_rarer_the_second_class_is(share: float, wanted: int) -> None:
    y = np.zeros(100_000, dtype=np.int64)
    y[: int(share * len(y))] = 1
    rows = thinned(y, 1_000, np.random.default_rng(0))
    assert len(rows) == pytest.approx(wanted, abs=1)
    assert y[rows].sum() >= min(y.sum(), 0.25 * len(rows), LEAST_OF_CLASS - 1)


def test_of_many_classes_none_is_rare_for_being_one_of_many() -> None:
    assert len(thinned(np.arange(9_000) % 100, 1_000, np.random.default_rng(0))) == 1_000


def test_classes_keep_their_proportions() -> None:
    y = np.arange(9_000) % 3
    assert np.bincount(y[spread(y, 900, np.random.default_rng(0))]).tolist() == [300, 300, 300]
