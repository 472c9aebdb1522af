"""scikit-learn's own checks, and its tools around our estimators."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

from tamis import AutoClassifier, AutoRegressor
from tamis.checks.estimator import expected_failed_checks

CHEAP: dict[str, Any] = {"search": "portfolio", "max_trials": 1, "n_jobs": 1}
ESTIMATORS = [AutoClassifier(**CHEAP), AutoRegressor(**CHEAP)]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failed_checks)
def test_scikit_learns_check_holds(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_names_of_columns_are_held_to_those_of_fit_in_their_order() -> None:
    check_dataframe_column_names_consistency("AutoClassifier", ESTIMATORS[0])


def test_the_constructor_has_few_parameters_and_stores_them_untouched() -> None:
    options = {"time_limit": "5m", "memory_limit": "8GB", "metric": max, "output": Path("x"), "n_jobs": None}
    estimator = AutoClassifier(**options)
    assert len(estimator.get_params()) == 14
    assert all(estimator.get_params()[name] is value for name, value in options.items())
    assert clone(estimator).get_params() == estimator.get_params()


def test_each_estimator_says_what_it_is() -> None:
    assert is_classifier(AutoClassifier()) and is_regressor(AutoRegressor())


@pytest.mark.parametrize("name", ["predict", "predict_proba", "leaderboard_", "search_history_", "score_estimate_"])
def test_an_unfitted_estimator_says_so(name: str, X: np.ndarray) -> None:
    estimator = AutoClassifier()
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    with pytest.raises(NotFittedError):
        found = getattr(estimator, name)
        found(X)


def test_a_pickle_predicts_the_same_in_another_process(
    fitted: AutoClassifier, frame: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "both.pickle").write_bytes(pickle.dumps((fitted, frame)))
    program = (
        "import pickle, sys, numpy as np\n"
        "model, rows = pickle.load(open(sys.argv[1], 'rb'))\n"
        "np.save(sys.argv[2], model.predict_proba(rows))\n"
    )
    there = [str(tmp_path / "both.pickle"), str(tmp_path / "there.npy")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", program, *there], check=True, env=environment)
    np.testing.assert_array_equal(np.load(there[1]), fitted.predict_proba(frame))
    again = pickle.loads(pickle.dumps(fitted))
    assert again.leaderboard_.equals(fitted.leaderboard_)
    assert again.score_estimate_ == fitted.score_estimate_


@pytest.mark.filterwarnings("ignore:.*alone predicts the target:UserWarning")
def test_a_grid_search_routes_weights_and_groups_through_a_pipeline(
    frame: pd.DataFrame, y: np.ndarray, classifier: Callable[..., AutoClassifier]
) -> None:
    groups, seen = np.arange(len(y)) // 4, []

    class Spying(AutoClassifier):
        def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> "Spying":
            seen.append((len(sample_weight), len(np.unique(groups))))
            return super().fit(X, y, sample_weight, groups)

    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_output(transform="pandas").set_fit_request(sample_weight=False)
        model = Spying(**CHEAP).set_fit_request(sample_weight=True, groups=True)
        scorer = get_scorer("accuracy").set_score_request(sample_weight=False)
        pipeline = Pipeline([("scale", scaler), ("model", model)])
        grid = GridSearchCV(pipeline, {"model__max_trials": np.array([1])}, cv=GroupKFold(2), scoring=scorer)
        grid.fit(frame, y, sample_weight=1.0 + y, groups=groups)
    assert seen == [(28, 7), (32, 8), (60, 15)] or seen == [(32, 8), (28, 7), (60, 15)]
    assert list(grid.best_estimator_[-1].feature_names_in_) == list(frame)
    assert grid.best_estimator_.score(frame, y) > 0.8


def test_set_output_of_the_steps_before_reaches_the_estimator(
    frame: pd.DataFrame, amounts: np.ndarray, regressor: Callable[..., AutoRegressor]
) -> None:
    pipeline = make_pipeline(StandardScaler(), regressor()).set_output(transform="pandas").fit(frame, amounts)
    assert list(pipeline[-1].feature_names_in_) == list(frame)
    assert pipeline.score(frame, amounts) > 0.9


def test_set_params_changes_what_the_next_fit_does(X: np.ndarray, amounts: np.ndarray, proposing: Any) -> None:
    estimator = AutoRegressor(**CHEAP).set_params(search=proposing("ridge", "decision_tree"), max_trials=2)
    assert estimator.fit(X, amounts).leaderboard_["status"].tolist() == ["done", "done"]
    assert len(estimator.set_params(max_trials=1).fit(X, amounts).leaderboard_) == 1
