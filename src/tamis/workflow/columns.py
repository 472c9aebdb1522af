"""Gives every column its role, looks for what would mislead the search, and tells both."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.errors import ParameterError
from tamis.core.kinds import Role
from tamis.data.audit import audit
from tamis.data.auditing.copies import equal_rows
from tamis.data.auditing.finding import Finding
from tamis.data.frames import to_pandas
from tamis.data.infer import infer_schema, infer_sparse
from tamis.data.schema import Column, Schema
from tamis.data.table import Table
from tamis.data.texts import text_roles
from tamis.tasks.targets import Encoded
from tamis.tasks.task import Task
from tamis.workflow.names import near
from tamis.workflow.planned import Tell
from tamis.workflow.settings import Settings

SHOWN = 12
"""Of the columns that are not what they seem, so many are told one by one."""
REPEATED = "duplicated rows"
"""The audit's name for rows that are equal to others."""
AUDIT_S, AUDIT_SHARE = 3.0, 0.03
"""The audit takes no more seconds, and no larger share of the run's."""
REPRODUCIBLE_CELLS = 12_000_000
"""Cells that the audit looks at in a run without a clock: what about three seconds are enough for."""
PLAIN_ROLES = frozenset({Role.NUMERIC, Role.ORDINAL, Role.BOOLEAN, Role.CATEGORICAL})
PLAIN_FORMS = frozenset({None, "number", "boolean"})
"""How cells are read that are what they look like."""

_LEFT_OUT = re.compile(r"[.;] (?:it is )?left out\b.*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Columns:
    """The columns of a table, as they are learned from."""

    schema: Schema
    table: Table
    copies: np.ndarray | None = None
    """Equal numbers for rows that are equal in every feature, where so many are that splits must heed it."""


def typed(frame: Any, settings: Settings) -> Columns:
    """Give every column its role.

    Raises
    ------
    ParameterError
        Where a role is given to a column that is not there.
    """
    if not isinstance(frame, pd.DataFrame):
        schema = infer_sparse(frame)
        return Columns(schema, schema.apply_sparse(frame))
    names = [str(name) for name in frame.columns]
    for name, role in settings.roles.items():
        if str(name) not in names:
            raise ParameterError(f"There is no column {name!r} to be {role}.{near(str(name), names)}")
    schema = infer_schema(frame, target=settings.target, overrides=settings.roles, seed=settings.seed)
    if settings.texts and (found := text_roles(frame, schema, settings.roles)):
        schema = infer_schema(frame, target=settings.target, overrides={**settings.roles, **found}, seed=settings.seed)
        told = {name: f"{role}: the table is about texts" for name, role in found.items()}
        schema = replace(
            schema, columns=tuple(replace(one, reason=told.get(one.name, one.reason)) for one in schema.columns)
        )
    return Columns(schema, schema.apply(frame))


def audited(
    frame: Any, columns: Columns, settings: Settings, *, y: Encoded, task: Task, test: Any, left_s: float, tell: Tell
) -> Columns:
    """Look for what would mislead the search, tell it, and leave out what is safe to leave out.

    A column to which the user gave a role stays, whatever is found.
    """
    if not isinstance(frame, pd.DataFrame):
        return columns
    schema, table = columns.schema, columns.table
    answers = np.where(y.present, y.values, np.nan)
    other: Any = None if test is None else to_pandas(test)
    findings = audit(
        frame,
        schema,
        y=answers,
        kind=task.kind,
        test=other,
        classes=task.classes or None,
        seed=settings.seed,
        limit_s=min(AUDIT_S, AUDIT_SHARE * left_s),
        max_cells=REPRODUCIBLE_CELLS if settings.is_reproducible else None,
    )
    used = {one.name for one in schema.features}
    kept = used & {str(name) for name in settings.roles}
    for one in findings:
        if one.kind == REPEATED and settings.copies_together:
            continue
        message = as_you_said(one) if one.column in kept and one.action == "drop" else one.message
        tell(f"warning: {message}" if one.severity != "info" else message)
    if dropped := [one.column for one in findings if one.action == "drop" and one.column in used - kept]:
        schema = schema.without(dropped)
        table = schema.apply(frame)
    for line in surprises(schema, {one.column for one in findings if one.column is not None}, settings.roles):
        tell(line)
    return Columns(schema, table, _copies(frame, schema) if settings.copies_together else None)


def _copies(frame: pd.DataFrame, schema: Schema) -> np.ndarray | None:
    """Number the rows so that equal ones share a number; None where all are equal, which leaves nothing to part."""
    codes = equal_rows(frame, schema)
    return codes if codes is not None and codes.any() else None


def as_you_said(finding: Finding) -> str:
    """Word a finding of a column that stays because the user gave it a role.

    Examples
    --------
    >>> as_you_said(Finding("leak", "x", "'x' is the target under other names. It is left out; give it a role."))
    "'x' is the target under other names. It is used, as you said."
    """
    return f"{_LEFT_OUT.sub('', finding.message).removesuffix('.')}. It is used, as you said."


def surprises(schema: Schema, told: set[str], given: Mapping[str, str]) -> list[str]:
    """Return a line for each column that is no plain number or category, with the reason; of many, the first.

    Parameters
    ----------
    schema : Schema
    told : set of str
        Columns of which something was said already.
    given : mapping
        The roles that the user fixed: no surprise.
    """
    found = [one for one in schema.columns if one.name not in told | set(given) and _is_surprising(one)]
    lines = [f"column {one.name!r} is taken as {one.reason}" for one in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN} more columns that are no plain numbers or categories")
    return lines


def _is_surprising(column: Column) -> bool:
    if column.role is Role.TARGET:
        return False
    return column.role not in PLAIN_ROLES or column.parse.get("how") not in PLAIN_FORMS
