"""One kind of proposal: a frozen expression tree over components, JSON in and out.

A plain model is a tree of one node, a pipeline a chain, a stack a branching tree, a network a graph: an input may be
the number of an earlier node (in the order of `walk`) instead of a subtree.

>>> scaled = Candidate.of("ridge", {"alpha": 1.0}, Candidate.of("standardize", {}, Candidate.of("columns")))
>>> Candidate.from_json(scaled.to_json()) == scaled
True
>>> print(scaled)
ridge(standardize(columns); alpha=1.0)
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from tamis.core.errors import ParameterError

Frozen = Any
"""A hashable JSON value: lists have become tuples."""

BATCH = "batch"
"""The component of a node that is no model: its inputs are looked at together, as signals for a search."""


def _freeze(value: Any) -> Frozen:
    return tuple(_freeze(item) for item in value) if isinstance(value, list | tuple) else value


def _thaw(value: Frozen) -> Any:
    return [_thaw(item) for item in value] if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Candidate:
    """A node of the tree: a component by name, its parameters, and what feeds it."""

    component: str
    parameters: tuple[tuple[str, Frozen], ...] = ()
    """Sorted by name, so that equal settings are equal candidates."""
    inputs: "tuple[Candidate | int, ...]" = ()
    """Subtrees, or numbers of earlier nodes."""

    @classmethod
    def of(cls, component: str, parameters: Mapping[str, Any] | None = None, *inputs: "Candidate | int") -> "Candidate":
        """Build a node from plain values."""
        frozen = tuple(sorted((name, _freeze(value)) for name, value in (parameters or {}).items()))
        return cls(component, frozen, inputs)

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters as a dictionary."""
        return {name: _thaw(value) for name, value in self.parameters}

    @property
    def children(self) -> "tuple[Candidate, ...]":
        """The inputs that are subtrees."""
        return tuple(one for one in self.inputs if isinstance(one, Candidate))

    def walk(self) -> "Iterator[Candidate]":
        """Yield every node, inputs before what they feed."""
        for child in self.children:
            yield from child.walk()
        yield self

    @property
    def depth(self) -> int:
        """Return the count of nodes on the longest way from a leaf to the root."""
        return 1 + max((child.depth for child in self.children), default=0)

    def replace(self, change: "Callable[[Candidate], Candidate]") -> "Candidate":
        """Rebuild the tree from the leaves up, passing every node through `change`."""
        inputs = tuple(one.replace(change) if isinstance(one, Candidate) else one for one in self.inputs)
        return change(Candidate(self.component, self.parameters, inputs))

    def with_parameters(self, **changed: Any) -> "Candidate":
        """Return the same tree with some parameters of the root set anew."""
        return Candidate.of(self.component, {**self.settings, **changed}, *self.inputs)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        node: dict[str, Any] = {"component": self.component}
        if self.parameters:
            node["parameters"] = self.settings
        if self.inputs:
            node["inputs"] = [one.to_json() if isinstance(one, Candidate) else one for one in self.inputs]
        return node

    @classmethod
    def from_json(cls, node: Mapping[str, Any]) -> "Candidate":
        """Read what `to_json` wrote.

        Raises
        ------
        ParameterError
            Where a node has no component.
        """
        if not isinstance(node, Mapping) or not isinstance(node.get("component"), str):
            raise ParameterError(f"A candidate's node must name its 'component'; got {node!r:.200}.")
        inputs = [one if isinstance(one, int) else cls.from_json(one) for one in node.get("inputs", ())]
        return cls.of(node["component"], node.get("parameters"), *inputs)

    @cached_property
    def key(self) -> str:
        """A short name that equal trees share, the same in every process."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """Write the tree as an expression."""
        inside = ", ".join(str(one) for one in self.inputs)
        settings = ", ".join(f"{name}={value!r}" for name, value in self.parameters)
        body = "; ".join(part for part in (inside, settings) if part)
        return f"{self.component}({body})" if body else self.component
