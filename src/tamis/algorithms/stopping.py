"""Ends boosting well: rounds from inner splits, a learning rate that fits the time slice, a soft deadline."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Any, Protocol

import numpy as np

from tamis.core.component import BuildContext
from tamis.core.dealing import held_out, places

SOFT_SHARE = 0.78
"""Training stops, with what it has, at this share of the slice."""
PLANNED_SHARE = 0.6
"""The learning rate is chosen so that boosting ends by itself inside this share."""
HIGHEST_RATE = 0.2
REFIT_ROWS = 10_000
"""Below it, the rows of the inner split are worth a second fit."""
SPLITS_ROWS = 1_000
"""Below it, one inner split is mostly noise."""
MAX_HELD_ROWS = 20_000
REFIT_GROWTH = 1.05
"""More rows bear a few more rounds."""
PROGRESS = 2e-4
"""A fall of the loss by less than this share of it does not prolong the wait."""


class Learner(Protocol):
    """What a booster's library must be able to do; it holds the data."""

    def train(self, rows: np.ndarray | None, held: np.ndarray | None, rate: float, rounds: int, watch: "Watch") -> Any:
        """Boost on some rows (all for None), telling `watch` the loss on the held rows after each round."""

    def cut(self, booster: Any, rounds: int) -> Any:
        """Return the booster with its first rounds only."""


def patience(best_round: int, n_rows: int, rate: float) -> int:
    """Return how many rounds without progress are waited for.

    The rule is AutoGluon's adaptive one, 0.3 * best + 20, with a floor that falls with the rows and the rate.

    Examples
    --------
    >>> patience(1000, 100_000, 0.05), patience(10, 5_000, 0.05)
    (320, 150)
    """
    floor = 150 * min(1.0, 10_000 / max(1, n_rows)) * min(1.0, 0.05 / rate)
    return int(max(0.3 * best_round + 20, floor))


def rounds_needed(n_rows: int, rate: float) -> int:
    """Return a prior guess of the best number of rounds."""
    return ceil(15.0 * (max(50, n_rows) / 5_000) ** 0.25 / rate)


def most_rounds(rate: float) -> int:
    """Return the number of rounds that is never exceeded."""
    return int(min(4_000, max(500, ceil(120 / rate))))


def rounds_planned(n_rows: int, rate: float, n_splits: int | None = None) -> float:
    """Return the rounds that a first fit takes in all, early stopping and the second fit included."""
    splits = count_splits(n_rows) if n_splits is None else n_splits
    best = min(rounds_needed(n_rows, rate), most_rounds(rate))
    watched = min(best + patience(best, n_rows, rate), most_rounds(rate))
    return splits * watched + (REFIT_GROWTH * best if n_rows < REFIT_ROWS else 0)


def count_splits(n_rows: int) -> int:
    """Return over how many inner splits the rounds are averaged."""
    return 1 if n_rows >= SPLITS_ROWS else 3 if n_rows >= 400 else 5


