"""The choice of a validation by size and time."""

import json

import pytest

from tamis.core.errors import ParameterError
from tamis.core.kinds import TaskKind
from tamis.evaluate.scheme import Scheme, SplitKind, choose_scheme


@pytest.mark.parametrize(
    ("n_rows", "limit_s", "kind", "n_folds", "n_repeats"),
    [
        (100, 60, "folds", 10, 3),
        (100, 20, "folds", 8, 2),
        (1000, 60, "folds", 8, 1),
        (1000, 30, "folds", 5, 1),
        (1000, 600, "folds", 8, 2),
        (10_000, 60, "folds", 5, 1),
        (10_000, 3600, "folds", 8, 1),
        (40_000, 30, "folds", 3, 1),
        (100_000, 600, "folds", 3, 1),
        (100_000, 5, "holdout", 1, 1),
        (1_000_000, 3600, "holdout", 1, 1),
    ],
)
def test_folds_follow_rows_and_time(n_rows: int, limit_s: float, kind: str, n_folds: int, n_repeats: int) -> None:
    scheme = choose_scheme(n_rows, 10, limit_s)
    assert (scheme.kind.value, scheme.n_folds, scheme.n_repeats) == (kind, n_folds, n_repeats)
    assert scheme.reason


def test_a_holdout_of_very_many_rows_is_bounded() -> None:
    assert choose_scheme(1_000_000, 10, 60.0).holdout == pytest.approx(0.05)


def test_rare_classes_and_few_groups_lower_the_count_of_folds() -> None:
    assert choose_scheme(200, 5, 60, TaskKind.BINARY, class_counts=[196, 4]).n_folds == 4
    assert choose_scheme(200, 5, 60, TaskKind.MULTICLASS, class_counts=[100, 98, 2]).n_folds == 10
    scheme = choose_scheme(5000, 5, 60, groups=3)
    assert (scheme.kind, scheme.n_folds) == (SplitKind.GROUPS, 3)


def test_two_rows_make_two_folds_and_one_row_is_refused() -> None:
    assert choose_scheme(2, 1, 60).n_folds == 2
    with pytest.raises(ParameterError, match="at least two rows"):
        choose_scheme(1, 1, 60)


def test_given_folds_win_over_time_and_time_over_groups() -> None:
    assert choose_scheme(1000, 5, groups=9, times=500, given=4) == Scheme(
        SplitKind.GIVEN, 4, reason="the folds are given by a column"
    )
    assert choose_scheme(1000, 5, groups=9, times=500).kind is SplitKind.TIME
    assert choose_scheme(1000, 5, times=3).n_folds == 2


def test_a_column_of_one_value_is_refused() -> None:
    with pytest.raises(ParameterError, match="groups"):
        choose_scheme(100, 5, groups=1)


def test_a_scheme_comes_back_from_json() -> None:
    scheme = choose_scheme(500, 5, 60)
    assert Scheme.from_json(json.loads(json.dumps(scheme.to_json()))) == scheme


@pytest.mark.parametrize("options", [{"n_folds": 0}, {"n_repeats": 0}, {"holdout": 1.0}])
def test_impossible_schemes_are_refused(options: dict) -> None:
    with pytest.raises(ParameterError):
        Scheme(**options)
