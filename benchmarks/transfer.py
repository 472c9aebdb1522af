"""Transfer beside learning from scratch: accuracy against the count of training examples, and against seconds.

    python benchmarks/transfer.py FOLDER [FOLDER ...] --examples 50 100 0 --seeds 3 --out benchmarks/results/transfer

Each folder holds images, as `train` and `test` with a folder for each class in both, or texts, as `train.csv.gz`,
`test.csv.gz` and `meta.json`. `--examples 0` stands for all. Each run is a process of its own. Writes OUT.json while it
goes on (what is there is not run again), then OUT.md and OUT.svg.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

WAYS = {"transfer": "small", "both": None, "scratch": "none"}
"""What `backbone=` is: our own for images alone, what happens unasked (pretrained networks compete with all else), and
none."""
COLOURS = {"transfer": "#1f77b4", "both": "#2ca02c", "scratch": "#d62728"}
PATIENCE_S = 120.0

PROGRAM = """
import json, sys, time
from pathlib import Path
import numpy as np
import pandas as pd
from tamis import ImageClassifier, TextClassifier

folder, examples, seconds, seed, backbone = sys.argv[1:6]
of_texts = Path(folder, "train.csv.gz").is_file()

def images(part):
    found = sorted(path for path in Path(folder, part).glob("*/*") if path.is_file())
    return np.array([str(path) for path in found]), np.array([path.parent.name for path in found])

def texts(part):
    meta, frame = json.loads(Path(folder, "meta.json").read_text()), pd.read_csv(Path(folder, part + ".csv.gz"))
    return frame[meta["text_columns"]], frame[meta["target"]].astype(str).to_numpy()

read = texts if of_texts else images
x, y = read("train")
if int(examples):
    order = np.random.default_rng(int(seed)).permutation(len(x))
    each = int(examples) // len(set(y))
    kept = sorted(row for one in sorted(set(y)) for row in [row for row in order if y[row] == one][:each])
    x, y = (x.iloc[kept] if of_texts else x[kept]), y[kept]
