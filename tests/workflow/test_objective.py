"""Units of work on a table: what a preparation is told of the rows it is fitted on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.core.candidate import Candidate
from tamis.core.errors import TrialError
from tamis.core.trial import Proposal
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.recipes import NUMBERS
from tamis.workflow.objective import COPIES, _Work


@dataclass
class Here:
    """The context of a worker, in this process."""

    folder: Path
    memory_mb: float = inf
    threads: int = 1
    shared: dict[str, Any] = field(default_factory=dict)

    def left_s(self) -> float:
        return inf


def over(name: str, *inside: Candidate, **parameters: Any) -> Candidate:
    return Candidate.of(name, builtin()[name].space.complete(parameters), *inside)


SCALED = over("standardize", over("impute", NUMBERS))
TREE = over("logistic", over("join", SCALED, over("predictions", over("nearest_neighbors", SCALED, n_neighbors=1))))


@pytest.fixture
def visits() -> pd.DataFrame:
    """Five visits of each of 40 people, at five times: alike in all they show, and in what chance made their class."""
    rng = np.random.default_rng(5)
    who = np.repeat(np.arange(40), 5)
    frame = pd.DataFrame(rng.normal(size=(40, 3))[who] + 0.01 * rng.normal(size=(200, 3)), columns=list("abc"))
    return frame.assign(who=[f"p{one}" for one in who], when=who, kept=who % 8, bought=rng.integers(0, 2, 40)[who])


@pytest.mark.parametrize("known", ["who", "when", "kept", "copies", "nothing"])
def test_a_stacked_predictor_knows_no_more_of_a_row_than_the_splits_of_the_run_allow(
    known: str, visits: pd.DataFrame, planned: Callable[..., Any], tmp_path: Path
) -> None:
    roles = {"who": "group", "when": "time", "kept": "fold"}
    if known == "copies":
        visits[["a", "b", "c"]] = visits.loc[visits.index // 5 * 5, ["a", "b", "c"]].to_numpy()
    frame = visits.drop(columns=[one for one in roles if one != known])
    told: list[str] = []
    plan = planned(
        frame, told, roles={known: roles[known]} if known in roles else {}, copies_together=known == "copies"
    )
    assert (plan.data / COPIES).is_file() == (known == "copies"), told
    work = _Work(plan.objective, Proposal(TREE, fold=1), Here(tmp_path))
    prepared = work.prepared()
    right = ((prepared.train[:, -1] < 0.5) == work.y[work.train]).mean()
    assert right > 0.9 if known == "nothing" else right < 0.7


def test_a_share_of_anything_but_the_rows_is_refused(planned: Callable[..., Any], tmp_path: Path) -> None:
    proposal = Proposal(over("ridge", SCALED), fidelity=0.5, memo={"resource": "rounds"})
    with pytest.raises(TrialError, match=r"share of the rows alone.*the rounds.*resource='rows'"):
        _Work(planned().objective, proposal, Here(tmp_path))


@pytest.mark.parametrize("known", ["who", "when", "copies", "nothing"])
def test_a_training_is_not_watched_on_rows_that_belong_to_those_it_learns_from(
    known: str, visits: pd.DataFrame, planned: Callable[..., Any], tmp_path: Path
) -> None:
    if known == "copies":
        visits[["a", "b", "c"]] = visits.loc[visits.index // 5 * 5, ["a", "b", "c"]].to_numpy()
    roles = {"who": "group", "when": "time"}
    frame = visits[["a", "b", "c", "bought", *({known} & set(roles))]]
    given = {known: roles[known]} if known in roles else {}
    plan = planned(frame, [], roles=given, copies_together=known == "copies")
    work = _Work(plan.objective, Proposal(over("lightgbm", NUMBERS), fold=1), Here(tmp_path))
    clusters = work.build_context(work.prepared(), work.catalogue["lightgbm"]).clusters
    if known == "nothing":
        assert clusters is None
    else:
        who = work.train // 5  # the rows of one person follow each other
        assert all(len(set(clusters[who == one])) == 1 for one in np.unique(who))
        assert len(set(clusters)) >= 8


@pytest.mark.parametrize(("below", "whole"), [(SCALED, True), (over("univariate", SCALED, percentile=5.0), False)])
def test_trees_are_scored_out_of_bag_only_where_the_preparation_has_not_seen_every_target(
    below: Candidate, whole: bool, planned: Callable[..., Any], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 60)), columns=[f"noise {number}" for number in range(60)])
    frame["y"] = rng.permutation(np.arange(80) % 2)
    plan = planned(frame, [], target="y", max_trials=1)
    work = _Work(plan.objective, Proposal(over("random_forest", below), fold=0), Here(tmp_path))
    assert work.answers_for_all == whole and (len(work.train) == 80) == whole


def test_trees_are_not_scored_out_of_bag_where_rows_belong_together(planned: Callable[..., Any]) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=list("abc")).assign(y=np.arange(40) % 2)
    assert planned(frame, [], target="y").objective.out_of_bag
    twice = pd.concat([frame, frame], ignore_index=True)
    assert planned(twice, [], target="y").objective.out_of_bag
    assert not planned(twice, [], target="y", copies_together=True).objective.out_of_bag
