"""Scores of predicted values, in numpy and equal to scikit-learn's.

Every function takes `y` (n,), `prediction` (n,) and `weight` (n,) or None.
"""

import math

import numpy as np

from tamis.core.errors import DataError
from tamis.tasks.probability_scores import Weight, average


def squared_rows(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return each row's squared error."""
    return (y - prediction.astype(np.float64)) ** 2


def absolute_rows(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return each row's absolute error."""
    return np.abs(y - prediction.astype(np.float64))


def relative_rows(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return each row's absolute error over the size of the true value."""
    return absolute_rows(y, prediction) / np.maximum(np.abs(y), np.finfo(np.float64).eps)


def squared_log_rows(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return each row's squared difference of log(1 + value); negative predictions count as zero.

    Raises
    ------
    DataError
        Where a true value is -1 or below.
    """
    lowest = float(y.min()) if len(y) else 0.0
    if lowest <= -1:
        raise DataError(
            f"The metrics rmsle and msle need targets above -1; the smallest is {lowest:g}. "
            "Choose another metric, such as rmse."
        )
    return (np.log1p(y) - np.log1p(np.maximum(prediction.astype(np.float64), min(0.0, lowest)))) ** 2


def pinball_rows(y: np.ndarray, prediction: np.ndarray, alpha: float = 0.5) -> np.ndarray:
    """Return each row's quantile loss (Koenker & Bassett 1978) at the level alpha."""
    error = y - prediction.astype(np.float64)
    return np.maximum(alpha * error, (alpha - 1) * error)


def mse(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean squared error."""
    return average(squared_rows(y, prediction), weight)


def rmse(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the root of the mean squared error."""
    return math.sqrt(mse(y, prediction, weight))


def mae(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean absolute error."""
    return average(absolute_rows(y, prediction), weight)


def mape(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean absolute percentage error, as a share (0.1 for ten per cent)."""
    return average(relative_rows(y, prediction), weight)


def smape(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the symmetric mean absolute percentage error, a share between 0 and 2."""
    size = (np.abs(y) + np.abs(prediction.astype(np.float64))) / 2
    error = absolute_rows(y, prediction)
    return average(np.divide(error, size, out=np.zeros_like(error), where=size > 0), weight)


def msle(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean squared error of log(1 + value)."""
    return average(squared_log_rows(y, prediction), weight)


def rmsle(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the root of the mean squared error of log(1 + value)."""
    return math.sqrt(msle(y, prediction, weight))


def mean_pinball(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean quantile loss at the median."""
    return average(pinball_rows(y, prediction), weight)


def median_absolute_error(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the median of the absolute errors."""
    if weight is None:
        return float(np.median(absolute_rows(y, prediction))) if len(y) else math.nan
    from sklearn.metrics import median_absolute_error as weighted_median

    return float(weighted_median(y, prediction, sample_weight=weight))


def max_error(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the largest absolute error; weights play no part."""
    return float(absolute_rows(y, prediction).max()) if len(y) else math.nan


def _share_explained(error: float, base: float) -> float:
    if base > 0:
        return 1 - error / base
    return 1.0 if error == 0 else 0.0  # as scikit-learn decides for a constant target


def r2(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the coefficient of determination; NaN for fewer than two rows."""
    if len(y) < 2:
        return math.nan
    return _share_explained(mse(y, prediction, weight), average((y - average(y, weight)) ** 2, weight))


def explained_variance(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the share of the variance that is explained, a constant shift forgiven."""
    error = y - prediction.astype(np.float64)
    left = average((error - average(error, weight)) ** 2, weight)
    return _share_explained(left, average((y - average(y, weight)) ** 2, weight))


def d2_absolute_error(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the share of the absolute error of the median that is removed; NaN for fewer than two rows."""
    if len(y) < 2:
        return math.nan
    from sklearn.metrics import d2_absolute_error_score

    return float(d2_absolute_error_score(y, prediction, sample_weight=weight))


def _deviance(y: np.ndarray, prediction: np.ndarray, weight: Weight, power: int) -> float:
    from sklearn.metrics import mean_tweedie_deviance

    if len(y) and (y.min() < 0 or (power == 2 and y.min() == 0)):
        name, what = ("gamma", "positive") if power == 2 else ("poisson", "non-negative")
        raise DataError(f"The metric {name}_deviance needs {what} targets; the smallest is {y.min():g}. Choose rmse.")
    # A model may predict nothing or less, where the deviance does not exist.
    floor = 1e-6 * max(float(np.abs(y).mean()), 1e-12)
    return float(mean_tweedie_deviance(y, np.maximum(prediction, floor), sample_weight=weight, power=power))


def poisson_deviance(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean Poisson deviance; predictions are kept positive."""
    return _deviance(y, prediction, weight, 1)


def gamma_deviance(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean gamma deviance; predictions are kept positive."""
    return _deviance(y, prediction, weight, 2)


def spearman(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the correlation of ranks; weights play no part, NaN where one side is constant."""
    from scipy.stats import rankdata

    ranks, guessed = rankdata(y), rankdata(prediction)
    if len(y) < 2 or ranks.std() == 0 or guessed.std() == 0:
        return math.nan
    return float(np.corrcoef(ranks, guessed)[0, 1])
