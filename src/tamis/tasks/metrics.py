"""The metrics that Tamis knows by name, and the way from what a user writes to a metric."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import partial
from math import inf
from typing import Any

import numpy as np

from tamis.core.errors import ParameterError
from tamis.core.kinds import CLASSIFICATION, TaskKind
from tamis.core.plugins import names as plugged_names
from tamis.core.plugins import offered
from tamis.tasks import label_scores, probability_scores, value_scores
from tamis.tasks.adopted import adopt
from tamis.tasks.metric import Metric, Needs

_BINARY = frozenset({TaskKind.BINARY})
_REGRESSION = frozenset({TaskKind.REGRESSION})


def _wrong(y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return (y != labels).astype(np.float64)


def _of_labels(name: str, function: Callable[..., float], summary: str, **more: Any) -> Metric:
    return Metric(name, function, needs=Needs.LABEL, kinds=more.pop("kinds", CLASSIFICATION), summary=summary, **more)


def _of_values(name: str, function: Callable[..., float], summary: str, **more: Any) -> Metric:
    options: dict[str, Any] = {"higher_is_better": False, "upper": inf, **more}
    return Metric(name, function, needs=Needs.VALUE, kinds=_REGRESSION, summary=summary, **options)


def _ratios() -> Iterator[Metric]:
    words = {
        "f1": "harmonic mean of precision and recall",
        "precision": "share of the flagged rows that are right",
        "recall": "share of the class's rows that are found",
        "jaccard": "overlap of flagged and true rows",
    }
    averages = {"macro": "plain mean over classes", "micro": "all classes pooled", "weighted": "classes by their rows"}
    for ratio, summary in words.items():
        plain = partial(label_scores.ratio_score, ratio=ratio, averaging="binary")
        yield _of_labels(ratio, plain, f"{summary}, of the second class", kinds=_BINARY)
        for averaging, how in averages.items():
            function = partial(label_scores.ratio_score, ratio=ratio, averaging=averaging)
            yield _of_labels(f"{ratio}_{averaging}", function, f"{summary}, {how}")


def _classification() -> Iterator[Metric]:
    scores, labels, kinds = probability_scores, label_scores, CLASSIFICATION
    area = partial(Metric, kinds=kinds, undefined_loss=0.5)
    yield area("roc_auc", scores.roc_auc, summary="area under the ROC curve; several classes: one against the rest")
    yield area(
        "roc_auc_ovr_weighted",
        scores.roc_auc_ovr_weighted,
        stand_in="roc_auc",
        summary="area under the ROC curve, one against the rest, classes by their rows",
    )
    yield area(
        "roc_auc_ovo", scores.roc_auc_ovo, stand_in="roc_auc", summary="area under the ROC curve, mean over pairs"
    )
    yield area(
        "roc_auc_ovo_weighted",
        scores.roc_auc_ovo_weighted,
        stand_in="roc_auc",
        summary="area under the ROC curve, mean over pairs, each by its rows",
    )
    yield Metric("average_precision", scores.average_precision, kinds=kinds, summary="area under precision and recall")
    lost = partial(Metric, kinds=kinds, higher_is_better=False)
    yield lost(
        "log_loss", scores.log_loss, rows=scores.log_loss_rows, upper=inf, summary="mean negative log likelihood (nats)"
    )
    yield lost("brier", scores.brier, rows=scores.brier_rows, upper=2.0, summary="squared error of the probabilities")
    d2 = partial(Metric, kinds=kinds, lower=-inf)
    yield d2("d2_log_loss", scores.d2_log_loss, stand_in="log_loss", summary="share of the log loss removed")
    yield d2("d2_brier", scores.d2_brier, stand_in="brier", summary="share of the Brier score removed")
    yield _of_labels("accuracy", labels.accuracy, "share of right labels", rows=_wrong)
    yield _of_labels("balanced_accuracy", labels.balanced_accuracy, "mean recall over classes")
    yield _of_labels("matthews_corrcoef", labels.matthews_corrcoef, "correlation of labels", lower=-1.0)
    yield _of_labels("cohen_kappa", labels.cohen_kappa, "agreement beyond chance", lower=-1.0)
    yield Metric(
        "top_k_accuracy",
        scores.top_two_accuracy,
        kinds=frozenset({TaskKind.MULTICLASS}),
        summary="share of rows whose class is among the two most probable",
    )
    quadratic = partial(labels.cohen_kappa, distance_power=2)
    yield _of_labels("quadratic_kappa", quadratic, "agreement beyond chance, errors by squared distance", lower=-1.0)


def _regression() -> Iterator[Metric]:
    scores = value_scores
    yield _of_values("rmse", scores.rmse, "root mean squared error, in the target's unit")
    yield _of_values("mse", scores.mse, "mean squared error", rows=scores.squared_rows)
    yield _of_values("mae", scores.mae, "mean absolute error, in the target's unit", rows=scores.absolute_rows)
    yield _of_values("median_absolute_error", scores.median_absolute_error, "median absolute error")
    yield _of_values("mape", scores.mape, "mean absolute percentage error, as a share", rows=scores.relative_rows)
    yield _of_values("smape", scores.smape, "symmetric percentage error, as a share", upper=2.0)
    yield _of_values("rmsle", scores.rmsle, "root mean squared error of log(1 + value)")
    yield _of_values("msle", scores.msle, "mean squared error of log(1 + value)", rows=scores.squared_log_rows)
    yield _of_values("mean_pinball", scores.mean_pinball, "quantile loss at the median", rows=scores.pinball_rows)
    yield _of_values("max_error", scores.max_error, "largest absolute error", takes_weight=False)
    yield _of_values("poisson_deviance", scores.poisson_deviance, "mean Poisson deviance, for counts")
    yield _of_values("gamma_deviance", scores.gamma_deviance, "mean gamma deviance, for positive amounts")
    share = partial(_of_values, higher_is_better=True, lower=-inf, upper=1.0)
    yield share("r2", scores.r2, "share of the variance explained, R squared")
    yield share("explained_variance", scores.explained_variance, "share of the variance explained, shifts forgiven")
    yield share("d2_absolute_error", scores.d2_absolute_error, "share of the absolute error removed", stand_in="mae")
    yield share("spearman", scores.spearman, "correlation of ranks", lower=-1.0, takes_weight=False)


METRICS: dict[str, Metric] = {one.name: one for one in (*_classification(), *_ratios(), *_regression())}
"""Every metric by its name."""

ALIASES: dict[str, str] = {
    "acc": "accuracy",
    "auc": "roc_auc",
    "roc_auc_ovr": "roc_auc",
    "logloss": "log_loss",
    "cross_entropy": "log_loss",
    "brier_score_loss": "brier",
    "brier_score": "brier",
    "mcc": "matthews_corrcoef",
    "kappa": "cohen_kappa",
    "root_mean_squared_error": "rmse",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "root_mean_squared_log_error": "rmsle",
    "mean_squared_log_error": "msle",
    "mean_pinball_loss": "mean_pinball",
    "pinball": "mean_pinball",
    "mean_poisson_deviance": "poisson_deviance",
    "mean_gamma_deviance": "gamma_deviance",
    "spearmanr": "spearman",
}
"""Other names of the same, scikit-learn's among them; "neg_" before and "_score" behind are read too."""

