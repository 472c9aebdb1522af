"""Finds out whether a mirrored image still shows what it showed: photographs do, digits and arrows do not."""

import numpy as np

from tamis.core.seeds import generator

QUERIES, REFERENCES = 500, 3_000
"""How many images are asked about, and how many others answer."""
LEAST = 20
NEIGHBOURS = 5
SIDE = 16
"""Images are looked at as thumbnails of this side."""
SLACK, SLACK_NEAR = 0.02, 0.12
"""What more wrong answers, and more distant neighbours, are taken as harmless."""


def mirrors_keep_the_meaning(images: np.ndarray, targets: np.ndarray, seed: int = 0) -> bool:
    """Tell whether mirrored images still look like their class, so that showing them to a network would help.

    Nearest neighbours among the other images judge some images as they are and mirrored, once by the targets of the
    neighbours and once by their distance. Digits fail on both, arrows that point left or right on the targets,
    photographs pass.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width, channels)
        May be mapped from a file; a sample is read.
    targets : ndarray of shape (n,)
        Codes of classes, or numbers.
    seed : int

    Examples
    --------
    >>> arrows = np.zeros((40, 8, 8, 1), dtype=np.uint8)
    >>> arrows[:20, :, :4], arrows[20:, :, 4:] = 255, 255
    >>> mirrors_keep_the_meaning(arrows, np.repeat([0, 1], 20))
    False
    """
    rng = generator(seed, "mirrors")
    rows = np.sort(rng.choice(len(images), min(len(images), QUERIES + REFERENCES), replace=False))
    if len(rows) < LEAST:
        return False
    small, goal = _thumbnails(images, rows), np.asarray(targets)[rows]
    queries = rng.permutation(len(rows))[: min(QUERIES, len(rows) // 2)]
    plain, plain_near = _judge(small, goal, queries, small[queries])
    mirrored, mirrored_near = _judge(small, goal, queries, small[queries, :, ::-1])
    further = (mirrored_near > plain_near).astype(np.float64)
    return _no_worse(mirrored - plain, SLACK) and _no_worse(further - 0.5, SLACK_NEAR)


def _no_worse(losses: np.ndarray, slack: float) -> bool:
    """Tell whether the mean of paired losses is not above zero by more than chance and some slack."""
    error = float(losses.std(ddof=1)) / len(losses) ** 0.5
    return float(losses.mean()) <= max(2 * error, slack)


def _thumbnails(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return small images without their mean brightness and of length 1: shape (n, height, width, channels)."""
    parts = []
    for part in np.array_split(rows, max(1, len(rows) // 256)):
        pixels = images[part].astype(np.float32)
        for axis in (1, 2):
            starts = np.linspace(0, pixels.shape[axis], min(SIDE, pixels.shape[axis]), endpoint=False).astype(int)
            widths = np.diff(starts, append=pixels.shape[axis]).reshape([-1 if at == axis else 1 for at in range(4)])
            pixels = np.add.reduceat(pixels, starts, axis=axis) / widths
        parts.append(pixels)
    small = np.concatenate(parts)
    small -= small.mean(axis=(1, 2, 3), keepdims=True)
    return np.asarray(small / (np.sqrt(np.square(small).sum(axis=(1, 2, 3), keepdims=True)) + 1e-6))


def _judge(
    small: np.ndarray, goal: np.ndarray, queries: np.ndarray, asked: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return for every query how wrong its neighbours' targets are, and how far the nearest is."""
    likeness = asked.reshape(len(queries), -1) @ small.reshape(len(small), -1).T
    likeness[np.arange(len(queries)), queries] = -2.0  # not itself
    nearest = np.argpartition(-likeness, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    near = likeness.max(axis=1)
    if goal.dtype.kind in "iub":
        wrong = (goal[nearest] != goal[queries][:, None]).mean(axis=1)
    else:
        wrong = np.abs(goal[nearest].mean(axis=1) - goal[queries]) / (goal.std() + 1e-9)
    return wrong, 1 - near
