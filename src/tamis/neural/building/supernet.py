"""One network that holds the weights of all networks of a space, so that each can be looked at without its training."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar
from tamis.core.space import Choice, Space
from tamis.neural.building.cells import STEM_FACTOR, ResidualReduction, operation
from tamis.neural.building.network import Head, initialise
from tamis.neural.building.operations import ConvNorm, FactorizedReduction, ReLUConvNorm
from tamis.neural.language.genotypes import EDGES, blocks_of, live_edges, outputs_of, stem_strides
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import body_of


def _options(space: Space, name: str) -> Sequence[str | int]:
    parameter = space.parameters[name]
    if not isinstance(parameter, Choice):
        raise ParameterError(f"A supernet needs cells whose parameters are choices; {name!r} is {parameter}.")
    return tuple(parameter.options)


class SharedEdges(nn.Module):
    """All edge cells of a space in one: every edge has the weights of each of its operations."""

    def __init__(self, space: Space, channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleDict(
            {
                f"{source}_{target}": nn.ModuleDict(
                    {
                        str(name): operation(str(name), channels, channels)
                        for name in _options(space, f"op_{source}_{target}")
                        if name != "none"
                    }
                )
                for source, target in EDGES
            }
        )

    def forward(self, x: Tensor, cell: Candidate) -> Tensor:
        """Return what one of the cells makes of a map."""
        nodes = {0: x}
        for (source, target), name in live_edges(cell).items():
            value = _of(_of(self.edges, f"{source}_{target}"), name)(nodes[source])
            nodes[target] = nodes[target] + value if target in nodes else value
        return nodes.get(EDGES[-1][1], torch.zeros_like(x))


class SharedBlocks(nn.Module):
    """All node cells of a space in one: weights are indexed by block, side, operation and the state that is read.

    What a cell gives has a fixed count of channels: every state has a 1x1 convolution, and those of the outputs are
    added, which is a 1x1 convolution of the concatenated outputs.
    """

    def __init__(self, space: Space, c_before: int, c_last: int, channels: int, reduces: bool, shrinks: bool) -> None:
        super().__init__()
        self.reduces = reduces
        self.before = FactorizedReduction(c_before, channels) if shrinks else ReLUConvNorm(c_before, channels)
        self.last = ReLUConvNorm(c_last, channels)
        self.operations = nn.ModuleDict()
        self.narrow = nn.ModuleDict()
        n_blocks = sum(name.startswith("in_") and name.endswith("_a") for name in space.parameters)
        for block in range(n_blocks):
            for side in "ab":
                for source in _options(space, f"in_{block}_{side}"):
                    stride = 2 if reduces and int(source) < 2 else 1
                    for name in _options(space, f"op_{block}_{side}"):
                        key = f"{block}_{side}_{source}_{name}"
                        self.operations[key] = operation(str(name), channels, channels, stride)
            if f"combine_{block}" in space.parameters:
                self.narrow[str(block)] = ReLUConvNorm(2 * channels, channels)
        strides = [2 if reduces and state < 2 else 1 for state in range(n_blocks + 2)]
        self.ends = nn.ModuleList(nn.Conv2d(channels, channels, 1, stride, bias=False) for stride in strides)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, before: Tensor, last: Tensor, cell: Candidate) -> Tensor:
        """Return what one of the cells makes of the last two maps."""
        states = [self.before(before), self.last(last)]
        for number, block in enumerate(blocks_of(cell)):
            first, second = (
                _of(self.operations, f"{number}_{side}_{source}_{name}")(states[source])
                for side, source, name in zip("ab", block.inputs, block.operations, strict=True)
            )
            if block.combine == "concat":
                states.append(_of(self.narrow, str(number))(torch.cat([first, second], dim=1)))
            else:
                states.append(first + second)
        ends = [self.ends[state](states[state].relu()) for state in outputs_of(cell)]
        return self.norm(torch.stack(ends).sum(dim=0))


def _of(modules: nn.Module, name: str) -> nn.Module:
    if not isinstance(modules, nn.ModuleDict) or name not in modules:
        raise ParameterError(f"The supernet has no weights for {name!r}: the network is not of its space.")
    return modules[name]


class Supernet(nn.Module):
    """The shared weights of a space of cells (Pham et al., "Efficient neural architecture search", 2018).

    Normalisation uses the batch at hand, in training and in evaluation alike: each architecture has statistics of its
    own, and none of them fits another.

    Parameters
    ----------
    grammar : Grammar
        Of edge cells or of node cells; the choices around the cells are not looked at.
    shape : ImageShape
    n_outputs : int
    width : int
        The channels of the first stage; those of each later one are twice as many.
    n_cells : int
        Edge cells or normal node cells, spread over the stages.
    stages : int
        Each works on half the side of the one before.

    Raises
    ------
    ParameterError
        Where the grammar writes no cells.
    """

    def __init__(
        self,
        grammar: Grammar,
        shape: ImageShape,
        n_outputs: int,
        width: int = 16,
        n_cells: int = 3,
        stages: int = 3,
    ) -> None:
        super().__init__()
        self.space = _cell_space(grammar)
        repeats = [len(range(stage, n_cells, stages)) for stage in range(stages)]
        order = [stage > 0 and number == 0 for stage in range(stages) for number in range(repeats[stage] + (stage > 0))]
        build = self._edge_cells if self.is_edge else self._node_cells
        first = width if self.is_edge else STEM_FACTOR * width
        self.stem = ConvNorm(shape.channels, first, stride=stem_strides(shape)[0])
        self.cells = nn.ModuleList()
        width = build(order, width)
        self.norm = nn.BatchNorm2d(width)
        self.head = Head(width, n_outputs)
        self.apply(initialise)
        self.apply(_use_the_batch)

    @property
    def is_edge(self) -> bool:
        """Tell whether its cells are edge cells."""
        return "op_0_1" in self.space.parameters

    def _edge_cells(self, order: Sequence[bool], width: int) -> int:
        for reduces in order:
            if reduces:
                self.cells.append(ResidualReduction(width, 2 * width))
                width *= 2
            else:
                self.cells.append(SharedEdges(self.space, width))
        return width

    def _node_cells(self, order: Sequence[bool], width: int) -> int:
        c_before = c_last = STEM_FACTOR * width
        shrinks = False
        for reduces in order:
            width *= 2 if reduces else 1
            self.cells.append(SharedBlocks(self.space, c_before, c_last, width, reduces, shrinks))
            c_before, c_last, shrinks = c_last, width, reduces
        return width

    def features(self, images: Tensor, tree: Candidate) -> Tensor:
        """Return what the last linear map reads, for one network of the space."""
        cells = body_of(tree).children
        if len(cells) != (1 if self.is_edge else 2):
            raise ParameterError(f"The network must be of the supernet's space; got {str(tree)!r:.200}.")
        before = last = self.stem(images)
        for shared in self.cells:
            if isinstance(shared, SharedBlocks):
                before, last = last, shared(before, last, cells[1 if shared.reduces else 0])
            else:
                last = shared(last, cells[0]) if isinstance(shared, SharedEdges) else shared(last)
        return self.norm(last).relu().mean(dim=(2, 3))

    def forward(self, images: Tensor, tree: Candidate) -> Tensor:
        """Return the outputs of one network of the space, of shape (n_images, n_outputs)."""
        return self.head(self.features(images, tree))


def _cell_space(grammar: Grammar) -> Space:
    for productions in grammar.productions.values():
        for one in productions:
            if one.component in ("edge_cell", "node_cell"):
                return one.space
    raise ParameterError("A supernet needs a grammar that writes edge cells or node cells; this one writes neither.")


def _use_the_batch(module: nn.Module) -> None:
    """Let a normalisation keep no running statistics: then it always takes those of the batch."""
    if isinstance(module, nn.BatchNorm2d):
        module.track_running_stats = False
        module.running_mean = module.running_var = module.num_batches_tracked = None
