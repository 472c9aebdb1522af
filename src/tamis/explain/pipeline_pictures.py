"""Draws what a model for tables is made of, as a tree: columns, their preparation, the models, and their mixture."""

from collections.abc import Mapping
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.component import Component, ComponentKind
from tamis.data.schema import Schema
from tamis.explain.diagram import LINE_FONT, Mark, Way, drawn
from tamis.explain.svg import shortened
from tamis.pipelines.rules import LEAVES
from tamis.workflow.model import Model

MOST_MEMBERS = 5
"""So many members have a branch of their own; the others, which weigh least, are counted."""
MOST_LINES = 6
"""Lines of a box; what is left out is told while the pointer rests on it."""
WIDEST = 230.0
"""Pixels of a line; longer ones are cut."""
NAMED = 3
"""So many columns of a leaf are named."""

TREE_WORDS = "How rows become a prediction, from the columns on the left. Boxes name what is not at its default."

STACKED_WORDS = "What the model before it predicts, as columns: of training rows out of fold."

LEAF_WORDS = {"levels": "categories", "few levels": "categories, few levels", "many levels": "categories, many levels"}
"""What leaves are called, where their symbol in the grammar is not what a reader knows."""

OTHERS = "others"


def draw_model(model: Model) -> str:
    """Draw the members of a model with their weights, and every branch below them.

    A preparation that several members share is drawn once. Each box names the parameters that are not at their default.

    Parameters
    ----------
    model : Model
        For tables.

    Returns
    -------
    str
        SVG.
    """
    members = sorted(model.recipe.members, key=lambda one: -one.weight)
    whole = sum(one.weight for one in members)
    picture = _Picture(model.catalogue, model.recipe.schema)
    shown = [(Candidate.from_json(one.candidate), one.weight / whole) for one in members[:MOST_MEMBERS]]
    for tree, share in shown:
        picture.add_model(tree, share if len(members) > 1 else None)
    left = sum(one.weight for one in members[MOST_MEMBERS:]) / whole if whole else 0.0
    if left:
        count = len(members) - MOST_MEMBERS
        words = f"{count} more" if count > 1 else "1 more"
        picture.marks[OTHERS] = Mark(words, 0, "card", "leaf", lines=(f"weight {_percent(left)}",))
        picture.roots.append(OTHERS)
    return picture.drawn(_end(len(members)), "The pipeline" if len(members) == 1 else "The pipelines of the model")


def draw_pipeline(tree: Candidate, catalogue: Mapping[str, Component], schema: Schema | None = None) -> str:
    """Draw one candidate as a tree.

    Parameters
    ----------
    tree : Candidate
        With a model at its root.
    catalogue : mapping of str to Component
        Tells the defaults; of a component that is not there every parameter is named.
    schema : Schema, optional
        Tells which columns there are.

    Returns
    -------
    str
        SVG.

    Examples
    --------
    >>> numbers = Candidate.of("columns", {"roles": ["numeric"]})
    >>> tree = Candidate.of("ridge", {"alpha": 2.0}, Candidate.of("standardize", {}, numbers))
    >>> svg = draw_pipeline(tree, {})
    >>> "standardize" in svg, "alpha = 2" in svg
    (True, True)
    """
    picture = _Picture(catalogue, schema)
    picture.add_model(tree, None)
    return picture.drawn(Mark("prediction", 0, "end"), "The pipeline")


