"""Changes whole batches of images without changing what they show: shifts, flips, cutout, mixup."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tamis.core.seeds import derive, generator
from tamis.neural.training.recipe import Recipe

GATHERED_PIXELS = 64 * 64
"""Up to this size of an image one gather of pixels is faster than a copy per shift."""


@dataclass(frozen=True)
class Mixed:
    """A batch after mixup: the loss is `share` times that of the targets, the rest that of the partners' targets."""

    images: Tensor
    partners: Tensor | None = None
    """For every image, which of the batch was mixed into it."""
    share: float = 1.0


@dataclass(frozen=True)
class Augment:
    """What is done to a batch, in pixels.

    Examples
    --------
    >>> Augment.of(Recipe(shift=0.07, cutout=0.25), (1, 28, 28))
    Augment(shift=2, flip=False, cutout=7, mixup=0.0, seed=0)
    """

    shift: int = 0
    flip: bool = False
    cutout: int = 0
    mixup: float = 0.0
    seed: int = 0

    @classmethod
    def of(cls, recipe: Recipe, shape: tuple[int, int, int], seed: int = 0) -> "Augment":
        """Read a recipe for images of some channels, height and width."""
        side = min(shape[1:])
        shift = min(round(recipe.shift * side), side - 1)
        return cls(shift, recipe.flip, round(recipe.cutout * side), recipe.mixup, seed)

    def move(self, images: Tensor, rows: Tensor, epochs: Tensor, step: int) -> Tensor:
        """Shift and flip images (n, height, width, channels) of any type.

        Parameters
        ----------
        images : Tensor
        rows, epochs : Tensor of int, shape (n,)
            Which rows of the data they are, and how often each has been seen.
        step : int
        """
        if self.shift:
            reach = (-self.shift, self.shift + 1)
            images = shift_each(
                images, torch.randint(*reach, (len(images), 2), generator=self._generator("shift", step))
            )
        return alternating_flip(images, rows, epochs, self.seed) if self.flip else images

    def blend(self, images: Tensor, step: int) -> Mixed:
        """Hide squares in normalised images (n, channels, height, width), and mix them with each other."""
        if self.cutout:
            images = cutout(images, self.cutout, self._generator("cutout", step))
        if not self.mixup:
            return Mixed(images)
        share = float(generator(self.seed, "mixup", step).beta(self.mixup, self.mixup))
        partners = torch.randperm(len(images), generator=self._generator("partners", step)).to(images.device)
        return Mixed(share * images + (1 - share) * images[partners], partners, share)

    def _generator(self, name: str, step: int) -> torch.Generator:
        return torch.Generator().manual_seed(derive(self.seed, name, step))


def shift_all(images: Tensor, down: int, right: int) -> Tensor:
    """Move images (n, height, width, channels) by the same pixels, mirrored where nothing is left.

    Examples
    --------
    >>> shift_all(torch.arange(4).view(1, 1, 4, 1), 0, 2).flatten().tolist()
    [2, 1, 0, 1]
    """
    for axis, by in ((1, down), (2, right)):
        if not by:
            continue
        length = images.shape[axis]
        source, images = images, images.roll(by, axis)
        if by > 0:
            images.narrow(axis, 0, by).copy_(source.narrow(axis, 1, by).flip(axis))
        else:
            images.narrow(axis, length + by, -by).copy_(source.narrow(axis, length - 1 + by, -by).flip(axis))
    return images


def shift_each(images: Tensor, offsets: Tensor) -> Tensor:
    """Move each image (n, height, width, channels) by its own pixels, mirrored where nothing is left.

    Parameters
    ----------
    images : Tensor
    offsets : Tensor of int, shape (n, 2)
        Down and right; smaller than the sides.
    """
    height, width = images.shape[1:3]
    if height * width > GATHERED_PIXELS and images.device.type == "cpu":
        moved = torch.empty_like(images)
        for down, right in torch.unique(offsets, dim=0).tolist():
            chosen = ((offsets[:, 0] == down) & (offsets[:, 1] == right)).nonzero().flatten()
            moved[chosen] = shift_all(images[chosen], down, right)
        return moved
    offsets = offsets.to(images.device)
    rows = _mirrored(height, offsets[:, :1])
    columns = _mirrored(width, offsets[:, 1:])
    first = torch.arange(len(images), device=images.device)[:, None] * height
    pixels = (first + rows)[:, :, None] * width + columns[:, None, :]
    return images.reshape(-1, images.shape[3]).index_select(0, pixels.flatten()).view(images.shape)


def _mirrored(length: int, offsets: Tensor) -> Tensor:
    """Return where each place of a line comes from, of shape (n, length)."""
    places = (torch.arange(length, device=offsets.device) - offsets).abs()
    return (length - 1) - ((length - 1) - places).abs()


def alternating_flip(images: Tensor, rows: Tensor, epochs: Tensor, seed: int) -> Tensor:
    """Mirror half of the images (n, height, width, channels), and in the next epoch the other half.

    Two epochs then show every image both ways, which chance would do for half of them (Jordan 2024, airbench).
    """
    drawn = ((rows * 2_654_435_761 + derive(seed, "flip")) >> 15) & 1  # Knuth's multiplicative hash
    mirrored = (drawn ^ (epochs & 1)).bool().to(images.device)
    return torch.where(mirrored[:, None, None, None], images.flip(2), images)


def cutout(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Set one square of each image (n, channels, height, width) to zero, the mean (DeVries & Taylor 2017).

    Its middle may lie anywhere, so it may stick out.
    """
    n, _, height, width = images.shape
    hidden = torch.ones(n, 1, 1, 1, dtype=torch.bool)
    for axis, length in ((2, height), (3, width)):
        first = torch.randint(length, (n, 1), generator=generator) - side // 2
        places = torch.arange(length)
        inside = (places >= first) & (places < first + side)
        hidden = hidden & inside.view(n, 1, *((length, 1) if axis == 2 else (1, length)))
    return images.masked_fill(hidden.to(images.device), 0.0)
