"""Brings numeric columns to one scale, and to shapes that linear models and networks can use."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, CostEstimate, Shape, negligible
from tamis.core.seeds import derive
from tamis.core.space import Choice, Int, Space
from tamis.features.transformer import (
    LIMIT,
    Matrix,
    Transformer,
    as_names,
    bounded,
    column_names,
    is_sparse,
    sample_rows,
    side_by_side,
)

QUANTILE_ROWS = 200_000
"""Quantiles are taken from so many rows at most."""


class Bounded(Transformer):
    """Put a scikit-learn scaler to work on numbers of any magnitude; NaN passes through where the scaler lets it.

    Parameters
    ----------
    scaler : scikit-learn transformer
        Keeps the count of columns. It is cloned, and centring is left out for sparse input.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> Bounded(StandardScaler()).fit_transform([[1.0], [3.0]])
    array([[-1.],
           [ 1.]])
    """

    def __init__(self, scaler: Any) -> None:
        self.scaler = scaler

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit a clone of the scaler."""
        from sklearn.base import clone

        values = self.begin(X)
        values = _with_empty_as_zero(values)
        settings = self.scaler.get_params(deep=False)
        self.scaler_ = clone(self.scaler)
        if is_sparse(values) and "with_mean" in settings:
            self.scaler_.set_params(with_mean=False)
        with np.errstate(all="ignore"):
            self.scaler_.fit(values)
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Return the scaled columns."""
        with np.errstate(all="ignore"):
            return bounded(self.scaler_.transform(self.read(X)))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return the incoming names."""
        return as_names(column_names(input_features, self.n_features_in_))


def _with_empty_as_zero(values: Matrix) -> Matrix:
    """Return a matrix in which columns without any value are zeros, so that there is something to fit."""
    return values if is_sparse(values) else np.where(np.isnan(values).all(axis=0), 0.0, values)


class RobustScale(Transformer):
    """Subtract the median, divide by the interquartile range, and bend outliers towards +-3.

    The recipe of RealMLP (Holzmüller, Grinsztajn and Steinwart, 2024, "Better by default"): where the quartiles are
    equal the half range stands in, constant columns become zeros, and the smooth clip is x / sqrt(1 + (x / 3)^2).

    Parameters
    ----------
    smooth_clip : bool

    Examples
    --------
    >>> RobustScale(smooth_clip=False).fit_transform([[0.0], [1.0], [2.0]]).ravel()
    array([-1.,  0.,  1.])
    """

    def __init__(self, smooth_clip: bool = True) -> None:
        self.smooth_clip = smooth_clip

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn medians and ranges."""
        values = self.begin(X)
        low, q1, median, q3, high = column_quantiles(values, [0.0, 0.25, 0.5, 0.75, 1.0])
        width = np.where(q3 > q1, q3 - q1, (high - low) / 2)
        self.center_ = median
        self.factor_ = np.divide(1.0, width, out=np.zeros_like(width), where=width > 1e-12 * np.abs(median))
        return self

    def transform(self, X: Matrix) -> np.ndarray:
        """Return the scaled columns."""
        scaled = np.clip((self.read(X) - self.center_) * self.factor_, -LIMIT, LIMIT)
        return scaled / np.sqrt(1 + (scaled / 3) ** 2) if self.smooth_clip else scaled

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return the incoming names."""
        return as_names(column_names(input_features, self.n_features_in_))


