"""What a run folder holds, read once for a report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

from tamis.core.candidate import BATCH
from tamis.core.errors import CorruptArtefactError
from tamis.core.trial import Trial
from tamis.explain.charts import Attempt
from tamis.store.folder import RunFolder
from tamis.store.journal import SqliteJournal
from tamis.tasks.metric import Metric
from tamis.workflow.leaderboard import Leaderboard, board_of, describe, told_by
from tamis.workflow.model import Model
from tamis.workflow.settings import Settings

ENOUGH_FOLDS = 5
"""A candidate scored on half as many folds, or half of all where there are fewer, can be compared with the others."""


@dataclass(frozen=True)
class Findings:
    """What a run folder holds, read once."""

    path: Path
    settings: Settings
    spent_s: float
    created: float
    model: Model
    trials: tuple[Trial, ...]
    asked_s: Mapping[int, float]
    """By trial, the seconds after the start at which it was asked."""
    plan: Mapping[str, Any]
    """What `plan.json` holds; empty where there is none."""

    @classmethod
    def read(cls, path: Path | str) -> "Findings":
        """Read a run, finished or not.

        Raises
        ------
        RunFolderError
            Where the folder is no run, or nothing was found yet.
        CorruptArtefactError
            Where a file is not what was stored.
        """
        folder = RunFolder.open(Path(path), lock=False)
        model = Model.load(folder.path)
        with SqliteJournal(folder.journal, readonly=True) as journal:
            trials, asked_s = told_by(journal)
        record = folder.record
        settings, plan = Settings.from_json(record.settings), _plan(folder.path / "plan.json")
        return cls(folder.path, settings, record.spent_s, record.created, model, tuple(trials), asked_s, plan)

    @cached_property
    def board(self) -> Leaderboard:
        """The candidates, the best first."""
        return board_of(self.trials, self.model)

    @property
    def metric(self) -> Metric:
        """What the models were judged by."""
        return self.model.task.metric

    @cached_property
    def attempts(self) -> list[Attempt]:
        """Every score at the time when it was known."""
        return attempts_of(self.trials, self.asked_s, self.metric)


def attempts_of(trials: Sequence[Trial], asked_s: Mapping[int, float], metric: Metric) -> list[Attempt]:
    """Return every score at the time when it was known.

    Fits of one candidate on several folds are one attempt, known when the last of them has ended; a second training on
    the same fold is an attempt of its own, and so are last trainings that go through the folds of their own.
    """
    groups: dict[tuple[str, float, Any, int], list[Trial]] = {}
    seen: dict[tuple[str, float, Any, int], int] = {}
    for one in trials:
        proposal = one.proposal
        if one.done and isfinite(one.loss) and proposal.candidate.component != BATCH:
            unit = (proposal.candidate.key, proposal.fidelity, proposal.memo.get("repeat"), proposal.fold)
            seen[unit] = seen.get(unit, 0) + 1
            groups.setdefault((*unit[:3], seen[unit]), []).append(one)
    folds = [_folds(group) for group in groups.values()]
    needed = min(max(folds, default=0), ENOUGH_FOLDS) / 2
    return [
        Attempt(
            at_s=max(asked_s.get(one.proposal.id, 0.0) + one.outcome.seconds for one in group),
            score=metric.value_of(fmean(one.loss for one in group)),
            origin=group[0].proposal.origin,
            name=describe(group[0].proposal.candidate),
            share=group[0].proposal.fidelity,
            whole=n_folds >= needed,
        )
        for group, n_folds in zip(groups.values(), folds, strict=True)
    ]


def _plan(path: Path) -> dict[str, Any]:
    """Read what was decided before the search; nothing where that is not kept."""
    if not path.is_file():
        return {}
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CorruptArtefactError(f"'{path}' is damaged ({error}). Restore it from a backup.") from error
    return kept


def _folds(group: Sequence[Trial]) -> int:
    """Count the folds that a candidate was scored on."""
    return sum(len(one.outcome.realised.get("fold_losses") or (0,)) for one in group)
