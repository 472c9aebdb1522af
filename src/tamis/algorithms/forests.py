"""Averages of randomised trees, with out-of-bag predictions, and the single decision tree."""

import time
from collections.abc import Mapping
from math import inf, log2
from typing import Any

import numpy as np

from tamis.algorithms.estimator import (
    WRAPPERS,
    Classifier,
    Regressor,
    TargetScale,
    cells,
    normalize,
    prefers_median,
    rows_within,
    spread_classes,
)
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.errors import InternalError
from tamis.core.space import Choice, Float, Int, Space

SOFT_SHARE = 0.75
"""Trees are added until this share of the slice; the rest is for out-of-bag predictions."""
TREE = "sklearn.tree._tree.Tree"
"""What holds a tree's nodes."""
ABSOLUTE_ROWS = 3_000
"""Above it, splits by absolute error (quadratic in the rows) would never end."""


class Forest:
    """A random forest or extremely randomised trees, grown in batches until the slice ends.

    Parameters
    ----------
    kind : {"random_forest", "extra_trees"}
    settings : dict
        Arguments of scikit-learn's estimator, `n_estimators` aside.
    n_trees : int
    n_classes : int
        0 for regression.
    limit_s : float
    scale : TargetScale
    """

    def __init__(
        self, kind: str, settings: dict[str, Any], *, n_trees: int, n_classes: int, limit_s: float, scale: TargetScale
    ) -> None:
        self.kind = kind
        self.settings = settings
        self.n_trees = n_trees
        self.n_classes = n_classes
        self.limit_s = limit_s
        self.scale = scale

    def _estimator(self) -> Any:
        from sklearn import ensemble

        name = "RandomForest" if self.kind == "random_forest" else "ExtraTrees"
        return getattr(ensemble, name + ("Classifier" if self.n_classes else "Regressor"))(**self.settings)

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Forest":
        """Fit as many trees as the slice allows."""
        started = time.monotonic()
        self.n_rows_ = len(y)
        if self.n_classes:
            self.present_ = np.unique(np.asarray(y).astype(np.int64))
            label = np.searchsorted(self.present_, y)
            constant = len(self.present_) == 1
        else:
            self.scale.fit(np.asarray(y, dtype=float), sample_weight)
            label, constant = self.scale.forward(np.asarray(y, dtype=float)), self.scale.constant
        if constant:
            self.estimator_: Any = None
            self.realised_ = {"trees": 0}
            return self
        self.estimator_ = self._grow(X, label, sample_weight, started)
        self.realised_ = {"trees": len(self.estimator_.estimators_)}
        return self

    def _grow(self, X: Any, label: np.ndarray, sample_weight: np.ndarray | None, started: float) -> Any:
        """Add batches of trees while the next one is expected to end in time."""
        estimator = self._estimator()
        if self.limit_s == inf:
            return estimator.set_params(n_estimators=self.n_trees).fit(X, label, sample_weight=sample_weight)
        estimator.set_params(warm_start=True)
        step, grown = max(1, int(self.settings["n_jobs"])), 0
        while grown < self.n_trees:
            grown = min(self.n_trees, grown + step)
            estimator.set_params(n_estimators=grown).fit(X, label, sample_weight=sample_weight)
            spent = time.monotonic() - started
            affordable = int((SOFT_SHARE * self.limit_s - spent) * grown / max(spent, 1e-6))
            if affordable < 1:
                break
            step = min(affordable, 2 * step, 50)
        return estimator.set_params(warm_start=False)

    def out_of_bag(self, X: Any) -> np.ndarray:
        """Return, for each row that was fitted on, the mean over the trees that did not see it.

        Returns
        -------
        ndarray of shape (n_rows, n_classes) or (n_rows,)
            NaN in a row that every tree has seen.

        Raises
        ------
        InternalError
            Where the trees were not grown on bootstrap samples.
        """
        if not self.settings["bootstrap"]:
            raise InternalError("A forest without bootstrap samples has no out-of-bag predictions.")
        n_rows = X.shape[0]
        if self.estimator_ is None:
            return self.predict_proba(X) if self.n_classes else self.predict(X)
        width = len(self.present_) if self.n_classes else 1
        total, count = np.zeros((n_rows, width)), np.zeros(n_rows)
        X = X.astype(np.float32)
        for tree, sampled in zip(self.estimator_.estimators_, self.estimator_.estimators_samples_, strict=True):
            out = np.ones(n_rows, dtype=bool)
            out[sampled] = False
            if not out.any():
                continue
            part = X[out]
            seen = (
                tree.predict_proba(part, check_input=False) if self.n_classes else tree.predict(part, check_input=False)
            )
            total[out] += np.reshape(seen, (-1, width))
            count[out] += 1
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count[:, None]
        if not self.n_classes:
            return self.scale.inverse(mean[:, 0])
        full = spread_classes(normalize(mean), self.present_, self.n_classes, n_rows)
        full[count == 0] = np.nan
        return full

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        seen = np.ones((X.shape[0], 1)) if self.estimator_ is None else normalize(_mean_of_trees(self.estimator_, X))
        return spread_classes(seen, self.present_, self.n_classes, self.n_rows_)

    def predict(self, X: Any) -> np.ndarray:
        """Return predictions of shape (n_rows,)."""
        if self.estimator_ is None:
            return np.full(X.shape[0], self.scale.low)
        return self.scale.inverse(_mean_of_trees(self.estimator_, X)[:, 0])


