"""Finds the rows that no other row beats in both score and cost: the Pareto front."""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any


def pareto_front(
    rows: Iterable[Mapping[str, Any]], cost: str = "parameters", *, higher_is_better: bool = True
) -> list[Mapping[str, Any]]:
    """Return the rows for which no other one is at least as good and costs no more, the cheapest first.

    Of rows that are equal in both, the first stands for all. Rows without a score or a cost take no part.

    Parameters
    ----------
    rows : iterable of mapping
        As those of a leaderboard: with `score`, and the cost under its name.
    cost : str
        Such as `parameters` or `latency_ms`; less is better.
    higher_is_better : bool
        Whether a high score is a good one.

    Examples
    --------
    >>> rows = [{"score": 0.9, "parameters": 100}, {"score": 0.8, "parameters": 200}, {"score": 0.7, "parameters": 50}]
    >>> [row["parameters"] for row in pareto_front(rows)]
    [50, 100]
    """
    sign = 1 if higher_is_better else -1
    known = [row for row in rows if has(row, "score") and has(row, cost)]
    front: list[Mapping[str, Any]] = []
    for row in sorted(known, key=lambda row: (row[cost], -sign * row["score"])):
        if not front or sign * row["score"] > sign * front[-1]["score"]:
            front.append(row)
    return front


def has(row: Mapping[str, Any], name: str) -> bool:
    """Tell whether a row has a finite number under a name.

    Examples
    --------
    >>> has({"score": None}, "score"), has({"score": 0.5}, "score"), has({}, "score")
    (False, True, False)
    """
    value = row.get(name)
    return isinstance(value, int | float) and isfinite(value)
