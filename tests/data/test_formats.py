"""Columnar files come to pandas in types that models can take, or are refused by the column's name."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from tamis.core.errors import DataError
from tamis.data.read import read_table

TABLE = pa.table(
    {
        "n": pa.array([1, 2, None], pa.int32()),
        "s": ["x", None, "z"],
        "flag": [True, None, False],
        "level": pa.array(["a", "b", "a"]).dictionary_encode(),
        "money": pa.array([Decimal("1.25"), None, Decimal("3.50")], pa.decimal128(10, 2)),
        "day": pa.array([19000, 19001, None], pa.date32()),
        "inner": pa.array([{"p": 1.5, "q": "k"}, {"p": 2.5, "q": "l"}, {"p": 3.5, "q": "m"}]),
        "vector": pa.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        "words": pa.array([["a", "b"], ["c"], []]),
        "huge": pa.array([2**60 + 1, None, 5], pa.int64()),
    }
)


@pytest.mark.parametrize("kind", ["parquet", "feather", "file", "stream"])
def test_columns_get_types_that_models_take(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "table.dat"  # the name says nothing
    if kind == "parquet":
        pq.write_table(TABLE, path)
    elif kind == "feather":
        feather.write_feather(TABLE, str(path), compression="lz4")
    else:
        with (ipc.new_file if kind == "file" else ipc.new_stream)(str(path), TABLE.schema) as writer:
            writer.write_table(TABLE)
    found = read_table(path)
    frame = found.frame
    assert frame["n"].isna().tolist() == [False, False, True]
    assert isinstance(frame["level"].dtype, pd.CategoricalDtype)
    assert frame["money"].tolist()[::2] == [1.25, 3.5]
    assert pd.api.types.is_datetime64_any_dtype(frame["day"])
    assert frame["inner.q"].tolist() == ["k", "l", "m"]
    assert frame["vector.1"].tolist() == [2.0, 4.0, 6.0]
    assert frame["words"].tolist() == ["a b", "c", ""]
    assert frame["huge"].iloc[0] == 2**60 + 1
    assert str(frame["flag"].dtype) == "boolean"
    assert any("decimals" in note for note in found.notes)


def test_a_stored_index_is_left_out_and_names_are_made_unique(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2]}, index=[5, 7]).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").frame.columns.tolist() == ["a"]
    with ipc.new_stream(str(tmp_path / "t.arrow"), pa.schema([("a", pa.int64()), ("a", pa.int64())])) as writer:
        writer.write_table(pa.table([[1], [2]], names=["a", "a"]))
    assert read_table(tmp_path / "t.arrow").frame.columns.tolist() == ["a", "a.1"]


@pytest.mark.parametrize(
    "column", [pa.array([[1.0], [2.0, 3.0]]), pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64()))]
)
def test_a_column_that_fits_no_table_is_refused_by_name(tmp_path: Path, column: pa.Array) -> None:
    pq.write_table(pa.table({"odd": column}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="column 'odd'"):
        read_table(tmp_path / "t.parquet")


def test_damaged_and_empty_files_are_refused(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="damaged"):
        read_table(tmp_path / "cut.parquet")
    pq.write_table(TABLE.slice(0, 0), tmp_path / "none.parquet")
    with pytest.raises(DataError, match="0 rows"):
        read_table(tmp_path / "none.parquet")


def test_a_layout_makes_columns_what_they_were(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1.5, 2.5], "b": ["x", "y"]}), tmp_path / "one.parquet")
    pq.write_table(pa.table({"a": ["3.5", "?"], "b": [1, 2]}), tmp_path / "two.parquet")
    layout = read_table(tmp_path / "one.parquet").layout
    again = read_table(tmp_path / "two.parquet", layout=layout)
    np.testing.assert_array_equal(again.frame["a"], [3.5, np.nan])
    assert again.frame["b"].tolist() == ["1", "2"]
