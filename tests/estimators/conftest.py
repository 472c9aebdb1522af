"""Small tables, and the cheapest honest run: one linear model on a few folds, in this process."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis import AutoClassifier, AutoRegressor
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.trial import Proposal, Trial
from tamis.evaluate.scheme import Scheme, SplitKind, choose_scheme

CHEAP: dict[str, Any] = {"search": "portfolio", "max_trials": 1, "n_jobs": 1}


class Proposing:
    """A strategy of a user's own: the named models on filled numbers, then an end."""

    def __init__(self, *models: str) -> None:
        self.models = models
        self.n_asked = 0
        self.heard: list[Trial] = []

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        if self.n_asked == len(self.models):
            return FINISHED
        self.n_asked += 1
        name = self.models[self.n_asked - 1]
        settings = {"max_depth": 3} if name == "decision_tree" else {}
        filled = Candidate.of("impute", {"strategy": "mean"}, Candidate.of("columns", {"roles": ["numeric"]}))
        return Proposal(Candidate.of(name, settings, filled), origin="mine")

    def tell(self, trial: Trial) -> None:
        self.heard.append(trial)


@pytest.fixture(scope="module", autouse=True)
def few_folds() -> Iterator[None]:
    """Three folds, where tiny tables get eight of them twice: what is tested here is not the search."""

    def scheme(*sizes: Any, **counts: Any) -> Scheme:
        found = choose_scheme(*sizes, **counts)
        drawn = found.kind in (SplitKind.FOLDS, SplitKind.GROUPS)
        return replace(found, n_folds=min(3, found.n_folds), n_repeats=1) if drawn else found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tamis.workflow.plan.choose_scheme", scheme)
        yield


@pytest.fixture(scope="session")
def proposing() -> Callable[..., Proposing]:
    return Proposing


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


@pytest.fixture(scope="module")
def fitted(frame: pd.DataFrame, y: np.ndarray) -> AutoClassifier:
    """One classifier for the tests of a file that only look at it; two candidates, labels of text."""
    labels = np.array(["no", "yes"])[y]
    search = Proposing("logistic", "naive_bayes")
    return AutoClassifier(**{**CHEAP, "search": search, "max_trials": 2}).fit(frame, labels)
