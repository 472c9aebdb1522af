"""Reads tables that list images by their paths, or hold them as bytes, beside a column to predict."""

import json
import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.errors import DataError
from tamis.data.frames import to_pandas
from tamis.data.images.raw import ListedImages, ParquetImages
from tamis.data.images.reading import SHOWN, ImageReading, listed
from tamis.data.images.signs import IMAGE_NAMES, SUFFIXES, is_picture_file, picture_columns, walk
from tamis.data.pictures import is_picture
from tamis.data.read import read_table

TARGET_NAMES = ("label", "labels", "class", "class_name", "category", "target", "y", "fine_label")
"""What a column to predict is called, the likeliest first."""

PROBED = 200
"""About how many cells of a column, spread over it, are looked at to see whether they are paths."""


def read_image_table(
    path: Path, *, target: str | None = None, image: str | None = None, labelled: bool = True, learn: bool = True
) -> ImageReading:
    """Read references to the images of a file, and their labels.

    Parameters
    ----------
    path : Path
        Parquet with a column of encoded pictures, or a table of any kind with a column of paths.
    target, image : str, optional
        The columns to predict and of images; found by their names and contents where they are not given.
    labelled : bool
        Whether a column to predict is needed.
    learn : bool
        Whether they are to learn from: then a file that is not there is like one that cannot be read, to be left out
        when the images are decoded; else it is refused.
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        reading = read_parquet_images([path], target=target, image=image, labelled=labelled)
        if reading is not None:
            return reading
    found = read_table(path)
    options: dict[str, Any] = {"target": target, "image": image, "labelled": labelled, "learn": learn}
    return read_image_frame(found.frame, str(path), path.parent, **options)


def read_parquet_images(
    files: Sequence[Path], *, target: str | None = None, image: str | None = None, labelled: bool = True
) -> ImageReading | None:
    """Read the labels of Parquet files and leave the pictures where they are; None where no column holds pictures."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = str(files[0])
    try:
        schema = pq.read_schema(files[0])
        candidates = picture_columns(schema)
        if not candidates or (image is not None and image not in candidates):
            return None
        column = image or candidates[0]
        others = [one for one in schema.names if one not in candidates]
        label = _target(target, others, name, labelled)
        labels = None
        if label is not None:
            table = pa.concat_tables([pq.read_table(file, columns=[label]) for file in files])
            labels = table.column(0).to_pandas().to_numpy()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"{name}: the Parquet file is damaged or of another kind ({reason}).") from error
    images = ParquetImages(files, column)
    notes = [f"{len(images):,} images in the column {column!r}" + (f" of {len(files)} files" if len(files) > 1 else "")]
    if labels is not None and label is not None:
        notes.append(f"labels from the column {label!r}")
        labels, found = _named_classes(labels, schema.metadata, label)
        notes += found
    return ImageReading(images, labels, tuple(notes), label)


def _named_classes(labels: np.ndarray, metadata: Any, column: str) -> tuple[np.ndarray, list[str]]:
    """Turn numbers of classes into their names, where the `datasets` library has stored them."""
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][column]["names"]
        named = np.array([None, *names], dtype=object)
        numbers = pd.to_numeric(pd.Series(labels)).fillna(-1).to_numpy(dtype=np.int64)
        return named[np.clip(numbers, -1, None) + 1], [f"the {len(names)} classes are named in the file"]
    except (TypeError, KeyError, ValueError, IndexError):
        return labels, []


def read_image_frame(
    frame: Any,
    name: str,
    folder: Path,
    *,
    target: str | None = None,
    image: str | None = None,
    labelled: bool = True,
    learn: bool = True,
) -> ImageReading:
    """Read references to images and their labels from a data frame.

    Parameters
    ----------
    frame : DataFrame
        With a column of paths, bytes, structures {bytes, path}, arrays or Pillow images.
    name : str
        As shown in messages.
    folder : Path
        Where relative paths begin.
    target, image, labelled, learn
        As in `read_image_table`.
    """
    frame = frame if isinstance(frame, pd.DataFrame) else to_pandas(frame)
    frame = frame.set_axis([str(one) for one in frame.columns], axis=1)
    if image is not None and image not in frame.columns:
        raise _no_column(image, list(frame.columns), name)
    column, base, notes = _image_column(frame, folder, name, image, target)
    label = _target(target, [one for one in frame.columns if one != column], name, labelled)
    given = frame[column].tolist()
    cells = [_bytes_of(cell, folder) if base is None else _file(cell, base, folder) for cell in given]
    if base is not None and not learn:
        _refuse_missing(given, cells, name, column)
    labels = None
    if label is not None:
        notes.append(f"labels from the column {label!r}")
        # pandas' own types have a missing value of their own; as objects every kind of label stays what it is.
        series = frame[label]
        labels = series.to_numpy() if isinstance(series.dtype, np.dtype) else series.to_numpy(dtype=object)
    images = ListedImages(cells, lambda row: f"{name}, row {row + 1}{_shown(cells[row])}")
    return ImageReading(images, labels, tuple(notes), label)


def _shown(cell: Any) -> str:
    return f" ({cell})" if isinstance(cell, str | Path) else ""


def _bytes_of(cell: Any, folder: Path) -> Any:
    if isinstance(cell, dict):
        inner = cell.get("bytes")
        return inner if inner is not None else folder / str(cell["path"]) if cell.get("path") else None
    return None if isinstance(cell, float) else cell


