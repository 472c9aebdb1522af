"""Takes what users hand to `fit` and `predict` to rows, a target and weights, with the errors they know."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d, validate_data

from tamis.core.errors import DataError, ParameterError, wrong_choice
from tamis.core.kinds import TaskKind
from tamis.data.frames import to_pandas
from tamis.data.schema import Schema
from tamis.run.limits import cpu_count

COPIES = "copies"
"""In the place of groups: rows that are equal in every feature are one."""


def backbones_named(backbone: Any) -> str | None:
    """Return backbones as the settings hold them: one text, with commas between.

    Examples
    --------
    >>> backbones_named(["small", "resnet18.a1_in1k"])
    'small,resnet18.a1_in1k'
    """
    if backbone is None:
        return None
    if isinstance(backbone, str | os.PathLike):
        return os.fspath(backbone)
    if isinstance(backbone, list | tuple) and all(isinstance(one, str | os.PathLike) for one in backbone):
        return ",".join(os.fspath(one) for one in backbone)
    raise ParameterError(f"The parameter 'backbone' must be a name, a path, or a list of them; got {backbone!r}.")


def cores(n_jobs: Any) -> int:
    """Return the cores that `n_jobs` means, by scikit-learn's convention: None is one, -2 all but one; -1 stays all.

    Raises
    ------
    ParameterError
        Where it is no whole number, or 0.
    """
    if n_jobs is None:
        return 1
    if not isinstance(n_jobs, int) or n_jobs == 0:
        raise ParameterError(
            f"The parameter 'n_jobs' must be a count of cores, -1 (all) or below (-2: all but one); got {n_jobs!r}."
        )
    return n_jobs if n_jobs >= -1 else max(1, cpu_count() + 1 + n_jobs)


def names_given(parameter: str, given: Any) -> tuple[str, ...]:
    """Return a sequence of names; one alone, or several parted by commas, may be a string.

    Examples
    --------
    >>> names_given("exclude", "svm, ridge,")
    ('svm', 'ridge')
    """
    if given is None:
        return ()
    names = given.split(",") if isinstance(given, str) else list(given) if isinstance(given, Iterable) else [given]
    if not all(isinstance(one, str) for one in names):
        raise ParameterError(f"The parameter {parameter!r} must be a sequence of names; got {given!r}.")
    return tuple(one.strip() for one in names if one.strip())


def base_folder(base: Any) -> str | None:
    """Return the folder of an earlier run, given as a path or as the estimator that made it.

    Raises
    ------
    ParameterError
        Where it is neither, or the estimator left no folder.
    """
    if base is None:
        return None
    if isinstance(base, BaseEstimator):
        place = getattr(base, "output", None) or getattr(base, "path", None)
        if place is None:
            raise ParameterError(
                f"The parameter 'base' must lead to an earlier run, and this {type(base).__name__} left no folder; "
                f"name one at its start, {type(base).__name__}(output='my-run'), or save it and give the path."
            )
        base = place
    if not isinstance(base, str | os.PathLike):
        raise ParameterError(f"The parameter 'base' must be a path or a fitted estimator; got {base!r}.")
    return str(Path(base).expanduser().absolute())


def rows_to_learn(estimator: BaseEstimator, X: Any) -> Any:
    """Return the rows as a DataFrame or a CSR matrix; set `n_features_in_` and, for named columns, their names."""
    rows = _table(X)
    validate_data(estimator, X=_named(X, rows), skip_check_array=True)
    if rows.shape[0] < 2:
        raise DataError(
            f"At least two rows are needed to learn and to validate; got n_samples={rows.shape[0]} (1 sample)."
        )
    return rows


def rows_to_predict(estimator: BaseEstimator, X: Any, schema: Schema) -> Any:
    """Return the rows under the names that the model knows.

    Rows for a model of a file's run are found by name, in any order and beside other columns, as the command does it.
    Others must have the columns of fit in their order, as everywhere in scikit-learn.
    """
    rows: Any = _table(X)
    names = input_names(schema)
    if schema.target is not None and _has_names(X):
        return rows
    validate_data(estimator, X=_named(X, rows), reset=False, skip_check_array=True)
    is_sparse = sparse.issparse(rows)
    if schema.sparse:
        return rows if is_sparse else sparse.csr_matrix(rows.to_numpy(dtype=np.float64, na_value=np.nan))
    if is_sparse:
        return pd.DataFrame(rows.toarray(), columns=names)
    return rows if list(rows.columns) == names else rows.set_axis(names, axis=1)


def input_names(schema: Schema) -> list[str]:
    """Return the columns that rows must have, in their order."""
    return [one.name for one in schema.columns if one.name != schema.target]


def given_names(schema: Schema) -> np.ndarray | None:
    """Return the names of the columns, None where they were made up for a table without names."""
    names = input_names(schema)
    for prefix in ("column_", "x", ""):
        if names == [f"{prefix}{index}" for index in range(len(names))]:
            return None
    return np.asarray(names, dtype=object)


def _has_names(X: Any) -> bool:
    return not isinstance(X, np.ndarray | list | tuple) and not sparse.issparse(X)


def _named(X: Any, rows: Any) -> Any:
    """Return the object whose column names count: pandas' may be whole numbers, which are no names."""
    return rows if _has_names(X) and not isinstance(X, pd.DataFrame) else X


