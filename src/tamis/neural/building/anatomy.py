"""Tells what a network consists of: its stages from image to outputs, the sizes of their maps, their parameters."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tamis.core.candidate import Candidate
from tamis.neural.language.shapes import ImageShape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Stage:
    """Parts of a network that follow each other, are of one kind and give maps of one size."""

    name: str
    """Such as `normal cell`."""
    count: int
    """How many of these parts there are."""
    channels: int
    height: int
    width: int
    parameters: int
    """Of all these parts together."""


def stages_of(tree: Candidate, shape: ImageShape, n_outputs: int) -> list[Stage]:
    """Return the stages of a network: first the image, last the outputs.

    Nothing is computed: the network is built without numbers.

    Examples
    --------
    >>> from tamis.neural.language.genotypes import seeds
    >>> shape = ImageShape(1, 28, 28)
    >>> stages = stages_of(seeds(shape, 60_000)[0], shape, 10)
    >>> [(one.count, one.name, one.height) for one in stages]
    [(1, 'image', 28), (1, 'conv 5×5 /2', 14), (2, 'conv 3×3 /2', 7), (2, 'conv 3×3 /2', 3), (1, 'linear', 1)]
    """
    import torch

    from tamis.neural.building.network import build_network

    with torch.device("meta"):
        network = build_network(tree, shape, n_outputs).eval()
        images = torch.zeros(1, shape.channels, shape.height, shape.width)
    seen: list[Stage] = [Stage("image", 1, shape.channels, shape.height, shape.width, 0)]

    def look(module: "nn.Module", given: tuple["torch.Tensor", ...], output: "torch.Tensor") -> None:
        height, width = output.shape[2:] if output.ndim == 4 else (1, 1)
        name, count = _named(module, round(given[-1].shape[-1] / width) if output.ndim == 4 else 1)
        parameters = sum(one.numel() for one in module.parameters())
        seen.append(Stage(name, count, output.shape[1], height, width, parameters))

    for part in _parts(network):
        part.register_forward_hook(look)
    with torch.no_grad():
        network(images)
    return list(_merged(seen))


def _parts(network: "nn.Module") -> "Iterator[nn.Module]":
    """Yield what stands one after the other in a network and has parameters."""
    from torch import nn

    from tamis.neural.building.cells import CellStack

    *bodies, head = network.children()
    for body in bodies:
        for child in body.children():
            if isinstance(child, CellStack):
                yield from (child.stem, *child.cells)
            elif next(child.parameters(), None) is not None and not isinstance(child, nn.BatchNorm2d):
                yield child
    yield head


def _named(module: "nn.Module", factor: int) -> tuple[str, int]:
    """Say in two or three words what a part is, and of how many such it consists.

    Parameters
    ----------
    module : nn.Module
    factor : int
        By what it divides the sides of the map.
    """
    from torch import nn

    from tamis.neural.building.cells import EdgeCell, NodeCell, ResidualReduction
    from tamis.neural.building.operations import InvertedResidual
    from tamis.neural.building.plain import Whitening

    by = f" /{factor}" if factor > 1 else ""
    if isinstance(module, EdgeCell):
        return "cell", 1
    if isinstance(module, NodeCell):
        return ("reduction cell" if by else "normal cell"), 1
    if isinstance(module, ResidualReduction):
        return f"residual{by}", 1
    convolutions = [one for one in module.modules() if isinstance(one, nn.Conv2d)]
    if not convolutions:
        return "linear", 1
    if isinstance(convolutions[0], Whitening):
        return f"whitening{by}", 1
    kernel = max(one.kernel_size[0] for one in convolutions)
    if isinstance(module, InvertedResidual):
        return f"MBConv {kernel}×{kernel}{by}", 1
    return f"conv {kernel}×{kernel}{by}", len(convolutions)


def _merged(stages: list[Stage]) -> Iterator[Stage]:
    """Count what follows a part and is of its kind and size together with it; the first alone may shrink the map."""
    held = stages[0]
    for one in stages[1:]:
        same_size = replace(one, name="", count=0, parameters=0) == replace(held, name="", count=0, parameters=0)
        if same_size and held.name.partition(" /")[0] == one.name:
            held = replace(held, count=held.count + one.count, parameters=held.parameters + one.parameters)
        else:
            yield held
            held = one
    yield held
