"""What the ensemble, the finish and the model need to know of a plan, whatever kind of data it is for."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tamis.core.contracts import Objective
from tamis.core.trial import Trial
from tamis.pipelines.catalogue import Catalogue
from tamis.tasks.task import Task
from tamis.workflow.model import Recipe
from tamis.workflow.settings import Settings

Tell = Callable[[str], None]
"""Hears one line for everything that a user should know."""


class Rows(Protocol):
    """What is to be predicted, and what is known of each row beside its features."""

    @property
    def n_rows(self) -> int:
        """How many rows there are."""

    @property
    def y(self) -> np.ndarray:
        """Shape (n_rows,): float64 numbers, or int64 codes of classes."""

    @property
    def weights(self) -> Any:
        """Shape (n_rows,), or None."""

    @property
    def groups(self) -> Any:
        """Shape (n_rows,): rows of one group stay on one side of a split; or None."""


class Planned(Protocol):
    """A plan as the rooms after it see it."""

    @property
    def settings(self) -> Settings:
        """What was asked."""

    @property
    def task(self) -> Task:
        """What is predicted and how it is judged."""

    @property
    def folds(self) -> Path:
        """The file that says which rows train and which validate."""

    @property
    def catalogue(self) -> Catalogue:
        """The components that candidates may be made of."""

    @property
    def objective(self) -> Objective:
        """What the workers run."""

    @property
    def refits(self) -> bool:
        """Whether members are fitted once more on all rows at the end."""

    @property
    def keeps_folds(self) -> bool:
        """Whether they keep the models of the folds beside it."""

    def keeps(self, trial: Trial) -> bool:
        """Tell whether a model may keep what the trial has fitted."""

    def rows(self) -> Rows:
        """Open what is known of the rows."""

    def blank(self, constant: tuple[float, ...], loss: float) -> Recipe:
        """Return the recipe of the model that predicts a constant."""

    def name_of(self, trial: Trial) -> str | None:
        """Return the name under which a trial's predictions go into the ensemble; None where they are no model's."""

    def eligible(self, trials: Mapping[str, Sequence[Trial]]) -> list[str]:
        """Return which of the trials, by name, the ensemble may be made of."""
