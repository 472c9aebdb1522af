"""Weights and groups beside images."""

import numpy as np
import pytest

from tamis.core.errors import DataError
from tamis.workflow.images.aside import groups_of, weights_of


def test_equal_weights_are_none_and_others_are_kept():
    assert weights_of(None, 3) is None and weights_of([2, 2, 2], 3) is None
    assert weights_of([1, 2, 3], 3).tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("wrong", [[1, 2], [1, -1, 1], [0, 0, 0], ["a", "b", "c"], [1, np.nan, 1]])
def test_weights_that_make_no_sense_are_refused(wrong):
    with pytest.raises(DataError, match="weight"):
        weights_of(wrong, 3)


def test_groups_are_numbered_and_there_must_be_one_for_each_image():
    assert groups_of(["b", "a", "b"], 3).tolist() == [1, 0, 1]
    with pytest.raises(DataError, match="group"):
        groups_of(["a"], 3)
