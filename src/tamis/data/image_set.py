"""The prepared images of a run on disk, all of one form, with what is to be predicted; and the way there."""

import json
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tamis.core.errors import CorruptArtefactError, DataError
from tamis.data.image_form import ImageForm
from tamis.data.images.copies import copies
from tamis.data.images.raw import RawImages
from tamis.data.images.reading import SHOWN, ImageReading
from tamis.data.images.writing import HEAD, ROW_FIELDS, ImageWriter, refuse_too_large
from tamis.data.pictures import BadPictureError
from tamis.data.pixels import Pixels

CHUNK_BYTES = 1 << 22
"""About so much is decoded in one piece; as many pieces are held as there are threads, and one more."""
CHUNK_IMAGES = (16, 1024)
"""The fewest and the most images in a piece."""
MOST_THREADS = 16
MOST_BAD = 0.5
"""Where more than this share cannot be read, it is not the pictures that are wrong."""


class Bad(NamedTuple):
    """An image that could not be read."""

    row: int
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class Decoded(NamedTuple):
    """A piece of a larger whole, in the form asked for."""

    rows: np.ndarray
    """Positions among the raw images, rising."""
    images: np.ndarray
    """Shape (len(rows), height, width, channels), uint8."""


def decode_iter(
    images: RawImages,
    form: ImageForm,
    *,
    chunk: int | None = None,
    threads: int | None = None,
    bad: list[Bad] | None = None,
) -> Iterator[Decoded]:
    """Bring images to a form, piece by piece and in order, with several threads; what is held is bounded.

    Parameters
    ----------
    images : RawImages
        As in `ImageReading.images`.
    form : ImageForm
    chunk : int, optional
        How many images a piece holds; chosen by their size where it is not given.
    threads : int, optional
        All cores of this process, at most 16, where it is not given. (Pillow decodes outside of Python's lock.)
    bad : list, optional
        Where it is given, images that cannot be read are put into it and left out.

    Raises
    ------
    DataError
        Naming the first image that cannot be read, where `bad` is not given.

    Examples
    --------
    >>> from tamis.data.images.raw import ArrayImages
    >>> raw = ArrayImages(np.zeros((5, 8, 8, 1), dtype=np.uint8))
    >>> [(piece.rows.tolist(), piece.images.shape) for piece in decode_iter(raw, ImageForm(8, 8, 3), chunk=3)]
    [([0, 1, 2], (3, 8, 8, 3)), ([3, 4], (2, 8, 8, 3))]
    """
    few, many = CHUNK_IMAGES
    size = chunk or min(many, max(few, CHUNK_BYTES // form.size))
    count = threads or min(MOST_THREADS, _cores())
    waiting: deque[Future[tuple[Decoded, list[Bad]]]] = deque()
    pool = ThreadPoolExecutor(count, thread_name_prefix="decode")
    try:
        start = 0
        for raws in images.chunks(size):
            waiting.append(pool.submit(_decode, raws, start, form, images))
            start += len(raws)
            if len(waiting) > count:
                yield from _given_out(waiting.popleft(), bad)
        while waiting:
            yield from _given_out(waiting.popleft(), bad)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _decode(raws: Any, start: int, form: ImageForm, images: RawImages) -> tuple[Decoded, list[Bad]]:
    """Bring a piece to the form; only where that fails image by image, to find those that are wrong."""
    rows = np.arange(start, start + len(raws))
    try:
        return Decoded(rows, form.apply(raws)), []
    except BadPictureError:
        pass
    good: list[int] = []
    made: list[np.ndarray] = []
    bad: list[Bad] = []
    for place in range(len(raws)):
        row = start + place
        try:
            made.append(form.apply(raws[place : place + 1]))
            good.append(row)
        except BadPictureError as error:
            bad.append(Bad(row, images.name(row), str(error)))
    shown = np.concatenate(made) if made else np.empty((0, *form.shape), dtype=np.uint8)
    return Decoded(np.array(good, dtype=np.int64), shown), bad


def _given_out(future: "Future[tuple[Decoded, list[Bad]]]", bad: list[Bad] | None) -> Iterator[Decoded]:
    decoded, wrong = future.result()
    if wrong and bad is None:
        raise DataError(f"{wrong[0]}. Repair the image or leave it out.")
    if bad is not None:
        bad += wrong
    if len(decoded.rows):
        yield decoded


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one form, mapped from a folder, and what is known of each.

    It is a `Source` of `tamis.core.contracts`.
    """

    images: np.ndarray
    """Shape (n_rows, height, width, channels), uint8."""
    y: np.ndarray
    """Shape (n_rows,): float64 numbers, or int64 codes of classes."""
    form: ImageForm
    fingerprint: str
    """A short name of the content: equal for equal content."""
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    """Whole numbers: images of one group stay on one side of a split."""
    copies: np.ndarray | None = None
    """Whole numbers: the same for copies of one image, which stay on one side too; None where there are none."""
    notes: tuple[str, ...] = ()
    """What was found while they were prepared, one line each."""

    @property
    def n_rows(self) -> int:
        """How many images there are."""
        return len(self.images)

    def rows(self, indices: "np.ndarray | slice | None" = None) -> Pixels:
        """Return some images, in the order asked, or all."""
        return Pixels(self.images if indices is None else self.images[indices])

    @classmethod
    def create(
        cls,
        folder: Path,
        reading: ImageReading,
        form: ImageForm,
        y: np.ndarray,
        *,
        weights: np.ndarray | None = None,
        groups: np.ndarray | None = None,
        skip: bool = True,
        threads: int | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> "ImageSet":
        """Decode images into a folder, never holding more than a few pieces of them, and map what was written.

        Parameters
        ----------
        folder : Path
            Made where it is not there. Every file comes to its name whole, the one that names the others last.
        reading : ImageReading
        form : ImageForm
        y, weights, groups : ndarray of shape (n_rows,)
            The last two optional.
        skip : bool
            Whether images that cannot be read are left out, with a note, or refused.
        threads : int, optional
        progress : callable
            Told how many images are done, and of how many.

        Raises
        ------
        DataError
            Where an image is refused, or more than half cannot be read.
        StorageError
            Where the disk has no room.
        """
        given = {"y": y, "weights": weights, "groups": groups}
        arrays = {name: np.asarray(part) for name, part in given.items() if part is not None}
        for name, part in arrays.items():
            if part.shape != (reading.n_rows,):
                raise DataError(f"{name!r} must have the shape ({reading.n_rows},); got {part.shape}.")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        refuse_too_large(folder, reading.n_rows * form.size)
        bad: list[Bad] | None = [] if skip else None
        with ImageWriter(folder, form) as writer:
            for decoded in decode_iter(reading.images, form, threads=threads, bad=bad):
                writer.add(decoded.rows, decoded.images)
                progress(int(decoded.rows[-1]) + 1, reading.n_rows)
            notes = _notes(bad or [], reading.n_rows)
            kept = writer.kept
            arrays = {name: part[kept] for name, part in arrays.items()}
            found = copies(writer.marks, arrays["y"])
            if found.n_repeated:
                notes.append(found.note)
                arrays["copies"] = found.groups
            writer.finish(arrays, notes)
        return cls.open(folder)

    def save(self, folder: Path) -> None:
        """Write everything to another folder, from which `open` maps it."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        refuse_too_large(folder, self.n_rows * self.form.size)
        given = {name: getattr(self, name) for name in ROW_FIELDS}
        with ImageWriter(folder, self.form) as writer:
            step = max(1, CHUNK_BYTES // self.form.size)
            for start in range(0, self.n_rows, step):
                piece = self.images[start : start + step]
                writer.add(np.arange(start, start + len(piece)), piece)
            writer.finish({name: part for name, part in given.items() if part is not None}, list(self.notes))

    @classmethod
    def open(cls, folder: Path) -> "ImageSet":
        """Map a folder that `create` or `save` wrote; nothing is read before it is asked for.

        Raises
        ------
        CorruptArtefactError
            Where a file is missing or cannot be mapped.
        """
        folder = Path(folder)
        try:
            head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
            images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
            arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in head["arrays"]}
            form = ImageForm.from_json(head["form"])
            if images.shape != (head["n_rows"], *form.shape) or images.dtype != np.uint8:
                raise ValueError(f"images.npy holds an array of {images.dtype} and shape {images.shape}")
            return cls(images, form=form, fingerprint=head["fingerprint"], notes=tuple(head["notes"]), **arrays)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CorruptArtefactError(
                f"The prepared images in {folder} cannot be opened: {error}. Fit again."
            ) from error


def _notes(bad: list[Bad], n_images: int) -> list[str]:
    """Say which images were left out.

    Raises
    ------
    DataError
        Where they are too many.
    """
    if not bad:
        return []
    if len(bad) > MOST_BAD * n_images:
        raise DataError(
            f"{len(bad):,} of {n_images:,} images cannot be read, so that nothing is learned from the rest. The first: "
            f"{bad[0]}."
        )
    shown = "; ".join(map(str, bad[:SHOWN])) + ("; ..." if len(bad) > SHOWN else "")
    return [f"{len(bad):,} of {n_images:,} images cannot be read and are left out: {shown}"]
