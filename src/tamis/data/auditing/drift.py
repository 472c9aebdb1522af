"""Compares the rows that are learned from with those that are to be predicted."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tamis.core.kinds import CODE_ROLES, Role
from tamis.data.auditing.finding import Budget, Finding, rows_of
from tamis.data.schema import Schema
from tamis.data.table import Table

SAMPLE_ROWS = 5_000
DRIFTED = 0.15
"""Largest difference of two distribution functions, or of two shares, that is taken as harmless."""
MODEL_ROWS, MODEL_COLUMNS, MODEL_COST = 1_000, 50, 12
"""What the small model learns from, of each side, and what a cell of it costs beside one that is only looked at."""
TOLD_APART = 0.7
"""Area under the curve from which on a model is said to tell the two sides apart."""
LEAST = 30
"""Rows of each side that a comparison takes."""
SHOWN = 5
BLOCK = 128
"""Columns that are compared at once."""


def drift(frame: pd.DataFrame, test: pd.DataFrame, schema: Schema, seed: int, budget: Budget) -> Iterator[Finding]:
    """Yield a finding for columns that are absent, and one for all those that differ.

    Parameters
    ----------
    frame, test : DataFrame
        Rows that are learned from, and rows that are to be predicted.
    schema : Schema
    seed : int
        Chooses the rows that are compared.
    budget : Budget
    """
    there = {str(name) for name in test.columns}
    absent = [one.name for one in schema.features if one.name not in there]
    if absent and len(absent) == len(schema.features):
        message = f"The test file has none of the columns that are learned from, such as {absent[0]!r}; is it the one?"
        yield Finding("absent", None, message)
        return
    for name in absent:
        yield Finding("absent", name, f"{name!r} is not in the test file; left out.", "drop")
    schema = schema.without(absent)
    width = len(schema.outputs)
    left = schema.apply(frame.iloc[rows_of(len(frame), SAMPLE_ROWS, width, seed, "drift")])
    right = schema.apply(test.iloc[rows_of(len(test), SAMPLE_ROWS, width, seed, "drift test")])
    if min(left.n_rows, right.n_rows) < LEAST or not left.names:
        return
    ours, theirs = np.asarray(left.values), np.asarray(right.values)
    order = _likeliest_first(ours, theirs)
    found: list[tuple[float, str, str]] = []
    looked = 0
    for start in range(0, len(order), BLOCK):
        block = order[start : start + BLOCK]
        if not budget.spend(len(block) * (len(ours) + len(theirs))) and looked:
            break
        looked += len(block)
        found += _differing(left, right, block)
    alone = {name for _, name, _ in found}
    rest = [
        index for index in order if left.names[index] not in alone and left.roles[index] is not Role.HIGH_CARDINALITY
    ]
    apart = _area(ours[:, rest], theirs[:, rest], seed, budget) if looked == len(order) else None
    if found or apart is not None or looked < len(order):
        yield _worded(found, looked, len(order), apart)


def _worded(found: list[tuple[float, str, str]], looked: int, n_columns: int, apart: float | None) -> Finding:
    found = sorted(found, key=lambda one: -one[0])
    of_all = "" if looked == n_columns else f" ({looked:,} of {n_columns:,} columns looked at, for lack of time)"
    told = f"tells the rows learned from and those to predict apart with an AUC of {apart or 0.0:.2f}"
    if not found and apart is None:
        return Finding("drift", None, f"No difference to the rows to predict was found{of_all}.", "warn", "info")
    if not found:
        return Finding("drift", None, f"No column differs alone, but a small model {told}. Scores may not hold there.")
    worst = ", ".join(f"{name!r} ({what} by {distance:.0%})" for distance, name, what in found[:SHOWN])
    more = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    one = len(found) == 1
    message = (
        f"{len(found):,} of {n_columns:,} columns {'differs' if one else 'differ'} between the rows learned from and "
        f"those to predict{of_all}: {worst}{more}. Scores may not hold there; think of leaving "
        f"{'it' if one else 'them'} out."
    )
    if apart is not None:
        message += f" Without {'it' if one else 'them'} a small model still {told}."
    return Finding("drift", found[0][1] if one else None, message)


def _area(ours: np.ndarray, theirs: np.ndarray, seed: int, budget: Budget) -> float | None:
    """Return how well a small model tells two sides apart on rows held out; None where it hardly does.

    The area under the curve of a classifier of the two samples, a test that sees what no column shows alone: Lopez-Paz
    & Oquab, "Revisiting classifier two-sample tests" (2017).
    """
    sides = [side[:: -(-len(side) // MODEL_ROWS), :MODEL_COLUMNS] for side in (ours, theirs)]
    values = np.vstack(sides)
    if not values.shape[1] or not budget.affords(MODEL_COST * values.size):
        return None
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    side = np.repeat([0, 1], [len(one) for one in sides])
    model = HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=8, learning_rate=0.3, min_samples_leaf=5, early_stopping=False, random_state=seed
    )
    folds = StratifiedKFold(2, shuffle=True, random_state=seed)
    with threadpool_limits(1, "openmp"):  # on a busy machine the threads of so small a model wait for each other
        guess = cross_val_predict(model, values, side, cv=folds, method="predict_proba")[:, 1]
    area = float(roc_auc_score(side, guess))
    return area if area >= TOLD_APART else None


def _likeliest_first(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Order columns by how far the means are apart, in standard deviations."""
    with np.errstate(all="ignore"):
        means = [_mean(side) for side in (ours, theirs)]
        spread = np.sqrt(_mean((ours - means[0]) ** 2)) + 1e-300
        gaps = np.abs(means[0] - means[1]) / spread
    return np.argsort(-np.nan_to_num(gaps, posinf=np.inf), kind="stable")


