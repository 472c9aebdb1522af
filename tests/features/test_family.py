"""Properties that every component of the room has."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from tamis.core.component import ComponentKind, Shape
from tamis.core.kinds import TaskKind
from tamis.store.parts import dump_part, load_part


def array(X):
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


@pytest.fixture
def data(component, rows, kind):
    X = rows(kind(component), 70, missing=component.missing)
    y = np.random.default_rng(1).integers(0, 2, 70)
    return X, y


def test_a_record_says_what_it_is(component, every):
    assert component.kind is ComponentKind.TRANSFORMER
    assert component.summary and component.source and component.classes
    assert every[component.name] is component


def test_default_and_drawn_parameters_lie_in_the_space_and_can_be_built(component, built):
    rng = np.random.default_rng(0)
    for parameters in (component.space.default(), *(component.space.sample(rng) for _ in range(5))):
        component.space.check(parameters)
        assert built(component, **parameters) is not None


def test_costs_are_positive_and_grow_with_the_rows(component):
    few, many = (component.cost(Shape(rows, 10, 2), component.space.default()) for rows in (1000, 1_000_000))
    assert 0 < few.seconds < many.seconds and 0 < few.memory_mb < many.memory_mb


def test_rows_keep_their_count_and_order(component, built, data):
    X, y = data
    fitted = built(component)
    made = array(fitted.fit_transform(X, y))
    assert made.shape[0] == len(X) and made.dtype.kind == "f"
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(array(fitted.transform(X[order])), array(fitted.transform(X))[order], rtol=1e-9)


def test_a_row_does_not_depend_on_the_rows_beside_it(component, built, data):
    X, y = data
    fitted = built(component).fit(X, y)
    alone = np.vstack([array(fitted.transform(X[row : row + 1])) for row in range(5)])
    np.testing.assert_allclose(alone, array(fitted.transform(X[:5])), rtol=1e-6, atol=1e-9)


def test_names_fit_the_columns_and_are_distinct(component, built, data):
    X, y = data
    fitted = built(component).fit(X, y)
    names = fitted.get_feature_names_out([f"column {number}" for number in range(X.shape[1])])
    assert len(names) == len(set(names)) == fitted.transform(X).shape[1]
    assert len(fitted.get_feature_names_out()) == len(names)


def test_what_comes_in_without_gaps_comes_out_without_gaps(component, built, rows, kind):
    X = rows(kind(component), 60, missing=False)
    made = array(built(component).fit_transform(X, np.arange(60) % 2))
    assert np.isfinite(made).all()


def test_a_clone_learns_the_same(component, built, data):
    X, y = data
    fitted = built(component).fit(X, y)
    again = clone(fitted)
    assert again is not fitted and not hasattr(again, "n_features_in_")
    np.testing.assert_array_equal(array(again.fit(X, y).transform(X)), array(fitted.transform(X)))


def test_the_same_seed_gives_the_same_columns(component, built, data):
    X, y = data
    first, second = (array(built(component).fit_transform(X, y)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_the_input_is_not_changed(component, built, data):
    X, y = data
    before = X.copy()
    built(component).fit_transform(X, y)
    np.testing.assert_array_equal(X, before)


def test_tiny_tables_are_taken(component, built, rows, kind):
    for shape in ((1, 1), (1, 3), (2, 1), (2, 3), (3, 5), (30, 1)):
        X = rows(kind(component), *shape, missing=False)
        fitted = built(component)
        made = array(fitted.fit_transform(X, np.arange(shape[0]) % 2))
        assert made.shape[0] == shape[0] and np.isfinite(made).all(), shape
        assert array(fitted.transform(X)).shape == made.shape, shape


def test_constant_columns_are_taken(component, built, kind):
    X = np.full((20, 3), "same" if kind(component) == "texts" else 2.0, dtype=object)
    X = X if kind(component) == "texts" else X.astype(float)
    made = array(built(component).fit_transform(X, np.arange(20) % 2))
    assert made.shape[0] == 20 and made.shape[1] >= 1 and np.isfinite(made).all()


def test_columns_without_any_value_are_taken(component, built, rows, kind):
    if not component.missing:
        pytest.skip("takes no gaps")
    X = rows(kind(component), 20, 3)
    X[:, 1] = "" if kind(component) == "texts" else np.nan
    fitted = built(component)
    made = array(fitted.fit_transform(X, np.arange(20) % 2))
    assert made.shape == array(fitted.transform(X)).shape and made.shape[1] >= 1


def test_huge_and_infinite_numbers_are_taken(component, built, rows, kind):
    if kind(component) == "texts":
        pytest.skip("takes texts")
    X = rows(kind(component), 40, missing=False)
    X[3, 1], X[4, 1], X[5, 2] = 1e300, -np.inf, np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = built(component)
        made = [fitted.fit_transform(X, np.arange(40) % 2), fitted.transform(X), fitted.transform(X * 1e3)]
    made = [np.nan_to_num(array(one), nan=0.0) if component.codes else array(one) for one in made]  # unseen codes
    assert all(np.abs(one).max() <= 1e38 for one in made)


def test_single_precision_is_taken(component, built, rows, kind):
    if kind(component) == "texts":
        pytest.skip("takes texts")
    X = rows(kind(component), 40, missing=False).astype(np.float32)
    assert np.isfinite(array(built(component).fit_transform(X, np.arange(40) % 2))).all()


def test_unseen_codes_and_texts_are_taken(component, built, rows, kind):
    X = rows(kind(component), 60, missing=False)
    fitted = built(component).fit(X, np.arange(60) % 2)
    if kind(component) == "texts":
        new = np.full((2, X.shape[1]), "ζζζ ☃", dtype=object)
    else:
        new = np.full((2, X.shape[1]), 77.0)
        new[1] = -3.0
    made = array(fitted.transform(new))
    assert made.shape == (2, fitted.transform(X).shape[1])
    if not component.codes:
        assert np.isfinite(made).all()


@pytest.mark.parametrize(("task", "classes"), [(TaskKind.REGRESSION, 1), (TaskKind.MULTICLASS, 14)])
def test_every_task_is_served(component, built, rows, kind, context, task, classes):
    X = rows(kind(component), 80, missing=False)
    rng = np.random.default_rng(0)
    y = rng.normal(size=80) * 1e6 if task is TaskKind.REGRESSION else rng.integers(0, classes, 80)
    assert np.isfinite(array(built(component, context(task, classes)).fit_transform(X, y))).all()


def test_an_unwitting_target_of_one_class_is_taken(component, built, data):
    X, _ = data
    assert built(component).fit_transform(X, np.zeros(len(X), dtype=int)).shape[0] == len(X)


def test_sparse_input_gives_what_dense_input_gives(component, built, rows):
    if not component.sparse:
        pytest.skip("takes no sparse input")
    X = rows("numbers", 50, 6, missing=False)
    X[np.random.default_rng(0).random(X.shape) < 0.6] = 0
    y = np.arange(50) % 2
    from_dense = array(built(component).fit_transform(X, y))
    from_sparse = built(component).fit_transform(sparse.csr_matrix(X), y)
    assert from_sparse.shape[0] == 50
    if component.name in ("impute", "variance", "univariate", "model_gain"):
        assert sparse.issparse(from_sparse)
        np.testing.assert_allclose(array(from_sparse), from_dense)


def test_another_count_of_columns_is_refused(component, built, data):
    X, y = data
    fitted = built(component).fit(X, y)
    with pytest.raises(ValueError, match="columns"):
        fitted.transform(X[:, :2])


def test_a_fitted_part_is_stored_with_its_allow_list_alone(component, built, data):
    X, y = data
    fitted = built(component).fit(X, y)
    loaded = load_part(dump_part(fitted, component.classes), component.classes)
    np.testing.assert_array_equal(array(loaded.transform(X)), array(fitted.transform(X)))


def test_parts_work_inside_a_pipeline_of_scikit_learn(component, built, data):
    from sklearn.pipeline import make_pipeline

    X, y = data
    pipeline = make_pipeline(built(component)).fit(X, y)
    assert pipeline.transform(X).shape == (len(X), len(pipeline[0].get_feature_names_out()))
