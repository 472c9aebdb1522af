"""Models of each class's distribution: naive Bayes, linear and quadratic discriminant analysis."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tamis.algorithms.estimator import WRAPPERS, Classifier, cells, rows_within
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.kinds import CLASSIFICATION
from tamis.core.space import Choice, Float, Space


class NaiveBayes:
    """Gaussian naive Bayes for dense numbers, a count model for sparse input without negative values.

    Parameters
    ----------
    smoothing : float
        Share of the largest variance that is added to all (Gaussian).
    alpha : float
        Count added to every cell (counts).
    counts : {"multinomial", "complement"}
    """

    def __init__(self, smoothing: float, alpha: float, counts: str) -> None:
        self.smoothing = smoothing
        self.alpha = alpha
        self.counts = counts

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "NaiveBayes":
        """Fit on X of shape (n_rows, n_columns), dense or CSR."""
        from sklearn.naive_bayes import ComplementNB, GaussianNB, MultinomialNB

        if not hasattr(X, "tocsr"):
            self.estimator_: Any = GaussianNB(var_smoothing=self.smoothing)
        else:
            X = self._without_negatives(X)
            kind = ComplementNB if self.counts == "complement" else MultinomialNB
            self.estimator_ = kind(alpha=self.alpha)
        self.estimator_.fit(X, y, sample_weight=sample_weight)
        return self

    @staticmethod
    def _without_negatives(X: Any) -> Any:
        if X.nnz and X.data.min() < 0:
            X = X.copy()
            X.data = np.clip(X.data, 0.0, None)
        return X

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes), tempered where columns are many."""
        if hasattr(X, "tocsr"):
            X = self._without_negatives(X)
            return self.estimator_.predict_proba(X)
        joint = self.estimator_.predict_log_proba(X) / max(1.0, X.shape[1] ** 0.5 / 2)
        joint = np.exp(joint - joint.max(axis=1, keepdims=True))
        return joint / joint.sum(axis=1, keepdims=True)


class Discriminant:
    """Linear discriminant analysis with a shrunk covariance.

    Parameters
    ----------
    shrinkage : float or None
        None for the Ledoit-Wolf estimate.
    """

    def __init__(self, shrinkage: float | None) -> None:
        self.shrinkage = shrinkage

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Discriminant":
        """Fit on X of shape (n_rows, n_columns) without missing values."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        self.varies_ = np.ptp(X, axis=0) > 0
        if not self.varies_.any():
            self.priors_ = np.bincount(y) / len(y)
            return self
        shrinkage = "auto" if self.shrinkage is None else self.shrinkage
        self.estimator_ = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(X[:, self.varies_], y)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        if not self.varies_.any():
            return np.tile(self.priors_, (len(X), 1))
        return self.estimator_.predict_proba(X[:, self.varies_])


class QuadraticDiscriminant:
    """Gaussian classes, each with its own covariance, drawn to the pooled diagonal.

    Quadratic discriminant analysis (Friedman, 1989) by eigenvalues: a class with a single row is no error.

    Parameters
    ----------
    reg_param : float
        0 leaves the covariances as they are, 1 makes them the identity times their mean variance.
    """

    def __init__(self, reg_param: float) -> None:
        self.reg_param = reg_param

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "QuadraticDiscriminant":
        """Fit on X of shape (n_rows, n_columns) without missing values."""
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        n_classes, width = int(y.max()) + 1, X.shape[1]
        self.means_ = np.zeros((n_classes, width))
        self.whiteners_ = np.zeros((n_classes, width, width))
        self.offsets_ = np.zeros(n_classes)
        pooled = np.average((X - np.average(X, axis=0, weights=weight)) ** 2, axis=0, weights=weight)
        floor = 1e-6 * float(pooled.mean()) + 1e-12
        for number in range(n_classes):
            rows = np.flatnonzero(y == number)
            share = weight[rows] / max(1e-300, weight[rows].sum())
            self.means_[number] = share @ X[rows]
            centered = X[rows] - self.means_[number]
            covariance = (centered * share[:, None]).T @ centered
            # Few rows say little about a covariance: the pooled variances stand in for (width + 1) of them.
            few = (width + 1) / (width + 1 + len(rows)) if len(rows) <= 2 * width else 0.0
            mixed = max(self.reg_param, few)
            covariance = (1 - mixed) * covariance + mixed * np.diag(pooled)
            values, vectors = np.linalg.eigh(covariance)
            values = np.maximum(values, floor)
            self.whiteners_[number] = vectors / np.sqrt(values)
            self.offsets_[number] = np.log(max(1e-300, weight[rows].sum() / weight.sum())) - 0.5 * np.log(values).sum()
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        scores = np.empty((len(X), len(self.means_)))
        for number, (mean, whitener) in enumerate(zip(self.means_, self.whiteners_, strict=True)):
            scores[:, number] = self.offsets_[number] - 0.5 * (((X - mean) @ whitener) ** 2).sum(axis=1)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)


def build_naive(parameters: Mapping[str, Any], context: BuildContext) -> Classifier:
    """Return an unfitted naive Bayes model."""
    estimator = NaiveBayes(
        float(parameters.get("smoothing", 1e-3)),
        float(parameters.get("alpha", 0.3)),
        str(parameters.get("counts", "multinomial")),
    )
    return Classifier(estimator, context.shape.classes, seed=context.seed)


def build_lda(parameters: Mapping[str, Any], context: BuildContext) -> Classifier:
    """Return an unfitted linear discriminant analysis."""
    shrinkage = parameters.get("shrinkage", "auto")
    estimator = Discriminant(None if shrinkage == "auto" else float(shrinkage))
    rows = rows_within(cost_lda, context, parameters, most=10**7)
    return Classifier(estimator, context.shape.classes, max_rows=rows, weights=False, seed=context.seed)


def build_qda(parameters: Mapping[str, Any], context: BuildContext) -> Classifier:
    """Return an unfitted quadratic discriminant analysis."""
    estimator = QuadraticDiscriminant(float(parameters.get("reg_param", 0.1)))
    rows = rows_within(cost_qda, context, parameters, most=10**7)
    return Classifier(estimator, context.shape.classes, max_rows=rows, seed=context.seed)


def cost_naive(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the passes over the data."""
    return Cost(0.003 + 3e-8 * cells(shape), 5 + 2.4e-5 * cells(shape))


