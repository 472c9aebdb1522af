"""Strongly typed variation of expression trees: whatever is inserted, cut, replaced or crossed, the grammar writes it.

>>> from tamis.core.grammar import Production
>>> grammar = Grammar("model", [
...     Production("model", "ridge", ("features",)),
...     Production("features", "scaled", ("features",)),
...     Production("features", "columns"),
... ])
>>> columns = Candidate.of("columns")
>>> print(Variation(grammar).insert(Candidate.of("ridge", {}, columns), np.random.default_rng(0)))
ridge(scaled(columns))
>>> print(Variation(grammar).shrink(Candidate.of("ridge", {}, Candidate.of("scaled", {}, columns)),
...                                 np.random.default_rng(0)))
ridge(columns)
"""

from collections.abc import Callable, Sequence
from math import log
from typing import TypeVar

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.grammar import Grammar, Production

T = TypeVar("T")
Path = tuple[int, ...]
"""The numbers of the inputs that lead from the root to a node."""
Way = tuple[tuple[Production, int], ...]
"""A chain of productions, each with the number of the input in which the next one stands."""
Move = Callable[[Candidate, np.random.Generator], Candidate | None]

STEPS = (0.02, 0.5)
"""The least and the greatest width of a parameter's step, as a share of its range."""
MORE = 0.4
"""The probability that, after a parameter, another one is changed too."""


def n_nodes(tree: Candidate) -> int:
    """Return the count of nodes: the complexity of a tree."""
    return sum(1 for _ in tree.walk())


