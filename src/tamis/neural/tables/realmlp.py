"""Networks for tables: what they have in common, and the multilayer perceptron that is better by default (RealMLP)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from tamis.neural.tables.embeddings import Inputs, LevelEmbedding, PeriodicEmbedding, TableCoder

LEVEL_WIDTH = 8
SIMPLEX = 5
"""Rows whose random mixture a neuron's boundary goes through at the start."""


@dataclass(frozen=True)
class Group:
    """Parameters that share a factor of the learning rate."""

    parameters: list[nn.Parameter]
    factor: float = 1.0
    decays: bool = False
    """Whether weight decay is for them."""


class Dropout(nn.Module):
    """Sets a share of the values to zero, drawn by a generator of its own: quicker than torch's on a processor.

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    share : float
        In steps of 1/256; 0 until it is set.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.share = 0.0
        self.draws = np.random.Generator(np.random.SFC64(seed))

    def forward(self, values: Tensor) -> Tensor:
        """Return the values, some of them zero and the others scaled up while training."""
        threshold = round(256 * self.share)
        if not self.training or threshold == 0:
            return values
        drawn = torch.frombuffer(bytearray(self.draws.bytes(values.numel())), dtype=torch.uint8)
        return values * ((drawn >= threshold).view(values.shape) * (256 / (256 - threshold)))


class TableNetwork(nn.Module, ABC):
    """A network that answers as several members at once."""

    n_sets: int
    """Sets of rows it learns from side by side; each set belongs to as many members."""
    dropout: Dropout

    @abstractmethod
    def forward(self, inputs: Inputs) -> Tensor:
        """Return outputs of shape (n_members, n_rows, n_outputs) for inputs of shape (n_sets, n_rows, ...)."""

    @abstractmethod
    def groups(self) -> list[Group]:
        """Return all parameters, with their factors of the learning rate."""

    def begin(self, inputs: Inputs, rng: torch.Generator) -> None:
        """Fit the first weights to some rows of every set; nothing to do for most."""

    def named(self, beginning: str, end: str = "") -> list[nn.Parameter]:
        """Return the parameters whose names begin and end so."""
        return [one for name, one in self.named_parameters() if name.startswith(beginning) and name.endswith(end)]


class ParallelLinear(nn.Module):
    """A linear layer for each of several networks, in the scaling of the neural tangent kernel.

    The weights are of order one and divided by the root of the inputs' count when they are used, so that one learning
    rate suits layers of all widths.
    """

    def __init__(self, members: int, n_inputs: int, n_outputs: int, rng: torch.Generator) -> None:
        super().__init__()
        self.alpha = max(1, n_inputs) ** -0.5
        self.weight = nn.Parameter(torch.randn((members, n_inputs, n_outputs), generator=rng))
        self.bias = nn.Parameter(torch.zeros((members, 1, n_outputs)))

    def forward(self, values: Tensor) -> Tensor:
        """Map (members, n_rows, n_inputs) to (members, n_rows, n_outputs)."""
        return torch.baddbmm(self.bias, values, self.weight, alpha=self.alpha)

    @torch.no_grad()
    def begin(self, values: Tensor, rng: torch.Generator) -> None:
        """Give every neuron an output of deviation 1, and a boundary that goes through the midst of the rows.

        The boundary meets a random mixture of five rows (Steinwart, "A sober look at neural network initializations",
        2019), so that no neuron begins outside of the data.
        """
        spread = (values @ self.weight).mul(self.alpha).std(dim=1, correction=0, keepdim=True)
        self.weight.div_(torch.where(spread > 1e-6, spread, 1.0))
        output = (values @ self.weight).mul(self.alpha)
        shape = (output.shape[0], SIMPLEX, output.shape[2])
        chosen = torch.randint(output.shape[1], shape, generator=rng)
        parts = -torch.rand(shape, generator=rng).clamp_min(1e-12).log()
        self.bias.copy_(-(output.gather(1, chosen) * parts / parts.sum(dim=1, keepdim=True)).sum(dim=1, keepdim=True))


class ParametricActivation(nn.Module):
    """Mixes an activation with the identity, by a learnt share for every neuron that begins at the whole activation."""

    def __init__(self, members: int, width: int, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.share = nn.Parameter(torch.ones((members, 1, width)))

    def forward(self, values: Tensor) -> Tensor:
        """Return values of the same shape."""
        return torch.lerp(values, self.function(values), self.share)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "selu": nn.functional.selu,
    "mish": nn.functional.mish,
    "relu": nn.functional.relu,
}


class RealMLP(TableNetwork):
    """A multilayer perceptron with well-chosen parts, several of them side by side with rows of their own.

    Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data"
    (2024): periodic embeddings of numbers, a learnt scale for every input, layers in the scaling of the neural tangent
    kernel whose first weights are fitted to the data, parametric activations, and learning rates by kind of parameter.

    Parameters
    ----------
    coder : TableCoder
        Says which inputs there are.
    n_outputs : int
    settings : mapping
        `n_networks`, `n_layers`, `width`, `activation`, `sigma`, and `most_embedded`: with more numbers than that they
        are taken as they are.
    """

    def __init__(self, coder: TableCoder, n_outputs: int, settings: Mapping[str, Any], rng: torch.Generator) -> None:
        super().__init__()
        members = self.n_sets = int(settings["n_networks"])
        self.dropout = Dropout(int(torch.randint(2**31, (1,), generator=rng)))
        self.waves = None
        if 0 < coder.n_numbers <= int(settings["most_embedded"]):
            self.waves = PeriodicEmbedding(members, coder.n_numbers, rng, sigma=float(settings["sigma"]))
        self.vectors = LevelEmbedding(members, coder.sizes, rng, width=LEVEL_WIDTH)
        width, n_layers = int(settings["width"]), int(settings["n_layers"])
        n_inputs = self.waves.n_outputs if self.waves else coder.n_numbers
        n_inputs += coder.n_flags + self.vectors.n_outputs
        self.scale = nn.Parameter(torch.ones((members, 1, n_inputs)))
        widths = [n_inputs, *[width] * n_layers, n_outputs]
        layers = [ParallelLinear(members, before, after, rng) for before, after in pairwise(widths)]
        self.layers = nn.ModuleList(layers)
        function = ACTIVATIONS[str(settings["activation"])]
        self.activations = nn.ModuleList([ParametricActivation(members, width, function) for _ in range(n_layers)])

    def _embedded(self, inputs: Inputs) -> Tensor:
        numbers = self.waves(inputs.numbers) if self.waves else inputs.numbers
        parts = [numbers, inputs.flags]
        if inputs.levels.shape[-1]:
            parts.append(self.vectors(inputs.levels))
        return torch.cat(parts, dim=-1) * self.scale

    def forward(self, inputs: Inputs) -> Tensor:
        """Return outputs of shape (n_sets, n_rows, n_outputs)."""
        values = self._embedded(inputs)
        for layer, activation in zip(self.layers, self.activations, strict=False):
            values = self.dropout(activation(layer(values)))
        return cast(Tensor, self.layers[-1](values))

    @torch.no_grad()
    def begin(self, inputs: Inputs, rng: torch.Generator) -> None:
        """Fit the first weights to some rows, layer by layer."""
        values = self._embedded(inputs)
        for layer, activation in zip(self.layers, [*self.activations, nn.Identity()], strict=True):
            cast(ParallelLinear, layer).begin(values, rng)
            values = activation(layer(values))

    def groups(self) -> list[Group]:
        """Return all parameters: scales learn quickest, biases, activations and waves slowest."""
        return [
            Group(self.named("layers", "weight"), decays=True),
            Group(self.named("vectors"), decays=True),
            Group(self.named("layers", "bias"), factor=0.1),
            Group(self.named("scale"), factor=6.0),
            Group(self.named("activations"), factor=0.1),
            Group(self.named("waves"), factor=0.1, decays=True),
        ]
