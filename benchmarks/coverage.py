"""How often the interval that comes with the score holds the score on held-out rows.

python benchmarks/coverage.py --limit 10 --seeds 3 --out benchmarks/results/coverage-10s
"""

import argparse
import json
from pathlib import Path
from typing import Any

from suite import data_sets, machine
from tabular import run_tamis


def table(results: dict[str, Any], limit: float) -> str:
    lines = [
        f"# The interval of the score, {limit:g} s a run\n",
        "Each run says an interval that should hold the score on fresh rows nine times in ten. A fresh table is taken",
        "to be a third as long as the training rows; where the test rows of a set are fewer or more, it holds a little",
        "less or more often.\n",
        "```json",
        json.dumps(results["machine"]),
        "```\n",
        "| set | seed | metric | low | estimate | high | held-out score | |",
        "|---|--:|---|--:|--:|--:|--:|---|",
    ]
    held = []
    for name, one in sorted(results["runs"].items()):
        set_name, seed = name.rsplit("/", 1)
        if "score" not in one or not one.get("estimate"):
            lines.append(f"| {set_name} | {seed} | no interval |")
            continue
        said = one["estimate"]
        inside = said["low"] <= one["score"] <= said["high"]
        held.append(inside)
        word = "inside" if inside else "above" if one["score"] > said["high"] else "below"
        lines.append(
            f"| {set_name} | {seed} | {one['metric']} | {said['low']:.5g} | {said['value']:.5g} | {said['high']:.5g} | "
            f"{one['score']:.5g} | {word} |"
        )
    lines.append(f"\nHeld in {sum(held)} of {len(held)} runs: {100 * sum(held) / len(held):.1f} %.")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--limit", type=float, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    kept = chosen.out.with_suffix(".json")
    results = json.loads(kept.read_text()) if kept.exists() else {"machine": machine(), "runs": {}}
    for seed in range(chosen.seeds):
        for one in data_sets(chosen.sets):
            if f"{one.name}/{seed}" not in results["runs"]:
                record = run_tamis(one, chosen.limit, seed, "balanced")
                results["runs"][f"{one.name}/{seed}"] = record
                kept.write_text(json.dumps(results, indent=1) + "\n")
                print(one.name, seed, record.get("score"), record.get("estimate"), record["seconds"], flush=True)
    chosen.out.with_suffix(".md").write_text(table(results, chosen.limit))


if __name__ == "__main__":
    main()
