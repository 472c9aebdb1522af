"""What every algorithm owes: shapes, classes, weights, seeds, flags, deadlines and plain state."""

import json
import time

import numpy as np
import pytest
from scipy import sparse

from tamis.algorithms.estimator import TargetScale, rows_within, spread_classes, stratified_rows
from tamis.core.component import BuildContext, Cost, Shape
from tamis.core.kinds import TaskKind
from tamis.store.parts import dump_part, load_part


def only(condition):
    """Run a test over the components (and tasks) that fulfil a condition: conftest.py reads it."""

    def mark(test):
        test.only = condition
        return test

    return mark


def loss(prediction, y, task):
    if task.is_classification:
        return -np.log(np.clip(prediction[np.arange(len(y)), y], 1e-12, 1)).mean()
    return ((prediction - y) ** 2).mean()


def test_a_model_beats_the_baseline_on_easy_data(component, task, problem, fresh, answer):
    X, y = problem(task, 200)
    train, test = slice(0, 140), slice(140, None)
    prediction = answer(fresh(component, task, X[train]).fit(X[train], y[train]), task, X[test])
    if task.is_classification:
        assert prediction.shape == (60, 2 if task is TaskKind.BINARY else 3)
        assert np.allclose(prediction.sum(axis=1), 1) and (prediction >= 0).all()
        guess = np.tile(np.bincount(y[train]) / 140, (60, 1))
    else:
        assert prediction.shape == (60,)
        guess = np.full(60, y[train].mean())
    share = loss(prediction, y[test], task) / loss(guess, y[test], task)
    assert share < 0.75 if component.name != "dummy" else share == pytest.approx(1, abs=0.01)


@only(lambda one: TaskKind.BINARY in one.tasks)
def test_a_class_that_is_absent_has_a_column(component, problem, fresh):
    X, y = problem(TaskKind.BINARY, 60)
    model = fresh(component, TaskKind.MULTICLASS, X, classes=5).fit(X, np.where(y == 0, 1, 3))
    prediction = model.predict_proba(X)
    assert prediction.shape == (60, 5)
    assert prediction[:, [0, 2, 4]].max() < 0.1
    assert np.allclose(prediction.sum(axis=1), 1)


def test_the_same_seed_gives_the_same_model(component, task, problem, fresh, answer):
    X, y = problem(task, 60)
    first, second = (answer(fresh(component, task, X, seed=7).fit(X, y), task, X) for _ in range(2))
    assert np.array_equal(first, second) or not component.deterministic


def test_weights_are_taken(component, task, problem, fresh, answer):
    X, y = problem(task, 100)
    weight = np.where(y <= np.median(y), 10.0, 0.1)
    plain = answer(fresh(component, task, X).fit(X, y), task, X)
    heavy = answer(fresh(component, task, X).fit(X, y, sample_weight=weight), task, X)
    if not component.takes_weights:
        assert np.allclose(plain, heavy)
    elif task.is_classification:
        assert heavy[:, 0].mean() > plain[:, 0].mean()
    else:
        low = weight > 1
        assert loss(heavy[low], y[low], task) <= loss(plain[low], y[low], task) * 1.2


@pytest.mark.parametrize("n_rows", [1, 5])
def test_a_handful_of_rows_is_enough(component, task, problem, fresh, answer, n_rows):
    X, y = problem(task, n_rows)
    prediction = answer(fresh(component, task, X).fit(X, y), task, X)
    assert len(prediction) == n_rows and np.isfinite(prediction).all()


def test_a_target_of_one_value_is_learned(component, task, problem, fresh, answer):
    X, _ = problem(task, 5)
    prediction = answer(fresh(component, task, X).fit(X, np.ones(5, dtype=int)), task, X)
    if task.is_classification:
        assert (prediction.argmax(axis=1) == 1).all()
    else:
        assert np.allclose(prediction, 1.0)


def test_constant_columns_do_no_harm(component, task, problem, fresh, answer):
    _, y = problem(task, 40)
    X = np.ones((40, 3))
    prediction = answer(fresh(component, task, X).fit(X, y), task, X)
    assert np.isfinite(prediction).all() and np.allclose(prediction, prediction[0])


def test_one_column_is_enough(component, task, problem, fresh, answer):
    X, y = problem(task, 50, 1)
    assert np.isfinite(answer(fresh(component, task, X).fit(X, y), task, X)).all()


@only(lambda one: one.missing)
def test_missing_values_are_taken_where_the_record_says_so(component, task, problem, fresh, answer):
    X, y = problem(task, 80)
    X[::7, 1] = np.nan
    X[:, 3] = np.nan
    assert np.isfinite(answer(fresh(component, task, X).fit(X, y), task, X)).all()


@only(lambda one: one.sparse)
def test_sparse_input_is_taken_where_the_record_says_so(component, task, problem, fresh, answer):
    X, y = problem(task, 80)
    X = sparse.csr_matrix(np.where(np.abs(X) > 0.3, X, 0.0).astype(np.float32))
    prediction = answer(fresh(component, task, X).fit(X, y), task, X)
    assert np.isfinite(prediction).all() and len(prediction) == 80


