import numpy as np
import pytest

from tamis.core.errors import ParameterError
from tamis.features.balance import class_weights

Y = np.array([0] * 90 + [1] * 10)


def test_full_strength_gives_classes_the_same_total():
    weights = class_weights(Y)
    assert weights[Y == 0].sum() == pytest.approx(weights[Y == 1].sum()) == pytest.approx(50)


def test_no_strength_leaves_rows_as_they_are():
    np.testing.assert_allclose(class_weights(Y, 0.0), 1.0)


def test_half_strength_lies_between_and_keeps_the_mean():
    weights = class_weights(Y, 0.5)
    assert weights.mean() == pytest.approx(1.0)
    assert weights[-1] / weights[0] == pytest.approx(3.0)


def test_own_weights_are_counted_and_kept():
    own = np.where(Y == 1, 9.0, 1.0)
    np.testing.assert_allclose(class_weights(Y, 1.0, own), own)


def test_rows_without_any_weight_stay_without():
    assert class_weights(Y, 1.0, np.zeros(100)).sum() == 0
    assert np.isfinite(class_weights(Y, 1.0, (Y == 0).astype(float))).all()


def test_a_strength_outside_its_range_is_refused():
    with pytest.raises(ParameterError, match="between 0 and 1"):
        class_weights(Y, 1.5)
