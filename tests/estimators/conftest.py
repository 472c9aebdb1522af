"""Small tables, and the cheapest honest run: one linear model on a few folds, in this process."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis import AutoClassifier, AutoRegressor

CHEAP: dict[str, Any] = {"search": "portfolio", "max_trials": 1, "n_jobs": 1}


@pytest.fixture(scope="session")
def X() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(60, 4))


@pytest.fixture(scope="session")
def y(X: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=len(X))
    return (X[:, 0] - X[:, 1] + 0.4 * noise > 0).astype(int)


@pytest.fixture(scope="session")
def amounts(X: np.ndarray) -> np.ndarray:
    return 3.0 * X[:, 0] + X[:, 2] + np.random.default_rng(2).normal(scale=0.1, size=len(X))


@pytest.fixture(scope="session")
def frame(X: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(X, columns=["width", "height", "depth", "mass"])


@pytest.fixture
def classifier() -> Callable[..., AutoClassifier]:
    return lambda **options: AutoClassifier(**{**CHEAP, **options})


@pytest.fixture
def regressor() -> Callable[..., AutoRegressor]:
    return lambda **options: AutoRegressor(**{**CHEAP, **options})


@pytest.fixture(scope="session")
def fitted(frame: pd.DataFrame, y: np.ndarray) -> AutoClassifier:
    """One classifier for the tests that only look at it; two candidates, labels of text."""
    labels = np.array(["no", "yes"])[y]
    return AutoClassifier(**{**CHEAP, "search": "auto", "max_trials": 2}).fit(frame, labels)
