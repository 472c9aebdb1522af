"""What gives strangers the manners of models and steps."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tamis.pipelines.adapters import SURE, Adapter, Margins, Unscaled


class Telling:
    """Answers what it was given."""

    def __init__(self, margins: np.ndarray | None = None, labels: Any = (0, 2, 1)) -> None:
        self.margins, self.labels = margins, labels
        if margins is not None:
            self.decision_function = lambda X: margins

    def fit(self, X: Any, y: Any, **more: Any) -> "Telling":
        self.more = more
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.asarray(self.labels)


def test_margins_become_probabilities_in_the_same_order() -> None:
    two = Margins(Telling(np.array([-2.0, 0.0, 3.0]))).fit(np.zeros((3, 1)), np.array([0, 1, 1]))
    found = two.predict_proba(np.zeros((3, 1)))
    assert found[1].tolist() == [0.5, 0.5] and np.all(np.diff(found[:, 1]) > 0)
    margins = np.array([[1.0, 0.0, -1.0], [0.0, 0.0, 5.0], [2.0, 2.0, 0.0]])
    many = Margins(Telling(margins)).fit(np.zeros((3, 1)), np.array([0, 1, 2]), sample_weight=np.ones(3))
    assert "sample_weight" in many.estimator.more
    np.testing.assert_array_equal(many.predict_proba(np.zeros((3, 1))).argmax(axis=1)[:2], [0, 2])


@pytest.mark.parametrize("margins", [None, np.zeros((3, 4))])
def test_votes_are_nearly_sure(margins: np.ndarray | None) -> None:
    found = Margins(Telling(margins)).fit(np.zeros((3, 1)), np.array([0, 1, 2])).predict_proba(np.zeros((3, 1)))
    assert found.argmax(axis=1).tolist() == [0, 2, 1] and found.max() == pytest.approx(SURE + (1 - SURE) / 3)


def test_a_target_stays_as_it_is() -> None:
    y = np.array([0.0, 3.0, 1e6])
    scale = Unscaled().fit(y)
    np.testing.assert_array_equal(scale.inverse(scale.forward(y)), y)
    assert not scale.constant and Unscaled().fit(np.ones(3)).constant


class Plain:
    """A transformer without `fit_transform` whose `fit` takes no target; it answers by a table."""

    def fit(self, X: Any) -> "Plain":
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        return pd.DataFrame(X * 2)


class Sparse:
    """A transformer that needs the target, and answers by a sparse matrix or by a single column."""

    def fit_transform(self, X: Any, y: Any) -> Any:
        self.mean_ = float(np.mean(y))
        return sparse.coo_matrix(X + self.mean_)

    def transform(self, X: Any) -> Any:
        return (X + self.mean_)[:, 0]


def test_whatever_a_transformer_returns_becomes_a_matrix_of_floats() -> None:
    X, y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 2])
    assert Adapter(Plain()).fit_transform(X, y).tolist() == (2 * X).tolist()
    step = Adapter(Sparse())
    assert step.fit_transform(X, y).format == "csr"
    assert step.transform(X).shape == (3, 1)
