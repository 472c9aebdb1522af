"""Columns whose cells name image files: how they are told from others, where the files are, and what is in them."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.errors import DataError
from tamis.data import convert
from tamis.data.image_form import ImageForm
from tamis.data.images.reading import SHOWN, listed
from tamis.data.images.signs import SUFFIXES
from tamis.data.pictures import BadPictureError, decode
from tamis.data.table import Table

FOLDER = "folder"
"""The name in a frame's `attrs` under which the folder of its file stands: paths begin there."""
HOW = "image files"
"""What the recipe of such a column is called."""
NAMED, THERE = 0.9, 0.5
"""A column names images where so large a share of its values end as pictures do, and of some of them so many lie on the
disk."""
PROBED = 200

_KEYS: dict[tuple[str, int, int], bytes] = {}
"""What is in a file, by its path, its time and its size: folds and candidates ask again and again."""


def places_of(frame: Any) -> tuple[str, ...]:
    """Return the folders in which relative paths begin: that of the table's file, and the working directory."""
    told = getattr(frame, "attrs", {}).get(FOLDER)
    return tuple(dict.fromkeys([*([str(told)] if told else []), os.getcwd()]))


def find_file(cell: str, places: Iterable[str]) -> str | None:
    """Return the whole path of the file that a cell names, None where it is in none of the places."""
    plain = cell.strip()
    for name in (plain, plain.replace("\\", "/")) if "\\" in plain else (plain,):
        for place in ("",) if os.path.isabs(name) else places:
            path = os.path.join(place, name)
            if os.path.isfile(path):
                return os.path.abspath(path)
    return None


def image_recipe(values: Sequence[str], places: Sequence[str]) -> dict[str, Any] | None:
    """Return the recipe of a column whose different values name image files, None where they do not.

    Examples
    --------
    >>> image_recipe(["red", "blue"], ["."]) is None
    True
    """
    if not are_named_as_images(values):
        return None
    probes = list(values)[:: max(1, len(values) // PROBED)]
    found = sum(find_file(one, places) is not None for one in probes)
    return recipe_at(places) if found > THERE * len(probes) else None


def are_named_as_images(values: Sequence[str]) -> bool:
    """Tell whether nearly all values end as the names of pictures do.

    Examples
    --------
    >>> are_named_as_images(["a.png", "b.JPG"]), are_named_as_images(["a.png", "text"]), are_named_as_images([])
    (True, False, False)
    """
    ended = sum(os.path.splitext(one.strip())[1].lower() in SUFFIXES for one in values)
    return ended > 0 and ended >= NAMED * len(values)


def recipe_at(places: Sequence[str]) -> dict[str, Any]:
    """Return the recipe of image files that begin in some folders."""
    return {"how": HOW, "folders": list(places)}


def resolved(cells: pd.Series, recipe: Mapping[str, Any]) -> np.ndarray:
    """Return the whole path of the file that each cell names, empty where the cell is.

    Paths begin in the folder of the table's file, in the working directory, or where they began when the model was
    fitted. A cell whose file is nowhere stays as it is written.

    Returns
    -------
    ndarray of shape (n_rows,), objects
    """
    places = tuple(dict.fromkeys([*places_of(cells), *recipe.get("folders", [])]))
    codes, levels = convert.factorize(cells)
    paths = [find_file(str(level), places) or str(level).strip() for level in levels]
    return np.append(np.array(paths, dtype=object), "")[codes] if paths else np.full(len(cells), "", dtype=object)


def whole(table: Table, frame: Any) -> Table:
    """Return a prepared table, or refuse it where the image of a row is nowhere.

    Parameters
    ----------
    table : Table
    frame : DataFrame
        What it was made of.

    Raises
    ------
    DataError
        Naming the column, the rows and the files.
    """
    for name, paths in table.images.items():
        there = {path: os.path.isfile(path) for path in set(paths) if path}
        lost = [f"row {row} ({path!r})" for row, path in enumerate(paths, 1) if path and not there[path]]
        if lost:
            raise DataError(
                f"{len(lost):,} of {len(paths):,} images in the column {name!r} are not there: "
                f"{listed(lost[:SHOWN], len(lost))}. Rows are counted from 1 below the header; paths were taken from "
                f"{' and '.join(places_of(frame))}. Put the files in their place, write whole paths, or leave the "
                "cells empty: an empty one is a missing value."
            )
    return table


def problem_of(path: str, least: int = 64) -> str:
    """Say what is wrong with a picture, empty where nothing is.

    Examples
    --------
    >>> problem_of("nowhere.png")
    'does not exist'
    """
    try:
        decode(path, least)
    except BadPictureError as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A picture in a file: what pretrained networks are given for a cell."""

    path: str

    @property
    def key(self) -> bytes:
        """Return a hash of what is in the file.

        Raises
        ------
        DataError
            Where it cannot be read.
        """
        try:
            about = os.stat(self.path)
            known = (self.path, about.st_mtime_ns, about.st_size)
            if known not in _KEYS:
                _KEYS[known] = blake2b(Path(self.path).read_bytes(), digest_size=16).digest()
        except OSError as error:
            raise DataError(f"The image '{self.path}' cannot be read ({error.strerror}).") from error
        return _KEYS[known]

    def pixels(self, height: int, width: int, channels: int) -> np.ndarray:
        """Return the picture, of shape (height, width, channels), uint8.

        Raises
        ------
        DataError
            Where it is none, or is damaged.
        """
        try:
            return ImageForm(height, width, channels).apply([Path(self.path)])[0]
        except BadPictureError as error:
            raise DataError(f"The image '{self.path}' {error}. Replace the file, or leave its cell empty.") from error


def image_files(paths: np.ndarray) -> np.ndarray:
    """Return the pictures of whole paths, None where there is no path: an object array of the same shape."""
    made = np.empty(paths.size, dtype=object)
    made[:] = [ImageFile(path) if path else None for path in paths.ravel()]
    return made.reshape(paths.shape)
