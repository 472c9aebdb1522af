"""XGBoost as a component: quantile histograms, leaf-wise growth, rounds and learning rate fitted to the slice."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from tamis.algorithms.estimator import TargetScale, cells, normalize, prefers_median, spread_classes
from tamis.algorithms.stopping import Watch, boost, rounds_planned
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.space import Choice, Float, Int, Space

MOST_LEVELS = 100
"""Columns with more levels are taken as numbers even where categories are enabled."""


class _Learner:
    """Trains XGBoost; keeps the quantised matrices of the split at hand."""

    def __init__(self, data: Mapping[str, Any], matrix: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self.data = data
        self.matrix = matrix
        self.settings = settings
        self.split: tuple[Any, Any, Any] | None = None

    def _quantise(self, rows: np.ndarray | None, ref: Any = None) -> Any:
        import xgboost

        data = {key: value if rows is None or value is None else value[rows] for key, value in self.data.items()}
        return xgboost.QuantileDMatrix(**data, **self.matrix, ref=ref)

    def train(self, rows: np.ndarray | None, held: np.ndarray | None, rate: float, rounds: int, watch: Watch) -> Any:
        """Boost with a callback that asks the watch after each round."""
        import xgboost

        class Follow(xgboost.callback.TrainingCallback):
            """Hands the loss on the held rows to the watch."""

            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                """Return True to stop."""
                held_log = evals_log.get("held", {})
                return watch.after(next(iter(held_log.values()))[-1] if held_log else None)

        if rows is None or held is None:
            train_set, evals = self._quantise(None), []
        else:
            if self.split is None or self.split[0] is not rows:
                train_set = self._quantise(rows)
                self.split = (rows, train_set, self._quantise(held, ref=train_set))
            train_set, evals = self.split[1], [(self.split[2], "held")]
        settings = {**self.settings, "learning_rate": rate}
        return xgboost.train(settings, train_set, rounds, evals=evals, verbose_eval=False, callbacks=[Follow()])

    def cut(self, booster: Any, rounds: int) -> Any:
        """Slice off the later rounds."""
        return booster[:rounds] if rounds < booster.num_boosted_rounds() else booster


class XGBoost:
    """Gradient boosting with second-order leaf weights (Chen and Guestrin, 2016).

    Parameters
    ----------
    parameters : mapping
        Values of the component's space.
    context : BuildContext
    """

    def __init__(self, parameters: Mapping[str, Any], context: BuildContext) -> None:
        self.parameters = dict(parameters)
        self.context = context
        self.n_classes = context.shape.classes if context.task.is_classification else 0
        self.threads = context.threads
        self.booster_: Any = None
        self.types_: list[str] | None = None
        self.scale_ = TargetScale.for_metric(context.metric, parameters)

    def fit(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        categories: Sequence[int] | None = None,
    ) -> "XGBoost":
        """Fit on X of shape (n_rows, n_columns), NaN for missing; what a CSR matrix leaves out is missing."""
        label = self._label(np.asarray(y), sample_weight)
        self.realised_: dict[str, Any] = {}
        if label is None:
            return self
        self.types_ = self._types(X, categories) if self.parameters.get("enable_categorical") else None
        X = X if sparse.issparse(X) else np.asarray(X, dtype=np.float32)
        data = {"data": X, "label": label, "weight": sample_weight}
        matrix = {"max_bin": int(self.parameters.get("max_bin", 256)), "nthread": self.threads, **self._typing()}
        learner = _Learner(data, matrix, self._settings())
        rate = float(self.parameters.get("learning_rate", 0.05))
        self.booster_, self.realised_ = boost(learner, label, self.context, rate=rate)
        return self

    def _label(self, y: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray | None:
        """Return what the booster learns, None where the target has one value only."""
        self.n_rows_ = len(y)
        if self.n_classes:
            self.present_ = np.unique(y.astype(np.int64))
            return np.searchsorted(self.present_, y) if len(self.present_) > 1 else None
        self.present_ = np.zeros(0, dtype=np.int64)
        self.scale_.fit(y.astype(float), sample_weight)
        return None if self.scale_.constant else self.scale_.forward(y.astype(float))

    def _types(self, X: Any, categories: Sequence[int] | None) -> list[str] | None:
        """Return "c" for columns of codes with few levels, "q" for the others."""
        if sparse.issparse(X) or not categories:
            return None
        types = ["q"] * X.shape[1]
        for column in categories:
            values = X[:, int(column)]
            if np.isfinite(values).any() and np.nanmax(values) < MOST_LEVELS and np.nanmin(values) >= 0:
                types[int(column)] = "c"
        return types

    def _typing(self) -> dict[str, Any]:
        return {"feature_types": self.types_, "enable_categorical": True} if self.types_ else {}

    def _settings(self) -> dict[str, Any]:
        """Return the parameters as XGBoost names them."""
        apart = ("learning_rate", "enable_categorical", "log_target")
        names = [name for name in SPACE.parameters if name not in apart]
        settings: dict[str, Any] = {name: self.parameters.get(name, SPACE.parameters[name].default) for name in names}
        median = not self.n_classes and prefers_median(self.context.metric)
        objective, metric = ("reg:absoluteerror", "mae") if median else ("reg:squarederror", "rmse")
        if self.n_classes:
            binary = len(self.present_) == 2
            objective, metric = ("binary:logistic", "logloss") if binary else ("multi:softprob", "mlogloss")
            if not binary:
                settings["num_class"] = len(self.present_)
        return {
            **settings,
            "objective": objective,
            "eval_metric": metric,
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "seed": self.context.seed,
            "nthread": self.threads,
            "verbosity": 0,
        }

    def _raw(self, X: Any) -> np.ndarray:
        import xgboost

        X = X if sparse.issparse(X) else np.asarray(X, dtype=np.float32)
        if self.types_:
            # A level beyond those seen is unknown, hence missing.
            known = np.array([MOST_LEVELS if kind == "c" else np.inf for kind in self.types_])
            X = np.where(known <= X, np.nan, X).astype(np.float32)
        matrix = xgboost.DMatrix(X, nthread=self.threads, **self._typing())
        self.booster_.set_param({"nthread": self.threads})
        return np.asarray(self.booster_.predict(matrix), dtype=float)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        if self.booster_ is None:
            seen = np.ones((X.shape[0], 1))
        else:
            seen = self._raw(X)
            seen = normalize(np.column_stack([1.0 - seen, seen]) if seen.ndim == 1 else seen)
        return spread_classes(seen, self.present_, self.n_classes, self.n_rows_)

    def predict(self, X: Any) -> np.ndarray:
        """Return predictions of shape (n_rows,)."""
        if self.booster_ is None:
            return np.full(X.shape[0], self.scale_.low)
        return self.scale_.inverse(self._raw(X))


def dump(model: XGBoost) -> dict[str, bytes]:
    """Return the fitted model as files: XGBoost's own UBJSON, and JSON for what is around it."""
    about = {
        "parameters": model.parameters,
        "n_classes": model.n_classes,
        "threads": model.threads,
        "n_rows": model.n_rows_,
        "present": model.present_.tolist(),
        "types": model.types_,
        "scale": model.scale_.to_json(),
        "realised": model.realised_,
    }
    files = {"about.json": json.dumps(about).encode()}
    if model.booster_ is not None:
        files["model.ubj"] = bytes(model.booster_.save_raw("ubj"))
    return files


