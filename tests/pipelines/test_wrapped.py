"""Components made of estimators and transformers that know nothing of Tamis."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.ensemble import AdaBoostClassifier
from sklearn.linear_model import HuberRegressor, LogisticRegression, PoissonRegressor, RidgeClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

from tamis.checks.component import check_component
from tamis.core.candidate import Candidate
from tamis.core.component import BuildContext, Component, ComponentKind, Shape
from tamis.core.errors import ParameterError
from tamis.core.kinds import CLASSIFICATION, Role, TaskKind
from tamis.core.space import Choice, Float, Int
from tamis.data.table import Table
from tamis.pipelines import catalogue
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.compile import prepare
from tamis.pipelines.portfolio import candidates_for
from tamis.pipelines.recipes import Groups
from tamis.pipelines.rules import grammar_for
from tamis.pipelines.wrapped import component, components_of
from tamis.store.parts import dump_part, load_part


class Mine(ClassifierMixin, BaseEstimator):
    """The class that is most frequent."""

    def __init__(self, ignored: float = 1.0) -> None:
        self.ignored = ignored

    def fit(self, X: Any, y: Any) -> "Mine":
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = counts / counts.sum()
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.tile(self.shares_, (len(X), 1))


class Duck:
    """Has `get_params` and `fit`, and no base class."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {}

    def set_params(self, **parameters: Any) -> "Duck":
        return self

    def fit(self, X: Any, y: Any) -> "Duck":
        return self


class Duckling(Duck):
    """Tells probabilities too."""

    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), 2), 0.5)


WRAPPED = [
    component("ada", AdaBoostClassifier(n_estimators=12), {"n_estimators": Int(10, 14)}),
    component("margins", RidgeClassifier(), {"alpha": Float(0.1, 10, log=True)}),
    component("votes", SVC(decision_function_shape="ovo")),
    component("piped", make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1.0]}),
    component("mine", Mine()),
    component("huber", HuberRegressor()),
    component("bins", KBinsDiscretizer(encode="onehot-dense"), {"n_bins": [3, 5]}),
    component("cube", FunctionTransformer(np.cbrt)),
    component("places", OrdinalEncoder(), on="categories"),
    component("clusters", KMeans(3)),
]


@pytest.mark.parametrize("made", WRAPPED, ids=lambda one: one.name)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_wrapped_one_keeps_the_promises_of_its_family(made: Component) -> None:
    def round_trip(fitted: Any) -> Any:
        return load_part(dump_part(fitted, made.classes), made.classes)

    check_component(made, round_trip=round_trip, n_samples=1)


def test_it_says_what_it_is() -> None:
    by_name = {one.name: one for one in WRAPPED}
    assert by_name["ada"].tasks == CLASSIFICATION and by_name["huber"].tasks == {TaskKind.REGRESSION}
    assert by_name["clusters"].kind is ComponentKind.TRANSFORMER
    assert by_name["ada"].takes_weights and not by_name["piped"].takes_weights
    assert by_name["places"].roles == {Role.CATEGORICAL, Role.HIGH_CARDINALITY}
    assert component("duckling", Duckling()).tasks == CLASSIFICATION


def test_a_class_and_lists_of_values_will_do_and_the_estimators_own_values_come_first() -> None:
    made = component("ada", AdaBoostClassifier, {"n_estimators": range(10, 60, 10), "learning_rate": Float(0.01, 2.0)})
    assert made.space.default() == {"n_estimators": 50, "learning_rate": 1.0}
    made = component("svm", LogisticRegression(C=7), {"C": Float(0.1, 1.0), "solver": Choice(["saga", "lbfgs"])})
    assert made.space.default() == {"C": 0.55, "solver": "lbfgs"}


def test_seed_threads_and_tuples_reach_the_estimator() -> None:
    made = component("net", MLPRegressor((5,), max_iter=9), {"hidden_layer_sizes": Choice([[5], [3, 3]])})
    context = BuildContext(TaskKind.REGRESSION, Shape(9, 2), seed=41, threads=3)
    built = made.build({"hidden_layer_sizes": [3, 3]}, context).estimator
    assert built.random_state == 41 and built.hidden_layer_sizes == (3, 3) and built.max_iter == 9
    piped = component("piped", make_pipeline(StandardScaler(), LogisticRegression(random_state=5, n_jobs=None)))
    model = piped.build({}, BuildContext(TaskKind.BINARY, Shape(9, 2, 2), seed=41)).estimator[-1]
    assert model.random_state == 5


