"""What a fitted estimator tells of its run: the leaderboard, the history, the ensemble, the expected score."""

import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tamis.core.budget import Budget
from tamis.core.contracts import Listener
from tamis.core.trial import Trial
from tamis.explain.findings import attempts_of
from tamis.explain.overview import Picture, overview, pictures
from tamis.explain.pareto import front_of
from tamis.workflow.fit import FitResult
from tamis.workflow.leaderboard import COSTS, LONG, Leaderboard, board_of, describe
from tamis.workflow.model import Model

BOARD = (
    "rank", "model", "family", "score", "score_se", "folds", "fidelity", "seconds", "weight", "status", "reason",
    "origin",
)  # fmt: skip
"""The columns of `leaderboard_`."""

HISTORY = (
    "trial", "model", "fold", "fidelity", "origin", "status", "score", "at_s", "seconds", "memory_mb", "reason",
    "found", "memo", "candidate",
)  # fmt: skip
"""The columns of `search_history_`."""

FRONT = (
    "rank", "model", "family", "score", "score_se", "complexity", "predict_ms", *COSTS, "weight", "candidate", "key",
)  # fmt: skip
"""The columns of `pareto_front_`; those of which the run tells nothing are left out."""


class RunResults:
    """The part of an estimator that is the same for tables and images; `fit` sets `model_` and `_trials`."""

    model_: Model
    _trials: tuple[Trial, ...]
    _asked_s: Mapping[int, float]
    """By trial, the seconds after the start at which it was asked."""
    _columns: tuple[str, ...] = BOARD

    def _asked(self) -> dict[str, Any]:
        """Return the options by the names of this class; an estimator with other names translates its own."""
        # A grid search hands over NumPy's numbers.
        asked = self.get_params(deep=False)  # type: ignore[attr-defined]
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in asked.items()}

    def _remember(self, result: FitResult) -> None:
        """Note why a run ended and what it told."""
        self.stop_reason_ = result.reason
        self.notes_ = list(result.notes)
        self._asked_s = dict(result.asked_s)

    def _listeners(self, budget: Budget) -> Sequence[Listener]:
        if self._asked()["verbose"] < 1:
            return ()
        from tamis.run.progress import display

        return (
            display(lambda proposal: describe(proposal.candidate), lambda loss: f"{loss:.5g}", limit_s=budget.limit_s),
        )

    def _tell(self, line: str) -> None:
        if self._asked()["verbose"] >= 1:
            print(line, file=sys.stderr)
        elif line.startswith("warning:"):
            warnings.warn(line.removeprefix("warning:").strip(), UserWarning, stacklevel=6)

    def _fitted(self) -> Model:
        check_is_fitted(self, "model_")
        return self.model_

    @property
    def leaderboard_(self) -> pd.DataFrame:
        """The candidates, the best first: DataFrame with a row for each."""
        return pd.DataFrame(self._board().rows, columns=list(self._columns))

    def _board(self) -> Leaderboard:
        model = self._fitted()
        return board_of(self._trials, model)

    @property
    def search_history_(self) -> pd.DataFrame:
        """Every fit in the order in which it ended: DataFrame with a row for each candidate and fold.

        `fidelity` is the share of the rows of a table, or of a training on images, that it had; `at_s` when it was
        asked, in seconds after the start; `reason` why it failed; `found` what was found out while fitting, such as
        the rounds of a booster; `memo` what the strategy noted, such as the parents of a child.
        """
        metric, asked_s = self._fitted().task.metric, getattr(self, "_asked_s", {})
        records = [
            {
                "trial": trial.proposal.id,
                "model": describe(trial.proposal.candidate),
                "fold": trial.proposal.fold,
                "fidelity": trial.proposal.fidelity,
                "origin": trial.proposal.origin,
                "status": str(trial.outcome.status),
                "score": metric.value_of(trial.loss) if trial.done and isfinite(trial.loss) else None,
                "at_s": asked_s.get(trial.proposal.id),
                "seconds": trial.outcome.seconds,
                "memory_mb": trial.outcome.memory_mb,
                "reason": trial.outcome.reason,
                "found": {name: value for name, value in trial.outcome.realised.items() if name not in LONG},
                "memo": dict(trial.proposal.memo),
                "candidate": str(trial.proposal.candidate),
            }
            for trial in self._trials
        ]
        return pd.DataFrame(records, columns=list(HISTORY))

    @property
    def pareto_front_(self) -> pd.DataFrame:
        """What no other candidate beats in both score and simplicity, the simplest first: DataFrame.

        Simplicity is the count of nodes, as in the genetic search; of networks the count of parameters. Another cost:
        `pareto_front("seconds")`. Take one by its `rank`.
        """
        return self.pareto_front()

    def pareto_front(self, cost: str | None = None) -> pd.DataFrame:
        """Return what no other candidate beats in both score and a cost, the cheapest first.

        Parameters
        ----------
        cost : {"complexity", "seconds", "parameters", "latency"}, optional
            The nodes of a pipeline or the time of its predictions; the weights of a network or the time for one image.
        """
        rows = front_of(self._board(), cost)
        known = [name for name in FRONT if any(row.get(name) is not None for row in rows)]
        return pd.DataFrame(rows, columns=known)

    @property
    def pictures_(self) -> dict[str, Picture]:
        """SVG pictures: `score`, scores against time, and `model`, the pipelines as a tree.

        A notebook shows them; each has `save(path)`.
        """
        model = self._fitted()
        attempts = attempts_of(self._trials, getattr(self, "_asked_s", {}), model.task.metric)
        return pictures(model, attempts)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: before `fit` the parameters, after it the search and the model."""
        if not hasattr(self, "model_"):
            return str(super()._repr_html_())  # type: ignore[misc]
        return overview(type(self).__name__, self.model_, self.pictures_, len(self._board().rows))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        """Return the forms between which a notebook chooses."""
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    @property
    def ensemble_(self) -> pd.DataFrame:
        """The members of the model and their weights."""
        board = self.leaderboard_
        return board[board["weight"] > 0].sort_values("weight", ascending=False).reset_index(drop=True)

    @property
    def score_estimate_(self) -> dict[str, Any] | None:
        """The expected score on new rows with its interval; None where nothing could be fitted."""
        model = self._fitted()
        found = model.recipe.estimate
        return None if found is None else {"metric": model.task.metric.name, **asdict(found)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a folder that `tamis.load` reads, here or elsewhere."""
        from tamis.workflow.saving import save_model

        save_model(self._fitted(), Path(path))
