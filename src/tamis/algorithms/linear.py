"""Linear models: ridge, lasso, elastic net, logistic regression with L2 or L1, stochastic gradient descent."""

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np

from tamis.algorithms.estimator import (
    WRAPPERS,
    Classifier,
    Regressor,
    TargetScale,
    cells,
    prefers_median,
    rows_within,
    stratified_rows,
)
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, CostEstimate, Shape
from tamis.core.dealing import places
from tamis.core.kinds import CLASSIFICATION, TaskKind
from tamis.core.space import Choice, Float, Space

PATH_ROWS = 5_000
"""Rows on which the path over the penalty is compared; a penalty found there holds for more."""
N_INNER = 3
WIDE_PATH = (0.1, 1.0, 4.0, 16.0, 64.0)
"""Of sparse rows with more columns than rows, such as words: one inner fold tells enough, and each fit is dear."""
LOGISTIC_PATH = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0)
UNSEEN = -40.0
"""The logit of a class that was not learned: its probability is nothing beside any other's."""
REGRESSION = frozenset({TaskKind.REGRESSION})


class AutoLogistic:
    """Logistic regression whose C comes from a warm-started path on inner folds.

    Parameters
    ----------
    penalty : {"l2", "l1"}
    C : float or None
        None for the path.
    realised : mapping
        `C`, where another fold found it.
    """

    def __init__(self, penalty: str, C: float | None, *, seed: int = 0, max_iter: int = 300) -> None:
        self.penalty = penalty
        self.C = C
        self.seed = seed
        self.max_iter = max_iter

    def _estimator(self, C: float, X: Any, n_classes: int) -> Any:
        from sklearn.linear_model import LogisticRegression

        if self.penalty == "l1":
            # liblinear is the fastest for two classes; only saga takes L1 for more.
            solver = "liblinear" if n_classes == 2 else "saga"
            return LogisticRegression(
                C=C, solver=solver, max_iter=self.max_iter, tol=1e-3, random_state=self.seed, **_l1_option()
            )
        narrow = not hasattr(X, "tocsr") and X.shape[1] * n_classes <= 200 and X.shape[0] > X.shape[1]
        solver = "newton-cholesky" if narrow and n_classes == 2 else "lbfgs"
        return LogisticRegression(C=C, solver=solver, max_iter=self.max_iter, tol=1e-4, random_state=self.seed)

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "AutoLogistic":
        """Choose C where it is not given, then fit on all rows."""
        n_classes = int(y.max()) + 1
        self.C_ = self.C if self.C is not None else self._choose(X, y, sample_weight)
        self.estimator_ = self._estimator(self.C_, X, n_classes).fit(X, y, sample_weight=sample_weight)
        return self

    def _choose(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None) -> float:
        """Return the C with the lowest log loss over three inner folds, strong penalties first."""
        rows = stratified_rows(y, PATH_ROWS, self.seed)
        rows = rows[np.bincount(y[rows])[y[rows]] >= N_INNER]  # a class of fewer rows is missing in some fold
        if len(rows) < 12 or len(np.unique(y[rows])) < 2:
            return 0.1
        X, y = X[rows], np.unique(y[rows], return_inverse=True)[1]
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)[rows]
        place = places(y, self.seed)
        wide = hasattr(X, "tocsr") and X.shape[1] > X.shape[0]
        penalties = WIDE_PATH if wide else LOGISTIC_PATH
        losses = np.zeros(len(penalties))
        for fold in range(1 if wide else N_INNER):
            train, held = np.flatnonzero(place % N_INNER != fold), np.flatnonzero(place % N_INNER == fold)
            estimator = self._estimator(penalties[0], X, int(y.max()) + 1)
            # From a near start a wide one would stop before its first step.
            estimator.set_params(
                warm_start=not wide and estimator.solver in ("lbfgs", "newton-cholesky", "saga"), tol=1e-3
            )
            worse, previous = 0, inf
            for number, C in enumerate(penalties):
                if worse >= (1 if wide else 2):  # the loss has one valley along the path
                    losses[number] += losses[number - 1] + 1.0
                    continue
                estimator.set_params(C=C).fit(X[train], y[train], sample_weight=weight[train])
                proba = estimator.predict_proba(X[held])[np.arange(len(held)), y[held]]
                loss = float(np.average(-np.log(np.clip(proba, 1e-15, 1.0)), weights=weight[held]))
                worse = worse + 1 if loss > previous else 0
                previous = loss
                losses[number] += loss
        return float(penalties[int(np.argmin(losses))])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes seen)."""
        return self.estimator_.predict_proba(X)


def _l1_option() -> dict[str, Any]:
    """Return how this scikit-learn is asked for an L1 penalty: `penalty` is deprecated from 1.8 on."""
    import sklearn

    major, minor = (int(part) for part in sklearn.__version__.split(".")[:2])
    return {"l1_ratio": 1.0} if (major, minor) >= (1, 8) else {"penalty": "l1"}


class AutoPenalty:
    """Ridge, lasso or elastic net whose penalty comes from generalised or inner cross-validation.

    Parameters
    ----------
    l1_ratio : float
        0 for ridge, 1 for lasso.
    alpha : float or None
        None for the path. Features are taken as scaled, the target is.
    """

    def __init__(self, l1_ratio: float, alpha: float | None, *, seed: int = 0) -> None:
        self.l1_ratio = l1_ratio
        self.alpha = alpha
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "AutoPenalty":
        """Choose alpha where it is not given, then fit on all rows."""
        from sklearn.linear_model import ElasticNet, Ridge

        self.alpha_ = self.alpha if self.alpha is not None else self._choose(X, y, sample_weight)
        if self.l1_ratio == 0.0:
            self.estimator_: Any = Ridge(alpha=self.alpha_, random_state=self.seed)
        else:
            self.estimator_ = ElasticNet(
                alpha=self.alpha_, l1_ratio=self.l1_ratio, max_iter=2_000, selection="random", random_state=self.seed
            )
        self.estimator_.fit(X, y, sample_weight=sample_weight)
        return self

    def _choose(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None) -> float:
        from sklearn.linear_model import ElasticNetCV, RidgeCV

        rows = stratified_rows(y, PATH_ROWS, self.seed)
        X, values = X[rows], y[rows]
        weight = None if sample_weight is None else sample_weight[rows]
        if len(values) < 6:
            return 1.0 if self.l1_ratio == 0.0 else 0.1
        if self.l1_ratio == 0.0:
            # The penalty of a sum over rows grows with the rows; leave-one-out errors come free of charge.
            chosen = RidgeCV(alphas=np.logspace(-3, 5, 17)).fit(X, values, sample_weight=weight).alpha_
            return float(chosen) * len(y) / len(values)
        shuffled = np.random.default_rng(self.seed).permutation(len(values))
        path = ElasticNetCV(
            l1_ratio=self.l1_ratio,
            cv=min(5, len(values) // 2),
            max_iter=1_000,
            random_state=self.seed,
            **_path_length(),
        )
        path.fit(X[shuffled], values[shuffled], sample_weight=None if weight is None else weight[shuffled])
        return float(path.alpha_)

    def predict(self, X: Any) -> np.ndarray:
        """Return predictions of shape (n_rows,)."""
        return self.estimator_.predict(X)


def _path_length() -> dict[str, Any]:
    """Return how this scikit-learn is asked for 40 penalties: `n_alphas` became `alphas` in 1.7."""
    import sklearn

    major, minor = (int(part) for part in sklearn.__version__.split(".")[:2])
    return {"alphas": 40} if (major, minor) >= (1, 7) else {"n_alphas": 40}


def _number(value: Any) -> float | None:
    return None if value is None or value == "auto" else float(value)


class LinearClassifier(Classifier):
    """A classifier that tells the C it found."""

    @property
    def realised_(self) -> dict[str, Any]:
        """The penalty, for the other folds."""
        C = getattr(self.estimator, "C_", None)
        return {} if C is None else {"C": C}

    def last_layer(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights (n_classes, n_columns) and biases of the linear map whose softmax it predicts.

        Classes that it has not seen come out with next to no probability.
        """
        fitted = self.estimator.estimator_
        weight, bias = fitted.coef_, fitted.intercept_
        if len(weight) == 1:  # of two classes the second's logit against zero
            weight, bias = np.vstack([np.zeros_like(weight), weight]), np.array([0.0, float(bias[0])])
        whole = np.zeros((self.n_classes, weight.shape[1]), dtype=np.float32)
        biases = np.full(self.n_classes, UNSEEN, dtype=np.float32)
        whole[self.present_], biases[self.present_] = weight, bias
        return whole, biases


