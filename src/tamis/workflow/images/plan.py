"""Images become a plan: the task, the form that networks take, what is held out, and how long a trial may take."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.candidate import BATCH, Candidate
from tamis.core.errors import CorruptArtefactError, DataError
from tamis.core.kinds import TaskKind
from tamis.core.seeds import generator
from tamis.core.trial import Trial
from tamis.data.image_form import ImageForm
from tamis.data.image_set import ImageSet
from tamis.data.image_sources import read_images
from tamis.data.images.choice import PIXELS_PER_S, Look, affordable, choose_form, look
from tamis.data.images.mirrors import mirrors_keep_the_meaning
from tamis.data.images.reading import ImageReading
from tamis.evaluate.scheme import Scheme
from tamis.evaluate.splits import Folds, make_folds
from tamis.neural.language.shapes import ImageShape
from tamis.pipelines.catalogue import Catalogue, builtin
from tamis.run.limits import cpu_count, gpu_count
from tamis.store.atomic import atomic_write
from tamis.tasks.metrics import metric_from
from tamis.tasks.targets import Encoded, TargetCoder, infer_kind
from tamis.tasks.task import Task
from tamis.workflow.images.aside import groups_of, weights_of
from tamis.workflow.images.backbones import FOLDER as BACKBONES
from tamis.workflow.images.backbones import Backbones, asked_for, with_own
from tamis.workflow.images.brief import Brief
from tamis.workflow.images.holding import MOST_CROSSED, scheme_for
from tamis.workflow.images.ladder import is_frozen
from tamis.workflow.images.objective import ImageObjective
from tamis.workflow.model import Recipe
from tamis.workflow.planned import Tell
from tamis.workflow.settings import Settings

START = "start.tamis"
"""Beside the plan: the packed network that trainings begin with, where there is one."""

CROSS, CROSS_FOLDS = "cross.npy", 5
"""The folds that heads on frozen features are judged by, where images are few."""

GPU_FACTOR = 50
"""About so many times as many images does a graphics card learn from in a second as two cores do."""

DISK_SHARE = 0.5
"""What decoded images may take of the disk's free space."""

FEW_OF_A_CLASS = 20
"""So many images of a class are learned from even where there is no time to decode all."""

FOLDERS = "folder"
"""What a reading names as the source of labels that are the names of folders."""

UNIT_SHARE, UNIT_S = 0.05, (2.0, 120.0)
"""What a trial of the search at full fidelity takes of the time, and its bounds in seconds."""

CELLS, CELL_SPACES = "edge", ("edge", "nasnet", "enas", "amoeba", "darts")
"""Edge cells are made of dense convolutions, which CPUs are fast at."""

UNIT_IMAGES, UNIT_EPOCHS = 20_000, (4.0, 40.0)
"""The same where the result may not depend on the machine's speed: images shown, and bounds in epochs."""


UNASKED_SHARE, ASKED_SHARE = 0.15, 0.6
"""Of the time left, for the features of a pretrained network: where nobody has named it, it may help where images are
few, and must not take their time from the searched networks where there are more."""


@dataclass(frozen=True)
class GivenImages:
    """What a caller hands over."""

    source: Any
    """A path, an array, or whatever `tamis.data.image_sources.read_images` takes."""
    y: Any = None
    """The labels where the source does not hold them."""
    weight: Any = None
    groups: Any = None
    start: bytes | None = None
    """A packed network that trainings of the same tree begin with."""
    only: Candidate | None = None
    """The network that is trained, where nothing is to be searched."""
    image: str | None = None
    """The column of pictures or of paths, of a table that has several."""
    classes: bool = False
    """Whether the labels are classes, whatever they look like."""