class QuantileNormal(Transformer):
    """Give each number the place in a normal distribution that it has among the training rows.

    Unlike scikit-learn's QuantileTransformer it works on columns of any unit, and its outermost values are those that a
    normal sample of as many rows has.

    Parameters
    ----------
    n_quantiles : int
        Between which it interpolates, at most as many as rows.
    seed : int
        Draws the rows that quantiles of large tables are taken from.

    Examples
    --------
    >>> QuantileNormal().fit_transform([[1e-9], [2e-9], [5.0]]).round(2).ravel()
    array([-0.97,  0.  ,  0.97])
    """

    def __init__(self, n_quantiles: int = 1000, seed: int = 0) -> None:
        self.n_quantiles = n_quantiles
        self.seed = seed

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the quantiles."""
        values = self.begin(X)
        rows = sample_rows(len(values), QUANTILE_ROWS, self.seed)
        self.shares_ = np.linspace(0, 1, max(2, min(self.n_quantiles, len(rows))))
        self.quantiles_ = column_quantiles(values[rows], self.shares_)
        self.edge_ = 0.5 / max(1, len(rows))
        return self

    def transform(self, X: Matrix) -> np.ndarray:
        """Return the places."""
        from scipy.special import ndtri

        values = self.read(X)
        made = np.empty_like(values)
        for number, (column, quantiles) in enumerate(zip(values.T, self.quantiles_.T, strict=True)):
            # What several quantiles share gets the middle of its places: one way finds the last, one the first.
            up = np.interp(column, quantiles, self.shares_)
            down = np.interp(-column, -quantiles[::-1], 1 - self.shares_[::-1])
            made[:, number] = ndtri(np.clip((up + 1 - down) / 2, self.edge_, 1 - self.edge_))
        return made

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return the incoming names."""
        return as_names(column_names(input_features, self.n_features_in_))


class PowerNormal(Transformer):
    """Make columns more normal by a power, after bringing them to a scale on which powers cannot overflow.

    The power is Yeo and Johnson's (2000), fitted by scikit-learn. Each column is first shifted by its lowest percentile
    and divided by its interquartile range, because the fit fails on columns far from zero.
    """

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn scales and powers."""
        from sklearn.preprocessing import PowerTransformer

        values = self.begin(X)
        low, q1, q3, high = column_quantiles(values, [0.01, 0.25, 0.75, 0.99])
        width = np.where(q3 > q1, q3 - q1, high - low)
        self.center_ = low
        self.factor_ = np.divide(1.0, width, out=np.zeros_like(width), where=width > 1e-12 * np.abs(low))
        self.top_ = np.minimum((high - low) * self.factor_ * 2 + 1, 1e4)
        self.power_ = PowerTransformer()
        with np.errstate(all="ignore"):
            self.power_.fit(self._scaled(_with_empty_as_zero(values)))
        return self

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        return np.clip((values - self.center_) * self.factor_, -self.top_, self.top_)

    def transform(self, X: Matrix) -> np.ndarray:
        """Return the columns, more normal, of mean 0 and variance 1 on the training rows."""
        values = self.read(X)
        with np.errstate(all="ignore"):
            made = self.power_.transform(self._scaled(values))
        return np.where(np.isnan(values), np.nan, np.nan_to_num(np.clip(made, -20, 20)))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return the incoming names."""
        return as_names(column_names(input_features, self.n_features_in_))


class Splines(Transformer):
    """Replace each column by a few B-splines, so that a linear model can bend.

    Knots lie at quantiles of the robustly scaled column; where those coincide they are spread evenly.

    Parameters
    ----------
    n_knots : int
        At least 2.
    degree : int
    """

    def __init__(self, n_knots: int = 5, degree: int = 3) -> None:
        self.n_knots = n_knots
        self.degree = degree

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn scales and knots."""
        values = self.begin(X)
        self.robust_ = RobustScale().fit(values)
        scaled = self.robust_.transform(values)
        shares = np.linspace(0, 1, self.n_knots)
        self.knots_ = [_rising(column) for column in column_quantiles(scaled, shares).T]
        return self

    def transform(self, X: Matrix) -> np.ndarray:
        """Return the splines of every column side by side; beyond the outer knots they stay what they are there."""
        scaled = self.robust_.transform(self.read(X))
        columns = zip(scaled.T, self.knots_, strict=True)
        return side_by_side([self._basis(column, knots) for column, knots in columns], len(scaled))

    def _basis(self, column: np.ndarray, knots: np.ndarray) -> np.ndarray:
        from scipy.interpolate import BSpline

        beyond = np.arange(1, self.degree + 1)
        before = knots[0] - beyond[::-1] * (knots[1] - knots[0])
        after = knots[-1] + beyond * (knots[-1] - knots[-2])
        inside = np.clip(column, knots[0], knots[-1])
        basis = BSpline.design_matrix(inside, np.concatenate([before, knots, after]), self.degree).toarray()
        # The splines add up to 1: the last one is what a model's intercept and the others say already.
        return np.asarray(basis[:, :-1])

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `age.spline_0`."""
        names = column_names(input_features, self.n_features_in_)
        width = self.n_knots + self.degree - 2
        return as_names([f"{name}.spline_{number}" for name in names for number in range(width)])


