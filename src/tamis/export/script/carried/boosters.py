"""The boosters of a script: a fixed number of rounds at a fixed learning rate, on categories where there are any."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from tamis.algorithms.estimator import TargetScale, normalize, spread_classes
from tamis.algorithms.stopping import inner_splits


class Booster:
    """What the boosters share: labels without gaps, a column for every class, a scaled target.

    Parameters
    ----------
    settings : dict
        The parameters as the library names them.
    rounds : int
    learning_rate : float
    n_classes : int
        0 for regression.
    categories : sequence of int
        The columns that hold codes of levels.
    scale : TargetScale, optional
        For regression.
    split_seed : int, optional
        Train on the rows of an inner split alone: the number of rounds was found on the others.
    within : float
        Bounds values to the range of the training target, widened by this share of it.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        rounds: int,
        learning_rate: float,
        n_classes: int = 0,
        categories: Sequence[int] = (),
        scale: Any = None,
        split_seed: int | None = None,
        within: float = np.inf,
    ) -> None:
        self.settings = dict(settings)
        self.rounds = rounds
        self.learning_rate = learning_rate
        self.n_classes = n_classes
        self.categories = list(categories)
        self.scale = scale or TargetScale()
        self.split_seed = split_seed
        self.within = within

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Booster":
        """Train on X of shape (n_rows, n_columns), NaN for missing."""
        self.n_rows_, self.booster_ = len(y), None
        if self.n_classes:
            self.present_, label = np.unique(y, return_inverse=True)
            varies = len(self.present_) > 1
        else:
            label, varies = self.scale.fit(y, sample_weight).forward(y), not self.scale.constant
        if varies:
            rows = None
            if self.split_seed is not None:
                rows = inner_splits(label, bool(self.n_classes), self.split_seed)[0][0]
            self.train(X, label, sample_weight, rows)
        return self

    def train(self, X: Any, label: np.ndarray, weight: np.ndarray | None, rows: np.ndarray | None) -> None:
        """Make `booster_` of some rows; None for all."""
        raise NotImplementedError

    def raw(self, X: Any) -> np.ndarray:
        """Return what the library predicts."""
        raise NotImplementedError

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        seen = np.ones((X.shape[0], 1)) if self.booster_ is None else np.asarray(self.raw(X), dtype=float)
        if self.booster_ is not None:
            seen = normalize(np.column_stack([1.0 - seen, seen]) if seen.ndim == 1 else seen)
        return spread_classes(seen, self.present_, self.n_classes, self.n_rows_)

    def predict(self, X: Any) -> np.ndarray:
        """Return values of shape (n_rows,)."""
        if self.booster_ is None:
            return np.full(X.shape[0], self.scale.low)
        return self.scale.inverse(np.ravel(self.raw(X)), within=self.within)


