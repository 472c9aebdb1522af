"""A network for tables with scikit-learn's manners: its rows held out, its fit inside the slice, its saved form."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import ceil, inf
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tamis.core.component import BuildContext, Shape
from tamis.core.dealing import held_out, places
from tamis.core.errors import TrialError
from tamis.core.kinds import TaskKind
from tamis.core.seeds import derive, generator
from tamis.neural.tables.embeddings import TableCoder, TargetCoder
from tamis.neural.tables.fitting import Best, Regime, Rows, outputs, train
from tamis.neural.tables.realmlp import TableNetwork
from tamis.neural.training.weights import dump_weights, load_weights

SOFT_SHARE = 0.8
"""Training ends at this share of the slice."""
LEAST_ROWS, MANY_ROWS, MOST_HELD = 20, 20_000, 20_000
"""Below the first none are held; from the second on every tenth instead of every fifth, and at most the third."""
REFIT_ROWS = 10_000
"""Below it, the held rows are worth a second training."""
REFIT_COST = 1.3
"""What the second training takes at most, in units of the first one up to its best moment."""
FIRST_ROWS = 1024
"""Rows to which the first weights are fitted."""
RATE_CUTS = (1.0, 0.25, 0.06)
"""Factors of the learning rate, tried in turn where the loss is no number."""

NetworkKind = Callable[[TableCoder, int, Mapping[str, Any], torch.Generator], TableNetwork]
"""(coder, n_outputs, settings, generator) -> an untrained network."""


_counting = Lock()
_inside, _before = 0, 1
"""How many are in `threads` now, and the count of threads before the first of them."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use so many threads for a while; where several are inside at once, the last to leave puts all back."""
    global _inside, _before
    with _counting:
        _before = _before if _inside else torch.get_num_threads()
        _inside += 1
        torch.set_num_threads(max(1, count))
    try:
        yield
    finally:
        with _counting:
            _inside -= 1
            if not _inside:
                torch.set_num_threads(_before)


