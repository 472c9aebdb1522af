"""Crafted indices are found before compiled code follows them."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from tamis.core.errors import CorruptArtefactError
from tamis.store.bounds import check_bounds

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