def _mean(side: np.ndarray) -> np.ndarray:
    there = ~np.isnan(side)
    return np.asarray(np.where(there, side, 0.0).sum(axis=0) / np.maximum(1, there.sum(axis=0)))


def _differing(left: Table, right: Table, columns: np.ndarray) -> list[tuple[float, str, str]]:
    """Return distance, name and what differs, for the columns that drifted."""
    ours, theirs = np.asarray(left.values)[:, columns], np.asarray(right.values)[:, columns]
    more = np.isnan(theirs).mean(axis=0) - np.isnan(ours).mean(axis=0)
    apart = _distances(ours, theirs)
    found = []
    for place, column in enumerate(columns):
        role = left.roles[column]
        lacking, distance, what = abs(float(more[place])), float(apart[place]), "the distribution"
        if role in CODE_ROLES:
            lacking = _lacking(ours[:, place], float(more[place]))
            distance, what = _share_distance(ours[:, place], theirs[:, place], role), "the shares of the levels"
        if lacking > distance:
            distance, what = lacking, "the share of missing or unknown values"
        if distance > DRIFTED:
            found.append((distance, left.names[column], what))
    return found


def _lacking(ours: np.ndarray, more: float) -> float:
    """Return by how much the shares of missing values differ, new levels that were to be expected aside."""
    # Good and Turing: what occurs once among n foretells the share of what is yet unseen.
    once = (np.unique(ours[~np.isnan(ours)], return_counts=True)[1] == 1).sum()
    return abs(max(0.0, more - 1.5 * float(once) / len(ours)) if more > 0 else more)


def _distances(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return the distance of Kolmogorov and Smirnov for each column; 0 where chance explains it.

    Examples
    --------
    >>> one = np.arange(100.0)[:, None]
    >>> _distances(one, one + 50)
    array([0.5])
    """
    joined = np.vstack([ours, theirs])
    order = np.argsort(joined, axis=0, kind="stable")
    values = np.take_along_axis(joined, order, axis=0)
    there, mine = ~np.isnan(values), order < len(ours)
    counts = [(there & mine).sum(axis=0), (there & ~mine).sum(axis=0)]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.cumsum(there & mine, axis=0) / counts[0] - np.cumsum(there & ~mine, axis=0) / counts[1]
        # Within equal values the order is by chance.
        last = np.vstack([values[1:] != values[:-1], np.ones((1, values.shape[1]), dtype=bool)])
        distance = np.where(there & last, np.abs(gap), 0.0).max(axis=0)
        # The 0.1 % point of the statistic.
        chance = 1.95 * np.sqrt(1 / counts[0] + 1 / counts[1])
    return np.where((np.minimum(*counts) >= 10) & (distance > chance), distance, 0.0)


def _share_distance(ours: np.ndarray, theirs: np.ndarray, role: Role) -> float:
    """Return by how much the shares of levels differ, beyond what chance explains."""
    ours, theirs = ours[~np.isnan(ours)], theirs[~np.isnan(theirs)]
    if min(len(ours), len(theirs)) < 10 or role is Role.HIGH_CARDINALITY:
        return 0.0
    size = int(max(ours.max(), theirs.max())) + 1
    shares = [np.bincount(side.astype(np.intp), minlength=size) / len(side) for side in (ours, theirs)]
    middle = (shares[0] + shares[1]) / 2
    chance = float(np.sqrt(middle * (1 - middle) * (1 / len(ours) + 1 / len(theirs))).sum())
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    return distance if distance > chance else 0.0
