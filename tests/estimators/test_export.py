"""Tests of writing a fitted estimator as a program."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis import AutoClassifier
from tamis.core.errors import ParameterError

CHEAP: dict[str, Any] = {"search": "portfolio", "max_trials": 1, "n_jobs": 1}


def frame(n_rows: int = 60) -> pd.DataFrame:
    """Rows as a user holds them: typed."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=n_rows), "age": rng.integers(0, 90, n_rows)})
    X["city"] = pd.Categorical(rng.choice(["Ulm", "Bonn"], n_rows))
    X["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, n_rows), unit="D")
    X["member"] = rng.random(n_rows) < 0.5
    return X


def answers_to(X: pd.DataFrame) -> np.ndarray:
    """Something to predict that a column alone does not tell."""
    value = X["size"] + X["member"] + np.random.default_rng(1).normal(size=len(X))
    return np.where(value > 0.5, "yes", "no")


def test_rows_that_came_in_memory_are_learned_from_again_in_a_file(tmp_path: Path) -> None:
    X = frame()
    y = answers_to(X)
    model = AutoClassifier(**CHEAP).fit(X, y)
    script = model.export_python(tmp_path / "pipeline.py", target="bought")
    X.assign(bought=y).to_csv(tmp_path / "train.csv", index=False)
    X.to_csv(tmp_path / "new.csv", index=False)
    done = subprocess.run(
        [sys.executable, str(script), "train.csv", "new.csv", "-o", "out.csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answers = pd.read_csv(tmp_path / "out.csv")
    assert answers["prediction"].tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), model.predict_proba(X), atol=1e-6)


def test_weights_that_came_beside_the_rows_are_refused(tmp_path: Path) -> None:
    X = frame()
    y = answers_to(X)
    model = AutoClassifier(**CHEAP).fit(X, y, sample_weight=np.arange(1.0, 61.0))
    with pytest.raises(ParameterError, match="the weights of the rows has no form in a script"):
        model.export_python(tmp_path / "pipeline.py")
