"""Whatever users hand over is read to references and labels, what was found is said, and the rest refused in words."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis.core.errors import DataError, ParameterError
from tamis.data.image_form import ImageForm
from tamis.data.image_sources import read_images
from tamis.data.images import archives
from tamis.data.images.reading import ImageReading

SHARED = Path(os.environ.get("TAMIS_SHARED", Path(__file__).parents[2].parent / "shared")) / "data" / "images"
FORM = ImageForm(6, 5, 3)


def picture(level: int) -> np.ndarray:
    return np.full((6, 5, 3), level, dtype=np.uint8)


def encoded(level: int, kind: str = "PNG") -> bytes:
    pillow = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    pillow.fromarray(picture(level)).save(stream, kind)
    return stream.getvalue()


def put(path: Path, level: int = 0) -> Path:
    """Write a picture of one grey level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(level))
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
def test_each_sub_folder_is_a_class(classes: Path) -> None:
    reading = read_images(classes)
    assert reading.labels.tolist() == ["cats", "cats", "dogs", "dogs"]
    assert levels(reading) == [0, 10, 30, 20]
    assert reading.images.name(0) == str(classes / "cats" / "a.png")
    assert "4 pictures in 2 class folders: cats (2), dogs (2)" in reading.notes
    assert reading.labels.tolist() == read_images(str(classes)).labels.tolist()


@pytest.mark.extras
def test_what_is_no_picture_or_lies_outside_is_said(classes: Path) -> None:
    put(classes / "stray.png")
    put(classes / ".cache" / "cats" / "hidden.png")
    (classes / "cats" / "notes.txt").write_text("none")
    notes = read_images(classes).notes
    assert "1 file left out, no picture by name, such as 'notes.txt'" in notes
    assert "1 picture outside the 2 class folders left out" in notes
    assert read_images(classes).n_rows == 4
    assert read_images(classes, labelled=False).n_rows == 5


@pytest.mark.extras
def test_of_a_data_set_in_parts_the_one_for_the_purpose_is_used(classes: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    classes.rename(whole / "train")
    put(whole / "test" / "cats" / "t.png", 77)
    put(whole / "test" / "dogs" / "t.png", 78)
    learned, judged = read_images(whole), read_images(whole, labelled=False)
    assert "train/ is used; test/ left aside" in learned.notes and learned.n_rows == 4
    assert "test/ is used; train/ left aside" in judged.notes and levels(judged) == [77, 78]
    assert judged.labels.tolist() == ["cats", "dogs"]
    assert read_images(whole, labels=[0, 1, 0, 1]).n_rows == 4


@pytest.mark.extras
def test_a_folder_around_the_classes_is_seen_through(classes: Path, tmp_path: Path) -> None:
    outer = tmp_path / "download"
    outer.mkdir()
    classes.rename(outer / "pets")
    reading = read_images(outer)
    assert sorted(set(reading.labels)) == ["cats", "dogs"]
    assert "all class folders lie in pets/" in reading.notes


@pytest.mark.extras
def test_to_predict_no_classes_are_needed(tmp_path: Path) -> None:
    put(tmp_path / "a.png", 5)
    put(tmp_path / "b.png", 6)
    reading = read_images(tmp_path, labelled=False)
    assert reading.labels is None and levels(reading) == [5, 6]
    assert levels(read_images(tmp_path / "a.png", labelled=False)) == [5]
    with pytest.raises(DataError, match="single picture"):
        read_images(tmp_path / "a.png")


@pytest.mark.extras
def test_folders_that_cannot_be_learned_from_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "flat" / "a.png")
    put(tmp_path / "flat" / "b.png")
    with pytest.raises(DataError, match=r"2 pictures in the folder itself.*sub-folder with the name of the class"):
        read_images(tmp_path / "flat")
    put(tmp_path / "one" / "cats" / "a.png")
    with pytest.raises(DataError, match=r"one class only, 'cats' \(1 picture\)"):
        read_images(tmp_path / "one")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="there are no pictures"):
        read_images(tmp_path / "none")
    (tmp_path / "none" / "list.csv").write_text("a,b\n")
    with pytest.raises(DataError, match=r"no pictures.*1 other file, .*'list\.csv': name that file"):
        read_images(tmp_path / "none")
    with pytest.raises(DataError, match="there is no such file"):
        read_images(tmp_path / "nowhere")


@pytest.mark.extras
def test_parquet_of_bytes_is_left_where_it_is(tmp_path: Path) -> None:
    contents = pa.array([encoded(level) for level in (1, 2, 3)])
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": contents, "label": pa.array(["x", "y", "x"]).dictionary_encode()}), path)
    reading = read_images(path)
    assert levels(reading) == [1, 2, 3] and reading.labels.tolist() == ["x", "y", "x"]
    assert reading.images.name(1) == f"{path}, row 2"
    with pytest.raises(DataError, match=r"no column 'lable'.*Did you mean 'label'"):
        read_images(path, target="lable")


