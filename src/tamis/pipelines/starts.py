"""The configurations that a search may begin with, by name: models with settings that have done well on other tables.

The settings of the boosters and networks follow the published portfolios of AutoGluon 1.6 (2025-12-18, CPU, and 2023),
TabArena's, and the tuned defaults of pytabkit. In which order they are tried stands in `orders.json`, learned by
`benchmarks/portfolio`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tamis.pipelines import recipes
from tamis.pipelines.recipes import Recipe


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
    """A group that must have columns: `levels`, `numbers`, `texts`, `dates`; or `encoders`: pretrained, of texts;
    `seen_images`, `beside_images`: images that a pretrained network reads, and what stands beside such."""


def _lgbm(
    learning_rate: float,
    num_leaves: int,
    *,
    recipe: Recipe = recipes.raw,
    trees: str = "greedy",
    columns: float = 1.0,
    rows: float = 1.0,
    least: int = 20,
    l1: float = 0.001,
    l2: float = 0.001,
    needs: str = "",
    **others: Any,
) -> Start:
    """Shorten what most configurations of LightGBM say."""
    limits = {name: others.pop(name) for name in ("most_rows", "least_rows") if name in others}
    parameters = {
        "learning_rate": learning_rate, "num_leaves": num_leaves, "extra_trees": trees == "random",
        "feature_fraction": columns, "bagging_fraction": rows, "min_data_in_leaf": least, "lambda_l1": l1,
        "lambda_l2": l2, **others,
    }  # fmt: skip
    return Start("lightgbm", recipe, parameters, needs=needs, **limits)


def _catboost(recipe: Recipe = recipes.raw, *, needs: str = "", **parameters: Any) -> Start:
    return Start("catboost", recipe, parameters, needs=needs)


DEEP: dict[str, Any] = {"columns": 0.53, "rows": 0.98, "l1": 0.03, "l2": 0.84, "least": 3}
"""Deep trees that need few rounds: soon good where rows are many."""

LEAF_WISE: dict[str, Any] = {
    "learning_rate": 0.03, "max_leaves": 35, "max_depth": 10, "grow_policy": "lossguide", "subsample": 0.7,
    "colsample_bynode": 0.9, "reg_alpha": 3.5, "reg_lambda": 1.3,
}  # fmt: skip

STARTS: dict[str, Start] = {
    # Linear models, and what bends them
    "linear": Start("linear", recipes.scaled),
    "linear-splines": Start("linear", recipes.splines, most_columns=300, needs="numbers"),
    "linear-words": Start("linear", recipes.words, needs="texts"),
    "linear-words+embedding": Start("linear", recipes.words_and_meaning, needs="encoders"),
    "naive-bayes-words": Start("naive_bayes", recipes.words, {"counts": "complement"}, needs="texts"),
    "linear-embedding": Start("linear", recipes.meaning, needs="encoders"),
    "linear-images": Start("linear", recipes.whole_images, needs="seen_images"),
    "linear-beside": Start("linear", recipes.beside_images(recipes.scaled), needs="beside_images"),
    "linear-gaussian": Start("linear", recipes.gaussian, most_rows=200_000),
    "linear-lasso": Start("lasso", recipes.scaled, most_rows=20_000, most_columns=2_000),
    "linear-l1": Start("logistic_l1", recipes.scaled, most_rows=10_000, most_columns=1_000),
    "lda": Start("lda", recipes.scaled, most_rows=20_000, most_columns=1_500),
    "qda": Start("qda", recipes.scaled, most_rows=20_000, most_columns=60),
    "naive-bayes": Start("naive_bayes", recipes.scaled),
    # Kernels and neighbours
    "svm": Start("svm", recipes.gaussian, most_rows=4_000, most_columns=2_000),
    "svm-embedding": Start("svm", recipes.gaussian_meaning, {"C": 10.0}, most_rows=12_000, needs="encoders"),
    "svm-hard": Start("svm", recipes.scaled, {"C": 10.0}, most_rows=3_000, most_columns=2_000),
    "gaussian-process": Start("gaussian_process", recipes.gaussian, most_rows=1_000, most_columns=200),
    "gaussian-process-ard": Start("gaussian_process", recipes.scaled, {"ard": True}, most_rows=600, most_columns=30),
    "kernel-ridge": Start("kernel_ridge", recipes.gaussian, most_rows=3_000, most_columns=500),
    "neighbors": Start(
        "nearest_neighbors", recipes.gaussian, {"n_neighbors": 15, "weights": "distance"}, 20_000, 200
    ),
    "neighbors-few": Start(
        "nearest_neighbors", recipes.scaled, {"n_neighbors": 5, "weights": "distance"}, 20_000, 200
    ),
    # Forests
    "extra-trees": Start("extra_trees", recipes.filled, {"min_samples_leaf": 2, "max_features": 0.75}, 60_000),
    "extra-trees-deep": Start("extra_trees", recipes.filled, {"min_samples_leaf": 1, "max_features": 1.0}, 30_000),
    "extra-trees-calm": Start("extra_trees", recipes.filled, {"min_samples_leaf": 5, "max_features": 0.75}, 60_000),
    "random-forest": Start("random_forest", recipes.filled, {"min_samples_leaf": 2, "max_features": "sqrt"}, 30_000),
    "random-forest-wide": Start("random_forest", recipes.filled, {"min_samples_leaf": 2, "max_features": 0.75}, 20_000),
    "decision-tree": Start("decision_tree", recipes.filled),
    # Boosters
    "histgb": Start("histgb", recipes.raw, {"learning_rate": 0.06}),
    "histgb-shallow": Start("histgb", recipes.raw, {"learning_rate": 0.08, "max_leaf_nodes": 5}),
    "lightgbm-deep-many": _lgbm(0.02, 84, **DEEP, least_rows=3_000),
    "lightgbm-deep": _lgbm(0.02, 84, **DEEP),
    "lightgbm-small": _lgbm(0.03, 16, trees="random", columns=0.72, rows=0.97, l1=0.9, l2=1.66),
    "lightgbm-stumps": _lgbm(0.03, 5, trees="random", columns=0.73, rows=0.85, l1=0.24, l2=0.3, least=12),
    "lightgbm-pairs": _lgbm(0.03, 4, columns=0.84, rows=0.84, l1=0.08, l2=0.77, least=17),
    "lightgbm-eight": _lgbm(0.03, 8, columns=0.94, rows=0.815, l1=0.44, l2=0.3, least=24),
    "lightgbm-middle": _lgbm(0.018, 39, trees="random", columns=0.46, rows=0.88, l1=0.24, l2=0.36, least=3),
    "lightgbm-greedy": _lgbm(0.031, 24, columns=0.49, rows=0.78, l1=0.64, l2=0.58, least=1),
    "lightgbm-large": _lgbm(0.02, 180, trees="random", columns=0.4, rows=0.95, l1=0.77, l2=1.6, least=12,
                            least_rows=2_000),
    "lightgbm-quick": _lgbm(0.095, 23, trees="random", columns=0.78, rows=0.7, l1=0.37, l2=0.03, least=13),
    "lightgbm-default": _lgbm(0.05, 31),
    "lightgbm-slopes": _lgbm(0.04, 12, columns=0.8, rows=0.9, l2=1.0, least=20, linear_tree=True),
    "lightgbm-log": _lgbm(0.03, 16, trees="random", columns=0.72, rows=0.97, l1=0.9, l2=1.66, log_target=True),
    "lightgbm-statistics": _lgbm(0.03, 16, recipe=recipes.with_target_statistics, needs="levels", trees="random",
                                 columns=0.6, rows=0.9, l1=0.9, l2=1.9, least=15),
    "lightgbm-statistics-deep": _lgbm(0.02, 64, recipe=recipes.with_target_statistics, needs="levels", columns=0.67,
                                      rows=0.93, l1=0.01, l2=0.72, least=1),
    "lightgbm-crosses": _lgbm(0.02, 64, recipe=recipes.with_crosses, trees="random", columns=0.55, rows=0.99, l1=0.91,
                              l2=1.9, least=28),
    "lightgbm-crosses-small": _lgbm(0.015, 8, recipe=recipes.with_crosses, trees="random", columns=0.43, rows=0.72,
                                    l1=0.11, l2=0.26, least=15),
    "lightgbm-crosses-greedy": _lgbm(0.04, 16, recipe=recipes.with_crosses, columns=0.58, rows=0.96, l1=0.94, l2=0.99,
                                     least=1),
    "lightgbm-embedding": _lgbm(0.06, 16, recipe=recipes.raw_meaning, columns=0.3, rows=0.9, needs="encoders"),
    "lightgbm-beside": _lgbm(0.05, 31, recipe=recipes.beside_images(recipes.raw), needs="beside_images"),
    "catboost": _catboost(depth=6, learning_rate=0.06),
    "catboost-quick": _catboost(depth=6, learning_rate=0.12),
    "catboost-shallow": _catboost(depth=4, learning_rate=0.05, l2_leaf_reg=4.6, max_ctr_complexity=3),
    "catboost-deep": _catboost(depth=8, learning_rate=0.04, grow_policy="Depthwise", l2_leaf_reg=2.8),
    "catboost-bernoulli": _catboost(depth=7, learning_rate=0.08, l2_leaf_reg=1.0, bootstrap_type="Bernoulli",
                                    random_strength=0.8, one_hot_max_size=15),
    "catboost-crosses": _catboost(recipes.with_crosses, depth=4, learning_rate=0.05),
    "catboost-log": _catboost(depth=6, learning_rate=0.06, log_target=True),
    "xgboost": Start("xgboost", recipes.raw, LEAF_WISE),
    "xgboost-statistics": Start(
        "xgboost", recipes.with_target_statistics,
        {"learning_rate": 0.04, "max_depth": 5, "subsample": 0.8, "colsample_bylevel": 0.66}, needs="levels",
    ),
    "xgboost-shallow": Start(
        "xgboost", recipes.raw,
        {"learning_rate": 0.05, "max_leaves": 10, "max_depth": 6, "grow_policy": "lossguide", "subsample": 0.97,
         "colsample_bynode": 0.64, "min_child_weight": 0.05, "reg_alpha": 4.2, "reg_lambda": 1.5},
    ),
    # Networks
    "mlp": Start("mlp", recipes.gaussian, most_rows=30_000, most_columns=1_500),
    "mlp-wide": Start("mlp", recipes.scaled, {"n_layers": 3, "width": 256, "learning_rate": 1e-3}, 20_000, 1_500),
    "mlp-small": Start("mlp", recipes.gaussian, {"n_layers": 1, "width": 64, "alpha": 0.02}, 20_000, 1_500),
    "realmlp": Start("realmlp", recipes.raw, most_rows=100_000, most_columns=300),
    "realmlp-short": Start("realmlp", recipes.raw, {"epochs": 64}, most_rows=60_000, most_columns=300),
    "realmlp-small": Start("realmlp", recipes.raw, {"epochs": 96, "n_layers": 2, "width": 128, "dropout": 0.3}, 60_000,
                           300),
    "text-transformer": Start("text_transformer", recipes.texts_alone, most_rows=60_000, needs="encoders"),
    "tabm": Start("tabm", recipes.raw, most_rows=30_000, most_columns=150),
    "tabm-short": Start("tabm", recipes.raw, {"epochs": 48, "members": 8}, most_rows=30_000, most_columns=150),
}  # fmt: skip
"""For tables of columns; those that do not suit one are left out."""

SPARSE_STARTS: dict[str, Start] = {
    "linear": Start("linear", recipes.sparse),
    "naive-bayes": Start("naive_bayes", recipes.sparse),
    "lightgbm": _lgbm(0.05, 31, recipe=recipes.sparse, columns=0.3, rows=0.9),
    "sgd": Start("sgd", recipes.sparse),
    "svm": Start("svm", recipes.condensed, most_rows=4_000),
    "extra-trees": Start("extra_trees", recipes.sparse, most_rows=20_000),
    "mlp": Start("mlp", recipes.condensed, most_rows=30_000),
    "histgb": Start("histgb", recipes.condensed),
    "xgboost": Start("xgboost", recipes.sparse, {"learning_rate": 0.05}),
}
"""For tables whose numbers are held as a sparse matrix, in the order in which they are tried."""

ALIASES = {"linear": {True: "logistic", False: "ridge"}}
"""By whether classes are predicted."""