RATIO_OF_RATES = (
    "it has no value where no row is wrongly flagged, so that the best models could not be told apart; roc_auc, f1 and "
    "balanced_accuracy weigh the same two rates"
)
REFUSED: dict[str, str] = {
    "positive_likelihood_ratio": RATIO_OF_RATES,
    "negative_likelihood_ratio": RATIO_OF_RATES,
    "f1_samples": "it is for rows of several labels; here each row has one class",
    "precision_samples": "it is for rows of several labels; here each row has one class",
    "recall_samples": "it is for rows of several labels; here each row has one class",
    "jaccard_samples": "it is for rows of several labels; here each row has one class",
}
"""Names of scikit-learn's that are no metric to choose a model by, and why."""

DEFAULTS = {TaskKind.BINARY: "roc_auc", TaskKind.MULTICLASS: "log_loss", TaskKind.REGRESSION: "rmse"}
"""The metric of a task where none is asked for."""


def known_name(name: str) -> str | None:
    """Return the name under which a metric is kept, None where it is not known.

    Examples
    --------
    >>> known_name("neg_root_mean_squared_error"), known_name("F1-macro"), known_name("speed")
    ('rmse', 'f1_macro', None)
    """
    plain = name.strip().lower().replace("-", "_").replace(" ", "_").removeprefix("neg_")
    for one in (plain, plain.removesuffix("_score")):
        if ALIASES.get(one, one) in METRICS:
            return ALIASES.get(one, one)
    return None


