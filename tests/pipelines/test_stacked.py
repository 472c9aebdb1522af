"""Predictions as columns: out of fold where a model learns from them, saved without pickle."""

from math import inf

import numpy as np
import pytest

from tamis.core.candidate import Candidate
from tamis.core.component import BuildContext, Component, ComponentKind, Shape
from tamis.core.errors import ParameterError
from tamis.core.kinds import Role, TaskKind
from tamis.data.table import Table
from tamis.evaluate.inner import Bonds
from tamis.pipelines.catalogue import Catalogue, builtin
from tamis.pipelines.compile import STACKED_SHARE, fit_model, predict, prepare
from tamis.pipelines.recipes import NUMBERS
from tamis.pipelines.stacked import INNER_FOLDS, FittedPipeline, Predictions
from tamis.store.parts import dump_part, load_part

CATALOGUE = builtin()
SCALED = Candidate.of("standardize", {}, NUMBERS)


def table_of(values):
    return Table(tuple(f"x{index}" for index in range(values.shape[1])), (Role.NUMERIC,) * values.shape[1], values)


def stacked(model, below=SCALED, **parameters):
    return Candidate.of("predictions", {}, Candidate.of(model, CATALOGUE[model].space.complete(parameters), below))


def beside(*branches):
    return Candidate.of("join", {}, SCALED, *branches)


def context(kind=TaskKind.BINARY, classes=2, **more):
    return BuildContext(kind, Shape(200, 4, classes), **more)


class Remembers:
    """Stands in for a pipeline: it knows the rows it has learned from, and answers for others with their number."""

    def __init__(self, rows):
        self.realised = {"rounds": 7}
        self.rows = set(rows)

    @property
    def model(self):
        return self

    def columns(self, table):
        seen = [float(row in self.rows) for row in table.values[:, 0]]
        return np.column_stack([seen, table.values[:, 0], np.zeros(len(seen))])


def test_no_row_is_predicted_by_a_model_that_has_seen_it():
    calls = []

    def learn(table, y, weight, limit_s, realised, splits):
        assert np.array_equal(table.values[:, 0], weight), "weights go with their rows"
        calls.append((len(y), limit_s, dict(realised)))
        return Remembers(table.values[:, 0])

    rows = np.arange(50, dtype=float)[:, None]
    part = Predictions(learn, name="lda", limit_s=8.0)
    found = part.fit_transform(table_of(rows), np.arange(50) % 2, rows[:, 0])
    assert not found[:, 0].any(), "a model answered for a row it had learned from"
    assert np.array_equal(found[:, 1], rows[:, 0]), "every row has its own answer"
    assert part.transform(table_of(rows))[:, 0].all(), "in the end all rows are learned from"
    assert [count for count, _, _ in calls][-1] == 50 and len(calls) == INNER_FOLDS + 1
    assert calls[0][1] == pytest.approx(2.0, rel=0.05), "the fits share the seconds"
    assert [one for _, _, one in calls] == [{}] + [{"rounds": 7}] * INNER_FOLDS
    assert part.names_ == ["lda prediction[0]", "lda prediction[1]", "lda prediction[2]"]


class Earlier(Remembers):
    """Answers with the latest row that it has learned from."""

    classification = True

    def columns(self, table):
        return np.full((table.n_rows, 1), max(self.rows))


def test_what_ties_rows_together_is_handed_down_to_stacks_within_the_stack():
    groups, seen = np.repeat(np.arange(10), 5), []

    def learn(table, y, weight, limit_s, realised, splits):
        seen.append(np.array_equal(splits.clusters, groups[table.values[:, 0].astype(int)]))
        return Remembers(table.values[:, 0])

    rows = np.arange(50, dtype=float)[:, None]
    part = Predictions(learn, splits=Bonds(True, groups))
    found = part.fit_transform(table_of(rows), np.arange(50) % 2)
    assert seen == [True] * 4 and not found[:, 0].any()
    assert "_splits" not in part.__getstate__()


def test_with_time_no_row_is_predicted_by_a_later_one_and_the_first_get_their_share():
    rows, y = np.arange(40, dtype=float)[:, None], (np.arange(40) % 5 == 0).astype(int)
    part = Predictions(
        lambda table, *_: Earlier(table.values[:, 0]), splits=Bonds(True, times=np.arange(40)), n_folds=3
    )
    found = part.fit_transform(table_of(rows), y)[:, 0]
    assert (found[10:] < rows[10:, 0]).all()
    assert found[:10].tolist() == [0.8] * 10, "nobody can be asked about the first rows: 0.8 of them are of class 0"