@dataclass(frozen=True)
class ImagePlan:
    """Everything that is decided before the search begins; kept in the run folder, so that a resume decodes nothing."""

    settings: Settings
    task: Task
    coder: TargetCoder
    form: ImageForm
    scheme: Scheme
    data: Path
    """The folder of the decoded images."""
    folds: Path
    unit_s: float
    """Seconds that a trial of the search takes at full fidelity; infinite where epochs are counted instead."""
    n_images: int
    flip: bool = False
    """Whether mirrored images still show what they showed."""
    notes: tuple[str, ...] = ()
    start: bytes | None = None
    only: Candidate | None = None
    column: str | None = None
    """Where the labels came from, in a table or a file of arrays."""
    backbones: tuple[str, ...] = ()
    """The pretrained networks that are put to work."""
    crossed: bool = False
    """Whether every image is held out once for heads on frozen features."""
    cores: int = 1
    """That the run was begun with: on another machine a resume must ask what it asked then."""

    @property
    def objective(self) -> ImageObjective:
        """What the workers run."""
        return ImageObjective(self.brief)

    @property
    def brief(self) -> Brief:
        """What every trial is told."""
        epochs = min(max(UNIT_IMAGES / self.n_images, UNIT_EPOCHS[0]), UNIT_EPOCHS[1])
        return Brief(
            self.data, self.folds, self.task, seed=self.settings.seed, unit_s=self.unit_s, unit_epochs=epochs,
            space=self.space, max_latency_ms=self.settings.max_latency_ms, max_parameters=self.settings.max_parameters,
            start=self.start, backbones=self.pretrained.files, cross=self.data / CROSS if self.crossed else None,
            cores=self.cores, features_share=UNASKED_SHARE if self.settings.pretrained is None else ASKED_SHARE,
        )  # fmt: skip

    @property
    def pretrained(self) -> Backbones:
        """The pretrained networks, in the run folder."""
        return Backbones(self.data / BACKBONES, self.backbones)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The components that members may be."""
        return builtin()

    @property
    def refits(self) -> bool:
        """No: it would halve the last training's time; of few images the last ones hold out different parts instead."""
        return False

    keeps_folds = True

    def keeps(self, trial: Trial) -> bool:
        """Yes: every network is worth keeping."""
        return True

    @cached_property
    def n_folds(self) -> int:
        """How many parts of the images may be held out in turn: 1 where there are plenty."""
        return Folds.open(self.folds).n_folds

    @property
    def space(self) -> str:
        """The family of networks that is searched; sharing weights needs one of cells."""
        asked = self.settings.space
        return CELLS if self.settings.search == "enas" and asked not in CELL_SPACES else asked

    @property
    def shape(self) -> ImageShape:
        """The images as networks see them."""
        return ImageShape(self.form.channels, self.form.height, self.form.width)

    def rows(self) -> ImageSet:
        """Map the decoded images."""
        return ImageSet.open(self.data)

    def blank(self, constant: tuple[float, ...], loss: float) -> Recipe:
        """Return the recipe of the model that predicts a constant."""
        return Recipe(
            task=self.task,
            coder=self.coder,
            images=self.form,
            image_target=self.column,
            constant=constant,
            constant_loss=loss,
        )

    def name_of(self, trial: Trial) -> str | None:
        """Return a name for each training, one for those that hold out different parts: others are several members."""
        proposal = trial.proposal
        if proposal.candidate.component == BATCH:
            return None
        repeat = proposal.memo.get("repeat")
        return f"{proposal.candidate.key}/{proposal.id if repeat is None else f'folds {repeat}'}"

    def eligible(self, trials: Mapping[str, Sequence[Trial]]) -> list[str]:
        """Return the last trainings, heads, and whatever is better than each: short trainings add little."""
        losses = {name: fmean(one.loss for one in told) for name, told in trials.items()}
        last = [
            name for name, told in trials.items()
            if any(one.proposal.memo.get("final") or is_frozen(one.proposal.candidate) for one in told)
        ]  # fmt: skip
        best = min((losses[name] for name in last), default=inf)
        return [name for name in trials if name in last or losses[name] < best]

    def save(self, path: Path) -> None:
        """Write the plan, whole or not at all."""
        if self.start is not None:
            atomic_write(path.parent / START, self.start)
        record = {
            "kind": "images",
            "settings": self.settings.to_json(),
            "task": self.task.to_json(),
            "target": self.coder.to_json(),
            "form": self.form.to_json(),
            "scheme": self.scheme.to_json(),
            "unit_s": None if self.unit_s == inf else self.unit_s,
            "n_images": self.n_images,
            "flip": self.flip,
            "notes": list(self.notes),
            "only": self.only.to_json() if self.only else None,
            "column": self.column,
            "backbones": list(self.backbones),
            "crossed": self.crossed,
            "cores": self.cores,
        }
        atomic_write(path, json.dumps(record).encode())

    @classmethod
    def open(cls, path: Path, settings: Settings) -> "ImagePlan":
        """Read what `save` wrote; the settings are those of now: more time, more trials."""
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CorruptArtefactError(
                f"'{path}' is damaged ({error}). Restore it from a backup, or start the run anew."
            ) from error
        start = path.parent / START
        return cls(
            settings=settings,
            task=Task.from_json(record["task"]),
            coder=TargetCoder.from_json(record["target"]),
            form=ImageForm.from_json(record["form"]),
            scheme=Scheme.from_json(record["scheme"]),
            data=path.parent / "data",
            folds=path.parent / "data" / "splits.npy",
            unit_s=inf if record["unit_s"] is None else record["unit_s"],
            n_images=record["n_images"],
            flip=record["flip"],
            notes=tuple(record["notes"]),
            start=start.read_bytes() if start.exists() else None,
            only=Candidate.from_json(record["only"]) if record.get("only") else None,
            column=record.get("column"),
            backbones=tuple(record.get("backbones", ())),
            crossed=record.get("crossed", False),
            cores=record.get("cores") or cores_of(settings),
        )


