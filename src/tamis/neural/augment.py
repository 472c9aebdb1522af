"""Changes whole batches of images without changing what they show: shifts, flips, cutout, mixup."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tamis.core.seeds import derive, generator
from tamis.neural.recipe import Recipe

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


FLIP_QUERIES = 500
FLIP_REFERENCES = 3_000
_NEIGHBOURS = 5
_SIDE = 16


def flips_help(images: np.ndarray, targets: np.ndarray, seed: int = 0) -> bool:
    """Tell whether mirrored images still look like their class, so that showing them would help.

    Nearest neighbours among the other images judge some images as they are and mirrored, once by the targets of the
    neighbours and once by their distance. Digits fail on both, arrows that point left or right on the targets,
    photographs pass.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width, channels)
        May be mapped from a file; a sample is read.
    targets : ndarray of shape (n,) or (n, k)
        Codes of classes, or numbers.
    """
    rng = generator(seed, "flips")
    rows = np.sort(rng.choice(len(images), min(len(images), FLIP_QUERIES + FLIP_REFERENCES), replace=False))
    if len(rows) < 20:
        return False
    small = _thumbnails(images, rows)
    goal = np.asarray(targets)[rows]
    queries = torch.from_numpy(rng.permutation(len(rows))[: min(FLIP_QUERIES, len(rows) // 2)])
    plain, plain_near = _judge(small, goal, queries, small[queries])
    mirrored, mirrored_near = _judge(small, goal, queries, small[queries].flip(2))
    return _no_worse(mirrored - plain, 0.02) and _no_worse((mirrored_near > plain_near).double() - 0.5, 0.12)


def _no_worse(losses: Tensor, slack: float) -> bool:
    """Tell whether the mean of paired losses is not above zero by more than chance and some slack."""
    error = float(losses.std()) / len(losses) ** 0.5
    return float(losses.mean()) <= max(2 * error, slack)


def _thumbnails(images: np.ndarray, rows: np.ndarray) -> Tensor:
    """Return small images without their mean brightness, of shape (n, height, width, channels)."""
    parts = []
    for part in np.array_split(rows, max(1, len(rows) // 256)):
        pixels = torch.from_numpy(np.array(images[part])).permute(0, 3, 1, 2).float()
        side = (min(_SIDE, pixels.shape[2]), min(_SIDE, pixels.shape[3]))
        parts.append(F.adaptive_avg_pool2d(pixels, side).permute(0, 2, 3, 1))
    small = torch.cat(parts)
    small = small - small.mean(dim=(1, 2, 3), keepdim=True)
    return small / (small.square().sum(dim=(1, 2, 3), keepdim=True).sqrt() + 1e-6)


def _judge(small: Tensor, goal: np.ndarray, queries: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
    """Return for every query how wrong its neighbours' targets are, and how far the nearest is."""
    likeness = asked.flatten(1) @ small.flatten(1).T
    likeness[torch.arange(len(queries)), queries] = -2.0  # not itself
    near, nearest = likeness.topk(_NEIGHBOURS, dim=1)
    targets = torch.from_numpy(goal)
    if goal.dtype.kind in "iub":
        wrong = (targets[nearest] != targets[queries][:, None]).double().mean(dim=1)
    else:
        spread = targets.double().std(dim=0) + 1e-9
        apart = (targets[nearest].double().mean(dim=1) - targets[queries].double()) / spread
        wrong = apart.abs().reshape(len(queries), -1).mean(dim=1)
    return wrong, 1 - near[:, 0]
