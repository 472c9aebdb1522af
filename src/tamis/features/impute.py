"""Fills what is missing with a number learned from the training rows, and can mark where it was missing."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.errors import wrong_choice
from tamis.core.space import Choice, Space
from tamis.features.transformer import Matrix, Transformer, as_names, column_names, is_sparse

STRATEGIES = ("mean", "median", "most_frequent", "constant")


class Impute(Transformer):
    """Fill NaN by column; a column without any value becomes zeros (or the constant).

    Parameters
    ----------
    strategy : {"mean", "median", "most_frequent", "constant"}
    indicator : bool
        Add a column of 0 and 1 for every column in which the training rows have a gap.
    fill_value : float
        The constant.

    Examples
    --------
    >>> Impute("mean", indicator=True).fit_transform([[1.0], [float("nan")], [3.0]])
    array([[1., 0.],
           [2., 1.],
           [3., 0.]])
    """

    def __init__(self, strategy: str = "mean", indicator: bool = False, fill_value: float = 0.0) -> None:
        self.strategy = strategy
        self.indicator = indicator
        self.fill_value = fill_value

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn what to fill in.

        Raises
        ------
        ParameterError
            Where the strategy is none of the four.
        """
        from sklearn.impute import SimpleImputer

        if self.strategy not in STRATEGIES:
            raise wrong_choice("strategy", self.strategy, STRATEGIES)
        values = self.begin(X)
        imputer = SimpleImputer(strategy=self.strategy, fill_value=self.fill_value, keep_empty_features=True)
        self.fills_ = np.nan_to_num(np.asarray(imputer.fit(values).statistics_, dtype=np.float64))
        self.gaps_ = np.flatnonzero(_gaps(values)) if self.indicator else np.empty(0, dtype=np.intp)
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Return the columns without gaps, then the indicators."""
        values = self.read(X)
        marks = values[:, self.gaps_]
        if is_sparse(values):
            marks.data = np.isnan(marks.data).astype(np.float64)
            values.data = np.where(np.isnan(values.data), self.fills_[values.indices], values.data)
            return sparse.hstack([values, marks], format="csr") if len(self.gaps_) else values
        filled = np.where(np.isnan(values), self.fills_, values)
        return np.hstack([filled, np.isnan(marks)]) if len(self.gaps_) else filled

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return the incoming names, then `age=missing` for the indicators."""
        names = column_names(input_features, self.n_features_in_)
        return as_names([*names, *(f"{names[number]}=missing" for number in self.gaps_)])


def _gaps(values: Matrix) -> np.ndarray:
    """Tell for each column whether it has a gap."""
    if is_sparse(values):
        return np.bincount(values.indices[np.isnan(values.data)], minlength=values.shape[1]) > 0
    return np.isnan(values).any(axis=0)


def _build(parameters: Mapping[str, Any], context: BuildContext) -> Impute:
    return Impute(**parameters)


def _cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    cells = shape.rows * shape.columns * shape.density
    per_cell = {"median": 5e-8, "most_frequent": 2e-7}.get(str(parameters.get("strategy")), 3e-8)
    return Cost(1e-3 + per_cell * cells, 1 + 4 * 8e-6 * cells)


COMPONENTS = (
    Component(
        name="impute",
        kind=ComponentKind.TRANSFORMER,
        build=_build,
        space=Space({"strategy": Choice(list(STRATEGIES), default="mean"), "indicator": Choice([False, True])}),
        cost=_cost,
        sparse=True,
        missing=True,
        takes_weights=False,
        classes=("tamis.features.impute.Impute",),
        source="tamis.features.impute.Impute",
        summary="fills missing values by column",
    ),
)
