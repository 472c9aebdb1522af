"""Tests of which fitted models a run's model is made of at the end: those of folds, or one on all rows."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tamis.algorithms import stopping
from tamis.core.budget import Budget
from tamis.core.candidate import Candidate
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.evaluate.scheme import Scheme, SplitKind
from tamis.store.artefacts import FolderArtefacts
from tamis.workflow import finish
from tamis.workflow.begin import begin
from tamis.workflow.fit import fit, resume
from tamis.workflow.model import Model
from tamis.workflow.objective import ALL_ROWS
from tamis.workflow.plan import Given
from tamis.workflow.settings import Settings


@pytest.mark.parametrize(
    ("options", "folds"),
    [
        ({}, [ALL_ROWS, 0, 1]),
        ({"folds_below": 100}, [ALL_ROWS]),
        ({"folds_below": 121}, [ALL_ROWS, 0, 1]),
        ({"preset": "fast"}, [ALL_ROWS]),
        ({"preset": "best", "folds_below": 100}, [ALL_ROWS, 0, 1, 2, 3]),
        ({"predict_limit_s": 60.0}, [ALL_ROWS]),
    ],
)
def test_members_are_fitted_on_all_rows_beside_their_folds_where_rows_are_few(
    rows: pd.DataFrame, tmp_path: Path, options: dict[str, Any], folds: list[int]
) -> None:
    settings = Settings(target="bought", max_trials=1, n_folds=2, **options)
    told: list[str] = []
    with begin(tmp_path / "run", settings, "memory") as folder:
        model = fit(folder, settings, budget=Budget(inf, 1), data=Given(rows), tell=told.append).model
    assert [[unit.fold for unit in one.units] for one in model.recipe.members] == [folds]
    beside = ", beside the models of their folds" if len(folds) > 1 else ""
    assert f"fitted 1 of 1 members once more on all rows{beside}" in told
    assert model.recipe.members[0].shares[0] == pytest.approx(0.5 if beside else 1.0)
    saved = Model.load(tmp_path / "run")
    assert saved.score(rows, "accuracy")[1] > 0.8
    assert saved.recipe.estimate is not None


def test_a_resume_takes_what_was_fitted_on_all_rows_from_the_model_that_there_is(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No journal tells of those fits, and a resume that ends at once may have no time for them."""
    settings = Settings(target="bought", max_trials=1, n_folds=2)
    with begin(tmp_path / "run", settings, "memory") as folder:
        before = fit(folder, settings, budget=Budget(inf, 1), data=Given(rows)).model.recipe.members
    assert [unit.fold for unit in before[0].units] == [ALL_ROWS, 0, 1]
    monkeypatch.setattr(finish, "Proposal", lambda *_, **__: pytest.fail("fitted again"))
    assert resume(tmp_path / "run", max_trials=1).model.recipe.members == before
    monkeypatch.undo()
    FolderArtefacts(tmp_path / "run" / "artefacts").path(before[0].units[0].model).write_bytes(b"")  # damaged
    assert resume(tmp_path / "run", max_trials=1).model.recipe.members == before


def test_what_the_clock_has_cut_short_does_not_stand_for_the_models_of_the_folds(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A booster whose time is over returns the rounds that it has; a later sitting fits it again."""
    monkeypatch.setattr(stopping, "_on_all_rows", partial(_half_the_rounds, stopping._on_all_rows))
    settings = Settings(target="bought", max_trials=1, n_folds=2, folds_below=0, include=("lightgbm",))
    with begin(tmp_path / "run", settings, "memory") as folder:
        given = Given(rows)
        before = fit(folder, settings, budget=Budget(inf, 1), data=given).model.recipe.members
    assert [unit.fold for unit in before[0].units] == [0, 1]
    monkeypatch.undo()
    after = resume(tmp_path / "run", max_trials=1).model.recipe.members
    assert [unit.fold for unit in after[0].units] == [ALL_ROWS]


def _half_the_rounds(whole: Callable[..., Any], learner: Any, rate: float, rounds: int, end: float) -> Any:
    return whole(learner, rate, rounds // 2, end)


class Impatient:
    """Interrupts a run when its first trial has ended."""

    def on_start(self, proposal: Any) -> None:
        """Wait."""

    def on_progress(self, progress: Any) -> None:
        """Wait."""

    def on_stop(self, reason: str) -> None:
        """It has stopped."""

    def on_end(self, trial: Any) -> None:
        """Interrupt."""
        raise KeyboardInterrupt


def test_who_interrupts_a_run_waits_for_no_more_fits(rows: pd.DataFrame, tmp_path: Path) -> None:
    settings = Settings(target="bought", max_trials=3, n_folds=2, folds_below=0)
    told: list[str] = []
    with begin(tmp_path / "run", settings, "memory") as folder:
        budget, listeners = Budget(inf, 3), [Impatient()]
        model = fit(folder, settings, budget=budget, data=Given(rows), listeners=listeners, tell=told.append).model
    assert [[unit.fold for unit in one.units] for one in model.recipe.members] == [[0]]
    assert not any("once more on all rows" in line for line in told)


@pytest.mark.parametrize(("kind", "kept"), [("folds", True), ("groups", True), ("holdout", False), ("time", False)])
def test_models_that_lack_the_latest_rows_or_a_part_are_not_kept(
    planned: Callable[..., Any], kind: str, kept: bool
) -> None:
    plan = planned(preset="best")
    assert replace(plan, scheme=Scheme(SplitKind(kind), 3)).keeps_folds == kept


def test_in_the_order_of_time_and_under_a_limit_of_predictions_one_model_is_kept(planned: Callable[..., Any]) -> None:
    candidate = Candidate.of("ridge", {})
    trials = [Trial(Proposal(candidate, fold=fold).numbered(fold), Outcome(Status.DONE)) for fold in range(3)]
    plan = planned(preset="best")
    for one in (replace(plan, scheme=Scheme(SplitKind.TIME, 3)), planned(predict_limit_s=1.0)):
        assert [one.keeps(trial) for trial in trials] == [True, False, False]


@pytest.mark.parametrize(("bags", "kept"), [(1, [True, True, False, False]), (2, [True] * 4), (None, [True] * 4)])
def test_further_drawings_of_the_folds_are_kept_where_asked(
    planned: Callable[..., Any], bags: int | None, kept: list[bool]
) -> None:
    plan = planned(n_folds=2, bags=bags)
    candidate = Candidate.of("ridge", {})
    trials = [Trial(Proposal(candidate, fold=fold).numbered(fold), Outcome(Status.DONE)) for fold in range(4)]
    assert [plan.keeps(one) for one in trials] == kept
