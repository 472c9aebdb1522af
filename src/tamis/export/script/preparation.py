"""Writes a fitted preparation as scikit-learn's pipelines and column transformers."""

from collections.abc import Callable, Sequence
from typing import Any

from tamis.core.candidate import Candidate
from tamis.export.script.writing import Writer, bracketed, literal
from tamis.features.encode import OneHot
from tamis.features.impute import Impute
from tamis.features.scale import Bounded
from tamis.features.words import MinHash, Ngrams
from tamis.pipelines.parts import Columns, Join, Step
from tamis.pipelines.stacked import Predictions

GROUPS = {
    ("numeric", "boolean", "ordinal"): "NUMBERS",
    ("categorical", "high-cardinality"): "LEVELS",
    ("categorical",): "FEW_LEVELS",
    ("high-cardinality",): "MANY_LEVELS",
    ("date",): "DATES",
    ("text",): "TEXTS",
}
"""What the columns of some roles are called in a script."""

Refuse = Callable[[str, str], Exception]
"""(what cannot be exported, why) -> the error to raise."""
Stacked = Callable[[Candidate, Sequence[Any]], str]
"""(the node of the predictions, what was fitted for each unit) -> the expression."""


class PreparationWriter:
    """Writes one preparation, fitted once for each unit.

    Parameters
    ----------
    writer : Writer
    groups : dict of str to list of str
        Takes in the columns of each group by the group's name.
    refuse : callable
        Makes the error for what cannot be written.
    stacked : callable, optional
        Writes the predictions of a model; none can be written without it.
    """

    def __init__(
        self, writer: Writer, groups: dict[str, list[str]], refuse: Refuse, stacked: Stacked | None = None
    ) -> None:
        self.writer = writer
        self.groups = groups
        self.refuse = refuse
        self.stacked = stacked

    def write(self, tree: Candidate, fitted: Sequence[Any], *, dense: bool) -> str:
        """Return the expression of a whole preparation; `dense` where the model takes no sparse matrix."""
        text = self._whole(tree, fitted)
        if dense and is_sparse(fitted):
            function = self.writer.definitions.need("tamis.features.transformer", "dense")
            self.writer.definitions.library("sklearn.preprocessing", "FunctionTransformer")
            text = self._pipeline([text, f"FunctionTransformer({function}, accept_sparse=True)"])
        return text

    def _whole(self, tree: Candidate, fitted: Sequence[Any]) -> str:
        """Write what takes the whole table."""
        first = fitted[0]
        if isinstance(first, Predictions):
            if self.stacked is None:
                raise self.refuse(f"{tree.children[0].component} below another model", "it stands two models deep")
            return self.stacked(tree, fitted)
        if isinstance(first, Step) and not self._is_chain(first):
            inside = self._inside(tree)
            return self._pipeline(
                [
                    self._whole(inside, [one.inside for one in fitted]),
                    self._step(tree, [one.transformer for one in fitted]),
                ]
            )
        parts = list(zip(tree.children, range(len(first.inputs)), strict=True)) if isinstance(first, Join) else None
        if parts is None:
            branches = [self._branch(tree, fitted)]
        else:
            branches = [self._branch(child, [one.inputs[place] for one in fitted]) for child, place in parts]
        self.writer.definitions.library("sklearn.compose", "ColumnTransformer")
        taken: dict[str, int] = {}
        lines = []
        for name, text, columns in branches:
            taken[name] = taken.get(name, 0) + 1
            label = name if taken[name] == 1 else f"{name} {taken[name]}"
            lines.append(bracketed("(", [literal(label), text, columns], ")"))
        more = ["sparse_threshold=1.0"] if is_sparse(fitted) else []
        return bracketed("ColumnTransformer(", [bracketed("[", lines, "]"), *more], ")")

    @staticmethod
    def _inside(tree: Candidate) -> Candidate:
        """Return what feeds a step; several inputs are joined."""
        return tree.children[0] if len(tree.children) == 1 else Candidate.of("join", {}, *tree.children)

    def _is_chain(self, node: Any) -> bool:
        while isinstance(node, Step):
            node = node.inside
        return isinstance(node, Columns)

    def _branch(self, tree: Candidate, fitted: Sequence[Any]) -> tuple[str, str, str]:
        """Return the name, the expression and the columns of one branch of a join."""
        first = fitted[0]
        if not self._is_chain(first):
            columns = " + ".join(dict.fromkeys(self._group(leaf) for leaf in _leaves(first)))
            return tree.component, self._whole(tree, fitted), columns
        steps: list[str] = []
        node, units, name = tree, list(fitted), ""
        while isinstance(units[0], Step):
            name = name or node.component
            steps.insert(0, self._step(node, [one.transformer for one in units]))
            node, units = self._inside(node), [one.inside for one in units]
        columns = self._group(units[0])
        group = columns.lower().replace("_", " ")
        text = '"passthrough"' if not steps else steps[0] if len(steps) == 1 else self._pipeline(steps)
        return f"{name} {group}".strip(), text, columns

    def _group(self, leaf: Columns) -> str:
        name = GROUPS.get(tuple(leaf.roles)) or "_".join(leaf.roles).upper().replace("-", "_")
        self.groups.setdefault(name, list(leaf.names_))
        return name

    def _pipeline(self, steps: Sequence[str]) -> str:
        self.writer.definitions.library("sklearn.pipeline", "make_pipeline")
        return bracketed("make_pipeline(", steps, ")")

    def _step(self, node: Candidate, transformers: Sequence[Any]) -> str:
        first = transformers[0]
        if isinstance(first, MinHash):
            raise self.refuse(node.component, "it needs a library that scripts do not use")
        if type(first).__module__.startswith("tamis.neural."):
            raise self.refuse(node.component, "it needs a pretrained network, which scripts do not carry")
        if isinstance(first, Impute):
            return self._imputer(transformers)
        if isinstance(first, Bounded):
            return self.writer.object([one.scaler for one in transformers])
        if not type(first).__module__.startswith("tamis.features."):
            raise self.refuse(node.component, "it is a component of your own")
        return self.writer.object(transformers)

    def _imputer(self, transformers: Sequence[Any]) -> str:
        """Write scikit-learn's imputer, which does the same."""
        first = transformers[0]
        self.writer.definitions.library("sklearn.impute", "SimpleImputer")
        arguments = [f"strategy={literal(first.strategy)}"]
        if first.strategy == "constant":
            arguments.append(f"fill_value={literal(first.fill_value)}")
        arguments += ["add_indicator=True"] if first.indicator else []
        return bracketed("SimpleImputer(", [*arguments, "keep_empty_features=True"], ")")


def _leaves(node: Any) -> list[Columns]:
    if isinstance(node, Columns):
        return [node]
    if isinstance(node, Predictions):
        return _leaves(node.pipeline_.preparation)
    inside = node.inputs if isinstance(node, Join) else [node.inside]
    return [leaf for one in inside for leaf in _leaves(one)]


def is_sparse(fitted: Sequence[Any]) -> bool:
    """Tell whether a preparation gives a sparse matrix in some unit."""
    first = fitted[0]
    if isinstance(first, Columns | Predictions):
        return False
    if isinstance(first, Join):
        return any(is_sparse([one.inputs[place] for one in fitted]) for place in range(len(first.inputs)))
    transformers = [one.transformer for one in fitted]
    if isinstance(transformers[0], OneHot):
        return any(one.sparse_ for one in transformers)
    if isinstance(transformers[0], Ngrams):
        return transformers[0].n_components == 0
    passes = hasattr(transformers[0], "get_support") or isinstance(transformers[0], Bounded | Impute)
    return passes and is_sparse([one.inside for one in fitted])
