"""Searches that compare candidates on a part of the rows: what becomes of such trials, to the leaderboard."""

from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_replay
from tamis.core.budget import Budget
from tamis.core.errors import RunFolderError
from tamis.core.trial import Outcome, Status
from tamis.run.attempt import WorkContext
from tamis.search.halving import SuccessiveHalving
from tamis.search.portfolio import PortfolioStrategy
from tamis.workflow.begin import begin
from tamis.workflow.fit import fit
from tamis.workflow.leaderboard import leaderboard
from tamis.workflow.plan import Given
from tamis.workflow.refit import refit
from tamis.workflow.settings import Settings
from tamis.workflow.strategies import strategy_for

QUICK = ("logistic", "naive_bayes", "lda", "nearest_neighbors", "decision_tree")


@pytest.fixture(scope="session")
def many() -> pd.DataFrame:
    """3,400 rows: two folds have 1,700 to learn from, a third of which tells candidates apart."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(3_400, 3)), columns=["a", "b", "c"])
    noise = rng.normal(scale=0.3, size=len(frame))
    return frame.assign(bought=np.where(frame["a"] * frame["b"] + noise > 0, "yes", "no"))


def halved(ingredients: Any) -> SuccessiveHalving:
    """Try quick models alone."""
    chosen = {one.component: one for one in ingredients.portfolio if one.component in QUICK}
    return SuccessiveHalving(PortfolioStrategy(list(chosen.values())), rungs=ingredients.rungs, n_sure=1)


@pytest.fixture(scope="session")
def searched(many: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The result of a run, worked on in this process."""
    settings = Settings(target="bought", max_trials=5, n_folds=2)
    with begin(tmp_path_factory.mktemp("halved") / "run", settings, "memory") as folder:
        result = fit(folder, settings, budget=Budget(inf, 5), data=Given(many), strategy=halved)
    return result


def learned(proposal: Any) -> Outcome:
    """Say that every candidate is the better the more nodes it has, and takes its share of a second."""
    loss = 1 / (1 + sum(1 for _ in proposal.candidate.walk())) + 0.1 * (1 - proposal.fidelity)
    return Outcome(Status.DONE, {"loss": loss}, seconds=0.2 + proposal.fidelity)


@pytest.mark.parametrize("search", ["halving", "hyperband"])
def test_candidates_are_narrowed_by_rows_and_then_by_folds(planned: Any, many: pd.DataFrame, search: str) -> None:
    plan = planned(many, search=search, time_limit_s=40.0, n_folds=2)
    trials = simulate(strategy_for(plan), learned, limit_s=40.0, slots=2)
    asked = [one.proposal for one in sorted(trials, key=lambda one: one.proposal.id)]
    assert {round(one.fidelity, 3) for one in asked} == {0.333, 1.0}
    assert {one.fold for one in asked if one.fidelity < 1} == {0}
    assert {one.fold for one in asked if one.fidelity == 1} >= {0, 1}
    few, all_rows = ({one.candidate.key for one in asked if (one.fidelity < 1) == less} for less in (True, False))
    assert len(few) > len(few & all_rows) > 1
    # The first sees all rows on all its folds before much else is tried.
    first = [one for one in asked[:9] if one.candidate == asked[0].candidate]
    assert [(round(one.fidelity, 3), one.fold) for one in first[:3]] == [(0.333, 0), (1.0, 0), (1.0, 1)]
    assert sum(one.outcome.seconds for one in trials) > 70  # both workers, to the end


@pytest.mark.parametrize("search", ["halving", "hyperband"])
def test_on_few_rows_all_of_them_are_used(planned: Any, search: str) -> None:
    plan = planned(search=search, time_limit_s=20.0, n_folds=2)
    trials = simulate(strategy_for(plan), learned, limit_s=20.0, slots=2)
    assert {one.proposal.fidelity for one in trials} == {1.0} and len(trials) > 10


def test_a_part_of_the_rows_is_learned_from_and_the_whole_fold_is_scored(
    planned: Any, many: pd.DataFrame, tmp_path: Path
) -> None:
    plan = planned(many, n_folds=2)
    asked = strategy_for(plan, halved).ask(Budget(60.0).view()).numbered(0)
    outcome = plan.objective(asked, WorkContext(0, tmp_path / "artefacts", memory_mb=500))
    assert outcome.n_rows == round(1_700 / 3) and 0 < outcome.loss < 1
    assert outcome.artefacts == {} and plan.name_of(type("Told", (), {"proposal": asked})) is None


def test_what_saw_a_part_of_the_rows_stands_below_and_is_no_member(searched: Any) -> None:
    rows = leaderboard(searched.folder).rows
    partial = [row["fidelity"] < 1 for row in rows]
    assert 0 < sum(partial) < len(rows) == 5
    assert partial == sorted(partial)
    below = [row for row in rows if row["fidelity"] < 1]
    assert all(row["score"] is not None and not row["folds"] and not row["weight"] for row in below)
    assert {one.key for one in searched.model.recipe.members} <= {row["key"] for row in rows if row["fidelity"] == 1}


def test_a_candidate_that_went_no_further_is_not_refitted(searched: Any, tmp_path: Path) -> None:
    last = leaderboard(searched.folder).rows[-1]
    with pytest.raises(RunFolderError, match="33 % of the rows alone"):
        refit(searched.folder, tmp_path / "model", member=last["rank"])


@pytest.mark.parametrize("search", ["halving", "hyperband"])
def test_stopped_anywhere_and_replayed_it_asks_the_same(planned: Any, many: pd.DataFrame, search: str) -> None:
    plan = planned(many, search=search, time_limit_s=60.0, n_folds=2)
    check_replay(lambda: strategy_for(plan), learned, limit_s=60.0, slots=2, n_asks=24)
