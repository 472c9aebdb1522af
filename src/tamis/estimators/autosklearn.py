"""Auto-sklearn's names and options: `from tamis import autosklearn` lets programs with its common calls run."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pandas as pd

from tamis.core.errors import wrong_choice
from tamis.core.kinds import Role
from tamis.data.frames import to_pandas
from tamis.estimators.base import AutoEstimator
from tamis.estimators.tabular import AutoClassifier, AutoRegressor
from tamis.tasks.metric import Needs
from tamis.tasks.metrics import METRICS

WITHOUT_EFFECT = frozenset(
    {
        "allow_string_features", "configuration_mode", "dask_client", "dataset_compression",
        "delete_output_folder_after_terminate", "delete_tmp_folder_after_terminate", "disable_evaluator_output",
        "ensemble_class", "ensemble_kwargs", "ensemble_memory_limit", "ensemble_nbest", "ensemble_size", "exclude",
        "exclude_estimators", "exclude_preprocessors", "get_smac_object_callback", "get_trials_callback", "include",
        "include_estimators", "include_preprocessors", "initial_configurations_via_metalearning", "load_models",
        "logging_config", "max_models_on_disc", "metadata_directory", "ml_memory_limit", "output_folder",
        "resampling_strategy", "resampling_strategy_arguments", "scoring_functions", "shared_mode",
        "smac_scenario_args",
    }
)  # fmt: skip
"""Options of auto-sklearn, in its versions, that are taken so that programs run, and mean nothing here."""

FEATURE_TYPES = {"numerical": Role.NUMERIC, "categorical": Role.CATEGORICAL, "string": Role.TEXT}
"""What `feat_type` says of a column, as our roles."""


class AutoSklearnOptions(AutoEstimator):
    """The constructor of auto-sklearn, in front of an estimator of ours."""

    def __init__(
        self,
        time_left_for_this_task: float = 60,
        per_run_time_limit: float | None = None,
        *,
        metric: Any = None,
        n_jobs: int | None = -1,
        memory_limit: float | None = None,
        seed: int = 0,
        tmp_folder: str | os.PathLike[str] | None = None,
        **without_effect: Any,
    ) -> None:
        self.time_left_for_this_task = time_left_for_this_task
        self.per_run_time_limit = per_run_time_limit
        self.metric = metric
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit
        self.seed = seed
        self.tmp_folder = tmp_folder
        for name in without_effect:
            if name not in WITHOUT_EFFECT:
                raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}")
        if without_effect:  # no parameters in scikit-learn's sense: a copy does without them
            self._without_effect = tuple(sorted(without_effect))

    def _asked(self) -> dict[str, Any]:
        ours = AutoEstimator(
            time_limit=self.time_left_for_this_task,
            metric=self.metric,
            n_jobs=self.n_jobs,
            memory_limit=self.memory_limit,
            random_state=self.seed,
            output=self.tmp_folder,
        )
        return ours._asked()

    def fit(
        self,
        X: Any,
        y: Any,
        X_test: Any = None,
        y_test: Any = None,
        feat_type: Sequence[str] | Mapping[str, str] | None = None,
        dataset_name: str | None = None,
    ) -> Self:
        """Search for the best model of the given rows.

        Parameters
        ----------
        X, y : table and array
            As `AutoClassifier.fit` takes them.
        X_test, y_test, dataset_name : any
            Taken so that programs run as they are.
        feat_type : sequence or mapping of str, optional
            "Numerical", "Categorical" or "String" for each column, in their order or by name.
        """
        ignored = list(getattr(self, "_without_effect", ()))
        if self.per_run_time_limit is not None:
            ignored.append("per_run_time_limit")
        if ignored:
            warnings.warn(
                f"These options of auto-sklearn have no effect in Tamis: {', '.join(ignored)}. Leave them out to "
                "silence this warning.",
                UserWarning,
                stacklevel=2,
            )
        return super().fit(X, y, roles=_roles(X, feat_type))

    def refit(self, X: Any, y: Any) -> Self:
        """Do nothing: what `fit` has found predicts already."""
        self._fitted()
        return self

    def predict(self, X: Any, batch_size: int | None = None, n_jobs: int = 1) -> np.ndarray:
        """Return the prediction for each row; how many rows are taken at once is decided here."""
        return super().predict(X)

    @property
    def cv_results_(self) -> dict[str, Any]:
        """The candidates in the form of scikit-learn's searches, the best first."""
        board = self.leaderboard_
        return {
            "mean_test_score": board["score"].to_numpy(dtype=np.float64),
            "mean_fit_time": board["seconds"].to_numpy(),
            "params": [row["candidate"] for row in self._board().rows],
            "rank_test_scores": board["rank"].to_numpy(),
            "status": board["status"].tolist(),
        }

    def leaderboard(self) -> pd.DataFrame:
        """Return the candidates, the best first, as `leaderboard_`."""
        return self.leaderboard_

    def show_models(self) -> pd.DataFrame:
        """Return the members of the ensemble and their weights, as `ensemble_`."""
        return self.ensemble_

    def sprint_statistics(self) -> str:
        """Return in a few lines what was done."""
        board, score = self._board(), self.score_estimate_
        best = "nothing could be fitted" if score is None else f"{score['value']:.6g}"
        done = int((self.leaderboard_["status"] == "done").sum()) if board.rows else 0
        return "\n".join(
            [
                "Tamis results:",
                f"  Metric: {board.metric}",
                f"  Expected score on new rows: {best}",
                f"  Number of candidates tried: {board.n_trials}",
                f"  Number of candidates that could be fitted: {done}",
                f"  Number of fits: {board.n_units}",
            ]
        )


