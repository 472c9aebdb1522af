"""What breeding adds to the population that a genetic search begins with.

    taskset -c 0 python benchmarks/breeding.py --limit 120 --out benchmarks/results/breeding

Of a set's training rows (never its test rows) 40 % are put aside, as in `searches.py`. Two runs get the same time: the
genetic search, and one that stops before the first child, whose time goes on with new folds of what it has. Judged on
the rows put aside are the model of each, and two candidates of the first run, each alone and fitted on all rows: the
best of those without parents, and the best of all. Writes OUT.json while it goes on (what is there is not run again)
and OUT.md, the table.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from refit import judged
from scipy.stats import wilcoxon
from searches import forget, split
from suite import DataSet, data_sets, machine

from tamis import AutoClassifier, AutoRegressor
from tamis.core.budget import BudgetView
from tamis.core.contracts import FINISHED, Finished
from tamis.core.trial import Proposal, Trial
from tamis.search.catalogue import Ingredients, strategy_named
from tamis.workflow.leaderboard import board_of, by_candidate

WAYS = ("population", "search", "best of the population", "best of the search")
"""The models of two runs, and two candidates alone."""


class Childless:
    """The genetic search until its first child."""

    def __init__(self, ingredients: Ingredients) -> None:
        self._whole = strategy_named("genetic", ingredients)
        self._ended = False

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        answer = FINISHED if self._ended else self._whole.ask(budget)
        if isinstance(answer, Proposal) and "parents" in answer.memo:
            answer = FINISHED
        self._ended = self._ended or answer is FINISHED
        return answer

    def tell(self, trial: Trial) -> None:
        self._whole.tell(trial)


def run(one: DataSet, order: Sequence[str], limit: float, seed: int) -> dict[str, Any]:
    """Search with children and without, and judge what came of both."""
    forget(one.name, order)
    learned, aside = split(one, seed)
    kind = AutoRegressor if one.task == "regression" else AutoClassifier
    X, y = learned.drop(columns=one.target), learned[one.target]
    options = {"time_limit": limit, "metric": one.metric, "random_state": seed}
    with tempfile.TemporaryDirectory() as place:
        childless = kind(**options, search=Childless).fit(X, y)
        bred = kind(**options, search="genetic", output=f"{place}/run").fit(X, y)
        ranked = [row["key"] for row in board_of(bred._trials, bred.model_).rows]
        groups = by_candidate(bred._trials)
        children = {key for key, trials in groups.items() if "parents" in trials[0].proposal.memo}
        founder = next(key for key in ranked if key not in children)
        models = (childless, bred, bred.take(founder), bred.take(ranked[0]))
        losses = {way: judged(model.model_, one, aside)["loss"] for way, model in zip(WAYS, models, strict=True)}
    return {"losses": losses, "candidates": len(groups), "children": len(children)}


def table(results: dict[str, Any]) -> str:
    """Return the comparison as Markdown."""
    told, sets = results["machine"], results["sets"]
    lines = [
        "# A genetic search beside its own first population", "",
        f"Loss on the 40 % of the training rows that were put aside, {results['limit_s']:g} s on {told['cores']} "
        f"core(s), {told['date']}, one seed; the better of each two in bold.", "",
        "| set | candidates | children | " + " | ".join(WAYS) + " |",
        "|---|--:|--:" + "|--:" * len(WAYS) + "|",
    ]  # fmt: skip
    for name, one in sets.items():
        losses = [one["losses"][way] for way in WAYS]
        best = {min(losses[:2]), min(losses[2:])}
        shown = [f"**{loss:.5g}**" if loss in best else f"{loss:.5g}" for loss in losses]
        lines.append(f"| {name} | {one['candidates']} | {one['children']} | " + " | ".join(shown) + " |")
    lines.append("")
    for before, after in (WAYS[:2], WAYS[2:]):
        ratios = np.array([one["losses"][after] / one["losses"][before] for one in sets.values()])
        ahead, behind = int((ratios < 1).sum()), int((ratios > 1).sum())
        sure = wilcoxon(np.log(ratios), alternative="less").pvalue if np.any(ratios != 1) else 1.0
        lines.append(
            f"- *{after}* beside *{before}*: {np.exp(np.log(ratios).mean()):.3f} times the loss in the geometric mean, "
            f"ahead on {ahead} sets and behind on {behind} (Wilcoxon, one-sided: p = {sure:.2g})."
        )
    return "\n".join([*lines, "", *results.get("notes", []), "", "Made by `python benchmarks/breeding.py`.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--orders", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    kept = chosen.out.with_suffix(".json")
    results = json.loads(kept.read_text()) if kept.exists() else {"limit_s": chosen.limit, "sets": {}}
    results.setdefault("machine", {name: machine()[name] for name in ("date", "cores", "memory_gb")})
    orders = json.loads(chosen.orders.read_text()) if chosen.orders else {}
    for one in data_sets(chosen.sets):
        if one.name not in results["sets"]:
            results["sets"][one.name] = run(one, orders.get(one.name, ()), chosen.limit, chosen.seed)
            kept.write_text(json.dumps(results, indent=1) + "\n")
            print(one.name, results["sets"][one.name], flush=True)
    chosen.out.with_suffix(".md").write_text(table(results))


if __name__ == "__main__":
    main()
