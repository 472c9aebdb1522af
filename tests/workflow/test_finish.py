"""Tests of which fitted models a run's model is made of at the end: those of folds, or one on all rows."""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tamis.core.budget import Budget
from tamis.core.candidate import Candidate
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.evaluate.scheme import Scheme, SplitKind
from tamis.workflow.begin import begin
from tamis.workflow.fit import fit
from tamis.workflow.model import Model
from tamis.workflow.objective import ALL_ROWS
from tamis.workflow.plan import Given
from tamis.workflow.settings import Settings


@pytest.mark.parametrize(
    ("options", "folds"),
    [
        ({}, [0, 1]),
        ({"refit_from": 100}, [ALL_ROWS]),
        ({"refit_from": 121}, [0, 1]),
        ({"preset": "fast"}, [ALL_ROWS]),
        ({"preset": "best", "refit_from": 100}, [0, 1, 2, 3]),
        ({"predict_limit_s": 60.0}, [ALL_ROWS]),
    ],
)
def test_members_are_fitted_on_all_rows_where_there_are_enough(
    rows: pd.DataFrame, tmp_path: Path, options: dict[str, Any], folds: list[int]
) -> None:
    settings = Settings(target="bought", max_trials=1, n_folds=2, **options)
    told: list[str] = []
    with begin(tmp_path / "run", settings, "memory") as folder:
        model = fit(folder, settings, budget=Budget(inf, 1), data=Given(rows), tell=told.append).model
    assert [[unit.fold for unit in one.units] for one in model.recipe.members] == [folds]
    assert any("once more on all rows" in line for line in told) == (folds == [ALL_ROWS])
    saved = Model.load(tmp_path / "run")
    assert saved.score(rows, "accuracy")[1] > 0.8
    assert saved.recipe.estimate is not None


@pytest.mark.parametrize(("kind", "refits"), [("folds", False), ("holdout", True), ("time", True)])
def test_where_folds_leave_rows_out_members_are_fitted_on_all(
    planned: Callable[..., Any], kind: str, refits: bool
) -> None:
    plan = planned(preset="best")
    assert replace(plan, scheme=Scheme(SplitKind(kind), 3)).refits == refits


@pytest.mark.parametrize(("bags", "kept"), [(1, [True, True, False, False]), (2, [True] * 4), (None, [True] * 4)])
def test_further_drawings_of_the_folds_are_kept_where_asked(
    planned: Callable[..., Any], bags: int | None, kept: list[bool]
) -> None:
    plan = planned(n_folds=2, bags=bags)
    candidate = Candidate.of("ridge", {})
    trials = [Trial(Proposal(candidate, fold=fold).numbered(fold), Outcome(Status.DONE)) for fold in range(4)]
    assert [plan.keeps(one) for one in trials] == kept
