"""Runs on images and on a table, written by hand: nothing is trained."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.kinds import Role, TaskKind
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.data.image_form import ImageForm
from tamis.data.schema import Column, Schema
from tamis.evaluate.estimate import ScoreEstimate
from tamis.neural.language.genotypes import BEST_EDGES, known
from tamis.store.artefacts import FolderArtefacts
from tamis.store.container import pack
from tamis.store.folder import RunFolder, RunRecord
from tamis.store.journal import SqliteJournal
from tamis.store.parts import dump_part
from tamis.tasks.targets import TargetCoder
from tamis.tasks.task import Task
from tamis.workflow.mixing import Member, Unit
from tamis.workflow.model import Recipe

TREES = {
    "node": Candidate.of("network", {}, known("ENAS").with_parameters(width=8, repeats=1, stages=2)),
    "edge": Candidate.of("network", {}, Candidate.of("edge_network", {"width": 16, "repeats": 1}, BEST_EDGES)),
    "plain": Candidate.of("network", {"dropout": 0.1}, Candidate.of("plain", {"groups": 2})),
    "failed": Candidate.of("network", {}, Candidate.of("plain", {"groups": 4})),
}
COSTS = {"node": (60_000, 4.0), "edge": (20_000, 1.5), "plain": (90_000, 0.8)}


def trial_of(
    number: int,
    tree: Candidate,
    loss: float | None,
    *,
    fold: int = 0,
    fidelity: float = 1.0,
    origin: str = "local",
    **realised: Any,
) -> Trial:
    """A trial that took two seconds."""
    proposal = Proposal(tree, fold=fold, fidelity=fidelity, origin=origin).numbered(number)
    if loss is None:
        return Trial(proposal, Outcome(Status.FAILED, reason="Its loss became infinite <b>.", seconds=2.0))
    return Trial(proposal, Outcome(Status.DONE, {"loss": loss}, realised=realised, seconds=2.0))


def write_run(
    path: Path, trials: Sequence[Trial], recipe: Recipe, settings: dict[str, Any], plan: dict[str, Any]
) -> Path:
    """Write a run folder: each trial was asked five seconds after the one before it."""
    part = pack(dump_part(1.0), {})
    with RunFolder.create(path, RunRecord(settings=settings, spent_s=61.5, created=1.7e9, version="0")) as folder:
        key = FolderArtefacts(folder.model / "parts").put(part)
        with SqliteJournal(folder.journal) as journal:
            for number, trial in enumerate(trials):
                journal.asked(trial.proposal, BudgetView(elapsed_s=5.0 * number))
                journal.finished(trial)
        members = [
            {**one, "units": [{**unit, "model": key} for unit in one["units"]]} for one in recipe.to_json()["members"]
        ]
        manifest = {**recipe.to_json(), "members": members}
        (folder.model / "manifest.json").write_text(json.dumps(manifest))
        (path / "plan.json").write_text(json.dumps(plan))
    return path


def members_of(*weighted: tuple[Candidate, float]) -> tuple[Member, ...]:
    return tuple(Member(tree.to_json(), weight, (Unit("", ""),)) for tree, weight in weighted)


def recipe_of(kind: str, metric: str, classes: tuple[Any, ...], **given: Any) -> Recipe:
    return Recipe(
        task=Task.of(kind, metric, classes),
        coder=TargetCoder(TaskKind(kind), classes),
        constant=(0.5,),
        constant_loss=0.9,
        estimate=ScoreEstimate(0.9712, 0.9651, 0.9788, 0.9, 4_000, "crossfit"),
        **given,
    )


@pytest.fixture
def network_run(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a run on images, and returns its folder."""

    def write(name: str = "digits <run>", order: Sequence[str] = ("node", "edge"), **settings: Any) -> Path:
        def costs(tree: str) -> dict[str, Any]:
            parameters, latency_ms = COSTS[tree]
            curve = [[epoch, epoch * 0.5, 0.5 + 0.1 * epoch] for epoch in range(1, 5)]
            return {"parameters": parameters, "latency_ms": latency_ms, "epochs": 4.0, "curve": curve}

        batch = Candidate.of("batch", {"work": "proxies"}, *TREES.values())
        trials = [
            trial_of(0, TREES["plain"], 0.20, fidelity=1 / 3, origin="portfolio", **costs("plain")),
            trial_of(1, batch, 0.0001, origin="filter"),
            trial_of(2, TREES["failed"], None),
            trial_of(3, TREES["edge"], 0.06, **costs("edge")),
            trial_of(4, TREES["plain"], 0.08, **costs("plain")),
            trial_of(5, TREES["node"], 0.03, origin="finale", **costs("node")),
        ]
        form = ImageForm(height=28, width=28, channels=1, reason="28 x 28 as they are given")
        weighted = zip(order, (0.75, 0.25), strict=False)
        recipe = recipe_of(
            "multiclass",
            "accuracy",
            ("a", "b", "<c>"),
            images=form,
            members=members_of(*((TREES[key], weight) for key, weight in weighted)),
        )
        plan = {"notes": ["two images could not be read: <img>"], "scheme": {"reason": "60,000 images: 8 % held out"}}
        return write_run(tmp_path / name, trials, recipe, {"time_limit_s": 60.0, "search": "local", **settings}, plan)

    return write


@pytest.fixture
def table_run(tmp_path: Path) -> Path:
    """A run on a table with two folds."""
    ridge, forest = Candidate.of("ridge", {"alpha": 1.0}), Candidate.of("forest")
    trials = [
        trial_of(0, ridge, 3.0),
        trial_of(1, ridge, 5.0, fold=1),
        trial_of(2, forest, 2.0),
        trial_of(3, forest, 2.5, fold=1),
    ]
    schema = Schema(
        (Column("size", Role.NUMERIC, "numbers"), Column("id", Role.IDENTIFIER, "all differ")), target="price"
    )
    recipe = recipe_of("regression", "rmse", (), schema=schema, members=members_of((forest, 1.0)))
    return write_run(tmp_path / "houses", trials, recipe, {"target": "price", "max_trials": 2}, {"notes": []})
