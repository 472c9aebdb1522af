"""Looks for what spoils a model before it is trained: leaks, copies, repeated rows, rare classes, drift."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tamis.core.kinds import CODE_ROLES, Role, TaskKind
from tamis.core.seeds import generator
from tamis.data import convert
from tamis.data.schema import Schema
from tamis.data.table import Table

SAMPLE_ROWS = 5_000
NEARLY_PERFECT_AUC = 0.995
NEARLY_PERFECT_R2 = 0.999
DRIFTED = 0.15
"""Largest difference of two distribution functions, or of two shares, that is taken as harmless."""
RARE = 10
"""Rows that a class should have at least, that folds can hold it."""


@dataclass(frozen=True)
class Finding:
    """Something to know before training."""

    kind: str
    column: str | None
    message: str
    """What, how much, and what to do."""
    action: str = "warn"
    """`drop` (the column), `drop rows`, or `warn`."""
    severity: str = "warning"
    """`info`, `warning` or `error`."""


@dataclass(frozen=True)
class Answers:
    """What is to be predicted, as numbers."""

    values: np.ndarray
    """Shape (n_rows,): numbers or codes, NaN where missing."""
    names: tuple[str, ...] | None
    """The classes; None for numbers."""


def audit(
    frame: pd.DataFrame,
    schema: Schema,
    *,
    y: "np.ndarray | pd.Series | None" = None,
    kind: TaskKind | None = None,
    test: pd.DataFrame | None = None,
    seed: int = 0,
    limit_s: float = 1.0,
) -> list[Finding]:
    """Look at a table before training.

    Parameters
    ----------
    frame : DataFrame
        What the schema was made of.
    schema : Schema
    y : array-like of shape (n_rows,) or None
        What is predicted; the schema's target column without it.
    kind : TaskKind or None
        Guessed from the values without it.
    test : DataFrame or None
        Rows that are to be predicted, to be compared with those that are learned from.
    seed : int
        Chooses the rows that are looked at.
    limit_s : float
        Seconds after which it stops with what it has.

    Returns
    -------
    list of Finding
        The gravest first.

    Examples
    --------
    >>> from tamis.data.infer import infer_schema
    >>> frame = pd.DataFrame({"x": range(100), "one": 1, "y": [0, 1] * 50})
    >>> [(one.kind, one.column) for one in audit(frame, infer_schema(frame, target="y"))]
    [('identifier', 'x'), ('constant', 'one')]
    """
    start = time.monotonic()
    deadline = start + limit_s
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    answers = _answers(frame, schema, y, kind)
    found = [*_roles(schema), *(_target(answers, schema) if answers else ())]
    found += _leaks_and_copies(frame, schema, answers, seed, start + 0.6 * limit_s)
    if test is not None and time.monotonic() < deadline:
        found += _drift(frame, test, schema, seed, deadline)
    found += _repeated_rows(frame, schema, deadline)
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda one: order[one.severity])


def _answers(
    frame: pd.DataFrame, schema: Schema, y: "np.ndarray | pd.Series | None", kind: TaskKind | None
) -> Answers | None:
    if y is None:
        if schema.target is None or schema.target not in frame:
            return None
        y = frame[schema.target]
    cells = y.reset_index(drop=True) if isinstance(y, pd.Series) else pd.Series(np.asarray(y))
    if kind is TaskKind.REGRESSION or (kind is None and convert.is_plain_number(cells)):
        values = convert.to_values(cells, {"how": "number"})[:, 0]
        different = pd.unique(values[~np.isnan(values)])
        if kind or len(different) > 20 or not (different == np.floor(different)).all():
            return Answers(values, None)
    codes, names = convert.factorize(cells)
    return Answers(np.where(codes < 0, np.nan, codes.astype(np.float64)), tuple(names))


def _roles(schema: Schema) -> Iterator[Finding]:
    for column in schema.with_role(Role.IDENTIFIER):
        message = (
            f"{column.name!r} is left out: {column.reason}. Give it another role if it says something of the rows."
        )
        yield Finding("identifier", column.name, message, "drop", "info")
    for column in schema.with_role(Role.CONSTANT):
        yield Finding("constant", column.name, f"{column.name!r} is left out: {column.reason}.", "drop", "info")


def _target(answers: Answers, schema: Schema) -> Iterator[Finding]:
    missing = np.isnan(answers.values)
    if missing.any():
        message = (
            f"{int(missing.sum()):,} of {len(missing):,} rows have no target; "
            "they cannot be learned from and are left out."
        )
        yield Finding("missing target", schema.target, message, "drop rows")
    if answers.names is None:
        return
    counts = np.bincount(answers.values[~missing].astype(np.intp), minlength=len(answers.names))
    rare = np.flatnonzero(counts < RARE)
    if len(rare) and len(rare) < len(counts) and counts.sum() >= 3 * RARE:
        some = ", ".join(f"{answers.names[index]!r} ({counts[index]})" for index in rare[:5])
        message = (
            f"{len(rare)} of {len(counts)} classes have fewer than {RARE} rows: {some}. "
            "Their scores will be unsure; gather more rows or join classes."
        )
        grave = "warning" if counts[rare].min() < 2 or len(rare) > len(counts) / 2 else "info"
        yield Finding("rare class", schema.target, message, "warn", grave)


def _leaks_and_copies(
    frame: pd.DataFrame, schema: Schema, answers: Answers | None, seed: int, deadline: float
) -> Iterator[Finding]:
    rows = _some(len(frame), SAMPLE_ROWS, seed, "audit")
    table = schema.apply(frame.iloc[rows])
    values = np.asarray(table.values)
    yield from _copies(frame, schema, table)
    if answers is None or len(rows) < 20:
        return
    truth = answers.values[rows]
    known = ~np.isnan(truth)
    values, truth = values[known], truth[known]
    for index in _likeliest_first(values, truth):
        if time.monotonic() > deadline:
            return
        name, role = table.names[index], table.roles[index]
        power = _power(values[:, index], truth, role, answers.names is not None)
        if power is None:
            continue
        column = name if any(one.name == name for one in schema.columns) else name.rpartition("[")[0]
        measure = f"{'AUC' if answers.names is not None else 'R2'} {power:.4f} on rows held out"
        renamed = len(truth) >= 50 and _is_renaming(values[:, index], truth, role, answers.names is not None)
        if renamed and len(schema[column].outputs) == 1:
            every = ~np.isnan(answers.values)
            whole = schema[column].read(frame[column])[every, 0]
            renamed = _is_renaming(whole, answers.values[every], role, answers.names is not None)
        if renamed:
            message = (
                f"{column!r} is the target under other names ({measure}). It is left out; "
                "give it a role by hand if it will be known when predictions are made."
            )
            yield Finding("leak", column, message, "drop", "error")
        else:
            message = (
                f"{column!r} alone predicts the target nearly without error ({measure}). If it becomes known only "
                "after the target does, leave it out (role 'ignored')."
            )
            yield Finding("leak", column, message)


def _some(n_rows: int, at_most: int, seed: int, purpose: str) -> np.ndarray:
    if n_rows <= at_most:
        return np.arange(n_rows)
    return np.sort(generator(seed, purpose).choice(n_rows, at_most, replace=False))


def _likeliest_first(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Order columns by how strongly they go with the target, so that a short time is spent on the suspects."""
    filled = np.where(
        np.isnan(values), np.nanmean(values, axis=0, where=~np.isnan(values)) if len(values) else 0, values
    )
    filled = np.nan_to_num(filled - filled.mean(axis=0))
    centred = truth - truth.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        strength = np.abs(centred @ filled) / np.sqrt((filled**2).sum(axis=0) * (centred**2).sum())
    return np.argsort(-np.nan_to_num(strength), kind="stable")


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


