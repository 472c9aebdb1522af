"""Weighs rows so that rare classes count for more.

A transformer is not the place for it: in a tree, a model that takes `sample_weight` may have the parameter
`class_weight` in [0, 1], and the pipeline hands what `class_weights` returns to its fit. 0 leaves the rows as they
are, 1 gives every class the same total weight, and 0.5 lies between the two on a logarithmic scale.
"""

import numpy as np

from tamis.core.errors import ParameterError


def class_weights(y: np.ndarray, strength: float = 1.0, sample_weight: np.ndarray | None = None) -> np.ndarray:
    """Return a weight for each row that evens out the classes, times its own weight; the mean stays what it was.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Codes of classes.
    strength : float
        In [0, 1].
    sample_weight : ndarray of shape (n_rows,), optional
        Each row's own weight; classes are counted with it.

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    ParameterError
        Where the strength is outside [0, 1].

    Examples
    --------
    >>> class_weights(np.array([0, 0, 0, 1]))
    array([0.66666667, 0.66666667, 0.66666667, 2.        ])
    """
    if not 0 <= strength <= 1:
        raise ParameterError(f"The parameter 'strength' must be between 0 and 1; got {strength!r}.")
    own = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if not len(y) or own.sum() <= 0:
        return own
    classes, codes = np.unique(y, return_inverse=True)
    totals = np.bincount(codes, weights=own, minlength=len(classes))
    # A class whose rows all weigh nothing would get an infinite factor.
    factors = np.where(totals > 0, own.sum() / (len(classes) * np.where(totals > 0, totals, 1)), 1.0) ** strength
    weights = own * factors[codes]
    return np.asarray(weights * (own.sum() / weights.sum()))
