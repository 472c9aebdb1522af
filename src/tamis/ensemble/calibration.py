"""Makes probabilities mean what they say: temperature, bias, Platt and beta calibration, kept only where they help."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from tamis.core.errors import DataError
from tamis.core.seeds import generator
from tamis.ensemble.thinning import thinned

_FLOOR = 1e-12
_MAX_ROWS, _MAX_CELLS = 20_000, 200_000
_LEAST_ROWS = 60
_LEAST_PER_CLASS = 5
_N_PARTS = 5


def _logs(prediction: np.ndarray) -> np.ndarray:
    return np.log(np.clip(np.asarray(prediction, dtype=np.float64), _FLOOR, 1.0))


def _softmax(scores: np.ndarray) -> np.ndarray:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def _row_losses(prediction: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -_logs(prediction[np.arange(len(y)), y])


@dataclass(frozen=True)
class Calibrator:
    """A change of probabilities that keeps what was learned about the order of rows.

    Examples
    --------
    >>> Calibrator("temperature", (2.0,)).apply(np.array([[0.1, 0.9]])).round(2).tolist()
    [[0.25, 0.75]]
    """

    method: str = "none"
    """"none", "temperature" (T), "bias" (1/T, then one per class), "platt" (slope, bias), "beta" (a, b, c)."""
    parameters: tuple[float, ...] = ()

    def apply(self, prediction: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities, of the same shape (n, K)."""
        if self.method == "none":
            return prediction
        logs = _logs(prediction)
        if self.method == "temperature":
            return _softmax(logs / self.parameters[0])
        if self.method == "bias":
            return _softmax(logs * self.parameters[0] + np.array(self.parameters[1:]))
        slopes = self.parameters[:2] if self.method == "beta" else (self.parameters[0],) * 2
        score = slopes[0] * logs[:, 1] - slopes[1] * logs[:, 0] + self.parameters[-1]
        second = 0.5 * (1 + np.tanh(score / 2))
        return np.stack([1 - second, second], axis=1)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"method": self.method, "parameters": list(self.parameters)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Calibrator":
        """Read what `to_json` wrote."""
        return cls(record["method"], tuple(record["parameters"]))