x_test, y_test = read("test")
kind = TextClassifier if of_texts else ImageClassifier
clf = kind(time_limit=float(seconds), random_state=int(seed), backbone=json.loads(backbone))
began = time.monotonic()
clf.fit(x if of_texts else list(x), y)
took = time.monotonic() - began
accuracy = float((clf.predict(x_test if of_texts else list(x_test)) == y_test).mean())
best = clf.leaderboard_.iloc[0]["model"]
print(json.dumps({"n": len(x), "accuracy": accuracy, "took": round(took, 1), "best": best}))
"""


def run(folder: str, examples: int, seconds: float, seed: int, way: str) -> dict[str, Any]:
    """Run one fit in a process of its own, with an empty cache."""
    given = [folder, str(examples), str(seconds), str(seed), json.dumps(WAYS[way])]
    with tempfile.TemporaryDirectory() as cache:  # no embeddings of an earlier run
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, *given],
            capture_output=True,
            text=True,
            timeout=2 * seconds + PATIENCE_S,
            env={**os.environ, "TAMIS_CACHE": cache},
        )
    told = {"set": Path(folder).name, "examples": examples, "seconds": seconds, "seed": seed, "way": way}
    if done.returncode:
        return {**told, "error": done.stderr[-500:]}
    return {**told, **json.loads(done.stdout.splitlines()[-1])}


def table(rows: list[dict[str, Any]]) -> str:
    """Write the means over seeds as Markdown."""
    lines = ["# Transfer beside learning from scratch", ""]
    lines += [
        "Test accuracy, the mean over seeds; `transfer` is our own small backbone for images alone, `both` what",
        "happens unasked, where pretrained networks compete with all else, `scratch` is without any.",
    ]
    lines += ["", "| set | examples | seconds | " + " | ".join(WAYS) + " | seeds |", "|---" * (len(WAYS) + 4) + "|"]
    keys = sorted({(row["set"], row["n"], row["seconds"]) for row in rows if "accuracy" in row})
    for key in keys:
        cells = []
        counts = []
        for way in WAYS:
            found = [row["accuracy"] for row in rows if row["way"] == way and "accuracy" in row
                     and (row["set"], row["n"], row["seconds"]) == key]  # fmt: skip
            counts.append(len(found))
            cells.append(f"{mean(found):.4f}" if found else "")
        lines.append(f"| {key[0]} | {key[1]:,} | {key[2]:g} | " + " | ".join(cells) + f" | {max(counts)} |")
    return "\n".join(lines) + "\n"


def picture(rows: list[dict[str, Any]]) -> str:
    """Draw the mean error of each set against the count of examples, and against seconds."""
    done = [row for row in rows if "accuracy" in row]
    sets = sorted({row["set"] for row in done})
    panels = [(name, axis) for name in sets for axis in ("n", "seconds")]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {340 * 2} {230 * len(sets)}" '
        'font-family="sans-serif" font-size="11" fill="#333">'
    ]
    for number, (name, axis) in enumerate(panels):
        left, top = 340 * (number % 2) + 50, 230 * (number // 2) + 30
        mine = [row for row in done if row["set"] == name]
        other = "seconds" if axis == "n" else "n"
        most = max(row[other] for row in mine)
        mine = [row for row in mine if row[other] == most]
        places = sorted({row[axis] for row in mine})
        low = min(row["accuracy"] for row in mine) - 0.02
        word = "training examples" if axis == "n" else "seconds"
        parts.append(f'<text x="{left}" y="{top - 12}" font-weight="bold">{name}: accuracy against {word}</text>')
        parts.append(f'<path d="M{left} {top}V{top + 150}H{left + 260}" fill="none" stroke="#999"/>')
        for share in (0.0, 0.5, 1.0):
            value = low + share * (1 - low)
            parts.append(f'<text x="{left - 6}" y="{top + 154 - 150 * share:.0f}" text-anchor="end">{value:.2f}</text>')
        across = {place: left + 15 + 230 * at / max(1, len(places) - 1) for at, place in enumerate(places)}
        for place, x in across.items():
            parts.append(f'<text x="{x:.0f}" y="{top + 166}" text-anchor="middle">{place:g}</text>')
        for at, (way, colour) in enumerate(COLOURS.items()):
            points = []
            for place in places:
                found = [row["accuracy"] for row in mine if row["way"] == way and row[axis] == place]
                if found:
                    points.append((across[place], top + 150 - 150 * (mean(found) - low) / (1 - low)))
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
            parts.append(f'<text x="{left + 85 * at}" y="{top + 184}" fill="{colour}">{way}</text>')
    return "".join(parts) + "</svg>\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--examples", type=int, nargs="+", default=[100, 0])
    parser.add_argument("--seconds", type=float, nargs="+", default=[60.0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=["both", "scratch"])
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    kept = args.out.with_suffix(".json")
    rows = json.loads(kept.read_text()) if kept.exists() else []
    rows = [row for row in rows if "accuracy" in row]  # what failed is tried once more
    names = ("set", "examples", "seconds", "seed", "way")
    there = {tuple(row[name] for name in names) for row in rows}
    for seed in range(args.seeds):
        for seconds in args.seconds:
            for examples in args.examples:
                for folder in args.folders:
                    for way in args.ways:
                        if (Path(folder).name, examples, seconds, seed, way) in there:
                            continue
                        rows.append(run(folder, examples, seconds, seed, way))
                        print(json.dumps(rows[-1]), flush=True)
                        kept.parent.mkdir(parents=True, exist_ok=True)
                        kept.write_text(json.dumps(rows, indent=1) + "\n")
    args.out.with_suffix(".md").write_text(table(rows))
    args.out.with_suffix(".svg").write_text(picture(rows))


if __name__ == "__main__":
    main()
