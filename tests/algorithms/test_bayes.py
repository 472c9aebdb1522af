"""Models of each class's distribution."""

import numpy as np
import pytest
from scipy import sparse

from tamis.core.kinds import TaskKind


def test_quadratic_analysis_sees_what_means_hide(named, fresh):
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    X = rng.normal(size=(300, 2)) * np.where(y == 1, 3.0, 0.5)[:, None]
    accuracy = {}
    for name in ("lda", "qda"):
        model = fresh(named(name), TaskKind.BINARY, X).fit(X[:200], y[:200])
        accuracy[name] = (model.predict_proba(X[200:]).argmax(axis=1) == y[200:]).mean()
    assert accuracy["qda"] > 0.8 > accuracy["lda"]


def test_a_class_of_one_row_is_no_error(named, fresh):
    X = np.random.default_rng(0).normal(size=(30, 3))
    y = np.array([0] * 15 + [1] * 14 + [2])
    proba = fresh(named("qda"), TaskKind.MULTICLASS, X).fit(X, y).predict_proba(X)
    assert np.isfinite(proba).all() and proba[:29, 2].max() < 0.9


@pytest.mark.parametrize("counts", ["multinomial", "complement"])
def test_counts_tell_classes_apart(named, fresh, counts):
    rng = np.random.default_rng(0)
    y = np.arange(100) % 2
    X = sparse.csr_matrix(rng.poisson(np.where(y[:, None] == 1, [3, 1, 0.5], [0.5, 1, 3])).astype(float))
    model = fresh(named("naive_bayes"), TaskKind.BINARY, X, parameters={"counts": counts}).fit(X[:60], y[:60])
    assert (model.predict_proba(X[60:]).argmax(axis=1) == y[60:]).mean() > 0.85
