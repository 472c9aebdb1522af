import numpy as np
import pytest

from tamis.core.errors import ParameterError
from tamis.features.bins import Bins


def test_bins_hold_as_many_rows_each():
    made = Bins(4).fit_transform(np.random.default_rng(0).exponential(size=(400, 1)))
    np.testing.assert_array_equal(np.bincount(made[:, 0].astype(int)), [100] * 4)


def test_equal_quantiles_are_merged():
    bins = Bins(10, "onehot").fit(np.array([0.0] * 50 + [1.0, 2.0])[:, None])
    assert bins.transform([[0.0]]).shape[1] < 10
    assert bins.transform([[0.0], [5.0], [-5.0]]).sum(axis=1).tolist() == [1, 1, 1]


def test_linear_bins_fill_up():
    made = Bins(2, "linear").fit(np.arange(5.0)[:, None]).transform([[-1.0], [1.0], [3.0], [9.0]])
    np.testing.assert_allclose(made, [[0, 0], [0.5, 0], [1, 0.5], [1, 1]])


def test_gaps_are_in_no_bin():
    for encode, expected in (("ordinal", [-1]), ("onehot", [0, 0]), ("linear", [0, 0])):
        assert Bins(2, encode).fit(np.arange(4.0)[:, None]).transform([[np.nan]])[0].tolist() == expected


def test_an_unknown_encoding_is_refused():
    with pytest.raises(ParameterError, match="Did you mean 'onehot'"):
        Bins(encode="one_hot").fit([[1.0]])
