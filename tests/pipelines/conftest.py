import numpy as np
import pytest

from tamis.core.kinds import Role
from tamis.data.table import Table


@pytest.fixture
def table() -> Table:
    """Sixty rows with every group of columns."""
    rng = np.random.default_rng(0)
    n = 60
    values = np.column_stack(
        [
            rng.normal(size=n),
            np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            rng.integers(0, 4, n).astype(float),
            rng.integers(0, 30, n).astype(float),
            1.6e9 + rng.integers(0, 10**8, n).astype(float),
        ]
    )
    roles = (Role.NUMERIC, Role.NUMERIC, Role.CATEGORICAL, Role.HIGH_CARDINALITY, Role.DATE)
    words = np.array(["red apple pie", "green pear tart", "blue plum cake", ""], dtype=object)
    return Table(("a", "b", "c", "d", "e"), roles, values, {"t": words[rng.integers(0, 4, n)]})


@pytest.fixture
def target(table: Table) -> np.ndarray:
    """Two classes that depend on the first and the third column."""
    return ((table.values[:, 0] + (table.values[:, 2] > 1)) > 0.3).astype(np.int64)