def _mean_of_trees(estimator: Any, X: Any) -> np.ndarray:
    """Return the mean of what the trees of a forest predict, as the forest itself does: shape (n_rows, n_outputs).

    The forest spends a fifth of a millisecond on each tree before it asks it, which is most of the time of few rows.
    """
    X = X.astype(np.float32) if hasattr(X, "indptr") else np.ascontiguousarray(X, dtype=np.float32)
    total = np.zeros((X.shape[0], estimator.estimators_[0].tree_.value.shape[2]))
    for tree in estimator.estimators_:
        total += tree.tree_.predict(X)
    return total / len(estimator.estimators_)


def _criterion(parameters: Mapping[str, Any], context: BuildContext) -> str:
    if context.task.is_classification:
        return "entropy" if parameters.get("criterion", "gini") == "entropy" else "gini"
    small = context.shape.rows <= ABSOLUTE_ROWS
    return "absolute_error" if prefers_median(context.metric) and small else "squared_error"


def _forest(kind: str) -> Any:
    def build(parameters: Mapping[str, Any], context: BuildContext) -> Forest:
        """Return an unfitted forest."""
        max_features = parameters.get("max_features", "sqrt")
        settings = {
            "criterion": _criterion(parameters, context),
            "max_features": max_features if isinstance(max_features, str) else float(max_features),
            "min_samples_leaf": int(parameters.get("min_samples_leaf", 2)),
            "max_leaf_nodes": int(parameters.get("max_leaf_nodes", 15_000)),
            "bootstrap": bool(parameters.get("bootstrap", True)),
            "n_jobs": context.threads,
            "random_state": context.seed,
        }
        trees = int(parameters.get("n_estimators", 300))
        if context.limit_s < inf:
            trees = min(trees, int(context.realised.get("trees", trees)) or trees)
        return Forest(
            kind,
            settings,
            n_trees=trees,
            n_classes=context.shape.classes if context.task.is_classification else 0,
            limit_s=context.limit_s,
            scale=TargetScale.for_metric(context.metric, parameters),
        )

    return build


class SmoothTree:
    """A decision tree whose leaves lean a little towards the shares of the classes, as their number of rows calls for.

    Parameters
    ----------
    settings : dict
        Arguments of scikit-learn's estimator.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "SmoothTree":
        """Fit on codes of shape (n_rows,)."""
        from sklearn.tree import DecisionTreeClassifier

        counts = np.bincount(y, weights=sample_weight)
        self.shares_ = counts / counts.sum()
        self.estimator_ = DecisionTreeClassifier(**self.settings).fit(X, y, sample_weight=sample_weight)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes): the m-estimate with m = 1 (Cestnik, 1990)."""
        n_rows = self.estimator_.tree_.n_node_samples[self.estimator_.apply(X)][:, None]
        return (n_rows * self.estimator_.predict_proba(X) + self.shares_) / (n_rows + 1)


