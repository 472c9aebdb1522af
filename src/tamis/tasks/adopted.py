"""Makes a metric of a user's own function, or of scikit-learn's scorer around one."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, NoReturn

from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.kinds import TaskKind
from tamis.tasks.metric import Metric, Needs

_RESPONSES = {"predict": Needs.LABEL, "predict_proba": Needs.PROBABILITY, "decision_function": Needs.PROBABILITY}
_LOSS_ENDINGS = ("_error", "_loss", "_deviance", "error", "loss")


def _name_of(function: Any) -> str:
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "name", "") or getattr(function, "__name__", "") or type(function).__name__)


def _takes_weight(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some compiled functions do not tell
        return False
    return "sample_weight" in parameters


def _needs_of(asked: Any, kind: TaskKind) -> Needs:
    if not kind.is_classification:
        return Needs.VALUE
    if asked is None:
        return Needs.LABEL
    if asked not in tuple(Needs):
        raise wrong_choice("needs", asked, tuple(Needs))
    return Needs(asked)


def _from_scorer(scorer: Any, kind: TaskKind) -> Metric:
    wanted = getattr(scorer, "_response_method", "predict")
    names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    response = next((_RESPONSES[name] for name in names if name in _RESPONSES), Needs.LABEL)
    # A ranking metric serves as well on probabilities as on the decision function.
    better = scorer._sign > 0
    return Metric(
        _name_of(scorer._score_func),
        partial(scorer._score_func, **scorer._kwargs),
        higher_is_better=better,
        needs=_needs_of(response, kind),
        kinds=frozenset({kind}),
        lower=-inf,
        upper=inf,
        decoded=True,
        takes_weight=_takes_weight(scorer._score_func),
        summary="a scorer of the user's own",
    )


def adopt(function: Callable[..., Any], kind: TaskKind) -> Metric:
    """Make a metric of a callable.

    A plain function is called with (y_true, y_pred) in original labels; the attributes `higher_is_better` (or
    scikit-learn's `greater_is_better`), `needs` and `name` are read where it has them. Without them a name that ends
    in "error", "loss" or "deviance" means that lower is better, and any other that higher is, as scikit-learn's
    `make_scorer` takes it; labels are passed for classes, values for regression. Probabilities come as (n,), of the
    second class, where there are two classes, else as (n, K), as scikit-learn's scorers pass them.

    Examples
    --------
    >>> def hits(y_true, y_pred):
    ...     return sum(y_true == y_pred)
    >>> adopt(hits, TaskKind.BINARY).higher_is_better
    True
    """
    if hasattr(function, "_score_func") and hasattr(function, "_sign"):
        return _from_scorer(function, kind)
    name = _name_of(function)
    guess = not name.lower().endswith(_LOSS_ENDINGS)
    better = getattr(function, "higher_is_better", getattr(function, "greater_is_better", guess))
    return Metric(
        name,
        function,
        higher_is_better=bool(better),
        needs=_needs_of(getattr(function, "needs", None), kind),
        kinds=frozenset({kind}),
        lower=-inf,
        upper=inf,
        decoded=True,
        takes_weight=_takes_weight(function),
        summary="a function of the user's own",
    )


@dataclass(frozen=True)
class Forgotten:
    """Stands for a function that a file cannot hold: its name is known, it cannot be called."""

    name: str

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Say how the function comes back."""
        raise ParameterError(
            f"The metric {self.name!r} is a function of your own, which no file holds. Hand it in again in Python "
            "(metric=), or name another metric (--metric)."
        )


def is_forgotten(metric: Metric) -> bool:
    """Tell whether only the name of a user's own metric is left."""
    return isinstance(metric.function, Forgotten)


def to_record(metric: Metric) -> dict[str, Any]:
    """Return what can be kept of a metric of the user's own."""
    return {"higher_is_better": metric.higher_is_better, "needs": str(metric.needs)}


def from_record(name: str, record: Mapping[str, Any], kind: TaskKind) -> Metric:
    """Make a metric of what `to_record` kept: it names and orders values, and cannot be called.

    Examples
    --------
    >>> from_record("profit", {"higher_is_better": True, "needs": "label"}, TaskKind.BINARY).value_of(-4.0)
    5.0
    """
    return Metric(
        name,
        Forgotten(name),
        higher_is_better=bool(record["higher_is_better"]),
        needs=Needs(record["needs"]),
        kinds=frozenset({kind}),
        lower=-inf,
        upper=inf,
        decoded=True,
        summary="a function of the user's own",
    )
