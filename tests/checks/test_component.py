"""The check of components finds those that break their promises."""

from dataclasses import replace

import numpy as np
import pytest

from tamis.checks.component import check_component, check_cost, check_record
from tamis.core.component import Component, ComponentKind, Cost, negligible
from tamis.core.kinds import ANY_TASK, CLASSIFICATION, Role
from tamis.core.space import Float, Space
from tamis.store.parts import dump_part, load_part


class Mean:
    """Predicts shares of classes, or the mean."""

    def __init__(self, context, noise=0.0):
        self.n_classes, self.noise = context.shape.classes, noise

    def fit(self, X, y, sample_weight=None):
        if self.n_classes > 1:
            self.shares_ = np.bincount(y, sample_weight, self.n_classes) / np.bincount(y, sample_weight).sum()
        self.mean_ = float(np.average(y, weights=sample_weight)) + self.noise * float(np.random.default_rng().random())
        self.realised_ = {"mean": self.mean_}
        return self

    def predict(self, X):
        return np.full(X.shape[0], self.mean_)

    def predict_proba(self, X):
        return np.tile(self.shares_, (X.shape[0], 1))


class Forgets(Mean):
    """Knows the classes it has seen alone."""

    def predict_proba(self, X):
        return self.shares_[None, self.shares_ > 0].repeat(X.shape[0], axis=0)


class Center:
    """Subtracts the mean of each column; optionally of the rows at hand, which is wrong."""

    def __init__(self, leaks=False):
        self.leaks = leaks

    def fit(self, X, y=None):
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        return X - (X.mean(axis=0) if self.leaks else self.mean_)


BOX = {}


def keep(fitted):
    """Stand in for a library's own format."""
    BOX["model"] = fitted
    return {"model.bin": b"model"}


def fetch(files):
    assert files == {"model.bin": b"model"}
    return BOX["model"]


MEAN = Component(
    "mean",
    ComponentKind.MODEL,
    lambda parameters, context: Mean(context),
    Space({"x": Float(0, 1)}),
    dump=keep,
    load=fetch,
    source="package.Mean",
    summary="predicts the mean",
)
CENTER = Component(
    "center",
    ComponentKind.TRANSFORMER,
    lambda parameters, context: Center(),
    roles=frozenset({Role.NUMERIC, Role.DATE}),
    dump=keep,
    load=fetch,
    source="package.Center",
    summary="subtracts the mean",
)


def scikit(parameters, context):
    from sklearn.preprocessing import StandardScaler

    return StandardScaler(with_mean=False)


def saving(component):
    """Return a function that saves a fitted object as runs do, and loads it again."""
    return lambda fitted: load_part(dump_part(fitted, component.classes), component.classes)


def test_good_components_pass():
    check_component(MEAN, n_samples=1)
    check_component(CENTER, n_samples=1)
    own = replace(CENTER, build=scikit, dump=None, load=None, sparse=True, roles=frozenset())
    check_component(own, round_trip=saving(own), n_samples=1)


def test_one_that_is_not_installed_is_held_to_its_record_alone():
    check_component(replace(MEAN, build=None, module="no_such_module", extra="boost"))
    with pytest.raises(AssertionError, match="finite and positive"):
        check_component(replace(MEAN, module="no_such_module", extra="boost", cost=lambda shape, p: Cost(-1.0, 1.0)))


@pytest.mark.parametrize(
    ("changed", "promise"),
    [
        ({"summary": ""}, "summary"),
        ({"source": ""}, "source"),
        ({"name": "My Model"}, "name"),
        ({"load": None}, "both dump and load"),
        ({"module": "json"}, "extra"),
    ],
)
def test_an_incomplete_record_is_found_out(changed, promise):
    with pytest.raises(AssertionError, match=promise):
        check_record(replace(MEAN, **changed))


@pytest.mark.parametrize("price", [lambda rows: 1.0 / rows, lambda rows: 0.0, lambda rows: float("inf")])
def test_an_odd_cost_is_found_out(price):
    check_cost(replace(MEAN, cost=negligible))
    with pytest.raises(AssertionError, match="cost"):
        check_cost(replace(MEAN, cost=lambda shape, parameters: Cost(price(shape.rows), 1.0)))


@pytest.mark.parametrize(
    ("component", "promise"),
    [
        (
            replace(MEAN, build=lambda _, context: Mean(context, noise=1.0), tasks=ANY_TASK - CLASSIFICATION),
            "same seed gives the same fit",
        ),
        (replace(MEAN, build=lambda parameters, context: Forgets(context), tasks=CLASSIFICATION), "the last class"),
        (replace(CENTER, build=lambda parameters, context: Center(leaks=True)), "alone or among others"),
        (replace(CENTER, codes=True), "are codes"),
        (replace(CENTER, dump=None, load=None), "allow-list"),
    ],
)  # fmt: skip
def test_a_broken_component_is_found_out(component, promise):
    with pytest.raises(AssertionError, match=promise):
        check_component(component, round_trip=saving(component), n_samples=0)


def test_a_fit_that_comes_back_changed_is_found_out():
    own = replace(CENTER, dump=None, load=None)
    with pytest.raises(AssertionError, match="a saved fit transforms the same"):
        check_component(own, round_trip=lambda fitted: Center().fit(np.ones((2, 4))), n_samples=0)
