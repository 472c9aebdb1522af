"""Metrics by name, and their equality with scikit-learn's."""

import math
import pickle
import warnings

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import DataError, ParameterError
from tamis.core.kinds import TaskKind
from tamis.tasks.metric import Metric, Needs
from tamis.tasks.metrics import METRICS, known_name, metric_from, metric_names

SEEDS = st.integers(0, 10_000)


def _classes(seed: int, n_classes: int, n_rows: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n_rows - n_classes)])
    # Halves of one, so that scores tie often.
    raw = rng.integers(1, 6, (n_rows, n_classes)).astype(float)
    return y, raw / raw.sum(axis=1, keepdims=True), rng.integers(1, 4, n_rows).astype(float)


def _values(seed: int, n_rows: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.gamma(2.0, 3.0, n_rows)
    return y, y * rng.uniform(0.5, 1.6, n_rows), rng.integers(1, 4, n_rows).astype(float)


BINARY = {
    "roc_auc": lambda y, p, w: reference.roc_auc_score(y, p[:, 1], sample_weight=w),
    "average_precision": lambda y, p, w: reference.average_precision_score(y, p[:, 1], sample_weight=w),
    "log_loss": lambda y, p, w: reference.log_loss(y, p, sample_weight=w),
    "brier": lambda y, p, w: reference.brier_score_loss(y, p[:, 1], sample_weight=w),
    "d2_log_loss": lambda y, p, w: reference.d2_log_loss_score(y, p, sample_weight=w),
    "f1": lambda y, p, w: reference.f1_score(y, p.argmax(1), sample_weight=w, zero_division=0),
    "precision": lambda y, p, w: reference.precision_score(y, p.argmax(1), sample_weight=w, zero_division=0),
    "recall": lambda y, p, w: reference.recall_score(y, p.argmax(1), sample_weight=w, zero_division=0),
    "jaccard": lambda y, p, w: reference.jaccard_score(y, p.argmax(1), sample_weight=w, zero_division=0),
}
SEVERAL = {
    "roc_auc": lambda y, p, w: reference.roc_auc_score(y, p, multi_class="ovr", sample_weight=w),
    "top_k_accuracy": lambda y, p, w: reference.top_k_accuracy_score(y, p, sample_weight=w),
    "average_precision": lambda y, p, w: reference.average_precision_score(y, p, sample_weight=w),
    "log_loss": lambda y, p, w: reference.log_loss(y, p, sample_weight=w),
    "accuracy": lambda y, p, w: reference.accuracy_score(y, p.argmax(1), sample_weight=w),
    "balanced_accuracy": lambda y, p, w: reference.balanced_accuracy_score(y, p.argmax(1), sample_weight=w),
    "matthews_corrcoef": lambda y, p, w: reference.matthews_corrcoef(y, p.argmax(1), sample_weight=w),
    "cohen_kappa": lambda y, p, w: reference.cohen_kappa_score(y, p.argmax(1), sample_weight=w),
    "quadratic_kappa": lambda y, p, w: reference.cohen_kappa_score(
        y, p.argmax(1), sample_weight=w, weights="quadratic"
    ),
    **{
        f"{ratio}_{how}": lambda y, p, w, ratio=ratio, how=how: getattr(reference, f"{ratio}_score")(
            y, p.argmax(1), sample_weight=w, average=how, zero_division=0
        )
        for ratio in ("f1", "precision", "recall", "jaccard")
        for how in ("macro", "micro", "weighted")
    },
}
VALUES = {
    "rmse": reference.root_mean_squared_error,
    "mse": reference.mean_squared_error,
    "mae": reference.mean_absolute_error,
    "median_absolute_error": reference.median_absolute_error,
    "mape": reference.mean_absolute_percentage_error,
    "rmsle": reference.root_mean_squared_log_error,
    "msle": reference.mean_squared_log_error,
    "mean_pinball": reference.mean_pinball_loss,
    "poisson_deviance": reference.mean_poisson_deviance,
    "gamma_deviance": reference.mean_gamma_deviance,
    "r2": reference.r2_score,
    "explained_variance": reference.explained_variance_score,
    "d2_absolute_error": reference.d2_absolute_error_score,
}


def _agree(table: dict, y: np.ndarray, prediction: np.ndarray, weight: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of classes that are not predicted
        for name, theirs in table.items():
            for heavy in (None, weight):
                mine = METRICS[name].value(y, prediction, heavy)
                assert mine == pytest.approx(theirs(y, prediction, heavy), rel=1e-9, abs=1e-12), (name, heavy is None)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_binary_metrics_equal_those_of_scikit_learn(seed: int) -> None:
    _agree(BINARY, *_classes(seed, 2))


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(3, 5))
def test_multiclass_metrics_equal_those_of_scikit_learn(seed: int, n_classes: int) -> None:
    _agree(SEVERAL, *_classes(seed, n_classes))


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_regression_metrics_equal_those_of_scikit_learn(seed: int) -> None:
    y, prediction, weight = _values(seed)
    _agree({n: lambda y, p, w, f=f: f(y, p, sample_weight=w) for n, f in VALUES.items()}, y, prediction, weight)


def test_area_over_pairs_equals_that_of_scikit_learn() -> None:
    y, prediction, _ = _classes(3, 4)
    wanted = reference.roc_auc_score(y, prediction, multi_class="ovo")
    assert METRICS["roc_auc_ovo"].value(y, prediction) == pytest.approx(wanted)
    weighted = reference.roc_auc_score(y, prediction, multi_class="ovo", average="weighted")
    assert metric_from("roc_auc_ovo_weighted", TaskKind.MULTICLASS).value(y, prediction) == pytest.approx(weighted)
    assert weighted != pytest.approx(wanted)


def test_log_loss_clips_as_scikit_learn_does() -> None:
    y, prediction = np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]])
    assert METRICS["log_loss"].value(y, prediction) == pytest.approx(reference.log_loss(y, prediction))
    narrow = prediction.astype(np.float32)
    assert METRICS["log_loss"].value(y, narrow) == pytest.approx(reference.log_loss(y, narrow))


