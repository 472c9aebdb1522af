"""Images are decoded onto the disk piece by piece, mapped, and known by their content; bad ones are named."""

import io
import itertools
import json
import os
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from errno import ENOSPC
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.core.errors import CorruptArtefactError, DataError, StorageError
from tamis.data.image_form import ImageForm
from tamis.data.image_set import Bad, ImageSet, decode_iter
from tamis.data.image_sources import read_images
from tamis.data.images import writing
from tamis.data.images.choice import choose_form, look
from tamis.data.images.raw import ArrayImages, ListedImages
from tamis.data.images.reading import ImageReading

SHARED = Path(os.environ.get("TAMIS_SHARED", Path(__file__).parents[2].parent / "shared")) / "data" / "images"
FORM = ImageForm(6, 5, 3)
RNG = np.random.default_rng(0)


def noise(count: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, 6, 5, 3), dtype=np.uint8)


def reading_of(values: np.ndarray) -> ImageReading:
    return ImageReading(ArrayImages(values))


def encoded(pixels: np.ndarray) -> bytes:
    pillow = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    pillow.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_what_is_opened_is_what_was_decoded(tmp_path: Path) -> None:
    values = noise(50)
    made = ImageSet.create(tmp_path / "new", reading_of(values), FORM, np.arange(50), weights=np.ones(50))
    opened = ImageSet.open(tmp_path / "new")
    for one in (made, opened):
        np.testing.assert_array_equal(one.images, values)
        np.testing.assert_array_equal(one.y, np.arange(50))
        np.testing.assert_array_equal(one.weights, np.ones(50))
        assert one.groups is None and one.notes == () and one.form == FORM and one.n_rows == 50
    assert isinstance(opened.images, np.memmap) and not opened.images.flags.writeable
    assert opened.fingerprint == made.fingerprint
    np.testing.assert_array_equal(opened.rows(np.array([3, 1])).values, values[[3, 1]])
    assert opened.rows().n_rows == 50
    assert not list((tmp_path / "new").glob("*.part")) + list((tmp_path / "new").glob(".*"))


def test_the_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    values, y = noise(20), np.arange(20) % 3
    prints = {}
    changed = values.copy()
    changed[19, 5, 4, 2] ^= 1
    for name, (given, labels, options) in {
        "first": (values, y, {}),
        "same": (values.astype(np.float64), y, {"threads": 3}),
        "pixel": (changed, y, {}),
        "label": (values, y[::-1], {}),
        "weight": (values, y, {"weights": np.ones(20)}),
        "fewer": (values[:19], y[:19], {}),
    }.items():
        prints[name] = ImageSet.create(tmp_path / name, reading_of(given), FORM, labels, **options).fingerprint
    assert prints["first"] == prints["same"]
    assert len(set(prints.values())) == 5
    ImageSet.open(tmp_path / "first").save(tmp_path / "copy")
    copy = ImageSet.open(tmp_path / "copy")
    np.testing.assert_array_equal(copy.images, values)
    assert copy.fingerprint == prints["first"]


@pytest.mark.extras
def test_images_that_cannot_be_read_are_left_out_and_named(tmp_path: Path) -> None:
    values = noise(9)
    (tmp_path / "cut.png").write_bytes(encoded(values[0])[:40])
    (tmp_path / "empty.png").touch()
    items: list[Any] = [*map(encoded, values), tmp_path / "cut.png", None, tmp_path / "empty.png"]
    order = RNG.permutation(12)
    reading = ImageReading(ListedImages([items[place] for place in order]))
    made = ImageSet.create(tmp_path / "set", reading, FORM, np.arange(12), weights=np.arange(12) / 2)
    kept = [row for row, place in enumerate(order) if place < 9]
    np.testing.assert_array_equal(made.images, values[[order[row] for row in kept]])
    assert made.y.tolist() == kept and made.weights.tolist() == [row / 2 for row in kept]
    (note,) = made.notes
    assert note.startswith("3 of 12 images cannot be read and are left out: ")
    assert "empty.png: is empty" in note and "cut.png: is damaged or cut off" in note
    row = int(np.flatnonzero(order == 10)[0])
    assert f"image {row} (counted from 0): is missing" in note
    with pytest.raises(DataError, match=r"Repair the image or leave it out"):
        ImageSet.create(tmp_path / "strict", reading, FORM, np.arange(12), skip=False)
    assert not list((tmp_path / "strict").iterdir())


