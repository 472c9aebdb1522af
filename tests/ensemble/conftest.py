"""Losses and members that the tests of this room share."""

from collections.abc import Callable

import numpy as np
import pytest

Loss = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]


@pytest.fixture
def squared() -> Loss:
    return lambda y, p, w: float(np.average((y - p) ** 2, weights=w))


@pytest.fixture
def log_loss() -> Loss:
    return lambda y, p, w: float(np.average(-np.log(np.clip(p[np.arange(len(y)), y], 1e-12, 1)), weights=w))


@pytest.fixture
def noisy() -> Callable[[int, int], tuple[np.ndarray, list[np.ndarray]]]:
    """Return a maker of a target and members that each see it through noise of their own."""

    def make(n_rows: int, n_members: int) -> tuple[np.ndarray, list[np.ndarray]]:
        rng = np.random.default_rng(7)
        y = rng.normal(size=n_rows)
        return y, [y + rng.normal(size=n_rows) * (0.5 + 0.1 * i) for i in range(n_members)]

    return make
