"""CatBoost as a component: ordered statistics of categories, rounds and learning rate fitted to the slice."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from tamis.algorithms.estimator import TargetScale, cells, normalize, prefers_median, spread_classes
from tamis.algorithms.stopping import Watch, boost, rounds_planned
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.space import Choice, Float, Int, Space, When


def _as_strings(codes: np.ndarray) -> np.ndarray:
    """Return codes (NaN for missing) as an object array of bytes, which CatBoost reads fastest."""
    whole = np.where(np.isfinite(codes), codes, -1.0).astype(np.int64)
    levels, inverse = np.unique(whole, return_inverse=True)
    return np.array([str(level).encode() for level in levels], dtype=object)[inverse.reshape(codes.shape)]


def _pool(X: Any, categories: Sequence[int], label: Any = None, weight: Any = None) -> Any:
    import catboost

    if sparse.issparse(X) or not categories:
        data = X if sparse.issparse(X) else np.ascontiguousarray(X, dtype=np.float32)
        return catboost.Pool(data, label=label, weight=weight)
    numbers = np.setdiff1d(np.arange(X.shape[1]), categories)
    features = catboost.FeaturesData(
        num_feature_data=np.ascontiguousarray(X[:, numbers], dtype=np.float32) if len(numbers) else None,
        cat_feature_data=_as_strings(X[:, list(categories)]),
    )
    return catboost.Pool(features, label=label, weight=weight)


class _Learner:
    """Trains CatBoost on slices of one pool."""

    def __init__(self, pool: Any, settings: dict[str, Any]) -> None:
        self.pool = pool
        self.settings = settings
        self.split: tuple[Any, Any, Any] | None = None

    def train(self, rows: np.ndarray | None, held: np.ndarray | None, rate: float, rounds: int, watch: Watch) -> Any:
        """Boost with a callback that asks the watch after each round."""
        import catboost

        class Follow:
            """Hands the loss on the held rows to the watch."""

            def after_iteration(self, info: Any) -> bool:
                """Return False to stop."""
                losses = info.metrics.get("validation", {}) if info.metrics else {}
                return not watch.after(next(iter(losses.values()))[-1] if losses else None)

        pool, held_pool = self.pool, None
        if rows is not None and held is not None:
            if self.split is None or self.split[0] is not rows:
                self.split = (rows, self.pool.slice(rows), self.pool.slice(held))
            pool, held_pool = self.split[1], self.split[2]
        model = catboost.CatBoost({**self.settings, "learning_rate": rate, "iterations": rounds})
        model.fit(pool, eval_set=held_pool, use_best_model=False, callbacks=[Follow()])
        return model

    def cut(self, booster: Any, rounds: int) -> Any:
        """Drop the later trees."""
        if rounds < booster.tree_count_:
            booster.shrink(rounds)
        return booster


class CatBoost:
    """Gradient boosting of symmetric trees with statistics of categories (Prokhorenkova et al., 2018).

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
        self.categories_: list[int] = []
        self.scale_ = TargetScale.for_metric(context.metric, parameters)

    def fit(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        categories: Sequence[int] | None = None,
    ) -> "CatBoost":
        """Fit on X of shape (n_rows, n_columns), NaN for missing; without a varying column, the mean is predicted."""
        label = self._label(np.asarray(y), sample_weight)
        self.realised_: dict[str, Any] = {}
        self.categories_ = [] if sparse.issparse(X) else sorted(int(column) for column in categories or ())
        if label is None:
            return self
        self.average_ = self._average(label, sample_weight)
        if _constant(X):
            return self
        learner = _Learner(_pool(X, self.categories_, label, sample_weight), self._settings())
        rate = float(self.parameters.get("learning_rate", 0.06))
        import catboost

        try:
            self.booster_, self.realised_ = boost(learner, label, self.context, rate=rate)
        except catboost.CatBoostError as error:
            # The rows of an inner split can be constant where all of them together are not.
            if "constant" not in str(error) and "target" not in str(error):
                raise
        return self

    def _label(self, y: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray | None:
        """Return what the booster learns, None where the target has one value only."""
        self.n_rows_ = len(y)
        self.average_ = [1.0]
        if self.n_classes:
            self.present_ = np.unique(y.astype(np.int64))
            return np.searchsorted(self.present_, y) if len(self.present_) > 1 else None
        self.present_ = np.zeros(0, dtype=np.int64)
        self.scale_.fit(y.astype(float), sample_weight)
        self.average_ = [0.0]
        return None if self.scale_.constant else self.scale_.forward(y.astype(float))

    def _average(self, label: np.ndarray, sample_weight: np.ndarray | None) -> list[float]:
        """Return what is predicted without any feature: shares of the classes, or the scaled target's mean."""
        if not self.n_classes:
            return [float(np.average(label, weights=sample_weight))]
        counts = np.bincount(label, weights=sample_weight, minlength=len(self.present_))
        return [float(share) for share in counts / counts.sum()]

    def _settings(self) -> dict[str, Any]:
        """Return the parameters as CatBoost names them."""
        names = (
            "depth",
            "l2_leaf_reg",
            "grow_policy",
            "one_hot_max_size",
            "max_ctr_complexity",
            "random_strength",
            *("rsm", "border_count", "leaf_estimation_iterations", "bootstrap_type"),
        )
        settings = {name: self.parameters.get(name, SPACE.parameters[name].default) for name in names}
        if settings["bootstrap_type"] == "Bayesian":
            settings["bagging_temperature"] = self.parameters.get("bagging_temperature", 1.0)
        else:
            settings["subsample"] = self.parameters.get("subsample", 0.8)
        if self.n_classes:
            loss = "Logloss" if len(self.present_) == 2 else "MultiClass"
        else:
            loss = "MAE" if prefers_median(self.context.metric) else "RMSE"
        if loss == "MAE":
            del settings["leaf_estimation_iterations"]  # exact leaf values take a single step
        if loss == "MultiClass":
            settings["classes_count"] = len(self.present_)
        return {
            **settings,
            "loss_function": loss,
            "eval_metric": f"{loss}:hints=skip_train~true",
            "boosting_type": "Plain",
            "random_seed": self.context.seed,
            "thread_count": self.threads,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }

    def _raw(self, X: Any, kind: str) -> np.ndarray:
        if self.booster_ is None:
            return np.tile(self.average_, (X.shape[0], 1))
        pool = _pool(X, self.categories_)
        return np.asarray(self.booster_.predict(pool, prediction_type=kind, thread_count=self.threads), dtype=float)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        return spread_classes(normalize(self._raw(X, "Probability")), self.present_, self.n_classes, self.n_rows_)

    def predict(self, X: Any) -> np.ndarray:
        """Return predictions of shape (n_rows,)."""
        if self.scale_.constant:
            return np.full(X.shape[0], self.scale_.low)
        return self.scale_.inverse(self._raw(X, "RawFormulaVal").ravel())


def _constant(X: Any) -> bool:
    """Tell whether no column varies."""
    if hasattr(X, "tocsr"):
        return bool((X.max(axis=0).toarray() == X.min(axis=0).toarray()).all())
    missing = np.isnan(X)
    first = X[:1]
    return bool((((first == X) | (missing & missing[:1])).all(axis=0)).all())


def dump(model: CatBoost) -> dict[str, bytes]:
    """Return the fitted model as files: CatBoost's own binary, and JSON for what is around it."""
    about = {
        "parameters": model.parameters,
        "n_classes": model.n_classes,
        "threads": model.threads,
        "n_rows": model.n_rows_,
        "present": model.present_.tolist(),
        "categories": model.categories_,
        "average": model.average_,
        "scale": model.scale_.to_json(),
        "realised": model.realised_,
    }
    files = {"about.json": json.dumps(about).encode()}
    if model.booster_ is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.cbm"
            model.booster_.save_model(str(path), format="cbm")
            files["model.cbm"] = path.read_bytes()
    return files


def load(files: Mapping[str, bytes]) -> CatBoost:
    """Read what `dump` wrote."""
    about = json.loads(files["about.json"])
    model = CatBoost.__new__(CatBoost)
    model.parameters, model.n_classes, model.threads = about["parameters"], about["n_classes"], about["threads"]
    model.n_rows_, model.realised_ = about["n_rows"], about["realised"]
    model.categories_, model.average_ = about["categories"], about["average"]
    model.present_ = np.asarray(about["present"], dtype=np.int64)
    model.scale_ = TargetScale.from_json(about["scale"])
    model.booster_ = None
    if "model.cbm" in files:
        import catboost

        model.booster_ = catboost.CatBoost()
        model.booster_.load_model(blob=files["model.cbm"])
    return model


def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate a first fit, early stopping and the second fit included."""
    depth = int(parameters.get("depth", 6))
    borders = int(parameters.get("border_count", 128))
    classes = shape.classes if shape.classes > 2 else 1
    policy = 2.0 if parameters.get("grow_policy", "SymmetricTree") != "SymmetricTree" else 1.0
    used = shape.columns * shape.density * float(parameters.get("rsm", 1.0))
    per_round = 5e-4 + classes * policy * (
        shape.rows * depth * (2e-9 * used + 1e-8) + 2.0**depth * used * borders * 1e-8
    )
    rounds = rounds_planned(shape.rows, float(parameters.get("learning_rate", 0.06)))
    histograms = 24.0 * 2.0**depth * 1.1 * shape.columns * borders * 1.2 * classes
    memory = 150 + (cells(shape) * 8 + histograms + rounds * 2.0**depth * classes * 8 + shape.rows * classes * 40) / 1e6
    return Cost(0.2 + rounds * per_round + 2e-7 * cells(shape), memory)


SPACE = Space(
    {
        "learning_rate": Float(0.005, 0.2, log=True, default=0.06),
        "depth": Int(3, 9, default=6),
        "l2_leaf_reg": Float(1e-3, 20.0, log=True, default=2.5),
        "grow_policy": Choice(["SymmetricTree", "Depthwise"]),
        "one_hot_max_size": Int(2, 64, log=True, default=10),
        "max_ctr_complexity": Int(1, 4, default=2),
        "random_strength": Float(0.0, 2.0, default=1.0),
        "bootstrap_type": Choice(["Bayesian", "Bernoulli"]),
        "bagging_temperature": Float(0.0, 2.0, default=1.0),
        "subsample": Float(0.5, 1.0, default=0.8),
        "rsm": Float(0.3, 1.0, default=1.0),
        "border_count": Choice([32, 64, 128, 254], default=128, ordered=True),
        "leaf_estimation_iterations": Int(1, 15, log=True, default=2),
        "log_target": Choice([False, True]),
    },
    conditions=[
        When("bagging_temperature", "bootstrap_type", ["Bayesian"]),
        When("subsample", "bootstrap_type", ["Bernoulli"]),
    ],
)

COMPONENTS = (
    Component(
        name="catboost",
        kind=ComponentKind.MODEL,
        build=CatBoost,
        space=SPACE,
        cost=cost,
        extra="boost",
        module="catboost",
        sparse=True,
        missing=True,
        takes_categories=True,
        classes=("tamis.algorithms.catboost.CatBoost",),
        dump=dump,
        load=load,
        source="catboost.CatBoost",
        summary="Gradient boosting of symmetric trees with ordered statistics of categories.",
    ),
)
