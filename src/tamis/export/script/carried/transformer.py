"""What every transformer in a script shares."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from tamis.features.transformer import Matrix, bounded


class Transformer(TransformerMixin, BaseEstimator):
    """Read a matrix as bounded numbers; training rows may become something else than `transform` makes of them."""

    def begin(self, X: Matrix) -> Matrix:
        """Return the training rows as numbers."""
        values = bounded(X)
        self.n_features_in_ = int(values.shape[1])
        return values

    def read(self, X: Matrix) -> Matrix:
        """Return rows as numbers."""
        return bounded(X)

    def fit_transform(self, X: Matrix, y: np.ndarray | None = None, sample_weight: np.ndarray | None = None) -> Matrix:
        """Learn from the training rows and return their new columns."""
        return self.fit(X, y).transform(X)
