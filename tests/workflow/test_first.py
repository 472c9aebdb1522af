"""What a run on a table tries first."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from tamis import AutoClassifier, AutoRegressor
from tamis.core.errors import ParameterError, RunFolderError
from tamis.store.folder import RunFolder
from tamis.workflow.leaderboard import leaderboard

X, Y = load_breast_cancer(return_X_y=True)
X, Y = X[:200], Y[:200]


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("earlier") / "run"
    AutoClassifier(max_trials=4, search="random", random_state=3, n_jobs=1, output=place).fit(X[:100], Y[:100])
    return place


def tried(place: Path) -> list[str]:
    rows = leaderboard(place).rows
    return [row["key"] for row in rows]


def test_best_of_an_earlier_run_come_right_after_the_first(earlier: Path, tmp_path: Path) -> None:
    found = [row for row in leaderboard(earlier).rows if row["folds"]]
    AutoClassifier(max_trials=2, n_jobs=1, output=tmp_path / "run").fit(X, Y, base=earlier)
    keys = tried(tmp_path / "run")
    assert len(keys) == 2
    assert {row["key"] for row in found} & set(keys), "none of the earlier run's candidates was tried"
    families = {row["family"] for row in leaderboard(tmp_path / "run").rows}
    assert "logistic" in families, "what is there at once stays the first"


def test_an_estimator_that_left_a_folder_is_taken(earlier: Path, tmp_path: Path) -> None:
    first = AutoClassifier(max_trials=1, n_jobs=1, output=tmp_path / "first").fit(X, Y)
    told = AutoClassifier(max_trials=1, n_jobs=1, output=tmp_path / "second").fit(X, Y, base=first)
    assert RunFolder.open(tmp_path / "second", lock=False).record.settings["base"] == str(tmp_path / "first")
    assert told.score(X, Y) > 0.9


def test_a_saved_model_without_its_run_is_taken(earlier: Path, tmp_path: Path) -> None:
    AutoClassifier(max_trials=1, n_jobs=1).fit(X, Y).save(tmp_path / "model")
    assert AutoClassifier(max_trials=1, n_jobs=1).fit(X, Y, base=tmp_path / "model").score(X, Y) > 0.9


def test_an_earlier_run_of_another_task_is_refused(earlier: Path) -> None:
    rows, values = load_diabetes(return_X_y=True)
    with pytest.raises(ParameterError, match="binary, this one is regression"):
        AutoRegressor(max_trials=1, n_jobs=1).fit(rows, values, base=earlier)


@pytest.mark.parametrize("base", [7, AutoClassifier()])
def test_what_is_no_run_is_refused(base: object) -> None:
    with pytest.raises(ParameterError, match="'base'"):
        AutoClassifier(max_trials=1, n_jobs=1).fit(X, Y, base=base)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError):
        AutoClassifier(max_trials=1, n_jobs=1).fit(X, Y, base=tmp_path)


def test_columns_that_are_lacking_now_do_no_harm(earlier: Path) -> None:
    fewer = np.array([["a", "b"][int(value > 15)] for value in X[:, 0]], dtype=object)[:, None]
    model = AutoClassifier(max_trials=1, n_jobs=1).fit(fewer, Y, base=earlier)
    assert model.score(fewer, Y) > 0.7
