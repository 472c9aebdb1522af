"""Auto-sklearn's names and options: `from tamis import autosklearn` lets its programs run as they are."""

from types import SimpleNamespace
from typing import Any

from tamis.estimators.tabular import AutoClassifier, AutoRegressor


class AutoSklearnOptions:
    """The constructor of auto-sklearn, in front of an estimator of ours."""

    search = "auto"
    preset = "balanced"
    max_trials = None
    output = None
    verbose = 0

    def __init__(
        self,
        time_left_for_this_task: float = 60,
        *,
        metric: Any = None,
        n_jobs: int | None = -1,
        memory_limit: float | None = None,
        seed: int = 0,
    ) -> None:
        self.time_left_for_this_task = time_left_for_this_task
        self.metric = metric
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit
        self.seed = seed

    @property
    def time_limit(self) -> float:
        """Seconds that `fit` may take."""
        return self.time_left_for_this_task

    @property
    def random_state(self) -> int:
        """The seed."""
        return self.seed


class AutoSklearnClassifier(AutoSklearnOptions, AutoClassifier):
    """`AutoClassifier` under the name and with the options of auto-sklearn.

    Parameters
    ----------
    time_left_for_this_task : float, default=60
        Seconds that `fit` may take.
    metric : str, callable or Metric, optional
    n_jobs : int, default=-1
    memory_limit : float, optional
        Megabytes.
    seed : int, default=0
    """


class AutoSklearnRegressor(AutoSklearnOptions, AutoRegressor):
    """`AutoRegressor` under the name and with the options of auto-sklearn, as `AutoSklearnClassifier`."""


classification = SimpleNamespace(AutoSklearnClassifier=AutoSklearnClassifier)
regression = SimpleNamespace(AutoSklearnRegressor=AutoSklearnRegressor)
