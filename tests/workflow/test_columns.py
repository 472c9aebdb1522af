"""Tests of the columns of a plan: their roles, what the audit leaves out, and what is told."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.core.errors import ParameterError
from tamis.core.kinds import Role


@pytest.fixture
def leaking(rows: pd.DataFrame) -> pd.DataFrame:
    """A table with a column that is the target under other names."""
    return rows.assign(code=np.where(rows["bought"] == "yes", "Y", "N"))


def test_a_column_that_gives_the_answer_away_is_left_out(planned: Any, leaking: pd.DataFrame) -> None:
    told: list[str] = []
    assert planned(leaking, told).schema["code"].role is Role.IGNORED
    assert any("It is left out" in line for line in told)


def test_a_column_with_a_role_of_the_users_stays_and_the_warning_says_so(planned: Any, leaking: pd.DataFrame) -> None:
    told: list[str] = []
    plan = planned(leaking, told, roles={"code": "categorical"})
    assert plan.schema["code"].role is Role.CATEGORICAL
    line = next(line for line in told if "'code' is the target under other names" in line)
    assert line.startswith("warning: ") and line.endswith("It is used, as you said.")
    assert "left out" not in line


def test_a_role_for_a_column_that_is_not_there_names_the_nearest(planned: Any) -> None:
    with pytest.raises(ParameterError, match=r"no column 'Size' to be numeric\. Did you mean 'size'"):
        planned(roles={"Size": "numeric"})


def test_columns_that_are_not_what_they_seem_are_told_with_the_reason(planned: Any, rows: pd.DataFrame) -> None:
    frame = rows.assign(
        price=[f"${index * 1.5:.2f}" for index in range(120)],
        sold=pd.date_range("2020-01-01", periods=120).strftime("%d.%m.%Y"),
        chosen=["x", *[None] * 119],
    )
    told: list[str] = []
    planned(frame, told, roles={"chosen": "ignored"})
    lines = [line for line in told if line.startswith("column ")]
    assert [line.split(" is taken as ")[0] for line in lines] == ["column 'price'", "column 'sold'"]
    assert "numbers with '$'" in lines[0] and "date" in lines[1]


def test_of_many_such_columns_the_first_are_told_and_the_others_counted(planned: Any, rows: pd.DataFrame) -> None:
    dollars = {f"p{number}": [f"${index * (1.5 + number):.2f}" for index in range(120)] for number in range(15)}
    rng = np.random.default_rng(0)
    frame = rows.assign(**{name: rng.permutation(cells) for name, cells in dollars.items()})
    told: list[str] = []
    planned(frame, told)
    assert sum(line.startswith("column ") for line in told) == 12
    assert "and 3 more columns that are no plain numbers or categories" in told


def test_rare_classes_are_told_by_their_names(planned: Any, rows: pd.DataFrame) -> None:
    frame = rows.assign(bought=[*["yes", "no", "later"] * 39, "perhaps", "perhaps", "yes"])
    told: list[str] = []
    planned(frame, told)
    assert any("'perhaps' (2)" in line for line in told)
