"""The main way on one page: Dataset -> Plan -> Trials -> Model."""

import os
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any

from tamis.core.budget import Budget
from tamis.core.component import Component
from tamis.core.contracts import Executor, Listener, Strategy
from tamis.core.errors import RunFolderError
from tamis.core.trial import Trial
from tamis.run.inline import InlineExecutor
from tamis.run.limits import cpu_count, memory_allowance_mb, private_memory_mb
from tamis.run.local import LocalExecutor
from tamis.run.loop import search
from tamis.store.folder import RunFolder
from tamis.store.journal import open_journal
from tamis.workflow.ensembling import EnsembleKeeper
from tamis.workflow.finish import finish
from tamis.workflow.model import Model
from tamis.workflow.plan import Given, Plan, Tell, make_plan
from tamis.workflow.settings import Settings
from tamis.workflow.strategies import strategy_for

PRELOAD = (
    "tamis.workflow.objective",
    "sklearn.linear_model",
    "sklearn.preprocessing",
    "sklearn.impute",
    "--",
    "lightgbm",
    "sklearn.ensemble",
    "sklearn.decomposition",
    "sklearn.feature_extraction.text",
    "catboost",
    "xgboost",
    "sklearn.svm",
)
"""What workers import while the data is being read; what comes after the mark, while they have nothing to do."""

INLINE_CELLS = 100_000
INLINE_SECONDS = 5.0
INLINE_TRIALS = 10
"""Small tables with so short a limit, or so few trials, are worked on in this process: starting workers costs more."""

LEAST_SHARE = 0.3
"""Of the memory that workers are left with at least, whatever this process itself holds."""

PARENT_MB = 100.0
"""Memory that this process comes to need on top of what it holds, while it mixes predictions."""

WORKER_MB = 400.0
"""With less memory for each there are fewer workers: the libraries alone take half of it."""

MOST_WORKERS = 16
SHORT_S = 8.0
"""With no more time than this one core is left to this process: it reads while the workers import."""
LOCKSTEP = 8
"""How many trials may be under way in a reproducible run, whatever the number of cores."""

USED_AT_THE_END = "scipy.optimize"
"""Imported while the workers work, for calibration waits for nothing."""

FIRST_RESERVE_S = 0.8
"""Seconds kept for the finish until it has been measured."""


@dataclass(frozen=True)
class FitResult:
    """What a run hands back."""

    model: Model
    reason: str
    """Why the search ended."""
    n_trials: int
    """Candidates tried, over all sittings."""
    seconds: float
    """Seconds this sitting took."""
    folder: Path
    trials: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()


def fit(
    folder: RunFolder,
    settings: Settings,
    *,
    budget: Budget,
    data: Given | None = None,
    metric: Any = None,
    strategy: Strategy | None = None,
    components: Sequence[Component] = (),
    listeners: Sequence[Listener] = (),
    tell: Tell = lambda line: None,
) -> FitResult:
    """Read, plan, search and hand back a model, within the budget.

    Parameters
    ----------
    folder : RunFolder
        Made by `begin`, or opened for a resume.
    settings : Settings
    budget : Budget
        Its clock has been running since the call that is to be timed began.
    data : Given, optional
        Rows that are in memory already; without it they are read from where `run.json` says.
    metric : callable or Metric, optional
        A metric of the user's own.
    strategy : Strategy, optional
        Instead of the one that `settings.search` names.
    components : sequence of Component
        The user's own.
    listeners : sequence of Listener
    tell : callable
        Hears one line for everything a user should know.
    """
    settings = settings.check().with_preset()
    memory_mb = memory_allowance_mb(settings.memory_limit_mb)
    budget.reserve_s = FIRST_RESERVE_S + 0.02 * min(budget.limit_s, 100)
    notes: list[str] = []

    def note(line: str) -> None:
        notes.append(line)
        tell(line)

    workers = None if data is not None and _is_small(settings, data) else start_workers(settings, folder, memory_mb)
    try:
        plan = _plan(folder, settings, data, budget=budget, tell=note, metric=metric, components=components)
        executor: Executor
        if workers is None:
            executor = InlineExecutor(plan.objective, folder.artefacts, memory_mb=memory_mb)
        else:
            workers.allow(_left_for_workers(memory_mb))
            workers.begin(plan.objective)
            executor = workers
        return _search(
            folder, plan, executor, budget=budget, strategy=strategy, listeners=listeners, notes=notes, tell=note
        )
    finally:
        if workers is not None:
            workers.close()
        folder.update(spent_s=budget.elapsed_s)


def _plan(
    folder: RunFolder,
    settings: Settings,
    data: Given | None,
    *,
    budget: Budget,
    tell: Tell,
    metric: Any,
    components: Sequence[Component],
) -> Plan:
    """Take the plan that an earlier sitting kept, or make one from the data."""
    kept = folder.path / "plan.json"
    if kept.is_file() and (folder.path / "data" / "splits.npy").is_file():
        return Plan.open(kept, settings)
    given = data if data is not None else _read(folder, tell)
    return make_plan(
        folder.path, settings, given, left_s=budget.left_s, tell=tell, metric=metric, components=components
    )


