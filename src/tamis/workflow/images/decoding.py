"""Brings images that are to be predicted to the form that a model's networks take."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tamis.data.image_form import ImageForm
from tamis.data.image_set import decode_iter
from tamis.data.image_sources import read_images
from tamis.data.images.reading import ImageReading, labels_of
from tamis.data.pixels import Pixels


def decoded(source: Any, form: ImageForm) -> Pixels:
    """Decode everything that `read_images` takes, or what it has read.

    Raises
    ------
    DataError
        Naming the first image that cannot be read.
    """
    reading = source if isinstance(source, ImageReading) else read_images(source, labelled=False)
    parts = [piece.images for piece in decode_iter(reading.images, form)]
    return Pixels(parts[0] if len(parts) == 1 else np.concatenate(parts))


def labelled(source: Any, column: str | None = None, labels: Any = None) -> tuple[ImageReading | Pixels, np.ndarray]:
    """Return images, which are not decoded yet, and what is true of each.

    Parameters
    ----------
    source : Pixels, or whatever `read_images` takes
    column : str, optional
        Where the labels stand in a table, or in a file of arrays.
    labels : array-like of shape (n_images,), optional
        Instead of those in the source.

    Raises
    ------
    DataError
        Where there are no labels, or not one for each image.
    """
    if labels is None:
        reading = read_images(source, target=column, labelled=False)
        if reading.labels is None:
            reading = read_images(source, target=column)  # says what is missing, and where
        return reading, np.asarray(reading.labels)
    known = isinstance(source, Pixels | ImageReading)
    images = source if known else read_images(source, labelled=False)
    return images, labels_of(labels, images.n_rows)[0]


def pieces(source: Any, form: ImageForm) -> Iterator[tuple[list[str], Pixels]]:
    """Yield the names and the pixels of images in order, a piece at a time."""
    reading = source if isinstance(source, ImageReading) else read_images(source, labelled=False)
    for piece in decode_iter(reading.images, form):
        yield [reading.images.name(int(row)) for row in piece.rows], Pixels(piece.images)