def test_images_that_hold_no_numbers_are_left_out_or_refused_by_their_number(tmp_path: Path) -> None:
    values = noise(5).astype(np.float32)
    values[3] = np.nan
    objects: list[Any] = [*noise(4), noise(1)[0].astype(object)]
    for raw, row, reason in (
        (ArrayImages(values), 3, "every value is NaN"),
        (ListedImages(list(values)), 3, "every value is NaN"),
        (ListedImages(objects), 4, "is an array of object"),
    ):
        assert len(look(raw).sizes) >= 4
        made = ImageSet.create(tmp_path / "set", ImageReading(raw), FORM, np.arange(5))
        assert made.y.tolist() == [one for one in range(5) if one != row]
        assert f"image {row} (counted from 0): " in made.notes[0] and reason in made.notes[0]
        with pytest.raises(DataError, match=rf"image {row} \(counted from 0\): .*{reason}"):
            list(decode_iter(raw, FORM))


def test_a_strip_beside_one_without_numbers_is_still_read() -> None:
    values = np.ones((3, 1, 9, 1))  # one strip alone could be read with its channels first
    values[1] = np.nan
    bad: list[Bad] = []
    (piece,) = decode_iter(ArrayImages(values), ImageForm(1, 9, 1), bad=bad)
    assert piece.rows.tolist() == [0, 2] and [one.row for one in bad] == [1]


@pytest.mark.extras
def test_if_most_cannot_be_read_something_else_is_wrong(tmp_path: Path) -> None:
    reading = ImageReading(ListedImages([b"rubbish", b"", encoded(noise(1)[0])]))
    with pytest.raises(DataError, match=r"2 of 3 images cannot be read.*The first: image 0.*no picture"):
        ImageSet.create(tmp_path, reading, FORM, np.arange(3))


def test_copies_are_known_beside_groups(tmp_path: Path) -> None:
    values = noise(8)
    values[5] = values[2]
    made = ImageSet.create(tmp_path / "a", reading_of(values), FORM, np.arange(8))
    assert made.copies[2] == made.copies[5] and len(set(made.copies.tolist())) == 7
    assert "1 image occurs more than once, with different labels: copies stay on one side" in made.notes[0]
    given = ImageSet.create(tmp_path / "b", reading_of(values), FORM, np.arange(8), groups=np.arange(8) // 2)
    assert given.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3] and given.copies.tolist() == made.copies.tolist()
    assert given.notes == made.notes


def test_parts_of_another_length_are_refused(tmp_path: Path) -> None:
    for wrong in ({"y": np.arange(3)}, {"y": np.arange(4), "weights": np.ones(5)}, {"y": np.zeros((4, 1))}):
        with pytest.raises(DataError, match="must have the shape"):
            ImageSet.create(tmp_path, reading_of(noise(4)), FORM, **wrong)


def test_a_disk_without_room_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda folder: _Free(100))
    with pytest.raises(StorageError, match=r"GB; the disk of .* free"):
        ImageSet.create(tmp_path, reading_of(noise(4)), FORM, np.arange(4))


def test_a_disk_that_becomes_full_is_named(tmp_path: Path) -> None:
    def fill(done: int, total: int) -> None:
        raise OSError(ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="The disk is full: the images could not be written"):
        ImageSet.create(tmp_path, reading_of(noise(4)), FORM, np.arange(4), progress=fill)
    assert not list(tmp_path.iterdir())


def test_a_set_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    ImageSet.create(tmp_path, reading_of(noise(9)), FORM, np.arange(9), weights=np.ones(9))
    values = noise(4)
    ImageSet.create(tmp_path, reading_of(values), FORM, np.arange(4))
    opened = ImageSet.open(tmp_path)
    np.testing.assert_array_equal(opened.images, values)
    assert opened.weights is None


class _Free:
    def __init__(self, free: int) -> None:
        self.free = free


