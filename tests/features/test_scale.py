import numpy as np
import pytest

from tamis.features.scale import PowerNormal, RobustScale, Splines


def skewness(column):
    return float(np.mean(((column - column.mean()) / column.std()) ** 3))


def test_standardized_columns_have_mean_0_and_deviation_1(every, built):
    X = np.random.default_rng(0).normal(5, 3, (200, 2))
    made = built(every["standardize"]).fit_transform(X)
    np.testing.assert_allclose([made.mean(axis=0), made.std(axis=0)], [[0, 0], [1, 1]], atol=1e-9)


def test_quantiles_become_normal_also_with_few_rows(every, built):
    X = np.random.default_rng(0).exponential(size=(20, 1)) ** 4
    made = built(every["quantile_normal"]).fit_transform(X)
    inner = np.sort(made[:, 0])[1:-1]  # the outermost stand for quantiles 0 and 1
    assert abs(skewness(inner)) < 0.2 < skewness(np.sort(X[:, 0])[1:-1])
    np.testing.assert_array_equal(np.argsort(made[:, 0]), np.argsort(X[:, 0]))


def test_minmax_keeps_new_rows_within_the_range(every, built):
    scaler = built(every["minmax"]).fit([[0.0], [10.0]])
    np.testing.assert_allclose(scaler.transform([[5.0], [40.0], [-3.0]]).ravel(), [0.5, 1.0, 0.0])


def test_gaps_pass_through_scalers(every, built):
    X = np.array([[1.0], [np.nan], [3.0], [4.0]])
    for name in ("standardize", "robust_scale", "quantile_normal", "power", "minmax"):
        assert list(np.isnan(built(every[name]).fit_transform(X)).ravel()) == [False, True, False, False], name


def test_the_smooth_clip_bends_outliers_to_three():
    X = np.append(np.arange(101.0), 1e9)[:, None]
    made = RobustScale().fit_transform(X)
    assert 2.99 < made[-1, 0] <= 3.0 and np.all(np.diff(made[:, 0]) > 0)
    assert RobustScale(smooth_clip=False).fit_transform(X)[-1, 0] > 1e6


def test_the_half_range_stands_in_where_the_quartiles_are_equal():
    made = RobustScale(smooth_clip=False).fit_transform(np.array([0.0] * 9 + [1.0])[:, None])
    assert made[-1, 0] == pytest.approx(2.0)


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_power_takes_the_skew_away_wherever_the_column_lies(shift):
    X = np.random.default_rng(0).lognormal(0, 1, (500, 1)) + shift
    made = PowerNormal().fit_transform(X)
    assert abs(skewness(made[:, 0])) < 0.4 < skewness(X[:, 0])
    assert np.abs(PowerNormal().fit(X).transform([[1e300], [-1e300]])).max() <= 20


def test_a_linear_model_bends_with_splines():
    from sklearn.linear_model import LinearRegression

    X = np.random.default_rng(0).uniform(-3, 3, (300, 1))
    y = np.sin(2 * X[:, 0])
    made = Splines(n_knots=8).fit_transform(X)
    assert LinearRegression().fit(made, y).score(made, y) > 0.95 > LinearRegression().fit(X, y).score(X, y)


def test_splines_take_columns_of_few_values():
    made = Splines(n_knots=6).fit_transform(np.array([[0.0], [0.0], [0.0], [1.0]] * 5))
    assert np.isfinite(made).all() and not np.allclose(made[0], made[3])
