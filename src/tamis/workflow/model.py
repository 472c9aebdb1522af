"""What predicts: the members of the ensemble, how they are mixed, and how raw rows reach them."""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tamis.core.errors import CorruptArtefactError, DataError, ParameterError, RunFolderError
from tamis.core.kinds import Role, TaskKind
from tamis.core.version import __version__
from tamis.data.frames import to_pandas
from tamis.data.image_files import whole
from tamis.data.image_form import ImageForm
from tamis.data.layout import Layout
from tamis.data.pixels import Pixels
from tamis.data.schema import Schema
from tamis.data.table import Table
from tamis.ensemble.calibration import Calibrator
from tamis.ensemble.threshold import DecisionRule
from tamis.evaluate.estimate import ScoreEstimate
from tamis.pipelines.catalogue import Catalogue, builtin
from tamis.run.limits import cpu_count
from tamis.store.artefacts import FolderArtefacts
from tamis.tasks.metric import Needs
from tamis.tasks.targets import TargetCoder
from tamis.tasks.task import Task
from tamis.workflow.mixing import Member, Mixture
from tamis.workflow.names import check_columns, near
from tamis.workflow.origin import Origin

FORMAT = 1
"""The version of the manifest; a later Tamis reads every earlier one."""

ROWS_AT_ONCE = 10_000
"""Rows that are prepared together: bounds the memory of a prediction."""


