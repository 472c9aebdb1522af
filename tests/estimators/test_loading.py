"""Saved models and runs come back as estimators, those of earlier versions too."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tamis import AutoClassifier, AutoRegressor, load
from tamis.core.budget import Budget
from tamis.core.errors import CorruptArtefactError, DataError, ParameterError, RunFolderError
from tamis.core.kinds import TaskKind
from tamis.workflow.begin import begin
from tamis.workflow.fit import fit
from tamis.workflow.plan import Given
from tamis.workflow.settings import Settings

KEPT = Path(__file__).parent / "data"
LARGEST_KB = 100


def test_a_saved_model_predicts_the_same(fitted: AutoClassifier, frame: pd.DataFrame, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    fitted.save(tmp_path / "model")  # a second time replaces it
    again = load(tmp_path / "model")
    assert isinstance(again, AutoClassifier)
    np.testing.assert_array_equal(again.predict_proba(frame), fitted.predict_proba(frame))
    np.testing.assert_array_equal(again.predict(frame), fitted.predict(frame))
    assert again.classes_.tolist() == fitted.classes_.tolist()
    assert again.feature_names_in_.tolist() == fitted.feature_names_in_.tolist()
    assert again.score_estimate_ == fitted.score_estimate_
    assert again.leaderboard_.empty


def test_a_run_folder_comes_back_with_its_leaderboard_and_options(
    X: np.ndarray, amounts: np.ndarray, regressor: Callable[..., AutoRegressor], tmp_path: Path
) -> None:
    model = regressor(output=tmp_path / "run", random_state=7).fit(X, amounts)
    again = load(tmp_path / "run")
    assert isinstance(again, AutoRegressor)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.leaderboard_.equals(model.leaderboard_)
    assert again.search_history_.equals(model.search_history_)
    assert again.get_params()["random_state"] == 7 and again.get_params()["max_trials"] == 1
    assert not hasattr(again, "feature_names_in_") and again.n_features_in_ == 4


def hits(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """A metric of the user's own."""
    return float((y_true == y_pred).mean())


def test_a_metric_of_ones_own_keeps_its_name_and_takes_its_function_back(
    frame: pd.DataFrame, y: np.ndarray, classifier: Callable[..., AutoClassifier], tmp_path: Path
) -> None:
    model = classifier(metric=hits, output=tmp_path / "run").fit(frame, y)
    model.save(tmp_path / "model")
    for place in (tmp_path / "run", tmp_path / "model"):
        again = load(place)
        assert again.score_estimate_ is not None and again.score_estimate_["metric"] == "hits"
        assert again.metric is None and again._board().metric == "hits"
        with pytest.raises(ParameterError, match="'hits' is a function of your own"):
            again.model_.score(frame, y=y)
        whole = load(place, metric=hits)
        assert whole.metric is hits
        assert whole.model_.score(frame, y=y)[:2] == ("hits", pytest.approx(hits(y, model.predict(frame))))
    with pytest.raises(ParameterError, match="the run was begun with, 'hits'"):
        load(tmp_path / "run", metric="accuracy")


def test_a_model_of_a_files_run_finds_its_columns_by_name(frame: pd.DataFrame, y: np.ndarray, tmp_path: Path) -> None:
    table = frame.assign(sold=np.array(["no", "yes"])[y])
    settings = Settings(target="sold", max_trials=1, search="portfolio", jobs=1)
    with begin(tmp_path / "run", settings, "memory") as folder:
        fit(folder, settings, budget=Budget(max_trials=1), data=Given(table))
    model = load(tmp_path / "run")
    assert model.feature_names_in_.tolist() == list(frame)
    moved = table.assign(more=1)[[*list(table)[::-1], "more"]]
    np.testing.assert_array_equal(model.predict(moved), model.predict(frame))
    assert model.score(moved, table["sold"]) > 0.8
    with pytest.raises(DataError, match="must have the column 'mass'"):
        model.predict(frame.drop(columns="mass"))


def test_a_folder_that_holds_something_else_is_not_written_to(fitted: AutoClassifier, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunFolderError, match="no saved model"):
        fitted.save(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="There is no model"):
        load(tmp_path)


def test_a_model_of_a_later_version_is_refused_by_name(fitted: AutoClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    manifest = tmp_path / "model" / "manifest.json"
    record = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**record, "format": 999, "tamis": "9.0"}))
    with pytest.raises(RunFolderError, match=r"Tamis 9\.0"):
        load(tmp_path / "model")


def test_a_damaged_part_is_told_and_not_used(fitted: AutoClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    part = next(one for one in (tmp_path / "model" / "parts").rglob("*") if one.is_file())
    part.chmod(0o644)
    part.write_bytes(part.read_bytes()[:-3] + b"???")
    with pytest.raises(CorruptArtefactError, match=part.name[:20]):
        load(tmp_path / "model").predict_proba(pd.DataFrame())


@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_models_that_earlier_versions_saved_still_predict_the_same(name: str) -> None:
    model = load(KEPT / name)
    rows = pd.read_csv(KEPT / f"{name}_rows.csv")
    expected = pd.read_csv(KEPT / f"{name}_predictions.csv")
    if model.model_.task.kind is TaskKind.REGRESSION:
        np.testing.assert_allclose(model.predict(rows), expected["prediction"], rtol=1e-6)
        return
    assert isinstance(model, AutoClassifier)
    assert model.classes_.tolist() == list(expected.columns[1:])
    np.testing.assert_allclose(model.predict_proba(rows), expected.iloc[:, 1:], rtol=1e-6, atol=1e-9)
    assert model.predict(rows).tolist() == expected["prediction"].tolist()


def test_the_kept_models_are_small() -> None:
    size = sum(one.stat().st_size for one in KEPT.rglob("*") if one.is_file())
    assert size <= LARGEST_KB * 1000
