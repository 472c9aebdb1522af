"""What the estimators for tables share: scikit-learn's manners around one run."""

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import inf
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from tamis.core.budget import Budget
from tamis.core.contracts import Listener, Strategy
from tamis.core.errors import DataError, ParameterError
from tamis.core.kinds import TaskKind
from tamis.core.trial import Trial
from tamis.data.frames import to_pandas
from tamis.run.limits import parse_duration_s, parse_size_mb
from tamis.tasks.targets import label_array
from tamis.workflow.begin import begin
from tamis.workflow.fit import FitResult, fit
from tamis.workflow.leaderboard import Leaderboard, board_of, describe
from tamis.workflow.model import Model
from tamis.workflow.plan import Given
from tamis.workflow.settings import Settings


class AutoEstimator(BaseEstimator):
    """The constructor stores, `fit` runs, what was learned ends in an underscore."""

    def __init__(
        self,
        time_limit: float | str | None = None,
        *,
        metric: Any = None,
        search: Any = "auto",
        preset: str = "balanced",
        n_jobs: int | None = -1,
        memory_limit: float | str | None = None,
        max_trials: int | None = None,
        random_state: Any = 0,
        output: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.time_limit = time_limit
        self.metric = metric
        self.search = search
        self.preset = preset
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit
        self.max_trials = max_trials
        self.random_state = random_state
        self.output = output
        self.verbose = verbose

    def _settings(self, task: TaskKind, roles: Mapping[str, str] | None) -> Settings:
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = int(check_random_state(seed).randint(2**31 - 1))
        return Settings(
            target=None,
            task=str(task),
            metric=self.metric if isinstance(self.metric, str) else None,
            time_limit_s=None if self.time_limit is None else parse_duration_s(self.time_limit),
            max_trials=self.max_trials,
            memory_limit_mb=None if self.memory_limit is None else parse_size_mb(self.memory_limit),
            preset=self.preset,
            search=self.search if isinstance(self.search, str) else "auto",
            jobs=1 if self.n_jobs is None else self.n_jobs,
            seed=int(seed),
            roles=dict(roles or {}),
        ).check()

    def _fit(self, X: Any, y: Any, *, roles: Mapping[str, str] | None, **along: Any) -> Self:
        began = time.monotonic()
        rows = self._check_rows(X)
        target, task = self._check_target(y)
        settings = self._settings(task, roles)
        if rows.shape[0] != len(target):
            raise DataError(f"X and y must have as many rows as each other; got {rows.shape[0]} and {len(target)}.")
        for name, value in along.items():
            if value is not None and len(value) != len(target):
                raise DataError(f"{name} must have a value for each of the {len(target)} rows; got {len(value)}.")
        along["weight"] = _check_weight(along.get("weight"))
        given = Given(rows, y=target, **along)
        if self.output is not None:
            return self._take(self._run(Path(self.output), settings, given, began=began))
        with tempfile.TemporaryDirectory(prefix="tamis-", ignore_cleanup_errors=True) as place:
            return self._take(self._run(Path(place) / "run", settings, given, began=began))

    def _run(self, folder: Path, settings: Settings, given: Given, *, began: float) -> FitResult:
        run = begin(folder, settings, "memory")
        budget = Budget(
            limit_s=settings.limit_s, max_trials=settings.max_trials or inf, spent_s=time.monotonic() - began
        )
        try:
            return fit(
                run,
                settings,
                budget=budget,
                data=given,
                metric=self.metric if not isinstance(self.metric, str) else None,
                strategy=self.search if isinstance(self.search, Strategy) else None,
                listeners=self._listeners(budget),
                tell=self._tell,
            )
        finally:
            run.close()

    def _listeners(self, budget: Budget) -> Sequence[Listener]:
        if self.verbose < 1:
            return ()
        from tamis.run.progress import display

        return (
            display(lambda proposal: describe(proposal.candidate), lambda loss: f"{loss:.5g}", limit_s=budget.limit_s),
        )

    def _tell(self, line: str) -> None:
        if self.verbose >= 1:
            print(line, file=sys.stderr)
        elif line.startswith("warning:"):
            warnings.warn(line.removeprefix("warning:").strip(), UserWarning, stacklevel=6)

    def _take(self, result: FitResult) -> Self:
        self.stop_reason_ = result.reason
        self.notes_ = list(result.notes)
        return self._take_model(result.model, result.trials)

    def _take_model(self, model: Model, trials: Sequence[Trial]) -> Self:
        model.parts = {key: model.parts[key] for key in sorted(model.recipe.parts)}
        self.model_ = model
        self._trials = tuple(trials)
        names = [one.name for one in model.recipe.schema.columns if one.name != model.recipe.schema.target]
        if not hasattr(self, "n_features_in_"):
            self.n_features_in_ = len(names)
            self.feature_names_in_ = np.asarray(names, dtype=object)
        if model.task.kind is not TaskKind.REGRESSION:
            self.classes_ = label_array(model.recipe.coder.classes)
        return self

    def _check_rows(self, X: Any) -> Any:
        rows = _table_like(X)
        if not hasattr(rows, "columns") or isinstance(X, np.ndarray | list) or sparse.issparse(X):
            validate_data(self, X=rows if sparse.issparse(rows) else X, skip_check_array=True)
        else:
            validate_data(self, X=rows, skip_check_array=True)
        return rows

    def _rows_to_predict(self, X: Any) -> Any:
        check_is_fitted(self, "model_")
        rows = _table_like(X)
        if isinstance(X, np.ndarray | list) or sparse.issparse(X):
            validate_data(self, X=X, reset=False, skip_check_array=True)
        return rows

    def _check_target(self, y: Any) -> tuple[np.ndarray, TaskKind]:
        raise NotImplementedError("An estimator for a kind of task says what its target may be.")

    @property
    def leaderboard_(self) -> pd.DataFrame:
        """The candidates, the best first: DataFrame with a row for each."""
        board = self._board()
        return pd.DataFrame(board.rows).drop(columns=["candidate", "key"], errors="ignore")

    def _board(self) -> Leaderboard:
        check_is_fitted(self, "model_")
        return board_of(self._trials, self.model_)

    @property
    def search_history_(self) -> pd.DataFrame:
        """Every fit in the order in which it ended: DataFrame with a row for each candidate and fold."""
        check_is_fitted(self, "model_")
        records = [
            {
                "trial": trial.proposal.id,
                "model": describe(trial.proposal.candidate),
                "fold": trial.proposal.fold,
                "origin": trial.proposal.origin,
                "status": str(trial.outcome.status),
                "score": self.model_.task.metric.value_of(trial.loss) if trial.done else None,
                "seconds": trial.outcome.seconds,
                "memory_mb": trial.outcome.memory_mb,
                "reason": trial.outcome.reason,
                "candidate": str(trial.proposal.candidate),
            }
            for trial in self._trials
        ]
        return pd.DataFrame.from_records(records)

    @property
    def ensemble_(self) -> pd.DataFrame:
        """The members of the model and their weights."""
        board = self.leaderboard_
        return board[board["weight"] > 0].sort_values("weight", ascending=False).reset_index(drop=True)

    @property
    def score_estimate_(self) -> dict[str, Any] | None:
        """The expected score on new rows with its interval; None where nothing could be fitted."""
        check_is_fitted(self, "model_")
        found = self.model_.recipe.estimate
        return None if found is None else {"metric": self.model_.task.metric.name, **asdict(found)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a folder that `tamis.load` reads, here or elsewhere."""
        from tamis.workflow.saving import save_model

        check_is_fitted(self, "model_")
        save_model(self.model_, Path(path))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.non_deterministic = self.max_trials is None
        return tags


def _table_like(X: Any) -> Any:
    """Bring rows into a DataFrame, or a sparse matrix, with the errors that scikit-learn's users know."""
    if X is None:
        raise DataError("X must be a table; got None.")
    if sparse.issparse(X):
        return X.tocsr()
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) == 1:
        raise DataError(
            f"Expected a 2-dimensional table, got an array of shape {shape}. Reshape your data: X.reshape(-1, 1) for one "
            "column, X.reshape(1, -1) for one row."
        )
    frame = to_pandas(X)
    if frame.shape[1] == 0:
        raise DataError(f"0 feature(s) (shape={frame.shape}) while a minimum of 1 is required.")
    if frame.shape[0] == 0:
        raise DataError(f"Found array with 0 sample(s) (shape={frame.shape}) while a minimum of 1 is required.")
    return frame


def _check_weight(weight: Any) -> np.ndarray | None:
    if weight is None:
        return None
    found = np.asarray(weight, dtype=np.float64)
    if found.ndim != 1:
        raise DataError("Sample weights must be 1D array or scalar; got an array of shape " + str(found.shape) + ".")
    if not np.isfinite(found).all() or (found < 0).any():
        raise ParameterError("sample_weight must hold finite numbers that are not negative.")
    return None if np.ptp(found) == 0 else found
