"""A data set becomes a plan: the task, the typed columns, the folds and the candidates to begin with."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.candidate import Candidate
from tamis.core.component import Component
from tamis.core.errors import CorruptArtefactError, DataError
from tamis.core.kinds import Role, TaskKind
from tamis.core.trial import Trial
from tamis.data.convert import group_codes
from tamis.data.dataset import ROW_FIELDS, Dataset
from tamis.data.frames import to_pandas
from tamis.data.layout import Layout
from tamis.data.schema import Schema
from tamis.data.table import Table
from tamis.evaluate.scheme import Scheme, SplitKind, choose_scheme, how_validated
from tamis.evaluate.splits import Folds, make_folds
from tamis.pipelines.catalogue import Catalogue, builtin
from tamis.pipelines.recipes import Groups
from tamis.search.slices import candidate_cap
from tamis.store.atomic import atomic_write
from tamis.tasks.metric import Metric
from tamis.tasks.metrics import metric_from
from tamis.tasks.targets import Encoded, TargetCoder, infer_kind
from tamis.tasks.task import Task
from tamis.workflow.columns import Columns, audited, typed
from tamis.workflow.first import first_candidates
from tamis.workflow.image_columns import with_images
from tamis.workflow.model import Recipe
from tamis.workflow.names import nearest_column
from tamis.workflow.objective import COPIES, TableObjective, save_array
from tamis.workflow.origin import Origin
from tamis.workflow.planned import Tell
from tamis.workflow.settings import Settings
from tamis.workflow.similar import warm_candidates
from tamis.workflow.texts import encoders_for

LEAST_CANDIDATES = 10
"""On the smallest tables too: averages of different families are steadier than any choice among few."""

REPRODUCIBLE_S = 30.0
"""Seconds for which the folds of a run without a clock are chosen."""


@dataclass(frozen=True)
class Given:
    """What a caller hands over: rows, the target, and what belongs to each row."""

    rows: Any
    """A DataFrame, an array, a scipy sparse matrix, or whatever `tamis.data.frames.to_pandas` takes."""
    y: Any = None
    """The target where it is no column of the rows."""
    weight: Any = None
    groups: Any = None
    times: Any = None
    folds: Any = None
    """The fold each row is validated in, -1 for rows that are only learned from."""
    test: Any = None
    """Rows that the audit compares with those of the training."""
    layout: Layout | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the search begins; kept in the run folder, so that a resume reads no data."""

    settings: Settings
    task: Task
    coder: TargetCoder
    schema: Schema
    scheme: Scheme
    data: Path
    """The folder of the prepared rows."""
    folds: Path
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...] = ()
    layout: Layout | None = None
    most_candidates: float = inf
    """A table of few rows cannot tell more apart; fixed when the run begins, so that a resume asks the same."""
    components: Sequence[Component] = field(default=(), compare=False)
    origin: Origin | None = None
    backbones: tuple[str, ...] = ()
    """The pretrained encoders that read the texts."""
    image_backbones: tuple[str, ...] = ()
    """The pretrained networks that read the images of a column."""
    warm: tuple[Candidate, ...] = ()
    """The candidates for a warm start: early those that did best on similar tables; none where no known one is."""
    begun_s: float = inf
    """The limit that the run was begun with: a resume with another one must draw from the same grammar."""

    @property
    def objective(self) -> TableObjective:
        """What the workers run."""
        settings = self.settings
        return TableObjective(
            self.data, self.folds, self.task, settings.seed, reproducible=settings.is_reproducible,
            out_of_bag=self.origin is not None and self.origin.out_of_bag, components=tuple(self.components),
            predict_limit_s=inf if settings.predict_limit_s is None else settings.predict_limit_s,
            splits=self.scheme.kind,
        )  # fmt: skip

    @cached_property
    def catalogue(self) -> Catalogue:
        """The components that candidates may be made of."""
        return builtin(self.components)

    @property
    def groups(self) -> Groups:
        """How many columns of each group there are."""
        groups = groups_of(self.rows().table)
        return replace(groups, backbones=self.backbones, image_backbones=self.image_backbones)

    def rows(self) -> Dataset:
        """Map the prepared rows."""
        return Dataset.open(self.data)

    def blank(self, constant: tuple[float, ...], loss: float) -> Recipe:
        """Return the recipe of the model that predicts a constant."""
        return Recipe(
            task=self.task,
            coder=self.coder,
            schema=self.schema,
            constant=constant,
            constant_loss=loss,
            layout=self.layout,
            origin=self.origin,
        )

    def name_of(self, trial: Trial) -> str | None:
        """Return the candidate's key: its folds are one member. A part of the rows makes no model."""
        return trial.proposal.candidate.key if trial.proposal.fidelity >= 1.0 else None

    def eligible(self, trials: Mapping[str, Sequence[Trial]]) -> list[str]:
        """Return all names: whatever was trained may help."""
        return list(trials)

    refits = True

    @property
    def keeps_folds(self) -> bool:
        """Whether the models of the folds are kept beside those on all rows: where rows are few, or the best is wanted.

        Not those of a single holdout, nor in the order of time, where most have seen nothing of the latest rows.
        """
        if self.scheme.kind in (SplitKind.HOLDOUT, SplitKind.TIME) or self.scheme.n_folds == 1:
            return False
        enough = self.settings.folds_below
        return enough is None or self._n_rows < enough

    @cached_property
    def _n_rows(self) -> int:
        return self.origin.n_rows if self.origin is not None else Dataset.open(self.data).n_rows

    def keeps(self, trial: Trial) -> bool:
        """Tell whether a model may keep what a trial has fitted: a later drawing of the folds tells the score alone."""
        if self.scheme.kind is SplitKind.TIME or self.settings.predict_limit_s is not None:
            return trial.proposal.fold == 0
        bags = self.settings.bags
        return bags is None or trial.proposal.fold < bags * self.scheme.n_folds

    def save(self, path: Path) -> None:
        """Write the plan, whole or not at all."""
        record = {
            "settings": self.settings.to_json(),
            "task": self.task.to_json(),
            "target": self.coder.to_json(),
            "schema": self.schema.to_json(),
            "scheme": self.scheme.to_json(),
            "candidates": [one.to_json() for one in self.candidates],
            "notes": list(self.notes),
            "most_candidates": None if self.most_candidates == inf else self.most_candidates,
            "layout": self.layout.to_json() if self.layout else None,
            "origin": self.origin.to_json() if self.origin else None,
            "backbones": list(self.backbones),
            "image_backbones": list(self.image_backbones),
            "warm": [one.to_json() for one in self.warm],
        }
        atomic_write(path, json.dumps(record).encode())

    @classmethod
    def open(cls, path: Path, settings: Settings, metric: Metric | None = None) -> "Plan":
        """Read what `save` wrote; the data lies beside it. The settings are those of now: more time, more trials."""
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CorruptArtefactError(
                f"'{path}' is damaged ({error}). Restore it from a backup, or start the run anew."
            ) from error
        task = Task.from_json(record["task"]) if metric is None else Task.from_json(record["task"], metric=metric)
        return cls(
            settings=settings,
            task=task,
            coder=TargetCoder.from_json(record["target"]),
            schema=Schema.from_json(record["schema"]),
            scheme=Scheme.from_json(record["scheme"]),
            data=path.parent / "data",
            folds=path.parent / "data" / "splits.npy",
            candidates=tuple(Candidate.from_json(one) for one in record["candidates"]),
            notes=tuple(record["notes"]),
            most_candidates=inf if record["most_candidates"] is None else record["most_candidates"],
            layout=Layout.from_json(record["layout"]) if record["layout"] else None,
            origin=Origin.from_json(record["origin"]) if record.get("origin") else None,
            backbones=tuple(record.get("backbones", ())),
            image_backbones=tuple(record.get("image_backbones", ())),
            warm=tuple(Candidate.from_json(one) for one in record.get("warm", ())),
            begun_s=Settings.from_json(record["settings"]).limit_s,
        )