class LinearRegressor(Regressor):
    """A regressor that tells the alpha it found."""

    @property
    def realised_(self) -> dict[str, Any]:
        """The penalty, for the other folds."""
        alpha = getattr(self.estimator, "alpha_", None)
        return {} if alpha is None else {"alpha": alpha}


def _logistic(penalty: str, cost: CostEstimate) -> Any:
    def build(parameters: Mapping[str, Any], context: BuildContext) -> Classifier:
        """Return an unfitted logistic regression."""
        C = _number(context.realised.get("C", parameters.get("C", "auto")))
        known = parameters if C is None else {**parameters, "C": C}  # what another fold found costs no path
        rows = rows_within(cost, context, known, most=10**7)
        estimator = AutoLogistic(penalty, C, seed=context.seed)
        return LinearClassifier(estimator, context.shape.classes, max_rows=rows, seed=context.seed)

    return build


def _penalised(l1_ratio: float | None, cost: CostEstimate) -> Any:
    def build(parameters: Mapping[str, Any], context: BuildContext) -> Regressor:
        """Return an unfitted penalised regression."""
        alpha = _number(context.realised.get("alpha", parameters.get("alpha", "auto")))
        ratio = float(parameters.get("l1_ratio", 0.5)) if l1_ratio is None else l1_ratio
        known = parameters if alpha is None else {**parameters, "alpha": alpha}
        rows = rows_within(cost, context, known, most=10**7)
        scale = TargetScale.for_metric(context.metric, parameters)
        return LinearRegressor(
            AutoPenalty(ratio, alpha, seed=context.seed), scale, max_rows=rows, seed=context.seed, within=0.5
        )

    return build


