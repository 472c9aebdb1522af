"""Puts fewer, or other, columns in the place of many: main directions, random features, merged columns."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, CostEstimate, Shape
from tamis.core.seeds import derive
from tamis.core.space import Choice, Float, Int, Space
from tamis.features.scale import Bounded
from tamis.features.transformer import (
    Matrix,
    Transformer,
    as_names,
    bounded,
    column_names,
    dense,
    is_sparse,
    sample_rows,
)

CLUSTER_ROWS = 5000
"""Clusters of columns are learned from so many rows at most."""


class Projection(Transformer):
    """Standardize the columns, then project them, with no more components than the rows and columns allow.

    Parameters
    ----------
    reducer : scikit-learn transformer
        Its `n_components` (or `n_clusters`) is cut at fit time. A `gamma` is taken per column: it is divided by their
        count.
    label : str
        Names the new columns: `pca_0`, `pca_1`, ...
    bound : {"both", "rows", "columns", "none"}
        What the count of components must not exceed.
    keep : bool
        Hand the incoming columns on in front of the new ones.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> Projection(PCA(10), "pca").fit_transform([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]]).shape
    (3, 2)
    """

    def __init__(self, reducer: Any, label: str = "component", bound: str = "both", keep: bool = False) -> None:
        self.reducer = reducer
        self.label = label
        self.bound = bound
        self.keep = keep

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn scales and directions."""
        from sklearn.base import clone
        from sklearn.preprocessing import StandardScaler

        values = self.begin(X)
        self.scaler_ = Bounded(StandardScaler()).fit(values)
        scaled = self._scaled(values)
        self.reducer_ = clone(self.reducer)
        self.reducer_.set_params(**self._settings(*scaled.shape))
        # One column or one row has no directions to find, and columns without spread none that differ.
        self.passes_ = min(scaled.shape) < 2 or _is_constant(scaled)
        if not self.passes_:
            with np.errstate(all="ignore"):
                self.reducer_.fit(scaled)
        return self

    def _settings(self, n_rows: int, n_columns: int) -> dict[str, Any]:
        settings = self.reducer.get_params(deep=False)
        most = {"both": min(n_rows, n_columns), "rows": n_rows, "columns": n_columns}.get(self.bound)
        cut = {}
        for name in ("n_components", "n_clusters"):
            if most is not None and name in settings:
                cut[name] = max(1, min(settings[name], most))
        if "gamma" in settings:
            cut["gamma"] = settings["gamma"] / n_columns
        return cut

    def _scaled(self, values: Matrix) -> Matrix:
        # Beyond a hundred deviations a value would be alone in its direction.
        return bounded(self.scaler_.transform(values), 100.0)

    def transform(self, X: Matrix) -> Matrix:
        """Return the new columns, behind the incoming ones with `keep`."""
        values = self.read(X)
        scaled = self._scaled(values)
        if self.passes_:
            return values if self.keep else dense(scaled)
        with np.errstate(all="ignore"):
            made = np.nan_to_num(np.asarray(self.reducer_.transform(scaled)))
        if not self.keep:
            return made
        if is_sparse(values):
            return sparse.hstack([values, sparse.csr_matrix(made)], format="csr")
        return np.hstack([values, made])

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `pca_0`."""
        names = column_names(input_features, self.n_features_in_)
        if self.passes_:
            return as_names(names)
        width = len(self.reducer_.get_feature_names_out())
        return as_names([*(names if self.keep else []), *(f"{self.label}_{number}" for number in range(width))])


class Merged(Transformer):
    """Average the columns of each cluster that scikit-learn's FeatureAgglomeration finds.

    Parameters
    ----------
    n_clusters : int
    """

    def __init__(self, n_clusters: int = 20) -> None:
        self.n_clusters = n_clusters

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Cluster the columns on a sample of the rows."""
        from sklearn.cluster import FeatureAgglomeration

        values = self.begin(X)
        rows = sample_rows(len(values), CLUSTER_ROWS, 0)
        self.labels_ = np.asarray(FeatureAgglomeration(self.n_clusters).fit(values[rows]).labels_)
        return self

    def transform(self, X: Matrix) -> np.ndarray:
        """Return one column for each cluster."""
        members = self.labels_[:, None] == np.arange(self.n_clusters)
        return np.asarray(self.read(X) @ (members / members.sum(axis=0)))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return `merged_0`, `merged_1`, ..."""
        return as_names([f"merged_{number}" for number in range(self.n_clusters)])


def _is_constant(scaled: Matrix) -> bool:
    if is_sparse(scaled):
        return not np.any(scaled.data)
    return bool(np.all(scaled == scaled[:1]))


def _pca(parameters: Mapping[str, Any], context: BuildContext) -> Projection:
    from sklearn.decomposition import PCA

    settings, keep = _split({"n_components": 20, "whiten": False, **parameters})
    return Projection(PCA(random_state=_seed(context), **settings), "pca", keep=keep)


def _truncated_svd(parameters: Mapping[str, Any], context: BuildContext) -> Projection:
    from sklearn.decomposition import TruncatedSVD

    settings, keep = _split({"n_components": 50, **parameters})
    return Projection(TruncatedSVD(random_state=_seed(context), **settings), "svd", keep=keep)


def _nystroem(parameters: Mapping[str, Any], context: BuildContext) -> Projection:
    from sklearn.kernel_approximation import Nystroem

    settings, keep = _split({"n_components": 200, "gamma": 1.0, **parameters})
    return Projection(Nystroem(random_state=_seed(context), **settings), "nystroem", "rows", keep)


def _random_fourier(parameters: Mapping[str, Any], context: BuildContext) -> Projection:
    from sklearn.kernel_approximation import RBFSampler

    settings, keep = _split({"n_components": 200, "gamma": 1.0, **parameters})
    return Projection(RBFSampler(random_state=_seed(context), **settings), "fourier", "none", keep)


def _feature_agglomeration(parameters: Mapping[str, Any], context: BuildContext) -> Projection:
    settings, keep = _split({"n_clusters": 20, **parameters})
    return Projection(Merged(**settings), "merged", "columns", keep)


def _split(parameters: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    keep = bool(parameters.pop("keep", False))
    return parameters, keep


def _seed(context: BuildContext) -> int:
    return derive(context.seed, "reduce")


def _cost(
    default: int, seconds: float, *, quadratic: float = 0.0, cubic: float = 0.0, cut: bool = True
) -> CostEstimate:
    """Return an estimate: cells times components, plus squares of the columns and cubes of the components.

    `cut` says that there are no more components than columns.
    """

    def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
        wide = int(parameters.get("n_components", parameters.get("n_clusters", default)))
        cells = shape.rows * shape.columns
        if cut:
            wide = min(wide, shape.rows, shape.columns)
        spent = seconds * cells * shape.density * wide + quadratic * cells * shape.columns + cubic * wide**3
        return Cost(
            2e-3 + 3e-8 * cells * shape.density + spent, 2 + 8e-6 * (5 * cells * shape.density + 3 * shape.rows * wide)
        )

    return cost


def _component(name: str, build: Any, source: str, space: dict[str, Any], cost: CostEstimate, **more: Any) -> Component:
    own = ("tamis.features.reduce.Projection", "tamis.features.scale.Bounded", "tamis.features.reduce.Merged")
    space = {**space, "keep": Choice([False, True])}
    settings: dict[str, Any] = {"takes_weights": False, "classes": own, "source": f"sklearn.{source}", **more}
    return Component(name, ComponentKind.TRANSFORMER, build, space=Space(space), cost=cost, **settings)


_GAMMA = Float(0.01, 10.0, log=True, default=1.0)

COMPONENTS = (
    _component(
        "pca",
        _pca,
        "decomposition.PCA",
        {"n_components": Int(2, 200, log=True, default=20), "whiten": Choice([False, True])},
        _cost(20, 3e-10, quadratic=3e-10),
        summary="main directions of the columns",
    ),
    _component(
        "truncated_svd",
        _truncated_svd,
        "decomposition.TruncatedSVD",
        {"n_components": Int(2, 200, log=True, default=50)},
        _cost(50, 3e-9),
        sparse=True,
        summary="main directions, for sparse columns too",
    ),
    _component(
        "nystroem",
        _nystroem,
        "kernel_approximation.Nystroem",
        {"n_components": Int(50, 1000, log=True, default=200), "gamma": _GAMMA},
        _cost(200, 1e-9, cubic=3e-9, cut=False),
        sparse=True,
        summary="similarity to a sample of the rows",
    ),
    _component(
        "random_fourier",
        _random_fourier,
        "kernel_approximation.RBFSampler",
        {"n_components": Int(50, 1000, log=True, default=200), "gamma": _GAMMA},
        _cost(200, 2e-9, cut=False),
        sparse=True,
        summary="random features of a Gaussian kernel",
    ),
    _component(
        "feature_agglomeration",
        _feature_agglomeration,
        "cluster.FeatureAgglomeration",
        {"n_clusters": Int(2, 100, log=True, default=20)},
        _cost(20, 0.0, quadratic=4e-10),
        summary="merges columns that go together",
    ),
)
