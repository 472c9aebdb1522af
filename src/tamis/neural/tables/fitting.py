"""Trains a network for tables inside its slice: the schedule follows the clock, and the best moment is kept."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, cos, inf, isfinite, log2, pi

import numpy as np
import torch
from torch import Tensor, nn

from tamis.core.seeds import generator
from tamis.neural.tables.embeddings import Inputs
from tamis.neural.tables.realmlp import TableNetwork
from tamis.neural.training.weights import State, copied

WAVES = 4
EVALUATIONS = 128
"""How often, at most, the held rows are looked at in the course of a training."""
LONGEST_WAIT = 1 / 16
"""A training's share after which they are looked at even within an epoch."""
QUIET_RATE = 0.3
"""Of the highest rate, in the waves of `coslog`."""
SHARPNESS = (-3.0, 2.0)
"""Powers of 2 between which the sharpness of probabilities is looked for."""


def coslog(progress: float) -> float:
    """Return RealMLP's factor of the learning rate: four waves, each twice as long as the one before.

    Examples
    --------
    >>> [round(coslog(share), 3) for share in (0.0, 1 / 15, 0.688, 1.0)]
    [0.0, 0.0, 1.0, 0.0]
    """
    return 0.5 * (1 - cos(2 * pi * log2(1 + (2**WAVES - 1) * progress)))


def flat_cos(progress: float) -> float:
    """Return 1 in the first half, then a half cosine wave down to 0.

    Examples
    --------
    >>> [round(flat_cos(share), 3) for share in (0.0, 0.5, 0.75, 1.0)]
    [1.0, 1.0, 0.5, 0.0]
    """
    return 1.0 if progress < 0.5 else 0.5 * (1 + cos(pi * (2 * progress - 1)))


SCHEDULES: dict[str, Callable[[float], float]] = {"coslog": coslog, "flat_cos": flat_cos}


@dataclass(frozen=True)
class Regime:
    """How a network for tables is trained."""

    learning_rate: float = 1e-3
    epochs: float = 100.0
    """Passes over the rows, where time allows them all."""
    batch_size: int = 256
    schedule: str = "flat_cos"
    weight_decay: float = 0.0
    dropout: float = 0.0
    """At the start; it fades out with `flat_cos`, as weight decay does."""
    smoothing: float = 0.0
    """Share of a label that is spread over all classes."""
    betas: tuple[float, float] = (0.9, 0.95)
    patience: float = inf
    """Looks at the held rows without progress after which a training ends."""
    clip: float = inf
    """Bound of the gradient's norm."""