def inner_splits(
    label: np.ndarray, n_splits: int, seed: int, classify: bool, clusters: np.ndarray | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split the training rows to see when a training is at its best, evenly over the target.

    Parameters
    ----------
    classify : bool
        No class is then held out as a whole, such as the only row of one.
    clusters : ndarray of int of shape (n_rows,), optional
        Rows of equal codes stay on one side.

    Returns
    -------
    list of (training rows, held rows)
        None held where there are too few rows for it.
    """
    n = len(label)
    every = max(5 if n < MANY_ROWS else 10, ceil(n / MOST_HELD))
    place = places(label, seed, clusters)
    every = min(every, int(place.max()) + 1)
    codes = np.unique(label, return_inverse=True)[1] if classify else None
    parts = (held_out(place, number, every, codes) & (n >= LEAST_ROWS) for number in range(n_splits))
    return [(np.flatnonzero(~held), np.flatnonzero(held)) for held in parts]


class TableModel:
    """A network for tables with scikit-learn's manners.

    Parameters
    ----------
    kind : callable
        Makes the network.
    settings : mapping
        The network's own parameters.
    regime : Regime
    target : TargetCoder
    absolute : bool
        Whether a value's error counts as it is, not squared.
    context : BuildContext
    """

    def __init__(
        self,
        kind: NetworkKind,
        settings: Mapping[str, Any],
        regime: Regime,
        *,
        target: TargetCoder,
        absolute: bool,
        context: BuildContext,
    ) -> None:
        self.kind = kind
        self.settings = dict(settings)
        self.regime = regime
        self.target = target
        self.absolute = absolute
        self.context = context
        self.coder_ = TableCoder()
        self.network_: TableNetwork | None = None
        self.realised_: dict[str, Any] = {}

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        categories: Sequence[int] | None = None,
    ) -> "TableModel":
        """Fit on X of shape (n_rows, n_columns), NaN for missing.

        Raises
        ------
        TrialError
            Where the loss is no number even at a low learning rate.
        """
        began = time.monotonic()
        self.coder_.fit(X, categories or (), int(self.settings.get("n_bins", 0)))
        self.target.fit(y, sample_weight)
        if self.target.is_constant:
            return self
        weight = None
        if sample_weight is not None and sample_weight.sum() > 0:
            weight = torch.from_numpy((sample_weight / sample_weight.mean()).astype(np.float32))
        rows = Rows(self.coder_.transform(X), self.target.forward(y), weight, self.absolute)
        with threads(self.context.threads):
            best = self._train(rows, began, began + SOFT_SHARE * self.context.limit_s)
        found = {"epochs": round(best.epochs, 2), "share": round(best.share, 4), "sharpness": round(best.sharpness, 4)}
        self.realised_ = {name: self.context.realised.get(name, value) for name, value in found.items()}
        return self

    def _train(self, rows: Rows, began: float, end: float) -> Best:
        """Train until another fold's best moment; or find it on held rows, then use those too where time allows."""
        known = self.context.realised
        label = rows.label.numpy()
        everything = [(np.arange(len(label)), np.zeros(0, dtype=np.int64))] * self._n_sets
        if "share" in known and "epochs" in known:
            regime = replace(self.regime, epochs=float(known["epochs"]))
            return self._fitted(rows, everything, regime, began=began, end=end, until=float(known["share"]))
        context = self.context
        splits = inner_splits(label, self._n_sets, context.seed, bool(self.target.n_classes), context.clusters)
        best = self._fitted(rows, splits, self.regime, began=began, end=end)
        again = time.monotonic()
        costs = REFIT_COST * (again - began) * best.share / best.ended
        if len(splits[0][1]) and len(label) < REFIT_ROWS and (end == inf or again + costs <= end):
            regime = replace(self.regime, epochs=best.epochs)
            self._fitted(rows, everything, regime, began=again, end=end, until=best.share)
        return best

    def _fitted(
        self,
        rows: Rows,
        splits: Sequence[tuple[np.ndarray, np.ndarray]],
        regime: Regime,
        *,
        began: float,
        end: float,
        until: float = 1.0,
    ) -> Best:
        """Train a network, and once more at a lower rate where that leads nowhere."""
        for number, cut in enumerate(RATE_CUTS):
            seed = derive(self.context.seed, "network", number)
            network = self._network(seed)
            slower = replace(regime, learning_rate=regime.learning_rate * cut)
            first = torch.from_numpy(_drawn(splits, seed, FIRST_ROWS))
            network.begin(rows.inputs.take(first), torch.Generator().manual_seed(seed))
            best = train(network, rows, splits, slower, seed=seed, began=began, end=end, until=until)
            if best.weights:
                network.load_state_dict(best.weights)
                self.network_ = network
                return best
        raise TrialError("The network's loss is no number, even at a low learning rate. Scale the target.")

    @property
    def _n_sets(self) -> int:
        return int(self.settings.get("n_networks", 1))

    def _network(self, seed: int) -> TableNetwork:
        rng = torch.Generator().manual_seed(seed)
        return self.kind(self.coder_, self.target.n_outputs, self.settings, rng)

    def _output(self, X: np.ndarray) -> Tensor | None:
        if self.network_ is None:
            return None
        with threads(self.context.threads):
            rows = torch.arange(len(X)).expand(self.network_.n_sets, -1)
            output = outputs(self.network_, self.coder_.transform(X), rows)
        return output * self.realised_["sharpness"] if self.target.n_classes else output

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        return self.target.inverse(self._output(X), len(X))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predictions of shape (n_rows,)."""
        return self.target.inverse(self._output(X), len(X))

    def dump(self) -> bytes:
        """Return the fitted model as safetensors, with all that is not a weight as JSON in their head."""
        about = {
            "settings": self.settings,
            "coder": self.coder_.to_json(),
            "target": self.target.to_json(),
            "realised": self.realised_,
            "task": str(self.context.task),
            "threads": self.context.threads,
        }
        return dump_weights(self.network_ or {}, about)

    @classmethod
    def load(cls, kind: NetworkKind, content: bytes) -> "TableModel":
        """Read what `dump` wrote, for a network of the same kind."""
        state, about = load_weights(content)
        target = TargetCoder.from_json(about["target"])
        shape = Shape(target.n_rows, 0, max(1, target.n_classes))
        context = BuildContext(TaskKind(about["task"]), shape, threads=about["threads"])
        model = cls(kind, about["settings"], Regime(), target=target, absolute=False, context=context)
        model.coder_, model.realised_ = TableCoder.from_json(about["coder"]), about["realised"]
        if state:
            model.network_ = model._network(seed=0)
            model.network_.load_state_dict(state)
        return model


def _drawn(splits: Sequence[tuple[np.ndarray, np.ndarray]], seed: int, most: int) -> np.ndarray:
    """Return some training rows of each set in random order, equally many of each: shape (n_sets, n_rows)."""
    draws = generator(seed, "drawn rows")
    n_rows = min(most, *(len(training) for training, _ in splits))
    return np.stack([draws.permutation(training)[:n_rows] for training, _ in splits])
