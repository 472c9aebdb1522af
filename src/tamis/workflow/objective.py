"""Turns a proposal for a table into an outcome: prepare, fit, predict the held-out rows, score, store."""

import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.component import BuildContext, Component, Shape
from tamis.core.contracts import Context
from tamis.core.errors import TrialError
from tamis.core.seeds import derive
from tamis.core.trial import Outcome, Proposal, Status
from tamis.data.dataset import Dataset
from tamis.evaluate.fidelity import subsample
from tamis.evaluate.inner import Bonds
from tamis.evaluate.scheme import SplitKind
from tamis.evaluate.splits import Folds
from tamis.pipelines import compile as pipelines
from tamis.pipelines.catalogue import Catalogue, builtin
from tamis.store.artefacts import FolderArtefacts
from tamis.store.container import pack
from tamis.store.parts import dump_part
from tamis.tasks.task import Task

ALL_ROWS = -1
"""The fold that stands for all rows: nothing is held out, nothing scored."""

COPIES = "copies.npy"
"""Beside the prepared rows: equal codes for those that are equal in every feature, where splits keep them together."""

TIMED_ROWS, FEW_ROWS = 1_000, 200
"""Rows whose prediction is timed; the preparation of fewer held-out rows than the second tells little of it."""

CACHE_SHARE = 0.25
"""Share of a worker's memory that prepared rows of earlier trials may hold."""


@dataclass
class Prepared:
    """The rows of one fold as a model sees them."""

    train: Any
    valid: Any
    categories: np.ndarray
    names: list[str]
    artefact: str
    """Content hash of the fitted preparation."""
    seconds: float
    predict_s: float = 0.0
    """Seconds that preparing 1,000 rows takes."""
    once_s: float = 0.0
    """Of the seconds, those that no other fold spends again."""

    @property
    def megabytes(self) -> float:
        """Return what the matrices hold in memory."""
        return sum(_bytes(matrix) for matrix in (self.train, self.valid)) / 1e6


def _bytes(matrix: Any) -> int:
    return int(matrix.data.nbytes + matrix.indices.nbytes) if hasattr(matrix, "indptr") else int(matrix.nbytes)


def _filled(prediction: np.ndarray) -> np.ndarray:
    """Give rows without a prediction, which every tree has seen, the mean of all others."""
    lost = np.isnan(prediction.reshape(len(prediction), -1)[:, 0])
    return np.where(lost.reshape(-1, *[1] * (prediction.ndim - 1)), np.nanmean(prediction, axis=0), prediction)


def save_array(array: np.ndarray) -> bytes:
    """Return an array as the bytes of an npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def load_array(content: bytes) -> np.ndarray:
    """Read the bytes of an npy file; never unpickles."""
    array: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    return array


@dataclass
class TableObjective:
    """Scores a candidate on one fold of a prepared table.

    It holds where things are, never the rows themselves: workers map the files.
    """

    data: Path
    """The folder that `Dataset.save` wrote."""
    folds: Path
    task: Task
    seed: int = 0
    reproducible: bool = False
    """Whether the outcome may not depend on the machine's speed."""
    out_of_bag: bool = False
    """Whether rows may be held out one by one, so that a forest's single fit on all rows answers for every fold."""
    components: Sequence[Component] = ()
    """The user's own, beside the built-in ones."""
    predict_limit_s: float = inf
    """Seconds that the prediction of 1,000 rows by one model may take."""
    splits: SplitKind = SplitKind.FOLDS
    """How the folds were made: predictions inside a preparation are made out of such folds too."""

    def __call__(self, proposal: Proposal, context: Context) -> Outcome:
        """Fit the candidate on the fold's training rows and score it on the others."""
        began = time.perf_counter()
        work = _Work(self, proposal, context)
        prepared = work.prepared()
        component = pipelines.find(proposal.candidate.component, work.catalogue)
        build = work.build_context(prepared, component)
        model = pipelines.fit_model(
            proposal.candidate,
            component,
            build,
            matrix=prepared.train,
            y=work.y[work.train],
            weight=work.weights(work.train),
            categories=prepared.categories,
        )
        predict_s = work.predict_seconds(model, component, prepared)
        if predict_s > self.predict_limit_s:
            raise TrialError(
                f"It takes {predict_s:.3g} s to predict 1,000 rows; {self.predict_limit_s:g} s are allowed "
                "(predict_time_limit)."
            )
        artefacts, store = {}, FolderArtefacts(context.folder)
        if not work.is_partial:  # a part of the rows makes no model: such a trial is compared and thrown away
            files = component.dump(model) if component.dump else dump_part(model, work.catalogue.allowed())
            meta = {"component": component.name, "preparation": prepared.artefact, "own format": bool(component.dump)}
            artefacts = {"model": store.put(pack(files, meta)), "preparation": prepared.artefact}
        losses, realised = {}, dict(getattr(model, "realised_", {}) or {})
        if getattr(model, "max_rows", None) is not None:
            realised["most_rows"] = min(int(model.max_rows), len(work.train))
        if work.answers_for_all:
            prediction = _filled(np.asarray(model.out_of_bag(prepared.train)))
            realised["fold_losses"] = work.fold_losses(prediction)
            losses["loss"] = float(np.mean(realised["fold_losses"]))
            artefacts["predictions"] = store.put(save_array(prediction))
        elif proposal.fold != ALL_ROWS:
            prediction = pipelines.predict(model, component, prepared.valid, self.task.kind.is_classification)
            prediction = np.nan_to_num(prediction.astype(np.float32 if prediction.ndim == 2 else np.float64))
            losses["loss"] = float(self.task.loss(work.y[work.valid], prediction, work.weights(work.valid)))
            if not work.is_partial:
                artefacts["predictions"] = store.put(save_array(prediction))
        return Outcome(
            Status.DONE,
            losses=losses,
            realised=json.loads(json.dumps(realised)),
            artefacts=artefacts,
            seconds=max(1e-3, time.perf_counter() - began - prepared.once_s),
            n_rows=len(work.train),
            predict_s=predict_s,
        )