def _is_renaming(column: np.ndarray, truth: np.ndarray, role: Role, classes: bool) -> bool:
    """Tell whether each value stands for one answer and each answer for one value, or is a linear function of it."""
    if np.isnan(column).any():
        return False
    if classes:
        pairs = pd.DataFrame({"column": column, "truth": truth}).drop_duplicates()
        return len(pairs) == pairs["column"].nunique() == pairs["truth"].nunique()
    if role in CODE_ROLES or column.std() == 0:
        return False
    return bool(abs(np.corrcoef(column, truth)[0, 1]) > 1 - 1e-12)


def _copies(frame: pd.DataFrame, schema: Schema, table: Table) -> Iterator[Finding]:
    values = np.ascontiguousarray(np.asarray(table.values).T)
    place = {column.outputs[0].name: column for column in schema.features if len(column.outputs) == 1}
    first: dict[tuple[str, bytes], str] = {}
    for name, role, row in zip(table.names, table.roles, values, strict=True):
        if name not in place:
            continue
        group = "levels" if role in CODE_ROLES else "numbers"
        if group == "levels":
            # Levels may have other names in the copy: what counts is which rows are alike.
            row = pd.factorize(row)[0].astype(np.float64)
        original = first.setdefault((group, row.tobytes()), name)
        if original != name and _same(frame, schema, original, name, group == "levels"):
            message = f"{name!r} says the same as {original!r} in every row; one of the two is enough."
            yield Finding("duplicated column", name, message, "drop", "info")


