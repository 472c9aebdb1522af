"""What every trial on images is told, and what a worker keeps open from one to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import numpy as np

from tamis.core.contracts import Context
from tamis.data.image_set import ImageSet
from tamis.evaluate.splits import Folds
from tamis.neural.language.shapes import ImageShape
from tamis.tasks.task import Task

FINAL_EPOCHS = 2.0
"""So many times as long as a trial of the search is the last training, where epochs are counted."""

ENOUGH = {"trial": (12.0, 200_000), "growth": (24.0, 500_000), "final": (100.0, 2_000_000), "fold": (30.0, 30_000)}
"""Epochs and images shown after which, when both are reached, a trial of the search has told enough, a wider or deeper
network learns more than the same for longer, a last training ends, for another network beside it brings more, and a
training on one fold may give way to one that holds out another part."""


def shape_of(images: ImageSet) -> ImageShape:
    """Return the images as networks see them."""
    _, height, width, channels = images.images.shape
    return ImageShape(channels, height, width)


def enough_epochs(what: str, n_images: int) -> float:
    """Return after how many epochs a training has had enough.

    Parameters
    ----------
    what : {"trial", "growth", "final", "fold"}
    n_images : int
        To learn from.

    Examples
    --------
    >>> enough_epochs("final", 50_000), enough_epochs("trial", 2_000)
    (100.0, 100.0)
    """
    epochs, shown = ENOUGH[what]
    return max(epochs, shown / n_images)


@dataclass(frozen=True)
class Brief:
    """Where the images are and what is asked of their networks; never the images themselves: workers map the file."""

    data: Path
    """The folder that `ImageSet.create` wrote."""
    folds: Path
    task: Task
    seed: int = 0
    unit_s: float = inf
    """Seconds of a training at fidelity 1; infinite where epochs are counted instead."""
    unit_epochs: float = 6.0
    space: str = "auto"
    """The family of networks whose cells share weights, where a search wants that."""
    max_latency_ms: float | None = None
    max_parameters: int | None = None
    start: bytes | None = None
    """A packed network that a training of the same tree begins with."""
    backbones: Mapping[str, Path] = field(default_factory=dict)
    """The files of pretrained networks by the names that candidates use."""
    cross: Path | None = None
    """Folds that between them hold out every image, where images are few: heads on frozen features are judged so."""
    cores: int = 1
    """Of the run together."""
    features_share: float = 1.0
    """Of the time left, for the features of all images by a pretrained network that stays as it is."""


@dataclass(frozen=True)
class Held:
    """What a worker keeps open through the run."""

    images: ImageSet
    folds: Folds

    @classmethod
    def of(cls, brief: Brief, context: Context) -> "Held":
        """Open the images once for each worker."""
        if "held" not in context.shared:
            context.shared["held"] = cls(ImageSet.open(brief.data), Folds.open(brief.folds))
        held: Held = context.shared["held"]
        return held

    def rows(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the images that train and those that validate."""
        return self.folds.rows(fold)
