"""Makes components of estimators and transformers with scikit-learn's manners, in one line each."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import FunctionType
from typing import Any

from tamis.algorithms.estimator import WRAPPERS, Classifier, Regressor, cells
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, CostEstimate, Shape, negligible
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.kinds import ANY_TASK, CLASSIFICATION, Role, TaskKind
from tamis.core.space import Choice, Float, Int, Space
from tamis.pipelines.adapters import ADAPTERS, Adapter, Margins, Unscaled

KINDS = ("classifier", "regressor", "transformer")
PLACES: dict[str, frozenset[Role]] = {
    "everything": frozenset(),
    "numbers": frozenset({Role.NUMERIC, Role.BOOLEAN, Role.ORDINAL}),
    "categories": frozenset({Role.CATEGORICAL, Role.HIGH_CARDINALITY}),
}
"""What a transformer may stand on, and the roles of those columns."""

RESERVED = ("columns", "join", "batch", "dummy")
"""Names of nodes that are no estimators, or that the search needs as they are."""


def component(
    name: str,
    estimator: Any,
    space: Space | Mapping[str, Any] | None = None,
    *,
    kind: str | None = None,
    on: str = "everything",
    cost: CostEstimate | None = None,
    classes: Sequence[Any] = (),
    summary: str = "",
) -> Component:
    """Make a component of an estimator or a transformer with scikit-learn's manners.

    Parameters
    ----------
    name : str
        What it is called on the leaderboard: lower case, digits and underscores.
    estimator : object
        Unfitted, with `get_params` and `fit`: a classifier, a regressor or a transformer, a whole pipeline too. Where
        its `random_state` or `n_jobs` is None, Tamis sets it.
    space : mapping or Space, optional
        What the search may vary, by the names of `get_params`, such as `{"C": Float(0.01, 100, log=True)}`; a list
        stands for a choice. The search begins with the estimator's own values where the space holds them. Without a
        space it is used as it is.
    kind : {"classifier", "regressor", "transformer"}, optional
        Where the estimator does not tell by itself.
    on : {"everything", "numbers", "categories"}, default="everything"
        For a transformer: whether it gets all columns, filled and scaled; the numbers, filled; or the categories as
        codes from 0 on, with a code of its own for missing ones.
    cost : callable, optional
        (shape, parameters) -> `Cost` of a fit; a guess unless given.
    classes : sequence of type or str, optional
        What a fitted one holds beside scikit-learn's estimators and its own class: only that can be saved and loaded.
    summary : str, optional
        One line for people.

    Raises
    ------
    ParameterError
        Where a name, a place or a parameter of the space cannot be.

    Examples
    --------
    >>> from sklearn.neighbors import NearestCentroid
    >>> own = component("centroid", NearestCentroid(), {"shrink_threshold": [None, 0.1, 0.5]})
    >>> own.name, own.space.default()
    ('centroid', {'shrink_threshold': None})
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", str(name)) or name in RESERVED:
        raise ParameterError(
            f"A component's name must be lower case letters, digits and underscores, and none of "
            f"{', '.join(RESERVED)}; got {name!r}."
        )
    if on not in PLACES:
        raise wrong_choice("on", on, PLACES)
    made = _instance(name, estimator)
    found = _kind_of(name, made, kind)
    varied = _space(name, made, space, found)
    is_model = found != "transformer"
    allow_nan, takes_sparse = _input_tags(made)
    return Component(
        name=name,
        kind=ComponentKind.MODEL if is_model else ComponentKind.TRANSFORMER,
        build=Build(made, tuple(varied.parameters), found, codes=on == "categories"),
        space=varied,
        roles=frozenset() if is_model else PLACES[on],
        tasks={"classifier": CLASSIFICATION, "regressor": frozenset({TaskKind.REGRESSION})}.get(found, ANY_TASK),
        cost=cost or (guessed if is_model else negligible),
        sparse=takes_sparse and on == "everything",
        missing=allow_nan or on == "categories",
        takes_weights=is_model and _takes_weights(made),
        supervised=not is_model,  # it may be
        classes=(*WRAPPERS, *ADAPTERS, *_held_by(made), *classes),
        source=f"{type(made).__module__}.{type(made).__qualname__}",
        summary=summary or f"{type(made).__name__}, of the user's own",
    )