def groups_of(table: Table) -> Groups:
    """Count the columns of each group of a prepared table."""
    roles = dict(zip(table.names, table.roles, strict=True)) | dict.fromkeys(table.texts, Role.TEXT)
    roles |= dict.fromkeys(table.images, Role.IMAGE)
    return Groups.of(roles, sparse=table.is_sparse)


def make_plan(
    folder: Path,
    settings: Settings,
    given: Given,
    *,
    left_s: float,
    tell: Tell,
    metric: str | Callable[..., float] | Metric | None = None,
    components: Sequence[Component] = (),
) -> Plan:
    """Type the columns, find the task, audit, draw the folds and list the first candidates.

    Parameters
    ----------
    folder : Path
        The run folder: the prepared rows go to `data/`, the plan to `plan.json`.
    settings : Settings
    given : Given
    left_s : float
        Seconds left of the run's time; short runs are audited less and validated on fewer folds.
    tell : callable
        Hears one line for everything that a user should know.
    metric : str, callable or Metric, optional
        Where the settings cannot hold it.
    components : sequence of Component
        The user's own.

    Raises
    ------
    DataError
        Where nothing can be learned: no rows, no feature, one class, no target.
    """
    frame, coder, task, y, notes = _target(settings, given, metric)
    columns = typed(frame, settings)
    for line in [*notes, *columns.schema.notes]:
        tell(line)
    columns = audited(frame, columns, settings, y=y, task=task, test=given.test, left_s=left_s, tell=tell)
    catalogue = builtin(components)
    columns, image_backbones = with_images(columns, settings, catalogue, left_s, tell)
    schema = columns.schema
    if not schema.features:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in schema.columns[:10])
        how = "--type COLUMN=numeric, or roles={'COLUMN': 'numeric'} in Python"
        tell(f"warning: no column is left to learn from ({reasons}). Give one a role: {how}")
    dataset, kept = _with_rows_data(frame, columns, y, given)
    scheme = _scheme(dataset, task, settings, left_s)
    copies = None
    if columns.copies is not None and scheme.kind not in (SplitKind.TIME, SplitKind.GIVEN):
        copies = columns.copies[kept] if np.ptp(columns.copies[kept]) else None
        tell("rows that are equal in every feature stay on one side of each split")
    folds = make_folds(
        dataset.y, scheme, classification=task.kind is not TaskKind.REGRESSION,
        groups=dataset.groups, times=dataset.times, given=dataset.folds, duplicates=copies, seed=settings.seed,
    )  # fmt: skip
    asked = scheme
    if folds.n_folds < scheme.n_folds:
        scheme = replace(scheme, n_folds=folds.n_folds)
    dataset.save(folder / "data")
    if copies is not None:
        atomic_write(folder / "data" / COPIES, save_array(copies))
    folds.save(folder / "data" / "splits.npy")
    backbones = encoders_for(dataset, settings, catalogue, left_s, tell)
    groups = replace(groups_of(dataset.table), backbones=backbones, image_backbones=image_backbones)
    n_columns = dataset.table.shape[1]
    candidates = first_candidates(dataset, task, groups, catalogue, settings, tell) if n_columns else []
    plan = Plan(
        settings=settings, task=task, coder=coder, schema=schema, scheme=scheme, data=folder / "data",
        folds=folder / "data" / "splits.npy", candidates=tuple(candidates), notes=tuple(notes), layout=given.layout,
        most_candidates=inf if settings.is_reproducible else max(LEAST_CANDIDATES, candidate_cap(dataset.n_rows)),
        components=tuple(components),
        origin=Origin(settings.seed, asked, dataset.n_rows, copies is not None, _beside(dataset)), backbones=backbones,
        image_backbones=image_backbones,
        warm=tuple(warm_candidates(dataset, task, groups, catalogue, settings, tell)), begun_s=settings.limit_s,
    )  # fmt: skip
    plan.save(folder / "plan.json")
    tell(describe(plan, dataset, groups, folds))
    return plan


