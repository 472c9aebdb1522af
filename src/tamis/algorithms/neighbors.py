"""Nearest neighbours: the mean of the rows most alike."""

from collections.abc import Mapping
from typing import Any

from tamis.algorithms.estimator import WRAPPERS, Classifier, Regressor, TargetScale, cells, rows_within
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.space import Choice, Int, Space

MOST_ROWS = 100_000
"""A prediction looks at every row kept."""


def build(parameters: Mapping[str, Any], context: BuildContext) -> Classifier | Regressor:
    """Return an unfitted model; `n_neighbors` is held below the number of rows."""
    rows = rows_within(cost, context, parameters, most=MOST_ROWS)
    settings = {
        "n_neighbors": int(parameters.get("n_neighbors", 15)),
        "weights": str(parameters.get("weights", "distance")),
        "metric": str(parameters.get("metric", "euclidean")),
        "n_jobs": context.threads,
    }
    if context.task.is_classification:
        return Classifier(
            Neighbors(settings, True), context.shape.classes, max_rows=rows, weights=False, seed=context.seed
        )
    scale = TargetScale.for_metric(context.metric, parameters)
    return Regressor(Neighbors(settings, False), scale, max_rows=rows, weights=False, seed=context.seed)


class Neighbors:
    """scikit-learn's nearest neighbours with no more of them than there are rows.

    Parameters
    ----------
    settings : dict
        Arguments of scikit-learn's estimator.
    classify : bool
    """

    def __init__(self, settings: dict[str, Any], classify: bool) -> None:
        self.settings = settings
        self.classify = classify

    def fit(self, X: Any, y: Any) -> "Neighbors":
        """Keep the rows: X of shape (n_rows, n_columns), y of shape (n_rows,)."""
        self.X_, self.y_ = X, y
        self.n_neighbors_ = max(1, min(self.settings["n_neighbors"], X.shape[0] - 1))
        self._index()
        return self

    def _index(self) -> Any:
        """Return scikit-learn's estimator, built anew where the rows alone were stored."""
        if not hasattr(self, "estimator_"):
            from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

            small = self.X_.shape[1] <= 8 and not hasattr(self.X_, "tocsr") and self.settings["metric"] != "cosine"
            settings = {**self.settings, "n_neighbors": self.n_neighbors_, "algorithm": "kd_tree" if small else "brute"}
            kind = KNeighborsClassifier if self.classify else KNeighborsRegressor
            self.estimator_ = kind(**settings).fit(self.X_, self.y_)
        return self.estimator_

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "estimator_"}

    def predict_proba(self, X: Any) -> Any:
        """Return shares of the classes among the neighbours, drawn a little to even ones: shape (n_rows, n_classes)."""
        shares = self._index().predict_proba(X)
        # A share of k neighbours cannot tell 0 from 1 / (k + 1).
        k = self.n_neighbors_
        return (k * shares + 0.5 / shares.shape[1]) / (k + 0.5)

    def predict(self, X: Any) -> Any:
        """Return the mean target of the neighbours: shape (n_rows,)."""
        return self._index().predict(X)


def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate a fit and the prediction of a quarter of the rows, which is where the work is."""
    rows = min(shape.rows, MOST_ROWS)
    each = {"euclidean": 1.0, "cosine": 1.0}.get(str(parameters.get("metric", "euclidean")), 8.0)
    width = 3.0 + shape.columns * shape.density * each
    return Cost(0.01 + 0.25 * rows**2 * width * 2.5e-10, 10 + cells(shape) * 1.6e-5 + rows * 0.01)


COMPONENTS = (
    Component(
        name="nearest_neighbors",
        kind=ComponentKind.MODEL,
        build=build,
        space=Space(
            {
                "n_neighbors": Int(1, 100, log=True, default=15),
                "weights": Choice(["distance", "uniform"]),
                "metric": Choice(["euclidean", "manhattan", "cosine"]),
            }
        ),
        cost=cost,
        sparse=True,
        takes_weights=False,
        classes=(*WRAPPERS, "tamis.algorithms.neighbors.Neighbors"),
        source="sklearn.neighbors.KNeighborsClassifier",
        summary="The mean of the rows most alike.",
    ),
)
