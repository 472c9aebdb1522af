"""Brings columns of texts to strings, each different one once."""

from typing import Any

import numpy as np

from tamis.core.errors import DataError


def read_texts(X: Any) -> np.ndarray:
    """Return texts as an object array of strings, empty where there is none.

    Raises
    ------
    DataError
        Where it does not have two dimensions.
    """
    texts = np.asarray(X, dtype=object)
    if texts.ndim != 2:
        raise DataError(f"A text transformer needs rows and columns; got an array of {texts.ndim} dimensions.")
    plain = [one if isinstance(one, str) else "" if one is None or one != one else str(one) for one in texts.ravel()]
    made = np.empty(len(plain), dtype=object)
    made[:] = plain
    return made.reshape(texts.shape)


def distinct(column: np.ndarray, longest: int) -> tuple[list[str], np.ndarray]:
    """Return the distinct texts, cut to a length, and which of them each row has."""
    places: dict[str, int] = {}
    rows = np.array([places.setdefault(text[:longest], len(places)) for text in column], dtype=np.intp)
    return list(places), rows


def joined_columns(texts: np.ndarray) -> np.ndarray:
    """Return the columns of each row as one text: shape (n_rows, 1).

    Examples
    --------
    >>> joined_columns(np.array([["A title", "a text"], ["", "alone"]], dtype=object)).ravel().tolist()
    ['A title\\na text', 'alone']
    """
    made = np.empty((len(texts), 1), dtype=object)
    made[:, 0] = ["\n".join(one for one in row if one) for row in texts]
    return made
