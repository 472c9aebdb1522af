"""Small steps from one tree to another: one parameter, one production, a subtree, a part of another tree."""

from collections.abc import Sequence

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.grammar import Grammar

WIDTHS = (0.02, 0.4)
"""Between these, as shares of a parameter's range, the width of a step is drawn, evenly by its logarithm."""
KINDS = ("parameter", "production", "change", "cross")
SHARES = (0.6, 0.15, 0.15, 0.1)
"""How often each kind of step is tried."""


class Steps:
    """Draw neighbours of trees.

    Parameters
    ----------
    grammar : Grammar
        Says which trees may be written.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar

    def near(self, tree: Candidate, others: Sequence[Candidate], rng: np.random.Generator) -> Candidate:
        """Draw a neighbour; the tree itself where a step leads nowhere."""
        kind = KINDS[int(rng.choice(len(KINDS), p=SHARES))]
        if kind == "parameter":
            return self._parameter(tree, rng)
        if kind == "production":
            return self._production(tree, rng)
        if kind == "cross":
            return self.grammar.cross(tree, others[int(rng.integers(len(others)))], rng)
        return self.grammar.mutate(tree, rng)

    def _parameter(self, tree: Candidate, rng: np.random.Generator) -> Candidate:
        """Move one parameter of one node, drawn evenly from all that can be moved."""
        found = []
        for path, symbol in self.grammar.places(tree):
            node = self.grammar.at(tree, path)
            space = self.grammar.production(symbol, node).space
            found += [(path, node, space)] * sum(space.parameters[name].size > 1 for name, _ in node.parameters)
        if not found:
            return self.grammar.mutate(tree, rng)
        path, node, space = found[int(rng.integers(len(found)))]
        width = float(np.exp(rng.uniform(*np.log(WIDTHS))))
        moved = Candidate.of(node.component, space.neighbour(node.settings, rng, width), *node.inputs)
        return self.grammar.repair(self.grammar.put(tree, path, moved), rng)

    def _production(self, tree: Candidate, rng: np.random.Generator) -> Candidate:
        """Put another component over the same inputs at one place."""
        found = []
        for path, symbol in self.grammar.places(tree):
            node = self.grammar.at(tree, path)
            here = self.grammar.production(symbol, node)
            ways = self.grammar.productions[symbol]
            found += [(path, node, way) for way in ways if way is not here and tuple(way.inputs) == tuple(here.inputs)]
        if not found:
            return self.grammar.mutate(tree, rng)
        path, node, way = found[int(rng.integers(len(found)))]
        new = Candidate.of(way.component, way.space.sample(rng), *node.inputs)
        return self.grammar.repair(self.grammar.put(tree, path, new), rng)
