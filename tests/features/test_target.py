import numpy as np
import pytest

from tamis.core.errors import ParameterError
from tamis.features.target import OrdinalByTarget, TargetStatistics, inner_folds, target_matrix


def test_an_id_column_gives_no_signal_out_of_fold():
    y = np.random.default_rng(0).integers(0, 2, 300)
    ids = np.arange(300.0)[:, None]
    assert np.ptp(TargetStatistics(2).fit_transform(ids, y)) == 0
    assert np.ptp(OrdinalByTarget(2).fit_transform(ids, y)) == 0
    assert np.ptp(TargetStatistics(2).fit(ids, y).transform(ids)) > 0


@pytest.mark.parametrize("encoder", [TargetStatistics(2), TargetStatistics(1, "several"), OrdinalByTarget(2)])
def test_rare_levels_of_a_random_target_give_a_tree_nothing_to_learn(encoder):
    from sklearn.metrics import roc_auc_score
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(1)
    X, y = rng.integers(0, 700, (2000, 3)).astype(float), rng.integers(0, 2, 2000)
    new, truth = rng.integers(0, 700, (2000, 3)).astype(float), rng.integers(0, 2, 2000)
    honest = encoder.fit_transform(X, y)
    in_fold = DecisionTreeClassifier(max_depth=3, random_state=0).fit(honest, y)
    assert roc_auc_score(y, in_fold.predict_proba(honest)[:, 1]) < 0.60
    assert roc_auc_score(truth, in_fold.predict_proba(encoder.transform(new))[:, 1]) == pytest.approx(0.5, abs=0.04)
    leaky = encoder.transform(X)
    assert roc_auc_score(y, DecisionTreeClassifier(max_depth=3).fit(leaky, y).predict_proba(leaky)[:, 1]) > 0.65


def test_a_row_does_not_see_its_own_target():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 4, (60, 1)).astype(float), rng.normal(size=60)
    encoder = TargetStatistics(smoothing="fixed", alpha=1e-9, n_folds=5)
    made = encoder.fit_transform(X, y)
    folds = inner_folds(y, 5, 0)
    for row in range(60):
        others = (folds != folds[row]) & (X[:, 0] == X[row, 0])
        assert made[row, 0] == pytest.approx(y[others].mean(), abs=1e-6)


def test_levels_are_shrunk_to_the_prior_by_their_counts():
    X, y = np.array([[0.0]] * 8 + [[1.0]] * 2), np.array([1.0] * 8 + [0.0] * 2)
    made = TargetStatistics(smoothing="fixed", alpha=10.0).fit(X, y).transform([[0.0], [1.0], [np.nan]])
    np.testing.assert_allclose(made.ravel(), [(8 + 8) / 18, (0 + 8) / 12, 0.8])


def test_auto_shrinks_noise_harder_than_signal():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 100, (1000, 1)).astype(float)
    effect = rng.normal(size=100)
    noise = TargetStatistics().fit(X, rng.normal(size=1000))
    signal = TargetStatistics().fit(X, effect[X[:, 0].astype(int)] + 0.1 * rng.normal(size=1000))
    assert noise.alphas_[0][0] > 100 > 5 > signal.alphas_[0][0]


def test_weights_count_as_rows_would():
    X, y = np.array([[0.0], [0.0], [1.0]]), np.array([1.0, 0.0, 0.0])
    weighted = TargetStatistics(smoothing="fixed").fit(X, y, sample_weight=[3, 1, 1]).transform(X)
    repeated = TargetStatistics(smoothing="fixed").fit(X[[0, 0, 0, 1, 2]], y[[0, 0, 0, 1, 2]]).transform(X)
    np.testing.assert_allclose(weighted, repeated)


def test_several_classes_get_a_column_each_up_to_ten():
    y = np.random.default_rng(0).integers(0, 3, 90)
    encoder = TargetStatistics(3, counts=True).fit(np.zeros((90, 1)), y)
    assert list(encoder.get_feature_names_out(["a"])) == [
        "a=target mean[0]", "a=target mean[1]", "a=target mean[2]", "a=log count"
    ]  # fmt: skip
    np.testing.assert_allclose(encoder.transform([[0.0]])[0, :3].sum(), 1.0)
    assert target_matrix(np.arange(40) % 20, 20)[0].shape == (40, 10)


def test_inner_folds_have_alike_targets():
    y = np.random.default_rng(0).normal(size=1000)
    folds = inner_folds(y, 5, 0)
    assert np.bincount(folds).tolist() == [200] * 5
    assert np.ptp([y[folds == fold].mean() for fold in range(5)]) < 0.05


def test_levels_stand_in_the_order_of_the_target():
    X = np.repeat([[0.0], [1.0], [2.0]], 50, axis=0)
    y = np.repeat([5.0, 1.0, 3.0], 50)
    encoder = OrdinalByTarget().fit(X, y)
    np.testing.assert_allclose(encoder.transform([[1.0], [2.0], [0.0]]).ravel(), [0.0, 0.5, 1.0], atol=0.34)
    assert np.all(np.diff(encoder.transform([[1.0], [2.0], [0.0]]).ravel()) > 0)


def test_the_target_must_be_given():
    with pytest.raises(ParameterError, match="'y' must be given"):
        TargetStatistics().fit([[0.0]])
    with pytest.raises(ParameterError, match="smoothing"):
        TargetStatistics(smoothing="autos").fit([[0.0]], [1.0])
