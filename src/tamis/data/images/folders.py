"""Finds the images of a folder that has one sub-folder for each class."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tamis.core.errors import DataError
from tamis.data.images.raw import ListedImages
from tamis.data.images.reading import ImageReading, counted, listed
from tamis.data.images.signs import is_picture_file, walk

TRAIN_NAMES = ("train", "training", "train_images")
TEST_NAMES = ("test", "testing", "test_images", "val", "valid", "validation")
"""Sub-folders that are parts of a data set and no classes, the one to predict first."""

Parts = tuple[str, ...]
"""The steps of a path from the folder on."""

LAYOUT = "Put the images of each class into a sub-folder with the name of the class"


def read_folder(folder: Path, *, labelled: bool = True, learn: bool = True) -> ImageReading:
    """Find the images of a folder; the class of each is the sub-folder it lies in, however deep.

    Parameters
    ----------
    folder : Path
        Of classes; or of a folder `train` (and `test`) of classes, of which that one is used that suits the purpose.
    labelled : bool
        Whether classes are needed.
    learn : bool
        Whether the images are to learn from.

    Raises
    ------
    DataError
        Where there are no images or, if they are needed, not two classes.
    """
    pictures, others = _find(folder)
    if not pictures:
        raise _nothing(folder, others)
    notes: list[str] = []
    if part := _part(pictures, learn):
        aside = sorted({steps[0] for steps in pictures} - {part})
        notes.append(f"{part}/ is used" + (f"; {', '.join(f'{name}/' for name in aside)} left aside" if aside else ""))
        folder, pictures = folder / part, [steps[1:] for steps in pictures if steps[0] == part]
    while wrapping := _wrapping(pictures):
        notes.append(f"all class folders lie in {wrapping}/")
        folder, pictures = folder / wrapping, [steps[1:] for steps in pictures]
    counts = Counter(steps[0] for steps in pictures if len(steps) > 1)
    if labelled:
        _refuse_unlabelled(folder, counts, len(pictures))
        if strays := len(pictures) - counts.total():
            notes.append(f"{counted(strays, 'picture')} outside the {len(counts)} class folders left out")
            pictures = [steps for steps in pictures if len(steps) > 1]
    labels = None
    if counts and counts.total() == len(pictures):
        labels = np.array([steps[0] for steps in pictures], dtype=object)
        classes = listed([f"{name} ({count:,})" for name, count in sorted(counts.items())])
        notes.append(f"{counted(len(pictures), 'picture')} in {counted(len(counts), 'class folder')}: {classes}")
    else:
        notes.append(counted(len(pictures), "picture"))
    if others:
        name = os.path.basename(others[0])
        notes.append(f"{counted(len(others), 'file')} left out, no picture by name, such as {name!r}")
    paths = [os.path.join(folder, *steps) for steps in pictures]
    return ImageReading(ListedImages(paths), labels, tuple(notes), None if labels is None else "folder")


def _find(folder: Path) -> tuple[list[Parts], list[str]]:
    """Return the pictures below a folder, in the order of their paths, and the other files."""
    pictures: list[Parts] = []
    others: list[str] = []
    start = len(os.path.join(folder, ""))
    for file in walk(folder):
        if is_picture_file(file):
            pictures.append(tuple(file[start:].split(os.sep)))
        else:
            others.append(file)
    return sorted(pictures), others


def _nothing(folder: Path, others: list[str]) -> DataError:
    """Word the refusal of a folder without pictures."""
    names = [os.path.basename(one) for one in others]
    tables = [one for one in names if one.lower().endswith((".csv", ".tsv", ".parquet", ".npz"))]
    hint = f" There is {tables[0]!r}: name that file." if tables else ""
    what = f"; it holds {counted(len(names), 'other file')}, such as {names[0]!r}" if names else ", nor other files"
    return DataError(f"{folder}: there are no pictures (.jpg, .png, ...) in this folder{what}.{hint}")


def _part(pictures: list[Parts], learn: bool) -> str | None:
    """Return the sub-folder that is the part of a data set to use; None where the sub-folders are no parts."""
    tops = {steps[0].lower(): steps[0] for steps in pictures if len(steps) > 2}
    if not tops or not set(tops) <= {*TRAIN_NAMES, *TEST_NAMES}:
        return None
    order = TRAIN_NAMES if learn else (*TEST_NAMES, *TRAIN_NAMES)
    return next((tops[name] for name in order if name in tops), None)


def _wrapping(pictures: list[Parts]) -> str | None:
    """Return the one sub-folder in which several others hold all pictures, as an archive unpacks them."""
    alone = len({steps[0] for steps in pictures}) == 1 and min(map(len, pictures)) > 2
    return pictures[0][0] if alone and len({steps[1] for steps in pictures}) > 1 else None


def _refuse_unlabelled(folder: Path, counts: Mapping[str, int], n_pictures: int) -> None:
    if not counts:
        raise DataError(
            f"{folder}: {counted(n_pictures, 'picture')} in the folder itself, so that no class is known. {LAYOUT}, or "
            "name a table with a column of paths and a column to predict."
        )
    if len(counts) == 1:
        name, count = next(iter(counts.items()))
        raise DataError(
            f"{folder}: there is one class only, {name!r} ({counted(count, 'picture')}); at least two are needed. "
            f"{LAYOUT}."
        )
