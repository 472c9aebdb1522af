"""Programs written for auto-sklearn run when only their import changes."""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import tamis
from tamis import AutoClassifier, AutoRegressor, AutoSklearnClassifier, AutoSklearnRegressor, autosklearn

LIMIT_S = 60
PROGRAM = f"""
import sklearn.datasets
import sklearn.metrics
import sklearn.model_selection

from tamis import autosklearn

X, y = sklearn.datasets.load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = sklearn.model_selection.train_test_split(X, y, random_state=1)
automl = autosklearn.classification.AutoSklearnClassifier(time_left_for_this_task={LIMIT_S})
automl.fit(X_train, y_train)
y_hat = automl.predict(X_test)
print("Accuracy score", sklearn.metrics.accuracy_score(y_test, y_hat))
"""


def test_both_ways_to_import_lead_to_the_same_classes() -> None:
    assert autosklearn.classification.AutoSklearnClassifier is AutoSklearnClassifier is tamis.AutoSklearnClassifier
    assert autosklearn.regression.AutoSklearnRegressor is AutoSklearnRegressor
    assert issubclass(AutoSklearnClassifier, AutoClassifier) and issubclass(AutoSklearnRegressor, AutoRegressor)


def test_options_go_by_auto_sklearns_names_and_reach_the_run(tmp_path: Path) -> None:
    automl = AutoSklearnClassifier(30, 10, seed=4, n_jobs=1, memory_limit=3072, metric=autosklearn.metrics.accuracy)
    asked = clone(automl).set_params(tmp_folder=tmp_path)._asked()
    assert asked["time_limit"] == 30 and asked["random_state"] == 4 and asked["memory_limit"] == 3072
    assert asked["metric"] == "accuracy" and asked["n_jobs"] == 1 and asked["output"] == tmp_path
    assert set(automl.get_params()) >= {"time_left_for_this_task", "per_run_time_limit", "tmp_folder", "seed"}


def test_a_short_run_answers_auto_sklearns_questions(X: np.ndarray, amounts: np.ndarray) -> None:
    automl = AutoSklearnRegressor(time_left_for_this_task=2, n_jobs=1, metric=autosklearn.metrics.r2).fit(X, amounts)
    assert automl.score(X, amounts) > 0.9
    assert len(automl.leaderboard()) >= 1 and len(automl.show_models()) >= 1
    assert "Metric: r2" in automl.sprint_statistics()


@pytest.mark.slow
def test_the_program_for_digits_reaches_its_accuracy_as_a_plain_script(tmp_path: Path) -> None:
    script = tmp_path / "digits.py"
    script.write_text(PROGRAM)
    began = time.monotonic()
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    seconds = time.monotonic() - began
    found = re.search(r"Accuracy score ([\d.]+)", done.stdout)
    assert found is not None and float(found[1]) >= 0.98, done.stdout + done.stderr
    assert seconds < LIMIT_S * 1.02 + 10  # the imports and the predictions are outside the limit
