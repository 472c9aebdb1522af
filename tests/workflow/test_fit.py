"""Tests of the main way in this process: same again, resumed, and where nothing can be fitted."""

import dataclasses
import shutil
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestCentroid

from tamis.core.budget import Budget
from tamis.core.errors import ParameterError, RunFolderError
from tamis.core.trial import Progress, Proposal, Trial
from tamis.pipelines.wrapped import component
from tamis.store.folder import RunFolder
from tamis.workflow.begin import begin
from tamis.workflow.fit import fit, resume
from tamis.workflow.leaderboard import board_of, leaderboard
from tamis.workflow.model import Model
from tamis.workflow.plan import Given
from tamis.workflow.settings import Settings

SETTINGS = Settings(target="bought", max_trials=2, n_folds=2)


def test_the_same_seed_gives_the_same_model(fitted: Any, rows: pd.DataFrame, tmp_path: Path) -> None:
    with begin(tmp_path / "run", SETTINGS, "memory") as folder:
        again = fit(folder, SETTINGS, budget=Budget(inf, 2), data=Given(rows))
    np.testing.assert_array_equal(again.model.predict_proba(rows), fitted.model.predict_proba(rows))


def test_a_result_tells_its_reason_trials_and_score(fitted: Any) -> None:
    assert fitted.reason in ("max_trials", "finished")
    assert fitted.n_trials == 2
    estimate = fitted.model.recipe.estimate
    assert estimate.low <= estimate.value <= estimate.high


def test_a_run_that_used_up_its_trials_says_so_and_that_it_is_over(fitted: Any) -> None:
    assert fitted.reason == "max_trials"
    assert RunFolder.open(fitted.folder, lock=False).record.state == "finished"


def test_models_that_predict_too_slowly_are_left_aside_with_the_reason(rows: pd.DataFrame, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, predict_limit_s=1e-9)
    with (
        begin(tmp_path / "run", settings, "memory") as folder,
        pytest.warns(RuntimeWarning, match="predict_time_limit"),
    ):
        result = fit(folder, settings, budget=Budget(inf, 2), data=Given(rows))
    assert not result.model.recipe.members
    assert "to predict 1,000 rows; 1e-09 s are allowed" in result.trials[0].outcome.reason


def test_within_a_limit_of_predicting_each_member_is_one_model(rows: pd.DataFrame, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, predict_limit_s=60.0)
    with begin(tmp_path / "run", settings, "memory") as folder:
        result = fit(folder, settings, budget=Budget(inf, 2), data=Given(rows))
    assert all(0 < one.outcome.predict_s < 60 for one in result.trials)
    assert [len(one.units) for one in result.model.recipe.members] == [1] * len(result.model.recipe.members)
    assert result.model.recipe.estimate is not None
    assert len(result.model.predict(rows)) == len(rows)


class StopAtNews:
    """Ends a run as Ctrl-C does when a candidate begins that is not among the known ones."""

    def __init__(self, known: set[str]) -> None:
        self.known = known
        self.news = ""

    def on_start(self, proposal: Proposal) -> None:
        if proposal.candidate.key not in self.known:
            self.news = proposal.candidate.key
            raise KeyboardInterrupt

    def on_progress(self, progress: Progress) -> None: ...

    def on_end(self, trial: Trial) -> None: ...

    def on_stop(self, reason: str) -> None: ...


def test_more_time_for_a_run_with_a_count_of_trials_lifts_the_count(fitted: Any, tmp_path: Path) -> None:
    copied = shutil.copytree(fitted.folder, tmp_path / "run", ignore=shutil.ignore_patterns(".owner", ".lock"))
    watcher = StopAtNews({one.proposal.candidate.key for one in fitted.trials})
    assert resume(copied, more_s=90.0, listeners=[watcher]).reason == "interrupted"
    assert watcher.news


def share_of_hits(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """A metric of the user's own."""
    return float((y_true == y_pred).mean())


def test_a_run_by_a_metric_of_ones_own_keeps_its_name_and_goes_on_with_it_alone(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    with begin(path, SETTINGS, "memory") as folder:
        fit(folder, SETTINGS, budget=Budget(inf, 2), data=Given(rows), metric=share_of_hits)
    assert Model.load(path).task.metric.name == leaderboard(path).metric == "share_of_hits"
    with pytest.raises(ParameterError, match="begun with a metric of your own, 'share_of_hits'"):
        resume(path, max_trials=3)
    with pytest.raises(ParameterError, match="must be the one that the run was begun with"):
        resume(path, max_trials=3, metric="accuracy")
    assert RunFolder.open(path, lock=False).record.state == "stopped"
    found = resume(path, max_trials=3, metric=share_of_hits)
    assert found.n_trials == 3
    assert found.model.score(rows)[:2] == ("share_of_hits", pytest.approx(0.9, abs=0.1))


def test_a_run_with_components_of_ones_own_goes_on_with_them(rows: pd.DataFrame, tmp_path: Path) -> None:
    own = [component("means", NearestCentroid(), {"shrink_threshold": [None, 0.5]})]
    with begin(tmp_path / "run", SETTINGS, "memory") as folder:
        fit(folder, SETTINGS, budget=Budget(inf, 2), data=Given(rows), components=own)
    shutil.copytree(tmp_path / "run", tmp_path / "other")
    with pytest.raises(ParameterError, match=r"no component 'means' here. Hand in your own \(components="):
        resume(tmp_path / "other", max_trials=3)
    result = resume(tmp_path / "run", max_trials=3, components=own)
    families = [row["family"] for row in board_of(result.trials, result.model).rows if row["status"] == "done"]
    assert result.n_trials == 3 and len(families) == 3 and "means" in families


def test_where_no_trial_succeeds_the_model_is_constant_with_a_warning(rows: pd.DataFrame, tmp_path: Path) -> None:
    frame = pd.DataFrame({"same": 1, "bought": rows["bought"]})
    with begin(tmp_path / "run", SETTINGS, "memory") as folder, pytest.warns(RuntimeWarning, match="predicts the same"):
        found = fit(folder, SETTINGS, budget=Budget(inf, 2), data=Given(frame))
    assert len(set(found.model.predict(frame))) == 1
    share = (rows["bought"] == "no").mean()
    assert found.model.predict_proba(frame)[0, 0] == pytest.approx(share)


def test_a_run_on_data_in_memory_that_was_never_prepared_cannot_be_resumed(tmp_path: Path) -> None:
    begin(tmp_path / "run", dataclasses.replace(SETTINGS, jobs=1), "memory").close()
    with pytest.raises(RunFolderError, match="data in memory"):
        resume(tmp_path / "run")
