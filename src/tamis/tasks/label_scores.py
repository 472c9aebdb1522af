"""Scores of predicted labels, each from the confusion matrix and equal to scikit-learn's.

Every function takes `y` (n,) and `labels` (n,) with the codes 0..K-1, `weight` (n,) or None, and `n_classes`.
"""

import math
from collections.abc import Callable

import numpy as np

Weight = np.ndarray | None


def confusion(y: np.ndarray, labels: np.ndarray, weight: Weight, n_classes: int) -> np.ndarray:
    """Return the weight of rows by true class (down) and predicted class (across).

    Examples
    --------
    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), None, 2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    flat = np.bincount(y * n_classes + labels, weights=weight, minlength=n_classes * n_classes)
    return flat.reshape(n_classes, n_classes).astype(np.float64)


def accuracy(y: np.ndarray, labels: np.ndarray, weight: Weight, n_classes: int) -> float:
    """Return the share of right labels."""
    right = (y == labels).astype(np.float64)
    if weight is None:
        return float(right.mean()) if len(right) else math.nan
    return float((right * weight).sum() / weight.sum())


def balanced_accuracy(y: np.ndarray, labels: np.ndarray, weight: Weight, n_classes: int) -> float:
    """Return the mean recall over the classes that are present."""
    matrix = confusion(y, labels, weight, n_classes)
    totals = matrix.sum(axis=1)
    present = totals > 0
    return float((matrix.diagonal()[present] / totals[present]).mean()) if present.any() else math.nan


def _f1(true: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 2 * true, predicted + actual


def _precision(true: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return true, predicted


def _recall(true: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return true, actual


def _jaccard(true: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return true, predicted + actual - true


Ratio = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
RATIOS: dict[str, Ratio] = {"f1": _f1, "precision": _precision, "recall": _recall, "jaccard": _jaccard}
"""By name: (true positives, predicted, actual) -> (numerator, denominator), per class."""


def ratio_score(
    y: np.ndarray, labels: np.ndarray, weight: Weight, n_classes: int, *, ratio: str, averaging: str
) -> float:
    """Return a ratio of the confusion matrix's cells; a class that would divide by zero counts as zero.

    Parameters
    ----------
    ratio : {"f1", "precision", "recall", "jaccard"}
    averaging : {"binary", "macro", "micro", "weighted"}
        "binary" is the second class alone; "macro" leaves out classes that are neither there nor predicted.
    """
    matrix = confusion(y, labels, weight, n_classes)
    true, predicted, actual = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    if averaging == "micro":
        true, predicted, actual = (np.array([part.sum()]) for part in (true, predicted, actual))
    above, below = RATIOS[ratio](true, predicted, actual)
    scores = np.divide(above, below, out=np.zeros_like(below), where=below > 0)
    if averaging == "binary":
        return float(scores[1])
    if averaging == "micro":
        return float(scores[0])
    if averaging == "weighted":
        return float(scores @ actual / actual.sum()) if actual.sum() > 0 else math.nan
    seen = np.zeros(n_classes, dtype=bool)
    seen[y] = seen[labels] = True
    return float(scores[seen].mean()) if seen.any() else math.nan


def matthews_corrcoef(y: np.ndarray, labels: np.ndarray, weight: Weight, n_classes: int) -> float:
    """Return the correlation of true and predicted labels (Matthews 1975; Gorodkin 2004); 0 where it is undefined."""
    matrix = confusion(y, labels, weight, n_classes)
    predicted, actual, total = matrix.sum(axis=0), matrix.sum(axis=1), matrix.sum()
    joint = matrix.trace() * total - predicted @ actual
    spread = (total**2 - predicted @ predicted) * (total**2 - actual @ actual)
    return float(joint / math.sqrt(spread)) if spread > 0 else 0.0


def cohen_kappa(y: np.ndarray, labels: np.ndarray, weight: Weight, n_classes: int, *, distance_power: int = 0) -> float:
    """Return the agreement beyond chance (Cohen 1960); NaN where chance explains everything.

    Parameters
    ----------
    distance_power : int
        0 counts every error alike; 2 counts errors by the squared distance of the codes (quadratic kappa).
    """
    matrix = confusion(y, labels, weight, n_classes)
    expected = np.outer(matrix.sum(axis=1), matrix.sum(axis=0)) / max(matrix.sum(), 1e-300)
    codes = np.arange(n_classes)
    distance = np.abs(codes[:, None] - codes[None, :]).astype(np.float64)
    cost = distance**distance_power if distance_power else (distance > 0).astype(np.float64)
    chance = float((cost * expected).sum())
    return 1 - float((cost * matrix).sum()) / chance if chance > 0 else math.nan
