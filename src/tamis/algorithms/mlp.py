"""scikit-learn's multilayer perceptron, trained epoch by epoch under the slice's deadline."""

import time
import warnings
from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np

from tamis.algorithms.estimator import WRAPPERS, TargetScale, cells, normalize, prefers_median, spread_classes
from tamis.algorithms.stopping import inner_splits
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.seeds import derive, generator
from tamis.core.space import Choice, Float, Int, Space

SOFT_SHARE = 0.8
MOST_EPOCHS = 200
PATIENCE = 16
"""Epochs without progress."""

Weights = tuple[list[np.ndarray], list[np.ndarray]]


ROWS_AT_ONCE = 1_024
"""What a layer makes of so many rows stays in the processor's cache."""


def _forward(weights: Weights, X: np.ndarray, activation: str) -> np.ndarray:
    """Return the network's output before its last nonlinearity: shape (n_rows, n_outputs)."""
    X = np.asarray(X, dtype=np.float32)
    starts = range(0, max(1, len(X)), ROWS_AT_ONCE)
    return np.concatenate([_outputs(weights, X[start : start + ROWS_AT_ONCE], activation) for start in starts])


def _outputs(weights: Weights, values: np.ndarray, activation: str) -> np.ndarray:
    matrices, shifts = weights
    for number, (matrix, shift) in enumerate(zip(matrices, shifts, strict=True)):
        values = values @ matrix
        values += shift
        if number < len(matrices) - 1:
            values = np.maximum(values, 0.0, out=values) if activation == "relu" else np.tanh(values, out=values)
    return values


def _probabilities(output: np.ndarray) -> np.ndarray:
    """Return the softmax; one output stands for the log odds of the second class."""
    logits = np.column_stack([np.zeros(len(output)), output[:, 0]]) if output.shape[1] == 1 else output.astype(float)
    logits = np.exp(logits - logits.max(axis=1, keepdims=True))
    return logits / logits.sum(axis=1, keepdims=True)