def _target(target: str | None, others: Sequence[str], name: str, needed: bool) -> str | None:
    """Return the column to predict."""
    if target is not None:
        if target in others:
            return target
        if needed:
            raise _no_column(target, others, name)
        return None
    lower = {one.lower(): one for one in reversed(others)}
    for usual in TARGET_NAMES:
        if usual in lower:
            return lower[usual]
    if not needed:
        return None
    if len(others) == 1:
        return others[0]
    if not others:
        raise DataError(f"{name}: there is no column beside the images; one to predict is needed.")
    raise DataError(f"{name}: which column is to be predicted? Name the target; there are {listed(others)}.")


def _no_column(wanted: str, columns: Sequence[str], name: str) -> DataError:
    near = get_close_matches(wanted, columns, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return DataError(f"{name}: there is no column {wanted!r}; there are {listed(columns)}.{hint}")


def _image_column(
    frame: pd.DataFrame, folder: Path, name: str, image: str | None, target: str | None
) -> tuple[str, "Path | dict[str, Path] | None", list[str]]:
    """Return the column of images, where its paths begin (None: its cells are the images), and notes."""
    columns = [image] if image is not None else [one for one in frame.columns if one != target]
    columns.sort(key=lambda one: IMAGE_NAMES.index(one.lower()) if one.lower() in IMAGE_NAMES else len(IMAGE_NAMES))
    some = frame.iloc[:: max(1, len(frame) // PROBED)]
    probes = {one: [cell for cell in some[one].tolist() if cell is not None] for one in columns}
    for column, cells in probes.items():
        if any(_is_image(cell) for cell in cells):
            return column, None, [f"{len(frame):,} images in the column {column!r}"]
    texts = {one: [cell for cell in cells if isinstance(cell, str)] for one, cells in probes.items()}
    texts = {one: cells for one, cells in texts.items() if cells}
    for column, cells in texts.items():
        if sum(_path(folder, cell).is_file() for cell in cells) > len(cells) / 2:
            return column, folder, [f"{len(frame):,} images by the paths in the column {column!r}"]
    below = _by_name(folder) if texts else {}
    for column, cells in texts.items():
        found = [below[os.path.basename(cell)] for cell in cells if os.path.basename(cell) in below]
        if len(found) > len(cells) / 2:
            where = os.path.relpath(found[0].parent, folder)
            note = f"{len(frame):,} images by the names in the column {column!r}, found in {where}/"
            return column, below, [note]
    raise _no_paths(texts, columns, folder, name, image)


def _no_paths(
    texts: dict[str, list[str]], columns: Sequence[str], folder: Path, name: str, image: str | None
) -> DataError:
    """Word the refusal of a table in which no column leads to images."""
    named = [one for one, cells in texts.items() if os.path.splitext(cells[0])[1].lower() in SUFFIXES]
    if named or (image is not None and texts):
        column = named[0] if named else columns[0]
        return DataError(
            f"{name}: the paths in the column {column!r} lead nowhere, such as {texts[column][0]!r}. They are taken "
            f"from the folder {folder}: put the images there, or write whole paths."
        )
    return DataError(f"{name}: no column holds paths of images or images; there are {listed(columns)}.")


def _is_image(cell: Any) -> bool:
    if isinstance(cell, dict):
        return "bytes" in cell
    return isinstance(cell, bytes) or is_picture(cell) or (isinstance(cell, np.ndarray) and cell.ndim in (2, 3))


def _path(folder: Path, cell: str) -> Path:
    path = folder / cell.strip()
    return path if "\\" not in cell or path.exists() else folder / cell.strip().replace("\\", "/")


def _by_name(folder: Path) -> dict[str, Path]:
    """Return the pictures below a folder by their names, with and without ending, but for names that occur twice."""
    found: dict[str, Path] = {}
    twice: set[str] = set()
    for file in map(Path, filter(is_picture_file, walk(folder))):
        for name in {file.name, file.stem}:
            twice.update({name} & found.keys())
            found[name] = file
    return {name: file for name, file in found.items() if name not in twice}


def _file(cell: Any, base: "Path | dict[str, Path]", folder: Path) -> Path | None:
    """Return the file that a cell names, whether it is there or not; None where it names none."""
    if not isinstance(cell, str) or not cell.strip():
        return None
    known = base.get(os.path.basename(cell.strip())) if isinstance(base, dict) else None
    return known or _path(folder, cell)


def _refuse_missing(cells: Sequence[Any], files: Sequence[Path | None], name: str, column: str) -> None:
    """Refuse a table of which not every row leads to a file.

    Raises
    ------
    DataError
        Naming the rows whose file is not there.
    """
    missing = [
        f"row {row} ({cell!r})" if isinstance(cell, str) else f"row {row} (no path)"
        for row, (cell, file) in enumerate(zip(cells, files, strict=True), 1)
        if file is None or not file.is_file()
    ]
    if missing:
        shown = listed(missing[:SHOWN], len(missing))
        raise DataError(
            f"{name}: {len(missing):,} of {len(cells):,} images in the column {column!r} are not there: {shown}. Rows "
            "are counted from 1 below the header. Put the files in their place, or take the rows out."
        )
