"""Takes dates apart: calendar parts, cycles, age, and the time between two dates of a row."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Self

import numpy as np

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.kinds import Role
from tamis.core.space import Choice, Space
from tamis.features.transformer import Matrix, Transformer, as_names, column_names, dense

DAY = 86400.0
FIRST, LAST = -62_135_596_800.0, 253_402_300_799.0
"""The seconds of the years 1 and 9999: what lies beyond is cut to them."""
CYCLES = {"month": 12.0, "weekday": 7.0, "day_of_year": 365.25, "hour": 24.0, "minute": 60.0}
"""Parts that begin anew, and after how many."""


class DateParts(Transformer):
    """Replace each date by its parts; parts that are the same in all training rows are left out.

    Missing dates give missing parts. `age_days` counts from the latest date of the column in the training rows.

    Parameters
    ----------
    cycles : bool
        Add sine and cosine of the parts that begin anew.
    differences : bool
        Add the days between every two date columns of a row.

    Examples
    --------
    >>> import numpy as np
    >>> days = np.array([["1970-01-01"], ["1970-01-04"]], dtype="M8[s]").astype(float)
    >>> parts = DateParts(cycles=False).fit(days)
    >>> list(parts.get_feature_names_out(["sold"]))
    ['sold.day', 'sold.weekday', 'sold.day_of_year', 'sold.is_weekend', 'sold.age_days']
    >>> parts.transform(days)
    array([[1., 3., 1., 0., 3.],
           [4., 6., 4., 1., 0.]])
    """

    def __init__(self, cycles: bool = True, differences: bool = True) -> None:
        self.cycles = cycles
        self.differences = differences

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the latest dates and which parts vary."""
        values = np.clip(dense(self.begin(X)), FIRST, LAST)
        known = ~np.isnan(values)
        self.latest_ = np.where(known.any(axis=0), np.where(known, values, FIRST).max(axis=0, initial=FIRST), 0.0)
        self.kept_: list[list[str]] = []
        for number, column in enumerate(values.T):
            self.kept_.append([name for name, part in self._parts(column, number).items() if _varies(part)])
        pairs = combinations(range(values.shape[1]), 2) if self.differences else ()
        self.pairs_ = [[left, right] for left, right in pairs if _varies(values[:, left] - values[:, right])]
        if not any(self.kept_) and not self.pairs_ and self.kept_:
            self.kept_[0] = ["age_days"]  # a transformer that gives nothing is of no use to what comes after it
        return self

    def _parts(self, column: np.ndarray, number: int, wanted: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        parts = calendar(column)
        parts["age_days"] = (self.latest_[number] - column) / DAY
        if self.cycles:
            for name, length in CYCLES.items():
                angle = parts[name] * (2 * np.pi / length)
                parts |= {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}
        return parts if wanted is None else {name: parts[name] for name in wanted}

    def transform(self, X: Matrix) -> np.ndarray:
        """Return the parts of every column, then the differences in days."""
        values = np.clip(dense(self.read(X)), FIRST, LAST)
        found: list[np.ndarray] = []
        for number, (column, kept) in enumerate(zip(values.T, self.kept_, strict=True)):
            found.extend(self._parts(column, number, kept).values() if kept else ())
        found.extend((values[:, left] - values[:, right]) / DAY for left, right in self.pairs_)
        return np.column_stack(found) if found else np.empty((len(values), 0))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `sold.month_sin` and `sold-bought days`."""
        names = column_names(input_features, self.n_features_in_)
        parts = [f"{name}.{part}" for name, kept in zip(names, self.kept_, strict=True) for part in kept]
        return as_names([*parts, *(f"{names[left]}-{names[right]} days" for left, right in self.pairs_)])


def calendar(seconds: np.ndarray) -> dict[str, np.ndarray]:
    """Return the calendar parts of seconds since 1970 (UTC, Monday is weekday 0), NaN where missing.

    Parameters
    ----------
    seconds : ndarray of shape (n_rows,)
        Between `FIRST` and `LAST`.

    Returns
    -------
    dict of ndarray of shape (n_rows,)

    Examples
    --------
    >>> {name: float(part[0]) for name, part in calendar(np.array([90061.0])).items()}
    {'year': 1970.0, 'month': 1.0, 'day': 2.0, 'weekday': 4.0, 'day_of_year': 2.0, 'hour': 1.0, 'minute': 1.0, \
'is_weekend': 0.0}
    """
    gap = np.isnan(seconds)
    whole = np.floor(np.where(gap, 0.0, seconds)).astype(np.int64)
    days = whole // 86400
    date = days.astype("M8[D]")
    years, months = date.astype("M8[Y]"), date.astype("M8[M]")
    weekday = (days + 3) % 7
    parts = {
        "year": years.astype(np.int64) + 1970,
        "month": months.astype(np.int64) % 12 + 1,
        "day": (date - months.astype("M8[D]")).astype(np.int64) + 1,
        "weekday": weekday,
        "day_of_year": (date - years.astype("M8[D]")).astype(np.int64) + 1,
        "hour": whole % 86400 // 3600,
        "minute": whole % 3600 // 60,
        "is_weekend": weekday >= 5,
    }
    return {name: np.where(gap, np.nan, part) for name, part in parts.items()}


def _varies(part: np.ndarray) -> bool:
    known = part[~np.isnan(part)]
    return bool(len(known) and np.ptp(known) > 1e-9)


def _build(parameters: Mapping[str, Any], context: BuildContext) -> DateParts:
    return DateParts(**parameters)


def _cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    cells = shape.rows * shape.columns
    pairs = shape.columns * (shape.columns - 1) / 2 if parameters.get("differences", True) else 0
    return Cost(1e-3 + 1.5e-6 * cells + 4e-8 * shape.rows * pairs, 1 + 8e-6 * (40 * cells + 2 * shape.rows * pairs))


COMPONENTS = (
    Component(
        name="date_parts",
        kind=ComponentKind.TRANSFORMER,
        build=_build,
        space=Space({"cycles": Choice([True, False]), "differences": Choice([True, False])}),
        roles=frozenset({Role.DATE}),
        cost=_cost,
        missing=True,
        takes_weights=False,
        classes=("tamis.features.dates.DateParts",),
        source="tamis.features.dates.DateParts",
        summary="calendar parts, cycles, age, and days between dates",
    ),
)
