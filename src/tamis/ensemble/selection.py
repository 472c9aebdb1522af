"""Greedy forward selection of members, with replacement, on out-of-fold predictions (Caruana et al. 2004)."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from tamis.core.errors import DataError
from tamis.core.seeds import generator
from tamis.ensemble.blending import Loss, Pool, coverage, top_k
from tamis.ensemble.thinning import spread, thinned

MAX_ROWS = 20_000
"""Losses are taken on at most so many rows: the order of members does not change with more."""
MAX_POOL = 30
"""So many of the best members compete, and a few that differ from them."""
_N_DIVERSE = 6
_BAGGED_BELOW = 2000
_SHRUNK_BELOW = 300
_N_FULL_STEPS = 3
_N_LATER = 12
"""After the first full steps only the members that came nearest, and those that are in, are tried."""
_LEAST_COVERAGE = 0.1
_TIE = 1e-12


@dataclass(frozen=True)
class Selection:
    """The weights of the members, and how the loss fell."""

    weights: np.ndarray
    """Shape (n_members,), summing to one; zero for members that are left out."""
    losses: tuple[float, ...]
    """The loss after each step of the greedy path (of the first bag, where there are bags)."""
    loss: float
    """Of the final blend on the rows where it was chosen: optimistic, see `tamis.evaluate.estimate`."""
    method: str = "greedy"


@dataclass(frozen=True)
class SelectionSettings:
    """How members are selected."""

    n_steps: int = 25
    max_members: int = 25
    """The lightest members beyond so many are dropped."""
    patience: int = 8
    """The path ends after so many steps without a lower loss."""
    n_bags: int = 10
    """How many walks are averaged where rows are few."""
    limit_s: float = inf
    seed: int = 0
    clock: Callable[[], float] = time.monotonic


def _shared_rows(covers: np.ndarray) -> np.ndarray:
    """Return the rows to compare on: all, or those of the member that covers most of them."""
    counts = covers.sum(axis=1)
    if counts.max() == 0:
        raise DataError("No member has an out-of-fold prediction: there is nothing to select from.")
    return np.flatnonzero(covers[int(counts.argmax())])


def paired_losses(pool: Pool, loss: Loss) -> np.ndarray:
    """Return the loss of each member; of one that covers a part, as if it were as far from the best everywhere."""
    losses = np.array([pool.loss(i, loss) if pool.full[i] else inf for i in range(len(pool.predictions))])
    best = int(losses.argmin())
    for i in np.flatnonzero(~pool.full):
        rows = np.flatnonzero(pool.masks[i])
        if len(rows) >= _LEAST_COVERAGE * len(pool.y):
            part = pool.choose(np.array([i, best])).take(rows)
            losses[i] = losses[best] + part.loss(0, loss) - part.loss(1, loss)
    return np.where(np.isnan(losses), inf, losses)


def _prune(pool: Pool, losses: np.ndarray) -> np.ndarray:
    """Return the members that compete: the best, and of the rest those least like the very best."""
    order = np.argsort(losses, kind="stable")
    order = order[np.isfinite(losses[order])]
    kept, rest = list(order[:MAX_POOL]), order[MAX_POOL:]
    if len(rest):
        # A walk begins with a member that covers every row, however many partial ones look better.
        kept.append(next(i for i in order if pool.full[i]))
        best = int(order[0])
        sample = slice(None, None, max(1, len(pool.y) // 2000))
        distances = []
        for i in rest:
            seen = (pool.masks[i] * pool.masks[best])[sample] > 0
            apart = np.abs(pool.predictions[i][sample][seen] - pool.predictions[best][sample][seen])
            distances.append(float(apart.mean()) if seen.any() else 0.0)
        kept += list(rest[np.argsort(-np.array(distances), kind="stable")[:_N_DIVERSE]])
    return np.unique(np.array(kept, dtype=np.intp))


class _Greedy:
    """One walk: the sums of what is in, and the step that lowers the loss most."""

    def __init__(self, pool: Pool, loss: Loss) -> None:
        self.pool, self.loss = pool, loss
        self.total = np.zeros_like(pool.predictions[0])
        self.share = np.zeros(len(pool.y))
        self.counts = np.zeros(len(pool.predictions), dtype=np.int64)
        self.all_full = bool(pool.full.all())
        self.last = np.full(len(pool.predictions), inf)
        """The loss with each member added, when it was last tried."""

    def _with(self, member: int) -> np.ndarray:
        total = self.total + self.pool.predictions[member]
        if self.all_full:
            total /= self.counts.sum() + 1
            return total
        share = self.share + self.pool.masks[member]
        return total / (share[:, None] if total.ndim == 2 else share)

    def promising(self) -> np.ndarray:
        """Return the members that are in, or came nearest to it."""
        nearest = np.argsort(self.last, kind="stable")[:_N_LATER]
        return np.union1d(nearest, np.flatnonzero(self.counts))

    def step(self, members: np.ndarray, expired: Callable[[], bool]) -> float | None:
        """Add the member that lowers the loss most, one that is in already where it is as good; None out of time."""
        best, best_loss = -1, inf
        for member in sorted(members, key=lambda i: self.counts[i] == 0):
            if best >= 0 and self.counts.any() and expired():
                return None
            value = self.last[member] = self.loss(self.pool.y, self._with(int(member)), self.pool.weight)
            if best < 0 or value < best_loss - _TIE * max(1.0, abs(best_loss)):
                best, best_loss = int(member), value
        self.total = self.total + self.pool.predictions[best]
        self.share = self.share + self.pool.masks[best]
        self.counts[best] += 1
        return best_loss


def _walk(pool: Pool, loss: Loss, settings: SelectionSettings, end: float) -> tuple[np.ndarray, tuple[float, ...]]:
    """Return the weights of the best beginning of one greedy path, and the path's losses."""
    greedy = _Greedy(pool, loss)
    best, best_loss, since = greedy.counts, inf, 0
    path: list[float] = []
    for number in range(settings.n_steps):
        # Only a member that covers every row can begin: the others would leave rows without a prediction.
        members = np.flatnonzero(pool.full) if number == 0 else np.arange(len(pool.predictions))
        if number >= _N_FULL_STEPS:
            members = greedy.promising()
        value = greedy.step(members, lambda: settings.clock() > end)
        if value is None:
            break
        path.append(value)
        since += 1
        if number == 0 or value < best_loss - _TIE * max(1.0, abs(best_loss)):
            best, best_loss, since = greedy.counts.copy(), value, 0
        if since >= settings.patience:
            break
    return best / best.sum(), tuple(path)


