"""Kernel methods for small data: support vectors, Gaussian processes, kernel ridge."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tamis.algorithms.estimator import WRAPPERS, Classifier, Regressor, TargetScale, cells, prefers_median, rows_within
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.kinds import TaskKind
from tamis.core.space import Choice, Float, Space

SVM_ROWS = 20_000
PROCESS_ROWS = 1_500
ROWS_AT_ONCE = 512
"""That are predicted at once: their covariances with the training rows stay near the processor."""
RIDGE_ROWS = 5_000


class Calibration:
    """Turns scores into probabilities by a softmax of their scaled and shifted values (Platt, 1999)."""

    def fit(self, scores: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> "Calibration":
        """Learn scale and shifts.

        Parameters
        ----------
        scores : ndarray of shape (n_rows, n_classes)
        y : ndarray of shape (n_rows,)
            Codes.
        """
        from scipy.optimize import minimize

        n, width = scores.shape
        weight = np.ones(n) if weight is None else np.asarray(weight, dtype=float)
        weight = weight / weight.sum()
        spread = float(scores.std()) or 1.0
        # Platt's targets: even certain rows leave a little for the other classes.
        target = np.full((n, width), 1.0 / (n + 2) / max(1, width - 1))
        target[np.arange(n), y] = 1.0 - 1.0 / (n + 2)

        def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
            logits = np.exp(point[0]) / spread * scores + point[1:]
            logits = logits - logits.max(axis=1, keepdims=True)
            logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            slope = weight[:, None] * (np.exp(logs) - target)
            scaled = (slope * scores).sum() * np.exp(point[0]) / spread
            penalty = 1e-3 * float(point[1:] @ point[1:])
            value = -float((weight[:, None] * target * logs).sum()) + penalty
            return value, np.concatenate([[scaled], slope.sum(axis=0) + 2e-3 * point[1:]])

        found = minimize(loss, np.zeros(1 + width), jac=True, method="L-BFGS-B", bounds=[(-4, 4)] + [(-20, 20)] * width)
        self.scale_, self.shifts_ = float(np.exp(found.x[0]) / spread), found.x[1:]
        return self

    def transform(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        logits = self.scale_ * scores + self.shifts_
        logits = np.exp(logits - logits.max(axis=1, keepdims=True))
        return logits / logits.sum(axis=1, keepdims=True)


class Calibrated:
    """A classifier by scores, calibrated on what inner folds predict for rows they did not see.

    Parameters
    ----------
    kind : {"svm", "process"}
    settings : dict
        Arguments of the estimator behind.
    """

    def __init__(self, kind: str, settings: dict[str, Any], *, seed: int = 0) -> None:
        self.kind = kind
        self.settings = settings
        self.seed = seed

    def _fitted(self, X: Any, y: np.ndarray, weight: np.ndarray | None, like: Any = None) -> Any:
        """Fit the estimator; a process takes over the hyperparameters of one `like` it."""
        if self.kind == "process":
            labels = np.eye(self.n_classes_)[y] - 1.0 / self.n_classes_
            return Process(**self.settings, seed=self.seed).fit(X, labels, weight, like=like)
        from sklearn.svm import SVC

        return SVC(**self.settings, random_state=self.seed).fit(X, y, sample_weight=weight)

    def _scores(self, estimator: Any, X: Any, n_classes: int) -> np.ndarray:
        """Return scores of shape (n_rows, n_classes), lowest for classes the estimator has not seen."""
        if self.kind == "process":
            return estimator.predict(X)
        raw = np.asarray(estimator.decision_function(X))
        seen = np.column_stack([-raw, raw]) if raw.ndim == 1 else raw
        full = np.full((X.shape[0], n_classes), float(seen.min()))
        full[:, estimator.classes_] = seen
        return full

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Calibrated":
        """Fit once per inner fold for the calibration, and once on all rows."""
        self.n_classes_ = int(y.max()) + 1
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        self.estimator_ = self._fitted(X, y, weight)
        n_folds = 5 if len(y) < 1_000 else 3
        place = np.empty(len(y), dtype=np.intp)
        place[np.lexsort((np.random.default_rng(self.seed).random(len(y)), y))] = np.arange(len(y))
        scores, known = np.zeros((len(y), self.n_classes_)), np.zeros(len(y), dtype=bool)
        for fold in range(n_folds):
            train, held = np.flatnonzero(place % n_folds != fold), np.flatnonzero(place % n_folds == fold)
            if len(held) == 0 or len(np.unique(y[train])) < 2:
                continue
            inner = self._fitted(X[train], y[train], None if weight is None else weight[train], self.estimator_)
            scores[held], known[held] = self._scores(inner, X[held], self.n_classes_), True
        if not known.any():
            scores, known = self._scores(self.estimator_, X, self.n_classes_), np.ones(len(y), dtype=bool)
        self.calibration_ = Calibration().fit(scores[known], y[known], None if weight is None else weight[known])
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        return self.calibration_.transform(self._scores(self.estimator_, X, self.n_classes_))


class Process:
    """Gaussian process regression at its most likely hyperparameters (Rasmussen and Williams, 2006).

    Parameters
    ----------
    kernel : {"rbf", "matern"}
        Matern has smoothness 5/2.
    ard : bool
        A length scale for each column.
    noise : float
        The variance of the noise to begin with, relative to the target's.
    """

    lengths_: np.ndarray
    noise_: float

    def __init__(self, kernel: str = "matern", ard: bool = False, noise: float = 0.1, *, seed: int = 0) -> None:
        self.kernel = kernel
        self.ard = ard
        self.noise = noise
        self.seed = seed

    def _covariance(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        from scipy.spatial.distance import cdist

        distance = cdist(A / self.lengths_, B / self.lengths_)
        if self.kernel == "rbf":
            return np.exp(-0.5 * distance**2)
        root = np.sqrt(5.0) * distance
        return (1 + root + root**2 / 3) * np.exp(-root)

    def fit(
        self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None, *, like: "Process | None" = None
    ) -> "Process":
        """Fit targets of shape (n_rows,) or (n_rows, n_targets); a row's noise is divided by its weight.

        The hyperparameters of `like` are taken over where it is given.
        """
        from scipy.linalg import cho_factor, cho_solve

        X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
        self.X_ = X
        self.flat_ = y.ndim == 1
        target = y.reshape(len(y), -1)
        self.mean_ = target.mean(axis=0)
        target = target - self.mean_
        share = (
            np.ones(len(y))
            if sample_weight is None
            else np.asarray(sample_weight, dtype=float) / np.mean(sample_weight)
        )
        noise = 1.0 / np.maximum(share, 1e-3)
        if like is None:
            self._tune(X, target, noise)
        else:
            self.lengths_, self.noise_ = like.lengths_, like.noise_
        gram = self._covariance(X, X)
        gram[np.diag_indices(len(X))] += self.noise_ * noise + 1e-8
        self.weights_ = cho_solve(cho_factor(gram, lower=True, check_finite=False), target, check_finite=False)
        return self

    def _tune(self, X: np.ndarray, target: np.ndarray, noise: np.ndarray) -> None:
        """Find the length scales and the noise on at most 500 rows; the signal's variance is solved for."""
        from scipy.linalg import LinAlgError, cholesky, solve_triangular
        from scipy.optimize import minimize

        rows = np.sort(np.random.default_rng(self.seed).permutation(len(X))[:500])
        X, target, noise = X[rows], target[rows], noise[rows]
        width = X.shape[1]
        n_lengths = width if self.ard and width <= 30 else 1
        spread = np.maximum(X.std(axis=0), 1e-12)
        start = np.concatenate([np.full(n_lengths, 0.5 * np.log(max(1, width))), [np.log(self.noise)]])

        def place(point: np.ndarray) -> float:
            self.lengths_ = np.exp(point[:-1]) * np.where(spread > 1e-10, spread, 1.0)
            return float(np.exp(point[-1]))

        def loss(point: np.ndarray) -> float:
            level = place(point)
            gram = self._covariance(X, X)
            gram[np.diag_indices(len(X))] += level * noise + 1e-8
            try:
                factor = cholesky(gram, lower=True, check_finite=False)
            except LinAlgError:
                return 1e10
            half = solve_triangular(factor, target, lower=True, check_finite=False)
            signal = (half**2).sum(axis=0) / len(X)
            # A weak prior keeps length scales from running away on columns that say nothing.
            prior = 0.05 * float(((point[:-1] - start[:-1]) ** 2).sum())
            return float(np.mean(0.5 * len(X) * np.log(signal + 1e-12)) + np.log(np.diag(factor)).sum() + prior)

        bounds = [(-4.0, 6.0)] * n_lengths + [(-12.0, 3.0)]
        steps: Any = {"maxiter": 15 if n_lengths > 1 else 25}
        found = minimize(loss, start, method="L-BFGS-B", bounds=bounds, options=steps)
        self.noise_ = place(found.x)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the posterior mean: shape (n_rows,) or (n_rows, n_targets)."""
        X = np.asarray(X, dtype=float)
        starts = range(0, max(1, len(X)), ROWS_AT_ONCE)
        parts = [self._covariance(X[start : start + ROWS_AT_ONCE], self.X_) @ self.weights_ for start in starts]
        mean = np.concatenate(parts) + self.mean_
        return mean[:, 0] if self.flat_ else mean


def build_svm(parameters: Mapping[str, Any], context: BuildContext) -> Classifier | Regressor:
    """Return an unfitted support vector machine with a Gaussian kernel; `gamma` is a multiple of 1 / n_columns."""
    rows = rows_within(cost_svm, context, parameters, most=SVM_ROWS)
    gamma = float(parameters.get("gamma", 1.0)) / max(1.0, context.shape.columns * context.shape.density)
    settings = {"C": float(parameters.get("C", 1.0)), "gamma": gamma, "tol": 1e-3, "cache_size": 300}
    # An infeasible slice is not an endless one.
    settings["max_iter"] = 200_000
    if context.task.is_classification:
        return Classifier(
            Calibrated("svm", settings, seed=context.seed), context.shape.classes, max_rows=rows, seed=context.seed
        )
    from sklearn.svm import SVR

    epsilon = 1e-3 if prefers_median(context.metric) else float(parameters.get("epsilon", 0.1))
    scale = TargetScale.for_metric(context.metric, parameters)
    return Regressor(SVR(**settings, epsilon=epsilon), scale, max_rows=rows, seed=context.seed, within=0.3)


def build_process(parameters: Mapping[str, Any], context: BuildContext) -> Classifier | Regressor:
    """Return an unfitted Gaussian process; classes are regressed on and calibrated."""
    rows = rows_within(cost_process, context, parameters, most=PROCESS_ROWS)
    settings: dict[str, Any] = {name: parameters.get(name, PROCESS.parameters[name].default) for name in PROCESS_NAMES}
    if context.task.is_classification:
        return Classifier(
            Calibrated("process", settings, seed=context.seed), context.shape.classes, max_rows=rows, seed=context.seed
        )
    scale = TargetScale.for_metric(context.metric, parameters)
    return Regressor(Process(**settings, seed=context.seed), scale, max_rows=rows, seed=context.seed, within=0.3)


def build_kernel_ridge(parameters: Mapping[str, Any], context: BuildContext) -> Regressor:
    """Return an unfitted kernel ridge regression; `gamma` is a multiple of 1 / n_columns."""
    from sklearn.kernel_ridge import KernelRidge

    rows = rows_within(cost_kernel_ridge, context, parameters, most=RIDGE_ROWS)
    gamma = float(parameters.get("gamma", 0.5)) / max(1.0, context.shape.columns * context.shape.density)
    kernel = KernelRidge(
        alpha=float(parameters.get("alpha", 0.1)), kernel=str(parameters.get("kernel", "rbf")), gamma=gamma
    )
    scale = TargetScale.for_metric(context.metric, parameters)
    return Regressor(kernel, scale, max_rows=rows, seed=context.seed, within=0.3)


def cost_svm(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the fits of the inner folds and the last one."""
    rows = min(shape.rows, SVM_ROWS)
    folds = 1.0 if shape.classes < 2 else 1 + (5 * 0.64 if rows < 1_000 else 3 * 0.44)
    hard = float(np.clip(float(parameters.get("C", 1.0)), 0.3, 30.0)) ** 0.4
    pairs = 1.0 + 0.15 * max(0, shape.classes - 2)
    width = 10.0 + shape.columns * shape.density
    return Cost(0.01 + folds * hard * pairs * rows**2 * width * 1.5e-9, 310 + 2.4e-5 * cells(shape))