class LightGBM(Booster):
    """Gradient boosting of leaf-wise grown trees (Ke et al., 2017)."""

    def train(self, X: Any, label: np.ndarray, weight: np.ndarray | None, rows: np.ndarray | None) -> None:
        """Bin all rows, then boost."""
        import lightgbm

        settings = {**self.settings, "learning_rate": self.learning_rate}
        n_rows = len(label) if rows is None else len(rows)
        settings["min_data_in_leaf"] = max(1, min(settings["min_data_in_leaf"], n_rows // 8))
        binning = {name: value for name, value in settings.items() if name in ("max_bin", "linear_tree", "verbosity")}
        binning |= {name: value for name, value in settings.items() if name.startswith(("force_", "num_threads"))}
        data = lightgbm.Dataset(
            X,
            label=label,
            weight=weight,
            params={**binning, "feature_pre_filter": False, "deterministic": True},
            categorical_feature=self.categories,
        ).construct()
        if rows is None:
            self.booster_ = lightgbm.train(settings, data, self.rounds)
            return
        self.booster_ = booster = lightgbm.Booster(settings, data.subset(rows))
        for _ in range(4 * self.rounds):  # a round in which nothing could be split leaves no tree
            booster.update()
            if booster.current_iteration() == self.rounds:
                break

    def raw(self, X: Any) -> np.ndarray:
        """Return the probability of the second class, probabilities (n_rows, n_classes) or scaled values."""
        return np.asarray(self.booster_.predict(X, num_threads=self.settings["num_threads"]))  # type: ignore[attr-defined]


class XGBoost(Booster):
    """Gradient boosting with second-order leaf weights (Chen and Guestrin, 2016)."""

    def train(self, X: Any, label: np.ndarray, weight: np.ndarray | None, rows: np.ndarray | None) -> None:
        """Bin the rows by their quantiles, then boost."""
        import xgboost

        self.types_ = self.types(X)
        data: dict[str, Any] = {
            "data": X if sparse.issparse(X) else np.asarray(X, np.float32),
            "label": label,
            "weight": weight,
        }
        if rows is not None:
            data = {name: None if value is None else value[rows] for name, value in data.items()}
        matrix = xgboost.QuantileDMatrix(
            **data, max_bin=self.settings["max_bin"], nthread=self.settings["nthread"], **self.typing()
        )
        self.booster_ = xgboost.train({**self.settings, "learning_rate": self.learning_rate}, matrix, self.rounds)

    def types(self, X: Any) -> list[str]:
        """Return "c" for columns of codes with fewer than a hundred levels, "q" for the others; empty for no codes."""
        types = ["q"] * X.shape[1]
        for column in self.categories:
            values = X[:, column]
            if np.isfinite(values).any() and np.nanmax(values) < 100 and np.nanmin(values) >= 0:
                types[column] = "c"
        return types if self.categories else []

    def typing(self) -> dict[str, Any]:
        """Return how xgboost is told the types."""
        return {"feature_types": self.types_, "enable_categorical": True} if self.types_ else {}

    def raw(self, X: Any) -> np.ndarray:
        """Return the probability of the second class, probabilities (n_rows, n_classes) or scaled values."""
        import xgboost

        X = X if sparse.issparse(X) else np.asarray(X, np.float32)
        if self.types_:
            # A level beyond those seen is unknown, hence missing.
            known = np.array([100 if kind == "c" else np.inf for kind in self.types_])
            X = np.where(known <= X, np.nan, X).astype(np.float32)
        matrix = xgboost.DMatrix(X, nthread=self.settings["nthread"], **self.typing())
        return np.asarray(self.booster_.predict(matrix))  # type: ignore[attr-defined]


class CatBoost(Booster):
    """Gradient boosting of symmetric trees with statistics of categories (Prokhorenkova et al., 2018)."""

    def pool(self, X: Any, label: np.ndarray | None = None, weight: np.ndarray | None = None) -> Any:
        """Return the rows as CatBoost takes them: numbers first, then codes as strings."""
        import catboost

        if sparse.issparse(X) or not self.categories:
            data = X if sparse.issparse(X) else np.ascontiguousarray(X, dtype=np.float32)
            return catboost.Pool(data, label=label, weight=weight)
        numbers = np.setdiff1d(np.arange(X.shape[1]), self.categories)
        codes = X[:, self.categories]
        strings = np.where(np.isfinite(codes), codes, -1.0).astype(np.int64).astype(str)
        data = catboost.FeaturesData(
            num_feature_data=np.ascontiguousarray(X[:, numbers], dtype=np.float32) if len(numbers) else None,
            cat_feature_data=np.char.encode(strings).astype(object),
        )
        return catboost.Pool(data, label=label, weight=weight)

    def train(self, X: Any, label: np.ndarray, weight: np.ndarray | None, rows: np.ndarray | None) -> None:
        """Boost."""
        import catboost

        pool = self.pool(X, label, weight)
        settings = {**self.settings, "learning_rate": self.learning_rate, "iterations": self.rounds}
        self.booster_ = catboost.CatBoost(settings).fit(pool if rows is None else pool.slice(rows))

    def raw(self, X: Any) -> np.ndarray:
        """Return probabilities (n_rows, n_classes) or scaled values."""
        kind = "Probability" if self.n_classes else "RawFormulaVal"
        threads = self.settings["thread_count"]
        return np.asarray(
            self.booster_.predict(self.pool(X), prediction_type=kind, thread_count=threads)  # type: ignore[attr-defined]
        )


class HistGB(Booster):
    """scikit-learn's histogram gradient boosting."""

    def train(self, X: Any, label: np.ndarray, weight: np.ndarray | None, rows: np.ndarray | None) -> None:
        """Boost; a column of codes with 255 levels or more is taken as numbers."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        self.codes_ = [column for column in self.categories if self.few_levels(X[:, column])]
        if rows is not None:
            X, label, weight = X[rows], label[rows], None if weight is None else weight[rows]
        X = np.where(np.isnan(X).all(axis=0), 0.0, X)
        settings = {**self.settings, "learning_rate": self.learning_rate, "max_iter": self.rounds}
        settings["min_samples_leaf"] = max(1, min(settings["min_samples_leaf"], len(label) // 8))
        kind = HistGradientBoostingClassifier if self.n_classes else HistGradientBoostingRegressor
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.booster_ = kind(**settings, categorical_features=self.codes_ or None, early_stopping=False).fit(
                X, label, sample_weight=weight
            )

    @staticmethod
    def few_levels(codes: np.ndarray) -> bool:
        """Tell whether scikit-learn can take a column as categories."""
        known = codes[np.isfinite(codes)]
        return len(known) > 0 and float(known.max()) < 255 and float(known.min()) >= 0

    def raw(self, X: Any) -> np.ndarray:
        """Return probabilities (n_rows, n_classes) or scaled values."""
        if self.codes_:
            X = X.copy()
            X[:, self.codes_] = np.where(X[:, self.codes_] >= 255, np.nan, X[:, self.codes_])
        booster: Any = self.booster_
        return np.asarray(booster.predict_proba(X) if self.n_classes else booster.predict(X))
