"""A run that is killed at any moment goes on where it was: nothing that was written down is lost."""

import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.alone  # against the clock

SEED = 2024
LONGEST_S = 9.0


def moments() -> list[float]:
    """Return twenty moments of a run; four of them lie in its first second."""
    drawn = random.Random(SEED)
    return [drawn.uniform(0.1, 1.0) for _ in range(4)] + [drawn.uniform(1.0, LONGEST_S) for _ in range(16)]


QUICK = (0, 4, 9)
"""Which of the moments belong to the quick tests."""


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(moment, id=f"{moment:.2f}s", marks=[] if number in QUICK else pytest.mark.slow)
        for number, moment in enumerate(moments())
    ],
)
def test_a_run_killed_at_any_moment_goes_on_and_loses_nothing(
    tamis: Any,
    tumours: Path,
    tmp_path: Path,
    remembered: Callable[[Path], dict[int, Any]],
    wait_for: Callable[..., None],
    moment: float,
) -> None:
    folder = tmp_path / "run"
    began = time.monotonic()
    process = tamis.start("fit", tumours, "--target", "diagnosis", "--time-limit", "30s", "--output", folder)
    time.sleep(max(0.0, moment - (time.monotonic() - began)))
    wait_for((folder / "run.json").exists, process)  # nothing can be resumed that has not begun
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    before = remembered(folder)

    done = tamis("resume", folder, "--time-limit", "3s")
    assert done.returncode == 0, done.stderr
    after = remembered(folder)
    assert {number: after.get(number) for number in before} == before

    written = tmp_path / "predictions.csv"
    assert tamis("predict", folder, tumours, "-o", written).returncode == 0
    found = pd.read_csv(written)
    assert len(found) == 569
    assert np.allclose(found[["probability_benign", "probability_malignant"]].sum(axis=1), 1.0)
    assert set(found["prediction"]) <= {"benign", "malignant"}


@pytest.mark.slow
@pytest.mark.parametrize("search", ["portfolio", "random", "local", "bayesian", "genetic", "halving", "hyperband"])
def test_every_search_goes_on_after_a_kill(
    tamis: Any,
    tumours: Path,
    tmp_path: Path,
    remembered: Callable[[Path], dict[int, Any]],
    wait_for: Callable[..., None],
    search: str,
) -> None:
    """Killed when it searches by itself, no longer tries what it begins with; the others when they have tried some."""
    folder = tmp_path / "run"
    words = ("fit", tumours, "--target", "diagnosis", "--time-limit", "60s", "--search", search, "--output", folder)
    process = tamis.start(*words)
    wait_for(partial(_more_than, 50, remembered, folder), process, limit_s=50)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    before = remembered(folder)
    done = tamis("resume", folder, "--time-limit", "10s")
    assert done.returncode == 0, done.stderr
    after = remembered(folder)
    assert {number: after.get(number) for number in before} == before
    if search != "portfolio":  # which may have come to its end
        assert len(after) > len(before)


@pytest.mark.slow
def test_a_run_killed_again_and_again_gets_to_its_end(
    tamis: Any,
    tumours: Path,
    tmp_path: Path,
    remembered: Callable[[Path], dict[int, Any]],
    wait_for: Callable[..., None],
) -> None:
    folder = tmp_path / "run"
    words: tuple[Any, ...] = ("fit", tumours, "--target", "diagnosis", "--max-trials", "3", "--output", folder)
    before: dict[int, Any] = {}
    for _ in range(2):
        process = tamis.start(*words)
        wait_for(partial(_more_than, len(before), remembered, folder), process)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        now = remembered(folder)
        assert {number: now.get(number) for number in before} == before
        before, words = now, ("resume", folder)
    assert tamis("resume", folder).returncode == 0
    assert tamis.answer("leaderboard", folder)["n_trials"] == 3


def test_workers_end_with_the_run_that_started_them(
    tamis: Any, tumours: Path, tmp_path: Path, descendants: Callable[[int], set[int]], wait_for: Callable[..., None]
) -> None:
    folder = tmp_path / "run"
    process = tamis.start("fit", tumours, "--target", "diagnosis", "--time-limit", "60s", "--output", folder)
    wait_for((folder / "journal.sqlite").exists, process)
    workers = descendants(process.pid) - {process.pid}
    assert workers
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    end = time.monotonic() + 10
    while any(_runs(worker) for worker in workers):
        assert time.monotonic() < end, "a worker outlived its run"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _more_than(known: int, remembered: Callable[[Path], dict[int, Any]], folder: Path) -> bool:
    return len(remembered(folder)) > known