def _roles(X: Any, feat_type: Sequence[str] | Mapping[str, str] | None) -> dict[str, str] | None:
    """Turn auto-sklearn's types of columns into roles."""
    if feat_type is None:
        return None
    frame: Any = to_pandas(X)
    named = feat_type.items() if isinstance(feat_type, Mapping) else zip(frame.columns, feat_type, strict=True)
    roles = {}
    for name, kind in named:
        if kind.lower() not in FEATURE_TYPES:
            raise wrong_choice("feat_type", kind, [one.capitalize() for one in FEATURE_TYPES])
        roles[str(name)] = str(FEATURE_TYPES[kind.lower()])
    return roles


class AutoSklearnClassifier(AutoSklearnOptions, AutoClassifier):  # type: ignore[misc]  # its own fit
    """`AutoClassifier` under the name and with the options of auto-sklearn.

    Its other options are taken too, and named in a warning, for they have no effect here.

    Parameters
    ----------
    time_left_for_this_task : float, default=60
        Seconds that `fit` may take.
    per_run_time_limit : float, optional
        Taken so that programs run as they are; how long one fit may take is decided by what is left.
    metric : str, callable or Metric, optional
    n_jobs : int, default=-1
    memory_limit : float, optional
        Megabytes.
    seed : int, default=0
    tmp_folder : path, optional
        A folder for the run; a temporary one unless given.
    """

    def predict_proba(self, X: Any, batch_size: int | None = None, n_jobs: int = 1) -> np.ndarray:
        """Return the probability of each class of `classes_` for each row."""
        return super().predict_proba(X)


class AutoSklearnRegressor(AutoSklearnOptions, AutoRegressor):  # type: ignore[misc]  # its own fit
    """`AutoRegressor` under the name and with the options of auto-sklearn, as `AutoSklearnClassifier`."""


classification = SimpleNamespace(AutoSklearnClassifier=AutoSklearnClassifier)
regression = SimpleNamespace(AutoSklearnRegressor=AutoSklearnRegressor)


@dataclass(frozen=True)
class Scorer:
    """A function of (y_true, y_pred) with what `make_scorer` was told of it."""

    name: str
    function: Callable[..., float]
    higher_is_better: bool = True
    needs: str = str(Needs.LABEL)
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        """Score predictions."""
        return float(self.function(y_true, y_pred, **self.options))


def make_scorer(
    name: str,
    score_func: Callable[..., float],
    *,
    optimum: float = 1.0,
    worst_possible_result: float = 0.0,
    greater_is_better: bool = True,
    needs_proba: bool = False,
    needs_threshold: bool = False,
    **options: Any,
) -> Scorer:
    """Make a metric of a function, as auto-sklearn's `make_scorer` does; `options` are passed to the function.

    Examples
    --------
    >>> from sklearn.metrics import fbeta_score
    >>> make_scorer("f2", fbeta_score, beta=2)([0, 1, 1], [0, 1, 0]).__round__(3)
    0.556
    """
    needs = Needs.PROBABILITY if needs_proba or needs_threshold else Needs.LABEL
    return Scorer(name, score_func, greater_is_better, str(needs), options)


METRIC_NAMES = {
    name: name
    for name in (
        "accuracy", "balanced_accuracy", "roc_auc", "average_precision", "log_loss", "r2", "median_absolute_error",
        *(name for name in METRICS if name.split("_")[0] in ("f1", "precision", "recall")),
    )
} | {
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "root_mean_squared_error": "rmse",
    "mean_squared_log_error": "msle",
    "root_mean_squared_log_error": "rmsle",
}  # fmt: skip
"""Auto-sklearn's metrics by their names there."""

metrics = SimpleNamespace(make_scorer=make_scorer, **METRIC_NAMES)
