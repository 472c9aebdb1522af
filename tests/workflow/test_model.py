"""Tests of what predicts: saved, loaded, pickled, damaged."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.core.errors import CorruptArtefactError, DataError, RunFolderError
from tamis.workflow.model import FORMAT, Model
from tamis.workflow.saving import save_model


def test_a_saved_model_predicts_as_the_one_that_was_fitted(fitted: Any, rows: pd.DataFrame, tmp_path: Path) -> None:
    wanted = fitted.model.predict_proba(rows)
    save_model(fitted.model, tmp_path / "model")
    for other in (Model.load(fitted.folder), Model.load(tmp_path / "model"), pickle.loads(pickle.dumps(fitted.model))):
        np.testing.assert_array_equal(other.predict_proba(rows), wanted)
    assert np.allclose(wanted.sum(axis=1), 1.0)


def test_labels_are_those_of_the_target_and_better_than_a_guess(fitted: Any, rows: pd.DataFrame) -> None:
    found = fitted.model.predict(rows.drop(columns="bought"))
    assert set(found) == {"yes", "no"}
    assert (found == rows["bought"]).mean() > 0.8


def test_a_score_has_a_name_a_value_and_a_count(fitted: Any, rows: pd.DataFrame) -> None:
    name, value, higher_is_better, n_rows = fitted.model.score(rows, "accuracy")
    assert (name, higher_is_better, n_rows) == ("accuracy", True, 120)
    assert value == pytest.approx((fitted.model.predict(rows) == rows["bought"]).mean())


def test_scoring_without_the_target_is_refused(fitted: Any, rows: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="bought"):
        fitted.model.score(rows.drop(columns="bought"))


def test_a_missing_column_is_named(fitted: Any, rows: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="colour"):
        fitted.model.predict(rows.drop(columns="colour"))


def test_a_model_of_a_later_format_is_refused(fitted: Any, tmp_path: Path) -> None:
    save_model(fitted.model, tmp_path / "model")
    file = tmp_path / "model" / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": FORMAT + 1, "tamis": "9.0"}))
    with pytest.raises(RunFolderError, match=r"9\.0"):
        Model.load(tmp_path / "model")


def test_a_damaged_part_is_refused(fitted: Any, tmp_path: Path) -> None:
    shutil.copytree(fitted.folder / "model", tmp_path / "model")
    part = next((tmp_path / "model" / "parts").glob("??/*"))
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptArtefactError, match="damaged"):
        Model.load(tmp_path / "model")


def test_a_folder_with_something_else_is_not_written_to(fitted: Any, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(RunFolderError, match="no saved model"):
        save_model(fitted.model, tmp_path)
