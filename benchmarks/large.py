"""How time and memory grow with the rows and the columns of a table, and what becomes of awkward ones.

    python benchmarks/large.py --limit 60 --systems tamis flaml --out benchmarks/results/large-60s

Tables are made up: numbers and levels, some of which the target follows from. Each system is run as by `peers/run.py`.
Writes OUT.json while it goes on (what is there is not run again), then OUT.md. Names of cases may follow.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
import numpy as np
import pandas as pd
from suite import DataSet, machine

from run import run

TEST_ROWS = 2_000


def mixed(n_rows: int, n_columns: int, *, n_classes: int = 2, n_levels: int = 8) -> pd.DataFrame:
    """Return numbers, a third of them levels, and a class that follows from eight of the columns."""
    rng = np.random.default_rng(n_rows + 7 * n_columns + n_classes + n_levels)
    numbers = rng.normal(size=(n_rows, n_columns)).astype(np.float32)
    frame = pd.DataFrame(numbers, columns=[f"x{number}" for number in range(n_columns)])
    effects = rng.normal(size=n_levels)
    signal = np.zeros(n_rows)
    for number in range(0, n_columns, 3):
        if number < 60:  # more levels would make the file large and tell nothing new
            codes = rng.integers(n_levels, size=n_rows)
            frame[f"x{number}"] = np.char.add("level ", codes.astype(str))
            signal += effects[codes] * (number < 6)
    for number in (1, 2, 4, 5):
        signal += np.sin(2 * numbers[:, number % n_columns]) + 0.5 * numbers[:, number % n_columns]
    signal += rng.normal(size=n_rows)
    cuts = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
    return frame.assign(target=np.char.add("class ", np.digitize(signal, cuts).astype(str)))


def words(n_rows: int) -> pd.DataFrame:
    """Return a column of texts of some 20,000 different words, a hundred of which decide the class."""
    rng = np.random.default_rng(n_rows)
    drawn = (rng.pareto(1.1, size=(n_rows, 60)) * 40).astype(int) % 20_000
    tone = (drawn % 200 == 7).sum(axis=1) - (drawn % 200 == 11).sum(axis=1) + rng.normal(scale=0.3, size=n_rows)
    texts = [" ".join(f"word{code}" for code in row) for row in drawn]
    return pd.DataFrame({"text": texts, "target": np.where(tone > 0, "good", "bad")})


CASES: dict[str, Callable[[], pd.DataFrame]] = {
    **{f"{rows:,} rows x 30": partial(mixed, rows, 30) for rows in (1_000, 10_000, 100_000, 1_000_000)},
    **{f"2,000 rows x {columns:,}": partial(mixed, 2_000, columns) for columns in (10, 100, 1_000, 5_000)},
    "100 rows x 5,000": partial(mixed, 100, 5_000),
    "20,000 rows x 20, 100 classes": partial(mixed, 20_000, 20, n_classes=100),
    "30,000 rows x 10, 7,500 levels": partial(mixed, 30_000, 10, n_levels=7_500),
    "5,000 texts of 20,000 words": partial(words, 5_000),
}


def made(name: str, folder: Path) -> DataSet:
    """Write a case to a folder: its rows, and as many again, at most 2,000, to score on."""
    frame = CASES[name]()
    rng = np.random.default_rng(0)
    n_test = min(TEST_ROWS, len(frame) // 3)
    order = rng.permutation(len(frame))
    frame.iloc[order[:n_test]].to_parquet(folder / "test.parquet", index=False)
    frame.iloc[order[n_test:]].to_parquet(folder / "train.parquet", index=False)
    binary = frame["target"].nunique() == 2
    task, metric = ("binary", "roc_auc") if binary else ("multiclass", "log_loss")
    return DataSet(name, folder, "target", task, metric, len(frame) - n_test)


def table(results: dict[str, Any]) -> str:
    """Write what came out for people."""
    systems = list(dict.fromkeys(system for row in results["cases"].values() for system in row))
    lines = [
        f"# Large, wide and awkward tables, {results['limit_s']:g} s\n",
        "```json", json.dumps(results["machine"]), "```\n",
        "Score on rows held out (AUC, or log loss where there are several classes), seconds of the fit, peak memory.\n",
        f"| table | {' | '.join(f'{system}: score | s | MB' for system in systems)} |",
        f"|---|{'--:|--:|--:|' * len(systems)}",
    ]  # fmt: skip
    for name, row in results["cases"].items():
        cells = []
        for system in systems:
            one = row.get(system, {"error": "not run"})
            told = (f"{one['score']:.4f}", f"{one['fit_s']:.1f}") if not one.get("error") else ("failed", "")
            cells.append(f"{told[0]} | {told[1]} | {one.get('peak_mb', 0):,.0f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    failed = [f"- {name}, {system}: {one['error'][:200]}" for name, row in results["cases"].items()
              for system, one in row.items() if one.get("error")]  # fmt: skip
    return "\n".join([*lines, *(["", *failed] if failed else [])]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help=", ".join(CASES))
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--systems", nargs="+", default=["tamis"])
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    kept = chosen.out.with_suffix(".json")
    results = json.loads(kept.read_text()) if kept.exists() else {
        "limit_s": chosen.limit, "machine": machine(), "cases": {}
    }  # fmt: skip
    for name in chosen.cases or CASES:
        mine = results["cases"].setdefault(name, {})
        with tempfile.TemporaryDirectory(prefix="large-") as place:
            one = None
            for system in chosen.systems:
                if system in mine:
                    continue
                one = one or made(name, Path(place))
                mine[system] = run(system, one, chosen.limit, 0, False)
                kept.write_text(json.dumps(results, indent=1) + "\n")
                told = {key: mine[system].get(key) for key in ("score", "fit_s", "wall_s", "peak_mb", "error")}
                print(name, system, told, flush=True)
    chosen.out.with_suffix(".md").write_text(table(results))


if __name__ == "__main__":
    main()
