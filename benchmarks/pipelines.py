"""Evaluates every pipeline of a finite grammar on a few data sets, each by itself, and keeps the table.

    python benchmarks/pipelines.py --out tests/search/data/pipelines.json.gz

A search strategy can then be judged in seconds: what a pipeline would come to is looked up (`benchmarks/regret.py`).
The grammar is small enough to be written out whole: real components, their parameters that matter most in a few steps,
and preparations below them. Of a set's training rows (never its test rows) at most 700 are taken, in three folds; a
pipeline's loss is the mean over them, after learning from all rows, from a third and from a ninth of them. What fails
is kept as a failure. Stopped and begun again, or ended by `--seconds`, it goes on where it was. About a quarter of an
hour on one core.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import gzip
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from regret import every_tree, grammar_from, grammar_to

from tamis.core.candidate import Candidate
from tamis.core.component import BuildContext, Shape
from tamis.core.grammar import Grammar, Production
from tamis.core.kinds import TaskKind
from tamis.core.seeds import derive
from tamis.core.space import Choice, Space, When
from tamis.data.read import read_table
from tamis.evaluate.fidelity import subsample
from tamis.evaluate.splits import Folds
from tamis.pipelines import compile as pipelines
from tamis.pipelines.rules import LEAVES
from tamis.workflow.plan import Given, Plan, groups_of, make_plan
from tamis.workflow.settings import Settings

SETS = ("credit_g", "phoneme", "eucalyptus", "segment", "house_prices", "wine_quality")
"""Two of every task; one of the two with numbers alone, the other with levels and missing values too."""
MOST_ROWS, N_FOLDS = 700, 3
FIDELITIES = (9, 3, 1)
"""The training rows are divided by these."""
FEWEST_ROWS = 40
"""A trial learns from no fewer."""
ROUNDS = 40
"""Of the booster: few, for it is to be quick."""
DIGITS = 5

Values = Mapping[str, Sequence[Any]]


def steps(ordered: Values, unordered: Values | None = None, conditions: Sequence[When] = ()) -> Space:
    """Return a space of a few values for each parameter."""
    found = {name: Choice(list(options), ordered=True) for name, options in ordered.items()}
    found |= {name: Choice(list(options)) for name, options in (unordered or {}).items()}
    return Space(found, conditions)


def models(kind: TaskKind) -> list[Production]:
    """Write the models: those that want everything filled and scaled, and those of trees."""
    near = steps(
        {"n_neighbors": [5, 20]},
        {"weights": ["distance", "uniform"], "metric": ["euclidean", "manhattan"]},
        [When("metric", "weights", ["distance"])],
    )
    leaves = {"min_samples_leaf": [1, 4, 16]}
    if kind.is_classification:
        smooth = {
            "logistic": steps({"C": [0.001, 0.01, 0.1, 1.0, 10.0]}),
            "lda": steps({"shrinkage": [0.01, 0.1, 0.6]}),
            "naive_bayes": steps({"smoothing": [1e-6, 0.01]}),
            "svm": steps({"C": [0.3, 3.0], "gamma": [0.1, 1.0]}),
        }
    else:
        logs = {"log_target": [False, True]}
        smooth = {
            "ridge": steps({"alpha": [1.0, 10.0, 100.0]}, logs),
            "lasso": steps({"alpha": [0.001, 0.01, 0.1]}),
            "svm": steps({"C": [0.3, 3.0], "gamma": [0.1, 1.0]}, {"epsilon": [0.1]}),
            "kernel_ridge": steps({"alpha": [0.1, 1.0]}, {"kernel": ["rbf"]}),
        }
    trees = {
        "decision_tree": steps({"max_depth": [3, 6], "min_samples_leaf": [1, 10]}),
        "extra_trees": steps({**leaves, "max_features": [0.3, 0.75]}, {"n_estimators": [30]}),
        "histgb": steps({"learning_rate": [0.03, 0.1, 0.2], "max_leaf_nodes": [4, 16]}),
    }
    smooth["nearest_neighbors"] = near
    found = [Production("model", name, ("smooth",), space) for name, space in smooth.items()]
    return found + [Production("model", name, ("plain",), space) for name, space in trees.items()]


def leaf(symbol: str, group: str) -> Production:
    """Write the columns of a group."""
    return Production(symbol, "columns", (), Space({"roles": Choice([LEAVES[group]])}))


def grammar_of(kind: TaskKind, levels: bool) -> Grammar:
    """Write the whole grammar of a set, with or without columns of levels."""
    rules = [*models(kind), leaf("numbers", "numbers"), Production("imputed", "impute", ("numbers",))]
    scaled = [("impute", "numbers"), *((name, "imputed") for name in ("standardize", "quantile_normal", "minmax"))]
    bare = [("columns", None), ("arithmetic", "numbers")]
    for symbol, ways in {"scaled": scaled, "bare": bare}.items():
        for name, inside in ways:
            # A single part stands for itself, without a join.
            for place in [symbol] if levels else {"scaled": ["smooth", "filled"], "bare": ["plain", "whole"]}[symbol]:
                rules.append(leaf(place, "numbers") if inside is None else Production(place, name, (inside,)))
    if levels:
        rules += [leaf("levels", "levels")]
        rules += [Production("dummies", name, ("levels",)) for name in ("one_hot", "target_statistics")]
        rules += [Production("codes", name, ("levels",)) for name in ("codes", "target_statistics")]
        rules += [Production(place, "join", ("scaled", "dummies")) for place in ("smooth", "filled")]
        rules += [Production(place, "join", ("bare", "codes")) for place in ("plain", "whole")]
    rules += [
        Production("smooth", "univariate", ("filled",), steps({"percentile": [25, 60] if levels else [40, 60, 80]})),
        Production("smooth", "pca", ("filled",), steps({"n_components": [4, 16] if levels else [2, 4, 8]})),
        Production("plain", "model_gain", ("whole",), steps({"threshold": [0.3, 1.0]})),
    ]
    if not levels:
        rules.append(
            Production("smooth", "nystroem", ("filled",), steps({"gamma": [0.1, 1.0]}, {"n_components": [50]}))
        )
    return Grammar("model", rules)


class Work:
    """One data set, opened, and its grammar."""

    def __init__(self, name: str, folder: Path) -> None:
        from suite import data_sets

        one = next(data_sets([name]))
        frame = read_table(str(one.train)).frame
        order = np.random.default_rng(0).permutation(len(frame))[:MOST_ROWS]
        settings = Settings(target=one.target, task=one.task, metric=one.metric, n_folds=N_FOLDS, repeats=1)
        given = Given(frame.iloc[order].reset_index(drop=True))
        self.plan: Plan = make_plan(folder, settings, given, left_s=inf, tell=lambda line: None)
        self.dataset, self.folds = self.plan.rows(), Folds.open(self.plan.folds)
        self.grammar = grammar_of(self.plan.task.kind, groups_of(self.dataset.table).levels > 0)

    def about(self) -> dict[str, Any]:
        """Return what the table says of the set."""
        task = self.plan.task
        return {"task": str(task.kind), "metric": task.metric.name, "n_rows": self.dataset.n_rows,
                "n_columns": self.dataset.table.shape[1]}  # fmt: skip

    def judge(self, below: Candidate, trees: Sequence[Candidate]) -> list[dict[str, Any]]:
        """Evaluate trees that stand on the same preparation: by fidelity the mean loss and the seconds, or why not."""
        losses: dict[str, list[list[float]]] = {one.key: [] for one in trees}
        seconds: dict[str, list[float]] = {one.key: [] for one in trees}
        reasons: dict[str, str] = {}
        for part in FIDELITIES:
            for one in trees:
                losses[one.key].append([])
                seconds[one.key].append(0.0)
            for fold in range(N_FOLDS):
                self._fold(below, trees, (fold, 1 / part), (losses, seconds, reasons))
        rows = []
        for one in trees:
            means = [float(np.mean(found)) if len(found) == N_FOLDS else inf for found in losses[one.key]]
            kept = [float(f"{mean:.{DIGITS}g}") if isfinite(mean) else None for mean in means]
            row = {"losses": kept, "seconds": [float(f"{spent:.2g}") for spent in seconds[one.key]]}
            rows.append(row | ({"reason": reasons[one.key]} if one.key in reasons else {}))
        return rows

    def _fold(self, below: Candidate, trees: Sequence[Candidate], unit: tuple[int, float], found: Any) -> None:
        """Prepare a fold at a fidelity once, and fit every model on it."""
        (fold, fidelity), (losses, seconds, reasons) = unit, found
        task, catalogue, y = self.plan.task, self.plan.catalogue, self.dataset.y
        train, valid = self.folds.rows(fold)
        if fidelity < 1:
            train = subsample(train, y, fidelity, classification=task.kind.is_classification, minimum=FEWEST_ROWS)
        began = time.perf_counter()
        context = self._context(self.dataset.table.shape[1], len(train), derive(0, "prepare", below.key, fold))
        try:
            preparation = pipelines.prepare(below, catalogue, context)
            inside = preparation.fit_transform(self.dataset.rows(train), y[train], None)
            outside = preparation.transform(self.dataset.rows(valid))
        except Exception as error:
            reasons.update({one.key: f"{type(error).__name__}: {error}"[:200] for one in trees})
            return
        prepared_s = time.perf_counter() - began
        for one in trees:
            began = time.perf_counter()
            component = pipelines.find(one.component, catalogue)
            context = self._context(inside.shape[1], len(train), pipelines.seed_of(one, 0, fold))
            try:
                model = pipelines.fit_model(
                    one, component, context, matrix=pipelines.fit_for(component, inside), y=y[train], weight=None,
                    categories=preparation.categories_,
                )  # fmt: skip
                prediction = pipelines.predict(model, component, outside, task.kind.is_classification)
                losses[one.key][-1].append(float(task.loss(y[valid], np.nan_to_num(prediction), None)))
            except Exception as error:
                reasons[one.key] = f"{type(error).__name__}: {error}"[:200]
            seconds[one.key][-1] += prepared_s + time.perf_counter() - began

    def _context(self, n_columns: int, n_rows: int, seed: int) -> BuildContext:
        task = self.plan.task
        shape = Shape(n_rows, n_columns, max(1, task.n_outputs))
        realised = {"rounds": ROUNDS}  # a booster does not look for its own then
        return BuildContext(task.kind, shape, seed=seed, metric=task.metric.name, realised=realised)


def write(path: Path, table: Mapping[str, Any]) -> None:
    """Keep the table, whole or not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(table, separators=(",", ":")).encode()
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(gzip.compress(content, mtime=0))
    draft.replace(path)


