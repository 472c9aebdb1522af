"""Kernel methods: calibration, the Gaussian process's hyperparameters."""

import numpy as np

from tamis.algorithms.kernels import Calibration, Process
from tamis.core.kinds import TaskKind


def test_calibration_finds_the_odds_behind_scores():
    rng = np.random.default_rng(0)
    margin = rng.normal(size=4_000)
    y = (rng.random(4_000) < 1 / (1 + np.exp(-3 * margin - 1))).astype(int)
    scores = np.column_stack([-margin, margin])
    proba = Calibration().fit(scores, y).transform(np.array([[0.0, 0.0], [-0.5, 0.5]]))[:, 1]
    assert np.allclose(proba, 1 / (1 + np.exp(-np.array([1.0, 2.5]))), atol=0.05)


def test_calibrated_probabilities_of_noise_are_the_shares(named, fresh):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = (rng.random(300) < 0.2).astype(int)
    proba = fresh(named("svm"), TaskKind.BINARY, X).fit(X, y).predict_proba(rng.normal(size=(200, 3)))[:, 1]
    assert abs(proba.mean() - 0.2) < 0.1 and proba.std() < 0.15


def test_a_process_tells_noise_from_signal():
    rng = np.random.default_rng(0)
    X = np.sort(rng.uniform(-3, 3, 80))[:, None]
    noise = [Process().fit(X, np.sin(2 * X[:, 0]) + s * rng.normal(size=80)).noise_ for s in (0.01, 0.7)]
    assert noise[0] < 0.01 < 0.1 < noise[1]


def test_a_length_for_each_column_finds_the_one_that_matters():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4))
    lengths = Process(ard=True).fit(X, np.sin(2 * X[:, 2])).lengths_
    assert lengths.argmin() == 2 and lengths[2] < 0.5 * np.delete(lengths, 2).min()


def test_a_process_caps_its_rows(named, fresh):
    assert fresh(named("gaussian_process"), TaskKind.REGRESSION, np.zeros((50_000, 3))).max_rows == 1_500
