"""The main way on one page: Dataset -> Plan -> Trials -> Model."""

import copy
import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any, cast

from tamis.core.budget import Budget
from tamis.core.contracts import Executor, Listener, Strategy
from tamis.core.errors import ParameterError, ReplayError, RunFolderError
from tamis.core.trial import Trial
from tamis.pipelines.wrapped import components_of
from tamis.run.inline import InlineExecutor
from tamis.run.limits import memory_allowance_mb, private_memory_mb
from tamis.run.local import LocalExecutor
from tamis.run.loop import REASON_INTERRUPTED, search
from tamis.store.folder import RunFolder
from tamis.store.journal import open_journal
from tamis.tasks.adopted import is_forgotten
from tamis.tasks.task import Task
from tamis.workflow.ensembling import EnsembleKeeper
from tamis.workflow.finish import finish
from tamis.workflow.kinds import Kind, PlanContext, kind_of
from tamis.workflow.leaderboard import by_candidate, told_by
from tamis.workflow.model import Model
from tamis.workflow.planned import Planned, Tell
from tamis.workflow.settings import SEARCHES, Settings

LEAST_SHARE = 0.3
"""Of the memory that workers are left with at least, whatever this process itself holds."""

PARENT_MB = 100.0
"""Memory that this process comes to need on top of what it holds, while it mixes predictions."""

WORKER_MB = 400.0
"""With less memory for each there are fewer workers: the libraries alone take half of it."""

LOCKSTEP = 8
"""How many trials may be under way in a reproducible run, whatever the number of cores."""

USED_AT_THE_END = "scipy.optimize"
"""Imported while the workers work, for calibration waits for nothing."""

FIRST_RESERVE_S = 0.8
"""Seconds kept for the finish until it has been measured."""


RUNNING, FINISHED, STOPPED = "running", "finished", "stopped"
"""What `run.json` says of a run: it goes on (or was killed), has come to its end, or was cut off by an error."""


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
    asked_s: Mapping[int, float] = field(default_factory=dict)
    """By trial, the seconds after the start at which it was asked."""


