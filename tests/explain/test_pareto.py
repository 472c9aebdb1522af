"""Tests of the Pareto front."""

from math import nan

import numpy as np
import pytest

from tamis.core.errors import ParameterError
from tamis.explain.pareto import front_of, pareto_front
from tamis.workflow.leaderboard import Leaderboard


def rows_of(*pairs: tuple[float | None, float | None]) -> list[dict[str, float | None]]:
    return [{"score": score, "parameters": cost} for score, cost in pairs]


def test_the_front_is_what_no_row_dominates() -> None:
    rng = np.random.default_rng(0)
    rows = rows_of(*((float(one), float(other)) for one, other in rng.integers(0, 12, (60, 2))))
    points = {(row["score"], row["parameters"]) for row in rows}

    def beaten(score: float, cost: float) -> bool:
        return any(one >= score and other <= cost and (one, other) != (score, cost) for one, other in points)

    front = pareto_front(rows)
    assert {(row["score"], row["parameters"]) for row in front} == {one for one in points if not beaten(*one)}
    assert [row["parameters"] for row in front] == sorted(row["parameters"] for row in front)


def test_where_less_is_better_the_front_falls() -> None:
    front = pareto_front(rows_of((3.0, 1), (2.0, 2), (2.5, 3), (1.0, 4)), higher_is_better=False)
    assert [row["score"] for row in front] == [3.0, 2.0, 1.0]


def test_of_equal_rows_the_first_stands_for_all() -> None:
    rows = rows_of((0.5, 10), (0.5, 10))
    front = pareto_front(rows)
    assert len(front) == 1 and front[0] is rows[0]


def test_rows_without_a_number_take_no_part() -> None:
    assert pareto_front([{"score": 0.5}, *rows_of((None, 5), (nan, 5), (0.5, None))]) == []


def board_of(*rows: tuple[float, int, float | None, int]) -> Leaderboard:
    names = ("score", "complexity", "predict_ms", "folds")
    return Leaderboard(len(rows), 0, "auc", True, [dict(zip(names, row, strict=True)) for row in rows])


def test_the_front_of_a_table_is_one_of_nodes_or_of_seconds() -> None:
    board = board_of((0.9, 9, 5.0, 8), (0.8, 3, 9.0, 8), (0.7, 4, 1.0, 8))
    assert [row["score"] for row in front_of(board)] == [0.8, 0.9]
    assert [row["score"] for row in front_of(board, "seconds")] == [0.7, 0.9]


def test_a_candidate_that_was_dropped_early_is_not_on_the_front() -> None:
    assert [row["score"] for row in front_of(board_of((0.9, 9, None, 8), (0.99, 2, None, 1)))] == [0.9]


@pytest.mark.parametrize(("cost", "words"), [("second", "Did you mean 'seconds'"), ("latency", "it tells: complexity")])
def test_a_cost_that_is_not_known_is_refused(cost: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        front_of(board_of((0.9, 9, None, 8)), cost)


def test_a_run_without_trials_has_an_empty_front() -> None:
    assert front_of(board_of()) == []
