"""Tests of the main way in this process: same again, resumed, and where nothing can be fitted."""

import dataclasses
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.core.budget import Budget
from tamis.core.errors import RunFolderError
from tamis.workflow.begin import begin
from tamis.workflow.fit import fit, resume
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
