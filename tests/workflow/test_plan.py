"""Tests of how a data set becomes a plan."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.core.errors import CorruptArtefactError, DataError
from tamis.core.kinds import TaskKind
from tamis.data.dataset import Dataset
from tamis.data.layout import Layout
from tamis.evaluate.splits import Folds
from tamis.workflow.plan import Given, Plan, make_plan
from tamis.workflow.settings import Settings


def test_a_plan_survives_its_file(planned: Any, tmp_path: Path) -> None:
    plan = planned()
    kept = Plan.open(tmp_path / "plan.json", plan.settings)
    assert kept.candidates == plan.candidates
    assert (kept.task.kind, kept.scheme, kept.most_candidates) == (plan.task.kind, plan.scheme, plan.most_candidates)


def test_a_damaged_plan_is_named(planned: Any, tmp_path: Path) -> None:
    plan = planned()
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(CorruptArtefactError, match=r"plan\.json"):
        Plan.open(tmp_path / "plan.json", plan.settings)


def test_rows_without_a_target_are_left_out(planned: Any, rows: pd.DataFrame) -> None:
    frame = rows.copy()
    frame.loc[:9, "bought"] = None
    assert Dataset.open(planned(frame).data).n_rows == 110


def test_the_task_is_told_with_its_reason(planned: Any) -> None:
    told: list[str] = []
    assert planned(told=told).task.kind is TaskKind.BINARY
    assert any(line.startswith("task: binary") for line in told)
    assert "120 rows" in told[-1]


def test_a_misspelt_target_is_answered_with_the_nearest(planned: Any) -> None:
    with pytest.raises(DataError, match="Did you mean 'bought'"):
        planned(target="bougth")


def test_given_folds_are_kept_and_found_again(planned: Any, rows: pd.DataFrame) -> None:
    plan = planned(rows.assign(part=np.arange(120) % 3), roles={"part": "fold"})
    assert Dataset.open(plan.data).folds.shape == (120,)
    folds = Folds.open(plan.folds)
    assert plan.scheme.n_folds == 3
    assert sorted(folds.rows(1)[1] % 3) == [1] * 40


def test_groups_stay_together(planned: Any, rows: pd.DataFrame) -> None:
    plan = planned(rows.assign(house=np.arange(120) // 4), roles={"house": "group"})
    groups, folds = Dataset.open(plan.data).groups, Folds.open(plan.folds)
    for number in range(plan.scheme.n_folds):
        train, held_out = folds.rows(number)
        assert not set(groups[train]) & set(groups[held_out])


@pytest.mark.parametrize("together", [False, True])
def test_equal_rows_are_drawn_as_all_others_unless_they_are_to_stay_together(
    planned: Any, rows: pd.DataFrame, together: bool
) -> None:
    """By itself a score holds for rows to come that repeat these as often as these do each other."""
    told: list[str] = []
    plan = planned(pd.concat([rows, rows.iloc[:40]], ignore_index=True), told, copies_together=together)
    held_out = Folds.open(plan.folds).fold_of[0]
    assert (held_out[:40] == held_out[120:]).all() == together
    assert plan.origin.copies == together
    assert any("one side of each split" in line for line in told) == together
    assert any("--copies-together" in line for line in told) != together


def test_rows_of_no_group_are_each_a_group_of_their_own(rows: pd.DataFrame, tmp_path: Path) -> None:
    groups = [None if number % 2 else number // 8 for number in range(120)]
    plan = make_plan(
        tmp_path, Settings(target="bought"), Given(rows, groups=groups), left_s=30.0, tell=lambda line: None
    )
    assert len(np.unique(Dataset.open(plan.data).groups)) == 15 + 60


def test_groups_are_heeded_in_time_order_too(planned: Any, rows: pd.DataFrame) -> None:
    frame = rows.assign(house=np.where(np.arange(120) < 70, 0, 1 + np.arange(120) // 7), day=np.arange(120))
    plan = planned(frame, roles={"house": "group", "day": "time"})
    groups, folds = Dataset.open(plan.data).groups, Folds.open(plan.folds)
    assert plan.scheme.n_folds == folds.n_folds
    for number in range(folds.n_folds):
        train, held_out = folds.rows(number)
        assert not set(groups[train]) & set(groups[held_out])


def test_a_table_without_a_column_to_learn_from_has_no_candidates(planned: Any, rows: pd.DataFrame) -> None:
    told: list[str] = []
    assert planned(pd.DataFrame({"same": 1, "bought": rows["bought"]}), told).candidates == ()
    assert any("no column is left to learn from" in line for line in told)
    assert "120 rows: no column; metric" in told[-1]


def test_a_number_with_a_unit_is_a_target_and_the_words_among_them_are_told(planned: Any, rows: pd.DataFrame) -> None:
    used = [f"{20 + i / 7:.1f} kmpl" for i in range(118)] + ["TBD", "TBD"]
    told: list[str] = []
    plan = planned(rows.assign(used=used), told, target="used")
    assert plan.task.kind is TaskKind.REGRESSION
    assert Dataset.open(plan.data).n_rows == 118
    assert any("2 of 120 cells of the target hold no number (such as 'TBD')" in line for line in told)
    assert any("'kmpl'" in line for line in told)


def test_rows_of_a_file_are_numbered_as_the_file_does(rows: pd.DataFrame, tmp_path: Path) -> None:
    frame = rows.assign(used=[*map(str, range(100)), *["many"] * 20])
    given = Given(frame, layout=Layout(skipped_rows=3))
    with pytest.raises(DataError, match="row 105 holds 'many'"):
        make_plan(tmp_path, Settings(target="used", task="regression"), given, left_s=30.0, tell=str)


def test_whole_classes_of_a_file_with_gaps_stay_whole_numbers(planned: Any, rows: pd.DataFrame) -> None:
    frame = rows.assign(bought=(rows["bought"] == "yes").astype(float))
    frame.loc[:3, "bought"] = np.nan
    assert planned(frame).task.classes == (0, 1)


def test_the_positive_class_is_the_one_that_metrics_score(planned: Any) -> None:
    assert planned(positive="no", metric="f1").task.classes == ("yes", "no")
