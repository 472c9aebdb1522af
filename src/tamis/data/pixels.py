"""Decoded images as the rows of a prediction: the counterpart of a table."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Pixels:
    """Images in the form that a network takes.

    Examples
    --------
    >>> rows = Pixels(np.zeros((5, 8, 8, 1), dtype=np.uint8))
    >>> rows.n_rows, rows.take(slice(0, 2)).n_rows
    (5, 2)
    """

    values: np.ndarray
    """Shape (n_rows, height, width, channels), uint8; may be mapped from a file."""

    @property
    def n_rows(self) -> int:
        """How many images there are."""
        return len(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Any) -> "Pixels":
        """Return some of them."""
        return Pixels(self.values[rows])