def cores_of(settings: Settings) -> int:
    """Return how many cores a run on this machine uses."""
    return cpu_count() if settings.jobs == -1 else settings.jobs


def make_image_plan(
    given: GivenImages, folder: Path, settings: Settings, *, left_s: float, tell: Tell, metric: Any = None
) -> ImagePlan:
    """Find the images, choose their form, decode them to disk, and hold some of them out.

    Raises
    ------
    DataError
        Where nothing can be learned: no images, one class, no labels.
    """
    reading = read_images(given.source, target=settings.target, labels=given.y, image=given.image)
    for line in reading.notes:
        tell(line)
    classes = given.classes or (given.y is None and reading.target == FOLDERS)
    coder, task, y = _target(reading, settings, metric, classes=classes, tell=tell)
    reading, keep, seen = _kept(reading, y, task, settings, left_s=left_s, tell=tell)
    backbones = asked_for(settings, folder / "data", tell)
    form = choose_form(
        seen,
        reading.n_rows,
        inf if backbones.names else left_s,  # a pretrained network wants its own size, and sees each image once
        pixels_per_s=PIXELS_PER_S * (GPU_FACTOR if gpu_count() else 1),
        most_bytes=DISK_SHARE * shutil.disk_usage(folder).free,
    )
    tell(form.reason)

    weights, groups = weights_of(given.weight, len(y.present)), groups_of(given.groups, len(y.present))
    images = ImageSet.create(
        folder / "data",
        reading,
        form,
        y.values[keep],
        weights=None if weights is None else weights[keep],
        groups=None if groups is None else groups[keep],
    )
    for line in images.notes:
        tell(line)
    flip = mirrors_keep_the_meaning(images.images, images.y, settings.seed)
    side = min(form.height, form.width)
    backbones = with_own(backbones, settings, given.only, n_images=images.n_rows, side=side, natural=flip)
    scheme = scheme_for(images.n_rows, in_turn=settings.max_latency_ms is None and given.start is None)
    crossed = bool(backbones.names) and images.n_rows <= MOST_CROSSED
    n_held_out = _fold(images, scheme, task, settings.seed, folder / "data" / "splits.npy")
    if crossed:
        _fold(images, Scheme(n_folds=CROSS_FOLDS), task, settings.seed, folder / "data" / CROSS)
    plan = ImagePlan(
        settings=settings, task=task, coder=coder, form=form, scheme=scheme, data=folder / "data",
        folds=folder / "data" / "splits.npy",
        unit_s=inf if settings.is_reproducible else min(max(UNIT_SHARE * left_s, UNIT_S[0]), UNIT_S[1]),
        n_images=images.n_rows, flip=flip, notes=tuple(reading.notes), start=given.start, only=given.only,
        column=reading.target if reading.target != FOLDERS else None, backbones=backbones.names, crossed=crossed,
        cores=cores_of(settings),
    )  # fmt: skip
    plan.save(folder / "plan.json")
    tell(describe(plan, images, n_held_out))
    return plan


