"""Time and memory: what was given is kept, and there is always an answer."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.alone  # against the clock

SLACK_S = 3.0
"""What a busy machine may add to the promise of limit × 1.02 + 1 s."""

GLUTTON = '''
"""Takes the place of LightGBM, and of all the memory there is."""

from dataclasses import replace

import tamis.algorithms.lightgbm as lightgbm


class Glutton:
    def fit(self, X, y, **more):
        held = []
        while True:
            held.append(bytearray(b"x") * (8 << 20))


COMPONENT = replace(lightgbm.COMPONENTS[0], build=lambda parameters, context: Glutton(), module=None)
'''


def timed(tamis: Any, *words: Any, **options: Any) -> tuple[Any, float]:
    """Run a command; return what came of it, and its seconds as a user's watch would show them."""
    began = time.monotonic()
    done = tamis(*words, **options)
    return done, time.monotonic() - began


def test_five_seconds_are_kept_with_a_hundred_rows(tamis: Any, tumours: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    pd.read_csv(tumours).head(100).to_csv(small, index=False)
    words = ("fit", small, "--target", "diagnosis", "--time-limit", "5s", "--output", tmp_path / "run")
    done, seconds = timed(tamis, *words)
    assert done.returncode == 0, done.stderr
    assert seconds <= 5 * 1.02 + 1 + SLACK_S


@pytest.mark.slow
def test_five_seconds_are_kept_with_a_hundred_thousand_rows(tamis: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(100_000, 20)).round(4), columns=[f"x{number}" for number in range(20)])
    frame["town"] = rng.choice(["a", "b", "c"], size=len(frame))
    frame["y"] = np.where(frame["x0"] + frame["x1"] * frame["x2"] > 0, "yes", "no")
    frame.to_csv(tmp_path / "large.csv", index=False)
    words = ("fit", tmp_path / "large.csv", "--target", "y", "--time-limit", "5s", "--output", tmp_path / "run")
    done, seconds = timed(tamis, *words)
    assert done.returncode == 0, done.stderr
    assert seconds <= 5 * 1.02 + 1 + SLACK_S


def test_the_first_line_comes_at_once_and_a_usable_model_within_ten_seconds(
    tamis: Any, tumours: Path, tmp_path: Path, wait_for: Any
) -> None:
    folder = tmp_path / "run"
    began = time.monotonic()
    process = tamis.start("fit", tumours, "--target", "diagnosis", "--time-limit", "60s", "--output", folder)
    assert "tumours.csv" in process.stdout.readline()
    assert time.monotonic() - began < 0.5 + 1.0
    parts = folder / "model" / "parts"
    wait_for(lambda: parts.is_dir() and any(parts.glob("??/*")), process)
    assert time.monotonic() - began < 10 + SLACK_S
    answer = tamis.answer("score", folder, tumours)  # while the search goes on
    assert answer["value"] > 0.9


def test_where_nothing_can_be_learned_the_answer_is_a_constant_with_a_warning(tamis: Any, tmp_path: Path) -> None:
    data = tmp_path / "ids.csv"
    pd.DataFrame({"same": ["x"] * 60, "y": np.arange(60) % 3 == 0}).to_csv(data, index=False)
    folder = tmp_path / "run"
    done = tamis("fit", data, "--target", "y", "--time-limit", "8s", "--output", folder)
    assert done.returncode == 0, done.stderr
    assert "predicts the same for every row" in done.stderr
    written = tmp_path / "predictions.csv"
    assert tamis("predict", folder, data, "-o", written).returncode == 0
    found = pd.read_csv(written)
    assert set(found["prediction"]) == {False}
    assert found["probability_True"].nunique() == 1


def test_a_trial_that_eats_the_memory_costs_itself_alone(
    tamis: Any, few: Path, asked: Any, tmp_path: Path, plugin: Any, descendants: Any
) -> None:
    from tamis.run.limits import private_memory_mb

    folder, peak = tmp_path / "run", 0.0
    process = tamis.start(
        "fit", few, *asked, "--max-trials", "2", "--memory-limit", "800MB", "--output", folder,
        env=plugin(GLUTTON),
    )  # fmt: skip
    reading = threading.Thread(target=process.wait)
    reading.start()
    while reading.is_alive():
        peak = max(peak, sum(private_memory_mb(pid) for pid in descendants(process.pid)))
        time.sleep(0.02)
    words = process.communicate()[1]
    assert process.returncode == 0, words
    assert peak < 800
    rows = tamis.answer("leaderboard", folder)["rows"]
    ends = {row["family"]: row["status"] for row in rows}
    assert ends.pop("lightgbm") == "out of memory"
    assert set(ends.values()) == {"done"}
    assert tamis("predict", folder, few).returncode == 0


@pytest.mark.slow
def test_a_limit_too_small_for_anything_still_gives_an_answer(tamis: Any, tumours: Path, tmp_path: Path) -> None:
    words = ("fit", tumours, "--target", "diagnosis", "--time-limit", "6s", "--memory-limit", "30MB")
    done, seconds = timed(tamis, *words, "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert seconds <= 6 * 1.02 + 1 + SLACK_S
    assert tamis("predict", tmp_path / "run", tumours).returncode == 0
