"""What a fitted estimator tells, and what decides its predictions."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.naive_bayes import GaussianNB

from tamis import AutoClassifier, AutoRegressor, load
from tamis.core.component import BuildContext, Component, ComponentKind
from tamis.core.errors import ParameterError, RunFolderError
from tamis.core.kinds import CLASSIFICATION, TaskKind
from tamis.estimators.results import BOARD, HISTORY
from tamis.search.sampling import RandomStrategy
from tamis.workflow.fit import resume

Classifier = Callable[..., AutoClassifier]
Regressor = Callable[..., AutoRegressor]


def test_the_leaderboard_lists_each_candidate_once_the_best_first(fitted: AutoClassifier) -> None:
    board = fitted.leaderboard_
    assert tuple(board.columns) == BOARD
    assert board["rank"].tolist() == [1, 2] and board["score"].is_monotonic_decreasing
    assert board["weight"].sum() == pytest.approx(1.0, abs=1e-3)


def test_the_history_lists_every_fit_in_order(fitted: AutoClassifier) -> None:
    history = fitted.search_history_
    assert tuple(history.columns) == HISTORY
    assert set(history["status"]) == {"done"} and history["trial"].is_unique
    assert history["score"].between(0, 1).all() and history["model"].nunique() == 2


def test_the_roles_of_the_columns_are_told_with_their_reasons(fitted: AutoClassifier) -> None:
    roles = fitted.roles_
    assert list(roles) == ["column", "role", "reason"]
    assert roles["column"].tolist() == fitted.feature_names_in_.tolist()
    assert (roles["reason"] != "").all() and "numeric" in set(roles["role"])


def test_the_ensemble_lists_its_members_by_weight(fitted: AutoClassifier) -> None:
    ensemble = fitted.ensemble_
    assert (ensemble["weight"] > 0).all() and ensemble["weight"].is_monotonic_decreasing


def test_the_score_estimate_stands_inside_its_interval(fitted: AutoClassifier) -> None:
    found = fitted.score_estimate_
    assert found is not None and found["metric"] == "roc_auc"
    assert found["low"] <= found["value"] <= found["high"]
    assert found["n_rows"] == 60


def test_the_same_seed_gives_the_same_predictions(X: np.ndarray, y: np.ndarray, classifier: Classifier) -> None:
    def predicted(seed: Any) -> np.ndarray:
        return classifier(random_state=seed).fit(X, y).predict_proba(X)

    np.testing.assert_array_equal(predicted(3), predicted(3))
    np.testing.assert_array_equal(predicted(np.random.RandomState(5)), predicted(np.random.RandomState(5)))
    assert not np.array_equal(predicted(3), predicted(4))


def test_workers_and_their_number_do_not_change_the_result(
    X: np.ndarray, y: np.ndarray, classifier: Classifier, proposing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"search": proposing("decision_tree", "naive_bayes", "logistic"), "max_trials": 3}
    inline = classifier(**options).fit(X, y)
    assert inline.leaderboard_["status"].tolist() == ["done"] * 3
    monkeypatch.setattr("tamis.workflow.kinds.INLINE_CELLS", 0)
    monkeypatch.setattr("tamis.workflow.kinds.Tables.preload", ())
    for n_jobs in (1, 2):
        there = classifier(**{**options, "n_jobs": n_jobs}).fit(X, y)
        np.testing.assert_array_equal(there.predict_proba(X), inline.predict_proba(X))


def test_backbones_are_a_name_or_a_list_of_them(X: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(ParameterError, match="'backbone' must be a name"):
        AutoClassifier(max_trials=1, backbone=3).fit(X, y)
    model = AutoClassifier(backbone=["small", "e5-small"])
    assert model._settings(model._asked(), TaskKind.BINARY, None).backbone == "small,e5-small"


@pytest.mark.alone
def test_a_time_limit_is_kept(X: np.ndarray, y: np.ndarray) -> None:
    began = time.monotonic()
    model = AutoClassifier(time_limit="5s", n_jobs=1).fit(X, y)
    assert time.monotonic() - began < 5 * 1.02 + 1
    assert len(model.ensemble_) >= 1 and model.score(X, y) > 0.8


def agreement(y_true: Any, y_pred: Any) -> float:
    return float(np.mean(np.asarray(y_true) == np.asarray(y_pred)))


def test_a_metric_may_be_a_function_of_the_users_own(
    frame: pd.DataFrame, y: np.ndarray, classifier: Classifier
) -> None:
    labels = np.array(["no", "yes"])[y]
    found = classifier(metric=agreement).fit(frame, labels).score_estimate_
    assert found is not None and found["metric"] == "agreement" and found["value"] > 0.7


def test_a_metric_may_be_a_scorer(X: np.ndarray, y: np.ndarray, classifier: Classifier) -> None:
    found = classifier(metric=make_scorer(fbeta_score, beta=2)).fit(X, y).score_estimate_
    assert found is not None and found["metric"] == "fbeta_score" and found["value"] > 0.7


def test_a_metric_may_have_scikit_learns_name(X: np.ndarray, amounts: np.ndarray, regressor: Regressor) -> None:
    found = regressor(metric="neg_mean_absolute_error").fit(X, amounts).score_estimate_
    assert found is not None and found["metric"] == "mae" and 0 < found["value"] < 0.2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "accurracy"}, "'metric' must be one of"),
        ({"search": 3}, "'search' must be a name or an object with `ask` and `tell`"),
        ({"search": "rnadom"}, "Did you mean 'random'"),
        ({"preset": "quick"}, "'preset' must be one of"),
        ({"max_trials": 0}, "'max_trials' must be a number above 0"),
        ({"time_limit": "soon"}, "time_limit"),
        ({"memory_limit": "-1GB"}, "memory_limit"),
        ({"n_jobs": 0}, "jobs"),
    ],
)
def test_options_that_cannot_be_are_refused_at_fit(
    options: Mapping[str, Any], words: str, X: np.ndarray, y: np.ndarray
) -> None:
    with pytest.raises(ParameterError, match=words):
        AutoClassifier(**options).fit(X, y)


def test_notes_are_shown_when_asked_for(
    X: np.ndarray, amounts: np.ndarray, regressor: Regressor, capsys: pytest.CaptureFixture[str]
) -> None:
    regressor(verbose=1).fit(X, amounts)
    assert "regression from 60 rows" in capsys.readouterr().err
    regressor().fit(X, amounts)
    assert capsys.readouterr() == ("", "")


def build_bayes(parameters: Mapping[str, Any], context: BuildContext) -> GaussianNB:
    return GaussianNB(**parameters)


OWN = Component(
    "own_bayes",
    ComponentKind.MODEL,
    build_bayes,
    tasks=CLASSIFICATION,
    classes=("sklearn.naive_bayes.GaussianNB",),
)


def test_a_component_of_the_users_own_is_tried_saved_and_loaded(
    X: np.ndarray, y: np.ndarray, classifier: Classifier, proposing: Any, tmp_path: Path
) -> None:
    model = classifier(max_trials=2).fit(X, y, components=[OWN])
    assert "own_bayes" in set(model.leaderboard_["family"])
    model = classifier(search=proposing(OWN.name), max_trials=1).fit(X, y, components=[OWN])
    model.save(tmp_path / "model")
    again = load(tmp_path / "model", components=[OWN])
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    with pytest.raises(ParameterError, match="no component 'own_bayes'"):
        load(tmp_path / "model").predict(X)


def test_a_strategy_of_the_users_own_proposes_and_starts_anew_at_each_fit(
    X: np.ndarray, y: np.ndarray, classifier: Classifier, proposing: Any
) -> None:
    strategy = proposing("dummy", "naive_bayes")
    model = classifier(search=strategy, max_trials=5)
    for _ in range(2):
        board = model.fit(X, y).leaderboard_
        assert board["family"].tolist() == ["naive_bayes", "dummy"] and set(board["origin"]) == {"mine"}
        assert board["folds"].min() > 1
    assert strategy.n_asked == 0 and not strategy.heard


def test_copies_are_a_group_where_that_is_said(X: np.ndarray, y: np.ndarray, classifier: Classifier) -> None:
    twice = np.vstack([X, X]), np.append(y, y)
    with pytest.warns(UserWarning, match="groups='copies'"):
        assert not classifier().fit(*twice).model_.recipe.origin.copies
    assert classifier().fit(*twice, groups="copies").model_.recipe.origin.copies
    with pytest.raises(ParameterError, match=r"'groups'.*copies.*'twins'"):
        classifier().fit(*twice, groups="twins")


def test_a_run_folder_is_not_written_over(
    X: np.ndarray, amounts: np.ndarray, regressor: Regressor, tmp_path: Path
) -> None:
    model = regressor(output=tmp_path / "run").fit(X, amounts)
    before = model.predict(X)
    with pytest.raises(RunFolderError, match=r"already holds a run.*or delete it first"):
        model.fit(X, amounts)
    np.testing.assert_array_equal(model.predict(X), before)


def test_the_front_is_a_table_and_each_of_its_members_can_be_taken(
    X: np.ndarray, y: np.ndarray, classifier: Classifier, proposing: Any, tmp_path: Path
) -> None:
    search = proposing("dummy", "naive_bayes", "decision_tree")
    model = classifier(search=search, max_trials=3, output=tmp_path / "run").fit(X, y)
    front = model.pareto_front_
    assert {"rank", "model", "score", "complexity", "predict_ms", "weight"} <= set(front)
    assert front["score"].is_monotonic_increasing and front["complexity"].is_monotonic_increasing
    assert model.pareto_front("seconds")["predict_ms"].is_monotonic_increasing
    member = int(front["rank"].iloc[-1])
    before = model.predict_proba(X)
    for one in (model.take(member, tmp_path / "taken"), load(tmp_path / "taken"), load(tmp_path / "run").take(member)):
        assert len(one.model_.recipe.members[0].units) == len(one.model_.recipe.members) == 1
        assert one.model_.recipe.members[0].key == front["key"].iloc[-1]
        assert one.score(X, y) > 0.7
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_a_rank_means_the_members_own_leaderboard_though_the_run_has_gone_on(
    X: np.ndarray, y: np.ndarray, classifier: Classifier, proposing: Any, tmp_path: Path
) -> None:
    def search() -> Any:
        return proposing("dummy", "decision_tree", "naive_bayes")

    model = classifier(search=search(), max_trials=2, output=tmp_path / "run").fit(X, y)
    families = model.leaderboard_["family"].tolist()
    resume(tmp_path / "run", max_trials=3, strategy=search())
    assert [model.take(rank).ensemble_["family"].iloc[0] for rank in (1, 2)] == families


def test_a_member_of_a_run_without_a_folder_cannot_be_taken(fitted: AutoClassifier) -> None:
    with pytest.raises(ParameterError, match=r"AutoClassifier\(output='my-run'\)"):
        fitted.take(1)


def test_a_notebook_shows_the_search_and_the_pipelines(fitted: AutoClassifier) -> None:
    html, best = fitted._repr_html_(), fitted.ensemble_["family"].iloc[0].replace("_", " ")
    assert html.count("<svg") == 2 and "AutoClassifier" in html and best in html
    assert fitted._repr_mimebundle_()["text/html"] == html
    assert {"score", "model"} == set(fitted.pictures_)
    assert "AutoClassifier" in AutoClassifier()._repr_html_() and "<svg" not in AutoClassifier()._repr_html_()[:200]


def test_the_history_says_when_why_and_what_was_found(fitted: AutoClassifier) -> None:
    history = fitted.search_history_
    assert (history["at_s"] >= 0).all() and history["at_s"].max() > 0
    assert all(isinstance(one, dict) for one in (*history["found"], *history["memo"]))


def test_an_estimator_of_scikit_learn_is_tried_as_it_is_and_a_strategy_may_be_a_class(
    X: np.ndarray, y: np.ndarray, classifier: Classifier
) -> None:
    board = classifier(max_trials=2).fit(X, y, components=[RidgeClassifier()]).leaderboard_
    assert "own_ridge_classifier" in set(board["family"]) and set(board["status"]) == {"done"}

    def first_alone(ingredients: Any) -> Any:
        assert ingredients.portfolio and ingredients.cost(ingredients.portfolio[0]) > 0
        return RandomStrategy(lambda rng: ingredients.portfolio[1], ingredients.seed)

    model = classifier(search=first_alone, max_trials=1).fit(X, y, components=[RidgeClassifier()])
    assert model.leaderboard_["family"].tolist() == ["own_ridge_classifier"]
    with pytest.raises(ParameterError, match="must be a list of components or estimators"):
        classifier().fit(X, y, components=RidgeClassifier())
