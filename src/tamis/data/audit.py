"""Looks for what spoils a model before it is trained: leaks, copies, repeated rows, rare classes, drift."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from tamis.core.kinds import Role, TaskKind
from tamis.data import convert
from tamis.data.auditing.copies import repeated_columns, repeated_rows
from tamis.data.auditing.drift import drift
from tamis.data.auditing.finding import Answers, Budget, Finding, rows_of
from tamis.data.auditing.leaks import leaks
from tamis.data.schema import Schema

SAMPLE_ROWS = 5_000
RARE = 10
"""Rows that a class should have at least, that folds can hold it."""


def audit(
    frame: pd.DataFrame,
    schema: Schema,
    *,
    y: "np.ndarray | pd.Series | None" = None,
    kind: TaskKind | None = None,
    test: pd.DataFrame | None = None,
    classes: Sequence[object] | None = None,
    seed: int = 0,
    limit_s: float = 1.0,
    max_cells: int | None = None,
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
    classes : sequence or None
        What the numbers in `y` stand for, where they are codes of classes from 0 on.
    seed : int
        Chooses the rows that are looked at.
    limit_s : float
        Seconds after which it stops with what it has, and says so.
    max_cells : int or None
        Cells after which it stops, in place of seconds, so that every machine finds the same.

    Returns
    -------
    list of Finding
        The gravest first.

    Examples
    --------
    >>> from tamis.data.infer import infer_schema
    >>> frame = pd.DataFrame({"id": range(100), "one": 1, "x": np.arange(100.0) % 7 / 3, "y": [0, 1] * 50})
    >>> [(one.kind, one.column) for one in audit(frame, infer_schema(frame, target="y"))]
    [('identifier', 'id'), ('constant', 'one')]
    """
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    answers = _answers(frame, schema, y, kind, classes)
    budget = Budget(limit_s, max_cells)
    found = [*_roles(schema), *(_target(answers, schema) if answers else ())]
    found += _columns(frame, schema, answers, seed, budget.part(0.6))
    if test is not None:
        found += drift(frame, test, schema, seed, budget.part(0.6))
    found += repeated_rows(frame, schema, budget.part(0.4))
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda one: order[one.severity])


def _answers(
    frame: pd.DataFrame,
    schema: Schema,
    y: "np.ndarray | pd.Series | None",
    kind: TaskKind | None,
    classes: Sequence[object] | None,
) -> Answers | None:
    if y is None:
        if schema.target is None or schema.target not in frame:
            return None
        y = frame[schema.target]
    if classes is not None and kind is not TaskKind.REGRESSION:
        codes = np.asarray(y, dtype=np.float64)
        return Answers(np.where(codes < 0, np.nan, codes), tuple(map(str, classes)))
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


def _columns(
    frame: pd.DataFrame, schema: Schema, answers: Answers | None, seed: int, budget: Budget
) -> Iterator[Finding]:
    rows = rows_of(len(frame), SAMPLE_ROWS, len(schema.outputs), seed, "audit")
    table = schema.apply(frame.iloc[rows])
    yield from repeated_columns(frame, schema, table)
    if answers is not None and len(rows) >= 20:
        yield from leaks(frame, schema, table, answers, rows, budget)
