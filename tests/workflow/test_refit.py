"""Tests of the smaller model: the best of a run, once more on all rows."""

from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeClassifier

from tamis.core.budget import Budget
from tamis.core.errors import ParameterError, RunFolderError
from tamis.pipelines.wrapped import component
from tamis.workflow.begin import begin
from tamis.workflow.fit import fit
from tamis.workflow.leaderboard import leaderboard
from tamis.workflow.model import Model
from tamis.workflow.plan import Given
from tamis.workflow.refit import refit
from tamis.workflow.settings import Settings


@pytest.fixture(scope="module")
def run(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of three candidates."""
    settings = Settings(target="bought", max_trials=3, n_folds=2)
    path = tmp_path_factory.mktemp("refit") / "run"
    with begin(path, settings, "memory") as folder:
        fit(folder, settings, budget=Budget(inf, 3), data=Given(rows))
    return path


def test_the_best_alone_is_one_model_that_predicts_nearly_as_well(
    run: Path, rows: pd.DataFrame, tmp_path: Path
) -> None:
    told: list[str] = []
    small = refit(run, tmp_path / "small", tell=told.append)
    assert [len(one.units) for one in small.recipe.members] == [1]
    assert "fitted 1 of 1 members once more on all rows" in told
    whole, again = Model.load(run), Model.load(tmp_path / "small")
    assert len(again.parts) < len(whole.parts)
    np.testing.assert_array_equal(again.predict_proba(rows), small.predict_proba(rows))
    assert np.mean(again.predict(rows) == rows["bought"]) > 0.85
    assert small.recipe.estimate is not None


def test_the_model_of_the_run_stays_as_it_is(run: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    before = Model.load(run).predict_proba(rows)
    refit(run, tmp_path / "pair", members=2)
    np.testing.assert_array_equal(Model.load(run).predict_proba(rows), before)


def test_any_candidate_can_be_taken_by_its_number_or_its_key(run: Path, tmp_path: Path) -> None:
    rows = leaderboard(run).rows
    assert len(rows) == 3
    third = refit(run, tmp_path / "third", member=3)
    assert [one.key for one in third.recipe.members] == [rows[2]["key"]]
    second = refit(run, tmp_path / "second", member=rows[1]["key"][:8])
    assert [one.key for one in second.recipe.members] == [rows[1]["key"]]


def test_a_candidate_that_is_not_there_is_refused_before_anything_is_written(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"1 to 3.*got '9', which none has"):
        refit(run, tmp_path / "ninth", member="9")
    assert not (tmp_path / "ninth").exists()


def test_one_that_failed_cannot_be_taken(rows: pd.DataFrame, tmp_path: Path) -> None:
    settings = Settings(target="bought", max_trials=2, n_folds=2)
    wrong = component("wrong", RidgeClassifier(alpha=-1.0))
    with begin(tmp_path / "run", settings, "memory") as folder:
        fit(folder, settings, budget=Budget(inf, 2), data=Given(rows), components=[wrong])
    with pytest.raises(RunFolderError, match=r"#2, wrong.* could not be fitted: .*alpha.* Take another one"):
        refit(tmp_path / "run", tmp_path / "model", member=2, components=[wrong])
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"members": 0}, "members"), ({}, "already something"), ({"members": 2, "member": 1}, "got both")],
)
def test_what_cannot_be_is_refused(run: Path, tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        refit(run, tmp_path, **options)