def work_on(name: str, table: dict[str, Any], until: float) -> bool:
    """Evaluate what is missing of a set; return whether nothing is left."""
    entry = table["sets"].setdefault(name, {})
    with tempfile.TemporaryDirectory(prefix="pipelines-") as folder:
        work = Work(name, Path(folder))
        trees = list(every_tree(work.grammar))
        entry.setdefault("grammar", grammar_to(work.grammar))
        if [one.key for one in every_tree(grammar_from(entry["grammar"]))] != [one.key for one in trees]:
            sys.exit(f"The grammar of {name} is another now; begin a new table.")
        entry["about"] = work.about()
        rows = entry.setdefault("rows", [None] * len(trees))
        groups: dict[str, list[int]] = {}
        for number, one in enumerate(trees):
            if rows[number] is None:
                groups.setdefault(one.children[0].key, []).append(number)
        for numbers in groups.values():
            if time.monotonic() > until:
                return False
            below = trees[numbers[0]].children[0]
            for number, row in zip(numbers, work.judge(below, [trees[one] for one in numbers]), strict=True):
                rows[number] = row
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--seconds", type=float, default=inf, help="stop after so long, and keep what is there")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # of solvers that have not converged: that is their loss
    until = time.monotonic() + chosen.seconds
    table = json.loads(gzip.decompress(chosen.out.read_bytes())) if chosen.out.exists() else {"sets": {}}
    table["about"] = {"folds": N_FOLDS, "fidelities": [1 / part for part in FIDELITIES], "rounds": ROUNDS}
    for name in chosen.sets or SETS:
        rows = table["sets"].get(name, {}).get("rows")
        if rows and None not in rows:
            continue
        complete = work_on(name, table, until)
        rows = table["sets"][name]["rows"]
        print(f"{name}: {len(rows) - rows.count(None)} of {len(rows)}", flush=True)
        write(chosen.out, table)
        if not complete:
            sys.exit(3)  # there is more to do


if __name__ == "__main__":
    main()