def load(files: Mapping[str, bytes]) -> XGBoost:
    """Read what `dump` wrote."""
    about = json.loads(files["about.json"])
    model = XGBoost.__new__(XGBoost)
    model.parameters, model.n_classes, model.threads = about["parameters"], about["n_classes"], about["threads"]
    model.n_rows_, model.realised_, model.types_ = about["n_rows"], about["realised"], about["types"]
    model.present_ = np.asarray(about["present"], dtype=np.int64)
    model.scale_ = TargetScale.from_json(about["scale"])
    model.booster_ = None
    if "model.ubj" in files:
        import xgboost

        model.booster_ = xgboost.Booster({"nthread": model.threads})
        model.booster_.load_model(bytearray(files["model.ubj"]))
    return model


def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate a first fit, early stopping and the second fit included."""
    leaves = int(parameters.get("max_leaves", 32))
    depth = min(int(parameters.get("max_depth", 10)), leaves)
    trees = shape.classes if shape.classes > 2 else 1
    used = shape.columns * shape.density * float(parameters.get("colsample_bylevel", 0.8))
    per_row = 2e-9 * max(1.0, used) * min(depth, 8) ** 0.5 + 3e-8
    per_tree = 3e-4 + 5e-6 * min(leaves, shape.rows / 4) * shape.columns * shape.density
    rounds = rounds_planned(shape.rows, float(parameters.get("learning_rate", 0.05)))
    seconds = 0.05 + rounds * trees * (per_row * shape.rows + per_tree) + 1e-7 * cells(shape)
    histograms = 16.0 * int(parameters.get("max_bin", 256)) * shape.columns * leaves
    return Cost(
        seconds, 60 + (cells(shape) * 12 + histograms + rounds * trees * leaves * 60 + shape.rows * trees * 16) / 1e6
    )


SPACE = Space(
    {
        "learning_rate": Float(0.006, 0.2, log=True, default=0.05),
        "max_leaves": Int(4, 256, log=True, default=32),
        "max_depth": Int(3, 12, default=10),
        "min_child_weight": Float(0.01, 20.0, log=True, default=0.5),
        "subsample": Float(0.5, 1.0, default=0.75),
        "colsample_bylevel": Float(0.4, 1.0, default=0.8),
        "colsample_bynode": Float(0.4, 1.0, default=0.9),
        "reg_alpha": Float(1e-4, 10.0, log=True, default=0.1),
        "reg_lambda": Float(1e-3, 20.0, log=True, default=1.0),
        "enable_categorical": Choice([False, True]),
        "max_cat_to_onehot": Int(4, 64, log=True, default=16),
        "max_bin": Choice([64, 128, 256], default=256, ordered=True),
        "log_target": Choice([False, True]),
    }
)

COMPONENTS = (
    Component(
        name="xgboost",
        kind=ComponentKind.MODEL,
        build=XGBoost,
        space=SPACE,
        cost=cost,
        extra="boost",
        module="xgboost",
        sparse=True,
        missing=True,
        takes_categories=True,
        classes=("tamis.algorithms.xgboost.XGBoost",),
        dump=dump,
        load=load,
        source="xgboost.XGBModel",
        summary="Gradient boosting with second-order leaf weights.",
    ),
)
