"""Tests of how columns are named in errors."""

import pytest

from tamis.core.errors import DataError
from tamis.workflow.names import near, nearest_column


def test_the_case_of_a_name_is_forgiven_before_its_spelling() -> None:
    assert "Did you mean 'HP'?" in near("hp", ["hpa", "HP"])
    assert "Did you mean 'price'?" in near("prize", ["price", "rooms"])
    assert near("zip", ["rooms"]) == " The columns: 'rooms'."


def test_of_many_columns_the_first_are_listed() -> None:
    with pytest.raises(DataError, match="'c29' and 70 more"):
        nearest_column("zip", [f"c{index}" for index in range(100)])