def test_what_stops_the_work_leaves_nothing_and_no_threads(tmp_path: Path) -> None:
    before = threading.active_count()

    def stop(done: int, total: int) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        ImageSet.create(tmp_path, reading_of(noise(4000)), FORM, np.arange(4000), progress=stop)
    assert not list(tmp_path.iterdir()) and threading.active_count() == before
    seen: list[tuple[int, int]] = []
    ImageSet.create(
        tmp_path,
        reading_of(noise(4000)),
        FORM,
        np.arange(4000),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (4000, 4000) and seen == sorted(seen) and len(seen) > 2


@pytest.mark.parametrize("harm", ["head", "images", "format", "short"])
def test_damage_is_reported(tmp_path: Path, harm: str) -> None:
    ImageSet.create(tmp_path, reading_of(noise(4)), FORM, np.arange(4))
    if harm == "head":
        (tmp_path / "images.json").unlink()
    elif harm == "images":
        (tmp_path / "images.npy").write_bytes(b"rubbish")
    elif harm == "short":
        content = (tmp_path / "images.npy").read_bytes()
        (tmp_path / "images.npy").write_bytes(content[:-1])
    else:
        head = json.loads((tmp_path / "images.json").read_text())
        (tmp_path / "images.json").write_text(json.dumps(head | {"n_rows": 5}))
    with pytest.raises(CorruptArtefactError, match="Fit again"):
        ImageSet.open(tmp_path)


class Endless:
    """Photographs without end, made as they are asked for."""

    def __init__(self, count: int, side: int) -> None:
        self.count, self.side = count, side
        self.given = 0

    def __len__(self) -> int:
        return self.count

    def name(self, row: int) -> str:
        return f"photograph {row}"

    def chunks(self, size: int) -> Iterator[np.ndarray]:
        for start in range(0, self.count, size):
            self.given += min(size, self.count - start)
            yield np.full((min(size, self.count - start), self.side, self.side, 3), start % 251, dtype=np.uint8)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return next(self.chunks(n))


def test_a_set_larger_than_the_memory_allowed_streams(tmp_path: Path) -> None:
    images = Endless(1200, 128)  # 59 MB
    tracemalloc.start()
    made = ImageSet.create(tmp_path, ImageReading(images), ImageForm(128, 128, 3), np.arange(1200), threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert made.images.nbytes > 58e6 and peak < 30e6
    assert made.images[-1, 0, 0, 0] == made.images[-1].max() > 0


def test_pieces_come_in_order_and_no_more_are_made_than_are_wanted() -> None:
    images = Endless(10_000, 8)
    pieces = decode_iter(images, ImageForm(8, 8, 3), chunk=10, threads=2)
    first = list(itertools.islice(pieces, 3))
    assert [piece.rows[0] for piece in first] == [0, 10, 20]
    assert images.given <= 60
    pieces.close()
    deadline = time.monotonic() + 5
    while any(one.name.startswith("decode") for one in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(one.name.startswith("decode") for one in threading.enumerate())


@pytest.mark.extras
def test_to_predict_the_first_bad_image_is_named_or_all_are_collected() -> None:
    values = noise(30)
    items: list[Any] = [encoded(one) for one in values]
    items[7], items[19] = b"", b"rubbish"
    images = ListedImages(items, lambda row: f"row {row + 1}")
    with pytest.raises(DataError, match=r"row 8: is empty"):
        list(decode_iter(images, FORM, chunk=4))
    bad: list[Bad] = []
    rows = np.concatenate([piece.rows for piece in decode_iter(images, FORM, chunk=4, threads=3, bad=bad)])
    assert rows.tolist() == [row for row in range(30) if row not in (7, 19)]
    assert [(one.row, one.name) for one in bad] == [(7, "row 8"), (19, "row 20")]
    with pytest.raises(DataError, match="row 1: is empty"):
        list(decode_iter(ListedImages([b""], lambda row: "row 1"), FORM))
    assert list(decode_iter(ListedImages([b""]), FORM, bad=[])) == []


@pytest.mark.shared
@pytest.mark.extras
@pytest.mark.parametrize("name", ["mnist.npz", "ants_bees", "smiles", "cifar10_train.parquet"])
def test_real_sets_are_prepared(name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip("the shared data does not lie beside the checkout")
    reading = read_images(SHARED / name)
    form = choose_form(look(reading.images), reading.n_rows, 60)
    wanted = {"mnist.npz": (28, 28, 1), "smiles": (64, 64, 1), "cifar10_train.parquet": (32, 32, 3)}
    assert form.shape == wanted.get(name, form.shape) and 28 <= form.height <= 224
    few = reading.only(range(0, reading.n_rows, max(1, reading.n_rows // 100)))
    y = np.unique(few.labels, return_inverse=True)[1]
    with tempfile.TemporaryDirectory() as folder:
        made = ImageSet.create(Path(folder), few, form, y)
        assert made.n_rows == few.n_rows and made.notes == ()
        assert made.images.std(axis=(1, 2, 3)).min() > 2