def metric_names(kind: TaskKind) -> tuple[str, ...]:
    """Return the names of the metrics that serve a kind of task."""
    return tuple(name for name, one in METRICS.items() if kind in one.kinds)


def plugged(name: str, kind: TaskKind) -> Metric | None:
    """Return the metric that an installed plug-in offers under a name, None where there is none."""
    made = next((made for one, made in offered("tamis.metrics") if one == name), None)
    if made is None or isinstance(made, Metric):
        return made
    if not callable(made):
        raise ParameterError(
            f"The plug-in {name!r} must offer a metric: a function of (y_true, y_pred), a scorer or a Metric; got "
            f"{made!r}."
        )
    return adopt(made, kind).renamed(name)


def _by_name(name: str, kind: TaskKind) -> Metric:
    known = known_name(name)
    found = METRICS[known] if known is not None else plugged(name, kind)
    if found is not None:
        return found
    if why := REFUSED.get(name.strip().lower().removeprefix("neg_")):
        raise ParameterError(f"The metric {name!r} is not taken: {why}.")
    choices = (*metric_names(kind), *plugged_names("tamis.metrics"))
    near = get_close_matches(name.lower(), [*choices, *ALIASES], n=3)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ParameterError(f"The parameter 'metric' must be one of {', '.join(choices)}; got {name!r}.{hint}")


def _from_sklearn(function: Any) -> Metric | None:
    """Find our own for a bare function of sklearn.metrics, whose direction its name may not tell."""
    if not str(getattr(function, "__module__", "")).startswith("sklearn.metrics"):
        return None
    known = known_name(str(getattr(function, "__name__", "")))
    return METRICS[known] if known else None


def metric_from(spec: Any, kind: TaskKind) -> Metric:
    """Return the metric that a user means.

    Parameters
    ----------
    spec : None, str, Metric, scorer or callable
        None for the default; a name, scikit-learn's included; an object of sklearn's `make_scorer`; or a function
        (y_true, y_pred) of original labels. A function may have the attributes `higher_is_better`, `needs`
        ("label", "probability" or "value") and `name`.
    kind : TaskKind

    Returns
    -------
    Metric

    Raises
    ------
    ParameterError
        Where the name is unknown (with the nearest ones) or the metric does not serve the kind of task.

    Examples
    --------
    >>> metric_from(None, TaskKind.REGRESSION).name, metric_from("neg_log_loss", TaskKind.BINARY).name
    ('rmse', 'log_loss')
    """
    if spec is None:
        return METRICS[DEFAULTS[kind]]
    if isinstance(spec, str):
        metric = _by_name(spec, kind)
    elif isinstance(spec, Metric):
        metric = spec
    elif callable(spec):
        metric = _from_sklearn(spec) or adopt(spec, kind)
    else:
        raise ParameterError(f"The parameter 'metric' must be a name or a callable; got {spec!r}.")
    if kind not in metric.kinds:
        near = [name for name in metric_names(kind) if name.split("_")[0] == metric.name.split("_")[0]]
        choices = ", ".join(near or metric_names(kind))
        raise ParameterError(f"The metric {metric.name!r} does not serve a {kind} task; choose one of: {choices}.")
    return metric
