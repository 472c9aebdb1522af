"""Tests of what predicts: saved, loaded, pickled, damaged."""

import json
import pickle
import shutil
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.core.budget import Budget
from tamis.core.errors import CorruptArtefactError, DataError, RunFolderError
from tamis.workflow.begin import begin
from tamis.workflow.fit import fit
from tamis.workflow.model import FORMAT, Model
from tamis.workflow.plan import Given
from tamis.workflow.saving import save_model
from tamis.workflow.settings import Settings


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


def test_a_missing_column_is_answered_with_the_nearest_and_all_there_are(fitted: Any, rows: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"the column 'size'; it has not\. Did you mean 'Size'\? The columns: 'Size',"):
        fitted.model.predict(rows.rename(columns={"size": "Size"}))
    with pytest.raises(DataError, match="and 2 more, 'colour', 'noise'"):
        fitted.model.predict(rows[["bought"]])


def test_words_among_the_true_numbers_are_left_out_of_a_score_with_a_warning(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    frame = rows.assign(worth=[*map(str, range(118)), "TBD", "TBD"]).drop(columns="bought")
    settings = Settings(target="worth", max_trials=1, n_folds=2)
    with begin(tmp_path / "run", settings, "memory") as folder:
        model = fit(folder, settings, budget=Budget(inf, 1), data=Given(frame)).model
    with pytest.warns(UserWarning, match="2 of 120 cells of the target hold no number"):
        assert model.score(frame)[3] == 118


def test_the_roles_of_the_columns_come_with_their_reasons(fitted: Any) -> None:
    roles = {one["column"]: one for one in fitted.model.recipe.roles}
    assert list(roles) == ["size", "colour", "noise", "bought"]
    assert roles["size"] == {"column": "size", "role": "numeric", "reason": "109 different numbers"}


def test_scoring_a_model_without_a_target_column_asks_for_its_name(fitted: Any, rows: pd.DataFrame) -> None:
    recipe = fitted.model.recipe
    nameless = Model(replace(recipe, schema=replace(recipe.schema, target=None)), fitted.model.parts)
    with pytest.raises(DataError, match="--target"):
        nameless.score(rows)


def test_a_folder_that_is_not_there_is_no_damaged_model(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="There is no folder"):
        Model.load(tmp_path / "nowhere")


def test_a_manifest_of_another_shape_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(CorruptArtefactError, match="damaged or not ours"):
        Model.load(tmp_path)


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