def cost_lda(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the covariance and its inverse."""
    seconds = 0.005 + 5e-8 * cells(shape) + 4e-10 * cells(shape) * shape.columns + 1e-9 * shape.columns**3
    return Cost(seconds, 5 + 4e-5 * cells(shape) + 3e-5 * shape.columns**2)


def cost_qda(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate a covariance and its eigenvalues for every class."""
    seconds = 0.005 + 5e-8 * cells(shape) + 2e-10 * cells(shape) * shape.columns
    return Cost(
        seconds + 4e-9 * shape.classes * shape.columns**3,
        5 + 4e-5 * cells(shape) + 8e-6 * (shape.classes + 2) * shape.columns**2,
    )


COMPONENTS = (
    Component(
        name="naive_bayes",
        kind=ComponentKind.MODEL,
        build=build_naive,
        space=Space(
            {
                "smoothing": Float(1e-9, 0.1, log=True, default=1e-3),
                "alpha": Float(1e-3, 10.0, log=True, default=0.3),
                "counts": Choice(["multinomial", "complement"]),
            }
        ),
        tasks=CLASSIFICATION,
        cost=cost_naive,
        sparse=True,
        classes=(*WRAPPERS, "tamis.algorithms.bayes.NaiveBayes"),
        source="sklearn.naive_bayes.GaussianNB",
        summary="Takes the columns as independent within a class.",
    ),
    Component(
        name="lda",
        kind=ComponentKind.MODEL,
        build=build_lda,
        space=Space({"shrinkage": Choice(["auto", 0.0, 0.01, 0.1, 0.3, 0.6, 0.9])}),
        tasks=CLASSIFICATION,
        cost=cost_lda,
        takes_weights=False,
        classes=(*WRAPPERS, "tamis.algorithms.bayes.Discriminant"),
        source="sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
        summary="Gaussian classes of one shape.",
    ),
    Component(
        name="qda",
        kind=ComponentKind.MODEL,
        build=build_qda,
        space=Space({"reg_param": Float(1e-4, 1.0, log=True, default=0.1)}),
        tasks=CLASSIFICATION,
        cost=cost_qda,
        classes=(*WRAPPERS, "tamis.algorithms.bayes.QuadraticDiscriminant"),
        source="sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis",
        summary="Gaussian classes, each of its own shape.",
    ),
)
