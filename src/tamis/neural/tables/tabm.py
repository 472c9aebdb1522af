"""TabM: many multilayer perceptrons in one that share their weights and differ by small adapters."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from tamis.neural.tables.embeddings import Inputs, LevelEmbedding, PiecewiseLinearEmbedding, TableCoder
from tamis.neural.tables.realmlp import LEVEL_WIDTH, Dropout, Group, ParallelLinear, TableNetwork


class SharedLinear(nn.Module):
    """A linear layer that all members share, with adapters of rank one for each (BatchEnsemble: Wen et al., 2020).

    Parameters
    ----------
    members : int
        0 for a layer without adapters.
    """

    def __init__(self, members: int, n_inputs: int, n_outputs: int, rng: torch.Generator) -> None:
        super().__init__()
        bound = max(1, n_inputs) ** -0.5
        self.weight = nn.Parameter((torch.rand((n_inputs, n_outputs), generator=rng) * 2 - 1) * bound)
        first = (torch.rand((1, 1, n_outputs), generator=rng) * 2 - 1) * bound
        self.bias = nn.Parameter(first.repeat(max(1, members), 1, 1))
        self.adapted = members > 0
        if self.adapted:
            self.before = nn.Parameter(torch.ones((members, 1, n_inputs)))
            self.after = nn.Parameter(torch.ones((members, 1, n_outputs)))

    def forward(self, values: Tensor) -> Tensor:
        """Map (members, n_rows, n_inputs) to (members, n_rows, n_outputs)."""
        if self.adapted:
            return (values * self.before) @ self.weight * self.after + self.bias
        return values @ self.weight + self.bias


class TabM(TableNetwork):
    """Members that see the same rows through adapters of their own, each with its own head and its own loss.

    Gorishniy, Kotelnikov and Babenko, "TabM: advancing tabular deep learning with parameter-efficient ensembling"
    (2025). With `adapters` "first" (TabM-mini) a member differs by the signs and sizes with which it reads the inputs
    and by its head; with "every" also by adapters of rank one at every layer.

    Parameters
    ----------
    coder : TableCoder
        Says which inputs there are, and into which bins the numbers fall.
    n_outputs : int
    settings : mapping
        `members`, `n_layers`, `width`, `adapters`, `number_width`.
    """

    n_sets = 1

    def __init__(self, coder: TableCoder, n_outputs: int, settings: Mapping[str, Any], rng: torch.Generator) -> None:
        super().__init__()
        members = int(settings["members"])
        self.dropout = Dropout(int(torch.randint(2**31, (1,), generator=rng)))
        self.pieces = None
        if coder.edges_:
            edges = torch.tensor(coder.edges_)
            self.pieces = PiecewiseLinearEmbedding(edges, rng, width=int(settings["number_width"]))
        self.vectors = LevelEmbedding(1, coder.sizes, rng, width=LEVEL_WIDTH)
        n_numbers = self.pieces.n_outputs if self.pieces else coder.n_numbers
        n_inputs = n_numbers + coder.n_flags + self.vectors.n_outputs
        signs = torch.randint(2, (members, 1, n_inputs), generator=rng) * 2.0 - 1.0
        self.adapter = nn.Parameter(signs)
        width, n_layers = int(settings["width"]), int(settings["n_layers"])
        adapted = members if settings["adapters"] == "every" else 0
        widths = [n_inputs, *[width] * n_layers]
        layers = [SharedLinear(adapted, before, after, rng) for before, after in pairwise(widths)]
        self.layers = nn.ModuleList(layers)
        self.heads = ParallelLinear(members, width, n_outputs, rng)

    def forward(self, inputs: Inputs) -> Tensor:
        """Return outputs of shape (members, n_rows, n_outputs) for one set of rows."""
        parts = [self.pieces(inputs.numbers) if self.pieces else inputs.numbers, inputs.flags]
        if inputs.levels.shape[-1]:
            parts.append(self.vectors(inputs.levels))
        values = torch.cat(parts, dim=-1) * self.adapter
        for layer in self.layers:
            values = self.dropout(torch.relu(layer(values)))
        return cast(Tensor, self.heads(values))

    def groups(self) -> list[Group]:
        """Return all parameters; only the weights of layers and heads decay."""
        weights = self.named("layers", "weight") + self.named("heads", "weight")
        known = {id(one) for one in weights}
        return [Group(weights, decays=True), Group([one for one in self.parameters() if id(one) not in known])]
