"""Targets: the guess of the task, codes, labels and numbers."""

import json

import numpy as np
import pandas as pd
import pytest

from tamis.core.errors import DataError, ParameterError
from tamis.core.kinds import TaskKind
from tamis.tasks.amounts import read_amount
from tamis.tasks.targets import TargetCoder, infer_kind

BINARY, SEVERAL, VALUES = TaskKind.BINARY, TaskKind.MULTICLASS, TaskKind.REGRESSION


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (["no", "yes", None, "no"], BINARY),
        ([True, False, True], BINARY),
        ([1.0, 2.0, np.nan, 1.0], BINARY),
        (["a", "b", "c"] * 5, SEVERAL),
        (list(range(3, 10)) * 20, SEVERAL),
        ([1.0, 2.0, 3.0] * 5, SEVERAL),
        (list(range(200)), VALUES),
        (list(range(15)), VALUES),
        ([0.5, 1.5, 2.5] * 10, VALUES),
        ([f"${1000 + i:,}" for i in range(50)], VALUES),
        (pd.Series([1.5, None, 2.5, 3.5]), VALUES),
        (pd.Series([3, 7, 9, 3], dtype="Int64").astype("category"), SEVERAL),
    ],
)
def test_the_kind_of_task_is_guessed_from_the_target(y: object, kind: TaskKind) -> None:
    assert infer_kind(y)[0] is kind


def test_ambiguous_whole_numbers_say_how_to_choose_otherwise() -> None:
    assert "set the task to regression" in infer_kind(list(range(3, 10)) * 20)[1]


@pytest.mark.parametrize("y", [["a", "a"], [None, None], [f"id{i}" for i in range(200)]])
def test_targets_that_teach_nothing_are_refused(y: list) -> None:
    with pytest.raises(DataError, match="target y"):
        infer_kind(y)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([2, 1, 10, 2], (1, 2, 10)),
        (["b", "a", "b"], ("a", "b")),
        (np.array([True, False]), (False, True)),
        ([0.5, -1.0, 0.5], (-1.0, 0.5)),
        (pd.Series(["x", pd.NA, "y"], dtype="string"), ("x", "y")),
    ],
)
def test_labels_keep_their_type_and_come_back(y: object, classes: tuple) -> None:
    coder = TargetCoder.fit(y, SEVERAL)
    assert coder.classes == classes
    assert [type(one) for one in coder.classes] == [type(one) for one in classes]
    codes, present = coder.transform(y)
    back = coder.inverse(codes[present])
    assert back.tolist() == [v for v, here in zip(list(y), present, strict=True) if here]  # type: ignore[call-overload]
    assert TargetCoder.from_json(json.loads(json.dumps(coder.to_json()))) == coder


def test_missing_targets_are_flagged() -> None:
    codes, present = TargetCoder.fit(["a", "b"], BINARY).transform(["b", None, np.nan, "  ", "a"])
    assert codes.tolist() == [1, -1, -1, -1, 0]
    assert present.tolist() == [True, False, False, False, True]
    numbers, present = TargetCoder.fit([1.0], VALUES).transform([2.0, np.inf, np.nan])
    assert numbers[0] == 2.0 and present.tolist() == [True, False, False]


def test_labels_that_lost_their_type_in_a_file_are_known_again() -> None:
    coder = TargetCoder.fit([1, 2, 3], SEVERAL)
    assert coder.transform(["3", "1"]).values.tolist() == [2, 0]
    assert coder.transform([3.0, np.nan]).values.tolist() == [2, -1]
    assert TargetCoder.fit([True, False], BINARY).transform(["True"]).values.tolist() == [1]


def test_an_unknown_class_is_refused_by_row() -> None:
    with pytest.raises(DataError, match="row 1: 'z'; known: 'a', 'b'"):
        TargetCoder.fit(["a", "b"], BINARY).transform(["a", "z"])


def test_a_single_class_and_a_wrong_count_are_refused() -> None:
    with pytest.raises(DataError, match="only one class"):
        TargetCoder.fit(["a", "a"], BINARY)
    with pytest.raises(DataError, match="has 3"):
        TargetCoder.fit(["a", "b", "c"], BINARY)


