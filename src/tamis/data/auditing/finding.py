"""Names what the audit finds, and what it takes to look."""

import time
from dataclasses import dataclass, field

import numpy as np

from tamis.core.seeds import generator

LEAST_ROWS = 500
"""With fewer rows of a wide table, chance would be taken for a finding."""
CELLS_A_SECOND = 4_000_000
"""Roughly what one core looks at."""
WIDEST_SAMPLE = 5_000_000
"""Cells of a sample."""


@dataclass(frozen=True)
class Finding:
    """Something to know before training."""

    kind: str
    column: str | None
    message: str
    """What, how much, and what to do."""
    action: str = "warn"
    """`drop` (the column), `drop rows`, or `warn`."""
    severity: str = "warning"
    """`info`, `warning` or `error`."""


@dataclass(frozen=True)
class Answers:
    """What is to be predicted, as numbers."""

    values: np.ndarray
    """Shape (n_rows,): numbers or codes, NaN where missing."""
    names: tuple[str, ...] | None
    """The classes; None for numbers."""


@dataclass
class Budget:
    """How much may be looked at: so many seconds, or so many cells, which are the same on every machine."""

    limit_s: float
    cells: int | None = None
    start: float = field(default_factory=time.monotonic)
    used: int = 0
    """Cells looked at."""

    def spend(self, cells: int) -> bool:
        """Count cells that are about to be looked at; false where they are beyond the budget."""
        self.used += cells
        return self.left_s > 0 if self.cells is None else self.used <= self.cells

    def affords(self, cells: int) -> bool:
        """Count cells that are looked at in one go; false where that would go beyond the budget."""
        enough = self.left_s * CELLS_A_SECOND >= cells
        self.used += cells if enough else 0
        return enough

    @property
    def left_s(self) -> float:
        """Return the seconds left; where cells count, those that they take."""
        if self.cells is None:
            return self.limit_s - (time.monotonic() - self.start)
        return (self.cells - self.used) / CELLS_A_SECOND

    def part(self, share: float) -> "Budget":
        """Return a budget of a share of what is left."""
        if self.cells is None:
            return Budget(share * max(0.0, self.left_s))
        return Budget(self.limit_s, int(share * max(0, self.cells - self.used)))


def rows_of(n_rows: int, at_most: int, n_columns: int, seed: int, purpose: str) -> np.ndarray:
    """Choose the rows that are looked at: of wide tables fewer."""
    at_most = min(at_most, max(LEAST_ROWS, WIDEST_SAMPLE // max(1, n_columns)))
    if n_rows <= at_most:
        return np.arange(n_rows)
    return np.sort(generator(seed, purpose).choice(n_rows, at_most, replace=False))