def test_absent_classes_are_left_out_of_the_area() -> None:
    y = np.array([0, 0, 1, 1])
    prediction = np.array([[0.6, 0.3, 0.1], [0.5, 0.1, 0.4], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1]])
    assert METRICS["roc_auc"].value(y, prediction) == 1.0


def test_undefined_scores_are_nan_but_losses_are_numbers() -> None:
    y, prediction = np.zeros(3, dtype=int), np.full((3, 2), 0.5)
    assert math.isnan(METRICS["roc_auc"].value(y, prediction))
    assert METRICS["roc_auc"].loss(y, prediction) == 0.5
    assert METRICS["r2"].loss(np.ones(1), np.ones(1)) == 1.0


@pytest.mark.parametrize("name", list(METRICS))
def test_losses_fall_when_predictions_improve_and_metrics_survive_pickling(name: str) -> None:
    metric = pickle.loads(pickle.dumps(METRICS[name]))
    if TaskKind.REGRESSION in metric.kinds:
        y, bad, _ = _values(1)
        good = (y + bad) / 2
    else:
        n_classes = 2 if TaskKind.BINARY in metric.kinds else 3
        y, bad, _ = _classes(1, n_classes)
        good = np.eye(n_classes)[y] * 0.9 + 0.1 * bad
    assert metric.loss(y, good) < metric.loss(y, bad)
    assert metric.value_of(metric.loss(y, good)) == pytest.approx(metric.value(y, good))


@pytest.mark.parametrize("name", [name for name, one in METRICS.items() if one.rows])
def test_the_mean_of_row_losses_is_the_loss(name: str) -> None:
    y, prediction, weight = _values(5) if TaskKind.REGRESSION in METRICS[name].kinds else _classes(5, 3)
    rows = METRICS[name].row_losses(y, prediction)
    assert np.average(rows, weights=weight) == pytest.approx(METRICS[name].loss(y, prediction, weight))


def test_every_scorer_name_of_scikit_learn_for_these_tasks_is_known() -> None:
    clusters = ("rand_score", "info_score", "completeness", "fowlkes", "homogeneity", "v_measure")
    skipped = ("samples", "likelihood_ratio", *clusters)
    names = [name for name in reference.get_scorer_names() if not any(part in name for part in skipped)]
    assert len(names) > 35
    assert [name for name in names if known_name(name) is None] == []


@pytest.mark.parametrize(("kind", "name"), [("binary", "roc_auc"), ("multiclass", "log_loss"), ("regression", "rmse")])
def test_defaults_follow_the_kind_of_task(kind: str, name: str) -> None:
    assert metric_from(None, TaskKind(kind)).name == name


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'balanced_accuracy'"):
        metric_from("balanced_acuracy", TaskKind.BINARY)


