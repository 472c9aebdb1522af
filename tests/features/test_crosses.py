import numpy as np
import pytest

from tamis.core.errors import ParameterError
from tamis.features.crosses import Arithmetic, CategoryCrosses, binned, centred_targets, explained, path_gains
from tamis.features.selection import fit_forest


def test_a_ratio_that_the_target_follows_is_found():
    X = np.random.default_rng(0).uniform(1, 10, (600, 6))
    y = X[:, 1] / X[:, 4]
    crossed = Arithmetic(n_new=3).fit(X, y)
    names = list(crossed.get_feature_names_out(list("abcdef")))
    assert names[:6] == list("abcdef") and names[6] in ("b/e", "e/b")
    made = crossed.transform(X)
    np.testing.assert_array_equal(made[:, :6], X)
    ratio = X[:, 1] / X[:, 4]
    np.testing.assert_allclose(made[:, 6], ratio if names[6] == "b/e" else 1 / ratio)


def test_a_product_of_signs_is_found():
    X = np.random.default_rng(0).normal(size=(800, 4))
    y = (X[:, 0] * X[:, 2] > 0).astype(int)
    assert "a*c" in Arithmetic(n_new=5, n_classes=2).fit(X, y).get_feature_names_out(list("abcd"))


def test_new_columns_are_few_and_not_alike():
    X = np.random.default_rng(0).normal(size=(500, 8))
    crossed = Arithmetic(n_new=4, keep=False).fit(X, X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3])
    made = crossed.transform(X)
    assert 1 <= made.shape[1] <= 4
    ranks = np.abs(np.corrcoef(np.argsort(np.argsort(made, axis=0), axis=0).T)) - np.eye(made.shape[1])
    assert ranks.max() < 0.995


def test_ratios_of_new_rows_stay_in_the_range_of_training():
    X = np.random.default_rng(0).uniform(1, 10, (400, 2))
    crossed = Arithmetic(operations="/", keep=False).fit(X, X[:, 0] / X[:, 1])
    made = crossed.transform([[1e9, 1e-12], [1.0, 0.0], [np.nan, 1.0]])
    assert np.nanmax(made) <= 10 and np.nanmin(made) >= 0.1 and np.isnan(made[2]).all()


def test_an_unknown_operation_is_refused():
    with pytest.raises(ParameterError, match="operations"):
        Arithmetic(operations="+^").fit(np.ones((4, 2)), np.arange(4.0))


def test_gains_of_paths_add_up_to_the_forests_importances():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    forest = fit_forest(X, X[:, 0] * X[:, 1], classification=False, seed=0)
    gains, pairs = path_gains(forest)
    assert set(np.argsort(-gains)[:2]) == {0, 1}
    assert max(pairs, key=pairs.get) == (0, 1)


def test_noise_explains_nothing_on_average():
    rng = np.random.default_rng(0)
    found = [explained(binned(rng.normal(size=400)), centred_targets(rng.normal(size=400), 1)) for _ in range(30)]
    assert abs(np.mean(found)) < 0.01


def test_a_cross_that_the_target_follows_is_chosen_first():
    X = np.random.default_rng(0).integers(0, 4, (1200, 5)).astype(float)
    y = ((X[:, 1] + X[:, 3]) % 2).astype(int)
    crosses = CategoryCrosses(n_pairs=2, n_classes=2)
    made = crosses.fit_transform(X, y)
    assert crosses.pairs_[0] == [1, 3]
    assert crosses.get_feature_names_out(list("abcde"))[0] == "b*d=target mean"
    assert np.corrcoef(made[:, 0], y)[0, 1] > 0.99


def test_crosses_of_a_random_target_give_no_signal_out_of_fold():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 40, (1500, 3)).astype(float), rng.integers(0, 2, 1500)
    crosses = CategoryCrosses(n_pairs=3, n_classes=2, alpha=1.0)
    honest = crosses.fit_transform(X, y)
    assert np.abs([np.corrcoef(column, y)[0, 1] for column in honest.T]).max() < 0.12
    assert np.corrcoef(crosses.transform(X)[:, 0], y)[0, 1] > 0.5


def test_crossed_levels_not_seen_in_training_get_the_prior():
    X, y = np.array([[0.0, 0.0], [1.0, 1.0]] * 10), np.array([0.0, 1.0] * 10)
    made = CategoryCrosses().fit(X, y).transform([[0.0, 1.0], [np.nan, 0.0], [9.0, 9.0]])
    np.testing.assert_allclose(made, 0.5)