def fit(
    folder: RunFolder,
    settings: Settings,
    *,
    budget: Budget,
    data: Any = None,
    metric: Any = None,
    strategy: Any = None,
    components: Sequence[Any] = (),
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
    data : Given or GivenImages, optional
        What is in memory already; without it the data is read from where `run.json` says.
    metric : callable or Metric, optional
        A metric of the user's own.
    strategy : Strategy or callable, optional
        Instead of the one that `settings.search` names; or what makes one of the `Ingredients`. To go on with the run,
        `resume` needs it again.
    components : sequence of Component or estimator
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

    if strategy is not None and folder.record.settings.get("own_search") is None:
        settings = replace(settings, own_search=_called(strategy))
        folder.update(settings={**folder.record.settings, "own_search": settings.own_search})
    kind = kind_of(folder)
    workers, state = None, STOPPED
    if data is None or not kind.inline(settings, data):
        workers = start_workers(kind, settings, folder, memory_mb)
    try:
        context = PlanContext(folder, settings, budget.left_s, note, metric, components_of(components))
        plan = _plan(kind, data, context)
        executor: Executor
        if workers is None:
            executor = InlineExecutor(plan.objective, folder.artefacts, memory_mb=memory_mb)
        else:
            workers.allow(_left_for_workers(memory_mb))
            workers.begin(plan.objective)
            executor = workers
        result = _search(
            folder,
            plan,
            executor,
            budget=budget,
            strategy=kind.strategy(plan, strategy),
            listeners=listeners,
            notes=notes,
            tell=note,
        )
        state = FINISHED
        return result
    except ReplayError as error:
        if strategy is None and settings.search in SEARCHES:
            raise
        raise _not_again(settings.search if strategy is None else _called(strategy), error) from error
    finally:
        if workers is not None:
            workers.close()
        folder.update(spent_s=budget.elapsed_s, state=state)


def _plan(kind: Kind, data: Any, context: PlanContext) -> Planned:
    """Take the plan that an earlier sitting kept, or make one from the data."""
    folder = context.folder
    kept = folder.path / "plan.json"
    if kept.is_file() and (folder.path / "data" / "splits.npy").is_file():
        plan: Any = kind.open_plan(kept, context.settings)
        own = {"components": context.components} if context.components else {}
        return cast(Planned, replace(plan, task=judged_as_begun(plan.task, context.metric), **own))
    given = data if data is not None else kind.read(folder, context.tell)
    return kind.plan(given, context)


def judged_as_begun(task: Task, metric: Any) -> Task:
    """Give a task back the metric that no file holds, or say that it is lacking."""
    if metric is not None:
        return task.with_own_metric(metric)
    if is_forgotten(task.metric):
        raise ParameterError(
            f"The run was begun with a metric of your own, {task.metric.name!r}, which no file holds. Go on with it in "
            "Python: tamis.workflow.fit.resume(path, metric=...)."
        )
    return task


def _called(strategy: Any) -> str:
    """Return what a search of the user's own is called."""
    return str(getattr(strategy, "__name__", None) or type(strategy).__name__)


def _not_again(name: str, error: ReplayError) -> ParameterError:
    """Word that a search that is not ours asks something else than it did."""
    return ParameterError(
        f"The run cannot be resumed: the search {name!r} does not do again what it did when the run was begun: "
        f"{error.difference}. It must be the same class, function or fresh object as then (or the same version of "
        "its package), know nothing but what it is told, and draw by tamis.core.seeds (docs/plugins.md)."
    )


def search_as_begun(settings: Settings, strategy: Any) -> Any:
    """Return a fresh copy of the search that a run goes on with, or say that it is lacking.

    Raises
    ------
    ParameterError
        Where the run was begun with a search of the user's own and there is none, or the other way round.
    """
    if strategy is None and settings.own_search is not None:
        raise ParameterError(
            f"The run was begun with a search of your own, {settings.own_search!r}, which no file holds. Go on with it "
            "in Python: tamis.workflow.fit.resume(path, strategy=...)."
        )
    if strategy is not None and settings.own_search is None:
        raise ParameterError(
            f"The run was begun with the search {settings.search!r} and goes on with it alone; leave 'strategy' out, "
            "or start another run."
        )
    return copy.deepcopy(strategy)  # the caller's may serve another resume


def _search(
    folder: RunFolder,
    plan: Planned,
    executor: Executor,
    *,
    budget: Budget,
    strategy: Strategy,
    listeners: Sequence[Listener],
    notes: list[str],
    tell: Tell,
) -> FitResult:
    """Run the trials and turn them into a model."""
    began = time.monotonic()
    threading.Thread(target=import_module, args=(USED_AT_THE_END,), daemon=True).start()
    journal = open_journal(folder.journal)
    try:
        keeper = EnsembleKeeper(plan, folder.artefacts, folder.model, budget, executor.slots)
        keeper.begin(journal.trials())
        settings = plan.settings
        reason = search(
            strategy,
            executor,
            journal,
            budget,
            listeners=[keeper, *listeners],
            lockstep=LOCKSTEP if settings.is_reproducible else None,
        )
        model = finish(plan, keeper, executor, budget, tell, hurried=reason == REASON_INTERRUPTED)
        trials, asked_s = told_by(journal)
    finally:
        journal.close()
    if not model.recipe.members:
        warnings.warn(_nothing_fitted(trials, budget), RuntimeWarning, stacklevel=3)
    candidates = by_candidate(trials)
    seconds = budget.elapsed_s - budget.spent_s if budget.limit_s < inf else time.monotonic() - began
    return FitResult(model, reason, len(candidates), seconds, folder.path, tuple(trials), tuple(notes), asked_s)


def _nothing_fitted(trials: Sequence[Trial], budget: Budget) -> str:
    failed = next((one.outcome.reason for one in trials if not one.done and one.outcome.reason), "")
    why = f" The first trial's reason: {failed}." if failed else ""
    return (
        f"No candidate could be fitted within {budget.elapsed_s:.1f} s; the model predicts the same for every row."
        f"{why} Give more time (--time-limit, time_limit=) or more memory."
    )


def _spent_s(folder: RunFolder) -> float:
    """Return the seconds that all sittings have used; of one that was killed, as many as its journal tells."""
    if folder.record.state != RUNNING or not folder.journal.is_file():
        return folder.record.spent_s
    with open_journal(folder.journal) as journal:
        _, asked_s = told_by(journal)
    return max([folder.record.spent_s, *asked_s.values()])


def start_workers(kind: Kind, settings: Settings, folder: RunFolder, memory_mb: float) -> LocalExecutor:
    """Start the workers: they import what they need while the data is being read."""
    most, threads = kind.workers(settings)
    workers_mb = _left_for_workers(memory_mb)
    slots = max(1, min(most, int(workers_mb // WORKER_MB)))
    return LocalExecutor(
        slots, folder=folder.artefacts, memory_mb=workers_mb, threads=max(1, threads // slots), preload=kind.preload
    )


def _left_for_workers(memory_mb: float) -> float:
    """Return what workers may use beside this process."""
    return max(LEAST_SHARE * memory_mb, memory_mb - private_memory_mb(os.getpid()) - PARENT_MB)


def resume(
    path: Path | str,
    *,
    started: float | None = None,
    more_s: float | None = None,
    max_trials: int | None = None,
    metric: Any = None,
    strategy: Any = None,
    components: Sequence[Any] = (),
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
        Seconds that this sitting may take; without it what is left of the run's time is used. A run that was given a
        count of trials is freed of it, and depends on the machine's speed from here on.
    max_trials : int, optional
        The new count of candidates, all sittings together.
    metric : callable or Metric, optional
        The metric of the user's own that the run was begun with.
    strategy : Strategy or callable, optional
        The search of the user's own that the run was begun with: the same class or function, or a fresh object. It is
        told all that it was told before, and must ask the same again.
    components : sequence of Component or estimator
        The user's own that the run was begun with.

    Raises
    ------
    RunFolderError
        Where the folder is no run, is in use, or nothing is left of its time and no more is given.
    ParameterError
        Where a part of the user's own that the run was begun with is lacking or another one.
    """
    folder = RunFolder.open(Path(path))
    try:
        settings = Settings.from_json(folder.record.settings)
        spent_s = _spent_s(folder)
        limit_s = settings.limit_s
        if more_s is not None:
            limit_s = spent_s + more_s
        if max_trials is not None or more_s is not None:
            settings = replace(settings, max_trials=max_trials)
        if limit_s - spent_s < 1.0:
            if max_trials is not None:
                raise RunFolderError(
                    f"Nothing is left of the run's {limit_s:g} s, so no more candidates can be tried. Give more time "
                    "too (--time-limit, more_s=)."
                )
            limit_s = spent_s + 1.0  # a second to put together what is there
        before_s = 0.0 if started is None else clock() - started
        budget = Budget(limit_s=limit_s, max_trials=settings.max_trials or inf, spent_s=spent_s + before_s, clock=clock)
        settings = replace(settings, time_limit_s=None if limit_s == inf else limit_s)
        strategy = search_as_begun(settings, strategy)
        folder.update(state=RUNNING)
        return fit(
            folder, settings, budget=budget, metric=metric, strategy=strategy, components=components,
            listeners=listeners, tell=tell,
        )  # fmt: skip
    finally:
        folder.close()