@pytest.mark.extras
def test_the_datasets_library_s_files_are_read_with_the_names_of_classes(tmp_path: Path) -> None:
    put(tmp_path / "data" / "two.png", 2)
    features = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    for part, (rows, labels) in enumerate(
        [
            ([{"bytes": encoded(1), "path": "1.png"}, {"bytes": None, "path": "two.png"}], [1, 0]),
            ([{"bytes": encoded(3), "path": None}], [None]),
        ]
    ):
        table = pa.table({"image": pa.array(rows), "label": pa.array(labels, pa.int64())})
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
        pq.write_table(table, tmp_path / "data" / f"train-0000{part}.parquet")
    pq.write_table(table, tmp_path / "data" / "test-00000.parquet")
    (tmp_path / "data" / "two.png").rename(tmp_path / "data" / ".two.png")
    reading = read_images(tmp_path)
    assert reading.labels.tolist() == ["dog", "cat", None]
    assert "3 images in the column 'image' of 2 files" in reading.notes
    assert "the 2 classes are named in the file" in reading.notes
    (tmp_path / "data" / ".two.png").rename(tmp_path / "data" / "two.png")
    assert levels(reading) == [1, 2, 3]
    assert read_images(tmp_path, target="label", labelled=False).n_rows == 1


@pytest.mark.extras
def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"a\.parquet: the Parquet file is damaged"):
        read_images(path)


@pytest.mark.extras
def test_data_frames_hold_pictures_of_every_kind(classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.chdir(classes)
    kinds = {
        "bytes": [encoded(1), encoded(2)],
        "structures": [{"bytes": encoded(1), "path": "x"}, {"bytes": None, "path": str(put(classes / "2.png", 2))}],
        "arrays": [picture(1), picture(2)],
        "pictures": [Image.fromarray(picture(1)), Image.fromarray(picture(2))],
        "paths": [str(put(classes / "1.png", 1)), "2.png"],
    }
    for name, cells in kinds.items():
        frame = pd.DataFrame({"label": pd.array(["x", "y"], dtype="string"), name: pd.Series(cells, dtype=object)})
        reading = read_images(frame)
        assert levels(reading) == [1, 2], name
        assert reading.labels.tolist() == ["x", "y"]
        assert reading.images.name(0).startswith("the data frame, row 1")


def test_arrays_are_not_copied() -> None:
    values = np.zeros((4, 3, 9, 8), dtype=np.float32)
    reading = read_images(values, labels=pd.Series(["a", "b", "a", "b"]))
    (chunk,) = reading.images.chunks(10)
    assert chunk.shape == (4, 9, 8, 3) and np.shares_memory(chunk, values)
    assert reading.labels.tolist() == ["a", "b", "a", "b"]


def test_labels_may_be_columns() -> None:
    values = np.zeros((3, 9, 8))
    assert read_images(values, labels=[[1], [2], [1]]).labels.tolist() == [1, 2, 1]
    one_hot = read_images(values, labels=np.array([[0, 1], [1, 0], [0, 1.0]]))
    assert one_hot.labels.tolist() == [1, 0, 1] and "2 classes" in one_hot.notes[-1]
    with pytest.raises(DataError, match="one label for each image"):
        read_images(values, labels=[[1, 2], [3, 4], [5, 6]])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([1, 2], "one label for each of the 3 images; got 2"),
        (["a", "a", None], "all 2 images have the same label, 'a'"),
        ([None, None, None], "no image has a label"),
        ([np.nan, np.nan, np.nan], "no image has a label"),
        (None, "have no labels"),
    ],
)
def test_labels_that_nothing_can_be_learned_from_are_refused(labels: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_images(np.zeros((3, 9, 8)), labels=labels)


def test_lists_hold_images_of_different_sizes() -> None:
    reading = read_images([np.zeros((9, 8)), np.zeros((3, 7, 6)), [[1, 2], [3, 4]]], labelled=False)
    assert [one.shape for chunk in reading.images.chunks(9) for one in chunk] == [(9, 8), (3, 7, 6), (2, 2)]
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.zeros((9, 8)), np.zeros((7, 6))]
    assert read_images(ragged, labels=[0, 1]).n_rows == 2
    assert read_images(["a.png", Path("b.png")], labels=[0, 1]).images.name(0) == "a.png"


def test_pairs_and_rows_bring_their_labels() -> None:
    pairs = read_images((np.zeros((4, 4)), label) for label in "ab")
    assert pairs.labels.tolist() == ["a", "b"] and "each came with its label" in pairs.notes
    rows = read_images([{"Image": np.zeros((4, 4)), "label": label, "id": 1} for label in (5, 6)])
    assert rows.labels.tolist() == [5, 6]
    assert read_images([{"image": np.zeros((4, 4))}], labelled=False).labels is None
    with pytest.raises(DataError, match="item 1 is not"):
        read_images([(np.zeros((4, 4)), 1), np.zeros((4, 4))])


