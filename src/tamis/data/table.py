"""The prepared form of a table: numbers side by side in one matrix, texts and paths of images beside them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from tamis.core.kinds import Role


@dataclass(frozen=True)
class Table:
    """Rows in the form that every pipeline takes.

    Numbers, booleans (0 and 1), codes of levels (0, 1, ...), and dates (seconds since 1970, UTC) are columns of one
    float64 matrix, NaN where a value is missing or a level was not known; texts are kept as Python strings, empty where
    missing.
    """

    names: tuple[str, ...]
    """The name of each column of `values`."""
    roles: tuple[Role, ...]
    """The role of each column of `values`."""
    values: "np.ndarray | sparse.csr_matrix"
    """Shape (n_rows, n_columns); scipy CSR where the input was sparse."""
    texts: dict[str, np.ndarray] = field(default_factory=dict)
    """Text columns by name: object arrays of shape (n_rows,)."""
    images: dict[str, np.ndarray] = field(default_factory=dict)
    """Columns of images by name: whole paths of files, empty where missing; object arrays of shape (n_rows,)."""

    @property
    def n_rows(self) -> int:
        """Return the count of rows."""
        return int(self.values.shape[0])

    def __len__(self) -> int:
        return self.n_rows

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns, texts and images included, as scikit-learn asks for it."""
        return self.n_rows, len(self.names) + len(self.texts) + len(self.images)

    @property
    def is_sparse(self) -> bool:
        """Tell whether the numbers are held as a scipy CSR matrix."""
        return sparse.issparse(self.values)

    def take(self, rows: "np.ndarray | slice") -> "Table":
        """Return some rows, in the order asked."""
        texts, images = (
            {name: column[rows] for name, column in beside.items()} for beside in (self.texts, self.images)
        )
        return Table(self.names, self.roles, self.values[rows], texts, images)

    def numbers_of(self, roles: Iterable[Role]) -> np.ndarray:
        """Return the positions in `values` of the columns that have one of the roles."""
        wanted = set(roles)
        return np.array([index for index, role in enumerate(self.roles) if role in wanted], dtype=np.intp)
