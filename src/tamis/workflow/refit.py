"""Makes a smaller model of what a run has found: its best candidates, each fitted once on all rows."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from tamis.core.budget import Budget
from tamis.core.errors import ParameterError, RunFolderError
from tamis.core.trial import Trial
from tamis.pipelines.wrapped import components_of
from tamis.run.limits import memory_allowance_mb
from tamis.store.folder import RunFolder
from tamis.store.journal import open_journal
from tamis.workflow.ensembling import EnsembleKeeper
from tamis.workflow.finish import finish
from tamis.workflow.fit import judged_as_begun, start_workers
from tamis.workflow.kinds import kind_of
from tamis.workflow.leaderboard import board_of, row_of
from tamis.workflow.model import Model
from tamis.workflow.plan import Plan
from tamis.workflow.planned import Tell
from tamis.workflow.settings import Settings


def refit(
    path: Path | str,
    output: Path | str,
    *,
    members: int = 1,
    member: int | str | None = None,
    time_limit_s: float = inf,
    metric: Any = None,
    components: Sequence[Any] = (),
    tell: Tell = lambda line: None,
) -> Model:
    """Fit the best candidates of a run once more, on all rows, and save them as a model of its own.

    A run of few rows, or of the preset `best`, keeps the models of every fold of every member; one model for each
    candidate predicts several times faster and is as much smaller. The run's own model stays as it is.

    Parameters
    ----------
    path : path
        The run folder.
    output : path
        A folder that does not exist yet, for the model: `tamis predict` and `tamis.load` take it as they take a run.
    members : int
        How many candidates at most; with 1 the best alone, with more the ensemble of least loss.
    member : int or str, optional
        A certain candidate alone, such as one of the Pareto front: its number on the leaderboard, or its key.
    time_limit_s : float
        Candidates that would not be fitted within it keep the models of their folds.
    metric : callable or Metric, optional
        The metric of the user's own that the run was begun with.
    components : sequence of Component or estimator
        The user's own that the run was begun with.
    tell : callable
        Hears one line for everything that a user should know.

    Raises
    ------
    ParameterError
        Where the run is one on images, there is something at `output`, or there is no such member.
    RunFolderError
        Where the folder is no run, is in use, or has no candidate that was fitted on every fold.
    """
    output = Path(output)
    if members < 1:
        raise ParameterError(f"The parameter 'members' must be at least 1; got {members}.")
    if member is not None and members != 1:
        raise ParameterError(f"Name a member, or how many the best {members} are; got both.")
    if output.exists():
        raise ParameterError(f"There is already something at '{output}'; name a folder that does not exist yet.")
    folder = RunFolder.open(Path(path))
    try:
        kind = kind_of(folder)
        if kind.name != "table":
            raise ParameterError("Networks for images are not fitted once more: each has learned from all it needs.")
        settings = replace(Settings.from_json(folder.record.settings).with_preset(), members=members, folds_below=0)
        plan: Any = kind.open_plan(folder.path / "plan.json", settings)
        plan = replace(plan, task=judged_as_begun(plan.task, metric), components=components_of(components))
        journal = open_journal(folder.journal)
        try:
            trials = journal.trials()
        finally:
            journal.close()
        wanted = None if member is None else _asked_for(trials, folder.path, member)
        workers = start_workers(kind, settings, folder, memory_allowance_mb(settings.memory_limit_mb))
        try:
            workers.begin(plan.objective)
            budget = Budget(limit_s=time_limit_s)
            keeper = EnsembleKeeper(plan, folder.artefacts, output, budget, workers.slots)
            output.parent.mkdir(parents=True, exist_ok=True)
            keeper.begin(trials)
            if members == 1:
                chosen = wanted or _best(plan, keeper)
                keeper.trials = {chosen: keeper.trials[chosen]}
            return finish(plan, keeper, workers, budget, tell)
        except BaseException:
            shutil.rmtree(output, ignore_errors=True)  # it holds a constant guess, which would be taken for the model
            raise
        finally:
            workers.close()
    finally:
        folder.close()


def _best(plan: Plan, keeper: EnsembleKeeper) -> str:
    """Return the candidate of least loss among those that have predicted every row that any has."""
    covered = {name: int(keeper.out_of_fold.covered(name).sum()) for name in keeper.trials}
    whole = [name for name, count in covered.items() if count == max(covered.values())]
    if not whole:
        raise RunFolderError("No candidate of the run was fitted; give it more time with `tamis resume`.")
    y, weight = keeper.dataset.y, keeper.dataset.weights
    return min(whole, key=lambda name: keeper.out_of_fold.loss(name, plan.task, y, weight))


def _asked_for(trials: Sequence[Trial], path: Path, member: int | str) -> str:
    """Return the key of the candidate that was named, refusing one that was never fitted."""
    row = row_of(board_of(trials, Model.load(path)), member)
    if row.get("fidelity", 1.0) < 1.0:
        raise RunFolderError(
            f"The candidate #{row['rank']}, {row['model']}, was compared on {100 * row['fidelity']:.0f} % of the rows "
            "alone and went no further. Take another one, or give the run more time with `tamis resume`."
        )
    if not row["folds"]:
        why = f": {row['reason']}" if row["reason"] else "."
        raise RunFolderError(
            f"The candidate #{row['rank']}, {row['model']}, could not be fitted{why} Take another one."
        )
    return str(row["key"])
