"""Builds what moves the weights: SGD with Nesterov's momentum, AdamW, or Muon for the filters of convolutions."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from tamis.neural.training.recipe import Recipe
from tamis.neural.training.schedule import Schedule


@dataclass(frozen=True)
class Base:
    """What an optimizer's rates are for a batch of 256 and a learning rate of 1."""

    rate: float
    momentum: float
    decay: float
    filters_rate: float = 0.0
    """Muon's, for filters."""
    filters_momentum: float = 0.0


BASES = {
    "sgd": Base(rate=0.4, momentum=0.9, decay=5e-4),
    "adamw": Base(rate=6e-3, momentum=0.9, decay=0.02),
    "muon": Base(rate=0.4, momentum=0.9, decay=5e-4, filters_rate=0.1, filters_momentum=0.6),
}
"""Chosen on held out training images of MNIST, with plain networks and networks of edge cells. Muon made the fewest
errors with both: with edge cells, after three epochs of 10,000 images, 1.1 % against 1.7 for AdamW and 2.0 for SGD."""

Rates = dict[int, float]
"""By the `id` of a parameter: what its rate is multiplied by, 1 where it is not there."""

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonal(matrix: Tensor, steps: int = 3) -> Tensor:
    """Return about the nearest matrices with orthonormal rows or columns, by Newton and Schulz' iteration.

    The quintic polynomial has the coefficients of Jordan et al. ("Muon", 2024): it brings singular values near 1, not
    to it, in few steps.

    Examples
    --------
    >>> torch.linalg.svdvals(orthogonal(torch.diag(torch.tensor([4.0, 3.0, 2.0])), steps=5)).round().tolist()
    [1.0, 1.0, 1.0]
    """
    a, b, c = _NEWTON_SCHULZ
    wide = matrix.shape[-2] <= matrix.shape[-1]
    x = matrix if wide else matrix.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide else x.mT


