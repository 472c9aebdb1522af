"""What recognising a column of strings starts from, the different strings, and what it ends with, a reading."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

ENOUGH = 0.95
"""Share of the cells that a recipe must read."""


@dataclass(frozen=True)
class Reading:
    """A recipe that reads the strings of a column."""

    recipe: dict[str, Any]
    reason: str
    share: float
    """Of the cells that hold something."""
    note: str = ""
    """What a user should know."""


@dataclass(frozen=True)
class Strings:
    """The different strings of a sample, and how often each occurs."""

    texts: pd.Series
    """Objects, no string twice, none missing."""
    counts: np.ndarray

    def share(self, read: "np.ndarray | pd.Series") -> float:
        """Return the share of the cells for which `read` is true."""
        return float(self.counts[np.asarray(read, dtype=bool)].sum() / max(1, self.counts.sum()))

    def where(self, kept: "np.ndarray | pd.Series") -> "Strings":
        """Return the strings for which `kept` is true."""
        mask = np.asarray(kept, dtype=bool)
        return self if mask.all() else Strings(self.texts[mask].reset_index(drop=True), self.counts[mask])
