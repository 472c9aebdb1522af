"""Tamis against a default HistGradientBoosting and the dummy on every set: scores, times, memory.

    python benchmarks/tabular.py --limit 60 --out benchmarks/results/tabular-60s

Writes OUT.json while it goes on (what is there is not run again) and OUT.md, the table.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import numpy as np
from suite import DataSet, data_sets, machine, program, watch

SEEDS = (0, 1, 2)


def run_tamis(one: DataSet, limit: float, seed: int, preset: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        run = f"{place}/run"
        command = [program("tamis"), "fit", str(one.train), "--target", one.target, "--time-limit", f"{limit:g}s",
                   "--seed", str(seed), "--preset", preset, "--output", run, "--json"]  # fmt: skip
        fitted = watch(command)
        if fitted.code:
            return {"error": fitted.out[-500:], "seconds": fitted.seconds, "peak_mb": fitted.peak_mb}
        scored = watch([program("tamis"), "score", run, str(one.test), "--metric", one.metric, "--json"])
        if scored.code:
            return {"error": scored.out[-500:], "seconds": fitted.seconds, "peak_mb": fitted.peak_mb}
        board = json.loads(watch([program("tamis"), "leaderboard", run, "--json"]).out)
        said = json.loads(fitted.out)
        return {
            "score": json.loads(scored.out)["value"],
            "estimate": {name: said[name] for name in ("value", "low", "high")} if said["value"] is not None else None,
            "metric": said.get("metric"),
            "seconds": fitted.seconds,
            "peak_mb": fitted.peak_mb,
            "n_candidates": board["n_trials"],
            "model_mb": sum(f.stat().st_size for f in Path(run, "model").rglob("*") if f.is_file()) / 1e6,
            "score_seconds": scored.seconds,
            "members": [(row["model"], row["weight"]) for row in board["rows"] if row["weight"] > 0],
        }


def run_baselines(one: DataSet) -> dict[str, Any]:
    """Fit a default HistGradientBoosting with ordinal-encoded strings, three seeds, and the dummy."""
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder
    from threadpoolctl import threadpool_limits

    train, test = (pd.read_csv(path, low_memory=False) for path in (one.train, one.test))
    y_train, y_test = train.pop(one.target), test.pop(one.target)
    strings = [name for name in train if not pd.api.types.is_numeric_dtype(train[name])]
    train[strings], test[strings] = train[strings].astype("object"), test[strings].astype("object")
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    regression = one.task == "regression"
    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    scores, seconds = [], []
    for seed in SEEDS:
        prepare = make_column_transformer((encoder, strings), remainder="passthrough")
        model = make_pipeline(prepare, kind(random_state=seed))
        began = time.perf_counter()
        with threadpool_limits(1):  # threads that wait for each other on a busy machine take far longer than one
            model.fit(train, y_train)
        seconds.append(time.perf_counter() - began)
        scores.append(score(one, model, test, y_test))
    dummy = (DummyRegressor() if regression else DummyClassifier(strategy="prior")).fit(train, y_train)
    return {"hgb": scores, "hgb_seconds": median(seconds), "dummy": score(one, dummy, test, y_test)}


def score(one: DataSet, model: Any, test: Any, y_test: Any) -> float:
    from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

    if one.metric == "rmse":
        return float(root_mean_squared_error(y_test, model.predict(test)))
    probabilities = model.predict_proba(test)
    if one.metric == "log_loss":
        return float(log_loss(y_test, probabilities, labels=model.classes_))
    return float(roc_auc_score(y_test == model.classes_[1], probabilities[:, 1]))


def verdict(one: dict[str, Any]) -> tuple[float, str]:
    """Return by how much Tamis is ahead of the baseline, relative to the dummy's distance, and a word for it."""
    if "score" not in one["tamis"]:
        return -np.inf, "failed"
    ours, base, dummy = one["tamis"]["score"], mean(one["hgb"]), one["dummy"]
    sign = 1 if one["set_metric"] == "roc_auc" else -1
    ahead = sign * (ours - base) / max(abs(base - dummy), 1e-12)
    noise = max(2 * stdev(one["hgb"]) / max(abs(base - dummy), 1e-12), 0.01)
    return ahead, "ahead" if ahead > noise else "below" if ahead < -noise else "even"


def table(results: dict[str, Any], limit: float) -> str:
    lines = [
        f"# Tamis, {limit:g} s, beside a default HistGradientBoosting\n",
        "One run of Tamis on each set with no option but the target, its time limit and the seed; HistGradientBoosting",
        "with its defaults and ordinal-encoded strings (mean of three seeds); the dummy. The score is the set's metric",
        "on the test rows (roc_auc: higher is better; log_loss, rmse: lower). `gain` is the distance from",
        "HistGradientBoosting as a share of its distance from the dummy. Wall time is that of the whole command,",
        "memory is the peak of all its processes together (shared pages count once for each process).\n",
        "```json",
        json.dumps(results["machine"]),
        "```\n",
        "| set | metric | Tamis | HGB | dummy | gain | | interval said | wall s | peak MB | model MB | candidates |",
        "|---|---|--:|--:|--:|--:|---|---|--:|--:|--:|--:|",
    ]
    counts: dict[str, int] = {}
    for name, one in results["sets"].items():
        ours = one["tamis"]
        ahead, word = verdict(one)
        counts[word] = counts.get(word, 0) + 1
        if word == "failed":
            lines.append(f"| {name} | {one['set_metric']} | failed: {ours['error'][-80:]} |")
            continue
        said = ours["estimate"]
        interval = f"{said['low']:.5g} to {said['high']:.5g}" if said else ""
        lines.append(
            f"| {name} | {one['set_metric']} | {ours['score']:.5g} | {mean(one['hgb']):.5g} | {one['dummy']:.5g} | "
            f"{100 * ahead:+.1f} % | {word} | {interval} | {ours['seconds']:.1f} | {ours['peak_mb']:.0f} | "
            f"{ours['model_mb']:.1f} | {ours['n_candidates']} |"
        )
    done = [one["tamis"] for one in results["sets"].values() if "score" in one["tamis"]]
    lines.append(
        f"\n{', '.join(f'{count} {word}' for word, count in sorted(counts.items()))} of {len(results['sets'])}; "
        f"longest wall time {max(one['seconds'] for one in done):.2f} s; median peak memory "
        f"{median(one['peak_mb'] for one in done):.0f} MB."
    )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    kept = chosen.out.with_suffix(".json")
    results = json.loads(kept.read_text()) if kept.exists() else {"machine": machine(), "sets": {}}
    for one in data_sets(chosen.sets):
        record = results["sets"].get(one.name) or {"set_metric": one.metric, **run_baselines(one)}
        if "tamis" in record:
            continue
        record["tamis"] = run_tamis(one, chosen.limit, chosen.seed, chosen.preset)
        results["sets"][one.name] = record
        kept.write_text(json.dumps(results, indent=1) + "\n")
        ahead, word = verdict(record)
        ours = record["tamis"]
        score = ours.get("score", ours.get("error"))
        cost = f"{ours['seconds']:.1f} s, {ours['peak_mb']:.0f} MB"
        print(one.name, score, mean(record["hgb"]), f"{100 * ahead:+.1f} %", word, cost, flush=True)
    chosen.out.with_suffix(".md").write_text(table(results, chosen.limit))


if __name__ == "__main__":
    main()
