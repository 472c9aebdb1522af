"""Which search finds the better model in the same time, judged on training rows that were put aside.

    taskset -c 0 python benchmarks/searches.py --limit 60 --searches auto random --out benchmarks/results/searches

Of a set's training rows (never its test rows) 40 % are put aside; each search learns from the rest, with the starting
configurations given by `--orders` (learned without the set, see `peers/run.py`) and a warm start that does not know it.
Writes OUT.json while it goes on (what is there is not run again) and OUT.md, the table: a search of which some sets are
missing is not ranked.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from refit import ASIDE, judged
from scipy.stats import rankdata
from sklearn.model_selection import train_test_split
from suite import DataSet, data_sets, machine

from tamis import AutoClassifier, AutoRegressor
from tamis.data.read import read_table
from tamis.pipelines.orders import Orders
from tamis.pipelines.warm import WarmStart

KNOWN = WarmStart.shipped()


def forget(name: str, order: Sequence[str]) -> None:
    """Let no starting candidate have been chosen by what is known of a set.

    No option: who measures without the set reaches inside.
    """
    if order:
        Orders.shipped = classmethod(lambda cls: Orders(tuple(order)))  # type: ignore[method-assign, assignment]
    others = WarmStart(tuple(one for one in KNOWN.known if one.name != name), KNOWN.near)
    WarmStart.shipped = classmethod(lambda cls: others)  # type: ignore[method-assign, assignment]


def split(one: DataSet, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the training rows to learn from, and those that are put aside."""
    frame = read_table(str(one.train)).frame
    frame = frame[frame[one.target].notna()]
    even = None if one.task == "regression" else frame[one.target]
    learned, aside = train_test_split(frame, test_size=ASIDE, random_state=seed, stratify=even)
    return learned, aside


def run(one: DataSet, search: str, order: Sequence[str], limit: float, seed: int) -> dict[str, float]:
    """Search once, and judge the model on the rows put aside."""
    forget(one.name, order)
    learned, aside = split(one, seed)
    kind = AutoRegressor if one.task == "regression" else AutoClassifier
    with tempfile.TemporaryDirectory() as place:
        options = {"time_limit": limit, "metric": one.metric, "search": search, "random_state": seed}
        model = kind(**options, output=f"{place}/run").fit(learned.drop(columns=one.target), learned[one.target])
        return judged(model.model_, one, aside)


def table(results: dict[str, Any]) -> str:
    """Return the comparison as Markdown."""
    told, losses = results["machine"], results["losses"]
    searches = sorted({search for found in losses.values() for search in found})
    whole = [one for one in losses if len(losses[one]) == len(searches)]
    lines = [
        "# Searches side by side", "",
        f"Loss on the {100 * ASIDE:.0f} % of the training rows that were put aside, after {results['limit_s']:g} s on "
        f"{told['cores']} core(s), {told['date']}, one seed; the best of each set in bold.", "",
        "| set | " + " | ".join(searches) + " |",
        "|---" + "|--:" * len(searches) + "|",
    ]  # fmt: skip
    for name, found in losses.items():
        best = min(found.values())
        shown = [f"{found[one]:.5g}" if one in found else "" for one in searches]
        bold = [f"**{text}**" if found.get(one) == best else text for one, text in zip(searches, shown, strict=True)]
        lines.append(f"| {name} | " + " | ".join(bold) + " |")
    if whole:
        matrix = np.array([[losses[name][one] for one in searches] for name in whole])
        ranks = np.array([rankdata(row) for row in matrix]).mean(axis=0)
        relative = np.exp(np.log(matrix / matrix.min(axis=1, keepdims=True)).mean(axis=0))
        lines.append("| mean rank | " + " | ".join(f"{one:.2f}" for one in ranks) + " |")
        lines.append("| times the best, geometric mean | " + " | ".join(f"{one:.3f}" for one in relative) + " |")
    return "\n".join([*lines, "", *results.get("notes", []), "", "Made by `python benchmarks/searches.py`.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--searches", nargs="+", default=["auto", "random"])
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--orders", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    kept = chosen.out.with_suffix(".json")
    results = json.loads(kept.read_text()) if kept.exists() else {"limit_s": chosen.limit, "losses": {}}
    results.setdefault("machine", {name: machine()[name] for name in ("date", "cores", "memory_gb")})
    orders = json.loads(chosen.orders.read_text()) if chosen.orders else {}
    for one in data_sets(chosen.sets):
        found = results["losses"].setdefault(one.name, {})
        for search in chosen.searches:
            if search not in found:
                found[search] = run(one, search, orders.get(one.name, ()), chosen.limit, chosen.seed)["loss"]
                kept.write_text(json.dumps(results, indent=1) + "\n")
                print(one.name, search, found[search], flush=True)
    chosen.out.with_suffix(".md").write_text(table(results))


if __name__ == "__main__":
    main()
