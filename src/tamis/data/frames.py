"""Takes whatever a user holds a table in (pandas, polars, Arrow, arrays, lists, sparse matrices) to a pandas frame."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from tamis.core.errors import DataError
from tamis.data.sources.formats import frame_of
from tamis.data.sources.typed import unique_names

ACCEPTED = "a data frame (pandas, polars, Arrow), an array, a list of rows or a SciPy sparse matrix"


def to_pandas(obj: Any, names: Sequence[Any] | None = None) -> "pd.DataFrame | sparse.csr_matrix | sparse.csr_array":
    """Turn a table of any kind into a pandas frame.

    Parameters
    ----------
    obj : object
        A pandas, polars or other frame that narwhals knows or that speaks Arrow's or the dataframe protocol; an Arrow
        table; a NumPy array of one or two dimensions or with fields; a list of rows, of dictionaries or of values; a
        SciPy sparse matrix.
    names : sequence, optional
        Names of the columns, where the object has none of its own.

    Returns
    -------
    pandas.DataFrame or scipy.sparse CSR
        Names are strings, no two alike; the types of pandas' columns stay. Sparse input stays sparse.

    Raises
    ------
    DataError
        Where the object is no table: too many dimensions, complex numbers, no rows or no columns.

    Examples
    --------
    >>> to_pandas([[1, "a"], [2, "b"]]).columns.tolist()
    ['column_0', 'column_1']
    """
    if sparse.issparse(obj):
        return _sparse(obj)
    frame = _frame(obj, names)
    _refuse_complex(frame)
    _refuse_empty(frame)
    fresh = unique_names(names if names is not None else frame.columns)
    if len(fresh) != frame.shape[1]:
        raise DataError(f"'names' must hold {frame.shape[1]} names, one for each column; got {len(fresh)}.")
    if list(frame.columns) != fresh:
        frame = frame.set_axis(fresh, axis=1)
    return frame


def _frame(obj: Any, names: Sequence[Any] | None) -> pd.DataFrame:
    if isinstance(obj, pd.DataFrame):
        return obj
    if isinstance(obj, pd.Series):
        return obj.to_frame(obj.name if obj.name is not None else "column_0")
    if isinstance(obj, np.ndarray | np.generic):
        return _from_array(np.asarray(obj))
    if isinstance(obj, dict):
        return _from_mapping(obj)
    if isinstance(obj, list | tuple):
        return _from_list(obj)
    if isinstance(obj, str | bytes):
        raise DataError(f"The table must be {ACCEPTED}; got a string ({obj[:40]!r}). Read a file with read_table.")
    return _from_foreign(obj)


def _sparse(obj: Any) -> Any:
    if obj.ndim != 2:
        raise DataError(f"A sparse matrix must have 2 dimensions; got {obj.ndim}.")
    if 0 in obj.shape:
        raise DataError(f"Found an array with shape {obj.shape}; at least one row and one column are needed.")
    if np.iscomplexobj(obj) or obj.dtype == object:
        raise DataError(f"Complex data not supported: a sparse matrix must hold real numbers; got {obj.dtype}.")
    return obj.tocsr()


def _from_array(array: np.ndarray) -> pd.DataFrame:
    if isinstance(array, np.ma.MaskedArray):
        if array.dtype.names is not None:
            return pd.DataFrame({name: pd.Series(array[name].tolist()) for name in array.dtype.names})
        array = np.ma.filled(array.astype(float), np.nan)
    if array.dtype.names is not None:
        return pd.DataFrame(
            {name: list(array[name]) if array[name].ndim > 1 else array[name] for name in array.dtype.names}
        )
    if array.ndim == 0:
        raise DataError(f"Expected 2D array, got scalar array instead: {array!r:.60}. Pass a table: {ACCEPTED}.")
    if array.ndim > 2:
        raise DataError(
            f"Found array with dim {array.ndim}, while at most 2 are expected (rows and columns); its shape is "
            f"{array.shape}. Reshape it with array.reshape(len(array), -1)."
        )
    grid = array.reshape(-1, 1) if array.ndim == 1 else array
    if grid.dtype.kind in "Vm":
        raise DataError(f"An array of dtype {grid.dtype} is no table; it must hold numbers, strings or dates.")
    labels = [f"column_{index}" for index in range(grid.shape[1])]
    frame = pd.DataFrame(grid, columns=labels)
    return frame.infer_objects() if grid.dtype == object else frame


def _from_mapping(obj: dict[Any, Any]) -> pd.DataFrame:
    try:
        return pd.DataFrame(obj)
    except ValueError as error:
        raise DataError(f"The dictionary's values must be columns of one length ({error}).") from error


def _from_list(rows: Sequence[Any]) -> pd.DataFrame:
    if not len(rows):
        raise DataError(f"The list is empty; at least one row is needed. Pass {ACCEPTED}.")
    if all(isinstance(row, dict) for row in rows):
        return pd.DataFrame.from_records(list(rows))
    if all(isinstance(row, list | tuple) for row in rows):
        sizes = sorted({len(row) for row in rows})
        if len(sizes) > 1:
            odd = next(index for index, row in enumerate(rows) if len(row) != len(rows[0]))
            raise DataError(
                f"Every row must have as many cells as the first ({len(rows[0])}); row {odd} has {len(rows[odd])}."
            )
        if any(isinstance(cell, list | tuple | np.ndarray) for cell in rows[0]):
            raise DataError("Found array with dim 3, while at most 2 are expected (rows and columns).")
        return pd.DataFrame(list(rows), columns=[f"column_{index}" for index in range(sizes[0])])
    if all(isinstance(row, np.ndarray) for row in rows):
        try:
            return _from_array(np.stack(list(rows)))
        except ValueError as error:
            raise DataError(f"The rows must be arrays of one length ({error}).") from error
    if any(isinstance(row, list | tuple | dict | np.ndarray) for row in rows):
        raise DataError("The list mixes rows and single values; every item must be a row of the same length.")
    return pd.DataFrame({"column_0": list(rows)})


def _from_foreign(obj: Any) -> pd.DataFrame:
    """Take frames that are not ours: by narwhals where it knows them, else by the protocols of exchange."""
    import narwhals.stable.v2 as nw
    import pyarrow as pa

    if isinstance(obj, pa.Table | pa.RecordBatch):
        table = pa.Table.from_batches([obj]) if isinstance(obj, pa.RecordBatch) else obj
        return frame_of(table, "the Arrow table")[0]
    try:
        native = nw.from_native(obj, pass_through=True, allow_series=True)
        if isinstance(native, nw.LazyFrame):
            native = native.collect()
        if isinstance(native, nw.Series):
            native = native.to_frame()
        if isinstance(native, nw.DataFrame):
            return native.to_pandas()
        if hasattr(obj, "__arrow_c_stream__"):
            return pa.table(obj).to_pandas()
        if hasattr(obj, "__dataframe__"):
            return pd.api.interchange.from_dataframe(obj)
        if hasattr(obj, "__array__"):
            return _from_array(np.asarray(obj))
    except (TypeError, ValueError, pa.ArrowException) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"The table of type {type(obj).__name__} could not be read ({error}). Pass {ACCEPTED}."
        ) from error
    raise DataError(f"The table must be {ACCEPTED}; got {type(obj).__name__}.")


def _refuse_complex(frame: pd.DataFrame) -> None:
    for position, dtype in enumerate(frame.dtypes):
        if getattr(dtype, "kind", "") == "c":
            name = frame.columns[position]
            raise DataError(f"Complex data not supported: the column {name!r} is {dtype}; it must be real.")


def _refuse_empty(frame: pd.DataFrame) -> None:
    rows, columns = frame.shape
    if not columns:
        raise DataError(f"0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required: the table has no columns.")
    if not rows:
        raise DataError(f"0 sample(s) (shape=(0, {columns})) while a minimum of 1 is required: the table has no rows.")
