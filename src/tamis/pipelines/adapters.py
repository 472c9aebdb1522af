"""Gives estimators and transformers that know nothing of Tamis the manners of models and of steps of a pipeline."""

import inspect
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit, softmax

from tamis.algorithms.estimator import TargetScale

SURE = 0.95
"""The probability of the class that is named by a classifier which tells no more than that."""


class Margins:
    """A classifier without probabilities: its margins, or its votes, become some.

    Parameters
    ----------
    estimator : object
        With `fit` and `decision_function` or `predict`, on codes of classes from 0 on.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: np.ndarray, **weights: Any) -> "Margins":
        """Fit on codes 0 to n_classes - 1, each of which occurs."""
        self.n_classes_ = int(np.max(y)) + 1
        self.estimator.fit(X, y, **weights)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes): the logistic function of margins, or votes."""
        if hasattr(self.estimator, "decision_function"):
            margins = np.asarray(self.estimator.decision_function(X), dtype=float)
            if margins.ndim == 1 and self.n_classes_ == 2:
                share = expit(margins)
                return np.column_stack([1.0 - share, share])
            if margins.ndim == 2 and margins.shape[1] == self.n_classes_:
                return np.asarray(softmax(margins, axis=1))
        votes = np.eye(self.n_classes_)[np.asarray(self.estimator.predict(X)).astype(np.intp)]
        return SURE * votes + (1.0 - SURE) / self.n_classes_


class Unscaled(TargetScale):
    """Leaves a regression target as it is: some models take counts or amounts alone.

    Examples
    --------
    >>> y = np.array([1.0, 5.0])
    >>> Unscaled().fit(y).forward(y).tolist()
    [1.0, 5.0]
    """

    def fit(self, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Unscaled":
        """Note the range of a target of shape (n_rows,)."""
        self.low, self.high = float(np.min(y)), float(np.max(y))
        self.log, self.center, self.scale = False, 0.0, 1.0
        return self


class Adapter:
    """A transformer as a step: float matrices in and out, whatever it takes and returns.

    Parameters
    ----------
    transformer : object
        With scikit-learn's `fit` and `transform`, or `fit_transform`.
    codes : bool
        Whether it stands on codes of levels: missing ones get a code of their own.
    """

    def __init__(self, transformer: Any, codes: bool = False) -> None:
        self.transformer = transformer
        self.codes = codes

    def fit_transform(self, X: Any, y: np.ndarray | None = None) -> Any:
        """Fit on the training rows and return what they become."""
        if self.codes:
            largest = np.fmax.reduce(X, axis=0) if X.shape[0] else np.zeros(X.shape[1])
            self.missing_ = np.nan_to_num(largest, nan=-1.0) + 1.0
        X = self._filled(X)
        if hasattr(self.transformer, "fit_transform"):
            return _matrix(_called(self.transformer.fit_transform, X, y))
        _called(self.transformer.fit, X, y)
        return _matrix(self.transformer.transform(X))

    def transform(self, X: Any) -> Any:
        """Return what new rows become."""
        return _matrix(self.transformer.transform(self._filled(X)))

    def _filled(self, X: Any) -> Any:
        return np.where(np.isnan(X), self.missing_, X) if self.codes else X

    def get_feature_names_out(self, names: Any = None) -> Any:
        """Return what the columns are called, where the transformer tells."""
        return self.transformer.get_feature_names_out(names)


def _called(method: Any, X: Any, y: Any) -> Any:
    """Call a method with the target, or without where it takes none."""
    try:
        named = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):  # compiled functions need not tell
        return method(X, y)
    places = [one for one in named if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return method(X, y) if len(places) > 1 or any(one.kind is one.VAR_POSITIONAL for one in named) else method(X)


def _matrix(found: Any) -> Any:
    """Bring what a transformer returns to a float matrix, sparse where it is."""
    if sparse.issparse(found):
        return sparse.csr_matrix(found)  # type: ignore[call-overload]
    values = np.asarray(found, dtype=np.float64)
    return values.reshape(len(values), -1)


ADAPTERS = tuple(f"tamis.pipelines.adapters.{name}" for name in ("Margins", "Unscaled", "Adapter"))
"""The full names of the classes above, for the allow-lists of saved fits."""
