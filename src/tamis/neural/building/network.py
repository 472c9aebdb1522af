"""Turns the expression of a network into a torch module, tells what it costs, and stacks it wider or deeper.

>>> from tamis.neural.language.genotypes import seeds
>>> shape = ImageShape(1, 28, 28)
>>> network = build_network(seeds(shape, 60_000)[0], shape, n_outputs=10)
>>> network(torch.zeros(2, 1, 28, 28)).shape, network.features(torch.zeros(2, 1, 28, 28)).shape
(torch.Size([2, 10]), torch.Size([2, 96]))
>>> count_parameters(network), count_macs(network, shape)
(196010, 9032768)
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError, wrong_choice
from tamis.neural.building.cells import edge_body, node_body
from tamis.neural.building.operations import DropPath, recorded
from tamis.neural.building.plain import LOGIT_SCALE, plain_body
from tamis.neural.building.stages import stage_body
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import body_of

GRAPH = "graph_network"

Build = Callable[[Candidate, ImageShape, float], tuple[nn.Sequential, int]]

_BODIES: dict[str, tuple[Build, float]] = {
    "plain": (plain_body, LOGIT_SCALE),
    "edge_network": (edge_body, 1.0),
    "node_network": (node_body, 1.0),
    "stage_network": (stage_body, 1.0),
}
"""What builds each body up to its features, and what its outputs are multiplied by."""


@recorded
class Head(nn.Module):
    """The last linear map, from features to outputs."""

    def __init__(self, n_features: int, n_outputs: int, dropout: float = 0.0, scale: float = 1.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n_features, n_outputs)
        self.scale = scale

    def forward(self, features: Tensor) -> Tensor:
        """Return the outputs."""
        return self.linear(self.dropout(features)) * self.scale


def initialise(module: nn.Module) -> None:
    """Draw the filters of a convolution so that it keeps the size of gradients (He et al., 2015)."""
    if type(module) is nn.Conv2d:
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


@recorded
class ImageNetwork(nn.Module):
    """A network from images to outputs."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.apply(initialise)

    def features(self, images: Tensor) -> Tensor:
        """Return what the last linear map reads, of shape (n_images, n_features)."""
        return self.body(images)

    def forward(self, images: Tensor) -> Tensor:
        """Return the outputs, of shape (n_images, n_outputs)."""
        return self.head(self.body(images))

    def at_progress(self, progress: float) -> None:
        """Let the rate at which paths are dropped grow with the share of the training that is over (NASNet)."""
        for module in self.modules():
            if isinstance(module, DropPath):
                module.share = progress


def build_network(tree: Candidate, shape: ImageShape, n_outputs: int) -> nn.Module:
    """Build the network that an expression stands for.

    Parameters
    ----------
    tree : Candidate
        `network(body)`, whose settings may hold "dropout" and "drop_path", or a body alone.
    shape : ImageShape
    n_outputs : int

    Returns
    -------
    nn.Module
        From images (n, channels, height, width) to outputs (n, n_outputs); its `features` are what the last linear map
        reads. Weights come from torch's generator.

    Raises
    ------
    ParameterError
        Where the tree is no network.
    """
    body = body_of(tree)
    if body.component == GRAPH:
        from tamis.neural.language.graphs import build_graph

        network = build_graph(body, shape, n_outputs)
        network.image_shape = shape  # type: ignore[assignment]  # what is inherited depends on it
        return network
    if body.component not in _BODIES:
        raise wrong_choice("body", body.component, [*_BODIES, GRAPH])
    training = tree.settings if tree is not body else {}
    build, scale = _BODIES[body.component]
    module, n_features = build(body, shape, float(training.get("drop_path", 0.0)))
    return ImageNetwork(module, Head(n_features, n_outputs, float(training.get("dropout", 0.0)), scale))


def inherit(network: nn.Module, tree: Candidate, parent: nn.Module, parent_tree: Candidate) -> float:
    """Begin with what another network has learned, as far as it fits.

    A free graph that descends from the other one computes what that computes (`morphism.inherit`). In a body of any
    other kind, what has the same name and shape is taken over, and the rest stays as it was drawn.

    Parameters
    ----------
    network : nn.Module
        Its weights are changed.
    tree : Candidate
        What it was built from by `build_network`.
    parent : nn.Module
        The other one, built so too.
    parent_tree : Candidate

    Returns
    -------
    float
        The share of the network's numbers that was taken over.
    """
    body, other = body_of(tree), body_of(parent_tree)
    if body.component != other.component:
        return 0.0
    mine, theirs = network.state_dict(), parent.state_dict()
    if body.component == GRAPH:
        taken = _descended(body, other, parent)
    else:
        taken = {name: value for name, value in theirs.items() if name in mine and value.shape == mine[name].shape}
    network.load_state_dict(taken, strict=False)
    return sum(value.numel() for value in taken.values()) / sum(value.numel() for value in mine.values())


def _descended(body: Candidate, parent_body: Candidate, parent: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a free graph that keep the parent's function; none where it does not descend from it."""
    from tamis.neural.language import morphism

    state, shape = parent.state_dict(), parent.image_shape
    assert isinstance(shape, ImageShape)
    try:
        return morphism.inherit(parent_body, body, state, shape, len(state["head.weight"]))
    except ParameterError:
        return {}


def count_parameters(network: nn.Module) -> int:
    """Count the numbers that a network is made of, fixed ones included."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_macs(network: nn.Module, shape: ImageShape) -> int:
    """Count the multiplications with weights that one image costs."""
    total = 0

    def count(module: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        places = output[0, 0].numel() if isinstance(module, nn.Conv2d) else 1
        total += module.weight.numel() * places

    handles = [
        module.register_forward_hook(count) for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    try:
        _run(network, _blank(network, shape, 1))
    finally:
        for handle in handles:
            handle.remove()
    return total


def measure_latency_ms(network: nn.Module, shape: ImageShape, batch: int = 1, repeats: int = 10) -> float:
    """Measure how long the prediction of a batch takes where the network is: the median, after two to warm up.

    Parameters
    ----------
    network : nn.Module
    shape : ImageShape
    batch : int
    repeats : int
    """
    images = _blank(network, shape, batch)
    spans = []
    for _ in range(repeats + 2):
        began = time.perf_counter()
        _run(network, images)
        if images.is_cuda:
            torch.cuda.synchronize(images.device)
        spans.append(1_000 * (time.perf_counter() - began))
    return statistics.median(spans[2:])


def _blank(network: nn.Module, shape: ImageShape, batch: int) -> Tensor:
    first = next(network.parameters())
    return torch.zeros(batch, shape.channels, shape.height, shape.width, device=first.device, dtype=first.dtype)


def _run(network: nn.Module, images: Tensor) -> None:
    """Predict, and leave the network in the mode it was in."""
    trains = network.training
    network.eval()
    try:
        with torch.inference_mode():
            network(images)
    finally:
        network.train(trains)
