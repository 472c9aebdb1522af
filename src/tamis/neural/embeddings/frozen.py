"""What transformers share whose columns are vectors of a pretrained network: time, directions, and what is saved."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import Any, Self

import numpy as np

TRANSIENT = ("limit_s", "ledger", "located", "lenient")
"""Attributes that belong to a fit alone."""
MOST_VECTORS = 2_000
"""Of more, some tell where the main directions are."""
FLAT = 1e-12
"""Directions in which the vectors vary by a smaller share of their largest variance are no directions."""


class FrozenEmbedding:
    """A transformer by a pretrained network, which stays as it is.

    A fitted one holds the network's name and the hash of its content, not its weights: it finds the network again where
    it predicts.

    Parameters
    ----------
    backbone : str
    n_components : int
        The main directions that are kept, scaled by one factor so that they vary by 1 on the average; 0 for the
        vectors as they are.
    threads : int
    limit_s : float
        Seconds that reading the training rows may take.
    ledger : dict, optional
        Told under `once_s` what was spent that no other fold spends again, and under `row_s` what a row takes.
    """

    limit_s: float = inf
    ledger: dict[str, Any] | None = None

    def __init__(
        self,
        backbone: str,
        *,
        n_components: int = 0,
        threads: int = 1,
        limit_s: float = inf,
        ledger: dict[str, Any] | None = None,
    ) -> None:
        self.backbone = backbone
        self.n_components = n_components
        self.threads = threads
        self.limit_s = limit_s
        self.ledger = ledger

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to a fit alone."""
        return {name: value for name, value in vars(self).items() if name not in TRANSIENT}

    def fit(self, X: Any, y: Any = None) -> Self:
        """Read the training rows, and find their main directions."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Read the training rows: shape (n_rows, n_vectors)."""
        raise NotImplementedError("An embedding of a kind of cells says how they are read.")

    @contextmanager
    def timed(self, n_rows: int) -> Iterator[float]:
        """Tell the ledger what reading so many rows takes; gives the time by the clock at which it must have ended."""
        began = time.monotonic()
        yield began + self.limit_s
        seconds = time.monotonic() - began
        if self.ledger is not None:
            self.ledger["once_s"] = self.ledger.get("once_s", 0.0) + seconds
            self.ledger["row_s"] = max(self.ledger.get("row_s", 0.0), seconds / max(1, n_rows))


def main_directions(centred: np.ndarray, n_components: int) -> np.ndarray:
    """Return the main directions of centred vectors, scaled by one factor: they then vary by 1 on the average.

    Returns
    -------
    ndarray of shape (width, n), float32
        n is `n_components`, or as many as there are vectors.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(50, 4)) * [3.0, 1.0, 1.0, 1.0]
    >>> made = (vectors - vectors.mean(axis=0)) @ main_directions(vectors - vectors.mean(axis=0), 2)
    >>> made.shape, round(float(np.mean(made**2)), 3)
    ((50, 2), 1.0)
    """
    exact = centred.astype(np.float64)
    step = max(1, len(exact) // MOST_VECTORS)
    some, n_kept = exact[::step], min(n_components, len(exact))
    if len(some) < exact.shape[1]:  # the smaller of the two matrices that have these directions
        values, weights = (found[..., ::-1][..., :n_kept] for found in np.linalg.eigh(some @ some.T))
        axes = some.T @ weights / np.sqrt(np.maximum(values, FLAT * max(float(values[0]), 1e-30)))
    else:
        axes = np.linalg.eigh(some.T @ some)[1][:, ::-1][:, :n_kept]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    spread = float(np.sqrt(np.mean((exact @ axes) ** 2))) or 1.0
    found: np.ndarray = (axes * signs / spread).astype(np.float32)
    return found
