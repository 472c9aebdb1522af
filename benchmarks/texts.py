"""Tamis on sets of texts against TF-IDF with logistic regression: errors, log loss, times.

    python benchmarks/texts.py --limit 60 --out benchmarks/results/texts-60s

Writes OUT.json while it goes on (what is there is not run again) and OUT.md, the table. Every run begins with an empty
cache of embeddings; `--without` leaves the pretrained encoder out.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score
from suite import machine

DATA = Path(os.environ.get("TAMIS_TEXTS", Path(__file__).resolve().parents[2] / "shared" / "data" / "text"))
"""A folder of data sets: each a folder with train.csv.gz, test.csv.gz and meta.json."""
NAMES = ("trec6", "sms_spam", "ag_news_7600")


def scores(y: np.ndarray, classes: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    found = {
        "n_errors": int((classes[shares.argmax(axis=1)] != y).sum()),
        "accuracy": float((classes[shares.argmax(axis=1)] == y).mean()),
        "log_loss": float(log_loss(y, shares, labels=classes)),
    }
    if len(classes) == 2:
        found["roc_auc"] = float(roc_auc_score(y == classes[1], shares[:, 1]))
    return found


def run_baseline(train: pd.DataFrame, test: pd.DataFrame, columns: list[str], target: str) -> dict[str, Any]:
    """Fit TF-IDF of words and pairs of words with logistic regression, as a textbook has it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def texts(frame: pd.DataFrame) -> list[str]:
        return frame[columns].fillna("").agg(" ".join, axis=1).tolist()

    best: dict[str, Any] = {}
    for name, C in (("C=1", 1.0), ("C=10", 10.0)):
        began = time.monotonic()
        model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LogisticRegression(C=C, max_iter=1000)
        ).fit(texts(train), train[target])
        found = scores(test[target].to_numpy(), model.classes_, model.predict_proba(texts(test)))
        best[name] = {**found, "seconds": time.monotonic() - began}
    return best


def run_tamis(train: pd.DataFrame, test: pd.DataFrame, columns: list[str], target: str, limit: float, seed: int,
              without: bool) -> dict[str, Any]:  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        os.environ["TAMIS_CACHE"] = place
        from tamis import TextClassifier

        began = time.monotonic()
        model = TextClassifier(limit, random_state=seed, backbone="none" if without else None).fit(
            train[columns], train[target]
        )
        seconds = time.monotonic() - began
        shares, predicted = model.predict_proba(test[columns]), model.predict(test[columns])
        found = scores(test[target].to_numpy(), model.classes_, shares)
        found["n_errors_labels"] = int((predicted != test[target].to_numpy()).sum())
        board = model.leaderboard_
        members = board[board.weight > 0][["model", "weight"]].to_numpy().tolist()
        return {**found, "seconds": seconds, "n_candidates": len(board), "estimate": model.score_estimate_["value"],
                "members": members}  # fmt: skip


def table(found: dict[str, Any], limit: float, note: str) -> str:
    here_is = machine()
    lines = [
        "# Texts",
        "",
        f"Test errors (of rows), log loss, seconds of `fit` with a limit of {limit:g} s; {here_is['cores']} cores, "
        f"{here_is['date']}.",
        "The baseline is TF-IDF of words and pairs of words with logistic regression: the one of the set's meta.json,",
        "and the better of C = 1 and C = 10 run here.",
        *([note] if note else []),
        "",
        "| set | test rows | meta.json's errors | baseline's errors here | Tamis's errors | fewer than meta.json's |"
        " log loss: meta.json, Tamis | seconds |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    total = np.zeros(3)
    for name, one in found.items():
        rows, meta = one["n_test"], one["meta"]
        told = round((1 - meta["accuracy"]) * rows)
        here = min(run["n_errors"] for run in one["baseline"].values())
        runs = [run for run in one["runs"].values() if "n_errors" in run]
        ours = float(np.mean([run["n_errors"] for run in runs]))
        loss, seconds = np.mean([run["log_loss"] for run in runs]), np.mean([run["seconds"] for run in runs])
        total += (told, here, ours)
        lines.append(
            f"| {name} | {rows:,} | {told} | {here} | {ours:g} | {1 - ours / told:.0%} | {meta['log_loss']:.3f}, "
            f"{loss:.3f} | {seconds:.1f} |"
        )
    told, here, ours = total
    lines.append(f"| all | | {told:g} | {here:g} | {ours:g} | {1 - ours / told:.0%} | | |")
    return "\n".join([*lines, "", "Made by `python benchmarks/texts.py`.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sets", nargs="*", default=NAMES)
    parser.add_argument("--without", action="store_true", help="without a pretrained encoder")
    parser.add_argument("--note", default="", help="a sentence for the page, such as what else ran")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    kept = asked.out.with_suffix(".json")
    found = json.loads(kept.read_text()) if kept.exists() else {}
    for name in asked.sets:
        meta = json.loads((DATA / name / "meta.json").read_text())
        train, test = (pd.read_csv(DATA / name / f"{part}.csv.gz") for part in ("train", "test"))
        columns, target = meta["text_columns"], meta["target"]
        one = found.setdefault(
            name, {"n_test": len(test), "meta": meta["baseline_tfidf_logreg"], "baseline": {}, "runs": {}}
        )
        one["baseline"] = one["baseline"] or run_baseline(train, test, columns, target)
        for seed in range(asked.seeds):
            if str(seed) not in one["runs"]:
                one["runs"][str(seed)] = run_tamis(train, test, columns, target, asked.limit, seed, asked.without)
                print(name, seed, one["runs"][str(seed)], flush=True)
            kept.write_text(json.dumps(found, indent=1))
    asked.out.with_suffix(".md").write_text(table(found, asked.limit, asked.note))


if __name__ == "__main__":
    main()
