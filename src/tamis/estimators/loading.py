"""Loads the fitted estimator of a run folder."""

from collections.abc import Sequence
from pathlib import Path

from tamis.core.component import Component
from tamis.core.kinds import TaskKind
from tamis.estimators.base import AutoEstimator
from tamis.estimators.tabular import AutoClassifier, AutoRegressor
from tamis.pipelines.catalogue import builtin
from tamis.store.folder import RunFolder
from tamis.store.journal import SqliteJournal
from tamis.workflow.model import Model
from tamis.workflow.settings import Settings


def load(path: Path | str, components: Sequence[Component] = ()) -> AutoEstimator:
    """Load what a run has found, as a fitted estimator.

    Parameters
    ----------
    path : path
        A run folder, or the `model` folder of one by itself.
    components : sequence of Component
        The user's own, where the model holds any. Only these and the built-in parts can be loaded; no code of the file
        is run.

    Returns
    -------
    AutoClassifier or AutoRegressor

    Raises
    ------
    RunFolderError
        Where there is no model, or a newer version of Tamis wrote it.
    CorruptArtefactError
        Where a file is not what was stored.
    """
    model = Model.load(path, catalogue=builtin(components) if components else None)
    kind = AutoRegressor if model.task.kind is TaskKind.REGRESSION else AutoClassifier
    folder = Path(path)
    if not (folder / "run.json").is_file():
        return kind(metric=model.task.metric.name)._take(model, (), components)
    run = RunFolder.open(folder, lock=False)
    settings = Settings.from_json(run.record.settings)
    journal = SqliteJournal(run.journal, readonly=True)
    try:
        trials = tuple(journal.trials())
    finally:
        journal.close()
    estimator = kind(
        time_limit=settings.time_limit_s,
        metric=settings.metric,
        search=settings.search,
        preset=settings.preset,
        n_jobs=settings.jobs,
        max_trials=settings.max_trials,
        random_state=settings.seed,
        output=str(folder),
    )
    return estimator._take(model, trials, components)