@pytest.mark.parametrize("name", ["positive_likelihood_ratio", "neg_negative_likelihood_ratio"])
def test_a_ratio_that_cannot_rank_models_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ParameterError, match="no value where no row is wrongly flagged"):
        metric_from(name, TaskKind.BINARY)


def test_a_metric_of_another_kind_of_task_is_refused_with_its_kin() -> None:
    with pytest.raises(ParameterError, match="f1_macro"):
        metric_from("f1", TaskKind.MULTICLASS)
    assert "f1" not in metric_names(TaskKind.MULTICLASS)


def test_something_else_than_a_name_or_a_callable_is_refused() -> None:
    with pytest.raises(ParameterError, match="a name or a callable"):
        metric_from(3, TaskKind.BINARY)


def test_rmsle_forgives_negative_predictions_but_not_targets() -> None:
    metric = METRICS["rmsle"]
    assert metric.value(np.array([0.0, 1.0]), np.array([-5.0, 1.0])) == 0.0
    with pytest.raises(DataError, match="above -1"):
        metric.value(np.array([-2.0]), np.array([1.0]))


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="3 and 2 rows"):
        METRICS["rmse"].value(np.zeros(3), np.zeros(2))


def test_a_scorer_is_taken_with_its_sign_its_response_and_its_settings() -> None:
    scorer = reference.make_scorer(reference.fbeta_score, beta=2, pos_label="yes")
    metric = metric_from(scorer, TaskKind.BINARY)
    y, prediction, _ = _classes(2, 2)
    names = np.array(["no", "yes"])
    wanted = reference.fbeta_score(names[y], names[prediction.argmax(1)], beta=2, pos_label="yes")
    assert metric.value(y, prediction, classes=names) == pytest.approx(wanted)
    loss = reference.make_scorer(reference.log_loss, greater_is_better=False, response_method="predict_proba")
    metric = metric_from(loss, TaskKind.BINARY)
    assert (metric.higher_is_better, metric.needs) == (False, Needs.PROBABILITY)
    assert metric.value(y, prediction, classes=names) == pytest.approx(reference.log_loss(y, prediction))


def test_a_function_of_scikit_learn_becomes_our_own() -> None:
    assert metric_from(reference.mean_squared_error, TaskKind.REGRESSION) is METRICS["mse"]
    assert metric_from(reference.accuracy_score, TaskKind.BINARY) is METRICS["accuracy"]


def test_a_users_function_gets_original_labels_and_weights_where_it_takes_them() -> None:
    def hit_rate(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        assert set(y_true) <= {"a", "b"} and set(y_pred) <= {"a", "b"}
        return float(np.average(y_true == y_pred, weights=sample_weight))

    metric = metric_from(hit_rate, TaskKind.BINARY)
    y, prediction = np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]])
    assert metric.value(y, prediction, np.array([3.0, 1.0]), classes=("a", "b")) == 0.75
    assert metric.loss(y, prediction, classes=("a", "b")) == 0.5


def test_the_direction_of_a_users_function_is_read_from_attribute_or_name() -> None:
    def cost_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return 0.0

    assert not metric_from(cost_error, TaskKind.REGRESSION).higher_is_better
    cost_error.higher_is_better = True  # type: ignore[attr-defined]
    assert metric_from(cost_error, TaskKind.REGRESSION).higher_is_better


def test_a_metric_passes_as_it_is() -> None:
    mine = Metric("mine", lambda y, p, w: 0.0, kinds=frozenset({TaskKind.BINARY}))
    assert metric_from(mine, TaskKind.BINARY) is mine


def test_a_plug_in_may_offer_a_function_a_scorer_or_a_metric_and_what_is_none_is_refused(monkeypatch):
    scorer = reference.make_scorer(reference.fbeta_score, beta=2)
    things = {"gain": lambda y, p: 1.0, "f2": scorer, "whole": METRICS["mae"], "wrong": 3}
    monkeypatch.setattr("tamis.tasks.metrics.offered", lambda group: iter(things.items()))
    monkeypatch.setattr("tamis.tasks.metrics.plugged_names", lambda group: tuple(things))
    assert metric_from("gain", TaskKind.BINARY).name == "gain" and metric_from("f2", TaskKind.BINARY).name == "f2"
    assert metric_from("whole", TaskKind.REGRESSION) is METRICS["mae"]
    with pytest.raises(ParameterError, match=r"The plug-in 'wrong' must offer a metric.* got 3"):
        metric_from("wrong", TaskKind.BINARY)
    with pytest.raises(ParameterError, match="Did you mean 'gain'"):
        metric_from("gian", TaskKind.BINARY)