def _kept(
    reading: ImageReading, y: Encoded, task: Task, settings: Settings, *, left_s: float, tell: Tell
) -> tuple[ImageReading, np.ndarray, Look]:
    """Leave out images without a label, and some where there is no time to decode all; say which rows are kept."""
    keep = np.flatnonzero(y.present)
    if len(keep) < len(y.present):
        tell(f"{len(y.present) - len(keep):,} images have no label and are left out")
        reading = reading.only(keep)
    seen = look(reading.images, seed=settings.seed)
    most = inf if settings.is_reproducible else affordable(seen, left_s, cpu_count())
    if most < reading.n_rows:
        drawn = _drawn(y.values[keep], int(most), task, settings.seed)
        tell(f"there is time to decode {len(drawn):,} of {len(keep):,} images, drawn at random: the rest is left out")
        keep, reading = keep[drawn], reading.only(drawn)
    return reading, keep, seen


def _drawn(y: np.ndarray, n: int, task: Task, seed: int) -> np.ndarray:
    """Draw images at random, in their order, but a few of every class."""
    order = generator(seed, "drawn").permutation(len(y))
    if task.kind.is_classification:
        rank = pd.Series(y[order]).groupby(y[order]).cumcount().to_numpy()
        order = order[np.argsort(rank >= FEW_OF_A_CLASS, kind="stable")]
    return np.sort(order[:n])


def _target(
    reading: ImageReading, settings: Settings, metric: Any, *, classes: bool, tell: Tell
) -> tuple[TargetCoder, Task, Encoded]:
    """Find the task from the labels."""
    if reading.labels is None:
        raise DataError("The images have no labels; give a folder for each class, a target column, or y.")
    if settings.task:
        kind = TaskKind(settings.task)
    elif classes:
        kind = TaskKind.BINARY if len(pd.unique(pd.Series(reading.labels).dropna())) == 2 else TaskKind.MULTICLASS
    else:
        kind, reason = infer_kind(reading.labels)
        tell(f"task: {kind}, {reason} (change it with --task)")
    coder = TargetCoder.fit(reading.labels, kind, positive=settings.positive)
    asked = metric if metric is not None else settings.metric
    if asked is None and kind.is_classification:
        asked = "accuracy"
    task = Task(kind, metric_from(asked, kind), coder.classes)
    return coder, task, coder.transform(reading.labels)


def _fold(images: ImageSet, scheme: Scheme, task: Task, seed: int, place: Path) -> int:
    """Deal the images out, and say how many the first fold holds out."""
    classes = task.kind.is_classification
    folds = make_folds(
        images.y, scheme, classification=classes, groups=images.groups, duplicates=images.copies, seed=seed
    )
    folds.save(place)
    return len(folds.rows(0)[1])


def describe(plan: ImagePlan, images: ImageSet, n_held_out: int) -> str:
    """Say in one line what is learned from what, and how it is validated."""
    form = plan.form
    colours = "grey" if form.channels == 1 else "colour"
    classes = "" if plan.task.kind is TaskKind.REGRESSION else f" of {len(plan.task.classes)} classes"
    mirrored = "; mirrored images are shown too" if plan.flip else ""
    turns = ", of others in turn where the last training has the time" if plan.n_folds > 1 else ""
    return (
        f"{plan.task.kind}{classes} from {images.n_rows:,} {colours} images of {form.width} x {form.height}; "
        f"metric {plan.task.metric.name}; validated on {n_held_out:,} of them{turns}{mirrored}"
    )