def _read(folder: RunFolder, tell: Tell) -> Given:
    from tamis.data.read import read_table

    where = folder.record.data
    if where["path"] == "memory":
        raise RunFolderError(
            f"The run in {folder.path} was begun on data in memory and ended before it was prepared; "
            "start it anew with fit."
        )
    reading = read_table(where["path"], sheet=where.get("sheet"), query=where.get("query"))
    for line in reading.notes:
        tell(line)
    test = read_table(where["test"], layout=reading.layout).frame if where.get("test") else None
    return Given(reading.frame, test=test, layout=reading.layout)


def _search(
    folder: RunFolder,
    plan: Plan,
    executor: Executor,
    *,
    budget: Budget,
    strategy: Strategy | None,
    listeners: Sequence[Listener],
    notes: list[str],
    tell: Tell,
) -> FitResult:
    """Run the trials and turn them into a model."""
    began = time.monotonic()
    threading.Thread(target=import_module, args=(USED_AT_THE_END,), daemon=True).start()
    journal = open_journal(folder.journal)
    try:
        keeper = EnsembleKeeper(plan, folder, budget, executor.slots)
        keeper.begin(journal.trials())
        settings = plan.settings
        reason = search(
            strategy_for(plan, strategy),
            executor,
            journal,
            budget,
            listeners=[keeper, *listeners],
            lockstep=LOCKSTEP if settings.is_reproducible else None,
        )
        model = finish(plan, keeper, executor, budget, tell)
        trials = tuple(journal.trials())
    finally:
        journal.close()
    if not model.recipe.members:
        warnings.warn(_nothing_fitted(trials, budget), RuntimeWarning, stacklevel=3)
    candidates = {trial.proposal.candidate.key for trial in trials}
    seconds = budget.elapsed_s - budget.spent_s if budget.limit_s < inf else time.monotonic() - began
    return FitResult(model, reason, len(candidates), seconds, folder.path, trials, tuple(notes))


def _nothing_fitted(trials: Sequence[Trial], budget: Budget) -> str:
    failed = next((one.outcome.reason for one in trials if not one.done and one.outcome.reason), "")
    why = f" The first trial's reason: {failed}." if failed else ""
    return (
        f"No candidate could be fitted within {budget.elapsed_s:.1f} s; the model predicts the same for every row."
        f"{why} Give more time (--time-limit, time_limit=) or more memory."
    )


def start_workers(settings: Settings, folder: RunFolder, memory_mb: float) -> LocalExecutor:
    """Start the workers: they import what they need while the data is being read."""
    jobs = cpu_count() if settings.jobs == -1 else settings.jobs
    workers_mb = _left_for_workers(memory_mb)
    slots = min(jobs if settings.limit_s > SHORT_S else max(1, jobs - 1), MOST_WORKERS)
    slots = max(1, min(slots, int(workers_mb // WORKER_MB)))
    return LocalExecutor(
        slots, folder=folder.artefacts, memory_mb=workers_mb, threads=max(1, jobs // slots), preload=PRELOAD
    )


def _left_for_workers(memory_mb: float) -> float:
    """Return what workers may use beside this process."""
    return max(LEAST_SHARE * memory_mb, memory_mb - private_memory_mb(os.getpid()) - PARENT_MB)


def _is_small(settings: Settings, given: Given) -> bool:
    shape = getattr(given.rows, "shape", None)
    cells = shape[0] * shape[1] if shape is not None and len(shape) == 2 else inf
    short = settings.limit_s <= INLINE_SECONDS or (settings.max_trials or inf) <= INLINE_TRIALS
    return bool(cells <= INLINE_CELLS and short)


def resume(
    path: Path | str,
    *,
    started: float | None = None,
    more_s: float | None = None,
    max_trials: int | None = None,
    listeners: Sequence[Listener] = (),
    tell: Tell = lambda line: None,
    clock: Callable[[], float] = time.monotonic,
) -> FitResult:
    """Go on with a run that was ended or has ended, with what is left of its time or with more.

    Parameters
    ----------
    path : path
        The run folder.
    started : float, optional
        When the call that is to be timed began, by the clock.
    more_s : float, optional
        Seconds added to what the run was given; without it what is left of its time is used.
    max_trials : int, optional
        The new count of candidates, all sittings together.

    Raises
    ------
    RunFolderError
        Where the folder is no run, is in use, or nothing is left of its time and no more is given.
    """
    from dataclasses import replace

    folder = RunFolder.open(Path(path))
    settings = Settings.from_json(folder.record.settings)
    spent_s = folder.record.spent_s
    limit_s = settings.limit_s
    if more_s is not None:
        limit_s = spent_s + more_s
    if max_trials is not None:
        settings = replace(settings, max_trials=max_trials)
    if limit_s - spent_s < 1.0:
        limit_s = spent_s + 1.0  # a second to put together what is there
    before_s = 0.0 if started is None else clock() - started
    budget = Budget(limit_s=limit_s, max_trials=settings.max_trials or inf, spent_s=spent_s + before_s, clock=clock)
    settings = replace(settings, time_limit_s=None if limit_s == inf else limit_s)
    try:
        return fit(folder, settings, budget=budget, listeners=listeners, tell=tell)
    finally:
        folder.close()