def describe(plan: Plan, dataset: Dataset, groups: Groups, folds: Folds) -> str:
    """Say in one line what is learned from what, and how it is validated."""
    counted = {
        "number": groups.numbers,
        "category": groups.levels,
        "date": groups.dates,
        "text": groups.texts,
        "image": groups.images,
    }
    parts = [f"{count:,} {name if count == 1 else name.rstrip('y') + ('ies' if name.endswith('y') else 's')}"
             for name, count in counted.items() if count]  # fmt: skip
    classes = "" if plan.task.kind is TaskKind.REGRESSION else f" of {len(plan.task.classes or ())} classes"
    return (
        f"{plan.task.kind}{classes} from {dataset.n_rows:,} rows: {', '.join(parts) or 'no column'}; "
        f"metric {plan.task.metric.name}; validated by {how_validated(plan.scheme)}"
    )


def _target(settings: Settings, given: Given, metric: Any) -> tuple[Any, TargetCoder, Task, Encoded, list[str]]:
    """Part the target from the rows, leave out rows without one, and find the task."""
    frame: Any = to_pandas(given.rows)
    notes: list[str] = []
    from_table = given.y is None
    raw = frame[nearest_column(settings.target, list(frame.columns))] if from_table else given.y
    kind, reason = (TaskKind(settings.task), "") if settings.task else infer_kind(raw)
    if reason:
        notes.append(f"task: {kind}, {reason} (change it with --task)")
    first_row = given.layout.skipped_rows + given.layout.header + 1 if from_table and given.layout else 0
    coder = TargetCoder.fit(raw, kind, positive=settings.positive, whole=from_table, first_row=first_row)
    notes += coder.notes(raw)
    task = Task(kind, metric_from(metric if metric is not None else settings.metric, kind), coder.classes)
    return frame, coder, task, coder.transform(raw), notes


