"""Gives batches of images without end, shuffled, from memory or from a mapped file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tamis.core.errors import DataError
from tamis.core.seeds import generator

SAMPLE = 2_000
"""So many images suffice for the mean and the spread of the channels."""
GPU_SHARE = 0.25
"""A set that fits into this share of a GPU's free memory is kept there."""


@dataclass(frozen=True)
class Scaling:
    """Mean and spread of every channel, and of the targets where they are numbers.

    Examples
    --------
    >>> scaling = Scaling((100.0,), (50.0,))
    >>> scaling.pixels(torch.full((1, 1, 1, 1), 150, dtype=torch.uint8)).item()
    1.0
    """

    mean: tuple[float, ...]
    spread: tuple[float, ...]
    target_mean: tuple[float, ...] = ()
    target_spread: tuple[float, ...] = ()

    def pixels(self, images: Tensor) -> Tensor:
        """Standardise images (n, height, width, channels); return floats (n, channels, height, width)."""
        images = images.permute(0, 3, 1, 2).float()
        mean = torch.tensor(self.mean, device=images.device).view(1, -1, 1, 1)
        factor = 1.0 / torch.tensor(self.spread, device=images.device).view(1, -1, 1, 1)
        return images.sub_(mean).mul_(factor)

    def targets(self, targets: Tensor) -> Tensor:
        """Standardise targets that are numbers."""
        if not self.target_mean:
            return targets
        mean, spread = (torch.tensor(one, device=targets.device) for one in (self.target_mean, self.target_spread))
        return (targets - mean) / spread

    def restore(self, outputs: np.ndarray) -> np.ndarray:
        """Turn a network's outputs (n, k) back into the unit of the targets."""
        if not self.target_mean:
            return outputs
        mean, spread = np.array(self.target_mean, np.float32), np.array(self.target_spread, np.float32)
        return np.asarray(outputs * spread + mean, dtype=np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {name: list(getattr(self, name)) for name in ("mean", "spread", "target_mean", "target_spread")}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Scaling":
        """Read what `to_json` wrote."""
        return cls(**{name: tuple(values) for name, values in record.items()})


@dataclass(frozen=True)
class ImageData:
    """Images and what is to be predicted for them.

    Examples
    --------
    >>> data = ImageData(np.zeros((6, 8, 8, 1), dtype=np.uint8), np.array([0, 1, 0, 1, 0, 1]))
    >>> len(data), data.shape, data.is_classes, len(data.subset(np.array([0, 3])))
    (6, (1, 8, 8), True, 2)
    """

    images: np.ndarray
    """Of uint8, shape (N, height, width, channels); may be mapped from a file. A tensor is taken too."""
    targets: np.ndarray | None = None
    """Codes of classes (N,), or numbers (N,) or (N, k)."""
    rows: np.ndarray | None = None
    """The rows that count, all for None: folds of a mapped file are not copied."""
    scaling: Scaling | None = None
    """Found from a sample where it is not given."""
    hold_mb: float = 1024.0
    """A mapped set that is smaller is read into memory as a whole."""

    def __post_init__(self) -> None:
        """Bring the arrays into shape, and refuse what is no set of images."""
        images = self.images.cpu().numpy() if isinstance(self.images, Tensor) else self.images
        if images.ndim != 4 or images.dtype != np.uint8:
            raise DataError(
                "Images must be an array of uint8 with the shape (n, height, width, channels); "
                f"got {images.dtype} with the shape {images.shape}."
            )
        object.__setattr__(self, "images", images)
        if self.targets is None:
            return
        targets = self.targets.cpu().numpy() if isinstance(self.targets, Tensor) else np.asarray(self.targets)
        if len(targets) != len(images):
            raise DataError(f"There must be a target for every image; got {len(targets)} for {len(images)} images.")
        wanted = np.int64 if targets.dtype.kind in "iub" else np.float32
        object.__setattr__(self, "targets", targets.astype(wanted, copy=False))

    def __len__(self) -> int:
        """Return the number of images that count."""
        return len(self.images) if self.rows is None else len(self.rows)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return channels, height and width."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    @property
    def is_classes(self) -> bool:
        """Tell whether the targets are codes of classes."""
        return self.targets is not None and self.targets.dtype == np.int64

    @property
    def goal(self) -> np.ndarray:
        """Return the targets of the rows that count."""
        if self.targets is None:
            raise DataError("These images have no targets to learn from or to be compared with.")
        return self.targets if self.rows is None else self.targets[self.rows]

    def subset(self, places: np.ndarray) -> "ImageData":
        """Return some of the images, as places among those that count; nothing is copied."""
        return replace(self, rows=places if self.rows is None else self.rows[places])

    def read(self, places: np.ndarray | slice) -> np.ndarray:
        """Return the pixels of some images, in memory."""
        rows = places if self.rows is None else self.rows[places]
        return np.array(self.images[rows] if isinstance(rows, slice) else np.take(self.images, rows, axis=0))

    def sample(self, size: int) -> np.ndarray:
        """Return the pixels of at most so many images, the same ones every time."""
        places = generator(0, "sample").choice(len(self), min(len(self), size), replace=False)
        return self.read(np.sort(places))

    def held(self) -> "ImageData":
        """Return the set in memory where it is small enough to be held."""
        size_mb = len(self) * np.prod(self.shape) / 2**20
        if not isinstance(self.images, np.memmap) or size_mb > self.hold_mb:
            return self
        targets = None if self.targets is None else self.goal
        return replace(self, images=self.read(slice(None)), targets=targets, rows=None)

    def scaled(self) -> Scaling:
        """Return the given scaling, or estimate it from a sample."""
        if self.scaling is not None:
            return self.scaling
        pixels = self.sample(SAMPLE).reshape(-1, self.shape[0])
        scaling = Scaling(_mean(pixels), _spread(pixels))
        if self.is_classes or self.targets is None:
            return scaling
        goal = self.goal.astype(np.float64)
        return replace(scaling, target_mean=_mean(goal), target_spread=_spread(goal))


@dataclass(frozen=True)
class Batch:
    """What one step learns from."""

    images: Tensor
    """Of uint8, shape (n, height, width, channels)."""
    targets: Tensor
    rows: Tensor
    """Which of the set they are."""
    epochs: Tensor
    """How often the set had been gone through when each was drawn."""


class Batches:
    """An endless row of batches, all of one size; the number of a batch says what is in it.

    The set is gone through in a new order each time; a batch may hold the end of one order and the beginning of the
    next.

    Parameters
    ----------
    data : ImageData
    size : int
        At most a quarter of the set, but 8 or all of it.
    seed : int
    device : str
        Where a set that fits is kept, and where batches come out.
    """

    def __init__(self, data: ImageData, size: int, seed: int, device: str = "cpu") -> None:
        if len(data) < 2:
            raise DataError(f"A network needs at least 2 images to learn from; got {len(data)}.")
        self.data = data.held()
        self.size = min(size, len(data), max(8, len(data) // 4))
        self.seed = seed
        self.device = device
        self._targets = torch.tensor(self.data.goal)
        self._kept = self._on_device()
        self._orders: dict[int, np.ndarray] = {}

    @property
    def per_epoch(self) -> float:
        """Return how many batches make an epoch."""
        return len(self.data) / self.size

    def __getitem__(self, number: int) -> Batch:
        """Return one batch, counted from 0."""
        places = np.arange(number * self.size, (number + 1) * self.size)
        epochs = places // len(self.data)
        rows = np.empty(self.size, dtype=np.int64)
        for epoch in range(int(epochs[0]), int(epochs[-1]) + 1):
            inside = epochs == epoch
            rows[inside] = self._order(epoch)[places[inside] % len(self.data)]
        in_file = np.argsort(rows)  # a mapped file is read forwards
        rows, epochs = rows[in_file], epochs[in_file]
        chosen = torch.from_numpy(rows)
        if self._kept is not None:
            images = self._kept[chosen.to(self.device)]
        else:
            images = torch.from_numpy(self.data.read(rows)).to(self.device)
        return Batch(images, self._targets[chosen].to(self.device), chosen, torch.from_numpy(epochs))

    def __iter__(self) -> Iterator[Batch]:
        """Yield batch after batch, for ever."""
        number = 0
        while True:
            yield self[number]
            number += 1

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            self._orders = {one: order for one, order in self._orders.items() if one == epoch - 1}
            self._orders[epoch] = generator(self.seed, "order", epoch).permutation(len(self.data))
        return self._orders[epoch]

    def _on_device(self) -> Tensor | None:
        if not self.device.startswith("cuda"):
            return None
        free, _ = torch.cuda.mem_get_info()
        if len(self.data) * np.prod(self.data.shape) > GPU_SHARE * free:
            return None
        return torch.from_numpy(self.data.read(slice(None))).to(self.device)


def _mean(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(one) for one in np.atleast_1d(values.mean(axis=0, dtype=np.float64)))


def _spread(values: np.ndarray) -> tuple[float, ...]:
    found = np.atleast_1d(values.std(axis=0, dtype=np.float64))
    return tuple(float(one) if one > 1e-6 else 1.0 for one in found)