def components_of(given: Iterable[Any]) -> tuple[Component, ...]:
    """Return components for what a user hands over: components as they are, and bare estimators under names made up.

    Raises
    ------
    ParameterError
        Where one is neither, or two have the same name.

    Examples
    --------
    >>> from sklearn.ensemble import AdaBoostClassifier
    >>> [one.name for one in components_of([AdaBoostClassifier(), AdaBoostClassifier(n_estimators=9)])]
    ['own_ada_boost_classifier', 'own_ada_boost_classifier_2']
    """
    if isinstance(given, Component | Mapping | str) or not isinstance(given, Iterable):
        raise ParameterError(f"The parameter 'components' must be a list of components or estimators; got {given!r}.")
    found: dict[str, Component] = {}
    for one in given:
        if isinstance(one, Component):
            if one.name in found:
                raise ParameterError(f"Two components have the name {one.name!r}; give each one of its own.")
            found[one.name] = one
            continue
        kind = one if isinstance(one, type) else type(one)
        stem = name = "own_" + re.sub(r"\W", "", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__)).lower()
        number = 1
        while name in found:
            number += 1
            name = f"{stem}_{number}"
        found[name] = component(name, one)
    return tuple(found.values())


def guessed(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Guess the cost of a model that nothing is known of: about that of a forest of moderate size.

    Examples
    --------
    >>> guessed(Shape(1000, 10), {}).seconds < guessed(Shape(100_000, 10), {}).seconds < 60
    True
    """
    return Cost(0.02 + 2e-5 * cells(shape), 20 + 3 * 8e-6 * cells(shape))


@dataclass(frozen=True)
class Build:
    """Builds the estimator of a component anew for each fit; it can be sent to workers."""

    estimator: Any
    varied: tuple[str, ...]
    kind: str
    codes: bool = False

    def __call__(self, parameters: Mapping[str, Any], context: BuildContext) -> Any:
        """Return an unfitted copy with these parameters, in the manners of Tamis."""
        from sklearn.base import clone

        made = clone(self.estimator)
        before = made.get_params(deep=True)
        chosen = {name: _like(parameters[name], before.get(name)) for name in self.varied if name in parameters}
        made.set_params(**chosen)
        now = made.get_params(deep=True)
        ours = {"random_state": context.seed % 2**32, "n_jobs": context.threads}
        lacking = {name: ours[name.rpartition("__")[2]] for name in now if name.rpartition("__")[2] in ours}
        made.set_params(**{name: value for name, value in lacking.items() if now[name] is None})
        if self.kind == "transformer":
            return Adapter(made, codes=self.codes)
        weights = _takes_weights(made)
        if self.kind == "classifier":
            able = made if hasattr(made, "predict_proba") else Margins(made)
            return Classifier(able, context.shape.classes, weights=weights, seed=context.seed)
        return Regressor(made, Unscaled(), weights=weights, seed=context.seed)


def _like(value: Any, before: Any) -> Any:
    """Give a list that came out of JSON the type that the estimator had."""
    return tuple(value) if isinstance(value, list) and isinstance(before, tuple) else value


def _instance(name: str, estimator: Any) -> Any:
    from sklearn.base import clone

    try:
        made = estimator() if isinstance(estimator, type) else estimator
        if not hasattr(made, "get_params") or not hasattr(made, "fit"):
            raise TypeError(f"{type(made).__name__} has no `get_params` and `fit`")
        return clone(made)
    except Exception as error:  # whatever a stranger's constructor raises
        raise ParameterError(
            f"The component {name!r} must be an estimator with scikit-learn's manners (a subclass of "
            f"sklearn.base.BaseEstimator that can be cloned); got {estimator!r}: {error}."
        ) from error


def _kind_of(name: str, made: Any, kind: str | None) -> str:
    if kind is not None:
        if kind not in KINDS:
            raise wrong_choice("kind", kind, KINDS)
        return kind
    told = getattr(_tags(made), "estimator_type", None) or getattr(made, "_estimator_type", None)
    if told in ("classifier", "regressor"):
        return str(told)
    if hasattr(made, "transform") or hasattr(made, "fit_transform"):
        return "transformer"
    if hasattr(made, "predict_proba"):
        return "classifier"
    raise ParameterError(
        f"Is {type(made).__name__}, the component {name!r}, a classifier, a regressor or a transformer? Say so by "
        'kind="classifier", or derive it from scikit-learn\'s ClassifierMixin, RegressorMixin or TransformerMixin.'
    )


def _tags(made: Any) -> Any:
    from sklearn.utils import get_tags

    try:
        return get_tags(made)
    except Exception:  # a duck without scikit-learn's base class
        return None


def _input_tags(made: Any) -> tuple[bool, bool]:
    """Tell whether it takes NaN, and sparse input."""
    tags = getattr(_tags(made), "input_tags", None)
    # A transformer of a function says that it takes whatever it is given.
    sparse = bool(getattr(tags, "sparse", False)) and getattr(made, "accept_sparse", True) is not False
    return bool(getattr(tags, "allow_nan", False)), sparse


def _takes_weights(made: Any) -> bool:
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(made, "sample_weight"))


def _held_by(made: Any) -> list[Any]:
    """Return the classes and functions that a fitted one holds and scikit-learn does not know."""
    inside = [made, *made.get_params(deep=True).values()]
    kinds: list[Any] = [type(one) for one in inside if hasattr(one, "get_params") and not isinstance(one, type)]
    kinds += [one for one in inside if isinstance(one, type | FunctionType)]
    strangers = [one for one in kinds if not str(one.__module__).startswith("sklearn.")]
    return list(dict.fromkeys(strangers))


def _space(name: str, made: Any, space: Space | Mapping[str, Any] | None, kind: str) -> Space:
    given = space.parameters if isinstance(space, Space) else space or {}
    if not isinstance(given, Mapping):
        raise ParameterError(f"The space of {name!r} must be a mapping of parameters; got {space!r}.")
    known = made.get_params(deep=True)
    found = {}
    for parameter, values in given.items():
        if parameter not in known:
            near = get_close_matches(str(parameter), known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" It has: {', '.join(sorted(known)) or 'none'}."
            raise ParameterError(f"{type(made).__name__}, the component {name!r}, has no {parameter!r}.{hint}")
        if parameter == "class_weight" and kind == "classifier":
            raise ParameterError(
                f"The space of {name!r} must not hold 'class_weight': Tamis itself varies how far rare classes are "
                "weighed up, for every classifier that takes weights."
            )
        found[parameter] = _begun_with(_parameter(name, parameter, values), known[parameter])
    return Space(found, space.conditions if isinstance(space, Space) else ())


def _parameter(name: str, parameter: str, values: Any) -> Float | Int | Choice:
    if isinstance(values, Float | Int | Choice):
        return values
    if isinstance(values, list | tuple | range):
        return Choice(list(values))
    raise ParameterError(
        f"The parameter {parameter!r} of {name!r} must be a Float, an Int, a Choice or a list of values; got "
        f"{values!r}."
    )


def _begun_with(parameter: Float | Int | Choice, value: Any) -> Float | Int | Choice:
    """Let the search begin with the estimator's own value, where the space holds it."""
    plain: Any = list(value) if isinstance(value, tuple) else value
    if not parameter.contains(plain):
        return parameter
    if isinstance(parameter, Choice) and plain is None and not parameter.ordered:  # None for the first option
        return Choice([None, *(one for one in parameter.options if one is not None)])
    return replace(parameter, default=plain)
