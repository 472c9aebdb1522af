"""Auto-sklearn's names and options: `from tamis import autosklearn` lets its programs run as they are."""

import os
from types import SimpleNamespace
from typing import Any

import pandas as pd

from tamis.estimators.base import AutoEstimator
from tamis.estimators.tabular import AutoClassifier, AutoRegressor


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
    ) -> None:
        self.time_left_for_this_task = time_left_for_this_task
        self.per_run_time_limit = per_run_time_limit
        self.metric = metric
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit
        self.seed = seed
        self.tmp_folder = tmp_folder

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


class AutoSklearnClassifier(AutoSklearnOptions, AutoClassifier):
    """`AutoClassifier` under the name and with the options of auto-sklearn.

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


class AutoSklearnRegressor(AutoSklearnOptions, AutoRegressor):
    """`AutoRegressor` under the name and with the options of auto-sklearn, as `AutoSklearnClassifier`."""


classification = SimpleNamespace(AutoSklearnClassifier=AutoSklearnClassifier)
regression = SimpleNamespace(AutoSklearnRegressor=AutoSklearnRegressor)
metrics = SimpleNamespace(
    accuracy="accuracy",
    balanced_accuracy="balanced_accuracy",
    roc_auc="roc_auc",
    log_loss="log_loss",
    f1="f1",
    f1_macro="f1_macro",
    r2="r2",
    root_mean_squared_error="rmse",
    mean_absolute_error="mae",
)
"""Auto-sklearn's metrics under their names there."""