class _Picture:
    """Gathers the boxes and ways of some trees; equal subtrees are one box."""

    def __init__(self, catalogue: Mapping[str, Component], schema: Schema | None) -> None:
        self.catalogue = catalogue
        self.schema = schema
        self.marks: dict[str, Mark] = {}
        self.ways: list[Way] = []
        self.roots: list[str] = []

    def add_model(self, tree: Candidate, share: float | None) -> None:
        """Add a member with all that feeds it."""
        key = f"model {len(self.roots)}"
        below = [self._add(one) for one in tree.children]
        lines = self._lines(tree)
        if share is not None:
            lines = [f"weight {_percent(share)}", *lines]
        self.marks[key] = _card(tree.component, lines, 1 + self._last(below), "model")
        self.ways += [Way(one, key, "step") for one in below]
        self.roots.append(key)

    def _add(self, tree: Candidate) -> str:
        """Add a preparation, and return the key of its box."""
        key = tree.key
        if key in self.marks:
            return key
        if tree.component == "columns":
            self.marks[key] = self._leaf(tree)
            return key
        below = [self._add(one) for one in tree.children]
        column = 1 + self._last(below)
        if tree.component == "join":
            self.marks[key] = Mark("join", column, "pill")
        elif tree.component == "predictions":
            self.marks[key] = _card(tree.component, ["out of fold"], column, "step", STACKED_WORDS)
        else:
            kind = "model" if self._is_model(tree) else "step"
            self.marks[key] = _card(tree.component, self._lines(tree), column, kind)
        self.ways += [Way(one, key, "leaf" if self.marks[one].kind == "leaf" else "step") for one in below]
        return key

    def _is_model(self, tree: Candidate) -> bool:
        known = self.catalogue.get(tree.component)
        return known is not None and known.kind is ComponentKind.MODEL

    def _last(self, keys: list[str]) -> int:
        return max((self.marks[one].column for one in keys), default=-1)

    def _leaf(self, tree: Candidate) -> Mark:
        """Name the columns of some roles."""
        roles = list(tree.settings.get("roles", ()))
        name = next((name for name, known in LEAVES.items() if known == roles), ", ".join(roles))
        columns = self.schema.columns if self.schema else ()
        names = [one.name for one in columns if str(one.role) in roles]
        lines = names if len(names) <= NAMED else [*names[: NAMED - 1], f"and {len(names) - NAMED + 1} more"]
        return _card(LEAF_WORDS.get(name, name), lines, 0, "leaf", ", ".join(names[:50]))

    def _lines(self, tree: Candidate) -> list[str]:
        """Write the parameters that are not at their default."""
        space = self.catalogue[tree.component].space.parameters if tree.component in self.catalogue else {}
        default = {name: one.default for name, one in space.items()}
        if tree.component in self.catalogue:
            default.setdefault("class_weight", 0.0)
        changed = {name: value for name, value in tree.settings.items() if default.get(name, ...) != value}
        return [f"{name.replace('_', ' ')} = {_spelt(value)}" for name, value in changed.items()]

    def drawn(self, end: Mark, title: str) -> str:
        """Bring the members to one column and what mixes them to the next, and draw all."""
        last = max((self.marks[one].column for one in self.roots), default=0)
        for one in self.roots:
            self.marks[one] = _at(self.marks[one], last)
        marks = {**self.marks, "end": _at(end, last + 1)}
        ways = [*self.ways, *(Way(one, "end", "model") for one in self.roots)]
        return drawn(marks, ways, title, _told(marks, ways))


def _at(mark: Mark, column: int) -> Mark:
    return Mark(mark.words, column, mark.look, mark.kind, mark.below, mark.faint, mark.lines, mark.hint)


def _card(component: str, lines: list[str], column: int, kind: str, hint: str = "") -> Mark:
    """Make a box of a component and some lines, cut where there are too many."""
    words = component.replace("_", " ")
    shown = lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], f"and {len(lines) - MOST_LINES + 1} more"]
    cut = tuple(shortened(one, WIDEST, LINE_FONT) for one in shown)
    told = hint or "; ".join(lines)
    return Mark(shortened(words, WIDEST), column, "card", kind, lines=cut, hint=f"{words}: {told}" if told else words)


def _end(count: int) -> Mark:
    """Say what becomes of the members' predictions."""
    return Mark("prediction" if count == 1 else "weighted mean" if count else "a constant", 0, "end")


def _told(marks: Mapping[str, Mark], ways: list[Way]) -> str:
    """Tell the tree in words, for those who cannot see it."""
    boxes = {key: f"{one.words} ({', '.join(one.lines)})" if one.lines else one.words for key, one in marks.items()}
    return "; ".join(f"{boxes[way.source]} to {boxes[way.target]}" for way in ways)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else "< 1 %"


def _spelt(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
