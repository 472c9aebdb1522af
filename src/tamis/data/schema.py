"""Says what every column of a table is for, and turns frames into the prepared form accordingly."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from tamis.core.errors import DataError
from tamis.core.kinds import CODE_ROLES, Role
from tamis.data import convert, notation
from tamis.data.image_files import resolved
from tamis.data.table import Table

BESIDE_ROLES = frozenset({Role.TEXT, Role.IMAGE})
"""The roles of columns that stand beside the matrix, as strings."""


@dataclass(frozen=True)
class Output:
    """One feature that a column gives."""

    name: str
    role: Role
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """What one column is for, why, and how its cells are read."""

    name: str
    role: Role
    reason: str = ""
    """In plain words."""
    levels: tuple[str, ...] = ()
    """For code roles: the level that each code stands for, in natural order."""
    parse: Mapping[str, Any] = field(default_factory=dict)
    """The recipe (`tamis.data.convert`) that turns raw cells into numbers; JSON values."""
    missing: float = 0.0
    """Share of the cells that hold no value."""
    n_unique: int = 0
    """How many different values there are, the missing one aside."""
    examples: tuple[str, ...] = ()

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """The features it gives: mostly one, none where models do not learn from it.

        Examples
        --------
        >>> torque = Column("torque", Role.NUMERIC, parse={"how": "embedded number", "parts": 2})
        >>> [one.name for one in torque.outputs]
        ['torque[1]', 'torque[2]']
        """
        if not self.role.is_feature:
            return ()
        if self.role in CODE_ROLES or self.role in BESIDE_ROLES:
            return (Output(self.name, self.role, self.levels),)
        units = tuple(self.parse.get("units") or ())
        n_numbers = convert.n_values(self.parse) - bool(units)
        if self.parse["how"] == "fraction" and n_numbers > 1:
            names = [self.name, *(f"{self.name}[{part}]" for part in range(1, n_numbers))]
        elif n_numbers > 1:
            names = [f"{self.name}[{part}]" for part in range(1, n_numbers + 1)]
        else:
            names = [self.name]
        unit = (Output(f"{self.name}[unit]", Role.CATEGORICAL, units),) if units else ()
        return tuple(Output(name, self.role) for name in names) + unit

    def read(self, cells: pd.Series) -> np.ndarray:
        """Return the cells as numbers of shape (n_rows, n_outputs).

        Those of a text are strings of shape (n_rows,), those of an image the paths of their files.
        """
        if self.role is Role.TEXT:
            return convert.to_texts(cells)
        if self.role is Role.IMAGE:
            return resolved(cells, self.parse)
        if self.role in CODE_ROLES:
            return convert.encode(cells, self.levels)[:, None]
        return convert.to_values(cells, self.parse)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        record = asdict(self)
        record.update(role=str(self.role), levels=list(self.levels), examples=list(self.examples))
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Column":
        """Read what `to_json` wrote."""
        lists = {name: tuple(record[name]) for name in ("levels", "examples")}
        return cls(**{**record, **lists, "role": Role(record["role"])})


@dataclass(frozen=True)
class Schema:
    """The columns of a table and how they become features."""

    columns: tuple[Column, ...]
    target: str | None = None
    sparse: bool = False
    """Whether rows come as scipy CSR; the columns then stand in the order of the matrix."""
    notes: tuple[str, ...] = ()
    """What a user should know: names that look like groups, weights or times, dates that can be read in two ways."""

    def __getitem__(self, name: str) -> Column:
        """Return one column by name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """The columns that models learn from."""
        return tuple(column for column in self.columns if column.role.is_feature)

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """The features of the prepared form: numbers in the order of the table's matrix, then texts and images."""
        every = [output for column in self.features for output in column.outputs]
        return tuple(sorted(every, key=lambda output: output.role in BESIDE_ROLES))

    def with_role(self, role: Role) -> tuple[Column, ...]:
        """Return the columns of one role."""
        return tuple(column for column in self.columns if column.role is role)

    def without(self, names: Iterable[str]) -> "Schema":
        """Return the schema with some columns no longer used."""
        left_out = set(names)
        columns = (
            replace(one, role=Role.IGNORED, reason=f"left out; it was {one.role}: {one.reason}", levels=())
            if one.name in left_out
            else one
            for one in self.columns
        )
        return replace(self, columns=tuple(columns))

    def apply(self, frame: pd.DataFrame) -> Table:
        """Turn a frame into the prepared form, the same at fit and at predict.

        Columns are found by name; those that the schema does not know are ignored. A level that was not there when the
        schema was made, and a cell that is not what the column holds, is missing.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, any)

        Returns
        -------
        Table

        Raises
        ------
        DataError
            Where a feature's column is missing; it names the nearest that is there.

        Examples
        --------
        >>> schema = Schema((Column("size", Role.NUMERIC, parse={"how": "number"}),))
        >>> schema.apply(pd.DataFrame({"colour": ["red"], "size": ["3.5"]})).values
        array([[3.5]])
        """
        found = self._find(frame)
        numbers = [output for output in self.outputs if output.role not in BESIDE_ROLES]
        values = np.empty((len(frame), len(numbers)))
        beside: dict[Role, dict[str, np.ndarray]] = {role: {} for role in BESIDE_ROLES}
        start = 0
        for column in self.features:
            read = column.read(frame.iloc[:, found[column.name]])
            if column.role in BESIDE_ROLES:
                beside[column.role][column.name] = read
            else:
                values[:, start : start + read.shape[1]] = read
                start += read.shape[1]
        names, roles = tuple(one.name for one in numbers), tuple(one.role for one in numbers)
        return Table(names, roles, values, beside[Role.TEXT], beside[Role.IMAGE])

    def apply_sparse(self, matrix: Any) -> Table:
        """Turn a sparse matrix into the prepared form; its columns must be those of fit, in the same order.

        Raises
        ------
        DataError
            Where the count of columns differs.
        """
        if matrix.shape[1] != len(self.columns):
            raise DataError(f"The sparse table must have {len(self.columns)} columns; got {matrix.shape[1]}.")
        kept = np.array([index for index, one in enumerate(self.columns) if one.role.is_feature], dtype=np.intp)
        rows = sparse.csr_matrix(matrix, dtype=np.float64)
        rows = rows if len(kept) == matrix.shape[1] else rows[:, kept]
        if not np.isfinite(rows.data).all():
            rows = sparse.csr_matrix(
                (np.where(np.isfinite(rows.data), rows.data, np.nan), rows.indices, rows.indptr), rows.shape
            )
        return Table(tuple(one.name for one in self.features), tuple(one.role for one in self.features), rows)

    def special(self, frame: pd.DataFrame, role: Role) -> np.ndarray | None:
        """Return what a column that is no feature says of the rows, None where no column has the role.

        Returns
        -------
        ndarray of shape (n_rows,) or None
            Whole numbers for a group or a fold, float64 for a weight or a time (seconds where it is a date).

        Raises
        ------
        DataError
            Where a cell is missing: every row needs a group, a fold, a weight and a time.
        """
        columns = self.with_role(role)
        if not columns or self._position(frame, columns[0].name) is None:
            return None
        column = columns[0]
        cells = frame.iloc[:, self._find(frame, columns)[column.name]]
        if role is Role.GROUP:
            return convert.group_codes(cells)
        values = convert.to_values(cells, column.parse)[:, 0]
        if np.isnan(values).any():
            row = int(np.flatnonzero(np.isnan(values))[0])
            raise DataError(
                f"Every row needs a value in the {role} column {column.name!r}; row {row} has {cells.iloc[row]!r}. "
                "Fill it or leave the row out."
            )
        return values.astype(np.int64) if role is Role.FOLD else values

    def problems(self, frame: pd.DataFrame) -> list[str]:
        """Say what of a frame is not as it was when the schema was made, a line each; empty where all is well."""
        found, lines = self._find(frame), []
        for column in self.features:
            cells = frame.iloc[:, found[column.name]]
            if column.role in BESIDE_ROLES or not len(cells):
                continue
            if convert.is_plain_number(cells) and column.role not in CODE_ROLES:
                lines += self._infinite(column.name, cells)
                continue
            codes, levels = convert.factorize(cells)
            unread = np.isnan(column.read(cells)).all(axis=1) & (codes >= 0)
            if column.role not in CODE_ROLES:
                none = notation.stands_for_missing(levels) | np.isin(levels, column.parse.get("missing", []))
                unread &= ~np.append(none | notation.stands_for_no_date(pd.Series(levels, dtype=object)), False)[codes]
            if count := int(unread.sum()):
                what = "hold a level that was not seen before" if column.role in CODE_ROLES else f"are no {column.role}"
                lines.append(
                    f"{count:,} of {len(cells):,} cells of {column.name!r} {what} (such as "
                    f"{levels[codes[np.argmax(unread)]]!r}) and are taken as missing."
                )
        return lines

    @staticmethod
    def _infinite(name: str, cells: pd.Series) -> list[str]:
        if not pd.api.types.is_float_dtype(cells.dtype):
            return []
        count = int(np.isinf(cells.to_numpy(np.float64, na_value=np.nan)).sum())
        return (
            [f"{count:,} of {len(cells):,} cells of {name!r} are infinite and are taken as missing."] if count else []
        )

    def _position(self, frame: pd.DataFrame, name: str) -> int | None:
        return self._places(frame).get(name)

    @staticmethod
    def _places(frame: pd.DataFrame) -> dict[str, int]:
        return {str(name): index for index, name in reversed(list(enumerate(frame.columns)))}

    def _find(self, frame: pd.DataFrame, columns: Iterable[Column] | None = None) -> dict[str, int]:
        wanted = self.features if columns is None else tuple(columns)
        places = self._places(frame)
        lacking = [one.name for one in wanted if one.name not in places]
        if lacking:
            near = get_close_matches(lacking[0], places, n=1)
            hint = f" The nearest that is there is {near[0]!r}." if near else ""
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise DataError(f"The table must have the column {lacking[0]!r}{more}; it has not.{hint}")
        return {one.name: places[one.name] for one in wanted}

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        columns = [column.to_json() for column in self.columns]
        return {"columns": columns, "target": self.target, "sparse": self.sparse, "notes": list(self.notes)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Schema":
        """Read what `to_json` wrote."""
        columns = tuple(Column.from_json(one) for one in record["columns"])
        return cls(columns, record["target"], record["sparse"], tuple(record["notes"]))
