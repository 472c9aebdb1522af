"""Finds columns that give the target away: it under other names, or what becomes known only after it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tamis.core.kinds import CODE_ROLES, Role
from tamis.data.auditing.finding import Answers, Budget, Finding
from tamis.data.schema import Schema
from tamis.data.table import Table

NEARLY_PERFECT_AUC = 0.995
NEARLY_PERFECT_R2 = 0.999
LEAST = 50
"""Rows that a column must be filled in to be called the target under other names."""
COVERED = 0.5
"""Share of the rows that a column must be filled in to be judged by those alone."""
ALIKE = 0.9
"""Answers of neighbours in a column's order that differ as often as this, beside those by chance, foretell nothing."""
RARE_REST = 0.05
"""Where the most frequent class leaves less than this, neighbours are alike anyhow."""
ALWAYS = 50
"""The most suspicious columns are looked at whatever the budget."""
BLOCK = 128
"""Columns that are sorted at once."""


def leaks(
    frame: pd.DataFrame, schema: Schema, table: Table, answers: Answers, rows: np.ndarray, budget: Budget
) -> Iterator[Finding]:
    """Yield a finding for each column that alone predicts the target nearly without error.

    Parameters
    ----------
    frame : DataFrame
        The whole table.
    schema : Schema
    table : Table
        The prepared form of some rows.
    answers : Answers
        Of the whole table.
    rows : ndarray
        The rows that `table` holds.
    budget : Budget
    """
    truth = answers.values[rows]
    known = ~np.isnan(truth)
    values, truth = np.asarray(table.values)[known], truth[known]
    if not len(truth) or not values.shape[1]:
        return
    suspicious = likeliest(values, truth, classes=answers.names is not None)
    for looked, index in enumerate(suspicious):
        if not budget.spend(2 * len(truth)) and looked >= ALWAYS:
            message = (
                f"Only {looked:,} of {len(suspicious):,} columns that may give the target away were looked at, the "
                "likeliest first; with more time it would be all."
            )
            yield Finding("audit cut short", None, message, "warn", "info")
            return
        judge = _Judge(truth, table.roles[index], answers.names is not None)
        suspicion = judge.look(values[:, index])
        if suspicion is not None:
            yield _worded(frame, schema, table.names[index], answers, judge, suspicion)


def likeliest(values: np.ndarray, truth: np.ndarray, *, classes: bool) -> np.ndarray:
    """Return the columns that may predict the target nearly without error, the likeliest first.

    Rows are sorted by the column; where it says much of the target, neighbours have like answers. The measure is von
    Neumann's ratio, "Distribution of the ratio of the mean square successive difference to the variance" (1941).

    Examples
    --------
    >>> truth = np.arange(100.0) % 2
    >>> likeliest(np.column_stack([np.arange(100) * 7.0 % 11, truth]), truth, classes=True)
    array([1])
    """
    shares = np.unique(truth, return_counts=True)[1] / len(truth)
    chance = 1 - float((shares**2).sum()) if classes else 2 * float(truth.var())
    ratios = np.full(values.shape[1], np.inf)
    for start in range(0, values.shape[1], BLOCK):
        block = values[:, start : start + BLOCK]
        order = np.argsort(block, axis=0, kind="stable")
        steps = np.diff(truth[order], axis=0)
        steps = (steps != 0).astype(np.float64) if classes else steps**2
        there = ~np.isnan(np.take_along_axis(block, order, axis=0))[1:]
        counts = there.sum(axis=0)
        means = np.where(there, steps, 0.0).sum(axis=0) / np.maximum(1, counts)
        ratios[start : start + BLOCK] = np.where(counts, means, np.inf)
    order = np.argsort(ratios, kind="stable")
    most = np.inf if classes and shares.max() > 1 - RARE_REST else ALIKE * chance
    return order[ratios[order] < most]


@dataclass(frozen=True)
class _Suspicion:
    power: float
    renamed: bool
    coverage: float
    """Share of the rows that were judged by; 1 where the missing cells were judged too."""


@dataclass(frozen=True)
class _Judge:
    truth: np.ndarray
    role: Role
    classes: bool

    def look(self, column: np.ndarray) -> _Suspicion | None:
        """Say how well a column predicts the target; None where it is not suspicious.

        Where cells are missing, the rows that have one may be predicted without error, and the others not.
        """
        power = _power(column, self.truth, self.role, self.classes)
        there = ~np.isnan(column)
        if there.all():
            return None if power is None else _Suspicion(power, self.is_renaming(column, self.truth), 1.0)
        coverage = float(there.mean())
        if coverage >= COVERED and there.sum() >= LEAST:
            filled, truth = column[there], self.truth[there]
            alone = _power(filled, truth, self.role, self.classes)
            if alone is not None and (power is None or self.is_renaming(filled, truth)):
                return _Suspicion(alone, self.is_renaming(filled, truth), coverage)
        return None if power is None else _Suspicion(power, False, 1.0)

    def is_renaming(self, column: np.ndarray, truth: np.ndarray) -> bool:
        """Tell whether each value stands for one answer and each answer for one value, or is a linear function of it.

        Rows without a value are left aside.
        """
        there = ~np.isnan(column)
        column, truth = column[there], truth[there]
        if len(column) < LEAST or len(column) < COVERED * len(there):
            return False
        if self.classes:
            return bool(np.array_equal(pd.factorize(column)[0], pd.factorize(truth)[0]))
        if self.role in CODE_ROLES or column.std() == 0 or truth.std() == 0:
            return False
        return bool(abs(np.corrcoef(column, truth)[0, 1]) > 1 - 1e-12)