def cost_process(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the search for hyperparameters and the last decomposition."""
    rows = min(shape.rows, PROCESS_ROWS)
    small = min(rows, 500)
    lengths = min(shape.columns, 30) if parameters.get("ard") else 1
    steps = (20 if lengths > 1 else 15) * (lengths + 2)
    folds = 1 if shape.classes < 2 else 4
    each = small**2 * (1.2e-8 + 1e-9 * shape.columns) + small**3 * 3e-11
    return Cost(0.02 + steps * each + folds * rows**3 * 5e-11, 20 + 4e-5 * rows**2)


def cost_kernel_ridge(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the kernel and its decomposition."""
    rows = min(shape.rows, RIDGE_ROWS)
    return Cost(0.01 + rows**2 * (1e-8 + 5e-10 * shape.columns) + rows**3 * 4e-11, 20 + 2.4e-5 * rows**2)


PROCESS = Space(
    {
        "kernel": Choice(["matern", "rbf"]),
        "ard": Choice([False, True]),
        "noise": Float(1e-3, 1.0, log=True, default=0.1),
        "log_target": Choice([False, True]),
    }
)
PROCESS_NAMES = ("kernel", "ard", "noise")

COMPONENTS = (
    Component(
        name="svm",
        kind=ComponentKind.MODEL,
        build=build_svm,
        space=Space(
            {
                "C": Float(0.03, 300.0, log=True, default=1.0),
                "gamma": Float(0.02, 10.0, log=True, default=1.0),
                "epsilon": Float(0.01, 0.5, log=True, default=0.1),
                "log_target": Choice([False, True]),
            }
        ),
        cost=cost_svm,
        sparse=True,
        classes=(*WRAPPERS, "tamis.algorithms.kernels.Calibrated", "tamis.algorithms.kernels.Calibration"),
        source="sklearn.svm.SVC",
        summary="The widest margin in the space of a Gaussian kernel.",
    ),
    Component(
        name="gaussian_process",
        kind=ComponentKind.MODEL,
        build=build_process,
        space=PROCESS,
        cost=cost_process,
        classes=(
            *WRAPPERS,
            *(f"tamis.algorithms.kernels.{name}" for name in ("Process", "Calibrated", "Calibration")),
        ),
        source="sklearn.gaussian_process.GaussianProcessRegressor",
        summary="Smooth functions, as smooth as the data say; for small data.",
    ),
    Component(
        name="kernel_ridge",
        kind=ComponentKind.MODEL,
        build=build_kernel_ridge,
        space=Space(
            {
                "alpha": Float(1e-3, 10.0, log=True, default=0.1),
                "gamma": Float(0.02, 10.0, log=True, default=0.5),
                "kernel": Choice(["rbf", "laplacian"]),
                "log_target": Choice([False, True]),
            }
        ),
        tasks=frozenset({TaskKind.REGRESSION}),
        cost=cost_kernel_ridge,
        classes=WRAPPERS,
        source="sklearn.kernel_ridge.KernelRidge",
        summary="Ridge regression in the space of a kernel.",
    ),
)
