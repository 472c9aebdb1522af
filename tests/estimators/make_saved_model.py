"""Makes the saved models that later versions must be able to load; run by hand when the format gains something.

python tests/estimators/make_saved_model.py tests/estimators/data

A folder that is there already is left alone: a model of an earlier version is kept, never made anew.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tamis import AutoClassifier, AutoRegressor
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.trial import Proposal, Trial

N_ROWS = 80
SHOWN = 12


class InOrder:
    """Propose given candidates, all of parts that a core install has."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.waiting = list(candidates)

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        return Proposal(self.waiting.pop(0)) if self.waiting else FINISHED

    def tell(self, trial: Trial) -> None:
        pass


def candidates(linear: str) -> list[Candidate]:
    """Return a linear model and a small tree over numbers and levels."""
    numbers = Candidate.of("columns", {"roles": ["numeric", "ordinal", "boolean"]})
    levels = Candidate.of("columns", {"roles": ["categorical"]})
    filled = Candidate.of("impute", {"strategy": "median"}, numbers)
    scaled = Candidate.of("join", {}, Candidate.of("standardize", {}, filled), Candidate.of("one_hot", {}, levels))
    coded = Candidate.of("join", {}, filled, Candidate.of("target_statistics", {}, levels))
    return [Candidate.of(linear, {}, scaled), Candidate.of("decision_tree", {"max_depth": 3}, coded)]


def table() -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows with a missing cell, a text column, and something to predict."""
    random = np.random.default_rng(20)
    rows = pd.DataFrame(
        {
            "width": random.normal(10.0, 2.0, N_ROWS).round(3),
            "height": random.normal(5.0, 1.0, N_ROWS).round(3),
            "colour": random.choice(["red", "green", "blue"], N_ROWS),
        }
    )
    value = rows["width"] * 0.5 - rows["height"] + 2.0 * (rows["colour"] == "red") + random.normal(0, 0.5, N_ROWS)
    rows.loc[3, "width"] = np.nan
    return rows, value.to_numpy().round(3)


def main(place: Path) -> None:
    """Fit, save, and write down what the models predict."""
    rows, value = table()
    kind = np.array(["low", "middle", "high"])[np.digitize(value, np.quantile(value, [0.33, 0.66]))]
    made = {
        "classifier": (AutoClassifier(search=InOrder(candidates("logistic")), max_trials=2, n_jobs=1), kind),
        "regressor": (AutoRegressor(search=InOrder(candidates("ridge")), max_trials=2, n_jobs=1), value),
    }
    for name, (estimator, target) in made.items():
        if (place / name).exists():
            print(f"{place / name} is there already and stays as it is")
            continue
        shown = rows.head(SHOWN)
        estimator.fit(rows, target, folds=np.arange(N_ROWS) % 2)
        estimator.save(place / name)
        shown.to_csv(place / f"{name}_rows.csv", index=False)
        predictions = pd.DataFrame({"prediction": estimator.predict(shown)})
        if isinstance(estimator, AutoClassifier):
            predictions[estimator.classes_.tolist()] = estimator.predict_proba(shown)
        predictions.to_csv(place / f"{name}_predictions.csv", index=False)
        print(estimator.leaderboard_[["model", "status", "folds", "weight", "reason"]].to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
