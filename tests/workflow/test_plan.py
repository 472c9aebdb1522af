"""Tests of how a data set becomes a plan."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.core.errors import CorruptArtefactError, DataError
from tamis.core.kinds import TaskKind
from tamis.data.dataset import Dataset
from tamis.evaluate.splits import Folds
from tamis.workflow.plan import Plan


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


def test_a_table_without_a_column_to_learn_from_has_no_candidates(planned: Any, rows: pd.DataFrame) -> None:
    told: list[str] = []
    assert planned(pd.DataFrame({"same": 1, "bought": rows["bought"]}), told).candidates == ()
    assert any("no column is left to learn from" in line for line in told)
