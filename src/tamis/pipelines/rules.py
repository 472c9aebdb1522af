"""The grammar of pipelines for one table: which preparations may stand below which models."""

from collections.abc import Iterable
from dataclasses import replace

from tamis.core.component import Component, ComponentKind
from tamis.core.grammar import Grammar, Production
from tamis.core.kinds import Role, TaskKind
from tamis.core.space import Choice, Space
from tamis.neural.images.components import image_space
from tamis.neural.texts.components import embedding_space, transformer_space
from tamis.pipelines.catalogue import Catalogue
from tamis.pipelines.compile import CLASS_WEIGHT
from tamis.pipelines.parts import NUMBER_ROLES
from tamis.pipelines.recipes import Groups
from tamis.pipelines.unions import inner_models, unions

LEAVES = {
    "numbers": list(NUMBER_ROLES),
    "levels": ["categorical", "high-cardinality"],
    "few levels": ["categorical"],
    "many levels": ["high-cardinality"],
    "dates": ["date"],
    "texts": ["text"],
    "images": ["image"],
}
"""The symbols of the leaves, and the roles of their columns."""

SCALES = ("robust_scale", "quantile_normal", "power", "minmax")
"""What numbers may be brought to a common scale by, beside centring and scaling."""

IMAGE_FEATURES, ASIDE = "image features", 0.2
"""The symbol of what is seen in images; how much less likely than with them everything else is drawn alone."""

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

MOST_DEEP = 9
"""Nodes on the longest way: a model, a union, predictions, a model, a transformer, a join, and three on the columns."""

REFERENCE_ROWS = 3_000
"""What models cost on a table whose size is not said."""


def grammar_for(
    groups: Groups,
    kind: TaskKind,
    catalogue: Catalogue,
    without: Iterable[str] = ("dummy",),
    n_rows: int = REFERENCE_ROWS,
    *,
    weighs: bool = True,
) -> Grammar:
    """Write the grammar for a table and a task.

    Parameters
    ----------
    groups : Groups
        How many columns of each group there are.
    kind : TaskKind
    catalogue : Catalogue
    without : iterable of str
        Models that are not to be written.
    n_rows : int
        Of the table: models that cost much on so many rows are seldom drawn below another.
    weighs : bool
        Whether rare classes may be weighed up, which makes their probabilities too high.

    Returns
    -------
    Grammar
        From the start symbol `model`. `raw` stands for preparations that may leave values missing and codes as they
        are, `filled` for those that leave neither; both may be unions, of which `plain raw` and `plain filled` hold
        none. `inner` is a model on a plain preparation, whose predictions are a branch of a union.
    """
    left_out = set(without)
    every = [one for one in catalogue.of(ComponentKind.MODEL) if kind in one.tasks and one.name not in left_out]
    models = [one for one in every if not one.roles]
    rules = [Production("model", one.name, (_needs(one, groups),), model_space(one, kind, weighs)) for one in models]
    rules += [
        Production("inner", one.name, (f"plain {_needs(one, groups)}",), model_space(one, kind, weighs), weight)
        for one, weight in inner_models(models, catalogue, kind, n_rows)
    ]
    # What takes gaps, codes or sparse rows as they are may also stand on columns that are none of these.
    able = [one for one in models if _needs(one, groups) != "filled"]
    rules += [Production("model", one.name, ("filled",), model_space(one, kind, weighs), 0.3) for one in able]
    if groups.texts and not groups.sparse:
        sparse = [one for one in models if one.sparse]
        rules += [Production("model", one.name, ("wordy",), model_space(one, kind, weighs), 0.3) for one in sparse]
    if groups.encoders and "text_transformer" in catalogue:
        space = model_space(
            replace(catalogue["text_transformer"], space=transformer_space(groups.backbones)), kind, weighs
        )
        rules.append(Production("model", "text_transformer", ("texts",), space, 0.1))
    rules += _sparse(catalogue) if groups.sparse else _dense(groups, catalogue)
    rules += unions(rules, catalogue)
    known = _reachable(rules)
    return Grammar("model", [one for one in rules if one.symbol in known], max_depth=MOST_DEEP)