@only(lambda one: one.takes_categories)
def test_categories_are_taken_where_the_record_says_so(component, task, problem, fresh, answer):
    X, y = problem(task, 150)
    X[:, 0] = np.clip(np.round(2 * X[:, 0]) + 4, 0, 8)
    X[3, 0] = np.nan
    model = fresh(component, task, X).fit(X, y, categories=[0])
    unknown = X.copy()
    unknown[:, 0] = 400
    assert np.isfinite(answer(model, task, unknown)).all()
    assert not np.allclose(answer(model, task, X), answer(model, task, unknown))


def test_a_short_slice_ends_in_time(component, problem, fresh):
    task = next(iter(sorted(component.tasks)))
    X, y = problem(task, 1500, 10)
    begun = time.monotonic()
    fresh(component, task, X, limit_s=0.5, parameters=component.space.default(), realised={}).fit(X, y)
    assert time.monotonic() - begun < 5  # an order of magnitude: the machine may be busy


def test_what_was_realised_is_plain_and_used_again(component, task, problem, fresh):
    X, y = problem(task, 60)
    found = getattr(fresh(component, task, X).fit(X, y), "realised_", {})
    again = fresh(component, task, X, realised=json.loads(json.dumps(found))).fit(X, y)
    assert getattr(again, "realised_", {}) == found


def test_estimates_grow_with_the_rows(component):
    parameters = component.space.default()
    small, large = (component.cost(Shape(rows, 20, 3), parameters) for rows in (1_000, 10_000))
    assert isinstance(small, Cost)
    assert 0 < small.seconds < large.seconds and 0 < small.memory_mb < large.memory_mb


def test_every_corner_of_a_space_can_be_fitted(component, problem, fresh, answer):
    task = next(iter(sorted(component.tasks)))
    X, y = problem(task, 50)
    drawn = component.space.sample(np.random.default_rng(3))
    model = component.build(drawn, BuildContext(task, Shape(*X.shape, 2), limit_s=0.2)).fit(X, y)
    assert np.isfinite(answer(model, task, X)).all()


def test_files_give_the_same_predictions(component, task, problem, fresh, answer):
    X, y = problem(task, 60)
    model = fresh(component, task, X).fit(X, y)
    if component.dump is not None:
        files = component.dump(model)
        assert all(isinstance(content, bytes) for content in files.values())
        back = component.load(files)
    else:
        back = load_part(dump_part(model, component.classes), component.classes)
    assert np.allclose(answer(model, task, X), answer(back, task, X), rtol=1e-12, atol=1e-12)


@only(lambda one: "log_target" in one.space.parameters)
def test_a_log_target_suits_a_heavy_tail(component, fresh):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 2))
    y = np.exp(3 * X[:, 0])
    errors = []
    for log_target in (False, True):
        model = fresh(component, TaskKind.REGRESSION, X, parameters={"log_target": log_target}).fit(X, y)
        errors.append(np.median(np.abs(np.log1p(np.maximum(model.predict(X), 0)) - np.log1p(y))))
    assert errors[1] < errors[0]


@only(lambda one: TaskKind.REGRESSION in one.tasks)
@pytest.mark.parametrize("metric", ["mae", "rmsle"])
def test_metrics_of_regression_have_their_own_loss(component, fresh, problem, metric):
    X, y = problem(TaskKind.REGRESSION, 80)
    y = np.maximum(y, 0.0)
    prediction = fresh(component, TaskKind.REGRESSION, X, metric=metric).fit(X, y).predict(X)
    assert np.isfinite(prediction).all()


def test_a_scale_brings_predictions_back():
    y = np.array([0.0, 1.0, 10.0, 1e4])
    for scale in (TargetScale(), TargetScale(log=True), TargetScale.for_metric("rmsle", {})):
        scale.fit(y)
        back = TargetScale.from_json(scale.to_json())
        assert np.allclose(back.inverse(scale.forward(y)), y)


def test_a_logarithm_is_not_taken_of_negative_targets():
    y = np.array([-5.0, 1.0, 3.0])
    scale = TargetScale(log=True).fit(y)
    assert not scale.log and np.allclose(scale.inverse(scale.forward(y)), y)


def test_a_sample_keeps_every_class():
    y = np.array([0] * 5000 + [1] * 3)
    rows = stratified_rows(y, 100, 0)
    assert len(rows) <= 102 and set(y[rows]) == {0, 1}


def test_classes_that_were_seen_are_left_as_they_are():
    shares = np.array([[0.3, 0.7]])
    assert spread_classes(shares, np.array([0, 1]), 2, 10) is shares


def test_rows_shrink_to_fit_the_slice():
    def seconds_by_row(shape, parameters):
        return Cost(shape.rows * 1e-3, 1)

    shape = Shape(10_000, 5)
    limited = BuildContext(TaskKind.REGRESSION, shape, limit_s=2.0)
    assert 500 < rows_within(seconds_by_row, limited, {}, most=10**6) <= 1_200
    assert rows_within(seconds_by_row, BuildContext(TaskKind.REGRESSION, shape), {}, most=10**6) == 10**6