def _pick(rng: np.random.Generator, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
    """Draw one of several, evenly or by weight."""
    if weights is None:
        return options[int(rng.integers(len(options)))]
    return options[int(rng.choice(len(options), p=np.array(weights) / sum(weights)))]


class Variation:
    """The moves of genetic programming (Koza, 1992) where every node has a type (Montana, 1995): its grammar's symbol.

    Every move takes trees that the grammar writes and returns another, or None where there is no such move. What points
    to earlier nodes is repaired. A subtree may also go where another symbol stands, if that writes it as it is: so a
    model goes below another one, whose grammar has a symbol of its own for models there.

    Parameters
    ----------
    grammar : Grammar
        Its depth is kept, unless a parent is deeper already.
    max_nodes : int
        No tree grows above so many nodes, unless a parent is larger already.

    References
    ----------
    Koza, "Genetic programming: on the programming of computers by means of natural selection", 1992.
    Montana, "Strongly typed genetic programming", Evolutionary Computation 3, 1995.
    """

    def __init__(self, grammar: Grammar, max_nodes: int = 60) -> None:
        self.grammar = grammar
        self.max_nodes = max_nodes
        components = {symbol: {one.component for one in ways} for symbol, ways in grammar.productions.items()}
        self._alike = {
            symbol: frozenset(other for other, names in components.items() if names & components[symbol])
            for symbol in components
        }
        """By symbol: those that may be able to write its trees, itself among them."""
        self._ways = {symbol: self._ways_back(symbol) for symbol in grammar.productions}
        # What a parameter is worth takes many small steps to find out, what a shape is worth takes one.
        self._moves: tuple[tuple[Move, float], ...] = (
            (self.tune, 3.0),
            (self.insert, 1.0),
            (self.shrink, 1.0),
            (self.replace, 1.0),
            (self.exchange, 1.0),
            (self.widen, 0.5),
            (self.narrow, 0.5),
        )

    def mutate(self, tree: Candidate, rng: np.random.Generator) -> tuple[str, Candidate] | None:
        """Make one of the moves, by their weights among those that can be made; return its name and the child."""
        moves, weights = zip(*self._moves, strict=True)
        order = rng.choice(len(moves), size=len(moves), replace=False, p=np.array(weights) / sum(weights))
        for index in order.tolist():
            child = moves[index](tree, rng)
            if child is not None:
                return moves[index].__name__, child
        return None

    def tune(self, tree: Candidate, rng: np.random.Generator) -> Candidate | None:
        """Change one parameter or a few, by steps of any width: fine ones to descend, wide ones to get away."""
        spaces = {path: self._production(tree, path, symbol).space for path, symbol in self.grammar.places(tree)}
        child = tree
        while True:
            nodes = {path: self.grammar.at(child, path) for path in spaces}
            movable = [sum(spaces[path].parameters[name].size > 1 for name in nodes[path].settings) for path in nodes]
            if not any(movable):
                return None
            path = _pick(rng, list(nodes), movable)
            step = float(np.exp(rng.uniform(log(STEPS[0]), log(STEPS[1]))))
            moved = spaces[path].neighbour(nodes[path].settings, rng, step)
            child = self.grammar.put(child, path, Candidate.of(nodes[path].component, moved, *nodes[path].inputs))
            if rng.random() >= MORE:
                return self._sound(child, rng, tree)

    def insert(self, tree: Candidate, rng: np.random.Generator) -> Candidate | None:
        """Put a node between a child and its parent; several, where it takes those to come back to the symbol."""
        options = {path: self._ways_around(tree, path, symbol) for path, symbol in self.grammar.places(tree)}
        options = {path: ways for path, ways in options.items() if ways}
        if not options:
            return None
        path = _pick(rng, list(options), [max(likely for likely, _ in ways) for ways in options.values()])
        ways = options[path]
        _, way = _pick(rng, ways, [likely * way[0][0].weight for likely, way in ways])
        new = self._wrap(way, self.grammar.at(tree, path), rng, self.grammar.max_depth - len(path))
        return self._sound(self.grammar.put(tree, path, new), rng, tree)

    def shrink(self, tree: Candidate, rng: np.random.Generator) -> Candidate | None:
        """Replace a node by one below it that may stand in its place."""
        places = self.grammar.places(tree)
        options = [
            (path, below)
            for path, symbol in places
            for below, name in places
            if len(below) > len(path)
            and below[: len(path)] == path
            and self._writes(symbol, self.grammar.at(tree, below), name)
        ]
        if not options:
            return None
        path, below = _pick(rng, options)
        return self._sound(self.grammar.put(tree, path, self.grammar.at(tree, below)), rng, tree)

    def replace(self, tree: Candidate, rng: np.random.Generator) -> Candidate | None:
        """Draw a subtree anew for its symbol."""
        path, symbol = _pick(rng, self.grammar.places(tree))
        new = self.grammar.grow(rng, symbol, self.grammar.max_depth - len(path))
        return self._sound(self.grammar.put(tree, path, new), rng, tree)

    def exchange(self, tree: Candidate, rng: np.random.Generator) -> Candidate | None:
        """Write a node by another production of its symbol, over the same inputs as far as their symbols allow."""
        places = [(path, symbol, self._production(tree, path, symbol)) for path, symbol in self.grammar.places(tree)]
        options = [
            (path, old, one)
            for path, symbol, old in places
            for one in self.grammar.productions[symbol]
            if one is not old
        ]
        if not options:
            return None
        path, old, one = _pick(rng, options, [one.weight for _, _, one in options])
        node = self.grammar.at(tree, path)
        spare = list(zip(old.symbols(len(node.inputs)), node.inputs, strict=True))
        most = len(one.inputs) + (self.grammar.max_repeat - 1) * bool(one.many)
        inputs: list[Candidate | int] = []
        for name in one.symbols(max(len(one.inputs), min(most, len(spare)))):
            kept = next((pair for pair in spare if pair[0] == name), None)
            if kept is None:
                inputs.append(self.grammar.grow(rng, name, self.grammar.max_depth - len(path) - 1))
            else:
                spare.remove(kept)
                inputs.append(kept[1])
        new = Candidate.of(one.component, one.space.sample(rng), *inputs)
        return self._sound(self.grammar.put(tree, path, new), rng, tree)

    def widen(self, tree: Candidate, rng: np.random.Generator) -> Candidate | None:
        """Give a node one more input of a symbol that may be repeated, or put another branch beside it."""
        options = [(path, many) for path, n, many in self._unions(tree) if n < self.grammar.max_repeat]
        beside = [
            (path, way)
            for path, symbol in self.grammar.places(tree)
            for _, way in self._ways_around(tree, path, symbol)
            if len(way) == 1 and way[0][0].unordered
        ]
        if not options and not beside:
            return None
        place = int(rng.integers(len(options) + len(beside)))
        if place >= len(options):
            path, way = beside[place - len(options)]
            new = self._wrap(way, self.grammar.at(tree, path), rng, self.grammar.max_depth - len(path))
            return self._sound(self.grammar.put(tree, path, new), rng, tree)
        path, many = options[place]
        node = self.grammar.at(tree, path)
        new = self.grammar.grow(rng, many, self.grammar.max_depth - len(path) - 1)
        wider = Candidate(node.component, node.parameters, (*node.inputs, new))
        return self._sound(self.grammar.put(tree, path, wider), rng, tree)

    def narrow(self, tree: Candidate, rng: np.random.Generator) -> Candidate | None:
        """Take away one of several inputs of a repeated symbol."""
        options = [(path, n) for path, n, _ in self._unions(tree) if n > 1]
        if not options:
            return None
        path, n = _pick(rng, options)
        node = self.grammar.at(tree, path)
        gone = len(node.inputs) - 1 - int(rng.integers(n))
        narrower = Candidate(node.component, node.parameters, node.inputs[:gone] + node.inputs[gone + 1 :])
        return self._sound(self.grammar.put(tree, path, narrower), rng, tree)

    def cross(self, mother: Candidate, father: Candidate, rng: np.random.Generator) -> Candidate | None:
        """Put a subtree of the father in place of one of the mother's."""
        gifts = [(symbol, self.grammar.at(father, path)) for path, symbol in self.grammar.places(father)]
        most_deep, most_nodes = self._bounds(mother, father)
        size = n_nodes(mother)
        options: dict[Path, list[Candidate]] = {}
        for path, symbol in self.grammar.places(mother):
            old = self.grammar.at(mother, path)
            room = most_nodes - size + n_nodes(old)
            options[path] = [
                gift
                for name, gift in gifts
                if symbol in self._alike[name]
                and gift != old
                and len(path) + gift.depth <= most_deep
                and n_nodes(gift) <= room
                and self._writes(symbol, gift, name)
            ]
        places = [path for path, found in options.items() if found]
        if not places:
            return None
        path = _pick(rng, places)
        return self._sound(self.grammar.put(mother, path, _pick(rng, options[path])), rng, mother, father)

    def _production(self, tree: Candidate, path: Path, symbol: str) -> Production:
        return self.grammar.production(symbol, self.grammar.at(tree, path))

    def _writes(self, symbol: str, tree: Candidate, known: str) -> bool:
        """Tell whether a symbol writes a subtree that another one is known to write."""
        if symbol == known:
            return True
        return symbol in self._alike[known] and self.grammar.writes(tree, symbol)

    def _unions(self, tree: Candidate) -> list[tuple[Path, int, str]]:
        """Return the nodes with a repeated symbol: where they are, how many inputs of it they have, and the symbol."""
        found = []
        for path, symbol in self.grammar.places(tree):
            one = self._production(tree, path, symbol)
            if one.many:
                found.append((path, len(self.grammar.at(tree, path).inputs) - len(one.inputs) + 1, one.many))
        return found

    def _ways_back(self, symbol: str) -> list[tuple[str, Way]]:
        """Return the shortest way from each input of each production of a symbol to those that may write its trees."""
        found: list[tuple[str, Way]] = []
        for one in self.grammar.productions[symbol]:
            for index, name in enumerate(one.symbols(len(one.inputs))):
                ways = self._ways_from(name)
                found += [(goal, ((one, index), *ways[goal])) for goal in sorted(self._alike[symbol]) if goal in ways]
        return found

    def _ways_from(self, start: str) -> dict[str, Way]:
        """Search breadth first for the productions that lead from one symbol to each other."""
        ways: dict[str, Way] = {start: ()}
        for symbol in (queue := [start]):
            for one in self.grammar.productions[symbol]:
                for index, name in enumerate(one.symbols(len(one.inputs))):
                    if name not in ways:
                        ways[name] = (*ways[symbol], (one, index))
                        queue.append(name)
        return ways

    def _ways_around(self, tree: Candidate, path: Path, symbol: str) -> list[tuple[float, Way]]:
        """Return what may be put around a node, with how much less likely the node is drawn where it then stands."""
        inside = self.grammar.at(tree, path)
        likely = {goal: 1.0 for goal, _ in self._ways[symbol] if goal == symbol}
        for goal in {goal for goal, _ in self._ways[symbol]} - {symbol}:
            if self.grammar.writes(inside, goal):
                here, there = (self.grammar.production(one, inside).weight for one in (symbol, goal))
                likely[goal] = min(1.0, there / here)
        return [(likely[goal], way) for goal, way in self._ways[symbol] if goal in likely]

    def _wrap(self, way: Way, inside: Candidate, rng: np.random.Generator, depth: int) -> Candidate:
        """Write the productions of a way around a tree, and draw their other inputs."""
        if not way:
            return inside
        (one, index), rest = way[0], way[1:]
        # A union of one input is none.
        more = bool(one.many) and len(one.inputs) == 1 and self.grammar.max_repeat > 1
        inputs = [
            self.grammar.grow(rng, name, depth - 1) if number != index else self._wrap(rest, inside, rng, depth - 1)
            for number, name in enumerate(one.symbols(len(one.inputs) + more))
        ]
        return Candidate.of(one.component, one.space.sample(rng), *inputs)

    def _bounds(self, *parents: Candidate) -> tuple[int, int]:
        """Return the greatest depth and count of nodes that a child of these parents may have."""
        depth = max(self.grammar.max_depth, *(one.depth for one in parents))
        return depth, max(self.max_nodes, *(n_nodes(one) for one in parents))

    def _sound(self, child: Candidate, rng: np.random.Generator, *parents: Candidate) -> Candidate | None:
        """Repair a child's references; return None where it is too large, or one of its parents."""
        child = self.grammar.repair(child, rng)
        most_deep, most_nodes = self._bounds(*parents)
        if child in parents or child.depth > most_deep or n_nodes(child) > most_nodes:
            return None
        return child