def _table(X: Any) -> Any:
    if X is None:
        raise DataError("X must be a table; got None.")
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) == 1:
        raise DataError(
            f"Expected a 2-dimensional table, got an array of shape {shape}. Reshape your data: X.reshape(-1, 1) for "
            "one column, X.reshape(1, -1) for one row."
        )
    return to_pandas(X)


def classes_to_learn(y: Any, owner: str) -> tuple[np.ndarray, TaskKind]:
    """Return a target of classes; rows may lack one (None, NaN).

    Raises
    ------
    DataError
        Where there is a single class, or no target.
    ValueError
        Where the target is continuous, or has several columns.
    """
    target = _column(y, owner)
    known = target[~pd.isna(target)]
    if known.dtype == object:
        known = np.asarray(known.tolist())
    if not len(known):
        raise DataError("Input y contains NaN alone: no row has a class.")
    check_classification_targets(known)
    n_classes = len(np.unique(known))
    if n_classes < 2:
        raise DataError(f"The target must have at least two classes; got one class: {known[:1].tolist()}.")
    return target, TaskKind.BINARY if n_classes == 2 else TaskKind.MULTICLASS


def values_to_learn(y: Any, owner: str) -> np.ndarray:
    """Return a target of numbers, NaN where missing.

    Raises
    ------
    ValueError
        Where it holds texts that are no numbers, or infinite values.
    """
    target = _column(y, owner)
    if target.dtype == object:
        target = np.where(pd.isna(target), np.nan, target)
    found: np.ndarray = check_array(
        target, ensure_2d=False, dtype="numeric", ensure_all_finite="allow-nan", input_name="y"
    )
    return found


def _column(y: Any, owner: str) -> np.ndarray:
    if y is None:
        raise DataError(f"{owner} requires y to be passed, but the target y is None.")
    if hasattr(y, "to_pandas"):
        y = y.to_pandas()
    if isinstance(getattr(y, "dtype", None), pd.api.extensions.ExtensionDtype):
        y = y.to_numpy(dtype=object)  # whole numbers with a missing one among them stay whole
    found: np.ndarray = column_or_1d(y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y), warn=True)
    return found


def are_copies(groups: str) -> bool:
    """Read a word in the place of groups.

    Raises
    ------
    ParameterError
        Where it is none that is known.
    """
    if groups != COPIES:
        raise wrong_choice("groups", groups, (COPIES,))
    return True


def values_along(name: str, values: Any, n_rows: int) -> Any:
    """Return what belongs to each row (groups, times, folds) as an array, None where it is not given.

    Raises
    ------
    DataError
        Where there is not one value for each row.
    """
    if values is None:
        return None
    found = np.asarray(values)
    if found.ndim != 1 or len(found) != n_rows:
        raise DataError(
            f"{name} must have a value for each of the {n_rows} rows of X; got an array of shape {found.shape}."
        )
    return found


def weights_along(weights: Any, n_rows: int) -> np.ndarray | None:
    """Return the weights of the rows, None where all are alike.

    Raises
    ------
    DataError
        Where they are not one number above or at zero for each row, or all are zero.
    """
    if weights is None or (isinstance(weights, int | float) and weights > 0):
        return None
    try:
        found = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"Sample weights must be numbers ({error}).") from error
    if found.ndim != 1:
        raise DataError(f"Sample weights must be 1D array or scalar; got an array of shape {found.shape}.")
    values_along("sample_weight", found, n_rows)
    if not np.isfinite(found).all() or (found < 0).any():
        row = int(np.flatnonzero(~np.isfinite(found) | (found < 0))[0])
        raise DataError(f"Sample weights must be finite and not negative; row {row} has {found[row]}.")
    if not found.any():
        raise DataError("Sample weights must contain at least one non-zero number; all are zero.")
    return None if np.ptp(found) == 0 else found
