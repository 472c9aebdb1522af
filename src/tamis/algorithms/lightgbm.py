"""LightGBM as a component: binned data shared among candidates, rounds and learning rate fitted to the slice."""

import json
from collections.abc import Mapping, Sequence
from math import log2
from typing import Any, cast

import numpy as np

from tamis.algorithms.estimator import TargetScale, cells, normalize, prefers_median, spread_classes
from tamis.algorithms.stopping import Watch, boost, rounds_planned
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.space import Choice, Float, Int, Space

BINNING = frozenset(
    {"max_bin", "linear_tree", "feature_pre_filter", "verbosity", "num_threads", "deterministic"}
    | {"force_row_wise", "force_col_wise"}
)
"""The parameters that binning looks at."""
DATASETS_KEPT = 2
"""Binned data sets kept in a worker: those of the fold at hand and the one before."""


class _Learner:
    """Trains LightGBM on subsets of one binned data set."""

    def __init__(self, dataset: Any, settings: dict[str, Any]) -> None:
        self.dataset = dataset
        self.settings = settings
        self.subsets: tuple[Any, Any, Any] | None = None

    def train(self, rows: np.ndarray | None, held: np.ndarray | None, rate: float, rounds: int, watch: Watch) -> Any:
        """Boost with a callback that asks the watch after each round."""
        import lightgbm

        train_set, valid_sets = self.dataset, []
        if rows is not None and held is not None:
            if self.subsets is None or self.subsets[0] is not rows:
                self.subsets = (rows, self.dataset.subset(rows), self.dataset.subset(held))
            train_set, valid_sets = self.subsets[1], [self.subsets[2]]

        def follow(env: Any) -> None:
            loss = env.evaluation_result_list[0][2] if env.evaluation_result_list else None
            if watch.after(loss):
                raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

        n_rows = len(self.dataset.get_label()) if rows is None else len(rows)
        settings = {**self.settings, "learning_rate": rate}
        settings["min_data_in_leaf"] = max(1, min(int(settings["min_data_in_leaf"]), n_rows // 8))
        return lightgbm.train(settings, train_set, rounds, valid_sets=valid_sets, callbacks=[follow])

    def cut(self, booster: Any, rounds: int) -> Any:
        """Read the first rounds into a booster that holds no data."""
        import lightgbm

        return lightgbm.Booster(model_str=booster.model_to_string(num_iteration=rounds))


class LightGBM:
    """Gradient boosting of leaf-wise grown trees (Ke et al., 2017).

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
        self.scale_ = TargetScale.for_metric(context.metric, parameters)

    def fit(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        categories: Sequence[int] | None = None,
    ) -> "LightGBM":
        """Fit on X of shape (n_rows, n_columns), NaN for missing; `categories` are the numbers of code columns."""
        label = self._label(np.asarray(y), sample_weight)
        self.realised_: dict[str, Any] = {}
        if label is None:
            return self
        settings = self._settings(X.shape)
        dataset = self._dataset(X, settings, sorted(int(column) for column in categories or ()))
        dataset.set_label(label)
        dataset.set_field("weight", None)  # else those of an earlier candidate stay, where there are none now
        dataset.set_weight(sample_weight)
        rate = float(self.parameters.get("learning_rate", 0.03))
        self.booster_, self.realised_ = boost(_Learner(dataset, settings), label, self.context, rate=rate)
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

    def _settings(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Return the parameters as LightGBM names them."""
        parameters, context = self.parameters, self.context
        apart = ("learning_rate", "linear_tree", "log_target")
        names = [name for name in SPACE.parameters if name not in apart]
        settings: dict[str, Any] = {name: parameters.get(name, SPACE.parameters[name].default) for name in names}
        median = not self.n_classes and prefers_median(context.metric)
        objective, metric = ("regression_l1", "l1") if median else ("regression", "l2")
        if self.n_classes:
            binary = len(self.present_) == 2
            objective, metric = ("binary", "binary_logloss") if binary else ("multiclass", "multi_logloss")
            if not binary:
                settings["num_class"] = len(self.present_)
        linear = bool(parameters.get("linear_tree", False)) and objective == "regression"
        if linear:
            settings["linear_lambda"] = max(0.01, float(settings["lambda_l2"]))
        layout = "force_col_wise" if shape[1] > 500 or shape[0] < 2 * shape[1] else "force_row_wise"
        return {
            **settings,
            "objective": objective,
            "metric": metric,
            "bagging_freq": 1 if float(settings["bagging_fraction"]) < 1.0 else 0,
            "linear_tree": linear,
            "seed": context.seed,
            "num_threads": context.threads,
            "deterministic": True,
            layout: True,
            "feature_pre_filter": False,  # else the binned data would depend on min_data_in_leaf
            "verbosity": -1,
        }

    def _dataset(self, X: Any, settings: Mapping[str, Any], categories: list[int]) -> Any:
        """Return binned data, that of an earlier candidate on the same rows where there is one."""
        import lightgbm

        context = self.context
        shared = cast("dict[Any, Any]", context.shared)
        traits = (settings["max_bin"], settings["linear_tree"], "force_row_wise" in settings, tuple(categories))
        key = ("lightgbm", context.shared_key, *traits)
        kept = shared.get(key) if context.shared_key else None
        if kept is not None and kept.num_data() == X.shape[0] and kept.num_feature() == X.shape[1]:
            return kept
        fixed = {name: settings[name] for name in BINNING if name in settings}
        dataset = lightgbm.Dataset(
            X, label=np.zeros(X.shape[0]), params=fixed, categorical_feature=categories, free_raw_data=True
        ).construct()
        if context.shared_key:
            ours = [name for name in shared if isinstance(name, tuple) and name[:1] == ("lightgbm",)]
            for old in ours[: max(0, len(ours) - DATASETS_KEPT + 1)]:
                del shared[old]
            shared[key] = dataset
        return dataset

    def _raw(self, X: Any) -> np.ndarray:
        return np.asarray(self.booster_.predict(X, num_threads=self.threads))

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
        # Linear leaves extrapolate without bounds.
        return self.scale_.inverse(self._raw(X), within=0.1 if self.parameters.get("linear_tree") else np.inf)


def dump(model: LightGBM) -> dict[str, bytes]:
    """Return the fitted model as files: LightGBM's own text, and JSON for what is around it."""
    about = {
        "parameters": model.parameters,
        "n_classes": model.n_classes,
        "threads": model.threads,
        "n_rows": model.n_rows_,
        "present": model.present_.tolist(),
        "scale": model.scale_.to_json(),
        "realised": model.realised_,
    }
    files = {"about.json": json.dumps(about).encode()}
    if model.booster_ is not None:
        files["model.txt"] = model.booster_.model_to_string().encode()
    return files


def load(files: Mapping[str, bytes]) -> LightGBM:
    """Read what `dump` wrote."""
    about = json.loads(files["about.json"])
    model = LightGBM.__new__(LightGBM)
    model.parameters, model.n_classes, model.threads = about["parameters"], about["n_classes"], about["threads"]
    model.n_rows_, model.realised_ = about["n_rows"], about["realised"]
    model.present_ = np.asarray(about["present"], dtype=np.int64)
    model.scale_ = TargetScale.from_json(about["scale"])
    model.booster_ = None
    if "model.txt" in files:
        import lightgbm

        model.booster_ = lightgbm.Booster(model_str=files["model.txt"].decode())
    return model


def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate a first fit, early stopping and the second fit included."""
    leaves = int(parameters.get("num_leaves", 16))
    trees = shape.classes if shape.classes > 2 else 1
    sampled = float(parameters.get("feature_fraction", 0.72))
    per_row = 2e-9 * max(1.0, shape.columns * shape.density * sampled) * log2(1 + leaves) + 2e-8
    per_tree = 1e-4 + 4e-7 * leaves * shape.columns * sampled
    if parameters.get("linear_tree"):
        per_row, per_tree = per_row * 3, per_tree * 3
    rounds = rounds_planned(shape.rows, float(parameters.get("learning_rate", 0.03)))
    seconds = 0.05 + rounds * trees * (per_row * shape.rows + per_tree) + 4e-8 * cells(shape)
    histograms = 20.0 * int(parameters.get("max_bin", 255)) * shape.columns * leaves * 1.2
    return Cost(
        seconds, 50 + (cells(shape) * 10 + histograms + rounds * trees * leaves * 100 + shape.rows * trees * 24) / 1e6
    )


SPACE = Space(
    {
        "learning_rate": Float(0.005, 0.15, log=True, default=0.03),
        "num_leaves": Int(2, 256, log=True, default=16),
        "extra_trees": Choice([True, False]),
        "feature_fraction": Float(0.3, 1.0, default=0.72),
        "bagging_fraction": Float(0.6, 1.0, default=0.97),
        "min_data_in_leaf": Int(1, 100, log=True, default=20),
        "lambda_l1": Float(1e-3, 20.0, log=True, default=0.92),
        "lambda_l2": Float(1e-3, 50.0, log=True, default=1.66),
        "cat_l2": Float(0.005, 50.0, log=True, default=0.56),
        "cat_smooth": Float(1e-3, 100.0, log=True, default=27.0),
        "max_cat_to_onehot": Int(4, 100, log=True, default=16),
        "min_data_per_group": Int(2, 100, log=True, default=20),
        "linear_tree": Choice([False, True]),
        "max_bin": Choice([63, 127, 255, 511], default=255, ordered=True),
        "log_target": Choice([False, True]),
    }
)

COMPONENTS = (
    Component(
        name="lightgbm",
        kind=ComponentKind.MODEL,
        build=LightGBM,
        space=SPACE,
        cost=cost,
        extra="boost",
        module="lightgbm",
        sparse=True,
        missing=True,
        takes_categories=True,
        classes=("tamis.algorithms.lightgbm.LightGBM",),
        dump=dump,
        load=load,
        source="lightgbm.LGBMModel",
        summary="Gradient boosting of small randomised trees, grown leaf by leaf.",
    ),
)
