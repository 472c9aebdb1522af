import numpy as np
import pytest
from scipy import sparse

from tamis.core.errors import ParameterError
from tamis.features.impute import Impute

GAPPY = np.array([[1.0, np.nan], [np.nan, np.nan], [5.0, np.nan], [9.0, np.nan]])


@pytest.mark.parametrize(
    ("strategy", "filled"), [("mean", 5.0), ("median", 5.0), ("most_frequent", 1.0), ("constant", -1.0)]
)
def test_each_strategy_fills_with_its_number(strategy, filled):
    assert Impute(strategy, fill_value=-1.0).fit_transform(GAPPY)[1, 0] == filled


def test_a_column_without_values_becomes_zeros():
    np.testing.assert_array_equal(Impute("median").fit_transform(GAPPY)[:, 1], np.zeros(4))


def test_the_indicator_marks_columns_that_have_gaps_in_training():
    X = np.array([[1.0, 1.0], [np.nan, 2.0]])
    imputer = Impute(indicator=True).fit(X)
    assert list(imputer.get_feature_names_out(["a", "b"])) == ["a", "b", "a=missing"]
    np.testing.assert_array_equal(imputer.transform([[3.0, np.nan]]), [[3.0, 1.5, 0.0]])


def test_a_sparse_matrix_is_filled_and_marked():
    X = sparse.csr_matrix(np.array([[1.0, 0.0], [np.nan, 0.0], [3.0, 4.0]]))
    made = Impute("constant", indicator=True, fill_value=7.0).fit_transform(X)
    np.testing.assert_array_equal(made.toarray(), [[1, 0, 0], [7, 0, 1], [3, 4, 0]])


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ParameterError, match="Did you mean 'median'"):
        Impute("mediann").fit(GAPPY)