@dataclass(frozen=True)
class Recipe:
    """Everything about a model but the fitted parts themselves: the manifest, typed."""

    task: Task
    coder: TargetCoder
    schema: Schema | None = None
    """How the columns of a table become features."""
    images: ImageForm | None = None
    """How raw images become what networks take."""
    image_target: str | None = None
    """The column or the array that the labels of images came from."""
    members: tuple[Member, ...] = ()
    constant: tuple[float, ...] = ()
    """What is predicted where there is no member: class shares, or one value."""
    calibration: Calibrator | None = None
    rule: DecisionRule | None = None
    """How probabilities become labels, where the metric looks at labels."""
    estimate: ScoreEstimate | None = None
    constant_loss: float | None = None
    layout: Layout | None = None
    origin: Origin | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the manifest."""
        return {
            "format": FORMAT,
            "tamis": __version__,
            "task": self.task.to_json(),
            "target": self.coder.to_json(),
            "schema": self.schema.to_json() if self.schema else None,
            "images": self.images.to_json() if self.images else None,
            "image_target": self.image_target,
            "members": [one.to_json() for one in self.members],
            "constant": list(self.constant),
            "constant_loss": self.constant_loss,
            "calibration": self.calibration.to_json() if self.calibration else None,
            "rule": self.rule.to_json() if self.rule else None,
            "estimate": self.estimate.to_json() if self.estimate else None,
            "layout": self.layout.to_json() if self.layout else None,
            "origin": self.origin.to_json() if self.origin else None,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Recipe":
        """Read what `to_json` wrote, in this or an earlier version.

        Raises
        ------
        RunFolderError
            Where a later version wrote it.
        """
        if record.get("format", 0) > FORMAT:
            raise RunFolderError(
                f"The model was saved by Tamis {record.get('tamis')}, in format {record['format']}; this version reads "
                f"up to format {FORMAT}. Install a newer Tamis to load it: pip install -U tamis"
            )

        def maybe(name: str, kind: Any) -> Any:
            return kind.from_json(record[name]) if record.get(name) else None

        return cls(
            task=_task(record["task"]),
            coder=TargetCoder.from_json(record["target"]),
            schema=maybe("schema", Schema),
            images=maybe("images", ImageForm),
            image_target=record.get("image_target"),
            members=tuple(Member.from_json(one) for one in record["members"]),
            constant=tuple(record["constant"]),
            constant_loss=record.get("constant_loss"),
            calibration=maybe("calibration", Calibrator),
            rule=maybe("rule", DecisionRule),
            estimate=maybe("estimate", ScoreEstimate),
            layout=maybe("layout", Layout),
            origin=maybe("origin", Origin),
        )

    @property
    def roles(self) -> list[dict[str, str]]:
        """Return the columns of a table, each with its role and the reason for it."""
        return [
            {"column": one.name, "role": str(one.role), "reason": one.reason.removeprefix(f"{one.role}: ")}
            for one in (self.schema.columns if self.schema else ())
        ]

    @property
    def parts(self) -> set[str]:
        """Return the hashes of everything the members need."""
        return {key for one in self.members for unit in one.units for key in unit.parts}


def _task(record: Mapping[str, Any]) -> Task:
    """Read the task; a metric that earlier versions kept by name alone gives way to the default one."""
    try:
        return Task.from_json(record)
    except ParameterError:
        return Task.of(record["kind"], None, record["classes"])


class Model:
    """A fitted model: raw rows in, predictions out.

    Parameters
    ----------
    recipe : Recipe
    parts : mapping of str to bytes
        The fitted parts by content hash.
    catalogue : Catalogue, optional
        Knows how each part is read; the built-in one unless the model holds the user's own components.
    """

    def __init__(self, recipe: Recipe, parts: Mapping[str, bytes], catalogue: Catalogue | None = None) -> None:
        self.recipe = recipe
        self.parts = parts
        self._catalogue = catalogue
        self.threads: int = cpu_count()  # that predict many rows

    @classmethod
    def load(cls, path: Path | str, catalogue: Catalogue | None = None) -> "Model":
        """Load the model of a run folder, or a model folder by itself; no code of the file is run.

        Raises
        ------
        RunFolderError
            Where there is no model, or a newer version wrote it.
        CorruptArtefactError
            Where a file is not what was stored.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise RunFolderError(f"There is no folder '{path}'. Give one that `tamis fit` or `save` has written.")
        folder = folder / "model" if (folder / "model").is_dir() else folder
        manifest = folder / "manifest.json"
        if not manifest.is_file():
            raise RunFolderError(f"There is no model in {path}: {manifest.name} is missing. Was the run ended early?")
        try:
            recipe = Recipe.from_json(json.loads(manifest.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, RunFolderError):
                raise
            raise CorruptArtefactError(f"{manifest} cannot be read ({error}); it is damaged or not ours.") from error
        store = FolderArtefacts(folder / "parts")
        return cls(recipe, {key: store.get(key) for key in sorted(recipe.parts)}, catalogue)

    def __getstate__(self) -> dict[str, Any]:
        """Keep the parts as bytes; fitted objects are made anew."""
        return {"recipe": self.recipe.to_json(), "parts": dict(self.parts)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(Recipe.from_json(state["recipe"]), state["parts"])  # type: ignore[misc]

    @property
    def task(self) -> Task:
        """The task it was trained for."""
        return self.recipe.task

    @property
    def catalogue(self) -> Catalogue:
        """The components that it may be made of."""
        if self._catalogue is None:
            self._catalogue = builtin()
        return self._catalogue

    def predict(self, rows: Any) -> np.ndarray:
        """Return labels as they were in the target, or values: shape (n_rows,)."""
        prediction = self._predict_rows(rows)
        if self.task.kind is TaskKind.REGRESSION:
            return prediction
        return self.recipe.coder.inverse(self.codes(prediction))

    def codes(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the number of the class that each row of probabilities stands for, by the decision rule if any."""
        ruled = self.recipe.rule.apply(probabilities) if self.recipe.rule else probabilities
        return np.argmax(ruled, axis=1)

    def predict_proba(self, rows: Any) -> np.ndarray:
        """Return the probability of each class: shape (n_rows, n_classes).

        Raises
        ------
        ParameterError
            For a regression.
        """
        if self.task.kind is TaskKind.REGRESSION:
            raise ParameterError("A regression has no probabilities; use predict.")
        return self._predict_rows(rows)

    def _predict_rows(self, rows: Any) -> np.ndarray:
        """Predict raw rows; of images only a piece at a time is held in memory."""
        if self.recipe.images is None or isinstance(rows, Pixels):
            return self.predict_raw(self.table(rows))
        from tamis.workflow.images.decoding import pieces

        return np.concatenate([self.predict_raw(pixels) for _, pixels in pieces(rows, self.recipe.images)])

    @property
    def schema(self) -> Schema:
        """The columns that a model for tables takes.

        Raises
        ------
        ParameterError
            Where it is a model for images.
        """
        if self.recipe.schema is None:
            raise ParameterError("The model is one for images; it takes no table.")
        return self.recipe.schema

    def table(self, rows: Any) -> Table | Pixels:
        """Bring raw rows, or images, into the form that the members take."""
        if self.recipe.images is not None:
            from tamis.workflow.images.decoding import decoded

            return rows if isinstance(rows, Pixels) else decoded(rows, self.recipe.images)
        frame: Any = to_pandas(rows)
        if hasattr(frame, "tocsr"):
            return self.schema.apply_sparse(frame.tocsr())
        check_columns([one.name for one in self.schema.features], [str(name) for name in frame.columns])
        return whole(self.schema.apply(frame), frame)

    def predict_raw(self, table: Table | Pixels) -> np.ndarray:
        """Return calibrated probabilities (n_rows, n_classes), or values (n_rows,), of prepared rows."""
        blocks = [self._mix(table.take(rows)) for rows in _blocks(table.n_rows)]
        mixed = np.concatenate(blocks) if len(blocks) != 1 else blocks[0]
        return self.recipe.calibration.apply(mixed) if self.recipe.calibration else mixed

    def _mix(self, table: Table | Pixels) -> np.ndarray:
        constant = np.asarray(self.recipe.constant, dtype=np.float64)
        if not self.recipe.members or table.n_rows == 0:
            classification = self.task.kind is not TaskKind.REGRESSION
            return np.tile(constant, (table.n_rows, 1)) if classification else np.full(table.n_rows, constant[0])
        return self.mixture.predict(table, self.threads, beside=self._may_share_cores)

    @property
    def _may_share_cores(self) -> bool:
        """Tell whether pipelines may predict beside each other: networks for images and texts take all cores alone."""
        schema = self.recipe.schema
        return schema is not None and not any(one.role in (Role.TEXT, Role.IMAGE) for one in schema.features)

    @cached_property
    def mixture(self) -> Mixture:
        """The members, ready to predict."""
        classification = self.task.kind is not TaskKind.REGRESSION
        return Mixture(self.recipe.members, self.parts, self.catalogue, classification)

    def part(self, key: str) -> Any:
        """Return a fitted part by its content hash, read when it is first asked for."""
        return self.mixture.part(key)

    def score(
        self, rows: Any, metric: str | None = None, y: Any = None, weight: Any = None
    ) -> tuple[str, float, bool, int]:
        """Return the metric's name, its value, whether higher is better, and the count of rows that were scored.

        Raises
        ------
        DataError
            Where the target is missing, or holds classes that the model does not know.
        """
        target = self.recipe.schema.target if self.recipe.schema else None
        if self.recipe.images is not None:
            from tamis.workflow.images.decoding import labelled

            rows, y = labelled(rows, self.recipe.image_target, y)
        if y is None:
            rows = to_pandas(rows)
            if target is None:
                raise DataError("Scoring needs the true values: name their column with --target (y= in Python).")
            if target not in rows:
                raise DataError(f"Scoring needs the target column {target!r}.{near(target, list(rows))}")
            y = rows[target]
        task = self.task if metric is None else self.task.with_metric(metric)
        coded, known = self.recipe.coder.transform(y)
        if not known.any():
            raise DataError(f"No row has a value in the target column {target!r}; nothing can be scored.")
        for line in self.recipe.coder.strays(y):
            warnings.warn(line, stacklevel=2)
        if self.recipe.images is not None:
            rows = rows.take(known) if isinstance(rows, Pixels) else rows.only(np.flatnonzero(known))
        else:
            rows = rows.loc[known] if hasattr(rows, "loc") else rows[known]
        prediction = self._predict_rows(rows)
        if weight is not None and np.shape(weight) != known.shape:
            raise DataError(f"There must be a weight for each of {len(known):,} rows; got shape {np.shape(weight)}.")
        weight = None if weight is None else np.asarray(weight)[known]
        if task.kind is not TaskKind.REGRESSION and task.metric.needs is Needs.LABEL:
            prediction = np.eye(len(task.classes or ()))[self.codes(prediction)]
        used, value = task.metric, float(task.value(coded[known], prediction, weight))
        return used.name, value, used.higher_is_better, int(known.sum())


def _blocks(n_rows: int) -> Iterator[slice]:
    for start in range(0, max(1, n_rows), ROWS_AT_ONCE):
        yield slice(start, min(n_rows, start + ROWS_AT_ONCE))