class MLP:
    """The mean of a few multilayer perceptrons, each at its best epoch; holds nothing but arrays after the fit.

    Parameters
    ----------
    settings : dict
        Arguments of scikit-learn's estimator.
    n_networks : int
        How many seeds are averaged.
    n_classes : int
        0 for regression.
    absolute : bool
        Whether the epoch with the lowest absolute error is kept, instead of the squared one.
    clusters : ndarray of int of shape (n_rows,), optional
        Codes of rows that belong together; dropped after the fit.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        *,
        n_networks: int,
        n_classes: int,
        seed: int,
        limit_s: float,
        scale: TargetScale,
        absolute: bool = False,
        epochs: int | None = None,
        clusters: np.ndarray | None = None,
    ) -> None:
        self.settings = settings
        self.n_networks = n_networks
        self.n_classes = n_classes
        self.seed = seed
        self.limit_s = limit_s
        self.scale = scale
        self.absolute = absolute
        self.epochs = epochs
        self.clusters = clusters

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "MLP":
        """Fit on scaled X of shape (n_rows, n_columns) without missing values."""
        started = time.monotonic()
        clusters, self.clusters = self.clusters, None  # as long as the rows, and not needed after the fit
        y = np.asarray(y)
        self.n_rows_ = len(y)
        self.networks_: list[Weights] = []
        self.realised_: dict[str, Any] = {}
        if self.n_classes:
            self.present_ = np.unique(y.astype(np.int64))
            label = np.searchsorted(self.present_, y)
            constant = len(self.present_) == 1
        else:
            self.scale.fit(y.astype(float), sample_weight)
            label, constant = self.scale.forward(y.astype(float)).astype(np.float32), self.scale.constant
        if constant:
            return self
        X = np.asarray(X, dtype=np.float32)
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        counts: list[int] = []
        for number in range(self.n_networks):
            deadline = started + SOFT_SHARE * self.limit_s * (number + 1) / self.n_networks
            if counts and time.monotonic() >= deadline:
                break
            network, epochs = self._train(X, label, weight, number, deadline, clusters)
            self.networks_.append(network)
            counts.append(epochs)
        self.realised_ = {"epochs": int(np.ceil(np.mean(counts))), "networks": len(self.networks_)}
        return self

    def _train(
        self,
        X: np.ndarray,
        label: np.ndarray,
        weight: np.ndarray | None,
        number: int,
        deadline: float,
        clusters: np.ndarray | None,
    ) -> tuple[Weights, int]:
        """Train one network; return the weights of its best epoch and the epoch's number."""
        seed = derive(self.seed, "network", number)
        splits = [] if self.epochs is not None else inner_splits(label, bool(self.n_classes), seed, clusters)
        rows, held = splits[0] if splits else (np.arange(len(label)), np.arange(0))
        estimator, draws = self._estimator(len(rows), seed), generator(seed, "epochs")
        best: Weights = ([], [])
        best_loss, best_epoch = inf, 0
        epochs = self.epochs or (MOST_EPOCHS if splits else 60)
        for epoch in range(1, epochs + 1):
            self._epoch(estimator, X, label, self._order(rows, weight, draws))
            loss = self._loss(estimator, X, label, weight, held) if len(held) else -float(epoch)
            if loss < best_loss or epoch == 1:
                best, best_loss, best_epoch = _copied(estimator), loss, epoch
            waited_out = len(held) > 0 and epoch - best_epoch >= PATIENCE
            if waited_out or (deadline < inf and time.monotonic() > deadline):
                break
        return best, best_epoch

    def _estimator(self, n_rows: int, seed: int) -> Any:
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        batch = int(np.clip(2 ** (3 + int(np.log10(max(10, n_rows)))), 16, 512))
        batch = min(n_rows, max(batch, n_rows // 200))
        kind = MLPClassifier if self.n_classes else MLPRegressor
        return kind(**self.settings, solver="adam", batch_size=batch, random_state=seed, shuffle=True)

    def _order(self, rows: np.ndarray, weight: np.ndarray | None, draws: np.random.Generator) -> np.ndarray:
        """Return the rows of an epoch, shuffled: each once, or as often as its weight has it drawn.

        The estimator deals its batches in the same way every time it is called: its own seed is fixed.
        """
        if weight is None or weight[rows].sum() <= 0:
            return draws.permutation(rows)
        # scikit-learn before 1.7 takes no weights here.
        return draws.choice(rows, size=len(rows), p=weight[rows] / weight[rows].sum())

    def _epoch(self, estimator: Any, X: np.ndarray, label: np.ndarray, rows: np.ndarray) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.n_classes:
                estimator.partial_fit(X[rows], label[rows], classes=np.arange(len(self.present_)))
            else:
                estimator.partial_fit(X[rows], label[rows])

    def _loss(
        self, estimator: Any, X: np.ndarray, label: np.ndarray, weight: np.ndarray | None, held: np.ndarray
    ) -> float:
        output = _forward((estimator.coefs_, estimator.intercepts_), X[held], self.settings["activation"])
        if self.n_classes:
            proba = _probabilities(output)[np.arange(len(held)), label[held]]
            losses = -np.log(np.clip(proba, 1e-15, 1.0))
        else:
            losses = np.abs(output[:, 0] - label[held]) ** (1 if self.absolute else 2)
        heavy = None if weight is None or weight[held].sum() <= 0 else weight[held]
        return float(np.average(losses, weights=heavy))

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        if not self.networks_:
            return spread_classes(np.ones((X.shape[0], 1)), self.present_, self.n_classes, self.n_rows_)
        each = [_probabilities(_forward(network, X, self.settings["activation"])) for network in self.networks_]
        return spread_classes(normalize(np.mean(each, axis=0)), self.present_, self.n_classes, self.n_rows_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predictions of shape (n_rows,)."""
        if not self.networks_:
            return np.full(X.shape[0], self.scale.low)
        each = [_forward(network, X, self.settings["activation"])[:, 0] for network in self.networks_]
        return self.scale.inverse(np.mean(each, axis=0), within=0.3)


def _copied(estimator: Any) -> Weights:
    return [one.copy() for one in estimator.coefs_], [one.copy() for one in estimator.intercepts_]


def build(parameters: Mapping[str, Any], context: BuildContext) -> MLP:
    """Return an unfitted network."""
    layers = (int(parameters.get("width", 128)),) * int(parameters.get("n_layers", 2))
    settings = {
        "hidden_layer_sizes": layers,
        "activation": str(parameters.get("activation", "relu")),
        "alpha": float(parameters.get("alpha", 1e-3)),
        "learning_rate_init": float(parameters.get("learning_rate", 2e-3)),
    }
    epochs = context.realised.get("epochs")
    return MLP(
        settings,
        n_networks=int(parameters.get("n_networks", 1)),
        n_classes=context.shape.classes if context.task.is_classification else 0,
        seed=context.seed,
        limit_s=context.limit_s,
        scale=TargetScale.for_metric(context.metric, parameters),
        absolute=prefers_median(context.metric),
        epochs=None if not epochs else int(epochs),
        clusters=context.clusters,
    )


def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate about 22 epochs of every network."""
    width, layers = int(parameters.get("width", 128)), int(parameters.get("n_layers", 2))
    weights = shape.columns * width + (layers - 1) * width**2 + width * shape.classes
    batch = float(np.clip(2 ** (3 + int(np.log10(max(10, shape.rows)))), 16, 512))
    batch = max(batch, shape.rows / 200)
    each = shape.rows * weights * 6 * 4e-11 + shape.rows / batch * (4e-4 + weights * 1e-8)
    networks = int(parameters.get("n_networks", 1))
    return Cost(0.05 + networks * 22 * each, 20 + 1.2e-5 * cells(shape) + networks * weights * 3.2e-5)


COMPONENTS = (
    Component(
        name="mlp",
        kind=ComponentKind.MODEL,
        build=build,
        space=Space(
            {
                "n_layers": Int(1, 4, default=2),
                "width": Choice([32, 64, 128, 256], default=128, ordered=True),
                "activation": Choice(["relu", "tanh"]),
                "learning_rate": Float(2e-4, 2e-2, log=True, default=2e-3),
                "alpha": Float(1e-6, 1.0, log=True, default=1e-3),
                "n_networks": Int(1, 5, default=1),
                "log_target": Choice([False, True]),
            }
        ),
        cost=cost,
        classes=("tamis.algorithms.mlp.MLP", *WRAPPERS),
        source="sklearn.neural_network.MLPClassifier",
        summary="A small neural network, at its best epoch.",
    ),
)
