"""Runs AutoML systems side by side on the same tables, with the same time on the same cores, and compares them.

    python benchmarks/peers/run.py --limit 60 --systems tamis autogluon:best_quality flaml --out OUT credit_g abalone

Each system but Tamis lives in an environment of its own, `TAMIS_PEERS/NAME` (see README.md), and is run by
`adapters.py`, one after the other, set by set. OUT.json keeps every run as it ends, and what is there is not run again,
so that the whole can be stopped and gone on with; OUT.md is the comparison. With `--speed` predictions are timed as
well. Names of sets may follow; the whole suite otherwise. `--compare` writes the comparison anew and runs nothing;
`--note` keeps a line that stands above it, and `--beside OTHER.json` sets Tamis against what others did in other
seconds. `--orders` gives, for each set, the order of starting configurations that was learned without it
(`portfolio/learn.py --left-out`). Systems get the cores that this program may use: `taskset -c 0` and `taskset -c 1`
before it, and two runs go on side by side with a core each.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import numpy as np
from compare import beside, comparison
from suite import DataSet, data_sets, machine, watch

PEERS = Path(os.environ.get("TAMIS_PEERS", "peers"))
ADAPTERS = Path(__file__).resolve().with_name("adapters.py")
SYSTEMS = (
    "tamis", "autogluon:best_quality", "autogluon:medium_quality", "flaml", "h2o", "lightautoml", "mljar", "tpot",
    "autosklearn", "baseline",
)  # fmt: skip


def run(system: str, one: DataSet, chosen: argparse.Namespace) -> dict[str, Any]:
    """Run a system on a set; what went wrong stands in the record's `error`."""
    name, limit = system.partition(":")[0], chosen.limit
    orders = json.loads(chosen.orders.read_text()) if chosen.orders and name == "tamis" else {}
    order = ",".join(orders.get(one.name, ()))
    python = sys.executable if name in ("tamis", "baseline") else str(PEERS / name / "bin" / "python")
    with tempfile.TemporaryDirectory(prefix="peer-") as place:
        command = [python, str(ADAPTERS), system, "--train", str(one.train), "--test", str(one.test), "--target",
                   one.target, "--task", one.task, "--metric", one.metric, "--limit", f"{limit:g}", "--seed",
                   str(chosen.seed), "--cores", str(len(os.sched_getaffinity(0))), "--out", place, "--order", order,
                   *["--speed"] * chosen.speed]  # fmt: skip
        watched = watch(command, timeout_s=4 * limit + 600)
        try:
            record: dict[str, Any] = json.loads(Path(place, "run.json").read_text())
        except FileNotFoundError:
            record = {"system": name, "error": f"ended with code {watched.code}: {watched.out[-300:]}"}
        if not record["error"]:
            kept = np.load(f"{place}/predictions.npz")
            record["score"] = score(one, kept["found"], kept["truth"])
            if not np.isfinite(record["score"]):
                record["error"] = "its predictions are not finite"
    if order:
        record["order"] = "learned without the set"
    return {**record, "metric": one.metric, "wall_s": watched.seconds, "peak_mb": watched.peak_mb}


def score(one: DataSet, found: np.ndarray, truth: np.ndarray) -> float:
    """Score predictions, the same way for every system."""
    from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

    if one.metric == "rmse":
        return float(root_mean_squared_error(truth, found.reshape(-1)))
    if one.metric == "roc_auc":
        return float(roc_auc_score(truth == 1, found[:, 1]))
    shares = np.clip(found, 1e-15, None)
    return float(log_loss(truth, shares / shares.sum(axis=1, keepdims=True), labels=range(found.shape[1])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--systems", nargs="+", default=SYSTEMS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--orders", type=Path)
    parser.add_argument("--note", action="append", default=[])
    parser.add_argument("--beside", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    kept = chosen.out.with_suffix(".json")
    results = json.loads(kept.read_text()) if kept.exists() else {"limit_s": chosen.limit, "sets": {}}
    results["notes"] = chosen.note or results.get("notes", [])
    for one in data_sets(chosen.sets):
        for system in () if chosen.compare else chosen.systems:
            mine = results["sets"].setdefault(one.name, {})
            if system in mine:
                continue
            mine[system] = {**run(system, one, chosen), **when()}
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(results, indent=1) + "\n")
            told = {name: mine[system].get(name) for name in ("score", "fit_s", "peak_mb", "error")}
            print(one.name, system, told, flush=True)
    kept.write_text(json.dumps(results, indent=1) + "\n")
    others = [json.loads(path.read_text()) for path in chosen.beside]
    chosen.out.with_suffix(".md").write_text(comparison(results) + "".join(beside(results, other) for other in others))


def when() -> dict[str, Any]:
    """Return the day and the machine of a run."""
    found = machine()
    return {name: found[name] for name in ("date", "cores", "memory_gb")}


if __name__ == "__main__":
    main()
