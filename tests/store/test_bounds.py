"""Crafted indices are found before compiled code follows them."""

from functools import partial

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import SplineTransformer
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from tamis.core.errors import CorruptArtefactError
from tamis.store.bounds import check_arguments, check_bounds

RNG = np.random.default_rng(0)
X = RNG.random((80, 4))
Y = (X[:, 0] + X[:, 1] > 1).astype(int)


def with_nodes(change) -> DecisionTreeClassifier:
    model = DecisionTreeClassifier(random_state=0).fit(X, Y)
    state = model.tree_.__getstate__()
    change(state)
    model.tree_.__setstate__(state)
    return model


def put(field: str, value: int):
    def change(state):
        state["nodes"][field][0] = value

    return change


def count_up(state):
    state["node_count"] += 1000


@pytest.mark.parametrize(
    "change",
    [
        put("left_child", 10**6),
        put("right_child", 0),
        put("left_child", -7),
        put("feature", 4),
        put("feature", -9),
        count_up,
    ],
)
def test_a_tree_that_leads_out_of_itself_is_refused(change):
    with pytest.raises(CorruptArtefactError, match="Tree"):
        check_bounds({"steps": [with_nodes(change)]})


def test_sound_models_pass():
    check_bounds([with_nodes(lambda state: None), RandomForestClassifier(3, random_state=0).fit(X, Y), SVC().fit(X, Y)])
    check_bounds(
        [KNeighborsClassifier().fit(X, Y), HistGradientBoostingRegressor(max_iter=3).fit(X, Y), {1: (None, "a")}]
    )


def test_a_forest_that_lets_in_fewer_columns_than_its_trees_take_is_refused():
    model = RandomForestClassifier(3, random_state=0).fit(X, Y)
    model.n_features_in_ = 2
    with pytest.raises(CorruptArtefactError, match="RandomForest"):
        check_bounds(model)


@pytest.mark.parametrize(("field", "value"), [("left", 60_000), ("right", 0), ("feature_idx", 4)])
def test_histogram_boosting_that_leads_out_of_itself_is_refused(field, value):
    model = HistGradientBoostingRegressor(max_iter=2).fit(X, X[:, 0])
    model._predictors[0][0].nodes[field][0] = value
    with pytest.raises(CorruptArtefactError, match=r"TreePredictor|HistGradient"):
        check_bounds(model)


def test_counts_that_were_never_written_are_no_damage():
    model = SVR().fit(sparse.csr_matrix(X), X[:, 0])
    model._n_support = np.array([264, -(10**6)], dtype=np.int32)
    check_bounds(model)
    model = SVR().fit(X, X[:, 0])
    model._n_support = np.array([264, 0], dtype=np.int32)
    with pytest.raises(CorruptArtefactError, match="SVR"):
        check_bounds(model)


def test_a_sparse_matrix_with_a_column_that_is_not_there_is_refused():
    matrix = sparse.csr_matrix(X)
    matrix.indices[3] = 1000
    with pytest.raises(CorruptArtefactError, match="csr_matrix"):
        check_bounds(matrix)


def test_neighbours_with_a_row_that_is_not_there_are_refused():
    model = KNeighborsClassifier(algorithm="kd_tree").fit(X, Y)
    state = list(model._tree.__getstate__())
    state[1] = np.array(state[1])
    state[1][0] = 10_000
    model._tree.__setstate__(tuple(state))
    with pytest.raises(CorruptArtefactError, match="KDTree"):
        check_bounds(model)


def test_support_vectors_that_are_not_there_are_refused():
    model = SVC().fit(X, Y)
    model._n_support = np.array([1000, 1000], dtype=np.int32)
    with pytest.raises(CorruptArtefactError, match="SVC"):
        check_bounds(model)


def test_a_word_with_a_column_that_is_not_there_is_refused():
    model = TfidfVectorizer().fit(["red fox", "blue fox"])
    model.vocabulary_["fox"] = 77
    with pytest.raises(CorruptArtefactError, match="TfidfVectorizer"):
        check_bounds(model)