def _with_rows_data(frame: Any, columns: Columns, y: Encoded, given: Given) -> tuple[Dataset, np.ndarray]:
    """Join the rows with the target, weights, groups, times and folds; return the numbers of those that stay, too.

    Rows without a target are left out, and those of weight 0: they say nothing, and a fold of them has no score.
    """
    schema, table = columns.schema, columns.table

    def along(value: Any, role: Role) -> np.ndarray | None:
        if value is None:
            return schema.special(frame, role) if isinstance(frame, pd.DataFrame) else None
        if role is Role.GROUP:
            return group_codes(pd.Series(np.asarray(value)))
        if role is Role.TIME and np.asarray(value).dtype.kind not in "if":
            return pd.to_datetime(pd.Series(value)).astype("int64").to_numpy(dtype=np.float64)
        return np.asarray(value)

    beside = {
        "weights": along(given.weight, Role.WEIGHT),
        "groups": along(given.groups, Role.GROUP),
        "times": along(given.times, Role.TIME),
        "folds": along(given.folds, Role.FOLD),
    }
    if not y.present.any():
        raise DataError("No row has a value in the target column; there is nothing to learn from.")
    keep = np.flatnonzero(y.present if beside["weights"] is None else y.present & (beside["weights"] > 0))
    values = y.values[keep]
    if not len(keep) or (y.values.dtype.kind == "i" and len(np.unique(values)) < 2):
        raise DataError("The rows with a weight above 0 must hold at least two classes or values of the target.")
    dataset = Dataset(
        table if len(keep) == table.n_rows else table.take(keep),
        values,
        **{name: None if found is None else found[keep] for name, found in beside.items()},
    )
    return dataset, keep


def _beside(dataset: Dataset) -> tuple[str, ...]:
    """Name what is known of each row beside its features."""
    return tuple(name for name in ROW_FIELDS if name != "y" and getattr(dataset, name) is not None)


def _scheme(dataset: Dataset, task: Task, settings: Settings, left_s: float) -> Scheme:
    def distinct(values: np.ndarray | None) -> int | None:
        return None if values is None else len(np.unique(values[values >= 0] if values.dtype.kind == "i" else values))

    counts = None if task.kind is TaskKind.REGRESSION else np.bincount(dataset.y, minlength=task.n_outputs)
    scheme = choose_scheme(
        dataset.n_rows,
        dataset.table.shape[1],
        min(left_s, REPRODUCIBLE_S) if settings.is_reproducible else left_s,
        task.kind,
        class_counts=counts,
        groups=distinct(dataset.groups),
        times=distinct(dataset.times),
        given=distinct(dataset.folds),
    )
    if settings.n_folds is not None and scheme.kind in (SplitKind.FOLDS, SplitKind.HOLDOUT):
        asked = f"{settings.n_folds} folds, as asked"
        scheme = replace(scheme, kind=SplitKind.FOLDS, n_folds=settings.n_folds, reason=asked)
    if scheme.kind in (SplitKind.FOLDS, SplitKind.GROUPS) and not settings.is_reproducible:
        scheme = replace(scheme, n_repeats=max(scheme.n_repeats, settings.repeats))
    return scheme