class Muon(torch.optim.Optimizer):
    """Moves filters by their orthogonalised momentum (Jordan et al. 2024), and keeps their length.

    Normalisation mostly follows a convolution, so that the length of its filters changes nothing but the effective
    rate. They keep the one they begin with: inherited weights still do what they did.
    """

    def __init__(self, parameters: Any, lr: float, momentum: float) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every filter that has a gradient."""
        for group in self.param_groups:
            alike: dict[Any, list[Tensor]] = {}
            for filters in group["params"]:
                if filters.grad is not None:  # a CPU is quicker with one after the other
                    alike.setdefault(filters.shape if filters.is_cuda else id(filters), []).append(filters)
            for together in alike.values():
                self._move(together, group["lr"], group["momentum"])

    def _move(self, together: list[Tensor], rate: float, momentum: float) -> None:
        """Move filters of one shape; a graphics card is told what to do for all of them at once."""
        ahead = []
        for filters in together:
            grad, state = filters.grad, self._state(filters)
            assert grad is not None
            ahead.append(grad.add(state["momentum"].mul_(momentum).add_(grad), alpha=momentum))
        updates = orthogonal(torch.stack([one.flatten(1).float() for one in ahead]))
        lengths = torch.stack([self.state[filters]["length"] for filters in together]).view(-1, 1, 1)
        values = torch.stack([filters.flatten(1) for filters in together])
        values = values * (lengths / (values.norm(dim=(1, 2), keepdim=True) + 1e-7))
        values -= (updates * (rate * lengths / sqrt(len(together[0])))).to(values.dtype)
        for filters, value in zip(together, values, strict=True):
            filters.copy_(value.view(filters.shape))

    def _state(self, filters: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[filters]
        if not state:
            length = filters.norm()
            state["momentum"] = torch.zeros_like(filters)
            state["length"] = torch.where(length > 0, length, sqrt(len(filters)))
        return state


class Optimizers:
    """One or two optimizers that are steered as one.

    Parameters
    ----------
    parts : list of torch.optim.Optimizer
        Each group holds beside "lr" its "peak" rate, and its highest momentum as "firmness".
    schedule : Schedule
    """

    def __init__(self, parts: list[torch.optim.Optimizer], schedule: Schedule) -> None:
        self.parts = parts
        self.schedule = schedule

    def steer(self, progress: float, factor: float = 1.0) -> None:
        """Set rates and momentum for a share of the training that is over; `factor` lowers every rate."""
        for group in self._groups():
            group["lr"] = factor * group["peak"] * self.schedule.rate(progress)
            momentum = self.schedule.momentum(group["firmness"], progress)
            if "betas" in group:
                group["betas"] = (momentum, group["betas"][1])
            else:
                group["momentum"] = momentum

    def parameters(self) -> list[Tensor]:
        """Return everything that is moved."""
        return [parameter for group in self._groups() for parameter in group["params"]]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def step(self, scaler: torch.amp.GradScaler, clip: float = 0.0) -> None:
        """Move the weights by their gradients."""
        if clip > 0:
            for part in self.parts:
                scaler.unscale_(part)
            nn.utils.clip_grad_norm_(self.parameters(), clip)
        for part in self.parts:
            scaler.step(part)
        scaler.update()

    def state(self) -> list[dict[str, Any]]:
        """Return what a checkpoint must hold."""
        return [part.state_dict() for part in self.parts]

    def load(self, state: list[dict[str, Any]]) -> None:
        """Go back to a state, of which a copy is made."""
        for part, one in zip(self.parts, state, strict=True):
            part.load_state_dict(deepcopy(one))

    def _groups(self) -> Iterator[dict[str, Any]]:
        for part in self.parts:
            yield from part.param_groups


def optimizers(network: nn.Module, recipe: Recipe, batch: int) -> Optimizers:
    """Build the optimizers of a recipe for a network.

    Parameters
    ----------
    network : nn.Module
        Parameters that need no gradient stay as they are.
    recipe : Recipe
    batch : int
        Rates are for means over a batch: they grow with its size, as its root for AdamW and for Muon's filters.
    """
    base = BASES[recipe.optimizer]
    decay = base.decay if recipe.weight_decay is None else recipe.weight_decay
    weights, filters, others = _sorted_parameters(network)
    tell = getattr(network, "rates", None)
    rates: Rates = tell(recipe.layer_decay) if recipe.layer_decay < 1 and callable(tell) else {}
    root = recipe.learning_rate * sqrt(batch / 256)
    schedule = Schedule(recipe.schedule, recipe.warmup, recipe.momentum_swing)
    if recipe.optimizer == "adamw":
        groups = [
            *_groups(weights + filters, base.rate * root, decay, base, rates),
            *_groups(others, base.rate * root, 0.0, base, rates),
        ]
        return Optimizers([torch.optim.AdamW(_filled(groups), betas=(base.momentum, 0.99))], schedule)
    rate = base.rate * recipe.learning_rate * batch / 256
    parts: list[torch.optim.Optimizer] = []
    if recipe.optimizer == "muon" and filters:
        peak = base.filters_rate * root
        alike = [{"params": part, "peak": factor * peak, "firmness": base.filters_momentum}
                 for factor, part in _by_rate(filters, rates).items()]  # fmt: skip
        parts.append(Muon(alike, lr=peak, momentum=base.filters_momentum))
        filters = []
    groups = [
        *_groups(weights + filters, rate, decay, base, rates),
        *_groups(others, rate * recipe.bias_rate, 0.0, base, rates),
    ]
    if groups := _filled(groups):
        parts.append(torch.optim.SGD(groups, lr=rate, momentum=base.momentum, nesterov=True))
    return Optimizers(parts, schedule)


def _groups(parameters: list[Tensor], rate: float, decay: float, base: Base, rates: Rates) -> list[dict[str, Any]]:
    return [
        {"params": part, "lr": factor * rate, "peak": factor * rate, "firmness": base.momentum, "weight_decay": decay}
        for factor, part in _by_rate(parameters, rates).items()
    ]


def _by_rate(parameters: list[Tensor], rates: Rates) -> dict[float, list[Tensor]]:
    """Sort parameters by what their rate is multiplied by."""
    found: dict[float, list[Tensor]] = {}
    for parameter in parameters:
        found.setdefault(rates.get(id(parameter), 1.0), []).append(parameter)
    return found


def _filled(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [group for group in groups if group["params"]]


def _sorted_parameters(network: nn.Module) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Sort into matrices and depthwise filters, dense filters, and vectors (biases, normalisation)."""
    dense = {id(one.weight) for one in network.modules() if isinstance(one, nn.Conv2d) and one.groups == 1}
    weights: list[Tensor] = []
    filters: list[Tensor] = []
    others: list[Tensor] = []
    for parameter in network.parameters():
        if parameter.requires_grad:
            kind = others if parameter.ndim < 2 else filters if id(parameter) in dense else weights
            kind.append(parameter)
    return weights, filters, others