def test_amounts_as_people_write_them_become_numbers() -> None:
    coder = TargetCoder.fit(["1"], VALUES)
    assert coder.transform(["$1,200.50", "€ 3", "(4)"]).values.tolist() == [1200.5, 3.0, -4.0]
    assert coder.transform(["1.200,50", "2,5"]).values.tolist() == [1200.5, 2.5]
    assert read_amount("12 %") == 12.0 and read_amount("1e3") == 1000.0 and read_amount("12a") is None


def test_text_in_a_regression_target_is_refused_by_row() -> None:
    with pytest.raises(DataError, match="row 2 holds 'cheap'"):
        TargetCoder.fit(["1", "2", "cheap"], VALUES)


def test_a_unit_behind_the_numbers_of_a_target_is_left_aside() -> None:
    y = [f"{15 + i / 7:.1f} kmpl" for i in range(60)]
    kind, reason = infer_kind(y)
    assert kind is VALUES and "'kmpl'" in reason
    coder = TargetCoder.fit(y, kind)
    assert coder.transform(["20.4 kmpl", "17"]).values.tolist() == [20.4, 17.0]
    assert TargetCoder.from_json(json.loads(json.dumps(coder.to_json()))) == coder
    assert any("'kmpl'" in line for line in coder.notes(y))


def test_few_words_among_numbers_are_missing_and_told() -> None:
    y = [str(i) for i in range(97)] + ["TBD", "unknown", "TBD"]
    assert infer_kind(y)[0] is VALUES
    coder = TargetCoder.fit(y, VALUES)
    numbers, present = coder.transform(y)
    assert present.sum() == 97 and np.isnan(numbers[97:]).all()
    assert "3 of 100 cells of the target hold no number (such as 'TBD', 'unknown')" in coder.strays(y)[0]
    with pytest.raises(DataError, match="different texts"):
        infer_kind([*map(str, range(90)), *["TBD"] * 10])


def test_rows_are_named_as_the_file_numbers_them() -> None:
    with pytest.raises(DataError, match="row 4 holds 'cheap'"):
        TargetCoder.fit(["1", "2", "cheap"], VALUES, first_row=2)
    with pytest.raises(DataError, match="in row 3: 'z'"):
        TargetCoder.fit(["a", "b"], BINARY, first_row=2).transform(["a", "z"])


def test_whole_classes_with_gaps_among_them_stay_whole() -> None:
    y = [0.0, 1.0, np.nan, 1.0]
    coder = TargetCoder.fit(y, BINARY, whole=True)
    assert coder.classes == (0, 1) and isinstance(coder.classes[0], int)
    assert coder.transform(y).values.tolist() == [0, 1, -1, 1]
    assert isinstance(TargetCoder.fit(y, BINARY).classes[0], float)


def test_the_positive_class_comes_last() -> None:
    assert TargetCoder.fit(["good", "bad"], BINARY, positive="bad").classes == ("good", "bad")
    assert TargetCoder.fit(["good", "bad"], BINARY, positive="good").classes == ("bad", "good")
    assert TargetCoder.fit([0, 1], BINARY, positive="0").classes == (1, 0)
    with pytest.raises(ParameterError, match="Did you mean 'good'"):
        TargetCoder.fit(["good", "bad"], BINARY, positive="goood")
    with pytest.raises(ParameterError, match="'positive' names one of two classes"):
        TargetCoder.fit(["a", "b", "c"], SEVERAL, positive="a")


def test_a_table_or_dates_are_no_target() -> None:
    with pytest.raises(DataError, match="one column"):
        infer_kind(np.zeros((3, 2)))
    with pytest.raises(DataError, match="datetime64"):
        infer_kind(np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"))
    assert infer_kind(np.array([[0.5], [1.5], [2.5]]))[0] is VALUES


def test_whole_numbers_that_rise_and_fall_like_grades_are_amounts():
    counts = {3: 30, 4: 210, 5: 2100, 6: 2800, 7: 1000, 8: 190, 9: 5}
    grades = np.repeat(list(counts), list(counts.values()))
    assert infer_kind(grades)[0] is TaskKind.REGRESSION
    digits = np.repeat(np.arange(10), 180)
    assert infer_kind(digits)[0] is TaskKind.MULTICLASS
