"""The other ways to weigh members, and the choice between them and greedy selection by cross-validation."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import sqrt

import numpy as np

from tamis.core.seeds import generator
from tamis.ensemble.blending import Loss, Pool, top_k
from tamis.ensemble.selection import Selection, SelectionSettings, paired_losses, prepare, select
from tamis.ensemble.thinning import thinned

_N_PARTS = 5
_LEAST_ROWS = 50
"""On fewer rows a comparison of ways to weigh says nothing."""
_MOST_ROWS = 5000
"""So many rows tell the ways apart; more only take time."""


def _onto_simplex(point: np.ndarray) -> np.ndarray:
    """Return the nearest weights that are not negative and sum to one (Held, Wolfe & Crowder 1974)."""
    falling = np.sort(point)[::-1]
    excess = (np.cumsum(falling) - 1) / np.arange(1, len(point) + 1)
    last = np.flatnonzero(falling > excess)[-1]
    return np.maximum(point - excess[last], 0.0)


def ridge_weights(pool: Pool, penalty: float = 1e-2, n_rounds: int = 300) -> np.ndarray:
    """Return weights on the simplex with the least squared error, drawn towards equal ones.

    Parameters
    ----------
    pool : Pool
        Of predicted values, members covering every row.
    penalty : float
        Against the squared distance from equal weights, in units of the mean error of the members.
    """
    errors = np.stack([one - pool.y for one in pool.predictions])
    heavy = np.ones(len(pool.y)) if pool.weight is None else pool.weight
    gram = np.einsum("ij,kj->ik", errors * heavy, errors) / heavy.sum()
    n_members = len(gram)
    gram = gram + penalty * gram.trace() / n_members * (np.eye(n_members) - 1 / n_members)
    step = 1 / max(float(np.linalg.eigvalsh(gram)[-1]), 1e-300)
    weights = momentum = np.full(n_members, 1 / n_members)
    for number in range(n_rounds):  # accelerated projected gradient (Beck & Teboulle 2009)
        moved = _onto_simplex(momentum - step * (gram @ momentum))
        momentum = moved + number / (number + 3) * (moved - weights)
        weights = moved
    return weights


def likelihood_weights(pool: Pool, penalty: float = 5.0, n_rounds: int = 300) -> np.ndarray:
    """Return weights on the simplex under which the mixture of probabilities has the highest likelihood.

    The rounds are those of expectation-maximisation for the weights of a mixture; the loss is convex in them.

    Parameters
    ----------
    pool : Pool
        Of probabilities, members covering every row.
    penalty : float
        Rows' worth of evidence for equal weights.
    """
    codes = pool.y.astype(np.int64)
    likely = np.stack([np.maximum(one[np.arange(len(codes)), codes], 1e-12) for one in pool.predictions])
    heavy = np.ones(len(codes)) if pool.weight is None else pool.weight * len(codes) / pool.weight.sum()
    n_members = len(likely)
    weights = np.full(n_members, 1 / n_members)
    for _ in range(n_rounds):
        mixed = np.einsum("i,ij->j", weights, likely)
        owed = np.einsum("ij,j->i", likely, heavy / mixed) * weights
        moved = (owed + penalty / n_members) / (heavy.sum() + penalty)
        if np.abs(moved - weights).max() < 1e-6:
            break
        weights = moved
    return weights


def linear_weights(pool: Pool) -> np.ndarray:
    """Return the weights of a linear blend of the members that cover every row; zero for the others."""
    full = np.flatnonzero(pool.full)
    weights = np.zeros(len(pool.predictions))
    inner = pool.choose(full)
    fitted = likelihood_weights(inner) if pool.predictions[0].ndim == 2 else ridge_weights(inner)
    kept = np.where(fitted >= 0.01, fitted, 0.0)
    weights[full] = kept / kept.sum() if kept.any() else fitted
    return weights


def _uniform(pool: Pool, loss: Loss, k: int) -> np.ndarray:
    return top_k(np.where(pool.full, paired_losses(pool, loss), np.inf), k)


def _parts(y: np.ndarray, seed: int) -> np.ndarray:
    order = generator(seed, "stacking").permutation(len(y))
    part = np.empty(len(y), dtype=np.int64)
    part[order[np.argsort(y[order], kind="stable")]] = np.arange(len(y)) % _N_PARTS
    return part


def choose(
    predictions: Sequence[np.ndarray],
    y: np.ndarray,
    loss: Loss,
    *,
    weight: np.ndarray | None = None,
    settings: SelectionSettings | None = None,
) -> Selection:
    """Weigh members by greedy selection, unless another way is better by more than a standard error.

    The others are equal weights of the best three or eight, and a linear blend with weights that are not negative: of
    values by least squares, of probabilities by likelihood. All are judged on five parts of the rows, each weighed on
    the other four.

    Parameters and errors are those of `select`; the selection's `method` names the way.

    Examples
    --------
    >>> y = np.linspace(0, 1, 80)
    >>> choose([y + 0.1, y - 0.1], y, lambda y, p, w: float(np.abs(y - p).mean())).method
    'greedy'
    """
    settings = settings or SelectionSettings()
    end = settings.clock() + settings.limit_s
    greedy = select(predictions, y, loss, weight=weight, settings=settings)
    pool, members, _, _ = prepare(predictions, y, loss, weight, settings.seed)
    if len(members) < 2 or len(pool.y) < _LEAST_ROWS:
        return greedy
    whole = pool
    if len(pool.y) > _MOST_ROWS:
        pool = pool.take(thinned(pool.y, _MOST_ROWS, generator(settings.seed, "stacking rows")))
    bare = [np.where(_rows_of(mask, one), one, np.nan) for mask, one in zip(pool.masks, pool.predictions, strict=True)]
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "greedy": lambda rows: (
            select(
                [one[rows] for one in bare],
                pool.y[rows],
                loss,
                weight=None if pool.weight is None else pool.weight[rows],
                settings=replace(settings, n_bags=3, limit_s=max(0.0, end - settings.clock()) / _N_PARTS),
            ).weights
        ),
        "uniform top 3": lambda rows: _uniform(pool.take(rows), loss, 3),
        "uniform top 8": lambda rows: _uniform(pool.take(rows), loss, 8),
        "linear": lambda rows: linear_weights(pool.take(rows)),
    }
    part = _parts(pool.y, settings.seed)
    scores: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(_N_PARTS):
        if settings.clock() > end:
            return greedy
        inside = np.flatnonzero(part == number)
        test = pool.take(inside)
        for way, weigh in ways.items():
            scores[way].append(loss(test.y, test.blend(weigh(np.flatnonzero(part != number))), test.weight))
    best = _clearly_better(scores)
    if best == "greedy":
        return greedy
    weights = np.zeros(len(predictions))
    weights[members] = ways[best](np.arange(len(pool.y)))
    final = float(loss(whole.y, whole.blend(weights[members]), whole.weight))
    return Selection(weights, greedy.losses, final, best)


def _rows_of(mask: np.ndarray, like: np.ndarray) -> np.ndarray:
    return (mask[:, None] if like.ndim == 2 else mask) > 0


def _clearly_better(scores: dict[str, list[float]]) -> str:
    """Return the way that beats greedy selection by more than a standard error of the paired parts, or "greedy"."""
    base, best, gain = np.array(scores["greedy"]), "greedy", 0.0
    for way, values in scores.items():
        differences = base - np.array(values)
        mean, error = float(differences.mean()), float(differences.std(ddof=1)) / sqrt(len(differences))
        if np.isfinite(mean) and mean > max(error, gain) and mean > 1e-9:
            best, gain = way, mean
    return best
