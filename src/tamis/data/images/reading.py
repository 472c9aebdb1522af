"""Images as they were found, with what is said of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pandas import isna

from tamis.core.errors import DataError
from tamis.data.images.raw import RawImages, choose

SHOWN = 5
"""How many names a message lists."""


@dataclass(frozen=True, eq=False)
class ImageReading:
    """References to images, their raw labels, and what was found on the way."""

    images: RawImages
    labels: np.ndarray | None = None
    """Shape (n_rows,), as they were given; None where there are none."""
    notes: tuple[str, ...] = ()
    """One line for each thing found and done."""
    target: str | None = None
    """The name of the column, array or level of folders that the labels came from."""

    @property
    def n_rows(self) -> int:
        """How many images there are."""
        return len(self.images)

    def only(self, rows: Iterable[int]) -> "ImageReading":
        """Return some of them, each once and in their order."""
        chosen = choose(self.images, rows)
        return replace(self, images=chosen, labels=None if self.labels is None else self.labels[chosen.rows])


def labels_of(values: Any, n_images: int) -> tuple[np.ndarray, list[str]]:
    """Return one label for each image; of one column for each class (0 and one 1 a row) the number of the class.

    Raises
    ------
    DataError
        Where there are more or fewer labels than images, or several for each.

    Examples
    --------
    >>> labels_of([[0, 1], [1, 0]], 2)
    (array([1, 0]), ['labels given as a column for each of 2 classes: taken as their numbers'])
    """
    labels = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    notes = []
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and labels.dtype.kind in "buif" and _is_one_hot(labels):
        notes.append(f"labels given as a column for each of {labels.shape[1]} classes: taken as their numbers")
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        raise DataError(f"There must be one label for each image; got an array of shape {labels.shape}.")
    if len(labels) != n_images:
        raise DataError(f"There must be one label for each of the {n_images:,} images; got {len(labels):,} labels.")
    return labels, notes


def _is_one_hot(labels: np.ndarray) -> bool:
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())


def check_labels(reading: ImageReading, name: str) -> ImageReading:
    """Refuse images from which nothing can be learned.

    Raises
    ------
    DataError
        Where there are no labels, or all are the same.
    """
    if reading.labels is None:
        raise DataError(f"{name}: the images have no labels. Give `labels`, one for each image.")
    present = reading.labels[~isna(reading.labels)]
    different = set(map(str, present.tolist()))
    if not different:
        raise DataError(f"{name}: no image has a label; {_source(reading)} is empty.")
    if len(different) == 1:
        raise DataError(
            f"{name}: all {len(present):,} images have the same label, {str(present[0])!r}; at least two different "
            "ones are needed to learn from."
        )
    return reading


def _source(reading: ImageReading) -> str:
    return f"the column {reading.target!r}" if reading.target else "what was given"


def counted(count: int, noun: str) -> str:
    """Return a number of things, for messages.

    Examples
    --------
    >>> counted(1, "image"), counted(2250, "image")
    ('1 image', '2,250 images')
    """
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(names: Sequence[object], total: int | None = None) -> str:
    """Return the first names of a list, for messages.

    Examples
    --------
    >>> listed(["a", "b", "c", "d", "e", "f", "g"])
    'a, b, c, d, e and 2 more'
    """
    more = (len(names) if total is None else total) - SHOWN
    shown = ", ".join(map(str, names[:SHOWN]))
    return f"{shown} and {more:,} more" if more > 0 else shown
