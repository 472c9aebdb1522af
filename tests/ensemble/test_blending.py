"""Masked averages."""

import numpy as np
import pytest

from tamis.core.errors import DataError
from tamis.ensemble.blending import blend, top_k


def test_rows_are_averaged_over_the_members_that_cover_them() -> None:
    one = np.array([[0.2, 0.8], [0.5, 0.5], [np.nan, np.nan]])
    two = np.array([[0.6, 0.4], [np.nan, np.nan], [np.nan, np.nan]])
    found = blend([one, two], [3.0, 1.0])
    np.testing.assert_allclose(found[:2], [[0.3, 0.7], [0.5, 0.5]])
    assert np.isnan(found[2]).all()


def test_a_member_of_weight_zero_is_not_looked_at() -> None:
    assert blend([np.ones(2), np.full(2, np.inf)], [1.0, 0.0]).tolist() == [1.0, 1.0]


def test_wrong_weights_are_refused() -> None:
    with pytest.raises(DataError, match="one weight per member"):
        blend([np.ones(2)], [1.0, 2.0])
    with pytest.raises(DataError, match="above zero"):
        blend([np.ones(2)], [0.0])


def test_the_best_k_share_the_weight_but_not_those_without_a_loss() -> None:
    assert top_k(np.array([1.0, np.inf, 0.5]), 3).tolist() == [0.5, 0.0, 0.5]
