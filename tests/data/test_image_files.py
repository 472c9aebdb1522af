"""Columns of image files are told from others, found again, and refused by name."""

import os

import numpy as np
import pandas as pd
import pytest

from tamis.core.errors import DataError, ParameterError
from tamis.core.kinds import Role
from tamis.data.chunks import iter_chunks
from tamis.data.image_files import FOLDER, ImageFile, image_files, problem_of, whole
from tamis.data.infer import infer_schema
from tamis.data.read import read_table
from tamis.data.schema import Schema
from tamis.data.table import Table

PIL = pytest.importorskip("PIL.Image")


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures, and a table of them in the folder above."""
    (tmp_path / "photos").mkdir()
    for row in range(12):
        PIL.fromarray(np.full((6, 9, 3), 20 * row, dtype=np.uint8)).save(tmp_path / "photos" / f"{row}.png")
    lines = [f"photos/{row}.png,{row % 3},{'xyz'[row % 3]}" for row in range(12)]
    (tmp_path / "table.csv").write_text("\n".join(["photo,size,kind", *lines]) + "\n", encoding="utf-8")
    return tmp_path


def test_a_column_of_paths_is_one_of_images_and_its_paths_begin_at_the_table(folder):
    frame = read_table(folder / "table.csv").frame
    schema = infer_schema(frame)
    assert schema["photo"].role is Role.IMAGE and schema["size"].role is not Role.IMAGE
    table = Schema.from_json(schema.to_json()).apply(frame)
    assert table.images["photo"][3] == str(folder / "photos" / "3.png") and table.shape == (12, 3)
    assert table.take(np.array([2])).images["photo"].tolist() == [str(folder / "photos" / "2.png")]
    assert schema.problems(frame) == []
    piece = next(iter_chunks(folder / "table.csv", read_table(folder / "table.csv").layout))
    assert piece.attrs[FOLDER] == str(folder)


def test_paths_may_be_whole_or_begin_in_the_working_directory(folder, monkeypatch, tmp_path_factory):
    names = [f"photos/{row}.png" for row in range(12)]
    frame = pd.DataFrame({"photo": names, "x": range(12)})
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    lost = infer_schema(frame)
    assert lost["photo"].role is not Role.IMAGE
    assert any("names images (such as 'photos/0.png') that are not there" in note for note in lost.notes)
    assert infer_schema(frame.assign(photo=[str(folder / one) for one in names]))["photo"].role is Role.IMAGE
    monkeypatch.chdir(folder)
    schema = infer_schema(frame.assign(photo=[one.replace("/", "\\") for one in names]))
    assert schema["photo"].role is Role.IMAGE
    monkeypatch.chdir(os.path.dirname(folder))  # where they were when the model was fitted they are found again
    assert schema.apply(frame).images["photo"][1] == str(folder / "photos" / "1.png")


@pytest.mark.parametrize("cells", [["a.png"] * 12, ["photos/0.png", "a word"] * 6, list(range(12)), [[1]] * 12])
def test_other_columns_are_none(folder, monkeypatch, cells):
    monkeypatch.chdir(folder)
    assert infer_schema(pd.DataFrame({"x": cells, "y": range(12)}))["x"].role is not Role.IMAGE


def test_the_users_word_counts_where_some_file_is_there(folder):
    frame = read_table(folder / "table.csv").frame
    frame["few"] = ["photos/0.png", *["photos/gone.png"] * 10, None]
    schema = infer_schema(frame, overrides={"few": "image", "photo": "identifier"})
    assert schema["few"].role is Role.IMAGE and schema["photo"].role is Role.IDENTIFIER
    assert schema.apply(frame).images["few"][[0, 1, 11]].tolist() == [
        str(folder / "photos" / "0.png"), "photos/gone.png", "",
    ]  # fmt: skip
    with pytest.raises(ParameterError, match=r"'kind' cannot be image.*name no file"):
        infer_schema(frame, overrides={"kind": "image"})


def test_rows_whose_file_is_nowhere_are_refused_by_row_column_and_file(folder):
    paths = np.array([str(folder / "photos" / "0.png"), "", "photos/gone.png"], dtype=object)
    frame = pd.DataFrame({"photo": paths})
    frame.attrs[FOLDER] = "/here"
    table = Table((), (), np.empty((3, 0)), {}, {"photo": paths})
    with pytest.raises(DataError, match=r"1 of 3 images in the column 'photo'.*row 3 \('photos/gone.png'\).*/here"):
        whole(table, frame)
    few = table.take(np.arange(2))
    assert whole(few, frame) is few


def test_a_file_is_known_by_its_content_and_gives_its_pixels(folder, tmp_path):
    one, two = (ImageFile(str(folder / "photos" / f"{row}.png")) for row in (0, 1))
    copy = tmp_path / "copy.png"
    copy.write_bytes((folder / "photos" / "1.png").read_bytes())
    assert one.key != two.key == ImageFile(str(copy)).key
    assert (two.pixels(4, 4, 3) == 20).all() and two.pixels(4, 5, 1).shape == (4, 5, 1)
    copy.write_bytes(copy.read_bytes()[:40])
    assert ImageFile(str(copy)).key != two.key  # it has changed since
    with pytest.raises(DataError, match=r"copy\.png' is damaged"):
        ImageFile(str(copy)).pixels(4, 4, 3)
    with pytest.raises(DataError, match=r"gone\.png' cannot be read"):
        _ = ImageFile("gone.png").key
    assert "damaged" in problem_of(str(copy)) and problem_of(one.path) == ""
    assert image_files(np.array([["", one.path]], dtype=object)).tolist() == [[None, one]]
