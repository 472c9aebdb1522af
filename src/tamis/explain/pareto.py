"""Finds the rows that no other row beats in both score and cost: the Pareto front."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from tamis.core.errors import ParameterError, wrong_choice

if TYPE_CHECKING:
    from tamis.workflow.leaderboard import Leaderboard

COSTS = {
    "complexity": "complexity",
    "seconds": "predict_ms",
    "parameters": "parameters",
    "latency": "latency_ms",
}
"""What a score can be weighed against, and where a leaderboard's row tells it: the nodes of a pipeline (as the genetic
search does) or the time of its predictions; the weights of a network or the time for one image."""

ENOUGH_FOLDS = 5
"""Who was scored on half as many folds, or half of all where there are fewer, can be compared with the others."""


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


def front_of(board: "Leaderboard", cost: str | None = None) -> list[Mapping[str, Any]]:
    """Return the Pareto front of a leaderboard, the cheapest first; candidates that were dropped early take no part.

    Parameters
    ----------
    board : Leaderboard
    cost : str, optional
        A name of `COSTS`; by itself the complexity of pipelines, and the parameters of networks.

    Raises
    ------
    ParameterError
        Where there is no such cost, or the run has not measured it.
    """
    if cost is not None and cost not in COSTS:
        raise wrong_choice("cost", cost, COSTS)
    known = [name for name, key in COSTS.items() if any(has(row, key) for row in board.rows)]
    if cost is not None and cost not in known:
        raise ParameterError(f"The run tells no {cost} of its candidates; it tells: {', '.join(known) or 'nothing'}.")
    key = COSTS[cost or (known[0] if known else "complexity")]
    return pareto_front(comparable(board.rows), key, higher_is_better=board.higher_is_better)


def comparable(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out candidates that were scored on few folds, whose scores may be luck.

    Examples
    --------
    >>> comparable([{"folds": 8}, {"folds": 3}, {"folds": 2}])
    [{'folds': 8}, {'folds': 3}]
    """
    needed = min(max((row["folds"] for row in rows), default=0), ENOUGH_FOLDS) / 2
    return [row for row in rows if row["folds"] >= needed]


def has(row: Mapping[str, Any], name: str) -> bool:
    """Tell whether a row has a finite number under a name.

    Examples
    --------
    >>> has({"score": None}, "score"), has({"score": 0.5}, "score"), has({}, "score")
    (False, True, False)
    """
    value = row.get(name)
    return isinstance(value, int | float) and isfinite(value)
