"""Nested, stratified parts of the rows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.evaluate.fidelity import subsample


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 1.0), st.floats(0.05, 1.0), st.booleans(), st.integers(0, 100))
def test_a_smaller_fidelity_is_a_part_of_a_larger(first: float, second: float, classification: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 5, 900) if classification else rng.normal(size=900)
    rows = rng.permutation(900)[:600]
    options = {"classification": classification, "minimum": 20}
    small, large = (subsample(rows, y, one, seed, **options) for one in sorted((first, second)))
    assert set(small) <= set(large) <= set(rows)
    assert len(large) == max(round(max(first, second) * 600), 20)


def test_classes_keep_their_shares_and_rare_ones_some_rows() -> None:
    y = np.repeat([0, 1, 2], [6000, 3990, 10])
    counts = np.bincount(y[subsample(np.arange(10_000), y, 0.1, classification=True)])
    assert abs(counts[0] - 600) < 12 and counts[2] >= 5


def test_few_rows_are_kept_whole() -> None:
    assert subsample(np.arange(150), np.arange(150.0), 0.1, classification=False).size == 150


def test_values_keep_their_quantiles() -> None:
    y = np.random.default_rng(0).lognormal(size=5000)
    part = y[subsample(np.arange(5000), y, 0.2, classification=False)]
    assert abs(float((part > np.quantile(y, 0.9)).mean()) - 0.1) < 0.01
