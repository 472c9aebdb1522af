"""What makes a candidate worth asking: models of loss and seconds with their doubt, and the improvement to expect."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

Predict = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Gives the mean and the standard deviation of every row."""
Fit = Callable[[np.ndarray, np.ndarray, int], Predict]
"""Learns from rows, what came of them, and a seed."""

N_TREES, FEATURES = 24, 1 / 2
"""Of the forest. Each split looks at half of the columns, so that the trees differ and their spread says something."""
N_MEAN = 10
"""Of a forest of which the mean alone is asked."""
FAR = 5.0
"""Losses beyond so many times the median's distance to the best are all alike."""
LEAST_STD = 1e-3
LEAST_S = 0.05
"""What a trial costs at least: a predicted time near 0 would outweigh any loss."""


def fit_forest(rows: np.ndarray, targets: np.ndarray, seed: int, n_trees: int | None = None) -> Predict:
    """Fit a forest whose trees disagree where little is known (Hutter, Hoos and Leyton-Brown, 2011).

    The trees are those of scikit-learn's `ExtraTreesRegressor` with `bootstrap=True` and this seed; grown one by one,
    without making an estimator of each and looking at the same rows again, they take half the time.
    """
    from sklearn import config_context
    from sklearn.tree import ExtraTreeRegressor

    rows = np.ascontiguousarray(rows, dtype=np.float32)
    values = np.ascontiguousarray(targets, dtype=np.float64)[:, None]
    draws, most = np.random.RandomState(seed), np.iinfo(np.int32).max
    trees = []
    with config_context(skip_parameter_validation=True, assume_finite=True):
        for own in [int(draws.randint(most)) for _ in range(n_trees or N_TREES)]:
            drawn = np.random.RandomState(own).randint(0, len(rows), len(rows))
            often = np.bincount(drawn, minlength=len(rows)).astype(np.float64)
            tree = ExtraTreeRegressor(max_features=FEATURES, random_state=own)
            # Asked without the checks of an estimator, too: they take longer than the answer.
            trees.append(tree.fit(rows, values, sample_weight=often, check_input=False).tree_)

    def predict(others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        others = np.ascontiguousarray(others, dtype=np.float32)
        votes = np.array([tree.predict(others)[:, 0] for tree in trees])
        return votes.mean(axis=0), np.maximum(votes.std(axis=0), LEAST_STD)

    return predict


def fit_process(rows: np.ndarray, targets: np.ndarray, seed: int) -> Predict:
    """Fit a Gaussian process with a length for every column (Snoek, Larochelle and Adams, 2012)."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    kernel = ConstantKernel(1.0, (0.05, 20.0)) * Matern([0.4] * rows.shape[1], (0.03, 10.0), nu=2.5)
    process = GaussianProcessRegressor(kernel + WhiteKernel(1e-3, (1e-6, 0.5)), alpha=1e-8, random_state=seed)
    middle, spread = float(targets.mean()), float(targets.std()) or 1.0
    with warnings.catch_warnings():  # that a length has come to its bound: the column is of no account
        warnings.simplefilter("ignore")
        process.fit(rows.astype(float), (targets - middle) / spread)

    def predict(others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, std = process.predict(others.astype(float), return_std=True)
        # The noise of one more trial is no doubt about the loss itself: with it, what is known would seem worth asking.
        std = np.sqrt(np.maximum(std**2 - process.kernel_.k2.noise_level, LEAST_STD**2))
        return middle + spread * mean, spread * std

    return predict


@dataclass(frozen=True)
class Model:
    """A way to learn, and how losses are graded for it."""

    fit: Fit
    near: float
    """Losses this close to the best, as a share of the median's distance to it, count as hardly different from it."""
    mean: Fit
    """The same, where the mean alone is asked: of the seconds, and of what is running."""


FOREST = Model(fit_forest, near=0.2, mean=partial(fit_forest, n_trees=N_MEAN))
PROCESS = Model(fit_process, near=1.0, mean=fit_process)
"""A logarithm that falls steeply makes a smooth valley a cleft, which a process over smooth functions cannot follow."""


def graded(losses: Sequence[float], near: float) -> np.ndarray:
    """Return the logarithm of each loss' distance to the best, so that the model looks closely where it matters.

    What failed (an infinite loss) counts as the worst of those that did not.

    Examples
    --------
    >>> graded([0.2, 0.3, 0.4, float("inf")], near=0.05).round(2).tolist()
    [-3.0, 0.05, 0.72, 0.72]
    """
    values = np.array(losses, dtype=float)
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values))
    distances = values[known] - values[known].min()
    scale = float(np.median(distances)) or float(distances.mean()) or 1.0
    grades = np.log(np.minimum(distances / scale, FAR) + near)
    filled = np.full(len(values), grades.max())
    filled[known] = grades
    return filled


def log_improvement(mean: np.ndarray, std: np.ndarray, best: float) -> np.ndarray:
    """Return the logarithm of the expected improvement over the best (Jones, Schonlau and Welch, 1998).

    Examples
    --------
    >>> log_improvement(np.array([0.0, 1.0]), np.array([1.0, 1.0]), best=0.0).round(3).tolist()
    [-0.919, -2.485]
    """
    from scipy.special import ndtr

    z = (best - mean) / std
    expected = std * (z * ndtr(z) + np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))
    return np.log(np.maximum(expected, np.finfo(float).tiny))
