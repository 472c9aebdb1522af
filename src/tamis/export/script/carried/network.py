"""The multilayer perceptron of a script: a fixed number of epochs."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from tamis.algorithms.estimator import TargetScale, normalize, spread_classes
from tamis.algorithms.stopping import inner_splits
from tamis.core.seeds import derive, generator


class Perceptron:
    """scikit-learn's multilayer perceptron in single precision, trained for a number of epochs that was found before.

    Parameters
    ----------
    settings : dict
        Arguments of scikit-learn's estimator.
    epochs : int
    seed : int
    n_classes : int
        0 for regression.
    scale : TargetScale, optional
        For regression.
    on_split : bool
        Train on the rows of an inner split alone: the number of epochs was found on the others.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        epochs: int,
        seed: int,
        n_classes: int = 0,
        scale: Any = None,
        on_split: bool = False,
    ) -> None:
        self.settings = settings
        self.epochs = epochs
        self.seed = derive(seed, "network", 0)
        self.n_classes = n_classes
        self.scale = scale or TargetScale()
        self.on_split = on_split

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Perceptron":
        """Train; rows with weights are drawn as often as their weight says."""
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        self.n_rows_, self.network_ = len(y), None
        if self.n_classes:
            self.present_, label = np.unique(y, return_inverse=True)
            varies = len(self.present_) > 1
        else:
            label = self.scale.fit(y, sample_weight).forward(y).astype(np.float32)
            varies = not self.scale.constant
        if not varies:
            return self
        splits = inner_splits(label, bool(self.n_classes), self.seed) if self.on_split else []
        rows = splits[0][0] if splits else np.arange(len(label))
        batch = int(np.clip(2 ** (3 + int(np.log10(max(10, len(rows))))), 16, 512))
        batch = min(len(rows), max(batch, len(rows) // 200))
        kind = MLPClassifier if self.n_classes else MLPRegressor
        network: Any = kind(**self.settings, solver="adam", batch_size=batch, random_state=self.seed, shuffle=True)
        known = {"classes": np.arange(len(self.present_))} if self.n_classes else {}
        X, draws = np.asarray(X, dtype=np.float32), generator(self.seed, "epochs")
        for _ in range(self.epochs):
            if sample_weight is not None and sample_weight[rows].sum() > 0:
                drawn = draws.choice(rows, size=len(rows), p=sample_weight[rows] / sample_weight[rows].sum())
            else:
                drawn = draws.permutation(rows)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                network.partial_fit(X[drawn], label[drawn], **known)
        self.network_ = network
        return self

    def raw(self, X: np.ndarray) -> np.ndarray:
        """Return the output before its last nonlinearity: shape (n_rows, n_outputs)."""
        network: Any = self.network_
        values = np.asarray(X, dtype=np.float32)
        for number, (matrix, shift) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
            values = values @ matrix + shift
            if number < len(network.coefs_) - 1:
                values = np.maximum(values, 0.0) if self.settings["activation"] == "relu" else np.tanh(values)
        return values

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        if self.network_ is None:
            return spread_classes(np.ones((len(X), 1)), self.present_, self.n_classes, self.n_rows_)
        output = self.raw(X)
        logits = np.column_stack([np.zeros(len(X)), output[:, 0]]) if output.shape[1] == 1 else output.astype(float)
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances = normalize(grown / grown.sum(axis=1, keepdims=True))
        return spread_classes(chances, self.present_, self.n_classes, self.n_rows_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return values of shape (n_rows,)."""
        if self.network_ is None:
            return np.full(len(X), self.scale.low)
        return self.scale.inverse(self.raw(X)[:, 0], within=0.3)
