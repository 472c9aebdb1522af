"""Images from the command line: a folder in, a network out; killed at any moment, it goes on."""

import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
pytestmark = [pytest.mark.extras, pytest.mark.alone]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 400 handwritten digits to learn from, a folder for each, and 100 held out, as PNG files."""
    from PIL import Image
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("digits")
    data = load_digits()
    for number in range(500):
        place = folder / ("train" if number < 400 else "test") / str(data.target[number])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((data.images[number] * 15.9).astype(np.uint8)).save(place / f"{number:03}.png")
    return folder


@pytest.fixture(scope="module")
def run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit one network without a clock."""
    import subprocess
    import sys

    folder = tmp_path_factory.mktemp("images") / "run"
    words = [sys.executable, "-m", "tamis", "fit", str(digits / "train"), "--max-trials", "1", "--search", "portfolio"]
    done = subprocess.run([*words, "--output", str(folder)], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "10 classes from 400 grey images of 8 x 8" in done.stdout
    return folder


def test_a_folder_of_images_is_predicted_file_by_file(tamis: Any, run: Path, digits: Path, tmp_path: Path) -> None:
    written = tmp_path / "predictions.csv"
    assert tamis("predict", run, digits / "test", "-o", written).returncode == 0
    found = pd.read_csv(written)
    assert len(found) == 100
    truth = [int(Path(name).parent.name) for name in found["image"]]
    assert (found["prediction"] == truth).mean() > 0.8
    assert np.allclose(found.filter(like="probability_").sum(axis=1), 1.0, atol=1e-4)


def test_it_is_scored_and_shown(tamis: Any, run: Path, digits: Path) -> None:
    score = tamis.answer("score", run, digits / "test")
    assert score["metric"] == "accuracy" and score["n_rows"] == 100 and score["value"] > 0.8
    board = tamis.answer("leaderboard", run)
    assert board["n_trials"] == 1
    assert board["rows"][0]["parameters"] > 1000
    assert "plain" in tamis("leaderboard", run).stdout


def test_it_is_reported_and_exported(tamis: Any, run: Path, tmp_path: Path) -> None:
    page, net = tmp_path / "report.html", tmp_path / "net.json"
    assert tamis("report", run, "-o", page).returncode == 0
    assert page.read_text(encoding="utf-8").count("<svg") >= 2
    assert tamis("export", run, "--to", "architecture", "-o", net).returncode == 0
    assert net.stat().st_size > 50


def test_mistakes_are_told_in_a_sentence(tamis: Any, run: Path, digits: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "cut.png").write_bytes((digits / "test" / "0").glob("*.png").__next__().read_bytes()[:40])
    done = tamis("predict", run, bad)
    assert done.returncode == 2
    assert "cut.png" in done.stderr
    assert tamis("fit", digits / "test" / "0", "--output", tmp_path / "other").returncode == 2
    done = tamis("fit", digits / "train", "--search", "horoscope", "--output", tmp_path / "other")
    assert done.returncode == 2 and "search" in done.stderr


MOMENTS = [random.Random(7).uniform(1.0, 20.0) for _ in range(20)]


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=[] if number == 3 else pytest.mark.slow) for number in range(len(MOMENTS))]
)
def test_a_killed_run_on_images_goes_on_and_loses_nothing(
    tamis: Any,
    digits: Path,
    tmp_path: Path,
    remembered: Callable[[Path], dict[int, Any]],
    wait_for: Callable[..., None],
    number: int,
) -> None:
    folder = tmp_path / "run"
    began = time.monotonic()
    process = tamis.start("fit", digits / "train", "--time-limit", "40s", "--output", folder)
    time.sleep(max(0.0, MOMENTS[number] - (time.monotonic() - began)))
    wait_for((folder / "run.json").exists, process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    before = remembered(folder)
    done = tamis("resume", folder, "--time-limit", "12s")
    assert done.returncode == 0, done.stderr
    after = remembered(folder)
    assert {key: after.get(key) for key in before} == before
    assert tamis("predict", folder, digits / "test", "-o", tmp_path / "p.csv").returncode == 0
    assert len(pd.read_csv(tmp_path / "p.csv")) == 100


@pytest.mark.slow
def test_a_killed_search_with_shared_weights_goes_on_from_their_checkpoint(
    tamis: Any,
    digits: Path,
    tmp_path: Path,
    remembered: Callable[[Path], dict[int, Any]],
    wait_for: Callable[..., None],
) -> None:
    folder = tmp_path / "run"

    def steps() -> list[int]:
        """Return how many steps the shared weights had made at the end of each round."""
        found = [one["realised"].get("steps") for _, one in sorted(remembered(folder).items())]
        return [count for count in found if count is not None]

    words = ["--search", "enas", "--time-limit", "90s", "--output", folder]
    process = tamis.start("fit", digits / "train", *words)
    wait_for(lambda: len(steps()) >= 4, process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    before = steps()
    assert tamis("resume", folder, "--time-limit", "60s").returncode == 0
    after = steps()
    assert after[: len(before)] == before
    assert len(after) > len(before)
    assert after == sorted(after), "the weights began anew"


@pytest.mark.slow
def test_a_run_ends_in_time_and_has_a_network_after_ten_seconds(tamis: Any, digits: Path, tmp_path: Path) -> None:
    folder, began = tmp_path / "run", time.monotonic()
    process = tamis.start("fit", digits / "train", "--time-limit", "20s", "--output", folder)
    time.sleep(10)
    manifest = json.loads((folder / "model" / "manifest.json").read_text())
    assert manifest["members"], "only a constant after ten seconds"
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert time.monotonic() - began <= 20 * 1.02 + 5
