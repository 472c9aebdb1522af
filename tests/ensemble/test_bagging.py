"""Running means of predictions."""

import numpy as np
import pytest

from tamis.core.errors import DataError
from tamis.ensemble.bagging import RunningMean, average


def test_weights_are_heeded_and_zero_leaves_out() -> None:
    parts = (np.full((2, 2), value) for value in (1.0, 4.0, np.nan))
    assert average(parts, [2.0, 1.0, 0.0]).tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_the_first_prediction_is_not_changed() -> None:
    first = np.ones(3)
    assert average([first, np.full(3, 3.0)]).tolist() == [2.0] * 3
    assert first.tolist() == [1.0] * 3


def test_nothing_to_average_and_unequal_shapes_are_refused() -> None:
    with pytest.raises(DataError, match="no prediction"):
        average([])
    with pytest.raises(DataError, match="one shape"):
        RunningMean().add(np.ones(2)).add(np.ones(3))
