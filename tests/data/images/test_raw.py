"""Images are given out in order and in pieces, by names that lead to them, wherever they lie."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.core.errors import DataError
from tamis.data.images.raw import ArrayImages, ListedImages, ParquetImages, RawImages, choose

CONTENTS = [b"%d" % row for row in range(50)]


def parquet(path: Path, column: pa.Array, rows: int = 7) -> Path:
    pq.write_table(pa.table({"image": column, "label": pa.array(range(len(column)))}), path, row_group_size=rows)
    return path


@pytest.fixture
def many(tmp_path: Path) -> dict[str, RawImages]:
    """The same fifty items in every kind of place."""
    nested = [{"bytes": None if row == 3 else content, "path": "three.png"} for row, content in enumerate(CONTENTS)]
    first = parquet(tmp_path / "a.parquet", pa.array(CONTENTS[:20], pa.binary()))
    second = parquet(tmp_path / "b.parquet", pa.array(CONTENTS[20:], pa.large_binary()))
    return {
        "array": ArrayImages(np.arange(50).reshape(50, 1, 1, 1)),
        "list": ListedImages(CONTENTS),
        "parquet": ParquetImages([first, second], "image"),
        "structures": ParquetImages([parquet(tmp_path / "c.parquet", pa.array(nested))], "image"),
    }


def flat(images: RawImages, size: int) -> list[object]:
    return [one.item() if isinstance(one, np.ndarray) else one for chunk in images.chunks(size) for one in chunk]


KINDS = ("array", "list", "parquet", "structures")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 6, 50, 1000])
def test_pieces_are_no_larger_than_asked_and_make_the_whole_in_order(
    many: dict[str, RawImages], kind: str, size: int, tmp_path: Path
) -> None:
    images = many[kind]
    wanted = {"array": list(range(50)), "structures": [*CONTENTS[:3], tmp_path / "three.png", *CONTENTS[4:]]}
    assert flat(images, size) == wanted.get(kind, CONTENTS)
    assert all(0 < len(chunk) <= size for chunk in images.chunks(size))
    assert len(images) == 50
    assert flat(images, size) == flat(images, 3), "they can be gone through again"


@pytest.mark.parametrize("kind", KINDS)
def test_some_are_chosen_and_keep_their_order_and_names(many: dict[str, RawImages], kind: str) -> None:
    images, rows = many[kind], [49, 3, 3, 21, 0]
    chosen = choose(images, rows)
    whole = flat(images, 50)
    assert flat(chosen, 4) == [whole[row] for row in (0, 3, 21, 49)]
    assert [chosen.name(row) for row in range(4)] == [images.name(row) for row in (0, 3, 21, 49)]
    again = choose(chosen, [1, 2])
    assert flat(again, 100) == [whole[3], whole[21]] and len(again) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_is_of_the_images_and_not_larger_than_asked(many: dict[str, RawImages], kind: str) -> None:
    images = many[kind]
    whole = flat(images, 50)
    for n in (1, 10, 50, 80):
        sample = images.sample(n, np.random.default_rng(0))
        assert 0 < len(sample) <= min(n, 50)
        assert all((one.item() if isinstance(one, np.ndarray) else one) in whole for one in sample)
    same = [list(map(str, images.sample(9, np.random.default_rng(1)))) for _ in range(2)]
    assert same[0] == same[1]


def test_names_lead_to_the_image(many: dict[str, RawImages]) -> None:
    assert many["array"].name(4) == "image 4 (counted from 0)"
    assert ListedImages([Path("a/b.png")]).name(0) == "a/b.png"
    assert ListedImages([b""], lambda row: f"number {row}").name(0) == "number 0"
    assert many["parquet"].name(20).endswith("b.parquet, row 1")
    with pytest.raises(IndexError):
        many["parquet"].name(50)


def test_missing_cells_are_none(tmp_path: Path) -> None:
    nested = pa.array([{"bytes": b"x", "path": None}, None, {"bytes": None, "path": None}])
    assert flat(ParquetImages([parquet(tmp_path / "a.parquet", nested)], "image"), 9) == [b"x", None, None]


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"a\.parquet: the Parquet file is damaged"):
        ParquetImages([path], "image")
