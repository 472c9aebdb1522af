"""What fit and predict take, and how they refuse what they cannot take."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tamis import AutoClassifier, AutoRegressor
from tamis.core.errors import DataError, ParameterError
from tamis.data.infer import infer_schema
from tamis.estimators.inputs import classes_to_learn, cores, given_names, values_to_learn, weights_along

Classifier = Callable[..., AutoClassifier]
Regressor = Callable[..., AutoRegressor]


def as_polars(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("polars").DataFrame(frame.to_dict("list"))


def as_arrow(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("pyarrow").table(frame.to_dict("list"))


@pytest.mark.parametrize("kind", [as_polars, as_arrow])
def test_frames_of_other_libraries_give_the_predictions_of_pandas(
    kind: Callable[[pd.DataFrame], Any], frame: pd.DataFrame, y: np.ndarray, classifier: Classifier
) -> None:
    rows = kind(frame)
    model = classifier().fit(rows, y)
    assert list(model.feature_names_in_) == list(frame)
    np.testing.assert_array_equal(model.predict_proba(rows), model.predict_proba(frame))


def test_arrays_lists_and_frames_with_numbered_columns_have_no_names(
    X: np.ndarray, y: np.ndarray, classifier: Classifier
) -> None:
    model = classifier().fit(X.tolist(), y.tolist())
    assert not hasattr(model, "feature_names_in_") and model.n_features_in_ == 4
    expected = model.predict_proba(X)
    for rows in (X.tolist(), pd.DataFrame(X), np.asfortranarray(X), X.astype(object), sparse.csr_matrix(X)):
        np.testing.assert_array_equal(model.predict_proba(rows), expected)


def test_sparse_rows_are_learned_and_predicted_sparse_or_dense(
    X: np.ndarray, amounts: np.ndarray, regressor: Regressor
) -> None:
    rows = sparse.csc_array(np.where(X > -0.5, X, 0.0))
    model = regressor().fit(rows, amounts)
    np.testing.assert_allclose(model.predict(rows), model.predict(rows.toarray()))
    assert model.score(rows, amounts) > 0.5


def test_lists_of_rows_may_mix_numbers_and_text(y: np.ndarray, classifier: Classifier) -> None:
    sides = np.where(np.arange(60) % 5, y, 1 - y)
    rows = [[index % 7, "left" if side else "right"] for index, side in enumerate(sides)]
    assert classifier().fit(rows, y.tolist()).score(rows, y) == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        (np.array(["no", "yes"]), object),
        (np.array([False, True]), bool),
        (np.array([7, -2]), np.int64),
        (np.array([0.0, 1.0]), np.float64),
    ],
    ids=["text", "boolean", "integer", "float"],
)
def test_predictions_are_labels_of_the_kind_that_was_given(
    labels: np.ndarray, dtype: Any, X: np.ndarray, y: np.ndarray, classifier: Classifier
) -> None:
    model = classifier().fit(X, labels[y])
    assert list(model.classes_) == sorted(labels.tolist())
    assert model.predict(X).dtype == dtype
    assert model.score(X, labels[y]) > 0.8


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_rows_without_a_target_are_left_out_with_a_warning(
    missing: Any, X: np.ndarray, y: np.ndarray, classifier: Classifier
) -> None:
    labels = pd.Series(y).astype("Int64" if missing is pd.NA else object)
    labels[:5] = missing
    with pytest.warns(UserWarning, match=r"5 of 60 rows have no target"):
        model = classifier().fit(X, labels)
    assert model.classes_.tolist() == [0, 1]
    assert model.classes_.dtype == np.int64
    assert len(model.predict(X)) == 60


def test_a_regression_leaves_rows_without_a_target_out_too(
    X: np.ndarray, amounts: np.ndarray, regressor: Regressor
) -> None:
    values = np.where(np.arange(60) < 4, np.nan, amounts)
    with pytest.warns(UserWarning, match=r"4 of 60 rows have no target"):
        model = regressor().fit(X, values)
    assert np.isfinite(model.predict(X)).all()


def test_one_class_is_refused_before_anything_is_searched(X: np.ndarray) -> None:
    with pytest.raises(DataError, match="at least two classes; got one class"):
        AutoClassifier().fit(X, np.ones(60))


@pytest.mark.filterwarnings("ignore:No candidate could be fitted:RuntimeWarning")
def test_constant_columns_alone_give_the_dummy_with_a_warning(y: np.ndarray, classifier: Classifier) -> None:
    with pytest.warns(UserWarning, match="no column is left to learn from"):
        model = classifier().fit(np.ones((60, 2)), y)
    shares = model.predict_proba(np.ones((3, 2)))
    np.testing.assert_allclose(shares, [[1 - y.mean(), y.mean()]] * 3, atol=0.02)
    assert len(model.leaderboard_) == len(model.ensemble_) == len(model.search_history_) == 0
    assert model.score_estimate_ is None


def test_missing_renamed_and_moved_columns_are_refused(fitted: AutoClassifier, frame: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"now missing:\n- mass"):
        fitted.predict(frame.drop(columns="mass"))
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- weight"):
        fitted.predict(frame.rename(columns={"mass": "weight"}))
    with pytest.raises(ValueError, match="same order as they were in fit"):
        fitted.predict(frame[list(frame)[::-1]])
    with (
        pytest.warns(UserWarning, match="does not have valid feature names"),
        pytest.raises(ValueError, match="is expecting 4 features"),
    ):
        fitted.predict(frame.to_numpy()[:, :3])


def test_an_array_is_taken_by_position_where_names_were_learned(fitted: AutoClassifier, frame: pd.DataFrame) -> None:
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        found = fitted.predict_proba(frame.to_numpy())
    np.testing.assert_array_equal(found, fitted.predict_proba(frame))


def test_roles_groups_times_and_folds_decide_how_rows_are_held_out(
    frame: pd.DataFrame, y: np.ndarray, classifier: Classifier
) -> None:
    five = np.arange(60) % 5
    told = [
        classifier().fit(frame, y, groups=five.tolist()),
        classifier().fit(frame, y, times=pd.date_range("2020-01-01", periods=60)),
        classifier().fit(frame, y, folds=np.arange(60) % 3),
        classifier().fit(frame.assign(team=five), y, roles={"team": "group"}),
        classifier().fit(frame.assign(team=five), y, roles={"team": "categorical"}),
    ]
    words = ["keep groups together", "order of time", "3 given folds", "keep groups together", "1 category"]
    for model, word in zip(told, words, strict=True):
        assert word in model.notes_[-2] and "once more on all rows" in model.notes_[-1]
    assert max(told[2].search_history_["fold"]) == 2


def test_a_role_for_no_column_is_refused(X: np.ndarray, y: np.ndarray, classifier: Classifier) -> None:
    with pytest.raises(ParameterError, match="nothing"):
        classifier().fit(X, y, roles={"nothing": "numeric"})


def test_what_belongs_to_rows_must_be_as_long_as_they_are(X: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(DataError, match="groups must have a value for each of the 60 rows"):
        AutoClassifier().fit(X, y, groups=y[:9])
    with pytest.raises(DataError, match="as many rows"):
        AutoClassifier().fit(X, y[:-1])


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([0.0, 0.0], "at least one non-zero"),
        ([1.0, -1.0], "row 1 has -1"),
        ([1.0, np.nan], "row 1 has nan"),
        ([1.0], "each of the 2 rows"),
        ([[1.0, 1.0]], "1D array"),
        (["a", "b"], "must be numbers"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        weights_along(weights, 2)


def test_weights_that_are_all_alike_are_none() -> None:
    assert weights_along([2.0, 2.0], 2) is None and weights_along(None, 2) is None
    np.testing.assert_array_equal(weights_along([1, 3], 2), [1.0, 3.0])


def test_weights_change_what_is_learned(X: np.ndarray, y: np.ndarray, classifier: Classifier) -> None:
    rows = X[:, 2:]  # foretells nothing: what is left is the share of the classes
    light = classifier().fit(rows, y, sample_weight=np.where(y, 0.2, 1.0)).predict_proba(rows)[:, 1].mean()
    heavy = classifier().fit(rows, y, sample_weight=np.where(y, 5.0, 1.0)).predict_proba(rows)[:, 1].mean()
    assert light < 0.35 and heavy > 0.65


def test_rows_of_weight_zero_are_as_if_they_were_not_there(
    X: np.ndarray, y: np.ndarray, classifier: Classifier
) -> None:
    weight = np.where(np.arange(60) < 20, 0.0, 1.0 + y)
    with_them = classifier().fit(X, y, sample_weight=weight, folds=np.arange(60) % 3)
    without = classifier().fit(X[20:], y[20:], sample_weight=weight[20:], folds=np.arange(20, 60) % 3)
    np.testing.assert_allclose(with_them.predict_proba(X), without.predict_proba(X))
    with pytest.raises(DataError, match="at least two classes"):
        classifier().fit(X, y, sample_weight=y.astype(float))


def test_targets_that_suit_no_task_are_refused() -> None:
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        classes_to_learn([0.5, 1.25, 2.75], "AutoClassifier")
    with pytest.raises(DataError, match="no row has a class"):
        classes_to_learn([None, None], "AutoClassifier")
    with pytest.raises(DataError, match="AutoRegressor requires y"):
        values_to_learn(None, "AutoRegressor")
    with pytest.raises(ValueError, match="infinity"):
        values_to_learn([1.0, np.inf], "AutoRegressor")


@pytest.mark.parametrize(("X", "words"), [(None, "got None"), (np.ones(4), "Reshape your data"), ("a.csv", "a string")])
def test_what_is_no_table_is_refused(X: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        AutoClassifier().fit(X, [0, 1, 0, 1])


def test_names_that_were_made_up_are_not_given_names(fitted: AutoClassifier, X: np.ndarray, y: np.ndarray) -> None:
    np.testing.assert_array_equal(given_names(fitted.model_.recipe.schema), fitted.feature_names_in_)
    columns = infer_schema(pd.DataFrame(X, columns=[f"column_{index}" for index in range(4)]))
    assert given_names(columns) is None


def test_cores_are_counted_as_scikit_learn_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.estimators.inputs.cpu_count", lambda: 4)
    assert [cores(n_jobs) for n_jobs in (None, 3, -1, -2, -9)] == [1, 3, -1, 3, 1]
    for wrong in (0, 1.5, "all"):
        with pytest.raises(ParameterError, match="'n_jobs' must be a count of cores"):
            cores(wrong)