@dataclass(frozen=True)
class Rows:
    """All rows that a training may look at."""

    inputs: Inputs
    label: Tensor
    """Codes of classes, or scaled values."""
    weight: Tensor | None = None
    absolute: bool = False
    """Whether a value's error counts as it is, not squared."""

    def loss(self, output: Tensor, rows: Tensor, smoothing: float = 0.0) -> Tensor:
        """Return the loss of each member on the rows of its set: shape (n_members,)."""
        n_members = output.shape[0]
        label = self.label[rows].repeat_interleave(n_members // len(rows), dim=0)
        if label.is_floating_point():
            off = output.squeeze(-1) - label
            each = off.abs() if self.absolute else off.square()
        else:
            flat = nn.functional.cross_entropy(
                output.flatten(0, 1), label.flatten(), reduction="none", label_smoothing=smoothing
            )
            each = flat.view(label.shape)
        if self.weight is None:
            return each.mean(dim=1)
        weight = self.weight[rows].repeat_interleave(n_members // len(rows), dim=0)
        return (each * weight).mean(dim=1)

    def held_loss(self, output: Tensor, rows: Tensor) -> tuple[float, float]:
        """Return the loss of what the members of a set predict together, mean over the sets, and the best sharpness.

        A classifier is judged as it would be with its logits multiplied by that sharpness, since networks become too
        sure of themselves long before they stop to learn (Berta, Holzmüller, Jordan and Bach, "Rethinking early
        stopping: refine, then calibrate", 2025). Few rows say little about it: a prior holds it near 1.
        """
        sets = output.view(len(rows), -1, *output.shape[1:])
        if self.label.is_floating_point():
            return float(self.loss(sets.mean(dim=1), rows).mean()), 1.0

        def at(exponent: float) -> float:
            shares = (sets * 2.0**exponent).softmax(dim=-1).mean(dim=1)
            loss = float(self.loss(shares.clamp_min(1e-12).log(), rows).mean())
            return loss + 0.5 * exponent**2 / rows.numel()

        exponent, loss = lowest(at, *SHARPNESS)
        return loss, 2.0**exponent


def lowest(function: Callable[[float], float], low: float, high: float, n_steps: int = 12) -> tuple[float, float]:
    """Return where a function with one valley is lowest between two bounds, and its value there (golden section).

    Examples
    --------
    >>> [round(value, 1) for value in lowest(lambda x: (x - 1) ** 2 + 3, -2, 2, 20)]
    [1.0, 3.0]
    """
    ratio = (5**0.5 - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(n_steps - 2):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (left, at_left) if at_left < at_right else (right, at_right)


@dataclass
class Pace:
    """How far a training has come: by its steps or by its time, whichever is further.

    Examples
    --------
    >>> Pace(n_steps=200, began=0.0, end=10.0, clock=lambda: 9.0).at(20)
    0.9
    """

    n_steps: int
    began: float = 0.0
    end: float = inf
    clock: Callable[[], float] = time.monotonic

    def at(self, step: int) -> float:
        """Return the share after so many steps, at most 1; without an end nothing depends on the clock."""
        share = step / self.n_steps
        if self.end < inf:
            share = max(share, (self.clock() - self.began) / max(1e-9, self.end - self.began))
        return min(1.0, share)


@dataclass
class Best:
    """The moment of a training at which the held rows were predicted best."""

    loss: float = inf
    share: float = 1.0
    """Of the schedule."""
    sharpness: float = 1.0
    """What a classifier's logits are to be multiplied by."""
    weights: State = field(default_factory=dict)
    waited: int = 0
    """Looks since then."""
    epochs: float = 0.0
    """How many epochs the whole schedule stood for, in the end."""
    ended: float = 1.0
    """The share at which the training ended."""

    def look(self, network: nn.Module, loss: float, sharpness: float, share: float) -> None:
        """Keep the weights where the loss is the lowest so far."""
        self.waited += 1
        if loss < self.loss:
            self.loss, self.share, self.sharpness, self.waited = loss, share, sharpness, 0
            self.weights = copied(network.state_dict())

    def is_over(self, regime: Regime, share: float) -> bool:
        """Tell whether nothing better is to be expected: the wait is over, or a whole wave brought nothing."""
        if self.waited >= regime.patience:
            return True
        return regime.schedule == "coslog" and wave_of(share) > wave_of(self.share) + 1


def wave_of(share: float) -> int:
    """Return the number of the wave of `coslog` that a share of the training lies in.

    Examples
    --------
    >>> [wave_of(share) for share in (0.0, 0.1, 0.3, 0.9, 1.0)]
    [0, 1, 2, 3, 3]
    """
    return min(WAVES - 1, int(log2(1 + (2**WAVES - 1) * share)))


def train(
    network: TableNetwork,
    rows: Rows,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    regime: Regime,
    *,
    seed: int,
    began: float = 0.0,
    end: float = inf,
    until: float = 1.0,
) -> Best:
    """Train a network; return its best moment, the last one where no rows are held.

    Parameters
    ----------
    splits : sequence of (training rows, held rows)
        One for each of the network's sets; the held parts may be empty.
    began, end : float
        On the monotonic clock; the schedule ends with the time, or with the epochs if they are over before.
    until : float
        The share of the schedule after which the training stops.
    """
    n_rows = min(len(training) for training, _ in splits)
    n_held = min(len(held) for _, held in splits)
    held = torch.from_numpy(np.stack([one[:n_held] for _, one in splits]))
    per_epoch = ceil(n_rows / regime.batch_size)
    pace = Pace(max(1, round(per_epoch * regime.epochs)), began, end)
    optimizer = _optimizer(network, regime)
    best, share, looked, looked_step = Best(), 0.0, 0.0, 0
    for step, chosen in enumerate(_batches(splits, n_rows, n_rows // per_epoch, seed), start=1):
        before = share
        _schedule(optimizer, network, regime, (before + pace.at(step)) / 2)
        loss = _descend(network, optimizer, rows, chosen, regime)
        share = pace.at(step)
        over = share >= until or not isfinite(loss)
        epoch_over = step - looked_step >= per_epoch
        if n_held and (over or _is_due(regime, looked, before, share, epoch_over)):
            looked, looked_step = share, step
            best.look(network, *rows.held_loss(outputs(network, rows.inputs, held), held), share)
            over = over or best.is_over(regime, share)
        if over:
            break
    if not n_held and isfinite(loss):
        best = Best(loss, share, weights=copied(network.state_dict()))
    best.ended, best.epochs = share, min(regime.epochs, step / per_epoch / share)
    return best


def _is_due(regime: Regime, looked: float, before: float, share: float, epoch_over: bool) -> bool:
    """Tell whether the held rows are to be looked at: when a wave ends, else now and then while the rate is low.

    At a high rate a network is at its best by chance, and would not be so again on other rows.
    """
    if regime.schedule == "coslog":
        if wave_of(share) > wave_of(before):
            return True
        if coslog(share) > QUIET_RATE:
            return False
    waited = share - looked
    return waited >= LONGEST_WAIT or (epoch_over and waited >= 1 / EVALUATIONS)


def _batches(splits: Sequence[tuple[np.ndarray, np.ndarray]], n_rows: int, batch: int, seed: int) -> Iterator[Tensor]:
    """Yield the rows of one batch after the other, shape (n_sets, batch), anew in every epoch, without end."""
    draws = generator(seed, "batches")
    while True:
        order = torch.from_numpy(np.stack([draws.permutation(training)[:n_rows] for training, _ in splits]))
        for start in range(0, n_rows - batch + 1, batch):
            yield order[:, start : start + batch]


def _optimizer(network: TableNetwork, regime: Regime) -> torch.optim.Optimizer:
    groups = [
        {"params": group.parameters, "factor": group.factor, "decays": group.decays}
        for group in network.groups()
        if group.parameters
    ]
    return torch.optim.AdamW(groups, lr=regime.learning_rate, betas=regime.betas, fused=True)


def _schedule(optimizer: torch.optim.Optimizer, network: TableNetwork, regime: Regime, share: float) -> None:
    """Set what changes in the course of a training."""
    rate, fading = regime.learning_rate * SCHEDULES[regime.schedule](share), flat_cos(share)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
        group["weight_decay"] = regime.weight_decay * fading if group["decays"] else 0.0
    network.dropout.share = regime.dropout * fading


def _descend(
    network: TableNetwork, optimizer: torch.optim.Optimizer, rows: Rows, chosen: Tensor, regime: Regime
) -> float:
    """Take one step; return the loss, mean over the members."""
    network.train()
    loss = rows.loss(network(rows.inputs.take(chosen)), chosen, regime.smoothing)
    optimizer.zero_grad()
    torch.autograd.backward(loss.sum())
    if regime.clip < inf:
        nn.utils.clip_grad_norm_(network.parameters(), regime.clip)
    optimizer.step()
    return float(loss.detach().mean())


def outputs(network: TableNetwork, inputs: Inputs, rows: Tensor, batch: int = 2048) -> Tensor:
    """Return what a network gives for some rows of each set: shape (n_members, n_rows, n_outputs)."""
    network.eval()
    with torch.inference_mode():
        parts = [network(inputs.take(some)) for some in torch.split(rows, batch, dim=1)]
    return torch.cat(parts, dim=1)
