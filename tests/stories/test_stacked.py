"""Pipelines with stacked predictors and unions, from the search to the saved model."""

from math import inf
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tamis.core.budget import Budget
from tamis.core.candidate import Candidate
from tamis.core.kinds import TaskKind
from tamis.explain.pipeline_pictures import draw_model
from tamis.export.python import script_of
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.recipes import NUMBERS, Groups
from tamis.pipelines.rules import grammar_for
from tamis.search.catalogue import Ingredients
from tamis.search.genetic import GeneticStrategy
from tamis.search.portfolio import PortfolioStrategy
from tamis.workflow.begin import begin
from tamis.workflow.fit import fit
from tamis.workflow.leaderboard import leaderboard
from tamis.workflow.model import Model
from tamis.workflow.plan import Given
from tamis.workflow.refit import refit
from tamis.workflow.settings import Settings


def over(name: str, *inside: Candidate, **parameters: object) -> Candidate:
    return Candidate.of(name, builtin()[name].space.complete(parameters), *inside)


SCALED = over("standardize", over("impute", NUMBERS))
CONDENSED = over("pca", over("standardize", over("impute", NUMBERS)))
NEIGHBOURS = over("predictions", over("nearest_neighbors", SCALED, n_neighbors=1))
BAYES = over("predictions", over("naive_bayes", SCALED))
STACKED = over("logistic", over("join", SCALED, CONDENSED, NEIGHBOURS, BAYES))
BRANCHED = over("lda", over("join", SCALED, CONDENSED))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Half of the breast cancer table, with eight of its columns."""
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame.iloc[::2]
    frame = frame[[*frame.columns[:8], "target"]].copy()
    frame["target"] = np.where(frame["target"] == 1, "benign", "malignant")
    return frame.reset_index(drop=True)


def run(rows: pd.DataFrame, path: Path, strategy: object, count: int) -> Model:
    settings = Settings(target="target", max_trials=count, n_folds=2)
    with begin(path, settings, "memory") as folder:
        return fit(folder, settings, budget=Budget(inf, count), data=Given(rows), strategy=strategy).model


@pytest.fixture(scope="module")
def stacked(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one stacked candidate and of one with two branches."""
    path = tmp_path_factory.mktemp("stacked") / "run"
    run(rows, path, PortfolioStrategy([STACKED, BRANCHED]), 2)
    return path


def test_the_candidates_are_trees_of_the_grammar() -> None:
    grammar = grammar_for(Groups(numbers=8), TaskKind.BINARY, builtin())
    for tree in (STACKED, BRANCHED):
        grammar.check(tree)


def test_a_stacked_pipeline_is_scored_saved_and_loaded(stacked: Path, rows: pd.DataFrame) -> None:
    board = leaderboard(stacked)
    scores = {row["model"]: row["score"] for row in board.rows}
    assert any("predictions" in name and "naive_bayes" in name for name in scores)
    assert len(scores) == 2 and all(0.9 < score <= 1.0 for score in scores.values())
    first, again = Model.load(stacked), Model.load(stacked)
    fresh = rows.drop(columns="target")
    assert np.array_equal(first.predict_proba(fresh), again.predict_proba(fresh))
    assert (first.predict(fresh) == rows["target"]).mean() > 0.9
    svg = draw_model(first)
    assert "predictions" in svg or "logistic" not in svg


@pytest.fixture(scope="module")
def small(stacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The stacked candidate alone, fitted once on all rows."""
    return refit(stacked, tmp_path_factory.mktemp("refit") / "small", member=STACKED.key)


def test_a_stacked_pipeline_is_fitted_once_more_on_all_rows(small: Model, rows: pd.DataFrame) -> None:
    assert [one.key for one in small.recipe.members] == [STACKED.key]
    assert [len(one.units) for one in small.recipe.members] == [1]
    fresh = rows.drop(columns="target")
    loaded = Model(small.recipe, small.parts)
    assert np.array_equal(loaded.predict_proba(fresh), small.predict_proba(fresh))
    part = loaded.part(small.recipe.members[0].units[0].preparation)
    columns = part.transform(loaded.table(fresh))
    assert columns.shape[0] == len(rows) and part.names_[-2:] == [
        "nearest_neighbors prediction",
        "naive_bayes prediction",
    ]
    assert "predictions" in draw_model(small)


def test_a_stacked_pipeline_becomes_a_script(small: Model) -> None:
    assert "OutOfFold(" in script_of(small)


def test_labels_of_pure_noise_are_not_predicted_through_a_neighbour_that_knows_them(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    """With in-sample predictions the model above would trust the neighbour, and be right half of the time or less."""
    noise = rows.assign(target=np.random.default_rng(0).permutation(rows["target"].to_numpy()))
    tree = over("logistic", over("join", SCALED, NEIGHBOURS), C=1.0)
    model = run(noise, tmp_path / "run", PortfolioStrategy([tree]), 1)
    preparation, fitted = (
        model.part(key) for key in vars(model.recipe.members[0].units[0]).values() if isinstance(key, str)
    )
    assert preparation.names_[-1] == "nearest_neighbors prediction"
    weights = np.abs(fitted.estimator.estimator_.coef_).ravel()
    assert weights[-1] < 1.0, "the model above has learned that its neighbour knows the answer"


def test_genetic_programming_breeds_stacks_that_fit_and_predict(rows: pd.DataFrame, tmp_path: Path) -> None:
    def strategy(ingredients: Ingredients) -> GeneticStrategy:
        return GeneticStrategy(ingredients.grammar, 2, first=[STACKED, BRANCHED], population=2)

    model = run(rows, tmp_path / "run", strategy, 6)
    tried = leaderboard(tmp_path / "run")
    assert tried.n_trials == 6
    assert sum(row.get("status", "done") == "failed" for row in tried.rows) <= 1
    assert (model.predict(rows.drop(columns="target")) == rows["target"]).mean() > 0.9
