"""What every transformer here shares: scikit-learn's manners without importing it, and how it reads a matrix."""

from collections.abc import Sequence
from inspect import signature
from typing import Any, Self

import numpy as np
from scipy import sparse

from tamis.core.errors import DataError, ParameterError

Matrix = Any
"""A float array of shape (n_rows, n_columns), or the same as scipy CSR."""

LIMIT = 1e30
"""Larger magnitudes are cut to it: its square is still a double, and it is itself still a single."""


class Transformer:
    """Be cloned, printed and put into pipelines like any transformer of scikit-learn.

    The constructor of a subclass only stores its parameters; what `fit` learns is plain attributes that end in an
    underscore, `n_features_in_` among them.
    """

    n_features_in_: int

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return [name for name in signature(cls).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the constructor; `deep` adds those of the estimators among them."""
        found: dict[str, Any] = {name: getattr(self, name) for name in self._parameter_names()}
        if deep:
            for name, value in list(found.items()):
                if hasattr(value, "get_params"):
                    found |= {f"{name}__{inner}": one for inner, one in value.get_params().items()}
        return found

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters by name.

        Raises
        ------
        ParameterError
            Where the constructor has no such parameter.
        """
        known = self._parameter_names()
        for name, value in parameters.items():
            owner, _, inner = name.partition("__")
            if owner not in known:
                raise ParameterError(f"{type(self).__name__} has no parameter {name!r}; it has: {', '.join(known)}.")
            if inner:
                getattr(self, owner).set_params(**{inner: value})
            else:
                setattr(self, name, value)
        return self

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn from the training rows."""
        raise NotImplementedError

    def transform(self, X: Matrix) -> Matrix:
        """Return the new columns of the rows."""
        raise NotImplementedError

    def fit_transform(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Matrix:
        """Learn from the training rows and return their new columns."""
        return self.fit(X, y, sample_weight).transform(X)

    def read(self, X: Matrix) -> Matrix:
        """Return `X` as a bounded float64 matrix, remembering its width at first and checking it later.

        Raises
        ------
        DataError
            Where the width is not the one `fit` saw.
        """
        values = bounded(X)
        self.check_width(values)
        return values

    def check_width(self, values: Matrix) -> None:
        """Refuse another count of columns than `fit` saw."""
        expected = getattr(self, "n_features_in_", values.shape[1])
        if values.shape[1] != expected:
            raise DataError(
                f"{type(self).__name__} was fitted on {expected} columns and got {values.shape[1]}; "
                "give it the columns it was fitted on, in the same order."
            )

    def begin(self, X: Matrix) -> Matrix:
        """Forget an earlier fit and return `X` as a bounded float64 matrix."""
        values = bounded(X)
        self.n_features_in_ = int(values.shape[1])
        return values

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import Tags, TargetTags, TransformerTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=False), transformer_tags=TransformerTags())

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.get_params(deep=False).items())
        return f"{type(self).__name__}({settings})"


def bounded(X: Matrix, limit: float = LIMIT) -> Matrix:
    """Return a float64 copy with every number cut to [-limit, limit]; NaN stays.

    Parameters
    ----------
    X : array-like or scipy sparse matrix of shape (n_rows, n_columns)

    Raises
    ------
    DataError
        Where it does not have two dimensions.

    Examples
    --------
    >>> bounded([[1.0, float("inf")]])
    array([[1.e+00, 1.e+30]])
    """
    if is_sparse(X):
        values = sparse.csr_matrix(X, dtype=np.float64, copy=True)
        np.clip(values.data, -limit, limit, out=values.data)
        return values
    dense = np.asarray(X, dtype=np.float64)
    if dense.ndim != 2:
        raise DataError(f"A transformer needs rows and columns; got an array of {dense.ndim} dimensions.")
    return np.clip(dense, -limit, limit)


def is_sparse(X: Matrix) -> bool:
    """Tell whether it is a sparse matrix of scipy."""
    return bool(sparse.issparse(X))


def dense(X: Matrix) -> np.ndarray:
    """Return an array, whatever the form."""
    return np.asarray(X.toarray() if is_sparse(X) else X)


def column_names(input_features: Sequence[str] | np.ndarray | None, n_columns: int) -> list[str]:
    """Return the names of the incoming columns, `x0`, `x1`, ... where none are given.

    Raises
    ------
    DataError
        Where there are not as many names as columns.
    """
    if input_features is None:
        return [f"x{number}" for number in range(n_columns)]
    if len(input_features) != n_columns:
        raise DataError(
            f"There must be {n_columns} column names, one for each fitted column; got {len(input_features)}."
        )
    return [str(name) for name in input_features]


def as_names(names: Sequence[str]) -> np.ndarray:
    """Return names in the form scikit-learn hands them on."""
    found = np.empty(len(names), dtype=object)
    found[:] = list(names)
    return found


def side_by_side(blocks: Sequence[np.ndarray], n_rows: int) -> np.ndarray:
    """Return blocks of columns as one matrix, also where there are none."""
    return np.hstack([np.empty((n_rows, 0)), *blocks])


def sample_rows(n_rows: int, size: int, seed: int) -> np.ndarray:
    """Return the numbers of at most `size` rows, drawn without replacement, in their order."""
    if n_rows <= size:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, size, replace=False))