@dataclass
class Watch:
    """Follows one training run and says when it should stop."""

    n_rows: int = 0
    rate: float = 0.05
    early: bool = False
    """Stop where the loss no longer falls."""
    deadline: float = inf
    """On the clock."""
    probe: bool = False
    """Stop as soon as the time of a round is known."""
    clock: Callable[[], float] = time.monotonic
    losses: list[float] = field(default_factory=list)
    rounds: int = 0
    best_round: int = 0
    mark_round: int = 0
    """The last round that brought progress."""
    first: float = 0.0
    last: float = 0.0
    out_of_time: bool = False

    def after(self, loss: float | None = None) -> bool:
        """Count a round; return True where it should be the last.

        Parameters
        ----------
        loss : float or None
            On the held rows, where there are any.
        """
        if self.deadline < inf or self.probe:  # without a limit nothing may depend on the clock
            self.last = self.clock()
        self.rounds += 1
        if self.rounds == 1:
            self.first = self.last
        if loss is not None:
            value = float(loss)
            self.losses.append(value if np.isfinite(value) else inf)
            if self.best_round == 0 or self.losses[-1] < self.losses[self.best_round - 1]:
                self.best_round = self.rounds
            if self.mark_round == 0 or self.losses[-1] < (1 - PROGRESS) * self.losses[self.mark_round - 1]:
                self.mark_round = self.rounds
        self.out_of_time = self.last > self.deadline
        if self.probe and (self.rounds >= 20 or (self.rounds >= 2 and self.last - self.first > 0.2)):
            return True
        waited = self.rounds - self.mark_round
        return self.out_of_time or (
            self.early and bool(self.losses) and waited >= patience(self.mark_round, self.n_rows, self.rate)
        )

    @property
    def kept(self) -> int:
        """Return the rounds worth keeping: up to the best where a loss was seen, all of them elsewhere."""
        return self.best_round if self.losses else self.rounds

    @property
    def seconds_per_round(self) -> float:
        """Return the mean over the rounds after the first."""
        return (self.last - self.first) / (self.rounds - 1) if self.rounds > 1 else 0.0