@pytest.mark.parametrize("kind", ["groups", "time", "none"])
def test_a_neighbour_cannot_look_up_what_its_group_or_the_next_moment_tells(kind):
    """The target is chance for each group of rows, which are much alike; only the bonds keep a neighbour from it."""
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(40), 6)
    values = rng.normal(size=(40, 4))[groups] + 0.01 * rng.normal(size=(240, 4))
    y = rng.integers(0, 2, 40)[groups]
    bonds = {"groups": Bonds(True, groups), "time": Bonds(True, times=groups), "none": None}[kind]
    part = prepare(stacked("nearest_neighbors", n_neighbors=1), CATALOGUE, context(), bonds)
    right = ((part.fit_transform(table_of(values), y)[:, 0] < 0.5) == y).mean()
    assert right > 0.95 if kind == "none" else right < 0.7


@pytest.mark.parametrize("seed", range(3))
def test_a_neighbour_that_knows_noise_by_heart_looks_no_better_than_chance(seed):
    """In-sample it would be right about every training row, and the model above it would believe nothing else."""
    rng = np.random.default_rng(seed)
    values, y = rng.normal(size=(200, 4)), rng.integers(0, 2, 200)
    neighbour = stacked("nearest_neighbors", n_neighbors=1)
    tree = Candidate.of("logistic", {"C": 1.0}, beside(neighbour))
    preparation = prepare(tree.children[0], CATALOGUE, context(seed=seed))
    matrix = preparation.fit_transform(table_of(values), y)
    assert ((matrix[:, -1] < 0.5) == y).mean() < 0.7
    assert ((preparation.transform(table_of(values))[:, -1] < 0.5) == y).mean() == 1.0
    model = fit_model(
        tree, CATALOGUE["logistic"], context(), matrix=matrix, y=y, weight=None, categories=preparation.categories_
    )
    assert (predict(model, CATALOGUE["logistic"], matrix, True).argmax(axis=1) == y).mean() < 0.75


@pytest.mark.parametrize(
    ("kind", "classes", "width"), [(TaskKind.BINARY, 2, 1), (TaskKind.MULTICLASS, 3, 3), (TaskKind.REGRESSION, 1, 1)]
)
@pytest.mark.parametrize("family", ["scikit-learn", "booster"])
def test_predictions_are_saved_and_loaded_as_data(kind, classes, width, family):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(90, 4))
    y = (
        values[:, 0]
        if classes == 1
        else np.digitize(values[:, 0], np.quantile(values[:, 0], [0.4, 0.7][: classes - 1]))
    )
    if family == "booster":
        pytest.importorskip("lightgbm")
    name = "lightgbm" if family == "booster" else "ridge" if classes == 1 else "logistic"
    part = prepare(beside(stacked(name)), CATALOGUE, context(kind, classes))
    matrix = part.fit_transform(table_of(values), y)
    assert matrix.shape == (90, 4 + width) and np.isfinite(matrix).all()
    assert part.names_[4].startswith(f"{name} prediction") and not len(part.categories_)
    loaded = load_part(dump_part(part, CATALOGUE.allowed()), CATALOGUE.allowed())
    fresh = table_of(rng.normal(size=(20, 4)))
    assert np.array_equal(loaded.transform(fresh), part.transform(fresh))
    again = prepare(beside(stacked(name)), CATALOGUE, context(kind, classes))
    assert np.array_equal(again.fit_transform(table_of(values), y), matrix), "the same seed gives the same columns"


def test_all_stacked_predictors_share_a_part_of_the_seconds():
    tree = beside(stacked("lda"), stacked("naive_bayes"))
    _, *parts = prepare(tree, CATALOGUE, context(limit_s=20.0)).inputs
    assert [one.limit_s for one in parts] == [STACKED_SHARE * 20.0 / 2] * 2
    assert prepare(stacked("lda"), CATALOGUE, context()).limit_s == inf


def test_predictions_of_what_is_no_model_are_refused():
    with pytest.raises(ParameterError, match="only stand above a model"):
        prepare(Candidate.of("predictions", {}, SCALED), CATALOGUE, context())
    with pytest.raises(ParameterError, match="'predictions' above it"):
        prepare(Candidate.of("pca", {}, stacked("lda").children[0]), CATALOGUE, context())


def test_a_model_with_a_format_that_loading_could_not_find_is_refused():
    own = Component("own", ComponentKind.MODEL, lambda parameters, context: None, dump=lambda model: {})
    with pytest.raises(ParameterError, match="'own' cannot stand below"):
        FittedPipeline(None, None, own, True)


def test_a_model_of_the_users_own_may_stand_below():
    class Half:
        def fit(self, X, y, **more):
            return self

        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    own = Component("half", ComponentKind.MODEL, lambda parameters, context: Half(), classes=(Half,))
    catalogue = Catalogue(CATALOGUE.values(), own=[own])
    part = prepare(Candidate.of("predictions", {}, Candidate.of("half", {}, SCALED)), catalogue, context())
    table = table_of(np.random.default_rng(0).normal(size=(30, 2)))
    assert (part.fit_transform(table, np.arange(30) % 2) == 0.5).all()
    loaded = load_part(dump_part(part, catalogue.allowed()), catalogue.allowed())
    assert (loaded.transform(table) == 0.5).all()