def build_sgd(parameters: Mapping[str, Any], context: BuildContext) -> Classifier | Regressor:
    """Return an unfitted linear model trained by averaged stochastic gradient descent."""
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    # A million updates bring it to the end of its learning curve.
    epochs = int(np.clip(1e6 / max(1, context.shape.rows), 5, 100))
    shared = {
        "alpha": float(parameters.get("alpha", 1e-4)),
        "penalty": str(parameters.get("penalty", "l2")),
        "max_iter": epochs,
        "tol": 1e-4,
        "average": True,
        "random_state": context.seed,
    }
    rows = rows_within(cost_sgd, context, parameters, most=10**7)
    if context.task.is_classification:
        estimator = SGDClassifier(loss="log_loss", **shared)
        return Classifier(estimator, context.shape.classes, max_rows=rows, seed=context.seed)
    loss = "epsilon_insensitive" if prefers_median(context.metric) else "squared_error"
    scale = TargetScale.for_metric(context.metric, parameters)
    estimator = SGDRegressor(loss=loss, epsilon=0.0 if loss != "squared_error" else 0.1, **shared)
    return Regressor(estimator, scale, max_rows=rows, seed=context.seed, within=0.5)


def cost_logistic(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate a fit, and the path where C is to be found."""
    classes = max(1, shape.classes if shape.classes > 2 else 1)
    once = 40 * cells(shape) * classes * 2e-9
    path = 0.0
    if parameters.get("C", "auto") == "auto":
        fits = len(WIDE_PATH) if shape.density < 0.5 and shape.columns > shape.rows else 3 * 7
        path = fits * 15 * classes * min(shape.rows, PATH_ROWS) * shape.columns * shape.density * 2e-9
    return Cost(0.05 + once + path, 10 + cells(shape) * 2.4e-5)


def cost_logistic_l1(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate coordinate descent for two classes, stochastic averaged gradients for more."""
    classes = shape.classes if shape.classes > 2 else 1
    steps = 60 if classes == 1 else 250 * classes**0.5
    once = steps * cells(shape) * 2e-9
    share = min(1.0, PATH_ROWS / max(1, shape.rows))
    path = 10 * share * once if parameters.get("C", "auto") == "auto" else 0.0
    return Cost(0.05 + once + path, 10 + cells(shape) * 3.2e-5)


def cost_ridge(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the decomposition of X and of its Gram matrix."""
    small = min(shape.rows, PATH_ROWS)
    narrow = min(small, shape.columns)
    path = 4e-10 * small * shape.columns * narrow * 4 if parameters.get("alpha", "auto") == "auto" else 0.0
    once = 2e-10 * cells(shape) * min(shape.columns, shape.rows) + 2e-8 * cells(shape)
    return Cost(0.02 + once + path, 10 + cells(shape) * 2.4e-5 + 2.4e-5 * min(shape.rows, shape.columns) ** 2)


def cost_lasso(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate coordinate descent over the path and at its end."""
    path = 0.0
    if parameters.get("alpha", "auto") == "auto":
        path = 5 * 40 * 15 * min(shape.rows, PATH_ROWS) * shape.columns * shape.density * 2e-10
    return Cost(0.05 + path + 40 * cells(shape) * 2e-9, 10 + cells(shape) * 3.2e-5)


def cost_sgd(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the updates of all epochs."""
    classes = shape.classes if shape.classes > 2 else 1
    updates = min(max(1e6, 5.0 * shape.rows), 100.0 * shape.rows) * classes * (0.3 if shape.classes < 2 else 1.0)
    return Cost(0.02 + updates * (5e-8 + 4e-9 * shape.columns * shape.density), 10 + cells(shape) * 2.4e-5)


def _component(
    name: str, build: Any, cost: CostEstimate, space: Space, tasks: frozenset[TaskKind], **more: Any
) -> Component:
    own = ("AutoLogistic", "AutoPenalty", "LinearClassifier", "LinearRegressor")
    return Component(
        name=name,
        kind=ComponentKind.MODEL,
        build=build,
        cost=cost,
        space=space,
        tasks=tasks,
        sparse=True,
        classes=(*WRAPPERS, *(f"tamis.algorithms.linear.{one}" for one in own)),
        **more,
    )


_LOG_TARGET = Choice([False, True])
_PENALTIES = ["auto", 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3]

COMPONENTS = (
    _component(
        "ridge",
        _penalised(0.0, cost_ridge),
        cost_ridge,
        Space({"alpha": Choice(["auto", 0.01, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4]), "log_target": _LOG_TARGET}),
        REGRESSION,
        source="sklearn.linear_model.RidgeCV",
        summary="Linear regression with a squared penalty.",
    ),
    _component(
        "lasso",
        _penalised(1.0, cost_lasso),
        cost_lasso,
        Space({"alpha": Choice(_PENALTIES), "log_target": _LOG_TARGET}),
        REGRESSION,
        source="sklearn.linear_model.LassoCV",
        summary="Linear regression that leaves columns out.",
    ),
    _component(
        "elastic_net",
        _penalised(None, cost_lasso),
        cost_lasso,
        Space({"alpha": Choice(_PENALTIES), "l1_ratio": Float(0.05, 0.95, default=0.5), "log_target": _LOG_TARGET}),
        REGRESSION,
        source="sklearn.linear_model.ElasticNetCV",
        summary="Linear regression with both penalties.",
    ),
    _component(
        "logistic",
        _logistic("l2", cost_logistic),
        cost_logistic,
        Space({"C": Choice(["auto", *LOGISTIC_PATH])}),
        CLASSIFICATION,
        source="sklearn.linear_model.LogisticRegression",
        summary="Logistic regression with a squared penalty.",
    ),
    _component(
        "logistic_l1",
        _logistic("l1", cost_logistic_l1),
        cost_logistic_l1,
        Space({"C": Choice(["auto", *LOGISTIC_PATH[1:]])}),
        CLASSIFICATION,
        source="sklearn.linear_model.LogisticRegression",
        summary="Logistic regression that leaves columns out.",
    ),
    _component(
        "sgd",
        build_sgd,
        cost_sgd,
        Space(
            {
                "alpha": Float(1e-7, 1e-1, log=True, default=1e-4),
                "penalty": Choice(["l2", "l1", "elasticnet"]),
                "log_target": _LOG_TARGET,
            }
        ),
        frozenset(TaskKind),
        source="sklearn.linear_model.SGDClassifier",
        summary="A linear model for very many rows or columns.",
    ),
)
