"""Keeps the columns worth keeping: by variance, by tests of one column, by a small forest's gains, or against noise."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, CostEstimate, Shape, negligible
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.seeds import derive
from tamis.core.space import Choice, Float, Int, Space
from tamis.features.transformer import Matrix, Transformer, as_names, column_names, dense, is_sparse, sample_rows

FOREST_ROWS = 10_000
"""Gains are learned from so many rows at most."""


def fit_forest(X: np.ndarray, y: Any, classification: bool, *, seed: int, threads: int = 1, depth: int = 6) -> Any:
    """Fit a few dozen shallow, strongly randomised trees; NaN is allowed.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    y : array-like of shape (n_rows,)

    Returns
    -------
    ExtraTreesClassifier or ExtraTreesRegressor
    """
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    settings: dict[str, Any] = {
        "n_estimators": 40,
        "max_depth": depth,
        # Half of the columns gives strong trees; on wide tables it would take most of the time of the trial.
        "max_features": max(1, min(X.shape[1], max(X.shape[1] // 2, 1), 100)),
        "min_samples_leaf": max(1, min(10, len(X) // 50)),
        "n_jobs": threads,
        "random_state": seed,
    }
    kind = ExtraTreesClassifier if classification else ExtraTreesRegressor
    target = np.asarray(y) if classification else np.clip(np.asarray(y, dtype=np.float64), -1e100, 1e100)
    return kind(**settings).fit(X.astype(np.float32), target)


class _Selector:
    """Hand on the columns of a mask that `fit` learned."""

    mask_: np.ndarray

    def get_support(self, indices: bool = False) -> np.ndarray:
        """Return which columns are kept: a mask, or their numbers."""
        return np.flatnonzero(self.mask_) if indices else self.mask_

    def keep(self, wanted: np.ndarray, scores: np.ndarray) -> None:
        """Remember the columns wanted; the best one where none is."""
        self.mask_ = np.asarray(wanted, dtype=bool).copy()
        if len(scores) and not self.mask_.any():
            self.mask_[int(np.argmax(scores))] = True

    def pick(self, values: Matrix) -> Matrix:
        """Return the columns kept."""
        return values[:, np.flatnonzero(self.mask_)]

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return the names of the columns kept."""
        return as_names(column_names(input_features, len(self.mask_)))[self.mask_]


class Varying(_Selector, Transformer):
    """Keep columns whose variance, relative to their mean square, is above a threshold; NaN is left out.

    Parameters
    ----------
    threshold : float
    """

    def __init__(self, threshold: float = 0.0) -> None:
        self.threshold = threshold

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Measure the variances."""
        values = self.begin(X)
        scores = np.array([_relative_variance(_column(values, number)) for number in range(values.shape[1])])
        self.keep(scores > max(self.threshold, 1e-14), scores)
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Return the columns kept."""
        return self.pick(self.read(X))


def _column(values: Matrix, number: int) -> np.ndarray:
    if not is_sparse(values):
        return np.asarray(values[:, number])
    return np.asarray(values[:, [number]].toarray().ravel())


def _relative_variance(column: np.ndarray) -> float:
    known = column[~np.isnan(column)]
    largest = np.abs(known).max(initial=0.0)
    if not largest:
        return 0.0
    scaled = known / largest
    return float(scaled.var() / np.mean(scaled**2))


