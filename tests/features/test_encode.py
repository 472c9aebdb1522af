import numpy as np
from scipy import sparse

from tamis.features.encode import Codes, Frequency, OneHot, find_levels, number_levels

CITY = np.array([[0.0], [0.0], [0.0], [2.0], [2.0], [5.0]])


def test_levels_that_are_no_codes_are_numbered_too():
    column = np.array([2.5, -1.0, np.nan, 2.5])
    levels = find_levels(column)
    assert levels.tolist() == [-1.0, 2.5]
    assert number_levels(np.append(column, 3.0), levels).tolist() == [2, 1, 0, 2, 0]


def test_codes_between_levels_are_unknown():
    assert number_levels(np.array([0.5, 1.0, -1.0, 9.0]), np.arange(3.0)).tolist() == [0, 2, 0, 0]


def test_unseen_codes_become_missing():
    made = Codes().fit(CITY).transform([[2.0], [3.0], [np.nan]])
    np.testing.assert_array_equal(made.ravel(), [2.0, np.nan, np.nan])


def test_rare_codes_share_a_new_one():
    np.testing.assert_array_equal(Codes(min_count=2).fit_transform(CITY).ravel(), [0, 0, 0, 2, 2, 6])
    np.testing.assert_array_equal(Codes(max_levels=1).fit_transform(CITY).ravel(), [0, 0, 0, 6, 6, 6])


def test_one_hot_pools_rare_levels():
    encoder = OneHot(max_levels=2).fit(CITY)
    assert list(encoder.get_feature_names_out(["city"])) == ["city=0", "city=2", "city=other"]
    np.testing.assert_array_equal(encoder.transform([[5.0], [0.0], [99.0]]), [[0, 0, 1], [1, 0, 0], [0, 0, 1]])


def test_one_hot_gives_missing_its_own_column():
    encoder = OneHot().fit([[0.0], [1.0], [np.nan]])
    assert list(encoder.get_feature_names_out(["a"])) == ["a=0", "a=1", "a=missing"]
    np.testing.assert_array_equal(encoder.transform([[np.nan], [7.0]]), [[0, 0, 1], [0, 0, 1]])


def test_one_hot_needs_one_column_for_two_levels():
    np.testing.assert_array_equal(OneHot().fit_transform([[3.0], [4.0], [3.0]]).ravel(), [0, 1, 0])


def test_one_hot_is_sparse_when_wide_and_holds_the_same():
    X = np.random.default_rng(0).integers(0, 50, (200, 2)).astype(float)
    wide = OneHot().fit_transform(X)
    assert sparse.issparse(wide) and wide.has_canonical_format
    np.testing.assert_array_equal(wide.toarray(), OneHot(output="dense").fit_transform(X))
    assert wide.sum() == X.size


def test_frequency_counts_missing_values_and_gives_unseen_levels_nothing():
    encoder = Frequency(log=False).fit([[0.0], [0.0], [np.nan], [1.0]])
    np.testing.assert_allclose(encoder.transform([[0.0], [np.nan], [1.0]]).ravel(), [0.5, 0.25, 0.25])
    assert Frequency().fit(CITY).transform([[9.0]])[0, 0] == 0
