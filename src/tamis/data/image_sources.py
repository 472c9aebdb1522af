"""Reads images from whatever a user hands over: a folder, a table, arrays, files of arrays, Pillow images."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tamis.core.errors import DataError, ParameterError
from tamis.data.image_form import batch_of
from tamis.data.images.archives import read_array_file
from tamis.data.images.folders import TEST_NAMES, TRAIN_NAMES, read_folder
from tamis.data.images.raw import ArrayImages, ListedImages
from tamis.data.images.reading import ImageReading, check_labels, counted, labels_of
from tamis.data.images.signs import IMAGE_NAMES, is_picture_file, walk
from tamis.data.images.tables import TARGET_NAMES, read_image_frame, read_image_table, read_parquet_images
from tamis.data.pictures import is_picture, unread
from tamis.data.sources.opening import locate

ACCEPTED = (
    "a folder, a file (a table, .npz, .npy), an array, a data frame, or a list of arrays, paths, bytes or PIL images"
)


def read_images(
    source: Any,
    *,
    target: str | None = None,
    labels: Any = None,
    image: str | None = None,
    labelled: bool = True,
) -> ImageReading:
    """Find images and their labels; none is decoded yet.

    Parameters
    ----------
    source : path, array, data frame or iterable
        A folder with a sub-folder for each class, or one that holds train/<class>/...; a table (CSV, TSV, Parquet,
        Excel, ...) with a column of paths relative to its folder and a column to predict; Parquet with a column of
        encoded pictures, or a folder of such files; .npz with arrays of images and labels. In memory: an array of
        N x H x W (x C, or C x H x W); a list, or anything else that can be gone through once, of arrays, paths, bytes
        and Pillow images, or of pairs of these with a label; a data frame with a column of such things.
    target : str, optional
        The column (of .npz: the array) to predict; found by its name or as the only one where it is not given.
    labels : array-like, optional
        One for each image, in their order (in a folder, that of their paths), instead of those in the source.
    image : str, optional
        The column of paths or pictures; found by its content where it is not given.
    labelled : bool, default True
        Whether labels are needed, to learn from. If not, they are returned where they are found.

    Raises
    ------
    DataError
        Where there are no images, or no labels though they are needed, or but one; or, not to learn, a row has no
        image. The message says where, and what to do.
    MissingExtraError
        Where Pillow is needed and not installed.

    Examples
    --------
    >>> reading = read_images(np.zeros((4, 8, 8), dtype=np.uint8), labels=["a", "b", "a", "b"])
    >>> reading.n_rows, reading.notes
    (4, ('4 images of 8 x 8 in an array of uint8',))
    """
    options: dict[str, Any] = {"target": target, "labelled": labelled and labels is None}
    name = str(source) if isinstance(source, str | Path) else "the images"
    if isinstance(source, str | Path):
        reading = _from_path(source, image, options, labelled)
    elif _is_frame(source):
        reading = read_image_frame(source, "the data frame", Path(), image=image, learn=labelled, **options)
    elif is_picture(source):
        raise DataError("Got a single picture; give a list of them: [picture].")
    elif hasattr(source, "__array__"):
        reading = _from_array(np.asarray(source))
    elif isinstance(source, Iterable) and not isinstance(source, bytes | dict):
        reading = _from_items(source)
    else:
        raise ParameterError(f"Images must be {ACCEPTED}; got {type(source).__name__}.")
    if not reading.n_rows:
        raise DataError(f"{name}: there are no images" + ("; at least two are needed." if labelled else "."))
    if labels is not None:
        found, notes = labels_of(labels, reading.n_rows)
        reading = replace(reading, labels=found, notes=(*reading.notes, *notes), target=target)
    return check_labels(reading, name) if labelled else reading


def _from_path(source: "str | Path", image: str | None, options: dict[str, Any], learn: bool) -> ImageReading:
    path = Path(source).expanduser()
    if path.is_dir():
        parts = [] if options["target"] is None and _has_pictures(path) else _parquet_parts(path, learn)
        if parts:
            reading = read_parquet_images(parts, image=image, **options)
            if reading is not None:
                return reading
        return read_folder(path, labelled=options["labelled"], learn=learn)
    path = locate(path)
    with path.open("rb") as stream:
        head = stream.read(6)
    if head.startswith(b"\x93NUMPY") or path.suffix.lower() == ".npz":
        return read_array_file(path, learn=learn, **options)
    if is_picture_file(path):
        if options["labelled"]:
            raise DataError(
                f"{path}: is a single picture; to learn, name the folder that holds a folder for each class."
            )
        return ImageReading(ListedImages([path]), None, (counted(1, "picture"),))
    return read_image_table(path, image=image, learn=learn, **options)


def _has_pictures(folder: Path) -> bool:
    return any(map(is_picture_file, walk(folder)))


def _parquet_parts(folder: Path, learn: bool) -> list[Path]:
    """Return the Parquet files below a folder; of several data sets by their names, the one for the purpose."""
    files = [Path(file) for file in walk(folder) if file.lower().endswith((".parquet", ".pq"))]
    for names in (TRAIN_NAMES, TEST_NAMES) if learn else (TEST_NAMES, TRAIN_NAMES):
        chosen = [file for file in files if file.stem.lower().startswith(names)]
        if chosen and len(chosen) < len(files):
            return chosen
    return files


def _is_frame(source: Any) -> bool:
    """Tell whether it is a table of columns, of whatever library."""
    return not isinstance(source, np.ndarray) and hasattr(source, "columns") and hasattr(source, "shape")


def _from_array(array: np.ndarray) -> ImageReading:
    if array.ndim == 1 and array.dtype.kind in "OUS":
        return _from_items(array.tolist())
    values = batch_of(array)
    kind = f"{counted(len(values), 'image')} of {values.shape[1]} x {values.shape[2]} in an array of {array.dtype}"
    return ImageReading(ArrayImages(values), None, (kind,))


def _from_items(source: Iterable[Any]) -> ImageReading:
    """Take what can be gone through once: images, or pairs of an image and its label."""
    items: list[Any] = []
    labels: list[Any] = []
    for place, item in enumerate(source):
        item = _pair(item) if isinstance(item, dict) else item
        if isinstance(item, tuple) and len(item) == 2 and (place == 0 or labels):
            item, label = item
            labels.append(label)
        elif labels:
            raise DataError(f"The first items are pairs of an image and a label; item {place} is not.")
        items.append(_item(item, place))
    notes = (f"{counted(len(items), 'image')} one by one",)
    if not labels:
        return ImageReading(ListedImages(items), None, notes)
    return ImageReading(ListedImages(items), labels_of(labels, len(items))[0], (*notes, "each came with its label"))


def _pair(row: dict[str, Any]) -> Any:
    """Return image and label of a row as the `datasets` library gives it out; the image alone where it has no label."""
    lower = {name.lower(): name for name in row}
    image = next((row[lower[name]] for name in IMAGE_NAMES if name in lower), row)
    label = next((lower[name] for name in TARGET_NAMES if name in lower), None)
    return image if label is None else (image, row[label])


def _item(item: Any, place: int) -> Any:
    """Return an item of a list; what is an array by another name becomes one.

    Raises
    ------
    DataError
        Where it is no image.
    """
    if item is None or isinstance(item, bytes):
        return item
    if isinstance(item, str | Path):
        return Path(item).expanduser()
    if is_picture(item):
        return unread(item)
    if hasattr(item, "__array__"):
        return np.asarray(item)
    if isinstance(item, list) and item and isinstance(item[0], list):
        return np.asarray(item)
    raise DataError(f"Item {place} of the images is of type {type(item).__name__}; give {ACCEPTED}.")
