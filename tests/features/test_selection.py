import numpy as np
import pytest

from tamis.core.errors import ParameterError
from tamis.features.selection import ModelGain, Probes, Univariate, Varying

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 10))
Y = (X[:, 2] + X[:, 7] > 0).astype(int)


def test_columns_that_do_not_vary_are_dropped():
    table = np.column_stack([np.ones(30), RNG.normal(size=30), np.full(30, 1e9), np.r_[1e9 + 1e6, np.full(29, 1e9)]])
    assert Varying().fit(table).get_support().tolist() == [False, True, False, True]


def test_one_column_stays_where_none_varies():
    assert Varying().fit_transform(np.ones((5, 3))).shape == (5, 1)


@pytest.mark.parametrize("score", ["f", "mutual_information"])
def test_single_columns_are_ranked_by_what_they_tell(score):
    chosen = Univariate(score, 20, classification=True).fit(X, Y)
    assert chosen.get_support(indices=True).tolist() == [2, 7]
    assert Univariate(score, 10).fit(X, 3 * X[:, 4]).get_support(indices=True).tolist() == [4]


def test_gains_find_what_columns_tell_together():
    parity = (X[:, 1] * X[:, 5] > 0).astype(int)
    chosen = ModelGain(max_features=2, classification=True).fit(X, parity)
    assert chosen.get_support(indices=True).tolist() == [1, 5]
    np.testing.assert_array_equal(chosen.transform(X), X[:, [1, 5]])


def test_the_threshold_is_a_multiple_of_the_mean_gain():
    assert ModelGain(1.5, classification=True).fit(X, Y).get_support(indices=True).tolist() == [2, 7]


def test_probes_keep_what_beats_noise():
    kept = Probes(classification=True).fit(X, Y).get_support(indices=True)
    assert {2, 7} <= set(kept) and len(kept) <= 4


def test_probes_keep_one_column_of_noise_alone():
    kept = Probes(quantile=1.0).fit(X, RNG.normal(size=400)).get_support(indices=True)
    assert 1 <= len(kept) <= 3


def test_names_are_those_of_the_columns_kept():
    assert list(Univariate("f", 20, classification=True).fit(X, Y).get_feature_names_out(list("abcdefghij"))) == [
        "c",
        "h",
    ]


def test_the_target_and_the_score_are_asked_for():
    with pytest.raises(ParameterError, match="'y' must be given"):
        ModelGain().fit(X)
    with pytest.raises(ParameterError, match="score"):
        Univariate("chi2").fit(X, Y)
