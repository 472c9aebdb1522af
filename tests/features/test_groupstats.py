import numpy as np
import pytest

from tamis.core.errors import ParameterError
from tamis.features.groupstats import GroupStatistics

RNG = np.random.default_rng(0)
CITY = RNG.integers(0, 5, 500).astype(float)
INCOME = CITY * 100 + RNG.normal(size=500)
TABLE = np.column_stack([INCOME, CITY])


def test_statistics_are_those_of_the_level():
    groups = GroupStatistics(keep=False).set_columns(categories=[1]).fit(TABLE)
    made = dict(zip(groups.get_feature_names_out(["income", "city"]), groups.transform(TABLE[:1])[0], strict=True))
    own = INCOME[CITY[0] == CITY]
    assert made["income mean by city"] == pytest.approx(own.mean(), abs=15)
    assert made["income difference by city"] == pytest.approx(INCOME[0] - made["income mean by city"])
    assert made["income rank by city"] == pytest.approx((np.sum(own < INCOME[0]) + 0.5) / len(own))


def test_incoming_columns_stay_in_front():
    made = GroupStatistics(categories=[1]).fit_transform(TABLE)
    np.testing.assert_array_equal(made[:, :2], TABLE)
    assert made.shape == (500, 7)


def test_rare_levels_are_drawn_to_all_rows():
    level = np.r_[np.repeat([0.0, 1.0, 2.0], 40), 3.0]
    X = np.column_stack([level, level % 3 + RNG.normal(size=121) * 2])
    X[-1, 1] = 50.0
    made = GroupStatistics(statistics=["mean"], categories=[0], keep=False).fit(X).transform(X)
    assert 2 < made[-1, 0] < 45
    assert made[0, 0] == pytest.approx(X[:40, 1].mean(), abs=0.3)


def test_unknown_levels_get_what_all_rows_have():
    groups = GroupStatistics(categories=[1], keep=False).fit(TABLE)
    mean, _, difference, _, rank = groups.transform([[7.0, 99.0]])[0]
    assert (mean, difference, rank) == (pytest.approx(INCOME.mean()), pytest.approx(7 - INCOME.mean()), 0.5)


def test_the_pair_that_tells_of_the_target_is_chosen():
    noise = RNG.integers(0, 5, (500, 3)).astype(float)
    X = np.column_stack([noise[:, :2], CITY, RNG.normal(size=(500, 2)), INCOME])
    y = INCOME - CITY * 100
    assert GroupStatistics(n_pairs=1, categories=[0, 1, 2]).fit(X, y).pairs_ == [[2, 5]]


def test_without_categories_the_table_passes():
    np.testing.assert_array_equal(GroupStatistics().fit_transform(TABLE), TABLE)
    assert GroupStatistics(keep=False).fit_transform(TABLE).shape == (500, 1)


def test_positions_and_statistics_are_checked():
    with pytest.raises(ParameterError, match="positions below 2"):
        GroupStatistics(categories=[2]).fit(TABLE)
    with pytest.raises(ParameterError, match="statistics"):
        GroupStatistics(statistics=["mode"]).fit(TABLE)
