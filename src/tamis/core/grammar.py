"""Which trees may be written: typed productions, and what search needs of them (grow, mutate, cross, enumerate).

>>> from tamis.core.space import Float
>>> grammar = Grammar("model", [
...     Production("model", "ridge", ("features",), Space({"alpha": Float(0.1, 10, log=True)})),
...     Production("features", "scaled", ("features",)),
...     Production("features", "columns"),
... ])
>>> tree = grammar.grow(np.random.default_rng(0))
>>> grammar.check(tree)
>>> str(next(grammar.enumerate(max_depth=2)))
'ridge(columns; alpha=1.0)'
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.space import Space

DRAWS = 20
"""How often an input is drawn again that stands there already, where each may stand once."""

REMEMBERED = 20_000
"""Of so many nodes it is remembered what writes them: neighbours in a search share most of theirs."""


@dataclass(frozen=True)
class Production:
    """A symbol may be written as a component over inputs of given symbols."""

    symbol: str
    component: str
    inputs: Sequence[str] = ()
    """The symbol of each input; a last one that ends in `*` stands for one or more."""
    space: Space = field(default_factory=Space)
    weight: float = 1.0
    """How likely it is drawn, against the other productions of the symbol."""
    unordered: bool = False
    """The order of the inputs of the repeated symbol means nothing: trees have them in one order, and each once."""

    @property
    def many(self) -> str | None:
        """The symbol that may be repeated, if any."""
        return self.inputs[-1][:-1] if self.inputs and self.inputs[-1].endswith("*") else None

    def symbols(self, count: int) -> list[str]:
        """Return the symbols of `count` inputs."""
        fixed = [name for name in self.inputs if not name.endswith("*")]
        return fixed + [self.many] * (count - len(fixed)) if self.many else fixed

    @property
    def n_others(self) -> int:
        """Return how many inputs come before those of the repeated symbol."""
        return sum(name != self.many for name in self.inputs[:-1]) if self.many else len(self.inputs)


def _has_references(tree: Candidate) -> bool:
    return any(isinstance(one, int) for node in tree.walk() for one in node.inputs)


def _has_parameters(one: Production, node: Candidate) -> bool:
    """Tell whether a node's parameters are what a production allows."""
    try:
        one.space.check(node.settings, node.component)
    except ParameterError:
        return False
    return True


