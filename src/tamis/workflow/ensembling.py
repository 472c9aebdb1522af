"""Listens to the trials, keeps the best ensemble of them, and saves it at once: the answer is always ready."""

import json
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import replace
from math import inf
from pathlib import Path
from statistics import median

import numpy as np

from tamis.core.budget import Budget
from tamis.core.errors import CorruptArtefactError
from tamis.core.trial import Progress, Proposal, Trial
from tamis.ensemble.pruning import pruned
from tamis.ensemble.selection import SelectionSettings, select
from tamis.evaluate.crossval import OutOfFold
from tamis.evaluate.splits import Folds
from tamis.store.artefacts import FolderArtefacts
from tamis.store.atomic import atomic_write, guarded
from tamis.workflow.mixing import Member, Unit
from tamis.workflow.model import Model, Recipe
from tamis.workflow.objective import ALL_ROWS, load_array
from tamis.workflow.planned import Planned

QUICK_STEPS = 12
"""Steps of the greedy selection while the search goes on; the finish takes more."""

MOST_FOR_REFIT = 0.2
"""Share of the run's time that may be kept for fitting the members once more on all rows."""

FINISH_COST = 1.5
"""The last selection and the honest score, in units of an update, which shares the cores with the workers."""

SAFE_SHARE = 0.8
"""Of the time that is kept for fits on all rows: so much of it they are expected to take."""

REFIT_COST = 1.1
"""A fit on all rows, in units of the usual one for as many rows of a fold, which shares the machine with others."""

SHARE_OF_TIME = 0.08
"""Share of the run that may go into keeping the ensemble fresh while workers wait for their next trial."""