def fit_temperature(prediction: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Calibrator:
    """Fit the one number by which log probabilities are divided (Guo et al. 2017), by golden-section search."""
    logs = _logs(prediction)

    def loss(log_temperature: float) -> float:
        return float((_row_losses(_softmax(logs / np.exp(log_temperature)), y) * weight).sum())

    golden = (sqrt(5) - 1) / 2
    low, high = -2.5, 2.5
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > 1e-4:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = loss(right)
    return Calibrator("temperature", (float(np.exp((low + high) / 2)),))


def _logistic(features: np.ndarray, y: np.ndarray, weight: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Fit a logistic regression by Newton's method, drawn a little towards `centre`."""
    at = centre.copy()
    penalty = np.full(len(at), 1.0)
    for _ in range(50):
        chance = 0.5 * (1 + np.tanh((features * at).sum(axis=1) / 2))
        slope = (features * (weight * (chance - y))[:, None]).sum(axis=0) + penalty * (at - centre)
        # Not a product by BLAS, whose threads would fight with the workers for the cores.
        curve = np.einsum("ij,i,ik->jk", features, weight * chance * (1 - chance), features) + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        # A long step from a flat place would overshoot.
        at = at - step * min(1.0, 2.0 / max(float(np.abs(step).max()), _FLOOR))
        if np.abs(step).max() < 1e-8:
            break
    return at


def fit_platt(prediction: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Calibrator:
    """Fit slope and bias of the log odds (Platt 1999)."""
    logs = _logs(prediction)
    features = np.stack([logs[:, 1] - logs[:, 0], np.ones(len(y))], axis=1)
    slope, bias = _logistic(features, y, weight, np.array([1.0, 0.0]))
    return Calibrator("platt", (max(float(slope), 1e-3), float(bias)))


def fit_beta(prediction: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Calibrator:
    """Fit the three parameters of beta calibration (Kull, Silva Filho & Flach 2017)."""
    logs = _logs(prediction)
    features = np.stack([logs[:, 1], -logs[:, 0], np.ones(len(y))], axis=1)
    found = _logistic(features, y, weight, np.array([1.0, 1.0, 0.0]))
    if found[:2].min() < 0:  # it would turn the order of rows around
        return fit_platt(prediction, y, weight)
    return Calibrator("beta", tuple(float(one) for one in found))


def fit_bias(prediction: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Calibrator:
    """Fit a temperature and a bias per class (vector scaling with one slope; Guo et al. 2017)."""
    from scipy.optimize import minimize

    logs = _logs(prediction)
    hot = np.zeros_like(logs)
    hot[np.arange(len(y)), y] = 1.0

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        chances = _softmax(logs * point[0] + point[1:])
        apart = (chances - hot) * weight[:, None]
        value = (_row_losses(chances, y) * weight).sum() + 0.5 * (point[1:] @ point[1:]) + 0.5 * (point[0] - 1) ** 2
        return float(value), np.append((apart * logs).sum() + point[0] - 1, apart.sum(axis=0) + point[1:])

    start = np.append(1.0, np.zeros(logs.shape[1]))
    bounds = [(0.05, 20.0), *[(-10.0, 10.0)] * logs.shape[1]]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 100}).x
    return Calibrator("bias", tuple(float(one) for one in found))


def _some(rows: np.ndarray, prediction: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Return as many of the rows as suffice: of many classes fewer, each of which takes longer."""
    most = min(_MAX_ROWS, _MAX_CELLS // prediction.shape[1])
    return rows[thinned(y[rows], most, generator(seed, "calibration rows"))]


def _parts(y: np.ndarray, groups: np.ndarray | None, seed: int) -> np.ndarray:
    rng = generator(seed, "calibration")
    if groups is not None:
        codes = np.unique(groups, return_inverse=True)[1]
        return np.asarray((rng.permutation(codes.max() + 1) % _N_PARTS)[codes])
    order = rng.permutation(len(y))
    part = np.empty(len(y), dtype=np.int64)
    part[order[np.argsort(y[order], kind="stable")]] = np.arange(len(y)) % _N_PARTS
    return part


def fit_calibration(
    prediction: np.ndarray,
    y: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> Calibrator:
    """Fit the calibration with the lowest cross-validated log loss; none unless that is lower than without.

    Parameters
    ----------
    prediction : ndarray of shape (n, K)
        Out-of-fold probabilities; rows with NaN are left out.
    y : ndarray of int, shape (n,)
    weight, groups : ndarray of shape (n,), optional
    seed : int

    Returns
    -------
    Calibrator
        "none" for fewer than 60 rows, or five of a class: too few to tell. A method must be better by more than a
        standard error of the paired rows.

    Examples
    --------
    >>> fit_calibration(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1])).method
    'none'
    """
    if prediction.ndim != 2 or len(prediction) != len(y):
        raise DataError(f"Calibration needs probabilities (n, K) for {len(y)} rows; got shape {prediction.shape}.")
    rows = np.flatnonzero(np.isfinite(prediction).all(axis=1))
    rows = _some(rows, prediction, y, seed)
    prediction, y = prediction[rows], y[rows]
    if len(rows) < _LEAST_ROWS or np.sort(np.bincount(y, minlength=2))[-2] < _LEAST_PER_CLASS:
        return Calibrator()
    heavy = np.ones(len(y)) if weight is None else weight[rows] * len(y) / weight[rows].sum()
    binary = prediction.shape[1] == 2
    fits = (fit_temperature, fit_platt, fit_beta) if binary else (fit_temperature, fit_bias)
    part = _parts(y, None if groups is None else groups[rows], seed)
    plain = _row_losses(prediction, y)
    best, best_gain = None, 0.0
    for fit in fits:
        losses = np.empty(len(y))
        for number in np.unique(part):
            test = part == number
            losses[test] = _row_losses(fit(prediction[~test], y[~test], heavy[~test]).apply(prediction[test]), y[test])
        gains = heavy * (plain - losses)
        gain, error = float(gains.mean()), float(gains.std(ddof=1)) / sqrt(len(gains))
        if gain > max(error, best_gain):
            best, best_gain = fit, gain
    return Calibrator() if best is None else best(prediction, y, heavy)


def refit(
    calibrator: Calibrator, prediction: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None
) -> Calibrator:
    """Fit the method of a calibrator to other rows.

    Examples
    --------
    >>> refit(Calibrator(), np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1])).method
    'none'
    """
    if calibrator.method == "none":
        return calibrator
    rows = _some(np.flatnonzero(np.isfinite(prediction).all(axis=1)), prediction, y, seed=0)
    heavy = np.ones(len(rows)) if weight is None else weight[rows] * len(rows) / weight[rows].sum()
    return _FITS[calibrator.method](prediction[rows], y[rows], heavy)


_FITS = {"temperature": fit_temperature, "platt": fit_platt, "beta": fit_beta, "bias": fit_bias}
