import numpy as np
import pytest

NAMES = ("pca", "truncated_svd", "nystroem", "random_fourier", "feature_agglomeration")


@pytest.mark.parametrize("name", NAMES)
def test_more_components_than_the_data_has_are_cut(name, every, built):
    parameter = "n_clusters" if name == "feature_agglomeration" else "n_components"
    X = np.random.default_rng(0).normal(size=(6, 4))
    made = built(every[name], **{parameter: 100}).fit_transform(X)
    assert made.shape[1] == {"nystroem": 6, "random_fourier": 100}.get(name, 4)


@pytest.mark.parametrize("name", NAMES)
def test_incoming_columns_can_be_kept(name, every, built):
    X = np.random.default_rng(0).normal(size=(30, 4))
    fitted = built(every[name], keep=True).fit(X)
    np.testing.assert_array_equal(fitted.transform(X)[:, :4], X)
    assert list(fitted.get_feature_names_out(list("abcd"))[:4]) == list("abcd")


def test_the_first_direction_is_the_one_that_columns_share(every, built):
    shared = np.random.default_rng(0).normal(size=(200, 1))
    X = shared * [1.0, 1000.0, -1.0] + 0.01 * np.random.default_rng(1).normal(size=(200, 3))
    made = built(every["pca"], n_components=1).fit_transform(X)
    assert abs(np.corrcoef(made[:, 0], shared[:, 0])[0, 1]) > 0.999


def test_kernel_features_let_a_linear_model_see_a_ring(every, built):
    from sklearn.linear_model import LogisticRegression

    X = np.random.default_rng(0).normal(size=(400, 2))
    y = ((X**2).sum(axis=1) > 1.4).astype(int)
    for name in ("nystroem", "random_fourier"):
        made = built(every[name], n_components=100).fit_transform(X)
        assert LogisticRegression(C=100, max_iter=1000).fit(made, y).score(made, y) > 0.93


def test_columns_that_go_together_are_merged(every, built):
    base = np.random.default_rng(0).normal(size=(100, 2))
    X = base[:, [0, 0, 0, 1, 1]] + 0.01 * np.random.default_rng(1).normal(size=(100, 5))
    fitted = built(every["feature_agglomeration"], n_clusters=2).fit(X)
    labels = fitted.reducer_.labels_
    assert fitted.transform(X).shape == (100, 2)
    assert len(set(labels[:3])) == 1 and len(set(labels[3:])) == 1 and labels[0] != labels[4]
