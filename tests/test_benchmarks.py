"""The benchmarks' own sums, and the integration with openml/automlbenchmark, against a stand-in of it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def module(path: str) -> ModuleType:
    """Import a file of the benchmarks."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, BENCHMARKS / path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def table(n_rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"size": rng.normal(size=n_rows), "kind": rng.choice(["a", "b", None], size=n_rows)})
    noise = rng.normal(scale=0.5, size=n_rows)
    return frame.assign(good=np.where(frame["size"] + (frame["kind"] == "a") + noise > 0.3, "yes", "no"))


def test_failures_share_the_last_ranks_and_count_as_the_worst_regret():
    compare = module("peers/compare.py")
    row = {"tamis": 0.2, "flaml": None, "h2o": None, "mljar": 0.1}
    assert compare.ranks(row) == {"tamis": 2.0, "flaml": 3.5, "h2o": 3.5, "mljar": 1.0}
    assert compare.regrets(row) == {"tamis": 1.0, "flaml": 1.0, "h2o": 1.0, "mljar": 0.0}


def test_a_comparison_shows_every_set_every_system_and_what_failed():
    compare = module("peers/compare.py")
    good = {"metric": "roc_auc", "fit_s": 55.0, "peak_mb": 700.0, "date": "2026-01-01", "cores": 2, "memory_gb": 16}
    sets = {
        "x": {"tamis": {**good, "score": 0.9, "version": "1"}, "flaml": {**good, "score": 0.8}},
        "y": {"tamis": {**good, "score": 0.7}, "flaml": {**good, "error": "RuntimeError: too slow"}},
    }
    text = compare.comparison({"limit_s": 60.0, "sets": sets})
    assert "| x | **0.1** | 0.2 |" in text
    assert "| y | **0.3** | failed |" in text
    assert "| tamis | 1.00 |" in text
    assert "| 1-0-0 | 1 |" in text
    assert "y, flaml: RuntimeError: too slow" in text


def test_tamis_is_set_against_what_others_did_in_more_time():
    compare = module("peers/compare.py")

    def runs(**scores):
        return {name: {"score": score, "metric": "rmse", "error": None} for name, score in scores.items()}

    short = {"limit_s": 20.0, "sets": {"a": runs(tamis=1.0), "b": runs(tamis=5.0), "c": runs(tamis=0.1)}}
    long = {"limit_s": 60.0, "sets": {"a": runs(tamis=0.1, flaml=2.0), "b": runs(tamis=0.1, flaml=2.0)}}
    text = compare.beside(short, long)
    assert "Tamis at 20 s against the others at 60 s, over 2 sets" in text and "| flaml | 1-0-1 |" in text


def test_an_adapter_fits_predicts_and_times_a_system(tmp_path):
    for name, seed in (("train", 0), ("test", 1)):
        table(200, seed).to_csv(tmp_path / f"{name}.csv", index=False)
    command = [sys.executable, str(BENCHMARKS / "peers" / "adapters.py"), "baseline", "--train", "train.csv", "--test",
               "test.csv", "--target", "good", "--task", "binary", "--metric", "roc_auc", "--out", "out"]  # fmt: skip
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    kept = np.load(tmp_path / "out" / "predictions.npz")
    assert record["error"] is None and record["model_mb"] > 0
    assert kept["found"].shape == (200, 2)
    assert np.mean((kept["found"][:, 1] > 0.5) == kept["truth"]) > 0.7


def test_an_adapter_says_what_went_wrong(tmp_path):
    table(50, 0).to_csv(tmp_path / "t.csv", index=False)
    command = [sys.executable, str(BENCHMARKS / "peers" / "adapters.py"), "baseline", "--train", "t.csv", "--test",
               "t.csv", "--target", "price", "--task", "regression", "--metric", "rmse", "--out", "out"]  # fmt: skip
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert "price" in json.loads((tmp_path / "out" / "run.json").read_text())["error"]


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_automlbenchmark_gets_predictions_probabilities_and_durations(monkeypatch, kind):
    shared = ModuleType("frameworks.shared.callee")
    shared.call_run, shared.result = None, lambda **found: SimpleNamespace(**found)
    for name in ("frameworks", "frameworks.shared"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "frameworks.shared.callee", shared)
    train, test = table(120, 0), table(40, 1)
    target = "good" if kind == "classification" else "size"
    rows = {name: SimpleNamespace(X=one.drop(columns=target), y=one[[target]])
            for name, one in (("train", train), ("test", test))}  # fmt: skip
    config = SimpleNamespace(type=kind, metric="auc" if kind == "classification" else "rmse", max_runtime_seconds=60,
                             cores=1, seed=1, max_mem_size_mb=4000, output_predictions_file="out.csv",
                             framework_params={"max_trials": 1, "_ignored": 1})  # fmt: skip
    found = module("automlbenchmark/extensions/Tamis/exec.py").run(SimpleNamespace(**rows), config)
    assert len(found.predictions) == len(found.truth) == 40
    assert found.training_duration > 0 and found.models_count == 1
    if kind == "classification":
        assert found.probabilities_labels == ["no", "yes"]
        assert found.probabilities.shape == (40, 2)
    else:
        assert found.probabilities is None


def test_an_order_that_begins_with_what_is_good_and_quick_has_less_regret(tmp_path):
    learn = module("portfolio/learn.py")
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2, 120))
    noise = {"good": (0.1, 4.0), "slow": (0.1, 400.0), "bad": (1.0, 4.0), "worse": (2.0, 4.0), "failed": (0.0, -5.0)}
    made = [scale * rng.normal(size=(2, 120)) for scale, seconds in noise.values() if seconds > 0]
    about = {"set": "made", "task": "regression", "metric": "rmse", "classes": [], "names": list(noise),
             "seconds": [seconds for _, seconds in noise.values()], "n_rows": 120,
             "metafeatures": {"is_sparse": 0.0, "n_rows": 120.0, "n_columns": 3.0}}  # fmt: skip
    np.savez(
        tmp_path / "made.npz", about=json.dumps(about), y=truth[0], judged=truth[1],
        inside=np.array([truth[0] + one[0] for one in made]), outside=np.array([truth[1] + one[1] for one in made]),
    )  # fmt: skip
    record = learn.Record.read(tmp_path / "made.npz")
    record.loss(list(record.inside))
    orders = (["good", "bad", "worse", "slow"], ["slow", "worse", "bad", "good"])
    quick, late = (learn.regret(record, order) for order in orders)
    assert quick < 0.5 * late
    assert learn.learned([record], list(noise))[:2] == [learn.FIRST, "good"]
    assert learn.regret(record, ["failed", "good"]) >= learn.regret(record, ["good"])


def test_networks_come_after_configurations_that_suit_every_table():
    learn = module("portfolio/learn.py")
    order = ["linear", "realmlp-small", "words", "trees", "tabm", "forest", "svm"]
    moved = learn.without_early_networks(order, {"linear", "trees", "forest", "svm"})
    assert moved == ["linear", "words", "trees", "forest", "realmlp-small", "tabm", "svm"]