class _Work:
    """What one proposal needs: its rows, its preparation, its context."""

    def __init__(self, objective: TableObjective, proposal: Proposal, context: Context) -> None:
        self.objective = objective
        self.proposal = proposal
        self.context = context
        shared = context.shared
        if "dataset" not in shared:
            shared["dataset"] = Dataset.open(objective.data)
            shared["folds"] = Folds.open(objective.folds)
            shared["catalogue"] = builtin(objective.components)
        self.dataset: Dataset = shared["dataset"]
        self.catalogue: Catalogue = shared["catalogue"]
        self.y = self.dataset.y
        everything = (np.arange(self.dataset.n_rows), np.zeros(0, dtype=np.intp))
        self.valid: np.ndarray
        self.folds: Folds = shared["folds"]
        self.answers_for_all = self._answers_for_all()
        self.fold = ALL_ROWS if self.answers_for_all else proposal.fold
        train, self.valid = everything if self.fold == ALL_ROWS else self.folds.rows(self.fold)
        self.is_partial = proposal.fidelity < 1.0
        if self.is_partial:
            if (resource := proposal.memo.get("resource", "rows")) != "rows":
                raise TrialError(
                    "A trial on a table can have a share of the rows alone; the search asked for one of "
                    f"the {resource}. Make it with resource='rows'."
                )
            train = subsample(
                train, self.y, proposal.fidelity, objective.seed, classification=objective.task.kind.is_classification
            )
        self.train = train

    def _answers_for_all(self) -> bool:
        """Tell whether this unit is a fit on all rows whose out-of-bag predictions stand for every fold."""
        proposal = self.proposal
        whole = self.objective.out_of_bag and proposal.fold == 0 and proposal.fidelity >= 1.0
        return whole and pipelines.is_honest_out_of_bag(proposal.candidate, self.catalogue)

    def fold_losses(self, prediction: np.ndarray) -> list[float]:
        """Return the loss on the held-out rows of each fold of the first repeat, given a prediction of every row."""
        losses = []
        for fold in range(self.folds.n_folds):
            rows = self.folds.rows(fold)[1]
            losses.append(float(self.objective.task.loss(self.y[rows], prediction[rows], self.weights(rows))))
        return losses

    def predict_seconds(self, model: Any, component: Component, prepared: Prepared) -> float:
        """Return the seconds that the prediction of 1,000 raw rows takes, the preparation included."""
        matrix = prepared.valid if prepared.valid.shape[0] else prepared.train
        rows = matrix[np.arange(TIMED_ROWS) % matrix.shape[0]]
        began = time.perf_counter()
        pipelines.predict(model, component, rows, self.objective.task.kind.is_classification)
        return prepared.predict_s + time.perf_counter() - began

    def weights(self, rows: np.ndarray) -> np.ndarray | None:
        """Return the weights of some rows, if the data has any."""
        return None if self.dataset.weights is None else np.asarray(self.dataset.weights[rows])

    def prepared(self) -> Prepared:
        """Return the fold's rows as the model sees them, from the worker's cache where they are there."""
        tree = self.proposal.candidate
        component = pipelines.find(tree.component, self.catalogue)
        below = tree.children[0]
        key = (below.key, self.fold, self.proposal.fidelity)
        cache: dict[Any, Prepared] = self.context.shared.setdefault("prepared", {})
        once_s = 0.0
        if key in cache:
            cache[key] = found = cache.pop(key)  # to the end: the least recently used goes first
        else:
            found = self._prepare(below)
            once_s, cache[key] = found.once_s, replace(found, once_s=0.0)
            allowance = CACHE_SHARE * min(self.context.memory_mb, 1e6)
            while len(cache) > 1 and sum(one.megabytes for one in cache.values()) > allowance:
                del cache[next(iter(cache))]
        return replace(
            found,
            train=pipelines.fit_for(component, found.train),
            valid=pipelines.fit_for(component, found.valid),
            once_s=once_s,
        )

    def _prepare(self, below: Candidate) -> Prepared:
        began = time.perf_counter()
        train, valid = self.dataset.rows(self.train), self.dataset.rows(self.valid)
        told: dict[str, float] = {}  # by what is prepared once for all folds
        build = self._context(train.shape, seed=derive(self.objective.seed, "prepare", below.key, self.fold))
        build = replace(build, shared=told)
        preparation = pipelines.prepare(below, self.catalogue, build, self.bonds)
        matrix = preparation.fit_transform(train, self.y[self.train], self.weights(self.train))
        n_timed = len(self.valid)
        asked = time.perf_counter()
        held_out = preparation.transform(valid) if n_timed else matrix[:0]
        if n_timed < FEW_ROWS:
            n_timed, asked = TIMED_ROWS, time.perf_counter()
            preparation.transform(self.dataset.rows(self.train[np.arange(TIMED_ROWS) % len(self.train)]))
        predict_s = (time.perf_counter() - asked) * TIMED_ROWS / n_timed + TIMED_ROWS * told.get("row_s", 0.0)
        artefact = ""
        if not self.is_partial:
            content = pack(dump_part(preparation, self.catalogue.allowed()), {"preparation": below.to_json()})
            artefact = FolderArtefacts(self.context.folder).put(content)
        seconds = time.perf_counter() - began
        names = preparation.names_
        return Prepared(matrix, held_out, preparation.categories_, names, artefact, seconds, predict_s,
                        told.get("once_s", 0.0))  # fmt: skip

    @cached_property
    def bonds(self) -> Bonds | None:
        """What ties the training rows together: models that part them again heed it, inside a preparation and above."""
        copies = self.objective.data / COPIES
        beside = {name: getattr(self.dataset, name) for name in ("groups", "times", "folds")}
        beside["copies"] = np.load(copies, mmap_mode="r", allow_pickle=False) if copies.is_file() else None
        known = {name: None if values is None else np.asarray(values[self.train]) for name, values in beside.items()}
        classification = self.objective.task.kind.is_classification
        return Bonds.of(self.objective.splits, classification=classification, given=known.pop("folds"), **known)

    def build_context(self, prepared: Prepared, component: Component) -> BuildContext:
        """Return what the model is told when it is built."""
        tree = self.proposal.candidate
        seed = pipelines.seed_of(tree, self.objective.seed, self.proposal.fold)
        context = self._context(prepared.train.shape, seed=seed)
        key = f"{tree.children[0].key}/{self.fold}/{self.proposal.fidelity}"
        left = inf if self.objective.reproducible else max(0.2, self.context.left_s() * 0.92)
        density = prepared.train.nnz / max(1, np.prod(prepared.train.shape)) if hasattr(prepared.train, "nnz") else 1.0
        return replace(
            context,
            shape=replace(context.shape, density=float(density)),
            limit_s=left,
            realised=self.proposal.memo.get("realised", {}),
            shared=self.context.shared.setdefault("models", {}),
            shared_key=key,
            clusters=self.bonds.blocks() if self.bonds is not None else None,
        )

    def _context(self, shape: tuple[int, int], seed: int) -> BuildContext:
        task = self.objective.task
        return BuildContext(
            task=task.kind,
            shape=Shape(shape[0], shape[1], max(1, task.n_outputs)),
            seed=seed,
            threads=1 if self.objective.reproducible else self.context.threads,
            limit_s=inf if self.objective.reproducible else self.context.left_s(),
            memory_mb=self.context.memory_mb,
            metric=task.metric.name,
        )
