"""Loads the fitted estimator of a run folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tamis.core.kinds import Role, TaskKind
from tamis.core.trial import Trial
from tamis.estimators.base import AutoEstimator
from tamis.estimators.image import ImageClassifier, ImageEstimator, ImageRegressor
from tamis.estimators.tabular import AutoClassifier, AutoRegressor
from tamis.estimators.text import TextClassifier, TextRegressor
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.wrapped import components_of
from tamis.store.folder import RunFolder
from tamis.store.journal import SqliteJournal
from tamis.tasks.adopted import is_forgotten
from tamis.workflow.leaderboard import told_by
from tamis.workflow.model import Model
from tamis.workflow.settings import Settings


def load(path: Path | str, components: Sequence[Any] = (), *, metric: Any = None) -> AutoEstimator | ImageEstimator:
    """Load what a run has found, as a fitted estimator.

    Parameters
    ----------
    path : path
        A run folder, or the `model` folder of one by itself.
    components : sequence of Component or estimator
        The user's own, where the model holds any. Only these and the built-in parts can be loaded; no code of the file
        is run.
    metric : callable or Metric, optional
        The metric of the user's own that the run was begun with. Without it the run's scores are told under its name,
        and nothing new can be scored by it.

    Returns
    -------
    AutoClassifier, AutoRegressor, TextClassifier, TextRegressor, ImageClassifier or ImageRegressor

    Raises
    ------
    RunFolderError
        Where there is no model, or a newer version of Tamis wrote it.
    CorruptArtefactError
        Where a file is not what was stored.
    ParameterError
        Where `metric` is another one than the run's.
    """
    components = components_of(components)
    model = Model.load(path, catalogue=builtin(components) if components else None)
    if metric is not None:
        recipe = replace(model.recipe, task=model.task.with_own_metric(metric))
        model = Model(recipe, model.parts, model.catalogue)
    if model.recipe.images is not None:
        return _images(model, Path(path), metric)
    folder = Path(path)
    if not (folder / "run.json").is_file():
        kind = _class_for(model, texts=all(one.role is Role.TEXT for one in model.schema.features))
        return kind(metric=metric or _name(model))._take(model, (), components)
    settings, trials, asked_s = _history(folder)
    estimator = _class_for(model, settings.texts)(
        time_limit=settings.time_limit_s,
        metric=metric or settings.metric,
        search=settings.search,
        preset=settings.preset,
        n_jobs=settings.jobs,
        max_trials=settings.max_trials,
        predict_time_limit=settings.predict_limit_s,
        include=settings.include,
        exclude=settings.exclude,
        backbone=settings.backbone,
        random_state=settings.seed,
        output=str(folder),
    )
    estimator._asked_s = asked_s
    return estimator._take(model, trials, components)


def _name(model: Model) -> str | None:
    """Return the name of the metric, where it is one that can be called by its name."""
    return None if is_forgotten(model.task.metric) else model.task.metric.name


def _class_for(model: Model, texts: bool) -> type[AutoEstimator]:
    """Return the class of the estimator for tables, or for texts."""
    if model.task.kind is TaskKind.REGRESSION:
        return TextRegressor if texts else AutoRegressor
    return TextClassifier if texts else AutoClassifier


def _images(model: Model, folder: Path, metric: Any) -> ImageEstimator:
    """Return the fitted estimator for images."""
    kind = ImageRegressor if model.task.kind is TaskKind.REGRESSION else ImageClassifier
    if not (folder / "run.json").is_file():
        return kind(metric=metric or _name(model))._take(model, ())
    settings, trials, asked_s = _history(folder)
    estimator = kind(
        time_limit=settings.time_limit_s,
        metric=metric or settings.metric,
        search=settings.search,
        space=settings.space,
        backbone=settings.backbone,
        max_latency_ms=settings.max_latency_ms,
        max_parameters=settings.max_parameters,
        n_jobs=settings.jobs,
        random_state=settings.seed,
        path=str(folder),
    )
    estimator._asked_s = asked_s
    return estimator._take(model, trials)


def _history(folder: Path) -> tuple[Settings, tuple[Trial, ...], dict[int, float]]:
    """Return what was asked of a run, what it tried, and when."""
    run = RunFolder.open(folder, lock=False)
    journal = SqliteJournal(run.journal, readonly=True)
    try:
        trials, asked_s = told_by(journal)
        return Settings.from_json(run.record.settings), tuple(trials), asked_s
    finally:
        journal.close()
