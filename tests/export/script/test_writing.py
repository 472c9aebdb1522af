"""Tests of writing values and objects as expressions."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tamis.core.errors import ParameterError
from tamis.export.script.definitions import Definitions
from tamis.export.script.writing import Writer, literal
from tamis.features.encode import OneHot


@pytest.mark.parametrize(
    "value", [1, 2.5, -0.0, "a", 'a "b"', "it's", "line\nend\\", None, True, [1, "x"], (1,), (), {"a": [1.5]}]
)
def test_a_value_is_read_back_as_it_was(value: object) -> None:
    assert eval(literal(value)) == value


def test_values_that_are_no_numbers_and_numbers_of_numpy_are_written() -> None:
    assert literal([float("inf"), -float("inf"), float("nan")]) == "[np.inf, -np.inf, np.nan]"
    assert literal(np.float64(0.5)) == "0.5" and literal(np.int64(3)) == "3"


def test_a_long_list_fills_its_lines() -> None:
    lines = literal([f"column {number}" for number in range(40)]).splitlines()
    assert len(lines) < 10 and max(map(len, lines)) < 115


def test_a_thing_that_is_no_plain_value_is_refused() -> None:
    with pytest.raises(ParameterError, match="of the type object cannot be written"):
        literal(object())


def test_an_object_is_written_by_what_differs_from_its_defaults() -> None:
    definitions = Definitions()
    writer = Writer(definitions, [0])
    assert writer.object([LogisticRegression(C=0.5, max_iter=7)]) == "LogisticRegression(C=0.5, max_iter=7)"
    assert definitions.imports() == ["from sklearn.linear_model import LogisticRegression"]
    assert writer.object([OneHot(min_count=2)]) == "OneHot(min_count=2)"
    assert "OneHot" in definitions.taken


def test_what_differs_by_fold_is_a_table_and_seeds_are_expressions() -> None:
    writer = Writer(Definitions(), [0, 3], {"seed": [11, 12], 'derive(seed, "x")': [5, 6]})
    assert writer.value([0.1, 0.2]) == "{0: 0.1, 3: 0.2}[fold]"
    assert writer.value([7, 7]) == "7"
    assert writer.value([11, 12]) == "seed"
    assert writer.value([5, 6]) == 'derive(seed, "x")'
    assert "derive" in writer.definitions.taken