@pytest.mark.extras
def test_pillow_images_may_come_one_by_one(classes: Path) -> None:
    from PIL import Image

    reading = read_images((Image.fromarray(picture(level)) for level in (4, 5)), labels=["x", "y"])
    assert levels(reading) == [4, 5]
    with Image.open(classes / "cats" / "b.png") as lazy:
        assert levels(read_images([lazy], labelled=False)) == [10]
        assert lazy.fp is not None
        with pytest.raises(DataError, match="single picture"):
            read_images(lazy)


@pytest.mark.parametrize("source", [7, {"x": 1}, b"bytes", [object()], [3.5]])
def test_other_things_are_refused(source: object) -> None:
    with pytest.raises((ParameterError, DataError), match="a folder, a file"):
        read_images(source)


def test_nothing_is_refused() -> None:
    for nothing in ([], iter(()), np.empty((0, 4, 4))):
        with pytest.raises(DataError, match=r"no images; at least two|at least one image"):
            read_images(nothing)
    with pytest.raises(DataError, match=r"there are no images\.$"):
        read_images([], labelled=False)


def test_some_rows_are_kept_with_their_labels() -> None:
    reading = read_images(np.arange(5 * 16).reshape(5, 4, 4), labels=list("abcab")).only([4, 1])
    assert reading.labels.tolist() == ["b", "b"]
    assert [chunk[:, 0, 0, 0].tolist() for chunk in reading.images.chunks(9)] == [[16, 64]]


X = np.arange(6 * 30, dtype=np.uint8).reshape(6, 6, 5)
Y = np.arange(6) % 2


@pytest.mark.parametrize(
    ("names", "learned", "judged"),
    [
        (("x_train", "y_train", "x_test", "y_test"), "x_train", "x_test"),
        (("train_images", "train_labels", "test_images", "test_labels"), "train_images", "test_images"),
        (("X", "y"), "X", "X"),
        (("images", "labels"), "images", "images"),
        (("pixels", "kind"), "pixels", "pixels"),
    ],
)
def test_arrays_are_found_by_their_names(tmp_path: Path, names: tuple[str, ...], learned: str, judged: str) -> None:
    arrays = [X, Y, X[::-1][:3], Y[:3]]
    np.savez(tmp_path / "a.npz", **dict(zip(names, arrays, strict=False)))
    reading, other = read_images(tmp_path / "a.npz"), read_images(tmp_path / "a.npz", labelled=False)
    assert reading.labels.tolist() == Y.tolist() and repr(learned) in reading.notes[0]
    assert repr(judged) in other.notes[0]
    assert next(iter(reading.images.chunks(1)))[0, 0, 0, 0] == 0
    if len(names) == 4:
        assert "left aside" in reading.notes[-1] and other.n_rows == 3


def test_large_compressed_arrays_are_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.asfortranarray(X), y=Y)
    monkeypatch.setattr(archives, "IN_MEMORY", 100)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (chunk,) = read_images(tmp_path / "a.npz").images.chunks(10)
    np.testing.assert_array_equal(chunk[..., 0], X)
    assert isinstance(chunk, np.memmap)


def test_npy_is_mapped_and_needs_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X)
    assert read_images(tmp_path / "a.npy", labels=Y).n_rows == 6
    with pytest.raises(DataError, match="have no labels"):
        read_images(tmp_path / "a.npy")


def test_what_cannot_be_used_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, first=X, second=X)
    with pytest.raises(DataError, match=r"a\.npz: which array holds the images.*first \(6, 6, 5\)"):
        read_images(path)
    np.savez(path, x=X, y=Y)
    with pytest.raises(DataError, match=r"no array 'z'; there are x, y"):
        read_images(path, target="z")
    np.savez(path, x=X.reshape(6, -1), y=Y)
    with pytest.raises(DataError, match=r"a\.npz: Images must be an array of N x height x width"):
        read_images(path)
    np.savez(path, x=np.array([{}, {}]), y=Y[:2])
    with pytest.raises(DataError, match="it holds Python objects"):
        read_images(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="the arrays cannot be read"):
        read_images(path)


@pytest.mark.shared
@pytest.mark.extras
@pytest.mark.parametrize(
    ("name", "count", "n_classes", "labelled"),
    [
        ("mnist.npz", 60_000, 10, True),
        ("mnist.npz", 10_000, 10, False),
        ("cifar10_train.parquet", 50_000, 10, True),
        ("ants_bees", 244, 2, True),
        ("ants_bees", 153, 2, False),
        ("smiles", 2250, 2, True),
    ],
)
def test_real_sets_of_images_are_read(name: str, count: int, n_classes: int, labelled: bool) -> None:
    if not (SHARED / name).exists():
        pytest.skip("the shared data does not lie beside the checkout")
    reading = read_images(SHARED / name, labelled=labelled)
    assert reading.n_rows == count == len(reading.labels)
    assert len(set(reading.labels.tolist())) == n_classes
    first = next(iter(reading.images.chunks(8)))
    assert ImageForm(16, 16, 3).apply(first).std() > 10
