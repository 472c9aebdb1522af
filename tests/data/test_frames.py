"""Whatever holds a table becomes a pandas frame with unique names; what is no table is refused."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from tamis.core.errors import DataError
from tamis.data.frames import to_pandas


class Stream:
    """Speaks Arrow's protocol and nothing else."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return pa.table({"a": [1, 2], "b": ["x", "y"]}).__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        pl.LazyFrame({"a": [1, 2], "b": ["x", "y"]}),
        pa.table({"a": [1, 2], "b": ["x", "y"]}),
        pa.RecordBatch.from_pydict({"a": [1, 2], "b": ["x", "y"]}),
        np.array([(1, "x"), (2, "y")], dtype=[("a", int), ("b", "U1")]),
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        {"a": [1, 2], "b": ["x", "y"]},
        Stream(),
    ],
    ids=lambda table: type(table).__module__ + "." + type(table).__name__,
)
def test_every_kind_of_table_gives_the_same_frame(table: Any) -> None:
    frame = to_pandas(table)
    assert isinstance(frame, pd.DataFrame)
    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_arrays_and_lists_are_named_by_position_or_as_asked() -> None:
    assert to_pandas(np.zeros((2, 3))).columns.tolist() == ["column_0", "column_1", "column_2"]
    assert to_pandas(np.arange(3)).shape == (3, 1)
    assert to_pandas([1.5, 2.5])["column_0"].tolist() == [1.5, 2.5]
    assert to_pandas([[1, "a"], [2, "b"]], names=["n", 2]).columns.tolist() == ["n", "2"]
    with pytest.raises(DataError, match="must hold 2 names"):
        to_pandas([[1, "a"]], names=["n"])


def test_types_of_pandas_stay_and_names_become_unique_strings() -> None:
    given = pd.DataFrame({"c": pd.Categorical(["u", "v"]), "d": pd.to_datetime(["2024-01-01", None])})
    given["i"] = pd.array([1, None], dtype="Int64")
    assert to_pandas(given).dtypes.equals(given.dtypes)
    twins = pd.DataFrame([[1, 2, 3]], columns=["x", "x", 7])
    assert to_pandas(twins).columns.tolist() == ["x", "x.1", "7"]
    assert twins.columns.tolist() == ["x", "x", 7]


def test_objects_in_an_array_get_their_own_types() -> None:
    frame = to_pandas(np.array([[1, "a"], [2, "b"]], dtype=object))
    assert frame["column_0"].dtype == np.int64


def test_sparse_input_stays_sparse() -> None:
    kept = to_pandas(sparse.coo_matrix(np.eye(3)))
    assert sparse.issparse(kept)
    assert kept.format == "csr"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.zeros((2, 2, 2)), "dim 3"),
        (np.array(5), "scalar"),
        (np.array([[1 + 2j]]), "Complex data not supported"),
        (pd.DataFrame({"z": [1j]}), "Complex data not supported: the column 'z'"),
        (sparse.csr_matrix(np.array([[1j]])), "Complex data"),
        (np.zeros((0, 2)), "0 sample"),
        (np.zeros((2, 0)), r"0 feature\(s\) \(shape=\(2, 0\)\)"),
        (sparse.csr_matrix((0, 2)), "at least one row"),
        ([], "empty"),
        ([[1, 2], [3]], "row 1 has 1"),
        ([[[1]]], "dim 3"),
        ([[1], 2], "mixes"),
        ("table.csv", "read_table"),
        ({"a": [1], "b": [1, 2]}, "one length"),
        (object(), "must be a data frame"),
    ],
)
def test_what_is_no_table_is_refused(table: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        to_pandas(table)
