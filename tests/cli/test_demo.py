"""Tests of `tamis demo`."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tamis.cli import demo


@pytest.fixture
def small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a table in the place of the demo's that the quick workflow can read."""

    def write(train: Path, test: Path) -> tuple[int, int]:
        train.parent.mkdir(parents=True, exist_ok=True)
        for path in (train, test):
            pd.DataFrame({"x": [0.1, 0.9]}).to_csv(path, index=False)
        return 2, 2

    monkeypatch.setattr(demo, "write_data", write)


@pytest.mark.usefixtures("small_data")
def test_demo_goes_the_whole_way_and_shows_each_command(tamis: Any) -> None:
    done = tamis("demo", "--time-limit", "3s", "--folder", "here")
    assert done.exit_code == 0, done.output
    shown = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("$ tamis")]
    assert shown == ["fit", "predict", "leaderboard", "score"]
    assert "roc_auc 0.875" in done.stdout
    assert "saved in here/run" in done.stdout


@pytest.mark.usefixtures("small_data")
def test_an_interrupted_demo_ends_there(tamis: Any, workflow: Any) -> None:
    workflow.reason = "interrupted"
    done = tamis("demo")
    assert done.exit_code == 130
    assert "$ tamis score" not in done.stdout


def test_the_data_of_the_demo_is_real_and_no_row_is_in_both_parts(tmp_path: Path) -> None:
    n_train, n_test = demo.write_data(tmp_path / "train.csv", tmp_path / "test.csv")
    train, test = pd.read_csv(tmp_path / "train.csv"), pd.read_csv(tmp_path / "test.csv")
    assert (len(train), len(test)) == (n_train, n_test)
    assert n_train + n_test == 569
    assert set(test[demo.TARGET]) == {"malignant", "benign"}
    assert train.merge(test).empty
