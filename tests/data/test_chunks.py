"""A file read in pieces gives the same rows in the same order, all pieces typed alike."""

from pathlib import Path

import pandas as pd
import pytest

from tamis.core.errors import DataError, ParameterError
from tamis.data.chunks import iter_chunks
from tamis.data.read import read_table


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def test_pieces_are_typed_as_the_layout_says(tmp_path: Path) -> None:
    layout = read_table(write(tmp_path / "one.csv", "x,code,y\n1.5,01,a\n2,02,b\n")).layout
    # The first piece alone would have whole numbers in x and in code, and nothing in y.
    path = write(tmp_path / "two.csv", "x,code,y\n" + "1,11,\n" * 5 + "n/a,12,b\n" * 5 + "2.5,013,c\n" * 2)
    pieces = list(iter_chunks(path, layout, rows=5))
    assert [len(piece) for piece in pieces] == [5, 5, 2]
    assert {str(piece["y"].dtype) for piece in pieces} == {str(pieces[0]["y"].dtype)}
    assert all(pd.api.types.is_numeric_dtype(piece["x"]) for piece in pieces)
    assert [piece["code"].iloc[0] for piece in pieces] == ["11", "12", "013"]


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "jsonl"])
def test_pieces_together_are_the_whole_in_order(tmp_path: Path, ending: str) -> None:
    whole = pd.DataFrame({"n": range(1000), "s": [f"level {i % 7}" for i in range(1000)]})
    path = tmp_path / f"t.{ending}"
    {
        "csv": lambda: whole.to_csv(path, index=False),
        "parquet": lambda: whole.to_parquet(path),
        "arrow": lambda: whole.to_feather(path),
        "jsonl": lambda: whole.to_json(path, orient="records", lines=True),
    }[ending]()
    layout = read_table(path).layout
    pieces = list(iter_chunks(path, layout, rows=300))
    assert [len(piece) for piece in pieces] == [300, 300, 300, 100]
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole, check_dtype=False)


def test_uneven_rows_far_into_the_file_keep_the_order(tmp_path: Path) -> None:
    rows = [f"{i},x{i}" for i in range(400_000)]
    rows[350_000] = "350000"  # too few cells: the quick way gives up here
    path = write(tmp_path / "t.csv", "n,s\n" + "\n".join(rows) + "\n")
    layout = read_table(write(tmp_path / "one.csv", "n,s\n1,x\n2,y\n")).layout
    numbers = pd.concat([piece["n"] for piece in iter_chunks(path, layout)], ignore_index=True)
    assert numbers.tolist() == list(range(400_000))


def test_a_footer_is_left_out_of_the_last_piece(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,b,c\n" + "1,2,3\n" * 10 + "Source: nobody,,\n")
    layout = read_table(path).layout
    assert sum(len(piece) for piece in iter_chunks(path, layout, rows=5)) == 10


def test_wrong_calls_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,b\n1,2\n")
    layout = read_table(path).layout
    with pytest.raises(ParameterError, match="'rows'"):
        next(iter_chunks(path, layout, rows=0))
    with pytest.raises(DataError, match="no such file"):
        next(iter_chunks(tmp_path / "none.csv", layout))
