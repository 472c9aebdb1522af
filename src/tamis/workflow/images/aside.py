"""What is given beside images: the weight of each, and its group."""

from typing import Any

import numpy as np

from tamis.core.errors import DataError


def weights_of(given: Any, n_images: int) -> np.ndarray | None:
    """Return the weight of each image, None where all are alike."""
    if given is None:
        return None
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"The weights of images must be numbers ({error}).") from error
    _check_length("weight", weights, n_images)
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise DataError("The weights of images must be finite, not negative, and not all zero.")
    return None if np.ptp(weights) == 0 else weights


def groups_of(given: Any, n_images: int) -> np.ndarray | None:
    """Return the number of each image's group."""
    if given is None:
        return None
    groups = np.asarray(given)
    _check_length("group", groups, n_images)
    return np.unique(groups.astype(str), return_inverse=True)[1]


def _check_length(name: str, values: np.ndarray, n_images: int) -> None:
    if values.shape != (n_images,):
        raise DataError(f"There must be one {name} for each of the {n_images:,} images; got shape {values.shape}.")
