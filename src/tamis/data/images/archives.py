"""Reads arrays of images and labels from NumPy's files, .npz and .npy, without holding large ones in memory."""

import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tamis.core.errors import DataError, StorageError
from tamis.data.image_form import batch_of
from tamis.data.images.raw import ArrayImages
from tamis.data.images.reading import ImageReading, labels_of

LEARNED = (("x_train", "y_train"), ("train_images", "train_labels"), ("train_x", "train_y"))
TESTED = (("x_test", "y_test"), ("test_images", "test_labels"), ("test_x", "test_y"))
PLAIN = (
    *(("x", "y"), ("images", "labels"), ("image", "label"), ("data", "target"), ("data", "labels")),
    *(("inputs", "targets"), ("images", "targets"), ("x", "labels"), ("arr_0", "arr_1")),
)
"""What images and labels are called in files, in lower case."""

IN_MEMORY = 1 << 28
"""Compressed arrays above this many bytes are unpacked to a file that has no name, and mapped."""


def read_array_file(
    path: Path, *, target: str | None = None, labelled: bool = True, learn: bool = True
) -> ImageReading:
    """Read images, and labels where the file has them.

    Parameters
    ----------
    path : Path
        .npz with arrays of images and labels under one of the usual names, or .npy with images alone.
    target : str, optional
        The name of the array of labels.
    labelled : bool
        Whether labels are needed.
    learn : bool
        Whether they are to learn from: then the training part is used, where a file has two, else the test part.

    Raises
    ------
    DataError
        Where there are no images, or only Python objects, or the file is damaged.
    """
    try:
        with path.open("rb") as stream:
            is_single = stream.read(6) == b"\x93NUMPY"
        if is_single:
            return ImageReading(ArrayImages(batch_of(np.load(path, mmap_mode="r", allow_pickle=False))))
        with zipfile.ZipFile(path) as archive:
            names = {one.removesuffix(".npy"): one for one in archive.namelist() if one.endswith(".npy")}
            images, labels = _named(archive, names, target, labelled, learn)
            values = batch_of(_array(archive, names[images]))
            notes = [f"images from {images!r}: {len(values):,} of {values.shape[1]} x {values.shape[2]}"]
            found = None
            if labels is not None:
                found, more = labels_of(_array(archive, names[labels]), len(values))
                notes += [f"labels from {labels!r}", *more]
            if aside := [name for name in names if name not in (images, labels)]:
                notes.append(f"{', '.join(aside)} left aside")
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, DataError):
            raise DataError(f"{path}: {error}") from error
        reason = "it holds Python objects" if "allow_pickle" in str(error) else str(error)
        raise DataError(f"{path}: the arrays cannot be read ({reason}). Save them anew with numpy.savez.") from error
    return ImageReading(ArrayImages(values), found, tuple(notes), labels)


def _named(
    archive: zipfile.ZipFile, names: dict[str, str], target: str | None, labelled: bool, learn: bool
) -> tuple[str, str | None]:
    """Return the names of the images and of the labels."""
    lower = {name.lower(): name for name in names}
    if target is not None and target not in names:
        raise DataError(f"there is no array {target!r}; there are {', '.join(names) or 'none'}.")
    for images, labels in (*LEARNED, *PLAIN) if learn else (*TESTED, *PLAIN, *LEARNED):
        if images in lower and (labels in lower or target is not None or not labelled):
            return lower[images], target or lower.get(labels)
    shapes = {name: _shape(archive, member) for name, member in names.items()}
    likely = [name for name, shape in shapes.items() if len(shape) in (3, 4)]
    if len(likely) == 1:
        count = shapes[likely[0]][0]
        fitting = [name for name, shape in shapes.items() if name not in likely and shape[:1] == (count,)]
        return likely[0], target or (fitting[0] if len(fitting) == 1 else None)
    shown = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"
    raise DataError(f"which array holds the images is not clear; name them 'x' and 'y'. The file holds {shown}.")


def _shape(archive: zipfile.ZipFile, member: str) -> tuple[int, ...]:
    with archive.open(member) as stream:
        return _header(stream)[0]


def _header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)


def _array(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    """Return an array of the archive: read, or mapped from an unpacked copy that is gone when it is no longer used."""
    size = archive.getinfo(member).file_size
    with archive.open(member) as stream:
        if size <= IN_MEMORY:
            return np.lib.format.read_array(stream, allow_pickle=False)
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if size > free:
            raise StorageError(
                f"The array {member!r} unpacks to {size / 1e9:.1f} GB; {tempfile.gettempdir()} has {free / 1e9:.1f} GB "
                "free. Set TMPDIR to a folder with more."
            )
        with tempfile.TemporaryFile() as copy:  # the mapping outlives it
            shutil.copyfileobj(stream, copy, 1 << 20)
            copy.seek(0)
            shape, is_fortran, dtype = _header(copy)
            if dtype.hasobject:
                raise ValueError("allow_pickle")
            order: Any = "F" if is_fortran else "C"
            return np.memmap(copy, dtype=dtype, mode="r", offset=copy.tell(), shape=shape, order=order)
