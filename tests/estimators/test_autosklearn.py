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
from tamis.core.errors import ParameterError
from tamis.core.kinds import TaskKind
from tamis.estimators.autosklearn import _roles
from tamis.tasks.metrics import known_name, metric_from

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


def test_options_that_mean_nothing_here_are_taken_and_named_once(X: np.ndarray, amounts: np.ndarray) -> None:
    automl = AutoSklearnRegressor(2, 1, n_jobs=1, ensemble_size=1, initial_configurations_via_metalearning=0)
    with pytest.warns(
        UserWarning, match="no effect in Tamis: ensemble_size, initial_con.*, per_run_time_limit"
    ) as told:
        automl.fit(X, amounts, X, amounts, dataset_name="made up")
    assert len([one for one in told if "no effect" in str(one.message)]) == 1
    assert automl.refit(X, amounts) is automl
    assert len(automl.predict(X, batch_size=10, n_jobs=1)) == len(X)
    assert len(automl.cv_results_["params"]) == len(automl.cv_results_["mean_test_score"]) >= 1
    assert clone(automl).get_params() == automl.get_params()


def test_an_option_that_auto_sklearn_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="ensemble_sise"):
        AutoSklearnClassifier(ensemble_sise=1)


def test_types_of_columns_become_roles(X: np.ndarray) -> None:
    assert _roles(X[:, :2], ["Categorical", "numerical"]) == {"column_0": "categorical", "column_1": "numeric"}
    assert _roles(X, {"a": "String"}) == {"a": "text"}
    with pytest.raises(ParameterError, match="feat_type"):
        _roles(X[:, :1], ["Number"])


def test_a_made_scorer_keeps_its_name_direction_and_options() -> None:
    wrong = autosklearn.metrics.make_scorer(
        "beta error", lambda y, p, beta: beta * float((y != p).mean()), greater_is_better=False, beta=3
    )
    metric = metric_from(wrong, TaskKind.BINARY)
    assert (metric.name, metric.higher_is_better, metric.needs) == ("beta error", False, "label")
    assert metric.value(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), classes=("a", "b")) == 1.5


@pytest.mark.parametrize("name", [name for name in vars(autosklearn.metrics) if name != "make_scorer"])
def test_the_names_of_auto_sklearns_metrics_are_known(name: str) -> None:
    assert known_name(getattr(autosklearn.metrics, name)) is not None


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
