"""Scores of predicted probabilities, in numpy and equal to scikit-learn's.

Sums of products are written out: the parent's BLAS would wake threads that fight with the workers for the cores.
Every function takes `y` (n,) with the codes 0..K-1, `prediction` (n, K) and `weight` (n,) or None.
"""

import math

import numpy as np

Weight = np.ndarray | None


def average(values: np.ndarray, weight: Weight) -> float:
    """Return the weighted mean; NaN where there is nothing to average."""
    if weight is None:
        return float(values.mean()) if len(values) else math.nan
    total = float(weight.sum())
    return float((values * weight).sum() / total) if total > 0 else math.nan


def _ranked(positive: np.ndarray, score: np.ndarray, weight: Weight) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of positives and of all rows at or above each distinct score, from the highest score down."""
    order = np.argsort(-score)
    ranked = score[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    if weight is None:
        return np.cumsum(positive[order], dtype=np.float64)[ends], ends + 1.0
    heavy = weight[order].astype(np.float64)
    return np.cumsum(positive[order] * heavy)[ends], np.cumsum(heavy)[ends]


def binary_auc(positive: np.ndarray, score: np.ndarray, weight: Weight = None) -> float:
    """Return the area under the ROC curve; NaN where one of the two classes is absent.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
    score : ndarray of shape (n,)
        Equal scores count as half a pair in the right order (Hanley & McNeil 1982).
    weight : ndarray of shape (n,), optional

    Examples
    --------
    >>> binary_auc(np.array([False, True, True]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    if not len(score):
        return math.nan
    true, flagged = _ranked(positive, score, weight)
    false = flagged - true
    if true[-1] <= 0 or false[-1] <= 0:
        return math.nan
    steps = np.diff(false, prepend=0.0)
    heights = true - np.diff(true, prepend=0.0) / 2
    return float((steps * heights).sum() / (true[-1] * false[-1]))


def roc_auc(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the area under the ROC curve, for several classes the plain mean of one against the rest.

    Classes that have no row, or all of them, are left out of the mean.
    """
    if prediction.shape[1] == 2:
        return binary_auc(y == 1, prediction[:, 1], weight)
    areas = [binary_auc(y == code, prediction[:, code], weight) for code in range(prediction.shape[1])]
    known = [area for area in areas if not math.isnan(area)]
    return sum(known) / len(known) if known else math.nan


def roc_auc_ovr_weighted(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean of one-versus-rest areas, each class counted by its rows."""
    if prediction.shape[1] == 2:
        return binary_auc(y == 1, prediction[:, 1], weight)
    # scikit-learn counts classes by rows here, whatever the rows' weights.
    shares = np.bincount(y, minlength=prediction.shape[1])
    areas = np.array([binary_auc(y == code, prediction[:, code], weight) for code in range(prediction.shape[1])])
    known = ~np.isnan(areas)
    return average(areas[known], shares[known].astype(np.float64))


def roc_auc_ovo(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean over pairs of classes (Hand & Till 2001); pairs with an absent class are left out."""
    return average(_pairs(y, prediction, weight)[0], None)


def roc_auc_ovo_weighted(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean over pairs of classes, each pair counted by its rows."""
    return average(*_pairs(y, prediction, weight))


def _pairs(y: np.ndarray, prediction: np.ndarray, weight: Weight) -> tuple[np.ndarray, np.ndarray]:
    """Return the area of each pair of classes that are both present, and the pair's rows."""
    if prediction.shape[1] == 2:
        area = binary_auc(y == 1, prediction[:, 1], weight)
        return np.array([] if math.isnan(area) else [area]), np.ones(0 if math.isnan(area) else 1)
    areas, rows = [], []
    for first in range(prediction.shape[1]):
        for second in range(first + 1, prediction.shape[1]):
            pair = (y == first) | (y == second)
            inside = None if weight is None else weight[pair]
            one = binary_auc(y[pair] == first, prediction[pair, first], inside)
            areas.append((one + binary_auc(y[pair] == second, prediction[pair, second], inside)) / 2)
            rows.append(pair.sum())
    known = ~np.isnan(areas)
    return np.array(areas)[known], np.array(rows, dtype=np.float64)[known]


def top_two_accuracy(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the share of rows whose class is one of the two most probable."""
    likeliest = np.argsort(prediction, axis=1, kind="stable")[:, ::-1][:, :2]
    return average((likeliest == y[:, None]).any(axis=1).astype(np.float64), weight)


def _binary_average_precision(positive: np.ndarray, score: np.ndarray, weight: Weight) -> float:
    if not len(score):
        return math.nan
    true, flagged = _ranked(positive, score, weight)
    if true[-1] <= 0:
        return math.nan
    precision = np.divide(true, flagged, out=np.zeros_like(true), where=flagged > 0)
    return float((np.diff(true, prepend=0.0) * precision).sum() / true[-1])


def average_precision(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the area under the precision-recall steps, for several classes the mean over those that are present."""
    if prediction.shape[1] == 2:
        return _binary_average_precision(y == 1, prediction[:, 1], weight)
    areas = [_binary_average_precision(y == code, prediction[:, code], weight) for code in range(prediction.shape[1])]
    known = [area for area in areas if not math.isnan(area)]
    return sum(known) / len(known) if known else math.nan


def log_loss_rows(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return each row's negative log likelihood, clipped at the machine precision of the prediction's type."""
    floating = prediction if prediction.dtype.kind == "f" else prediction.astype(np.float64)
    epsilon = float(np.finfo(floating.dtype).eps)
    chosen = floating[np.arange(len(y)), y]
    return -np.log(np.clip(chosen, epsilon, 1 - epsilon).astype(np.float64))


def log_loss(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean negative log likelihood, in nats."""
    return average(log_loss_rows(y, prediction), weight)


def brier_rows(y: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return each row's squared distance; halved for two classes, as scikit-learn does."""
    wide = prediction.astype(np.float64)
    if wide.shape[1] == 2:
        return (wide[:, 1] - (y == 1)) ** 2
    wide[np.arange(len(y)), y] -= 1.0
    return (wide**2).sum(axis=1)


def brier(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the mean squared distance between probabilities and what came (Brier 1950)."""
    return average(brier_rows(y, prediction), weight)


def _base_rates(y: np.ndarray, n_classes: int, weight: Weight) -> np.ndarray:
    counts = np.bincount(y, weights=weight, minlength=n_classes).astype(np.float64)
    return np.broadcast_to(counts / counts.sum(), (len(y), n_classes))


def d2_log_loss(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the share of the log loss of the class frequencies that is removed."""
    base = log_loss(y, _base_rates(y, prediction.shape[1], weight), weight)
    return 1 - log_loss(y, prediction, weight) / base if base > 1e-12 else math.nan


def d2_brier(y: np.ndarray, prediction: np.ndarray, weight: Weight = None) -> float:
    """Return the share of the Brier score of the class frequencies that is removed."""
    base = brier(y, _base_rates(y, prediction.shape[1], weight), weight)
    return 1 - brier(y, prediction, weight) / base if base > 1e-12 else math.nan