class Grammar:
    """A set of productions from one start symbol.

    Parameters
    ----------
    start : str
        The symbol of the root.
    productions : sequence of Production
        Every symbol that is used must have one.
    max_depth : int
        Grown and changed trees are no deeper where the symbols allow it.
    max_repeat : int
        How many inputs a repeated symbol may stand for.
    """

    def __init__(self, start: str, productions: Sequence[Production], max_depth: int = 6, max_repeat: int = 3) -> None:
        self.start = start
        self.max_depth = max_depth
        self.max_repeat = max_repeat
        self.productions: dict[str, list[Production]] = {}
        self._named: dict[tuple[str, str], list[Production]] = {}
        """By symbol and component: a tree is looked at node by node, and a symbol may have very many ways."""
        self._written: dict[tuple[int, str], tuple[Candidate, Production]] = {}
        self._writable: dict[tuple[int, str], tuple[Candidate, bool]] = {}
        """By the identity of a node, which never changes, and a symbol; the node is kept, or another took its place."""
        self._choices: dict[tuple[str, int], tuple[list[Production], np.ndarray]] = {}
        """By symbol and depth: what may be drawn, and the shares up to and with each."""
        for one in productions:
            self.productions.setdefault(one.symbol, []).append(one)
            self._named.setdefault((one.symbol, one.component), []).append(one)
        used = {name.rstrip("*") for one in productions for name in one.inputs} | {start}
        if lost := sorted(used - self.productions.keys()):
            raise ParameterError(f"The grammar has no production for the symbols {lost}.")
        self._height = self._heights()
        self._unordered = any(one.unordered for one in productions)

    def without(self, *components: str) -> "Grammar":
        """Return the grammar without some components, and without what can no longer be written or reached then.

        Raises
        ------
        ParameterError
            Where nothing is left.

        Examples
        --------
        >>> rules = [Production("model", "ridge", ("columns",)), Production("model", "svm", ("columns",)),
        ...          Production("columns", "columns")]
        >>> [str(tree) for tree in Grammar("model", rules).without("svm").enumerate(max_depth=2)]
        ['ridge(columns)']
        """
        kept = [one for options in self.productions.values() for one in options if one.component not in components]
        kept = _reached(self.start, _ending(kept))
        if not kept:
            raise ParameterError(f"Without {', '.join(components)} the grammar writes nothing.")
        return Grammar(self.start, kept, self.max_depth, self.max_repeat)

    def _heights(self) -> dict[str, int]:
        """Return the depth of the lowest tree of each symbol."""
        height: dict[str, int] = {}
        for _ in self.productions:
            for symbol, options in self.productions.items():
                ready = [
                    1 + max((height[name.rstrip("*")] for name in one.inputs), default=0)
                    for one in options
                    if all(name.rstrip("*") in height for name in one.inputs)
                ]
                if ready:
                    height[symbol] = min(ready)
        if endless := sorted(self.productions.keys() - height.keys()):
            raise ParameterError(f"The symbols {endless} of the grammar never come to an end.")
        return height

    def _needs(self, one: Production) -> int:
        return 1 + max((self._height[name.rstrip("*")] for name in one.inputs), default=0)

    def production(self, symbol: str, node: Candidate) -> Production:
        """Return the production that wrote a node.

        Raises
        ------
        ParameterError
            Where the symbol cannot be written so.
        """
        place = id(node), symbol
        known = self._written.get(place)
        if known is not None and known[0] is node:
            return known[1]
        fitting = [one for one in self._named.get((symbol, node.component), ()) if self._fits(one, node)]
        if len(fitting) > 1:  # the same component over other inputs: what stands below decides
            fitting = [one for one in fitting if self._writes_inputs(one, node)] or fitting
        if not fitting:
            names = sorted({one.component for one in self.productions[symbol]})
            raise ParameterError(
                f"{node.component!r} with {len(node.inputs)} inputs is no {symbol!r}; it may be: {names}."
            )
        if len(self._written) >= REMEMBERED:
            self._written.clear()
        self._written[place] = node, fitting[0]
        return fitting[0]

    @staticmethod
    def _fits(one: Production, node: Candidate) -> bool:
        """Tell whether a production of the node's component takes as many inputs."""
        count = len(node.inputs)
        return count >= len(one.inputs) if one.many else count == len(one.inputs)

    def _writes_inputs(self, one: Production, node: Candidate) -> bool:
        """Tell whether every subtree below a node can be written as the production asks."""
        pairs = zip(node.inputs, one.symbols(len(node.inputs)), strict=True)
        return all(self._writes_node(child, name) for child, name in pairs if isinstance(child, Candidate))

    def _writes_node(self, node: Candidate, symbol: str) -> bool:
        """Tell whether a symbol can be written as a subtree."""
        place = id(node), symbol
        known = self._writable.get(place)
        if known is None or known[0] is not node:
            ways = self._named.get((symbol, node.component), ())
            written = any(
                self._fits(way, node) and _has_parameters(way, node) and self._writes_inputs(way, node) for way in ways
            )
            if len(self._writable) >= REMEMBERED:
                self._writable.clear()
            self._writable[place] = known = node, written
        return known[1]

    def check(self, tree: Candidate, symbol: str | None = None) -> None:
        """Refuse a tree that the grammar does not write, naming the node.

        Raises
        ------
        ParameterError
            Where a node, a parameter or a reference is not what the grammar allows.
        """
        symbols: list[str] = []  # of the nodes so far, in the order of `walk`: what a reference may point to
        self._check(tree, symbol or self.start, symbols)

    def writes(self, tree: Candidate, symbol: str | None = None) -> bool:
        """Tell whether the grammar writes a tree, from its start or from another symbol."""
        try:
            self.check(tree, symbol)
        except ParameterError:
            return False
        return True

    def _check(self, tree: Candidate, symbol: str, symbols: list[str]) -> None:
        one = self.production(symbol, tree)
        one.space.check(tree.settings, tree.component)
        wanted = one.symbols(len(tree.inputs))
        for child, name in zip(tree.inputs, wanted, strict=True):
            if isinstance(child, Candidate):
                self._check(child, name, symbols)
        for child, name in zip(tree.inputs, wanted, strict=True):
            if isinstance(child, int) and not (0 <= child < len(symbols) and symbols[child] == name):
                raise ParameterError(
                    f"The input {child} of {tree.component!r} must be the number of an earlier {name!r}; "
                    f"the nodes before it are: {symbols}."
                )
        symbols.append(symbol)

    def grow(self, rng: np.random.Generator, symbol: str | None = None, depth: int | None = None) -> Candidate:
        """Draw a tree with random parameters, at most `depth` deep where that is possible."""
        symbol, depth = symbol or self.start, self.max_depth if depth is None else depth
        if (symbol, depth) not in self._choices:
            options = [one for one in self.productions[symbol] if self._needs(one) <= depth]
            options = options or [min(self.productions[symbol], key=self._needs)]
            weights = np.array([one.weight for one in options])
            shares = np.cumsum(weights / weights.sum())
            self._choices[symbol, depth] = options, shares / shares[-1]
        options, shares = self._choices[symbol, depth]
        one = options[int(shares.searchsorted(rng.random(), side="right"))]  # as `choice` does, which takes longer
        fixed = len(one.inputs) - bool(one.many)
        count = fixed + int(rng.integers(1, self.max_repeat + 1)) if one.many else fixed
        inputs: list[Candidate | int] = [self.grow(rng, name, depth - 1) for name in one.symbols(count)]
        if one.unordered:
            inputs = self._ordered(inputs, one, rng, depth - 1)
        return Candidate.of(one.component, one.space.sample(rng), *inputs)

    def _ordered(
        self, inputs: list[Candidate | int], one: Production, rng: np.random.Generator, depth: int
    ) -> list[Candidate | int]:
        """Bring inputs without order into one, each once; where too few are left, others are drawn beside them."""
        front, rest = (
            inputs[: one.n_others],
            [child for child in inputs[one.n_others :] if isinstance(child, Candidate)],
        )
        if not one.many or len(front) + len(rest) < len(inputs):  # what points elsewhere keeps its place
            return inputs
        for _ in range(DRAWS):
            known = {child.key: child for child in rest}
            rest = sorted(known.values(), key=lambda child: (child.component, child.key))
            if len(front) + len(rest) >= len(one.inputs):
                break
            rest.append(self.grow(rng, one.many, depth))
        return [*front, *rest]

    def places(
        self, tree: Candidate, symbol: str | None = None, path: tuple[int, ...] = ()
    ) -> list[tuple[tuple[int, ...], str]]:
        """Return the path (numbers of inputs) and the symbol of every node, the root first."""
        symbol = symbol or self.start
        found = [(path, symbol)]
        one = self.production(symbol, tree)
        for index, (child, name) in enumerate(zip(tree.inputs, one.symbols(len(tree.inputs)), strict=True)):
            if isinstance(child, Candidate):
                found += self.places(child, name, (*path, index))
        return found

    @staticmethod
    def at(tree: Candidate, path: Sequence[int]) -> Candidate:
        """Return the node at a path."""
        for index in path:
            below = tree.inputs[index]
            if not isinstance(below, Candidate):
                raise ParameterError(f"The path {tuple(path)} must lead to a node; the input {index} is a reference.")
            tree = below
        return tree

    @staticmethod
    def put(tree: Candidate, path: Sequence[int], new: Candidate) -> Candidate:
        """Return the tree with another node at a path."""
        if not path:
            return new
        inputs = list(tree.inputs)
        inputs[path[0]] = Grammar.put(Grammar.at(tree, path[:1]), path[1:], new)
        return Candidate(tree.component, tree.parameters, tuple(inputs))

    def mutate(self, tree: Candidate, rng: np.random.Generator, step: float = 0.2) -> Candidate:
        """Change one place: its parameters, the whole subtree, or the number of its inputs."""
        places = self.places(tree)
        path, symbol = places[int(rng.integers(len(places)))]
        node, one = self.at(tree, path), self.production(symbol, self.at(tree, path))
        moves = ["subtree"] + ["parameters"] * (2 * bool(node.parameters)) + ["repeat"] * bool(one.many)
        move = moves[int(rng.integers(len(moves)))]
        if move == "parameters":
            node = Candidate.of(node.component, one.space.neighbour(node.settings, rng, step), *node.inputs)
        elif move == "repeat":
            node = self._repeat(node, one, rng, self.max_depth - len(path) - 1)
        else:
            node = self.grow(rng, symbol, self.max_depth - len(path))
        return self.repair(self.put(tree, path, node), rng)

    def repair(self, tree: Candidate, rng: np.random.Generator) -> Candidate:
        """Give a changed tree its proper form.

        Every reference that points to no earlier node of the symbol it needs is replaced by a subtree of its own;
        inputs without order are brought into one, each once.
        """
        return self._repair(tree, self.start, [], rng) if self._unordered or _has_references(tree) else tree

    def _repair(self, tree: Candidate, symbol: str, symbols: list[str], rng: np.random.Generator) -> Candidate:
        one = self.production(symbol, tree)
        inputs: list[Candidate | int] = []
        for child, name in zip(tree.inputs, one.symbols(len(tree.inputs)), strict=True):
            if isinstance(child, Candidate):
                inputs.append(self._repair(child, name, symbols, rng))
            elif 0 <= child < len(symbols) and symbols[child] == name:
                inputs.append(child)
            else:
                inputs.append(self._repair(self.grow(rng, name, self._height[name]), name, symbols, rng))
        symbols.append(symbol)
        if one.unordered:
            inputs = self._ordered(inputs, one, rng, self._height[one.many or one.symbol])
        return Candidate(tree.component, tree.parameters, tuple(inputs))

    def _repeat(self, node: Candidate, one: Production, rng: np.random.Generator, depth: int) -> Candidate:
        """Add an input of the repeated symbol or take one away."""
        fixed, inputs = len(one.inputs) - 1, list(node.inputs)
        if len(inputs) - fixed > 1 and (rng.random() < 0.5 or len(inputs) - fixed >= self.max_repeat):
            del inputs[fixed + int(rng.integers(len(inputs) - fixed))]
        elif len(inputs) - fixed < self.max_repeat:
            inputs.append(self.grow(rng, one.many, depth))
        return Candidate(node.component, node.parameters, tuple(inputs))

    def cross(self, mother: Candidate, father: Candidate, rng: np.random.Generator) -> Candidate:
        """Put a subtree of the father where the mother has one of the same symbol and the depth allows it."""
        gifts = self.places(father)
        pairs = [
            (at, path)
            for at, symbol in self.places(mother)
            for path, name in gifts
            if name == symbol and at and len(at) + self.at(father, path).depth <= self.max_depth
        ]
        if not pairs:
            return mother
        at, path = pairs[int(rng.integers(len(pairs)))]
        return self.repair(self.put(mother, at, self.at(father, path)), rng)

    def enumerate(self, symbol: str | None = None, max_depth: int | None = None) -> Iterator[Candidate]:
        """Yield every tree shape up to a depth, with default parameters and one input for a repeated symbol."""
        symbol, depth = symbol or self.start, self.max_depth if max_depth is None else max_depth
        for one in self.productions[symbol]:
            if self._needs(one) <= depth:
                count = len(one.inputs)
                ways = [list(self.enumerate(name, depth - 1)) for name in one.symbols(count)]
                for inputs in product(*ways):
                    yield Candidate.of(one.component, one.space.default(), *inputs)


def _ending(productions: Sequence[Production]) -> list[Production]:
    """Leave out what never comes to an end: a symbol that only says how it goes on has no tree."""
    finite: set[str] = set()
    while True:
        whole = [one for one in productions if all(name.rstrip("*") in finite for name in one.inputs)]
        if {one.symbol for one in whole} <= finite:
            return whole
        finite |= {one.symbol for one in whole}


def _reached(start: str, productions: Sequence[Production]) -> list[Production]:
    """Leave out what does not come up below a symbol."""
    reached, waiting = {start}, [start]
    while waiting:
        symbol = waiting.pop()
        below = {name.rstrip("*") for one in productions if one.symbol == symbol for name in one.inputs}
        waiting += sorted(below - reached)
        reached |= below
    return [one for one in productions if one.symbol in reached]
