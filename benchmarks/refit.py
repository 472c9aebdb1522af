"""Which fitted models a run's model should be made of: those of the folds, or one of each member on all rows.

    taskset -c 0 python benchmarks/refit.py --limit 60 --out benchmarks/results/refit

Of a set's training rows (never its test rows) 40 % are put aside; Tamis learns from the rest, with the orders of
starting configurations given by `--orders` (learned without the set, see `peers/run.py`), and models made of the same
run predict the rows put aside: with all fold models, with those of the first drawing of the folds, with each member
fitted once more on all rows, and with the mean of the first and the third. Writes OUT.json while it goes on (what is
there is not run again) and OUT.md, the table.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from suite import DataSet, data_sets, machine

from tamis import AutoClassifier, AutoRegressor
from tamis.data.read import read_table
from tamis.pipelines.orders import Orders
from tamis.workflow.model import Model
from tamis.workflow.objective import ALL_ROWS
from tamis.workflow.refit import refit

WHATS = ("loss", "rows_per_s")
ASIDE, TIMED_ROWS, ENOUGH = 0.4, 5_000, 1_000
WAYS = ("all folds", "first folds", "all rows", "both")


def judged(model: Model, one: DataSet, rows: pd.DataFrame) -> dict[str, float]:
    """Return the loss on the rows put aside, and how many rows are predicted in a second."""
    y, X = rows[one.target].to_numpy(), rows.drop(columns=one.target)
    found = model._predict_rows(X)
    many = pd.concat([X] * -(-TIMED_ROWS // len(X)), ignore_index=True).iloc[:TIMED_ROWS]
    began = time.perf_counter()
    model._predict_rows(many)
    rows_per_s = TIMED_ROWS / (time.perf_counter() - began)
    if one.metric == "rmse":
        loss = root_mean_squared_error(y, found)
    elif one.metric == "roc_auc":
        loss = 1 - roc_auc_score(y.astype(str) == str(model.task.classes[1]), found[:, 1])
    else:
        loss = log_loss(y.astype(str), found, labels=[*map(str, model.task.classes)])
    return {"loss": float(loss), "rows_per_s": rows_per_s}


def run(one: DataSet, order: Sequence[str], limit: float) -> dict[str, Any]:
    """Search once, and judge the models that can be made of it."""
    if order:
        # No option: who measures an order learned without the set reaches inside.
        Orders.shipped = classmethod(lambda cls: Orders(tuple(order)))  # type: ignore[method-assign, assignment]
    frame = read_table(str(one.train)).frame
    frame = frame[frame[one.target].notna()]
    even = None if one.task == "regression" else frame[one.target]
    learned, aside = train_test_split(frame, test_size=ASIDE, random_state=0, stratify=even)
    kind = AutoRegressor if one.task == "regression" else AutoClassifier
    with tempfile.TemporaryDirectory() as place:
        folder = f"{place}/run"
        options = {"time_limit": limit, "metric": one.metric, "preset": "best", "output": folder}
        model = kind(**options).fit(learned.drop(columns=one.target), learned[one.target]).model_
        small = refit(folder, f"{place}/small", members=max(2, len(model.recipe.members)))
        models = (of_folds(model, inf), of_folds(model, n_folds(model)), small, model)
        ways = {name: judged(each, one, aside) for name, each in zip(WAYS, models, strict=True)}
    return {"n_rows": len(learned), "n_aside": len(aside), "metric": one.metric, **ways}


def of_folds(model: Model, most: float) -> Model:
    """Return the model made of those fitted on the first folds, without those fitted on all rows."""
    members = tuple(
        replace(each, units=tuple(unit for unit in each.units if ALL_ROWS < unit.fold < most) or each.units)
        for each in model.recipe.members
    )
    return Model(replace(model.recipe, members=members), model.parts)


def n_folds(model: Model) -> int:
    """Return how many folds one drawing has."""
    assert model.recipe.origin is not None, "a model for tables"
    return model.recipe.origin.scheme.n_folds


def table(results: dict[str, Any]) -> str:
    """Return the comparison as Markdown."""
    told = results["machine"]
    lines = [
        "# Models of the folds, or one on all rows", "",
        f"Loss on the {100 * ASIDE:.0f} % of the training rows that were put aside, relative to the model made of all "
        "fold models of the run, and how many times as many rows are predicted in a second. "
        f"{results['limit_s']:g} s for each run, {told['cores']} core(s), {told['date']}, one seed.", "",
        "| set | rows learned from | " + " | ".join(f"{way}: loss | speed" for way in WAYS[1:]) + " |",
        "|---" + "|--:" * (2 * len(WAYS) - 1) + "|",
    ]  # fmt: skip
    ratios: dict[bool, list[list[float]]] = {True: [], False: []}
    for name, one in sorted(results["sets"].items(), key=lambda item: item[1]["n_rows"]):
        found = [one[way][what] / one[WAYS[0]][what] if way in one else nan for way in WAYS[1:] for what in WHATS]
        ratios[one["n_rows"] >= ENOUGH].append(found)
        lines.append(f"| {name} | {one['n_rows']:,} | " + " | ".join(shown(found)) + " |")
    for enough, words in ((False, f"fewer than {ENOUGH:,} rows"), (True, f"{ENOUGH:,} rows or more")):
        if ratios[enough]:
            mean = np.exp(np.log(np.array(ratios[enough])).mean(axis=0))
            lines.append(f"| geometric mean, {words} | | " + " | ".join(shown(mean)) + " |")
    return "\n".join([*lines, "", *results.get("notes", []), "", "Made by `python benchmarks/refit.py`.", ""])


def shown(ratios: Sequence[float]) -> list[str]:
    """Write ratios of losses and of speeds in turn."""
    return [
        "" if isnan(one) else f"{one:.3f}" if number % 2 == 0 else f"{one:.1f}" for number, one in enumerate(ratios)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--orders", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    kept = chosen.out.with_suffix(".json")
    results = json.loads(kept.read_text()) if kept.exists() else {"limit_s": chosen.limit, "sets": {}}
    results.setdefault("machine", {name: machine()[name] for name in ("date", "cores", "memory_gb")})
    orders = json.loads(chosen.orders.read_text()) if chosen.orders else {}
    for one in data_sets(chosen.sets):
        if one.name not in results["sets"]:
            results["sets"][one.name] = run(one, orders.get(one.name, ()), chosen.limit)
            kept.write_text(json.dumps(results, indent=1) + "\n")
            print(one.name, results["sets"][one.name], flush=True)
    chosen.out.with_suffix(".md").write_text(table(results))


if __name__ == "__main__":
    main()