def _bagged(pool: Pool, loss: Loss, settings: SelectionSettings, end: float) -> tuple[np.ndarray, tuple[float, ...]]:
    """Return the mean weights of walks over parts of the rows; on few rows one walk follows their noise."""
    n_rows = len(pool.y)
    total, done = np.zeros(len(pool.predictions)), 0
    first: tuple[float, ...] = ()
    # The mean over bags has fine weights even if each walk is short.
    short = replace(settings, n_steps=min(settings.n_steps, 12))
    for bag in range(settings.n_bags):
        if done and settings.clock() > end:
            break
        rng = generator(settings.seed, "bag", bag)
        rows = spread(pool.y, max(2, int(0.7 * n_rows)), rng) if n_rows > 10 else np.arange(n_rows)
        weights, path = _walk(pool.take(rows), loss, short, end)
        total, first, done = total + weights, first or path, done + 1
    return total / done, first


def _lightened(weights: np.ndarray, max_members: int) -> np.ndarray:
    """Drop members that hardly count, and the lightest beyond the limit."""
    floor = min(0.02, weights.max() / 2)
    kept = np.where(weights >= floor, weights, 0.0)
    kept[np.argsort(-kept, kind="stable")[max_members:]] = 0.0
    return np.asarray(kept / kept.sum())