@pytest.mark.parametrize("place", [5, 6, 11])
def test_neighbours_without_a_distance_or_with_other_counts_are_refused(place):
    model = KNeighborsClassifier(algorithm="kd_tree").fit(X, Y)
    state = list(model._tree.__getstate__())
    state[place] = None if place == 11 else state[place] + 1
    model._tree.__setstate__(tuple(state))
    with pytest.raises(CorruptArtefactError, match="KDTree"):
        check_bounds(model)


@pytest.mark.parametrize("variance", [np.ones(3), np.ones(0)])
def test_a_distance_with_too_few_weights_is_refused(variance):
    model = KNeighborsClassifier(algorithm="ball_tree", metric="seuclidean", metric_params={"V": np.ones(4)}).fit(X, Y)
    check_bounds(model)
    distance = model._tree.__getstate__()[11]
    power, _, matrix = distance.__getstate__()
    distance.__setstate__((power, variance, matrix))
    with pytest.raises(CorruptArtefactError, match="BallTree"):
        check_bounds(model)


def test_rows_of_neighbours_with_fewer_columns_than_the_model_takes_are_refused():
    model = KNeighborsClassifier(algorithm="brute").fit(X, Y)
    model._fit_X = model._fit_X[:, :2]
    with pytest.raises(CorruptArtefactError, match="KNeighbors"):
        check_bounds(model)


def test_histogram_boosting_that_splits_numbers_by_level_is_refused():
    model = HistGradientBoostingRegressor(max_iter=2).fit(X, X[:, 0])
    predictor = model._predictors[0][0]
    predictor.nodes["is_categorical"][0] = 1
    predictor.raw_left_cat_bitsets = predictor.binned_left_cat_bitsets = np.zeros((1, 8), dtype=np.uint32)
    with pytest.raises(CorruptArtefactError, match="HistGradient"):
        check_bounds(model)


@pytest.mark.parametrize("name", ["drop", "scaler", "missed"])
def test_histogram_boosting_behind_a_preparation_that_loses_columns_is_refused(name):
    levels = np.column_stack([np.floor(X[:, 0] * 5), X[:, 1:]])
    model = HistGradientBoostingRegressor(max_iter=2, categorical_features=[0]).fit(levels, X[:, 0])
    check_bounds(model)
    steps = model._preprocessor.transformers_
    if name == "missed":
        del steps[0]
    else:
        steps[1] = (steps[1][0], "drop" if name == "drop" else KNeighborsClassifier(), steps[1][2])
    with pytest.raises(CorruptArtefactError, match="HistGradient"):
        check_bounds(model)


@pytest.mark.parametrize(("name", "value"), [("k", 50), ("k", -1), ("c", np.ones((2, 2))), ("t", np.arange(9.0)[::-1])])
def test_a_spline_that_reads_outside_its_coefficients_is_refused(name, value):
    model = SplineTransformer(4).fit(X)
    check_bounds(model)
    setattr(model.bsplines_[0], name, value)
    with pytest.raises(CorruptArtefactError, match="BSpline"):
        check_bounds(model)


def test_what_hides_behind_a_container_or_a_partial_function_is_found():
    hidden = with_nodes(put("left_child", 10**6))
    box = type("Box", (list,), {})()
    box.model = hidden
    for held in (box, partial(print, hidden), partial(print, model=hidden)):
        with pytest.raises(CorruptArtefactError, match="Tree"):
            check_bounds([held])


@pytest.mark.parametrize("arguments", [(4, [2], 2), (4, [2, 2], 0), (-1, [2], 1), (4, [0], 1), (4, [[2]], 1)])
def test_a_tree_is_made_with_counts_that_fit(arguments):
    check_arguments("sklearn.tree._tree.Tree", (4, np.array([2, 3]), 2))
    n_features, n_classes, n_outputs = arguments
    with pytest.raises(CorruptArtefactError, match="Tree"):
        check_arguments("sklearn.tree._tree.Tree", (n_features, np.array(n_classes), n_outputs))
