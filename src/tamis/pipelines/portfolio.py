"""The configurations that are tried first, ordered for few cores and short budgets.

The settings of the boosters follow the published portfolios of AutoGluon 1.6 (2025-12-18, CPU) and the tuned defaults
of pytabkit; small, strongly randomised and regularised trees stand first because those portfolios chose them so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.component import Component, ComponentKind
from tamis.core.kinds import TaskKind
from tamis.pipelines import recipes
from tamis.pipelines.catalogue import Catalogue
from tamis.pipelines.recipes import Groups, Recipe
from tamis.pipelines.rules import model_space


@dataclass(frozen=True)
class Start:
    """One configuration: a model, its settings, the preparation below it, and where it makes sense."""

    model: str
    recipe: Recipe
    parameters: Mapping[str, Any] = field(default_factory=dict)
    most_rows: int = 10**9
    most_columns: int = 10**9
    least_rows: int = 0
    needs: str = ""
    """A group that must have columns: `levels`, `numbers`, `texts`, `dates`."""


def _lgbm(recipe: Recipe = recipes.raw, *, needs: str = "", least_rows: int = 0, **parameters: Any) -> Start:
    return Start("lightgbm", recipe, parameters, needs=needs, least_rows=least_rows)


DEEP: dict[str, Any] = {
    "num_leaves": 84, "learning_rate": 0.02, "extra_trees": False, "feature_fraction": 0.53, "bagging_fraction": 0.98,
    "lambda_l1": 0.03, "lambda_l2": 0.84, "min_data_in_leaf": 3,
}  # fmt: skip
"""Deep trees that need few rounds: soon good where rows are many."""

STARTS = (
    Start("linear", recipes.scaled),
    _lgbm(**DEEP, least_rows=3_000),
    _lgbm(
        num_leaves=16, learning_rate=0.03, extra_trees=True, feature_fraction=0.72, bagging_fraction=0.97,
        lambda_l1=0.9, lambda_l2=1.66, min_data_in_leaf=20,
    ),
    Start("catboost", recipes.raw, {"depth": 6, "learning_rate": 0.06}),
    Start("histgb", recipes.raw, {"learning_rate": 0.06}),
    Start("realmlp", recipes.raw, {"epochs": 64}, most_rows=60_000, most_columns=300),
    Start("extra_trees", recipes.filled, {"min_samples_leaf": 2, "max_features": 0.75}, most_rows=60_000),
    Start("svm", recipes.gaussian, most_rows=4_000, most_columns=2_000),
    Start("gaussian_process", recipes.gaussian, most_rows=1_000, most_columns=200),
    Start("lda", recipes.scaled, most_rows=20_000, most_columns=1_500),
    _lgbm(**DEEP),
    _lgbm(
        recipes.with_target_statistics, needs="levels",
        num_leaves=16, learning_rate=0.03, extra_trees=True, feature_fraction=0.6, bagging_fraction=0.9,
        lambda_l1=0.9, lambda_l2=1.9, min_data_in_leaf=15,
    ),
    Start("tabm", recipes.raw, most_rows=30_000, most_columns=150),
    Start("mlp", recipes.gaussian, most_rows=30_000, most_columns=1_500),
    Start("random_forest", recipes.filled, {"min_samples_leaf": 2, "max_features": "sqrt"}, most_rows=30_000),
    Start("linear", recipes.splines, most_columns=300, needs="numbers"),
    Start("catboost", recipes.raw, {"depth": 8, "learning_rate": 0.04, "grow_policy": "Depthwise", "l2_leaf_reg": 2.8}),
    Start("realmlp", recipes.raw, most_rows=100_000, most_columns=300),
    Start(
        "xgboost", recipes.raw,
        {
            "learning_rate": 0.03, "max_leaves": 35, "max_depth": 10, "grow_policy": "lossguide", "subsample": 0.7,
            "colsample_bynode": 0.9, "reg_alpha": 3.5, "reg_lambda": 1.3,
        },
    ),
    _lgbm(
        recipes.with_crosses,
        num_leaves=64, learning_rate=0.02, extra_trees=True, feature_fraction=0.55, bagging_fraction=0.99,
        lambda_l1=0.91, lambda_l2=1.9, min_data_in_leaf=28,
    ),
    _lgbm(
        num_leaves=5, learning_rate=0.03, extra_trees=True, feature_fraction=0.73, bagging_fraction=0.85,
        lambda_l1=0.24, lambda_l2=0.3, min_data_in_leaf=12,
    ),
    Start("linear", recipes.words, needs="texts"),
    Start("nearest_neighbors", recipes.gaussian, {"n_neighbors": 15, "weights": "distance"}, 20_000, 200),
    Start("qda", recipes.scaled, {}, 20_000, 60),
    Start("svm", recipes.scaled, {"C": 10.0}, most_rows=3_000, most_columns=2_000),
    _lgbm(
        recipes.with_crosses,
        num_leaves=8, learning_rate=0.015, extra_trees=True, feature_fraction=0.43, bagging_fraction=0.72,
        lambda_l1=0.11, lambda_l2=0.26, min_data_in_leaf=15,
    ),
    Start("mlp", recipes.scaled, {"n_layers": 3, "width": 256, "learning_rate": 1e-3}, 20_000, 1_500),
    Start("catboost", recipes.with_crosses, {"depth": 4, "learning_rate": 0.05}, most_rows=100_000),
    _lgbm(
        num_leaves=180, learning_rate=0.02, extra_trees=True, feature_fraction=0.4, bagging_fraction=0.95,
        lambda_l1=0.77, lambda_l2=1.6, min_data_in_leaf=12, least_rows=2_000,
    ),
    Start("extra_trees", recipes.filled, {"min_samples_leaf": 1, "max_features": 1.0}, most_rows=30_000),
    _lgbm(
        recipes.with_target_statistics, needs="levels",
        num_leaves=64, learning_rate=0.02, extra_trees=False, feature_fraction=0.67, bagging_fraction=0.93,
        lambda_l1=0.01, lambda_l2=0.72, min_data_in_leaf=1,
    ),
    Start(
        "xgboost", recipes.with_target_statistics,
        {"learning_rate": 0.04, "max_depth": 5, "subsample": 0.8, "colsample_bytree": 0.66}, needs="levels",
    ),
    Start("naive_bayes", recipes.scaled),
    Start("decision_tree", recipes.filled),
)  # fmt: skip
"""In the order in which they are tried; those that do not suit the table are left out."""

SPARSE_STARTS = (
    Start("linear", recipes.sparse),
    Start("naive_bayes", recipes.sparse),
    _lgbm(recipes.sparse, num_leaves=31, learning_rate=0.05, feature_fraction=0.3, bagging_fraction=0.9),
    Start("sgd", recipes.sparse),
    Start("svm", recipes.condensed, most_rows=4_000),
    Start("extra_trees", recipes.sparse, most_rows=20_000),
    Start("mlp", recipes.condensed, most_rows=30_000),
    Start("histgb", recipes.condensed),
    Start("xgboost", recipes.sparse, {"learning_rate": 0.05}),
)
"""For tables whose numbers are held as a sparse matrix."""

ALIASES = {"linear": {True: "logistic", False: "ridge"}}


def candidates_for(
    groups: Groups, kind: TaskKind, n_rows: int, n_columns: int, catalogue: Catalogue, own: Iterable[Component] = ()
) -> list[Candidate]:
    """Return the starting candidates that suit a table and a task, in order.

    Settings that a component does not have are left out, so that the same list serves several tasks. The user's own
    models come right after the first, with the defaults of their spaces.
    """
    found: dict[str, Candidate] = {}
    first, *others = SPARSE_STARTS if groups.sparse else STARTS
    for start in (first, *_own_starts(own, groups), *others):
        name = ALIASES.get(start.model, {}).get(kind.is_classification, start.model)
        if name not in catalogue or kind not in catalogue[name].tasks:
            continue
        if not start.least_rows <= n_rows <= start.most_rows or n_columns > start.most_columns:
            continue
        if start.needs and not getattr(groups, start.needs):
            continue
        space = model_space(catalogue[name], kind)
        tree = Candidate.of(name, space.complete(start.parameters), _known(start.recipe(groups), catalogue))
        found.setdefault(tree.key, tree)
    return list(found.values())


def _own_starts(own: Iterable[Component], groups: Groups) -> list[Start]:
    starts = []
    for one in own:
        if groups.sparse:
            recipe = recipes.sparse if one.sparse else recipes.condensed
        else:
            takes_raw = one.missing and (one.takes_categories or not groups.levels)
            recipe = recipes.raw if takes_raw else recipes.scaled
        if one.kind is ComponentKind.MODEL:
            starts.append(Start(one.name, recipe))
    return starts


def _known(tree: Candidate, catalogue: Catalogue) -> Candidate:
    """Fill in the defaults of the transformers of a recipe."""

    def fill(node: Candidate) -> Candidate:
        if node.component in ("columns", "join"):
            return node
        return Candidate.of(node.component, catalogue[node.component].space.complete(node.settings), *node.inputs)

    return tree.replace(fill)