def _same(frame: pd.DataFrame, schema: Schema, one: str, other: str, levels: bool) -> bool:
    first, second = (schema[name].read(frame[name])[:, 0] for name in (one, other))
    if levels:
        first, second = pd.factorize(first)[0], pd.factorize(second)[0]
    return bool(np.array_equal(first, second, equal_nan=not levels))


def _repeated_rows(frame: pd.DataFrame, schema: Schema, deadline: float) -> Iterator[Finding]:
    names = [column.name for column in schema.features if column.name in frame]
    if not names or len(frame) < 20 or len(frame) * len(names) > 4e6 * (deadline - time.monotonic()):
        return
    try:
        keys = pd.util.hash_pandas_object(frame[names], index=False)
    except TypeError:  # cells that hold lists
        return
    share = float(keys.duplicated(keep=False).mean())
    again = int(keys.duplicated().sum())
    # With few different rows possible, equal rows are no copies.
    if share < 0.01 or (np.log([max(2, one.n_unique) for one in schema.features]).sum() < np.log(20.0 * len(frame))):
        return
    message = (
        f"{share:.1%} of the rows are equal to another in every feature ({again:,} repeat an earlier one). They would "
        "stand on both sides of a split and make scores too good; remove the copies, or give rows that belong together "
        "a column of the role 'group'."
    )
    yield Finding("duplicated rows", None, message, "warn", "warning" if share >= 0.05 else "info")


def _drift(frame: pd.DataFrame, test: pd.DataFrame, schema: Schema, seed: int, deadline: float) -> Iterator[Finding]:
    left = schema.apply(frame.iloc[_some(len(frame), SAMPLE_ROWS, seed, "drift")])
    right = schema.apply(test.iloc[_some(len(test), SAMPLE_ROWS, seed, "drift test")])
    if min(left.n_rows, right.n_rows) < 30:
        return
    ours, theirs = np.asarray(left.values), np.asarray(right.values)
    for index, (name, role) in enumerate(zip(left.names, left.roles, strict=True)):
        if time.monotonic() > deadline:
            return
        lacking = _lacking(ours[:, index], theirs[:, index], role)
        distance, what = _distance(ours[:, index], theirs[:, index], role)
        if lacking > distance:
            distance, what = lacking, "the share of missing or unknown values"
        if distance > DRIFTED:
            message = (
                f"{name!r} differs between the rows learned from and those to predict: {what} by {distance:.0%}. "
                "Scores may not hold there; think of leaving it out."
            )
            yield Finding("drift", name, message)


def _lacking(ours: np.ndarray, theirs: np.ndarray, role: Role) -> float:
    """Return by how much the shares of missing values differ, new levels that were to be expected aside."""
    more = float(np.isnan(theirs).mean() - np.isnan(ours).mean())
    if role in CODE_ROLES:
        # Good and Turing: what occurs once among n foretells the share of what is yet unseen.
        once = (np.unique(ours[~np.isnan(ours)], return_counts=True)[1] == 1).sum()
        more = max(0.0, more - 1.5 * float(once) / len(ours)) if more > 0 else more
    return abs(more)


def _distance(ours: np.ndarray, theirs: np.ndarray, role: Role) -> tuple[float, str]:
    """Return how far two samples are apart, beyond what chance explains."""
    ours, theirs = ours[~np.isnan(ours)], theirs[~np.isnan(theirs)]
    if min(len(ours), len(theirs)) < 10 or role is Role.HIGH_CARDINALITY:
        return 0.0, ""
    thin = 1 / len(ours) + 1 / len(theirs)
    if role in CODE_ROLES:
        size = int(max(ours.max(), theirs.max())) + 1
        shares = [np.bincount(side.astype(np.intp), minlength=size) / len(side) for side in (ours, theirs)]
        middle = (shares[0] + shares[1]) / 2
        chance = float(np.sqrt(middle * (1 - middle) * thin).sum())
        distance, what = float(np.abs(shares[0] - shares[1]).sum() / 2), "the shares of the levels"
    else:
        every = np.sort(np.concatenate([ours, theirs]))
        places = [np.searchsorted(np.sort(side), every, side="right") / len(side) for side in (ours, theirs)]
        # The 0.1 % point of the Kolmogorov-Smirnov statistic.
        chance = float(1.95 * np.sqrt(thin))
        distance, what = float(np.abs(places[0] - places[1]).max()), "the distribution"
    return (distance, what) if distance > chance else (0.0, "")
