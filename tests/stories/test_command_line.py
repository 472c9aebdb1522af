"""The command line from end to end, as a program of its own on a real file."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.alone  # against the clock

TAMIS = (sys.executable, "-m", "tamis")
SLACK_S = 2.0
"""What a busy machine may add to the promise of limit × 1.02 + 1 s."""


def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `tamis` to its end."""
    return subprocess.run([*TAMIS, *arguments], capture_output=True, text=True, timeout=120)


def start(*arguments: str) -> "subprocess.Popen[str]":
    """Start `tamis` and return at once."""
    return subprocess.Popen([*TAMIS, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]", limit_s: float = 30.0) -> None:
    """Wait until something is so while a process runs."""
    end = time.monotonic() + limit_s
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows whose class follows from a number and a word, with awkward names and missing values."""
    rng = np.random.default_rng(0)
    size, colour = rng.normal(size=400), rng.choice(["red", "green", "blue"], size=400)
    label = np.where(size + (colour == "red") + rng.normal(scale=0.5, size=400) > 0.3, "yes, sure", "no")
    frame = pd.DataFrame({"size of it": size, "colour": colour, "noise": rng.normal(size=400), "bought": label})
    frame.loc[::17, "size of it"] = np.nan
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def run(table: Path) -> Path:
    """A run of ten seconds."""
    folder = table.parent / "run"
    began = time.monotonic()
    process = start("fit", str(table), "--target", "bought", "--time-limit", "10s", "--output", str(folder))
    assert process.stdout is not None
    first = process.stdout.readline()
    first_s = time.monotonic() - began
    out, err = process.communicate(timeout=60)
    wall_s = time.monotonic() - began
    assert process.returncode == 0, out + err
    assert "rows.csv" in first
    assert first_s < 0.5 + SLACK_S / 2
    assert wall_s <= 10 * 1.02 + 1 + SLACK_S
    assert "Expected on new rows: roc_auc 0." in out
    return folder


def test_predictions_score_and_leaderboard_follow_from_a_run(run: Path, table: Path, tmp_path: Path) -> None:
    written = tmp_path / "predictions.csv"
    done = call("predict", str(run), str(table), "-o", str(written))
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(written)
    assert list(found) == ["prediction", "probability_no", "probability_yes, sure"]
    assert (found["prediction"] == pd.read_csv(table)["bought"]).mean() > 0.75
    assert np.allclose(found["probability_no"] + found["probability_yes, sure"], 1.0)

    score = json.loads(call("score", str(run), str(table), "--json").stdout)
    assert (score["metric"], score["higher_is_better"], score["n_rows"]) == ("roc_auc", True, 400)
    assert score["value"] > 0.8

    board = json.loads(call("leaderboard", str(run), "--json").stdout)
    assert board["n_trials"] == len(board["rows"]) >= 2
    assert sum(row["weight"] for row in board["rows"]) == pytest.approx(1.0, abs=0.01)


def test_a_finished_run_takes_more_time(run: Path) -> None:
    before = json.loads(call("leaderboard", str(run), "--json").stdout)["n_trials"]
    done = call("resume", str(run), "--time-limit", "3s", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n_trials"] >= before


def test_a_misspelt_target_is_the_users_mistake(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = call("fit", str(table), "--target", "bougth", "--output", str(folder))
    assert done.returncode == 2
    assert "Did you mean 'bought'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not folder.exists()


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as on POSIX")
def test_ctrl_c_once_finishes_with_what_was_found(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start("fit", str(table), "--target", "bought", "--time-limit", "60s", "--output", str(folder))
    wait_for((folder / "model" / "manifest.json").exists, process)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, out + err
    assert time.monotonic() - began < 10.0
    assert call("predict", str(folder), str(table)).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as on POSIX")
def test_ctrl_c_twice_stops_at_once_and_can_be_resumed(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start("fit", str(table), "--target", "bought", "--time-limit", "60s", "--output", str(folder))
    wait_for((folder / "journal.sqlite").exists, process)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    process.communicate(timeout=15)
    assert process.returncode == 130
    done = call("resume", str(folder), "--time-limit", "4s")
    assert done.returncode == 0, done.stderr


def test_a_kill_in_the_first_moment_can_be_resumed(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start("fit", str(table), "--target", "bought", "--time-limit", "5s", "--output", str(folder))
    wait_for((folder / "run.json").exists, process)
    process.kill()
    process.communicate()
    done = call("resume", str(folder))
    assert done.returncode == 0, done.stderr
    assert call("score", str(folder), str(table)).returncode == 0
