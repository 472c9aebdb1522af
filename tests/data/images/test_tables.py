"""Tables lead to images by their paths or names; a file that is not there is left out or refused by its row."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tamis.core.errors import DataError
from tamis.data.image_form import ImageForm
from tamis.data.image_set import ImageSet
from tamis.data.image_sources import read_images
from tamis.data.images.reading import ImageReading

FORM = ImageForm(6, 5, 3)


def put(path: Path, level: int = 0) -> Path:
    """Write a picture of one grey level."""
    pillow = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    pillow.fromarray(np.full((6, 5, 3), level, dtype=np.uint8)).save(stream, "PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stream.getvalue())
    return path


def levels(reading: ImageReading) -> list[int]:
    """Return the grey level of every image, in order."""
    return [int(one) for chunk in reading.images.chunks(3) for one in FORM.apply(chunk)[:, 0, 0, 0]]


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """A folder with a folder for each of two classes, one of them nested."""
    folder = tmp_path / "pets"
    for place, name in enumerate(("cats/a.png", "cats/b.png", "dogs/deep/er/c.png", "dogs/d.png")):
        put(folder / name, 10 * place)
    return folder


@pytest.mark.extras
def test_paths_are_relative_to_the_table(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = classes / "list.tsv"
    table.write_text(f"age\tfile\tlabel\n3\tcats/a.png\tx\n4\tdogs\\d.png\ty\n5\t{classes}/cats/b.png\tx\n")
    monkeypatch.chdir("/")
    reading = read_images(table)
    assert reading.labels.tolist() == ["x", "y", "x"] and reading.target == "label"
    assert levels(reading) == [0, 30, 10]
    assert reading.images.name(1).endswith(f"list.tsv, row 2 ({classes}/dogs/d.png)")
    assert read_images(table, target="age").labels.tolist() == [3, 4, 5]
    assert any("paths in the column 'file'" in note for note in reading.notes)


@pytest.mark.extras
@pytest.mark.parametrize("ending", ["", ".png"])
def test_names_without_their_folder_are_found(classes: Path, ending: str) -> None:
    table = classes / "list.csv"
    table.write_text("id,breed\n" + "".join(f"{name}{ending},{name}s\n" for name in "acd"))
    reading = read_images(table)
    assert reading.labels.tolist() == ["as", "cs", "ds"] and levels(reading) == [0, 20, 30]
    assert "by the names in the column 'id', found in cats/" in reading.notes[0]


@pytest.mark.extras
def test_missing_files_are_named_with_their_rows(classes: Path) -> None:
    table = classes / "list.csv"
    table.write_text("file,label\ncats/a.png,x\ncats/gone.png,x\ncats/b.png,y\n,y\ndogs/d.png,x\n")
    with pytest.raises(DataError, match=r"2 of 5 images in the column 'file'.*row 2 \('cats/gone.png'\), row 4"):
        read_images(table, labelled=False)
    frame = pd.read_csv(table).assign(file=lambda one: f"{classes}/" + one["file"])
    with pytest.raises(DataError, match=r"the data frame: 2 of 5 images.*gone.png'\), row 4 \(no path\)"):
        read_images(frame, labelled=False)
    table.write_text("file,label\ncats/x.png,x\ncats/y.png,y\n")
    with pytest.raises(DataError, match=r"lead nowhere, such as 'cats/x.png'.*put the images there"):
        read_images(table)


@pytest.mark.extras
def test_to_learn_missing_files_are_left_out_when_decoded(classes: Path, tmp_path: Path) -> None:
    table = classes / "list.csv"
    table.write_text("file,label\ncats/a.png,x\ncats/gone.png,x\ncats/b.png,y\n,y\ndogs/d.png,x\n")
    for given in ({}, {"labels": list("xxyyx")}):
        reading = read_images(table, **given)
        assert reading.labels.tolist() == list("xxyyx")
        made = ImageSet.create(tmp_path / "set", reading, FORM, np.arange(5))
        assert made.y.tolist() == [0, 2, 4] and made.images[:, 0, 0, 0].tolist() == [0, 10, 30]
        assert made.notes[0].startswith("2 of 5 images cannot be read and are left out: ")
        assert f"list.csv, row 2 ({classes}/cats/gone.png): does not exist" in made.notes[0]
        assert "list.csv, row 4: is missing" in made.notes[0]
    table.write_text("id,label\na,x\ngone,x\nb,y\nc,y\n")
    names = ImageSet.create(tmp_path / "set", read_images(table), FORM, np.arange(4))
    assert names.y.tolist() == [0, 2, 3] and "row 2" in names.notes[0]


@pytest.mark.extras
def test_missing_files_at_the_beginning_do_not_hide_the_column(classes: Path) -> None:
    table = classes / "list.csv"
    lines = ["cats/gone.png,x\n"] * 300 + ["cats/a.png,x\n", "cats/b.png,y\n"] * 300
    table.write_text("file,label\n" + "".join(lines))
    reading = read_images(table)
    assert reading.n_rows == 900 and "by the paths in the column 'file'" in reading.notes[0]


@pytest.mark.extras
def test_columns_that_cannot_be_told_are_asked_for(classes: Path) -> None:
    table = classes / "list.csv"
    table.write_text("file,sex,age\ncats/a.png,m,1\ncats/b.png,f,2\n")
    with pytest.raises(DataError, match=r"which column is to be predicted.*sex, age"):
        read_images(table)
    with pytest.raises(DataError, match=r"there is no column 'agee'.*Did you mean 'age'\?"):
        read_images(table, target="agee")
    with pytest.raises(DataError, match=r"there is no column 'fle'.*Did you mean 'file'\?"):
        read_images(table, target="age", image="fle")
    assert read_images(table, labelled=False).labels is None
    table.write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(DataError, match="no column holds paths of images"):
        read_images(table, target="b")
    table.write_text("file\ncats/a.png\ncats/b.png\n")
    with pytest.raises(DataError, match="no column beside the images"):
        read_images(table)
    assert read_images(table, labelled=False).n_rows == 2
    assert read_images(table, labels=["x", "y"]).labels.tolist() == ["x", "y"]
