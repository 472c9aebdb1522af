"""The grammar of pipelines for one table: which preparations may stand below which models."""

from collections.abc import Iterable

from tamis.core.component import Component, ComponentKind
from tamis.core.grammar import Grammar, Production
from tamis.core.kinds import TaskKind
from tamis.core.space import Choice, Space
from tamis.pipelines.catalogue import Catalogue
from tamis.pipelines.compile import CLASS_WEIGHT
from tamis.pipelines.parts import NUMBER_ROLES
from tamis.pipelines.recipes import Groups

LEAVES = {
    "numbers": list(NUMBER_ROLES),
    "levels": ["categorical", "high-cardinality"],
    "dates": ["date"],
    "texts": ["text"],
}
"""The symbols of the leaves, and the roles of their columns."""

SCALES = ("standardize", "robust_scale", "quantile_normal", "power", "minmax", "spline")
WHOLE_MATRIX = (
    "variance",
    "univariate",
    "model_gain",
    "permutation_probes",
    "pca",
    "nystroem",
    "feature_agglomeration",
)
"""Transformers that stand on everything joined and filled."""


def grammar_for(groups: Groups, kind: TaskKind, catalogue: Catalogue, without: Iterable[str] = ("dummy",)) -> Grammar:
    """Write the grammar for a table and a task.

    Parameters
    ----------
    groups : Groups
        How many columns of each group there are.
    kind : TaskKind
    catalogue : Catalogue
    without : iterable of str
        Models that are not to be written.

    Returns
    -------
    Grammar
        From the start symbol `model`. `raw` stands for preparations that may leave values missing and codes as they
        are, `filled` for those that leave neither.
    """
    left_out = set(without)
    models = [one for one in catalogue.of(ComponentKind.MODEL) if kind in one.tasks and one.name not in left_out]
    rules = [Production("model", one.name, (_needs(one, groups),), model_space(one, kind)) for one in models]
    if groups.sparse:
        rules += _sparse(catalogue)
    else:
        rules += _dense(groups, catalogue)
    known = _reachable(rules)
    return Grammar("model", [one for one in rules if one.symbol in known])


def model_space(model: Component, kind: TaskKind) -> Space:
    """Return a model's parameters, and how far rare classes are weighed up where it can do so."""
    if not kind.is_classification or not model.takes_weights:
        return model.space
    weighed = {CLASS_WEIGHT: Choice([0.0, 0.25, 0.5, 0.75, 1.0], ordered=True)}
    return Space({**model.space.parameters, **weighed}, model.space.conditions)


def _needs(model: Component, groups: Groups) -> str:
    if groups.sparse:
        return "sparse" if model.sparse else "filled"
    return "raw" if model.missing and (model.takes_categories or not groups.levels) else "filled"


def _reachable(rules: list[Production]) -> set[str]:
    found, new = {"model"}, {"model"}
    while new:
        new = {name.rstrip("*") for one in rules if one.symbol in new for name in one.inputs} - found
        found |= new
    return found


def _leaf(symbol: str) -> Production:
    return Production(symbol, "columns", (), Space({"roles": Choice([LEAVES[symbol]])}))


def _sparse(catalogue: Catalogue) -> list[Production]:
    return [
        Production("sparse", "columns", (), Space({"roles": Choice([LEAVES["numbers"]])})),
        Production("filled", "truncated_svd", ("sparse",), catalogue["truncated_svd"].space),
    ]


def _dense(groups: Groups, catalogue: Catalogue) -> list[Production]:
    def over(symbol: str, name: str, inside: str, weight: float = 1.0) -> list[Production]:
        return [Production(symbol, name, (inside,), catalogue[name].space, weight)] if name in catalogue else []

    present = {
        "numbers": groups.numbers,
        "levels": groups.levels,
        "dates": groups.dates,
        "texts": groups.texts,
    }
    names = [name for name, count in present.items() if count]
    rules = [_leaf(name) for name in names]
    rules.append(Production("raw", "join", tuple(f"raw {name}" for name in names)))
    rules.append(Production("joined", "join", tuple(f"filled {name}" for name in names), weight=1.0))
    rules.append(Production("filled", "join", ("joined",), weight=6.0))
    for name in WHOLE_MATRIX:
        rules += over("filled", name, "joined", 0.5)
    if groups.numbers:
        rules.append(Production("raw numbers", "join", ("numbers",), weight=3.0))
        rules += over("raw numbers", "arithmetic", "numbers")
        rules += over("imputed", "impute", "numbers")
        for name in SCALES:
            rules += over("filled numbers", name, "imputed", 2.0 if name == "standardize" else 1.0)
    if groups.levels:
        rules += over("raw levels", "codes", "levels", 3.0)
        rules += over("raw levels", "target_statistics", "levels") + over(
            "raw levels", "category_crosses", "levels", 0.5
        )
        rules.append(Production("raw levels", "join", ("coded", "statistics"), weight=2.0))
        rules += over("coded", "codes", "levels") + over("statistics", "target_statistics", "levels")
        rules += over("statistics", "frequency", "levels", 0.3)
        for name in ("one_hot", "target_statistics", "ordinal_by_target"):
            rules += over("filled levels", name, "levels")
    if groups.dates:
        rules += over("raw dates", "date_parts", "dates") + over("filled dates", "standardize", "imputed dates")
        rules += over("imputed dates", "impute", "raw dates")
    if groups.texts:
        for name in ("char_tfidf_svd", "word_tfidf_svd", "text_statistics", "minhash"):
            rules += over("raw texts", name, "texts", 3.0 if name == "char_tfidf_svd" else 1.0)
        rules += over("filled texts", "standardize", "raw texts")
    return rules