class Univariate(_Selector, Transformer):
    """Keep the share of the columns that tell most of the target, each looked at alone.

    Parameters
    ----------
    score : {"f", "mutual_information"}
    percentile : float
        Of the columns, in (0, 100].
    classification : bool
    seed : int
    """

    def __init__(
        self, score: str = "f", percentile: float = 50.0, *, classification: bool = False, seed: int = 0
    ) -> None:
        self.score = score
        self.percentile = percentile
        self.classification = classification
        self.seed = seed

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Score every column.

        Raises
        ------
        ParameterError
            Where the score is unknown or the target is not given.
        """
        if self.score not in ("f", "mutual_information"):
            raise wrong_choice("score", self.score, ("f", "mutual_information"))
        _needs_target(y, type(self).__name__)
        values = self.begin(X)
        target = np.asarray(y)
        count = max(1, int(np.ceil(values.shape[1] * self.percentile / 100)))
        scores = self._scores(values, target) if len(np.unique(target)) > 1 else np.zeros(values.shape[1])
        wanted = np.zeros(values.shape[1], dtype=bool)
        wanted[np.argsort(-scores, kind="stable")[:count]] = True
        self.keep(wanted, scores)
        return self

    def _scores(self, values: Matrix, target: np.ndarray) -> np.ndarray:
        from sklearn import feature_selection as tests

        if self.score == "f":
            test = tests.f_classif if self.classification else tests.f_regression
            with np.errstate(all="ignore"):
                return _without_warnings(lambda: np.nan_to_num(test(values, target)[0], nan=0.0))
        rows = sample_rows(len(target), FOREST_ROWS, self.seed)
        if len(rows) < 5:  # fewer neighbours than the estimate looks at
            return np.zeros(values.shape[1])
        test = tests.mutual_info_classif if self.classification else tests.mutual_info_regression
        return np.asarray(test(dense(values[rows]), target[rows], random_state=self.seed))

    def transform(self, X: Matrix) -> Matrix:
        """Return the columns kept."""
        return self.pick(self.read(X))


def _without_warnings(work: Any) -> np.ndarray:
    """Do work whose warnings on constant columns say what the zero score says."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(work())