def prepare(
    predictions: Sequence[np.ndarray],
    y: np.ndarray,
    loss: Loss,
    weight: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[Pool, np.ndarray, np.ndarray, int]:
    """Choose the rows and the members that compete.

    Returns
    -------
    pool : Pool
    members : ndarray
        The place of each member of the pool among the predictions.
    losses : ndarray
        The loss of each member of the pool.
    n_rows : int
        How many rows there were before any were left out for speed.

    Raises
    ------
    DataError
        Where there is no member, or none that covers a row.
    """
    if not len(predictions):
        raise DataError("There is no member to select from: no trial has finished.")
    covers = np.array([coverage(one) for one in predictions])
    rows = _shared_rows(covers)
    n_rows = len(rows)
    rows = rows[thinned(y[rows], MAX_ROWS, generator(seed, "selection rows"))]
    able = np.flatnonzero(covers[:, rows].mean(axis=1) >= _LEAST_COVERAGE)
    pool = Pool.of([predictions[int(i)] for i in able], rows, y, weight)
    losses = paired_losses(pool, loss)
    if not np.isfinite(losses).any():
        losses = np.where(pool.full, 0.0, inf)  # the metric tells nothing here: any full member will do
    kept = _prune(pool, losses)
    return pool.choose(kept), able[kept], losses[kept], n_rows


def select(
    predictions: Sequence[np.ndarray],
    y: np.ndarray,
    loss: Loss,
    *,
    weight: np.ndarray | None = None,
    settings: SelectionSettings | None = None,
) -> Selection:
    """Select members greedily and return their weights.

    Each step adds the member that lowers the loss of the average most; a member may come again, which gives it more
    weight. The path begins with the best member that covers all rows (or, where none does, the rows that the most
    covering one has) and is cut at its lowest loss. Members that cover a part of the rows are averaged in where they
    do, and their weights are multiplied by the square root of that part. On fewer than 2000 rows the weights are the
    mean over ten walks on parts of the rows; on fewer than 300 they are also drawn towards equal weights of the best
    five.

    Parameters
    ----------
    predictions : sequence of ndarray, each of shape (n, K) or (n,)
        Out-of-fold predictions; NaN in rows that are not covered.
    y : ndarray of shape (n,)
    loss : callable
        (y, prediction, weight) -> float, lower is better.
    weight : ndarray of shape (n,), optional
    settings : SelectionSettings, optional

    Returns
    -------
    Selection

    Raises
    ------
    DataError
        Where there is no member, or none that covers a row.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> chosen = select([y + 1, y - 1], y, lambda y, p, w: float(np.abs(y - p).mean()))
    >>> chosen.weights.tolist(), chosen.loss
    ([0.5, 0.5], 0.0)
    """
    settings = settings or SelectionSettings()
    end = settings.clock() + settings.limit_s
    pool, members, losses, n_rows = prepare(predictions, y, loss, weight, settings.seed)
    if n_rows < _BAGGED_BELOW and len(members) > 1:
        weights, path = _bagged(pool, loss, settings, end)
    else:
        weights, path = _walk(pool, loss, settings, end)
    if n_rows < _SHRUNK_BELOW:
        part = 0.5 * (1 - n_rows / (2 * _SHRUNK_BELOW))
        # Equal weights go to members that cover every row: one fold's luck is no ground to trust a partial one.
        weights = (1 - part) * weights + part * top_k(np.where(pool.full, losses, inf), 5)
    # A weight that was found on a part of the rows holds for all of them: it is trusted the less, the smaller the part.
    weights = weights * np.sqrt(pool.masks.mean(axis=1))
    weights = _lightened(weights, settings.max_members)
    # A blend must predict every row: without a full member in it, the best one is put back.
    if not (weights[pool.full] > 0).any():
        weights[int(np.where(pool.full, losses, inf).argmin())] = max(0.1, weights.max() / 2)
        weights /= weights.sum()
    spread = np.zeros(len(predictions))
    spread[members] = weights
    return Selection(spread, path, float(loss(pool.y, pool.blend(weights), pool.weight)))
