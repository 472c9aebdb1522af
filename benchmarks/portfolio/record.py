"""Tries every starting configuration on every data set, and keeps what each predicts and what it costs.

    python benchmarks/portfolio/record.py --out benchmarks/portfolio/data

Of a set's training rows (never its test rows) at most 5,000 are taken; a third of them is put aside to judge, the rest
is learned from in two folds, with five seconds for each fit on one core. OUT/SET.npz holds the predictions of every
configuration for rows held out by the folds and for the rows put aside, and the seconds of its fits. What is there is
not run again, so it can be stopped and gone on with; names of sets may follow.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from suite import DataSet, data_sets

from tamis.core.budget import Budget, BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.trial import Proposal, Trial
from tamis.data.metafeatures import metafeatures
from tamis.data.read import read_table
from tamis.evaluate.splits import Folds
from tamis.pipelines.portfolio import candidate_of
from tamis.pipelines.starts import SPARSE_STARTS, STARTS
from tamis.run.local import LocalExecutor
from tamis.run.loop import search
from tamis.store.artefacts import FolderArtefacts
from tamis.store.journal import open_journal
from tamis.workflow.ensembling import unit_of
from tamis.workflow.kinds import TABLE_PRELOAD
from tamis.workflow.mixing import Member
from tamis.workflow.model import Model
from tamis.workflow.objective import load_array
from tamis.workflow.plan import Given, Plan, groups_of, make_plan
from tamis.workflow.settings import Settings

MOST_ROWS, JUDGING, N_FOLDS, LIMIT_S = 5_000, 1 / 3, 2, 5.0
KEPT_OUT_OF_FOLD, KEPT_JUDGING = 1_500, 1_000
"""Rows whose predictions are kept, at most: enough to mix by and to compare with."""


class EveryFold:
    """Asks every fold of every candidate, each for the same time."""

    def __init__(self, candidates: Sequence[Candidate], n_folds: int) -> None:
        self.left = [(one, fold) for one in candidates for fold in range(n_folds)]

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return the next fit."""
        if not self.left:
            return FINISHED
        candidate, fold = self.left.pop(0)
        return Proposal(candidate, fold=fold, limit_s=LIMIT_S, origin="record")

    def tell(self, trial: Trial) -> None:
        """Learn nothing."""


def rows_of(one: DataSet) -> Any:
    """Return at most so many of a set's training rows, in random order."""
    frame = read_table(str(one.train)).frame
    order = np.random.default_rng(0).permutation(len(frame))[:MOST_ROWS]
    return frame.iloc[order].reset_index(drop=True)


def planned(one: DataSet, frame: Any, folder: Path) -> Plan:
    """Plan the folds of the rows that are learned from."""
    settings = Settings(target=one.target, task=one.task, metric=one.metric, n_folds=N_FOLDS, repeats=1)
    return make_plan(folder, settings, Given(frame), left_s=inf, tell=lambda line: None)


def record(one: DataSet, out: Path, jobs: int) -> None:
    """Run a set, and write its file."""
    frame = rows_of(one)
    n_judging = int(JUDGING * len(frame))
    judging, learning = frame.iloc[:n_judging], frame.iloc[n_judging:].reset_index(drop=True)
    with tempfile.TemporaryDirectory(prefix="portfolio-") as place:
        folder = Path(place)
        plan = planned(one, learning, folder)
        dataset = plan.rows()
        groups, (n_rows, n_columns) = groups_of(dataset.table), dataset.table.shape
        starts = SPARSE_STARTS if groups.sparse else STARTS
        named: dict[str, Candidate] = {}
        for name, start in starts.items():
            tree = candidate_of(start, groups, plan.task.kind, n_rows, n_columns, plan.catalogue)
            if tree is not None and tree.key not in {other.key for other in named.values()}:
                named[name] = tree
        executor = LocalExecutor(jobs, folder=folder / "artefacts", threads=1, memory_mb=8_000, preload=TABLE_PRELOAD)
        journal = open_journal(folder / "journal.sqlite")
        try:
            executor.begin(plan.objective)
            search(EveryFold(list(named.values()), N_FOLDS), executor, journal, Budget(limit_s=inf))
            trials = list(journal.trials())
        finally:
            executor.close()
            journal.close()
        write(out, one, plan, named, trials, judging, FolderArtefacts(folder / "artefacts"))


def write(
    out: Path, one: DataSet, plan: Plan, named: dict[str, Candidate], trials: list[Trial], judging: Any,
    store: FolderArtefacts,
) -> None:  # fmt: skip
    """Gather the predictions of every configuration and write them."""
    dataset, folds = plan.rows(), Folds.open(plan.folds)
    rng = np.random.default_rng(1)
    rows = np.sort(rng.permutation(dataset.n_rows)[:KEPT_OUT_OF_FOLD])
    table = plan.blank((0.0,), 0.0)
    blank = Model(table, {}, plan.catalogue)
    coded, known = plan.coder.transform(judging[one.target])
    chosen = np.flatnonzero(known)[:KEPT_JUDGING]
    held = blank.table(judging.iloc[chosen].drop(columns=one.target))
    names, seconds, inside, outside = [], [], [], []
    for name, candidate in named.items():
        mine = [trial for trial in trials if trial.proposal.candidate.key == candidate.key]
        done = [trial for trial in mine if trial.done]
        spent = sum(trial.outcome.seconds for trial in mine)
        once = any("fold_losses" in trial.outcome.realised for trial in done)
        prediction = None
        for trial in done:
            values = load_array(store.get(trial.outcome.artefacts["predictions"]))
            fold = np.arange(dataset.n_rows) if len(values) == dataset.n_rows else folds.rows(trial.proposal.fold)[1]
            if prediction is None:
                prediction = np.full((dataset.n_rows, *values.shape[1:]), np.nan)
            prediction[fold] = values
        whole = prediction is not None and np.isfinite(prediction).all()
        names.append(name)
        seconds.append((done[0].outcome.seconds if once else spent) if whole else -spent)
        if not whole:
            continue
        inside.append(prediction[rows])
        units = tuple(unit_of(trial) for trial in (done[:1] if once else done))
        parts = {key: store.get(key) for unit in units for key in (unit.preparation, unit.model)}
        recipe = plan.blank(table.constant, 0.0)
        recipe = type(recipe)(**{**vars(recipe), "members": (Member(candidate.to_json(), 1.0, units),)})
        outside.append(Model(recipe, parts, plan.catalogue).predict_raw(held))
    about = {"set": one.name, "task": str(plan.task.kind), "metric": plan.task.metric.name,
             "classes": list(map(str, plan.task.classes or ())), "names": names, "seconds": seconds,
             "metafeatures": metafeatures(dataset, plan.task.kind), "n_rows": dataset.n_rows}  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    kept = np.float32 if plan.task.kind == "regression" else np.float16
    draft = out / f"{one.name}.tmp.npz"
    np.savez_compressed(
        draft, about=json.dumps(about), y=dataset.y[rows], judged=coded[chosen],
        inside=np.array(inside, dtype=kept), outside=np.array(outside, dtype=kept),
    )  # fmt: skip
    draft.replace(out / f"{one.name}.npz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--jobs", type=int, default=2, help="fits beside each other, each on one core")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    for one in data_sets(chosen.sets):
        if not (chosen.out / f"{one.name}.npz").exists():
            began = time.monotonic()
            record(one, chosen.out, chosen.jobs)
            print(f"{one.name}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