class ModelGain(_Selector, Transformer):
    """Keep the columns by which a small forest gains most.

    Parameters
    ----------
    threshold : float
        As a multiple of the mean gain.
    max_features : int
        At most; 0 for any count.
    classification : bool
    seed : int
    threads : int
    """

    def __init__(
        self,
        threshold: float = 0.1,
        max_features: int = 0,
        *,
        classification: bool = False,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.threshold = threshold
        self.max_features = max_features
        self.classification = classification
        self.seed = seed
        self.threads = threads

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit the forest on a sample of the rows and keep its gains only."""
        _needs_target(y, type(self).__name__)
        values = self.begin(X)
        rows = sample_rows(values.shape[0], FOREST_ROWS, self.seed)
        target = np.asarray(y)[rows]
        forest = fit_forest(dense(values[rows]), target, self.classification, seed=self.seed, threads=self.threads)
        self.gains_ = np.asarray(forest.feature_importances_)
        wanted = self.gains_ >= self.threshold * self.gains_.mean()
        if self.max_features:
            wanted[np.argsort(-self.gains_, kind="stable")[self.max_features :]] = False
        self.keep(wanted, self.gains_)
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Return the columns kept."""
        return self.pick(self.read(X))


class Probes(_Selector, Transformer):
    """Keep the columns that beat noise: shuffled copies of columns, put beside them in a small forest.

    The idea of Boruta (Kursa and Rudnicki, 2010, "Feature selection with the Boruta package") in a few rounds.

    Parameters
    ----------
    rounds : int
        A column is kept that wins at least half of them.
    quantile : float
        Of the noise's gains, which a column must exceed.
    classification : bool
    seed : int
    threads : int
    """

    def __init__(
        self,
        rounds: int = 3,
        quantile: float = 0.9,
        *,
        classification: bool = False,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.rounds = rounds
        self.quantile = quantile
        self.classification = classification
        self.seed = seed
        self.threads = threads

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Play the rounds, each on other rows, noise and trees."""
        _needs_target(y, type(self).__name__)
        values = self.begin(X)
        target = np.asarray(y)
        n_columns = values.shape[1]
        wins = np.zeros(n_columns)
        gains = np.zeros(n_columns)
        for number in range(self.rounds):
            seed = derive(self.seed, "probes", number)
            rows = sample_rows(len(target), FOREST_ROWS, seed)
            real = dense(values[rows])
            rng = np.random.default_rng(seed)
            copied = rng.permutation(n_columns)[: max(20, n_columns // 2)]
            noise = rng.permuted(real[:, copied], axis=0)
            both = np.hstack([real, noise])
            forest = fit_forest(both, target[rows], self.classification, seed=seed, threads=self.threads)
            found = forest.feature_importances_
            wins += found[:n_columns] > np.quantile(found[n_columns:], self.quantile)
            gains += found[:n_columns]
        self.gains_ = gains / max(1, self.rounds)
        self.keep(wins >= max(1, self.rounds / 2), self.gains_)
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Return the columns kept."""
        return self.pick(self.read(X))


def _needs_target(y: Any, owner: str) -> None:
    if y is None:
        raise ParameterError(f"{owner} learns from the target: 'y' must be given to fit; got None.")


def _build_variance(parameters: Mapping[str, Any], context: BuildContext) -> Varying:
    return Varying(**parameters)


def _build_univariate(parameters: Mapping[str, Any], context: BuildContext) -> Univariate:
    seed = derive(context.seed, "selection")
    return Univariate(**{"classification": context.task.is_classification, "seed": seed, **parameters})


def _build_gain(parameters: Mapping[str, Any], context: BuildContext) -> ModelGain:
    return ModelGain(**{**_forest_settings(context), **parameters})


def _build_probes(parameters: Mapping[str, Any], context: BuildContext) -> Probes:
    return Probes(**{**_forest_settings(context), **parameters})


def _forest_settings(context: BuildContext) -> dict[str, Any]:
    seed = derive(context.seed, "selection")
    return {"classification": context.task.is_classification, "seed": seed, "threads": context.threads}


def _univariate_cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    cells = shape.rows * shape.columns * shape.density
    if parameters.get("score") != "mutual_information":
        return Cost(1e-3 + 1.2e-8 * cells, 1 + 4 * 8e-6 * cells)
    return Cost(0.01 + 6e-6 * min(shape.rows, FOREST_ROWS) * shape.columns, 1 + 3 * 8e-6 * cells)


def _forest_cost(rounds: str = "", widened: float = 1.0) -> CostEstimate:
    def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
        rows, columns = min(shape.rows, FOREST_ROWS), shape.columns * widened
        tried = max(1.0, min(columns / 2, 100))
        once = 0.05 + 40 * 6 * 5e-9 * rows * tried + 2e-8 * rows * columns
        times = int(parameters.get(rounds, 3)) if rounds else 1
        return Cost(times * once, 10 + 2e-5 * rows * columns + 8e-6 * 2 * shape.rows * shape.columns * shape.density)

    return cost


def _component(name: str, build: Any, own: str, summary: str, **more: Any) -> Component:
    own = f"tamis.features.selection.{own}"
    settings = {"missing": True, "sparse": True, "takes_weights": False, "classes": (own,), "source": own, **more}
    return Component(name, ComponentKind.TRANSFORMER, build, summary=summary, **settings)


COMPONENTS = (
    _component("variance", _build_variance, "Varying", "drops columns that hardly vary", cost=negligible),
    _component(
        "univariate",
        _build_univariate,
        "Univariate",
        "keeps the columns that tell most of the target alone",
        supervised=True,
        space=Space({"score": Choice(["f", "mutual_information"]), "percentile": Float(5, 95, default=50)}),
        missing=False,
        cost=_univariate_cost,
    ),
    _component(
        "model_gain",
        _build_gain,
        "ModelGain",
        "keeps the columns by which a small forest gains",
        supervised=True,
        space=Space({"threshold": Float(0.01, 1.5, log=True, default=0.1)}),
        cost=_forest_cost(),
    ),
    _component(
        "permutation_probes",
        _build_probes,
        "Probes",
        "drops columns that do not beat shuffled copies",
        supervised=True,
        space=Space({"rounds": Int(2, 6, default=3), "quantile": Float(0.5, 1.0, default=0.9)}),
        cost=_forest_cost("rounds", widened=1.5),
    ),
)
