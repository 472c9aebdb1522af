"""A run goes on with more time or more trials, and the same seed gives the same model."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest


def predicted(tamis: Any, folder: Path, data: Path) -> pd.DataFrame:
    """Return what a run's model predicts."""
    written = folder.parent / f"{folder.name}.csv"
    assert tamis("predict", folder, data, "-o", written).returncode == 0
    return pd.read_csv(written)


def test_a_finished_run_takes_more_time(tamis: Any, asked: Any, copied: Path, few: Path, remembered: Any) -> None:
    before = remembered(copied)
    answer = tamis.answer("resume", copied, "--time-limit", "3s")
    assert answer["n_trials"] >= 2
    after = remembered(copied)
    assert {number: after[number] for number in before} == before
    assert len(predicted(tamis, copied, few)) == 160


def test_a_resume_with_more_trials_ends_as_a_run_that_had_them_from_the_start(
    tamis: Any, asked: Any, copied: Path, finished: Path, few: Path, tmp_path: Path
) -> None:
    assert tamis("resume", copied, "--max-trials", "3").returncode == 0
    whole = tmp_path / "whole"
    assert tamis("fit", few, *asked, "--max-trials", "3", "--output", whole).returncode == 0
    assert tamis.answer("leaderboard", copied)["n_trials"] == 3
    pd.testing.assert_frame_equal(predicted(tamis, copied, few), predicted(tamis, whole, few))


def test_the_same_seed_gives_the_same_model_with_one_job_and_with_two_and_after_a_kill(
    tamis: Any, asked: Any, few: Path, tmp_path: Path, remembered: Any, wait_for: Any
) -> None:
    runs = [tmp_path / name for name in ("one", "two", "killed")]
    for folder, jobs in zip(runs, ("1", "2"), strict=False):
        done = tamis("fit", few, *asked, "--seed", "7", "--max-trials", "2", "--jobs", jobs, "--output", folder)
        assert done.returncode == 0, done.stderr
    process = tamis.start("fit", few, *asked, "--seed", "7", "--max-trials", "2", "--output", runs[2])
    wait_for(lambda: len(remembered(runs[2])) > 2, process)
    process.kill()
    process.communicate(timeout=20)
    assert tamis("resume", runs[2]).returncode == 0
    first, *others = (predicted(tamis, folder, few) for folder in runs)
    for other in others:
        pd.testing.assert_frame_equal(first, other)


@pytest.mark.slow
def test_another_seed_gives_another_model(tamis: Any, asked: Any, finished: Path, few: Path, tmp_path: Path) -> None:
    words = ("fit", few, *asked, "--max-trials", "2", "--seed", "1", "--output", tmp_path / "run")
    assert tamis(*words).returncode == 0
    one, other = predicted(tamis, finished, few), predicted(tamis, tmp_path / "run", few)
    assert not one["probability_benign"].equals(other["probability_benign"])


@pytest.mark.slow
def test_a_resume_reads_the_prepared_rows_not_the_file(
    tamis: Any, asked: Any, copied: Path, few: Path, tmp_path: Path
) -> None:
    import json

    record = json.loads((copied / "run.json").read_text())
    record["data"]["path"] = str(tmp_path / "gone.csv")
    (copied / "run.json").write_text(json.dumps(record))
    assert tamis("resume", copied, "--time-limit", "2s").returncode == 0


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_what_is_no_run_cannot_be_resumed(tamis: Any, asked: Any, tmp_path: Path, place: str) -> None:
    done = tamis("resume", tmp_path / place)
    assert done.returncode == 2
    assert "tamis fit" in done.stderr