def _worded(
    frame: pd.DataFrame, schema: Schema, name: str, answers: Answers, judge: _Judge, suspicion: _Suspicion
) -> Finding:
    column = name if any(one.name == name for one in schema.columns) else name.rpartition("[")[0]
    measure = f"{'AUC' if judge.classes else 'R2'} {suspicion.power:.4f} on rows held out"
    if suspicion.coverage < 1:
        measure += f", among the {suspicion.coverage:.0%} of the rows that have a value"
    renamed = suspicion.renamed
    if renamed and len(schema[column].outputs) == 1:
        every = ~np.isnan(answers.values)
        renamed = judge.is_renaming(schema[column].read(frame[column])[every, 0], answers.values[every])
    if renamed:
        message = (
            f"{column!r} is the target under other names ({measure}). It is left out; "
            "give it a role by hand if it will be known when predictions are made."
        )
        return Finding("leak", column, message, "drop", "error")
    message = (
        f"{column!r} alone predicts the target nearly without error ({measure}). If it becomes known only "
        "after the target does, leave it out (role 'ignored')."
    )
    return Finding("leak", column, message)


def _power(column: np.ndarray, truth: np.ndarray, role: Role, classes: bool) -> float | None:
    """Return how well one column predicts on the half held out; None where it is not suspicious."""
    half = np.arange(len(truth)) % 2 == 0
    if role in CODE_ROLES:
        # A level for every row or two foretells nothing of other rows, and cannot be learned here.
        column = np.where(np.isnan(column), -1, column)
        if len(np.unique(column)) > len(column) / 4:
            return None
    if classes:
        return _class_power(column, truth, half, role)
    guess = _guess(column, truth, half, role)
    spread = ((truth[~half] - truth[~half].mean()) ** 2).sum()
    score = 1 - ((truth[~half] - guess) ** 2).sum() / spread if spread > 0 else 0.0
    held = column[~half]
    if role not in CODE_ROLES and not np.isnan(held).any() and held.std() > 0 and spread > 0:
        score = max(score, float(np.corrcoef(held, truth[~half])[0, 1]) ** 2)
    return float(score) if score > NEARLY_PERFECT_R2 else None


def _class_power(column: np.ndarray, truth: np.ndarray, half: np.ndarray, role: Role) -> float | None:
    scores, weights = [], []
    present, counts = np.unique(truth[~half], return_counts=True)
    if len(present) < 2:
        return None
    order = np.argsort(-counts)
    for cls, count in zip(present[order][:20], counts[order][:20], strict=True):
        guess = _guess(column, (truth == cls).astype(np.float64), half, role)
        scores.append(_auc(guess, truth[~half] == cls))
        weights.append(count)
        if scores[0] < 0.9:
            return None
    score = float(np.average(scores, weights=weights))
    return score if score > NEARLY_PERFECT_AUC else None


def _guess(column: np.ndarray, truth: np.ndarray, half: np.ndarray, role: Role) -> np.ndarray:
    """Learn the target from one column on one half, predict the other."""
    if role in CODE_ROLES:
        codes = (column + 1).astype(np.intp)
        sums = np.bincount(codes[half], truth[half], minlength=codes.max() + 1)
        counts = np.bincount(codes[half], minlength=codes.max() + 1)
        return ((sums + truth[half].mean()) / (counts + 1))[codes[~half]]
    # The mean answer at each value, and between two values the line that joins them.
    seen = half & ~np.isnan(column)
    guess = np.full(len(column), truth[half & np.isnan(column)].mean() if (half & np.isnan(column)).any() else np.nan)
    if seen.any():
        places, numbers = np.unique(column[seen], return_inverse=True)
        means = np.bincount(numbers, truth[seen]) / np.bincount(numbers)
        there = ~np.isnan(column)
        guess[there] = np.interp(column[there], places, means)
    return np.where(np.isnan(guess), truth[half].mean(), guess)[~half]


def _auc(guess: np.ndarray, positive: np.ndarray) -> float:
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return 0.5
    return float(
        (pd.Series(guess).rank().to_numpy()[positive].sum() - n_positive * (n_positive + 1) / 2)
        / (n_positive * n_negative)
    )