def build_tree(parameters: Mapping[str, Any], context: BuildContext) -> Classifier | Regressor:
    """Return an unfitted decision tree."""
    from sklearn.tree import DecisionTreeRegressor

    settings = {
        "criterion": _criterion(parameters, context),
        "max_depth": int(parameters.get("max_depth", 8)),
        "min_samples_leaf": int(parameters.get("min_samples_leaf", 5)),
        "ccp_alpha": float(parameters.get("ccp_alpha", 0.0)),
        "random_state": context.seed,
    }
    rows = rows_within(cost_tree, context, parameters, most=10**7)
    if context.task.is_classification:
        return Classifier(SmoothTree(settings), context.shape.classes, max_rows=rows, seed=context.seed)
    scale = TargetScale.for_metric(context.metric, parameters)
    return Regressor(DecisionTreeRegressor(**settings), scale, max_rows=rows, seed=context.seed)


def cost_tree(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the sorting of every column on every level."""
    depth = min(int(parameters.get("max_depth", 8)), max(1.0, log2(1 + shape.rows)))
    return Cost(0.003 + 3e-8 * cells(shape) * log2(1 + shape.rows) ** 0.5 * depth, 5 + 1.6e-5 * cells(shape))


def _cost_forest(kind: str) -> Any:
    def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
        """Estimate all trees and their out-of-bag predictions."""
        share = parameters.get("max_features", "sqrt")
        tried = shape.columns * float(share) if not isinstance(share, str) else max(1.0, shape.columns**0.5)
        leaf = int(parameters.get("min_samples_leaf", 2))
        levels = max(1.0, log2(1 + shape.rows / leaf))
        each = 3.0e-8 * tried * log2(1 + shape.rows) ** 0.5 + 6e-8
        if kind == "extra_trees":
            each = 1.2e-8 * tried + 8e-8
        trees = int(parameters.get("n_estimators", 300))
        seconds = trees * (1.5e-3 + shape.rows * levels * each)
        nodes = min(2.0 * shape.rows / leaf, 2.0 * int(parameters.get("max_leaf_nodes", 15_000)))
        return Cost(seconds, 20 + 1.2e-5 * cells(shape) + trees * nodes * (64 + 8 * shape.classes) / 1e6)

    return cost


def _space(features: list[Any], min_leaf: int) -> Space:
    return Space(
        {
            "n_estimators": Int(10, 500, log=True, default=300),
            "max_features": Choice(features),
            "min_samples_leaf": Int(1, 40, log=True, default=min_leaf),
            "max_leaf_nodes": Int(50, 40_000, log=True, default=15_000),
            "criterion": Choice(["gini", "entropy"]),
            "bootstrap": Choice([True, False]),
            "log_target": Choice([False, True]),
        }
    )


def _component(kind: str, features: list[Any], source: str, summary: str) -> Component:
    return Component(
        name=kind,
        kind=ComponentKind.MODEL,
        build=_forest(kind),
        space=_space(features, 2),
        cost=_cost_forest(kind),
        sparse=True,
        out_of_bag=True,
        missing=True,
        classes=("tamis.algorithms.forests.Forest", *WRAPPERS, TREE),
        source=source,
        summary=summary,
    )


COMPONENTS = (
    Component(
        name="decision_tree",
        kind=ComponentKind.MODEL,
        build=build_tree,
        space=Space(
            {
                "max_depth": Int(1, 20, default=8),
                "min_samples_leaf": Int(1, 100, log=True, default=5),
                "ccp_alpha": Float(0.0, 0.02, default=0.0),
                "criterion": Choice(["gini", "entropy"]),
                "log_target": Choice([False, True]),
            }
        ),
        cost=cost_tree,
        sparse=True,
        missing=True,
        classes=(*WRAPPERS, "tamis.algorithms.forests.SmoothTree", TREE),
        source="sklearn.tree.DecisionTreeClassifier",
        summary="One tree that can be read.",
    ),
    _component(
        "random_forest",
        ["sqrt", 0.3, 0.5, 0.75, 1.0],
        "sklearn.ensemble.RandomForestClassifier",
        "The mean of many trees, each on a sample of rows and columns.",
    ),
    _component(
        "extra_trees",
        [0.75, "sqrt", 0.3, 0.5, 1.0],
        "sklearn.ensemble.ExtraTreesClassifier",
        "The mean of many trees split at random.",
    ),
)