def inner_splits(
    y: np.ndarray, classify: bool, seed: int, clusters: np.ndarray | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split the training rows for early stopping, evenly over the target.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Codes of classes, or numbers.
    classify : bool
        No class is then held out as a whole, such as the only row of one.
    clusters : ndarray of int of shape (n_rows,), optional
        Rows of equal codes stay on one side.

    Returns
    -------
    list of (training rows, held rows)
        Several splits for few rows, none where there are too few for any.
    """
    n = len(y)
    if n < 20:
        return []
    n_splits = count_splits(n)
    every = max(5 if n < 20_000 else 10, ceil(n / MAX_HELD_ROWS))
    place = places(y, seed, clusters)
    every = min(every, int(place.max()) + 1)
    codes = np.unique(y, return_inverse=True)[1] if classify else None
    parts = (held_out(place, number, every, codes) for number in range(min(n_splits, every)))
    return [(np.flatnonzero(~held), np.flatnonzero(held)) for held in parts]


def best_of(curves: Sequence[Sequence[float]]) -> int:
    """Return the round, counted from 1, at which the mean of several loss curves is lowest.

    A curve that ended goes on with its last value.

    Examples
    --------
    >>> best_of([[3.0, 2.0, 2.5], [3.0, 2.5, 1.0, 1.5]])
    3
    """
    length = max(len(curve) for curve in curves)
    padded = [
        np.pad(np.asarray(curve, dtype=float), (0, length - len(curve)), mode="edge") for curve in curves if curve
    ]
    return int(np.argmin(np.mean(padded, axis=0))) + 1


def fitted_rate(
    rate: float, n_rows: int, *, per_round_s: float, overhead_s: float, slice_s: float, n_splits: int
) -> float:
    """Return the lowest learning rate, not below the given one, at which boosting ends inside the slice.

    Parameters
    ----------
    per_round_s, overhead_s : float
        Seconds that a round takes, and that a training takes before its first round.
    slice_s : float
        Seconds to spend.

    Examples
    --------
    >>> fitted_rate(0.03, 2_000, per_round_s=1e-4, overhead_s=0, slice_s=10, n_splits=1)
    0.03
    >>> fitted_rate(0.03, 2_000, per_round_s=1.0, overhead_s=0, slice_s=10, n_splits=1)
    0.2
    """
    trainings = n_splits + (1 if n_rows < REFIT_ROWS else 0)
    highest = max(rate, HIGHEST_RATE)
    for tried in np.geomspace(rate, highest, 12):
        if rounds_planned(n_rows, float(tried), n_splits) * per_round_s + trainings * overhead_s <= slice_s:
            return float(f"{tried:.4g}")
    return highest


def boost(learner: Learner, y: np.ndarray, context: BuildContext, *, rate: float) -> tuple[Any, dict[str, Any]]:
    """Train a booster with as many rounds as inner splits call for, inside the slice.

    Parameters
    ----------
    learner : Learner
    y : ndarray of shape (n_rows,)
        What the inner splits are stratified by.
    rate : float
        The learning rate; with a finite `context.limit_s` it may be raised.

    Returns
    -------
    booster
    realised : dict
        `rounds` and `learning_rate`, for `BuildContext.realised` of the other folds; `inner_split` where the booster
        has seen the rows of the first inner split alone.
    """
    started = time.monotonic()
    end = started + SOFT_SHARE * context.limit_s
    classify = context.task.is_classification
    known = context.realised
    splits = [] if "rounds" in known else inner_splits(y, classify, context.seed, context.clusters)
    if not splits:
        rate = float(known.get("learning_rate", rate))
        rounds = int(known.get("rounds", ceil(5.0 / rate)))
        return _on_all_rows(learner, rate, rounds, end)
    per_round_s, overhead_s = 0.0, 0.0
    if context.limit_s < inf:
        per_round_s, overhead_s = _time_rounds(learner, splits[0], rate)
        slice_s = PLANNED_SHARE * context.limit_s - (time.monotonic() - started)
        cheapest = rounds_planned(len(y), max(rate, HIGHEST_RATE)) * per_round_s + overhead_s * (len(splits) + 1)
        if cheapest > slice_s:
            splits = splits[:1]
        rate = fitted_rate(
            rate, len(y), per_round_s=per_round_s, overhead_s=overhead_s, slice_s=slice_s, n_splits=len(splits)
        )
    booster, first, rounds = _watched(learner, splits, rate, started, end)
    wanted = min(most_rounds(rate), ceil(REFIT_GROWTH * rounds))
    left = end - time.monotonic()
    if len(y) < REFIT_ROWS and wanted * per_round_s + overhead_s <= left:
        return _on_all_rows(learner, rate, wanted, end)
    # The other folds learn from all their rows with the rounds that the mean over the splits calls for.
    return learner.cut(booster, first.kept), {"rounds": rounds, "learning_rate": rate, "inner_split": True}


def _on_all_rows(learner: Learner, rate: float, rounds: int, end: float) -> tuple[Any, dict[str, Any]]:
    watch = Watch(rate=rate, deadline=end)
    booster = learner.train(None, None, rate, rounds, watch)
    done = min(rounds, max(1, watch.rounds))
    return learner.cut(booster, done), {"rounds": done, "learning_rate": rate}


def _time_rounds(learner: Learner, split: tuple[np.ndarray, np.ndarray], rate: float) -> tuple[float, float]:
    """Return seconds per round and seconds before the first one."""
    watch = Watch(probe=True)
    begun = time.monotonic()
    learner.train(*split, rate, 20, watch)
    total = time.monotonic() - begun
    per_round = watch.seconds_per_round if watch.rounds > 1 else total
    return per_round, max(0.0, total - per_round * watch.rounds)


def _watched(
    learner: Learner, splits: list[tuple[np.ndarray, np.ndarray]], rate: float, started: float, end: float
) -> tuple[Any, Watch, int]:
    """Boost on every split with early stopping; return the first booster, its watch, and the best rounds."""
    booster: Any = None
    watches: list[Watch] = []
    for number, (rows, held) in enumerate(splits):
        share = (number + 1) / (len(splits) + (1 if len(splits) > 1 else 0))
        deadline = started + (end - started) * share if end < inf else inf
        if watches and deadline < inf and time.monotonic() >= deadline:
            break
        watch = Watch(n_rows=len(rows), rate=rate, early=True, deadline=deadline)
        trained = learner.train(rows, held, rate, most_rounds(rate), watch)
        booster = trained if booster is None else booster
        watches.append(watch)
    return booster, watches[0], best_of([watch.losses for watch in watches])