def _rising(knots: np.ndarray) -> np.ndarray:
    """Return knots that rise strictly."""
    if np.all(np.diff(knots) > 1e-6):
        return knots
    low, high = knots[0], knots[-1]
    return np.linspace(low, high, len(knots)) if high - low > 1e-3 else low + np.linspace(-0.5, 0.5, len(knots))


def column_quantiles(values: np.ndarray, shares: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return quantiles of every column over the values that are there, 0 where there are none.

    Returns
    -------
    ndarray of shape (n_shares, n_columns)
    """
    found = np.zeros((len(shares), values.shape[1]))
    for number, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if len(known):
            found[:, number] = np.quantile(known, shares)
    return found


def _standardize(parameters: Mapping[str, Any], context: BuildContext) -> Bounded:
    from sklearn.preprocessing import StandardScaler

    return Bounded(StandardScaler(**parameters))


def _minmax(parameters: Mapping[str, Any], context: BuildContext) -> Bounded:
    from sklearn.preprocessing import MinMaxScaler

    return Bounded(MinMaxScaler(**{"clip": True, **parameters}))


def _quantile_normal(parameters: Mapping[str, Any], context: BuildContext) -> QuantileNormal:
    return QuantileNormal(**{"seed": derive(context.seed, "quantiles"), **parameters})


def _robust_scale(parameters: Mapping[str, Any], context: BuildContext) -> RobustScale:
    return RobustScale(**parameters)


def _power(parameters: Mapping[str, Any], context: BuildContext) -> PowerNormal:
    return PowerNormal()


def _spline(parameters: Mapping[str, Any], context: BuildContext) -> Splines:
    return Splines(**parameters)


def _per_cell(seconds: float, copies: float = 4, per_column: float = 0.0) -> CostEstimate:
    """Return an estimate for work in proportion to the cells; `copies` counts the float64 copies that live at once."""

    def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
        cells = shape.rows * shape.columns
        return Cost(2e-3 + seconds * cells + per_column * shape.columns, 1 + copies * 8e-6 * cells)

    return cost


def _scaler(name: str, build: Any, own: str, source: str, summary: str, **more: Any) -> Component:
    classes = tuple(f"tamis.features.scale.{one}" for one in own.split())
    kind = ComponentKind.TRANSFORMER
    settings = {"missing": True, "takes_weights": False, **more}
    return Component(name, kind, build, classes=classes, source=source, summary=summary, **settings)


COMPONENTS = (
    _scaler(
        "standardize",
        _standardize,
        "Bounded",
        "sklearn.preprocessing.StandardScaler",
        "subtracts the mean and divides by the standard deviation",
        sparse=True,
        cost=negligible,
    ),
    _scaler(
        "robust_scale",
        _robust_scale,
        "RobustScale",
        "tamis.features.scale.RobustScale",
        "median and quartiles, outliers bent inwards",
        space=Space({"smooth_clip": Choice([True, False])}),
        cost=_per_cell(6e-8),
    ),
    _scaler(
        "quantile_normal",
        _quantile_normal,
        "QuantileNormal",
        "tamis.features.scale.QuantileNormal",
        "maps ranks to a normal distribution",
        space=Space({"n_quantiles": Int(50, 2000, log=True, default=1000)}),
        cost=_per_cell(3e-7, per_column=1.5e-3),
    ),
    _scaler(
        "power",
        _power,
        "PowerNormal",
        "tamis.features.scale.PowerNormal",
        "Yeo and Johnson's power, safe against overflow",
        cost=_per_cell(2e-6, per_column=1e-2),
    ),
    _scaler(
        "minmax",
        _minmax,
        "Bounded",
        "sklearn.preprocessing.MinMaxScaler",
        "brings columns to [0, 1]",
        cost=negligible,
    ),
    _scaler(
        "spline",
        _spline,
        "Splines RobustScale",
        "tamis.features.scale.Splines",
        "B-splines of every column, for linear models",
        space=Space({"n_knots": Int(3, 10, default=5), "degree": Choice([1, 2, 3], default=3, ordered=True)}),
        missing=False,
        cost=_per_cell(8e-7, copies=20),
    ),
)
