"""scikit-learn's histogram gradient boosting as a component: the booster of the core install."""

import time
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from math import inf
from typing import Any

import numpy as np

from tamis.algorithms.estimator import WRAPPERS, TargetScale, cells, normalize, prefers_median, spread_classes
from tamis.algorithms.stopping import Watch, boost, rounds_planned
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.kinds import TaskKind
from tamis.core.space import Choice, Float, Int, Space

MOST_LEVELS = 255
"""scikit-learn takes codes below 255; columns with more levels are taken as numbers."""
STEP_S = 1.0
"""Between two looks at the clock, as far as the time of a round is known."""


@cache
def _thread_pools() -> Any:
    """Return what limits the threads of the libraries there are: to look for them takes longer than few rows do."""
    import sklearn.ensemble  # noqa: F401  # it brings the library that is to be limited
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController().select(user_api="openmp")


class _Learner:
    """Trains scikit-learn's booster in steps that grow, since each begins with binning."""

    def __init__(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, settings: dict[str, Any]) -> None:
        self.X = X
        self.y = y
        self.weight = weight
        self.settings = dict(settings)
        self.classify = bool(self.settings.pop("classify"))

    def _estimator(self, n_rows: int, rate: float) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        kind = HistGradientBoostingClassifier if self.classify else HistGradientBoostingRegressor
        settings = {**self.settings, "learning_rate": rate}
        settings["min_samples_leaf"] = max(1, min(int(settings["min_samples_leaf"]), n_rows // 8))
        return kind(**settings, early_stopping=False, warm_start=True)

    def train(self, rows: np.ndarray | None, held: np.ndarray | None, rate: float, rounds: int, watch: Watch) -> Any:
        """Boost, telling the watch the losses of each step's rounds one by one."""
        X = _filled(self.X if rows is None else self.X[rows])
        y = self.y if rows is None else self.y[rows]
        weight = self.weight if rows is None or self.weight is None else self.weight[rows]
        estimator = self._estimator(len(y), rate)
        done, step = 0, 10 if held is not None or watch.deadline < inf else rounds
        while done < rounds:
            begun = time.monotonic()
            target = min(rounds, done + step)
            estimator.set_params(max_iter=target)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                estimator.fit(X, y, sample_weight=weight)
            if self._follow(estimator, held, done, target, watch):
                break
            spent = (time.monotonic() - begun) / (target - done)
            done, step = target, max(10, int(0.4 * target))
            if watch.deadline < inf:
                left = min(STEP_S, max(0.0, watch.deadline - time.monotonic()))
                step = max(1, min(step, int(left / max(spent, 1e-6))))
        return estimator

    def _follow(self, estimator: Any, held: np.ndarray | None, done: int, target: int, watch: Watch) -> bool:
        """Tell the watch the rounds from `done` to `target`; return whether to stop."""
        if held is not None:
            return any(watch.after(loss) for loss in self._losses(estimator, held)[done:target])
        stops = [watch.after() for _ in range(done, target)]  # all of these trees are there, so all are counted
        return any(stops)

    def _losses(self, estimator: Any, held: np.ndarray) -> list[float]:
        """Return the loss on the held rows after every round so far."""
        X, y = self.X[held], self.y[held]
        weight = None if self.weight is None else self.weight[held]
        if not self.classify:
            power = 1 if self.settings["loss"] == "absolute_error" else 2
            stages = (np.abs(stage - y) ** power for stage in estimator.staged_predict(X))
            return [float(np.average(stage, weights=weight)) for stage in stages]
        place = np.searchsorted(estimator.classes_, y)
        seen = estimator.classes_[np.minimum(place, len(estimator.classes_) - 1)] == y
        place, row = place[seen], np.flatnonzero(seen)
        weight = None if weight is None else weight[seen]
        stages = (stage[row, place] for stage in estimator.staged_predict_proba(X))
        return [float(np.average(-np.log(np.clip(stage, 1e-15, 1.0)), weights=weight)) for stage in stages]

    def cut(self, booster: Any, rounds: int) -> Any:
        """Drop the later trees, and the generators that only training needs."""
        booster._predictors = booster._predictors[:rounds]
        booster.set_params(max_iter=max(1, rounds), warm_start=False)
        for name in ("_feature_subsample_rng", "_random_seed"):
            if hasattr(booster, name):
                setattr(booster, name, None)
        return booster


class HistGB:
    """Histogram gradient boosting, with the time slice and early stopping of the other boosters.

    Parameters
    ----------
    settings : dict
        Arguments of scikit-learn's estimator.
    context : BuildContext
        Kept until the fit only.
    scale : TargetScale
    """

    def __init__(self, settings: dict[str, Any], context: BuildContext, scale: TargetScale) -> None:
        self.settings = settings
        self.n_classes = context.shape.classes if context.task.is_classification else 0
        self.seed = context.seed
        self.threads = context.threads
        self.limit_s = context.limit_s
        self.realised = dict(context.realised)
        self.clusters = context.clusters
        self.scale = scale

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        categories: Sequence[int] | None = None,
    ) -> "HistGB":
        """Fit on X of shape (n_rows, n_columns), NaN for missing; `categories` are the numbers of code columns."""
        clusters, self.clusters = self.clusters, None  # as long as the rows, and not needed after the fit
        y = np.asarray(y)
        self.n_rows_ = len(y)
        self.booster_: Any = None
        self.realised_: dict[str, Any] = {}
        if self.n_classes:
            self.present_ = np.unique(y.astype(np.int64))
            label = np.searchsorted(self.present_, y)
            constant = len(self.present_) == 1
        else:
            self.scale.fit(y.astype(float), sample_weight)
            label, constant = self.scale.forward(y.astype(float)), self.scale.constant
        if constant:
            return self
        most = min(MOST_LEVELS, int(self.settings.get("max_bins", MOST_LEVELS)))
        self.codes_ = [int(column) for column in categories or () if _few_levels(X[:, int(column)], most)]
        settings = {**self.settings, "categorical_features": self.codes_ or None, "random_state": self.seed}
        rate = float(settings.pop("learning_rate"))
        learner = _Learner(X, label, sample_weight, {**settings, "classify": bool(self.n_classes)})
        task = TaskKind.MULTICLASS if self.n_classes else TaskKind.REGRESSION
        shape = Shape(len(y), X.shape[1], max(1, self.n_classes))
        context = BuildContext(
            task, shape, seed=self.seed, limit_s=self.limit_s, realised=self.realised, clusters=clusters
        )
        with self._limited():
            self.booster_, self.realised_ = boost(learner, label, context, rate=rate)
        return self

    def _limited(self) -> Any:
        """Return a context in which OpenMP keeps to the threads given, which scikit-learn has no argument for."""
        return _thread_pools().limit(limits=self.threads)

    def _known(self, X: np.ndarray) -> np.ndarray:
        """Return X with codes that scikit-learn cannot take as missing."""
        if self.codes_ and (X[:, self.codes_] >= MOST_LEVELS).any():
            X = X.copy()
            X[:, self.codes_] = np.where(X[:, self.codes_] >= MOST_LEVELS, np.nan, X[:, self.codes_])
        return X

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        if self.booster_ is None:
            seen = np.ones((X.shape[0], 1))
        else:
            with self._limited():
                seen = normalize(self.booster_.predict_proba(self._known(X)))
        return spread_classes(seen, self.present_, self.n_classes, self.n_rows_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predictions of shape (n_rows,)."""
        if self.booster_ is None:
            return np.full(X.shape[0], self.scale.low)
        with self._limited():
            return self.scale.inverse(self.booster_.predict(self._known(X)))


def _filled(X: np.ndarray) -> np.ndarray:
    """Return X with 0 in columns that hold nothing but NaN, which scikit-learn cannot bin."""
    empty = np.isnan(X).all(axis=0)
    return np.where(empty, 0.0, X) if empty.any() else X


def _few_levels(codes: np.ndarray, most: int) -> bool:
    """Tell whether scikit-learn can take codes as such: each level needs a bin."""
    known = codes[np.isfinite(codes)]
    return len(known) > 0 and float(known.max()) < most and float(known.min()) >= 0


def build(parameters: Mapping[str, Any], context: BuildContext) -> HistGB:
    """Return an unfitted booster."""
    names = ("learning_rate", "max_leaf_nodes", "min_samples_leaf", "l2_regularization", "max_features", "max_bins")
    settings = {name: parameters.get(name, SPACE.parameters[name].default) for name in names}
    if not context.task.is_classification:
        settings["loss"] = "absolute_error" if prefers_median(context.metric) else "squared_error"
    return HistGB(settings, context, TargetScale.for_metric(context.metric, parameters))


def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate a first fit, early stopping and the second fit included."""
    leaves = int(parameters.get("max_leaf_nodes", 16))
    trees = shape.classes if shape.classes > 2 else 1
    used = shape.columns * (0.3 + 0.7 * float(parameters.get("max_features", 0.7)))
    per_row = 3e-9 * used * leaves**0.3 + 6e-8
    per_tree = 5e-4 + 3e-6 * leaves * used
    rounds = rounds_planned(shape.rows, float(parameters.get("learning_rate", 0.05)))
    seconds = 0.1 + rounds * trees * (per_row * shape.rows + per_tree) + 1e-6 * cells(shape)
    memory = 30 + (cells(shape) * 14 + 24.0 * 256 * shape.columns * leaves + rounds * trees * leaves * 160) / 1e6
    return Cost(seconds, memory + shape.rows * trees * 4e-5)


SPACE = Space(
    {
        "learning_rate": Float(0.01, 0.2, log=True, default=0.05),
        "max_leaf_nodes": Int(3, 128, log=True, default=16),
        "min_samples_leaf": Int(1, 100, log=True, default=15),
        "l2_regularization": Float(1e-4, 50.0, log=True, default=1.0),
        "max_features": Float(0.3, 1.0, default=0.7),
        "max_bins": Choice([63, 127, 255], default=255, ordered=True),
        "log_target": Choice([False, True]),
    }
)

_SKLEARN = "sklearn.ensemble._hist_gradient_boosting"

COMPONENTS = (
    Component(
        name="histgb",
        kind=ComponentKind.MODEL,
        build=build,
        space=SPACE,
        cost=cost,
        missing=True,
        takes_categories=True,
        classes=(
            "tamis.algorithms.histgb.HistGB",
            *WRAPPERS,
            f"{_SKLEARN}.binning._BinMapper",
            f"{_SKLEARN}.predictor.TreePredictor",
        ),
        source="sklearn.ensemble.HistGradientBoostingClassifier",
        summary="Gradient boosting on binned columns, in the core install.",
    ),
)
