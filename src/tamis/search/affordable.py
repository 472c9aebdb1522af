"""A grammar whose trees are never expected to take longer than is allowed: for runs in which no clock ends a trial."""

from collections.abc import Callable

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.grammar import Grammar

DRAWS = 20
"""How often a tree, or the parameters of one, are drawn again before the cheapest of them is taken."""


class Affordable(Grammar):
    """Write what another grammar writes; but what is drawn or changed has an expected cost within a bound.

    A tree that would take longer is drawn again. One that came of another by some change keeps its shape if it can: the
    parameters of its root, which cost the most as a rule, are drawn again. What somebody else proposes is written as
    before, whatever it costs.

    Parameters
    ----------
    grammar : Grammar
    cost : callable
        Returns the seconds that a tree is expected to take.
    most_s : float

    Examples
    --------
    >>> from tamis.core.grammar import Production
    >>> from tamis.core.space import Int, Space
    >>> plain = Grammar("model", [Production("model", "forest", (), Space({"trees": Int(1, 1000)}))])
    >>> bounded = Affordable(plain, lambda tree: tree.settings["trees"], most_s=500.0)
    >>> rng = np.random.default_rng(0)
    >>> max(bounded.grow(rng).settings["trees"] for _ in range(50)) <= 500
    True
    >>> bounded.writes(Candidate.of("forest", {"trees": 1000}))
    True
    """

    def __init__(self, grammar: Grammar, cost: Callable[[Candidate], float], most_s: float) -> None:
        productions = [one for options in grammar.productions.values() for one in options]
        super().__init__(grammar.start, productions, grammar.max_depth, grammar.max_repeat)
        self.cost = cost
        self.most_s = most_s

    def without(self, *components: str) -> "Affordable":
        """Return the grammar without some components, within the same bound."""
        return Affordable(super().without(*components), self.cost, self.most_s)

    def grow(self, rng: np.random.Generator, symbol: str | None = None, depth: int | None = None) -> Candidate:
        """Draw a tree; whole ones within the bound."""
        if symbol is not None and symbol != self.start:
            return super().grow(rng, symbol, depth)
        return self._within(lambda: super(Affordable, self).grow(rng, symbol, depth))

    def repair(self, tree: Candidate, rng: np.random.Generator) -> Candidate:
        """Give a changed tree its proper form, and parameters within the bound."""
        whole = super().repair(tree, rng)
        if self.cost(whole) <= self.most_s:
            return whole
        space = self.production(self.start, whole).space
        found = self._within(lambda: Candidate.of(whole.component, space.sample(rng), *whole.inputs))
        return found if self.cost(found) <= self.most_s else self.grow(rng)

    def _within(self, draw: Callable[[], Candidate]) -> Candidate:
        """Draw until one is within the bound; the cheapest where none is."""
        drawn: list[tuple[float, Candidate]] = []
        for _ in range(DRAWS):
            tree = draw()
            drawn.append((self.cost(tree), tree))
            if drawn[-1][0] <= self.most_s:
                return tree
        return min(drawn, key=lambda one: one[0])[1]