def test_a_model_of_counts_sees_counts() -> None:
    X, y = np.arange(30.0)[:, None] / 30, np.arange(30) // 6
    model = component("counts", PoissonRegressor(alpha=0)).build({}, BuildContext(TaskKind.REGRESSION, Shape(30, 1)))
    assert np.abs(model.fit(X, y).predict(X) - y).mean() < 1


@pytest.mark.parametrize(
    ("name", "estimator", "options", "words"),
    [
        ("Ada Boost", AdaBoostClassifier(), {}, "lower case"),
        ("join", AdaBoostClassifier(), {}, "none of columns, join"),
        ("ada", AdaBoostClassifier(), {"space": {"n_estimator": [1]}}, "Did you mean 'n_estimators'"),
        ("ada", AdaBoostClassifier(), {"space": {"n_estimators": 9}}, "must be a Float, an Int, a Choice or a list"),
        ("ada", AdaBoostClassifier(), {"space": [1]}, "must be a mapping"),
        ("ada", AdaBoostClassifier(), {"on": "number"}, "Did you mean 'numbers'"),
        ("ada", AdaBoostClassifier(), {"kind": "model"}, "'kind' must be one of"),
        ("logistic", LogisticRegression(), {"space": {"class_weight": [None, "balanced"]}}, "Tamis itself varies"),
        ("text", "AdaBoostClassifier", {}, "must be an estimator with scikit-learn's manners"),
        ("duck", Duck(), {}, 'kind="classifier"'),
    ],
)
def test_what_cannot_be_is_refused(name: str, estimator: Any, options: Mapping[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        component(name, estimator, **options)


def test_bare_estimators_get_names_that_replace_nothing() -> None:
    names = [one.name for one in components_of([RidgeClassifier(), RidgeClassifier, WRAPPED[0]])]
    assert names == ["own_ridge_classifier", "own_ridge_classifier_2", "ada"]
    assert not set(names) & set(builtin())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([WRAPPED[0], WRAPPED[0]], "Two components have the name 'ada'"),
        (WRAPPED[0], "must be a list"),
        ("ada", "must be a list"),
        ([3], "must be an estimator"),
    ],
)
def test_lists_of_components_are_checked(given: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        components_of(given)


OWN = [WRAPPED[0], *(component(f"on_{on}", KBinsDiscretizer(), {"n_bins": [3, 5]}, on=on)
                     for on in ("everything", "numbers", "categories"))]  # fmt: skip


@pytest.mark.parametrize("groups", [Groups(3, 2, 1, 1, 1), Groups(3), Groups(few_levels=2), Groups(9, sparse=True)])
def test_the_grammar_writes_what_is_tried_first(groups: Groups) -> None:
    known = builtin(OWN)
    trees = candidates_for(groups, TaskKind.BINARY, 500, 9, known, known.own)
    grammar = grammar_for(groups, TaskKind.BINARY, known)
    own = {one.name for one in OWN}
    tried = [tree for tree in trees if own & {node.component for node in tree.walk()}]
    assert tried == trees[1 : 1 + len(tried)] and all(map(grammar.writes, tried))
    places = {"on_numbers": bool(groups.numbers) and not groups.sparse, "on_categories": bool(groups.levels)}
    assert {name for name, there in places.items() if there} <= {n.component for t in tried for n in t.walk()}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_missing_codes_are_a_code_of_their_own(table: Table, target: np.ndarray) -> None:
    made = component("hot", OneHotEncoder(handle_unknown="ignore"), on="categories")
    tree = Candidate.of("hot", {}, Candidate.of("columns", {"roles": ["categorical"]}))
    table.values[::9, 2] = np.nan
    step = prepare(tree, {**builtin(), "hot": made}, BuildContext(TaskKind.BINARY, Shape(60, 1, 2)))
    found = step.fit_transform(table, target)
    assert found.shape == (60, 5) and step.names_[0].endswith("_0.0")
    np.testing.assert_array_equal(step.transform(table).toarray(), found.toarray())


def test_a_plug_in_may_offer_estimators_and_lists_and_what_is_none_costs_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    things = [("ada", AdaBoostClassifier()), ("several", [WRAPPED[1], WRAPPED[2]]), ("wrong", 3)]
    monkeypatch.setattr(catalogue, "offered", lambda group: iter(things))
    with pytest.warns(RuntimeWarning, match="'wrong' offers no component"):
        known = builtin([WRAPPED[4]])
    assert [one.name for one in known.own] == ["ada", "margins", "votes", "mine"]
