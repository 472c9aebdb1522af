"""The candidates that are tried first on a table, in the order that paid on others."""

from collections.abc import Iterable, Sequence

from tamis.core.candidate import Candidate
from tamis.core.component import Component, ComponentKind
from tamis.core.kinds import Role, TaskKind
from tamis.pipelines import recipes
from tamis.pipelines.catalogue import Catalogue
from tamis.pipelines.orders import Orders
from tamis.pipelines.recipes import Groups
from tamis.pipelines.rules import model_space
from tamis.pipelines.starts import ALIASES, SPARSE_STARTS, STARTS, Start


def candidates_for(
    groups: Groups,
    kind: TaskKind,
    n_rows: int,
    n_columns: int,
    catalogue: Catalogue,
    own: Iterable[Component] = (),
    order: Sequence[str] | None = None,
) -> list[Candidate]:
    """Return the starting candidates that suit a table and a task, in order.

    Settings that a component does not have are left out, so that the same list serves several tasks. The user's own
    models come right after the first, with the defaults of their spaces; transformers below a linear model and a
    booster.

    Parameters
    ----------
    groups : Groups
    kind : TaskKind
    n_rows, n_columns : int
    catalogue : Catalogue
    own : iterable of Component
        The user's own, and those of plug-ins.
    order : sequence of str, optional
        Names of starting configurations; the default order otherwise. It does not count for sparse tables.
    """
    found: dict[str, Candidate] = {}
    names = Orders.shipped().default if order is None else order
    first, *others = SPARSE_STARTS.values() if groups.sparse else [STARTS[name] for name in names]
    for start in (first, *_own_starts(own, groups), *others):
        tree = candidate_of(start, groups, kind, n_rows, n_columns, catalogue)
        if tree is not None:
            found.setdefault(tree.key, tree)
    return list(found.values())


def candidate_of(
    start: Start, groups: Groups, kind: TaskKind, n_rows: int, n_columns: int, catalogue: Catalogue
) -> Candidate | None:
    """Return the candidate of a starting configuration, None where it does not suit the table or the task."""
    name = ALIASES.get(start.model, {}).get(kind.is_classification, start.model)
    if name not in catalogue or kind not in catalogue[name].tasks:
        return None
    if not start.least_rows <= n_rows <= start.most_rows or n_columns > start.most_columns:
        return None
    if start.needs and not getattr(groups, start.needs):
        return None
    space = model_space(catalogue[name], kind)
    chosen = dict(start.parameters)
    if start.needs == "encoders" and "backbone" in space.parameters:
        chosen["backbone"] = groups.backbones[0]
    return Candidate.of(name, space.complete(chosen), _known(start.recipe(groups), catalogue))


def _own_starts(own: Iterable[Component], groups: Groups) -> list[Start]:
    starts = []
    for one in own:
        if one.kind is ComponentKind.TRANSFORMER:
            starts += _with_transformer(one, groups)
        if one.kind is not ComponentKind.MODEL:
            continue
        if groups.sparse:
            recipe = recipes.sparse if one.sparse else recipes.condensed
        else:
            takes_raw = one.missing and (one.takes_categories or not groups.levels)
            recipe = recipes.raw if takes_raw else recipes.scaled
        starts.append(Start(one.name, recipe))
    return starts


def _with_transformer(one: Component, groups: Groups) -> list[Start]:
    """Return a linear model and a booster that see what a transformer of the user's own makes of the columns."""
    place = "numbers" if Role.NUMERIC in one.roles else "levels" if Role.CATEGORICAL in one.roles else ""
    if (one.roles and not place) or (groups.sparse and (place or not one.sparse)):
        return []
    recipe = recipes.with_own(one.name, place)
    return [Start(model, recipe, needs=place) for model in ("linear", "histgb")]


def _known(tree: Candidate, catalogue: Catalogue) -> Candidate:
    """Fill in the defaults of the transformers of a recipe."""

    def fill(node: Candidate) -> Candidate:
        if node.component in ("columns", "join"):
            return node
        return Candidate.of(node.component, catalogue[node.component].space.complete(node.settings), *node.inputs)

    return tree.replace(fill)
