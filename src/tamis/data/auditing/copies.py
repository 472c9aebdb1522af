"""Finds columns that say the same as another, and rows that are equal to others."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tamis.core.kinds import CODE_ROLES, Role
from tamis.data.auditing.finding import Budget, Finding
from tamis.data.schema import Column, Schema
from tamis.data.table import Table

PLAIN_COST = 0.1
"""What hashing a number costs, beside a string."""
MEASURED = 20_000
"""Rows by which the possible values of a column are counted."""


def repeated_columns(frame: pd.DataFrame, schema: Schema, table: Table) -> Iterator[Finding]:
    """Yield a finding for each column that says in every row the same as an earlier one; `table` holds some rows."""
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


def equal_rows(frame: pd.DataFrame, schema: Schema) -> np.ndarray | None:
    """Number the rows so that those equal in every feature share a number.

    Parameters
    ----------
    frame : DataFrame
    schema : Schema
        The rows are compared in the columns that are features, cell by cell as they stand.

    Returns
    -------
    ndarray of shape (n_rows,), int64, or None
        None where rows cannot be compared: no feature is there, or cells hold lists.

    Examples
    --------
    >>> from tamis.data.infer import infer_schema
    >>> frame = pd.DataFrame({"a": [1.5, 2.5, 1.5], "b": ["x", "y", "x"]})
    >>> equal_rows(frame, infer_schema(frame)).tolist()
    [0, 1, 0]
    """
    names = [column.name for column in schema.features if column.name in frame]
    if not names:
        return None
    try:
        return pd.factorize(pd.util.hash_pandas_object(frame[names], index=False))[0].astype(np.int64)
    except TypeError:  # cells that hold lists
        return None


def repeated_rows(frame: pd.DataFrame, schema: Schema, budget: Budget) -> Iterator[Finding]:
    """Yield a finding where more rows are equal than chance explains."""
    names = [column.name for column in schema.features if column.name in frame]
    if not names or len(frame) < 20:
        return
    slow = sum(getattr(kind, "kind", "O") == "O" for kind in frame[names].dtypes)
    if not budget.affords(int(len(frame) * (slow + PLAIN_COST * (len(names) - slow)))):
        message = "The rows were not compared with each other, for lack of time; equal ones may stand on both sides."
        yield Finding("audit cut short", None, message, "warn", "info")
        return
    groups = equal_rows(frame, schema)
    if groups is None:
        return
    sizes = np.bincount(groups)
    share = float(sizes[sizes > 1].sum() / len(frame))
    again = len(frame) - len(sizes)
    # With few different rows possible, equal rows are no copies.
    if share < 0.01 or sum(np.log(n_possible(one, frame)) for one in schema.features) < np.log(20.0 * len(frame)):
        return
    message = (
        f"{share:.1%} of the rows are equal to another in every feature ({again:,} repeat an earlier one). The "
        "score holds for rows to come that repeat these as often; if they will not, it is too good: remove the copies, "
        "or keep them on one side of every split (--copies-together; fit(..., groups='copies') in Python)."
    )
    yield Finding("duplicated rows", None, message, "warn", "warning" if share >= 0.05 else "info")


def n_possible(column: Column, frame: pd.DataFrame) -> float:
    """Return how many values a column could hold: for numbers, the places of a ruler as fine as they are.

    Counting those that occur would take the copies of a number that is never twice the same for chance.
    """
    if column.role in (Role.NUMERIC, Role.ORDINAL, Role.DATE) and column.name in frame:
        different = np.unique(column.read(frame[column.name].iloc[:MEASURED])[:, 0])
        different = different[~np.isnan(different)]
        if len(different) > 1:
            return max(2.0, float((different[-1] - different[0]) / np.diff(different).min()) + 1)
    return max(2.0, column.n_unique)
