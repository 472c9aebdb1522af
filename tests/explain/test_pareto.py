"""Tests of the Pareto front."""

from math import nan

import numpy as np

from tamis.explain.pareto import pareto_front


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