def model_space(model: Component, kind: TaskKind, weighs: bool = True) -> Space:
    """Return a model's parameters, and how far rare classes are weighed up where it can do so."""
    if not kind.is_classification or not model.takes_weights:
        return model.space
    weighed = {CLASS_WEIGHT: Choice([0.0, 0.25, 0.5, 0.75, 1.0] if weighs else [0.0], ordered=True)}
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


def _leaf(symbol: str, leaf: str, weight: float = 1.0) -> Production:
    return Production(symbol, "columns", (), Space({"roles": Choice([LEAVES[leaf]])}), weight)


def _sparse(catalogue: Catalogue) -> list[Production]:
    names = ["truncated_svd", *(one.name for one in own_transformers(catalogue, "") if one.sparse)]
    return [
        *(_leaf(symbol, "numbers") for symbol in ("sparse", "plain sparse")),
        *(
            Production(symbol, name, ("plain sparse",), catalogue[name].space)
            for symbol in ("filled", "plain filled", "branch", "extra")
            for name in names
        ),
    ]


def own_transformers(catalogue: Catalogue, place: str) -> list[Component]:
    """Return the transformers of plug-ins and of the user that stand on numbers, on levels, or ("") on everything."""
    roles = {"numbers": Role.NUMERIC, "levels": Role.CATEGORICAL}
    own = [one for one in catalogue.own if one.kind is ComponentKind.TRANSFORMER]
    return [one for one in own if (roles[place] in one.roles if place else not one.roles)]


def _dense(groups: Groups, catalogue: Catalogue) -> list[Production]:
    """Write how columns become a matrix: everything that `tamis.pipelines.recipes` builds, and what lies between."""

    def over(symbol: str, inside: str, *names: str, weight: float = 1.0) -> list[Production]:
        known = [name for name in names if name in catalogue]
        return [Production(symbol, name, (inside,), catalogue[name].space, weight) for name in known]

    few, many = bool(groups.few_levels), bool(groups.many_levels)
    present = {"numbers": groups.numbers, "levels": groups.levels, "few levels": few, "many levels": many,
               "dates": groups.dates, "texts": groups.texts, "images": groups.seen_images}  # fmt: skip
    rules = [_leaf(name, name) for name, count in present.items() if count]
    if groups.numbers:
        rules += [_leaf("raw numbers", "numbers", 3.0), *over("raw numbers", "numbers", "arithmetic")]
        rules += over("imputed", "numbers", "impute") + over("filled numbers", "numbers", "impute", weight=2.0)
        rules += over("filled numbers", "imputed", "standardize", weight=2.0)
        own = [one.name for one in own_transformers(catalogue, "numbers")]
        rules += over("filled numbers", "imputed", *SCALES, *own)
        rules += over("spline", "imputed", "spline") + over("bent numbers", "spline", "standardize")
    if groups.levels:
        rules += over("codes", "levels", "codes") + over("statistics", "levels", "target_statistics")
        rules += over("frequency", "levels", "frequency") + over("crosses", "levels", "category_crosses")
        rules += over("dummies", "levels", "one_hot") + over("places", "levels", "ordinal_by_target")
        rules += over("dummies", "levels", *(one.name for one in own_transformers(catalogue, "levels")))
    if few:
        rules += over("few dummies", "few levels", "one_hot")
    if many:
        rules += over("many statistics", "many levels", "target_statistics")
        rules += over("scaled many statistics", "many statistics", "standardize")
    seen: dict[str, tuple[str, tuple[str, ...]]] = {"date parts": ("dates", ("date_parts",))} if groups.dates else {}
    if groups.texts:
        seen |= {"letters": ("texts", ("char_tfidf_svd", "word_tfidf_svd", "minhash")),
                 "text statistics": ("texts", ("text_statistics",))}  # fmt: skip
        rules += over("words", "texts", "word_tfidf") + over("characters", "texts", "char_tfidf")
    if groups.encoders and "text_embedding" in catalogue:
        space = embedding_space(groups.backbones)
        rules += [Production(name, "text_embedding", ("texts",), space) for name in ("meaning",)]
        rules += over("filled meaning", "meaning", "standardize")
        rules.append(Production("filled meaning", "text_embedding", ("texts",), space))
    if groups.seen_images and "image_embedding" in catalogue:
        seen[IMAGE_FEATURES] = ("images", ())
        space = image_space(groups.image_backbones)
        rules.append(Production(IMAGE_FEATURES, "image_embedding", ("images",), space))
    for name, (inside, ways) in seen.items():
        rules += over(name, inside, *ways) + over(f"imputed {name}", name, "impute")
        rules += over(f"filled {name}", name, "impute") + over(f"filled {name}", f"imputed {name}", "standardize")
    for symbol, options in _joins(groups, list(seen)).items():
        rules += _joined(symbol, options, rules)
    whole = (*WHOLE_MATRIX, *(one.name for one in own_transformers(catalogue, "")))
    for symbol in ("filled", "plain filled", "extra"):
        rules += over(symbol, "joined", *whole, weight=0.5)
    # Two branches that differ by their scales alone say the same twice.
    rules += over("branch", "joined", *whole, weight=0.3 * sum(one.weight for one in rules if one.symbol == "branch"))
    # What was chosen or condensed may be so again; and so may a whole union.
    return rules + over("joined", "joined", *whole, weight=0.05) + over("filled", "union", *whole, weight=0.05)