class EnsembleKeeper:
    """Holds the out-of-fold predictions of every trial, and the recipe of the best mixture so far.

    Parameters
    ----------
    plan : Planned
    artefacts : Path
        The folder of what trials have left.
    target : Path
        The folder of the model.
    budget : Budget
        Its reserve is raised to what an update has been measured to take.
    """

    def __init__(self, plan: Planned, artefacts: Path, target: Path, budget: Budget, slots: int = 1) -> None:
        self.plan = plan
        self.target = target
        self.budget = budget
        self.slots = slots
        self.dataset = plan.rows()
        self.folds = Folds.open(plan.folds)
        self.store = FolderArtefacts(artefacts)
        self.out_of_fold = OutOfFold(self.dataset.n_rows, n_outputs=plan.task.n_outputs)
        self.trials: dict[str, list[Trial]] = {}
        self.fitted: dict[str, Unit] = {}
        """By name: candidates that were fitted once more on all rows, in this sitting or an earlier one."""
        self.recipe = self._constant()
        self.loss = self.recipe.constant_loss
        """Of the mixture at hand, on the rows where it was chosen."""
        self._dirty = False
        self._spent_s = 0.0
        self._began = time.monotonic()
        self._last_s = 0.0
        self._least_s = budget.reserve_s

    def begin(self, earlier: Iterable[Trial]) -> None:
        """Save a constant answer where there is no model yet, then take in what an earlier sitting has left.

        The model of an earlier sitting stays until there is a better one: the run may be refused or killed before.
        """
        with guarded(self.target):
            self.target.mkdir(exist_ok=True)
        parts = FolderArtefacts(self.target / "parts")
        parts.remove_damaged()  # they are linked or copied anew
        before = self._recipe_before()
        stays = before is not None and bool(before.members) and all(key in parts for key in before.parts)
        self.fitted = self._fitted_before(before)
        if not stays:
            self.save(self.recipe)
        for trial in earlier:
            if all(map(self.store.is_sound, trial.outcome.artefacts.values())):
                self._take(trial)
        if self._dirty:
            self.update(keep=stays)

    def _recipe_before(self) -> Recipe | None:
        """Return the recipe of the model that an earlier sitting has left; None where none can be read."""
        try:
            return Recipe.from_json(json.loads((self.target / "manifest.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _fitted_before(self, recipe: Recipe | None) -> dict[str, Unit]:
        """Return what an earlier sitting has fitted on all rows at its end: no journal tells of it, its model does."""
        members = () if recipe is None else recipe.members
        found = {one.name: unit for one in members for unit in one.units if unit.fold == ALL_ROWS}
        return {name: one for name, one in found.items() if all(map(self.store.is_sound, one.parts))}

    def _constant(self) -> Recipe:
        task, dataset = self.plan.task, self.dataset
        constant = np.atleast_1d(task.dummy(dataset.y, dataset.weights))
        row = constant if task.kind.is_classification else constant[0]
        loss = task.loss(dataset.y, task.constant(row, dataset.n_rows), dataset.weights)
        return self.plan.blank(tuple(float(value) for value in constant), float(loss))

    def on_start(self, proposal: Proposal) -> None:
        """Nothing to do."""

    def on_progress(self, progress: Progress) -> None:
        """Nothing to do."""

    def on_stop(self, reason: str) -> None:
        """Nothing to do: the finish makes the last update."""

    def on_end(self, trial: Trial) -> None:
        """Take the trial in, and renew the ensemble where that is due."""
        self._take(trial)
        if self._dirty and self._is_due():
            self.update()

    def _take(self, trial: Trial) -> None:
        name = self.plan.name_of(trial) if trial.done else None
        if name is None:
            return
        try:
            predictions = load_array(self.store.get(trial.outcome.artefacts["predictions"]))
        except (CorruptArtefactError, KeyError):
            return  # its file is damaged or gone; the others are usable
        rows = self.folds.rows(trial.proposal.fold)[1]
        if "fold_losses" in trial.outcome.realised:  # one fit on all rows has answered for every fold
            rows = np.arange(self.dataset.n_rows)
        self.out_of_fold.add(name, trial.proposal.fold, rows, predictions)
        self.trials.setdefault(name, []).append(trial)
        self._dirty = True

    def _is_due(self) -> bool:
        if not self.recipe.members:
            return True
        elapsed = time.monotonic() - self._began
        return self._spent_s + self._last_s <= SHARE_OF_TIME * elapsed

    def update(self, *, keep: bool = False) -> None:
        """Choose the mixture anew and save it, or keep the model that is there."""
        began = time.monotonic()
        keys = self.plan.eligible(self.trials)
        settings = SelectionSettings(
            n_steps=QUICK_STEPS,
            max_members=self.plan.settings.members,
            n_bags=4,
            limit_s=max(0.3, 0.03 * self.budget.left_s),
            seed=self.plan.settings.seed,
        )
        predictions = [self.out_of_fold.prediction(key) for key in keys]
        loss, weight = self.plan.task.loss, self.dataset.weights
        selection = select(predictions, self.dataset.y, loss, weight=weight, settings=settings)
        self.loss = selection.loss
        self.recipe = self.mixture(keys, self._worth_keeping(keys, predictions, selection.weights))
        if not keep:
            self.save(self.recipe)
        self._dirty = False
        self._last_s = time.monotonic() - began
        self._spent_s += self._last_s
        self.budget.reserve_s = max(self._least_s, 0.6 + FINISH_COST * self._last_s) + self.refit_reserve_s()

    def _worth_keeping(self, keys: list[str], predictions: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
        """Free the mixture of members that do not pay, as the finish will: no time is kept for fitting those again."""
        settings = self.plan.settings
        return pruned(
            predictions,
            weights,
            [self.predict_seconds(key) for key in keys],
            self.dataset.y,
            self.plan.task.loss,
            weight=self.dataset.weights,
            tolerance=settings.tolerance,
            limit_s=settings.predict_limit_s or inf,
        )

    def refit_reserve_s(self) -> float:
        """Return the seconds to keep for fitting those members once more on all rows that there may be time for."""
        if not self.plan.refits:
            return 0.0
        most = MOST_FOR_REFIT * (self.budget.limit_s - self.budget.spent_s)
        members = [one.name for one in self.recipe.members if one.name in self.trials]
        names = [name for name in members if not (name in self.fitted or self.knows_all_rows(name))]
        seconds = [self.refit_seconds(name) / SAFE_SHARE for name in names]
        affordable = [one for one in seconds if one <= most]
        return min(most, max(sum(affordable) / self.slots, max(affordable, default=0.0)))

    def knows_all_rows(self, name: str) -> bool:
        """Tell whether a candidate's one fit has learned from all rows: bagged trees that answered for every fold."""
        return any("fold_losses" in one.outcome.realised for one in self.trials[name])

    def refit_seconds(self, name: str) -> float:
        """Return what fitting a candidate once more on all rows is expected to take."""
        outcomes = [one.outcome for one in self.trials[name]]
        n_rows = self.dataset.n_rows
        return REFIT_COST * n_rows * median(one.seconds / max(1, one.n_rows or n_rows) for one in outcomes)

    def mixture(self, keys: list[str], weights: np.ndarray) -> Recipe:
        """Turn weights into the recipe of a model."""
        pairs = zip(keys, weights, strict=True)
        members = [self.member(key, float(weight)) for key, weight in pairs if weight > 0]
        members.sort(key=lambda one: -one.weight)
        return replace(self.recipe, members=tuple(members), calibration=None, rule=None, estimate=None)

    def member(self, name: str, weight: float) -> Member:
        """Return a candidate as a member, with its fitted pipelines: of its folds, and of all rows if there is one."""
        trials = self._kept(name)
        candidate = trials[0].proposal.candidate
        units = tuple(unit_of(one) for one in trials)
        if name in self.fitted:
            beside = units if self.plan.keeps_folds else ()
            units = (replace(self.fitted[name], share=float(max(1, len(beside)))), *beside)
        return Member(candidate.to_json(), weight, units, "" if name == candidate.key else name)

    def _kept(self, name: str) -> list[Trial]:
        """Return the trials of a candidate whose models predict."""
        trials = sorted(self.trials[name], key=lambda one: one.proposal.fold)
        return [one for one in trials if self.plan.keeps(one)] or trials

    def predict_seconds(self, name: str) -> float:
        """Return the seconds that a member takes to predict 1,000 rows, the model to be fitted on all rows included.

        Where the result may not depend on the machine's speed, each model counts as a second.
        """
        settings = self.plan.settings
        timed = settings.predict_limit_s is not None or not settings.is_reproducible
        seconds = [one.outcome.predict_s if timed else 1.0 for one in self._kept(name)]
        if self.knows_all_rows(name):
            return sum(seconds)
        one = max(seconds) if self.plan.refits else 0.0
        return one + (sum(seconds) if self.plan.keeps_folds else 0.0)

    def save(self, recipe: Recipe) -> Model:
        """Bring a recipe's parts into `model/`, then replace its manifest: a kill leaves the old or the new one."""
        self.recipe = recipe
        target = FolderArtefacts(self.target / "parts")
        for key in sorted(recipe.parts):
            _bring(self.store.path(key), target.path(key))
        atomic_write(self.target / "manifest.json", json.dumps(recipe.to_json()).encode())
        return Model(recipe, _Parts(target), self.plan.catalogue)

    def clean(self) -> None:
        """Remove parts that the saved model does not need."""
        FolderArtefacts(self.target / "parts").remove_unused(self.recipe.parts)


def unit_of(trial: Trial) -> Unit:
    """Return the fitted parts that a trial has left."""
    artefacts = trial.outcome.artefacts
    return Unit(artefacts.get("preparation", ""), artefacts["model"], trial.proposal.fold)


def _bring(source: Path, target: Path) -> None:
    """Link a part into the model's folder, or copy it where links cannot be made; whole or not at all."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:
        draft = target.with_name(f"{target.name}.tmp")
        shutil.copyfile(source, draft)
        os.replace(draft, target)


class _Parts(dict[str, bytes]):
    """Reads parts from a store when they are first asked for."""

    def __init__(self, store: FolderArtefacts) -> None:
        super().__init__()
        self._store = store

    def __missing__(self, key: str) -> bytes:
        self[key] = content = self._store.get(key)
        return content
