"""ImageClassifier on images, beside the same time spent on one fixed network without any search, and beside others.

    python benchmarks/images.py train.npz test.npz --limit 120 --seeds 3 --out benchmarks/results/mnist-120s

The files hold x and y, or are Parquet files of encoded images. `--beside 'autokeras=COMMAND'` runs another system: the
command, in which {train}, {test}, {limit}, {seed} and {out} are filled in, writes a JSON file with `score` and `fit_s`.
Each run is a process of its own. Writes OUT.json while it goes on (what is there is not run again), then OUT.md.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from suite import machine

WAYS = ("auto", "fixed")
"""With the search, and the known network alone for the whole time."""

PATIENCE_S = 120.0
"""So much longer than its limit a run of another system may take, and twice the limit, before it is ended."""

PROGRAM = """
import json, sys, time
began = time.monotonic()
import numpy as np
from tamis import ImageClassifier
from tamis.search.portfolio import PortfolioStrategy

train, test, limit, seed, way = sys.argv[1:6]
if train.endswith(".npz"):
    file, other = np.load(train), np.load(test)
    x, y, held = file["x"], file["y"], (other["x"], other["y"])
else:
    x, y, held = train, None, None
search = PortfolioStrategy([]) if way == "fixed" else way
clf = ImageClassifier(search=search, random_state=int(seed), time_limit=float(limit))
fitting = time.monotonic()
clf.fit(x, y)
seconds = time.monotonic() - fitting
if held is None:
    from tamis.data.image_sources import read_images
    from tamis.workflow.images.decoding import decoded
    reading = read_images(test, labelled=False)
    held = (decoded(reading, clf.model_.recipe.images), reading.labels)
board, history = clf.leaderboard_, clf.search_history_
finals = history[history["origin"] == "final"]
print(json.dumps({
    "accuracy": clf.evaluate(*held), "estimate": clf.score_estimate_["value"], "low": clf.score_estimate_["low"],
    "high": clf.score_estimate_["high"], "seconds": seconds, "n_networks": len(board),
    "search_share": round(1 - float(finals["seconds"].max()) / seconds, 3) if len(finals) else None,
    "peak_worker_mb": float(history["memory_mb"].max()),
    "best": board.iloc[0]["model"], "parameters": int(board.iloc[0]["parameters"]),
    "epochs": float(board.iloc[0]["epochs"]),
}))
"""


def run(train: str, test: str, limit: float, seed: int, way: str) -> dict[str, Any]:
    """Run one process; what went wrong is a result too."""
    words = [sys.executable, "-c", PROGRAM, train, test, f"{limit:g}", str(seed), way]
    began = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True)
    wall = time.monotonic() - began
    if done.returncode:
        return {"error": done.stderr[-400:], "wall": wall}
    return {**json.loads(done.stdout.splitlines()[-1]), "wall": wall}


def run_beside(command: str, train: str, test: str, limit: float, seed: int) -> dict[str, Any]:
    """Run another system by its command."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "result.json"
        filled = command.format(train=train, test=test, limit=f"{limit:g}", seed=seed, out=out)
        began = time.monotonic()
        try:
            done = subprocess.run(shlex.split(filled), capture_output=True, text=True, timeout=2 * limit + PATIENCE_S)
        except subprocess.TimeoutExpired:
            return {"error": "It did not end in twice its time.", "wall": time.monotonic() - began}
        wall = time.monotonic() - began
        told = json.loads(out.read_text()) if out.exists() else {"error": done.stderr[-400:]}
    if told.get("error"):
        return {"error": str(told["error"]), "wall": wall}
    about = {name: told.get(name) for name in ("version", "models_tried", "best_model", "peak_rss_mb")}
    return {"accuracy": told["score"], "seconds": told["fit_s"], "wall": wall, **about}


def row(way: str, seed: str, one: dict[str, Any]) -> str:
    """Write one run as a row; another system tells less of itself."""
    if "error" in one:
        return f"| {way} | {seed} | failed: {one['error'][-80:]} |"
    cells = [way, seed, f"{100 * one['accuracy']:.2f} %", f"{one['seconds']:.1f}"]
    if "low" in one:
        share = "" if one["search_share"] is None else f"{100 * one['search_share']:.0f} %"
        cells += [f"{100 * one['low']:.2f} to {100 * one['high']:.2f} %", str(one["n_networks"]), share, one["best"]]
        cells += [f"{one['parameters']:,}", f"{one['epochs']:.1f}", f"{one['peak_worker_mb']:.0f}"]
    else:
        cells += ["", str(one.get("models_tried") or ""), "", "", "", "", f"{one.get('peak_rss_mb') or 0:.0f}"]
    return f"| {' | '.join(cells)} |"


def table(results: dict[str, Any], limit: float) -> str:
    """Write the runs as a table for people."""
    lines = [
        f"# {results['name']}, {limit:g} s\n",
        "ImageClassifier with no option but the limit and the seed (auto), and the first of its known networks trained",
        "for the whole time without any search (fixed). Accuracy on the test images, looked at once. All runs are of",
        "one machine, one after the other.\n",
        "```json",
        json.dumps(results["machine"]),
        "```\n",
        "| way | seed | accuracy | fit s | the run said | networks | search | best | weights | epochs | worker MB |",
        "|---|--:|--:|--:|---|--:|--:|---|--:|--:|--:|",
        *(row(*key.split("/"), one) for key, one in results["runs"].items()),
        "",
    ]
    for way in dict.fromkeys(key.split("/")[0] for key in results["runs"]):
        done = [one for key, one in results["runs"].items() if key.startswith(f"{way}/") and "error" not in one]
        found = [100 * one["accuracy"] for one in done]
        if found:
            spread = f" ± {stdev(found):.2f} (between seeds)" if len(found) > 1 else ""
            lines.append(f"{way}: {mean(found):.2f} %{spread}, {len(found)} runs.  ")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--ways", nargs="*", default=list(WAYS))
    parser.add_argument("--beside", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    commands = dict(one.split("=", 1) for one in chosen.beside)
    kept = chosen.out.with_suffix(".json")
    results = json.loads(kept.read_text()) if kept.exists() else {
        "name": Path(chosen.train).stem, "machine": machine(), "runs": {}
    }  # fmt: skip
    for seed in range(chosen.seeds):
        for way in (*chosen.ways, *commands):
            key, what = f"{way}/{seed}", (chosen.train, chosen.test, chosen.limit, seed)
            if key not in results["runs"]:
                results["runs"][key] = run_beside(commands[way], *what) if way in commands else run(*what, way)
                kept.write_text(json.dumps(results, indent=1) + "\n")
                print(key, results["runs"][key], flush=True)
    chosen.out.with_suffix(".md").write_text(table(results, chosen.limit))


if __name__ == "__main__":
    main()
