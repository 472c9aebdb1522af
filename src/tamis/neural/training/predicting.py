"""Predicts with a trained network, also as the mean over several views of each image."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tamis.neural.training.augment import shift_all
from tamis.neural.training.batches import ImageData, Scaling
from tamis.neural.training.device import Setup, free_memory, is_out_of_memory
from tamis.neural.training.recipe import Recipe

BATCH = 128
"""Images that are predicted at a time: what lies between two layers then fits the caches of a CPU."""


@dataclass(frozen=True)
class TTA:
    """The views of an image over which predictions are averaged (test-time augmentation).

    Half of the weight goes to the image as it stands, half to two that are moved along a diagonal. Where mirroring
    keeps the class, the image is shown mirrored too, and one of those that are moved.
    """

    flip: bool = False
    shift: int = 1
    """In pixels."""

    @classmethod
    def of(cls, recipe: Recipe) -> "TTA":
        """Return the views that a recipe's augmentation allows."""
        return cls(flip=recipe.flip, shift=1 if recipe.shift > 0 else 0)

    @property
    def count(self) -> int:
        """How many views there are of each image that is larger than a pixel."""
        return (2 if self.flip else 1) + (2 if self.shift > 0 else 0)

    def views(self, images: Tensor) -> Iterator[tuple[float, Tensor]]:
        """Yield weighted views of images (n, height, width, channels); the weights add up to 1."""
        step = min(self.shift, images.shape[1] - 1, images.shape[2] - 1)
        if self.flip:
            yield from ((0.25, images), (0.25, images.flip(2))) if step > 0 else ((0.5, images), (0.5, images.flip(2)))
        else:
            yield 0.5 if step > 0 else 1.0, images
        if step > 0:
            forth = shift_all(images, step, step)
            yield 0.25, shift_all(images, -step, -step)
            yield 0.25, forth.flip(2) if self.flip else forth


def predict_logits(
    network: nn.Module,
    images: np.ndarray | ImageData,
    setup: Setup,
    *,
    scaling: Scaling | None = None,
    batch: int = BATCH,
    tta: bool | TTA = False,
) -> np.ndarray:
    """Return a network's outputs for images, in bounded memory.

    Parameters
    ----------
    network : nn.Module
        Already placed by the setup.
    images : ndarray of uint8, shape (n, height, width, channels), or ImageData
        May be mapped from a file.
    setup : Setup
    scaling : Scaling, optional
        The one the network was trained with; else that of the images.
    batch : int
        Images at a time; fewer where memory does not suffice.
    tta : bool or TTA
        The views to average over; True stands for small shifts.

    Returns
    -------
    ndarray of float32, shape (n, k)
        Before the softmax; numbers in the unit of the targets.
    """
    data = images if isinstance(images, ImageData) else ImageData(images)
    scaling = scaling or data.scaled()
    views = TTA() if tta is True else tta or TTA(shift=0)
    was_training = network.training
    network.eval()
    parts, start = [], 0
    try:
        with setup.active(), torch.inference_mode():
            model = setup.spread(network)
            while start < len(data):
                try:
                    parts.append(_outputs(model, data.read(slice(start, start + batch)), setup, scaling, views))
                    start += batch
                except (RuntimeError, MemoryError) as error:
                    if batch == 1 or not is_out_of_memory(error):
                        raise
                    batch //= 2
                    free_memory()
    finally:
        network.train(was_training)
    return scaling.restore(np.concatenate(parts)) if parts else np.empty((0, 0), dtype=np.float32)


def _outputs(model: nn.Module, pixels: np.ndarray, setup: Setup, scaling: Scaling, views: TTA) -> np.ndarray:
    images = torch.from_numpy(pixels).to(setup.device)
    total: Tensor | float = 0.0
    for weight, view in views.views(images):
        with setup.autocast():
            outputs = model(setup.feed(scaling.pixels(view)))
        total = total + weight * outputs.float()
    assert isinstance(total, Tensor)
    return np.asarray(total.reshape(len(images), -1).cpu().numpy())


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (n, k) for outputs.

    Examples
    --------
    >>> softmax(np.array([[0.0, 0.0], [1000.0, 0.0]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def score(network: nn.Module, data: ImageData, setup: Setup, scaling: Scaling, batch: int = BATCH) -> float:
    """Return how well a network does, higher is better: the accuracy, or for numbers R², the mean over targets."""
    outputs = predict_logits(network, data, setup, scaling=scaling, batch=batch)
    goal = data.goal
    if data.is_classes:
        return float((outputs.argmax(axis=1) == goal).mean())
    goal = goal.reshape(len(goal), -1)
    missed = np.square(outputs - goal).mean(axis=0)
    return float(np.mean(1.0 - missed / np.maximum(goal.var(axis=0), 1e-12)))