Option = tuple[tuple[str, ...], float]
"""What is put side by side, and how likely that is drawn."""


def _joins(groups: Groups, seen: list[str]) -> dict[str, list[Option]]:
    """Return, for each symbol of a whole matrix, what it may be joined of.

    `raw` may leave values missing and codes as they are, `filled` leaves neither; `joined` is a `filled` one that
    something works on as a whole, `branch` one that stands in a union, and `wordy` one of sparse words.
    """
    numbers, few, many = bool(groups.numbers), bool(groups.few_levels), bool(groups.many_levels)
    raw_numbers = ("raw numbers",) * numbers
    raw: list[Option] = [((*raw_numbers, *("codes",) * bool(groups.levels), *seen), 3.0)]
    levels: list[Option] = [((), 1.0)]
    if groups.levels:
        codes = (*raw_numbers, "codes", *seen)
        raw += [((*codes, "statistics"), 1.0), ((*codes, "statistics", "frequency"), 1.0)]
        raw += [((*codes, "crosses", "statistics"), 1.0), ((*raw_numbers, *seen, "statistics"), 1.0)]
        smooth = ("few dummies",) * few + ("scaled many statistics",) * many
        levels = [
            (smooth, 2.0),
            (("statistics", *("few dummies",) * few), 2.0),
            (("dummies",), 1.0),
            (("places",), 1.0),
        ]
        levels += [(("statistics",), 1.0)] if few else []
    if groups.encoders:
        raw += [((*inside, "meaning"), weight) for inside, weight in raw]
    filled: list[Option] = []
    wordy: list[Option] = []
    for inside, weight in levels:
        for bent in range(1 + numbers):
            front = ("filled numbers",) * numbers + ("bent numbers",) * bent + inside
            share = weight / 3 if bent else weight
            filled.append(((*front, *(f"filled {name}" for name in seen)), share))
            if groups.texts:
                others = tuple(f"filled {name}" for name in seen if name in ("date parts", IMAGE_FEATURES))
                wordy.append(((*front, *others, "words", "characters"), share))
            if groups.encoders:
                wordy.append(((*front, *others, "words", "characters", "meaning"), share))
                filled.append(((*front, *others, "filled meaning"), share))
    if IMAGE_FEATURES in seen:
        raw, filled, wordy = (one + _without_images(one) for one in (raw, filled, wordy))
    often = [(inside, 2 * weight) for inside, weight in filled]
    joins = {"raw": raw, "plain raw": raw, "joined": filled, "branch": filled, "filled": often, "plain filled": often}
    return joins | ({"wordy": wordy} if wordy else {})


def _without_images(options: list[Option]) -> list[Option]:
    left = [(tuple(name for name in inside if not name.endswith(IMAGE_FEATURES)), weight) for inside, weight in options]
    return [(inside, ASIDE * weight) for inside, weight in left if inside]


def _joined(symbol: str, options: list[Option], rules: list[Production]) -> list[Production]:
    """Write the options of a symbol; a single part stands for itself, without a join."""
    found = []
    for inside, weight in options:
        if len(inside) > 1:
            found.append(Production(symbol, "join", inside, weight=weight))
        else:
            ways = [one for one in rules if one.symbol == inside[0]]
            found += [replace(one, symbol=symbol, weight=weight * one.weight) for one in ways]
    return found
