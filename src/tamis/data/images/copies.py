"""Finds images that occur more than once: copies on both sides of a split make a score too good."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

BLOCK = 1024
MOST_SHARE = 0.02
FEW = 10
"""An image of which there are more copies than this share and this number is what the data is like, such as a blank
page: to keep all its copies on one side of a split would make the sides unlike."""


@dataclass(frozen=True, eq=False)
class Copies:
    """Which images are the same, pixel by pixel."""

    groups: np.ndarray
    """Shape (N,), int64: the same number for copies, unless they are very many."""
    n_repeated: int = 0
    """How many different images occur more than once."""
    n_contradicting: int = 0
    """How many of these have different labels."""

    @property
    def note(self) -> str:
        """One line, empty where no image occurs twice.

        Examples
        --------
        >>> twice = np.zeros((2, 4, 4, 1), dtype=np.uint8)
        >>> duplicates(twice, np.array([0, 1])).note
        '1 image occurs more than once, with different labels: copies stay on one side of every split'
        """
        if not self.n_repeated:
            return ""
        one = self.n_repeated == 1
        said = ""
        if self.n_contradicting:
            said = ", with different labels" if one else f", {self.n_contradicting:,} of them with different labels"
        subject = "1 image occurs" if one else f"{self.n_repeated:,} images occur"
        return f"{subject} more than once{said}: copies stay on one side of every split"


def duplicates(images: np.ndarray, y: np.ndarray | None = None) -> Copies:
    """Find the images that occur more than once.

    Parameters
    ----------
    images : ndarray of shape (N, H, W, C)
        May be mapped; it is gone through once.
    y : ndarray of shape (N,), optional
        To count copies with different labels.
    """
    blocks = (images[start : start + BLOCK] for start in range(0, len(images), BLOCK))
    marks = [mark(block) for block in blocks]
    return copies(np.concatenate(marks) if marks else np.empty(0, dtype=np.uint64), y)


def mark(images: np.ndarray) -> np.ndarray:
    """Return a number of 64 bits for each image, the same for the same pixels (and, but for chance, only for them)."""
    rows: Iterable[np.ndarray] = np.ascontiguousarray(images).reshape(len(images), -1)
    digests = b"".join(blake2b(row.data, digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, dtype=np.uint64)


def copies(marks: np.ndarray, y: np.ndarray | None = None) -> Copies:
    """Group images by their marks; the number of a group is the position of its first image."""
    if not len(marks):
        return Copies(np.empty(0, dtype=np.int64))
    _, first, inverse, counts = np.unique(marks, return_index=True, return_inverse=True, return_counts=True)
    groups = first[inverse.reshape(-1)].astype(np.int64)
    n_contradicting = 0
    if y is not None and (counts > 1).any():
        different = np.unique(np.stack([groups, np.unique(y, return_inverse=True)[1].reshape(-1)]), axis=1)[0]
        n_contradicting = int((np.unique(different, return_counts=True)[1] > 1).sum())
    many = counts[inverse.reshape(-1)] > max(FEW, MOST_SHARE * len(marks))
    groups[many] = np.flatnonzero(many)
    return Copies(groups, int((counts > 1).sum()), n_contradicting)
