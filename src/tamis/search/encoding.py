"""Encodes trees of changing shape as vectors of one length, for models that learn from numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.grammar import Grammar, Production
from tamis.core.space import Choice, Float, Int, Parameter, Value

Path = tuple[int | str, ...]
Key = tuple[str | int | Path, ...]
"""What a column stands for; the first part says of which sort it is."""
NUMBER, PLACE, OPTION, REFERENCE, COUNT = "number", "place", "option", "reference", "count"
ABSENT = -1.0
"""Of a number that is not there. Numbers that are lie in [0, 1], so one split of a tree tells the two apart."""


class TreeEncoder:
    """Say of a tree, as numbers by name, what stands where in it.

    Of every node: which component stands at its path; its numbers on their unit scale, by the logarithm where the
    space says so; one column for each option of a choice; what its references point to. A parameter that a condition
    leaves out, or whose node is not there, has no entry. Beside it stands how often each component occurs anywhere, for
    the same part may move along a chain when something is put in before it.

    Parameters
    ----------
    grammar : Grammar
        Says what the places are, and on which scale their numbers lie.

    Examples
    --------
    >>> from tamis.core.space import Space
    >>> grammar = Grammar("model", [Production("model", "ridge", (), Space({"alpha": Int(0, 4)}))])
    >>> for key, value in TreeEncoder(grammar).features(Candidate.of("ridge", {"alpha": 2})).items():
    ...     print(key, value)
    ('place', (), 'ridge') 1.0
    ('number', (), 'ridge', 'alpha') 0.5
    ('count', 'ridge') 1.0
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar

    def read(self, tree: Candidate) -> Candidate | None:
        """Fill in the defaults of all that a tree does not say; None where the grammar does not write it."""
        return self._complete(tree, self.grammar.start) if self.grammar.writes(tree) else None

    def _complete(self, node: Candidate, symbol: str) -> Candidate:
        way = self.grammar.production(symbol, node)
        pairs = zip(node.inputs, way.symbols(len(node.inputs)), strict=True)
        inputs = [self._complete(child, name) if isinstance(child, Candidate) else child for child, name in pairs]
        return Candidate.of(node.component, way.space.complete(node.settings), *inputs)

    def features(self, tree: Candidate) -> dict[Key, float]:
        """Return the values of a complete tree by column."""
        found: dict[Key, float] = {}
        self._describe(tree, self.grammar.start, (), found)
        return found

    def _describe(self, node: Candidate, symbol: str, path: Path, found: dict[Key, float]) -> None:
        way = self.grammar.production(symbol, node)
        found[PLACE, path, node.component] = 1.0
        for name, value in node.settings.items():
            parameter = way.space.parameters[name]
            if parameter.size > 1:
                found.update([_column((path, node.component, name), parameter, value)])
        count: Key = (COUNT, node.component)
        found[count] = found.get(count, 0.0) + 1.0
        places = self._places(node, way)
        for place, child, name in zip(places, node.inputs, way.symbols(len(node.inputs)), strict=True):
            if isinstance(child, Candidate):
                self._describe(child, name, (*path, place), found)
            else:
                found[REFERENCE, (*path, place), child] = 1.0

    @staticmethod
    def _places(node: Candidate, way: Production) -> list[int | str]:
        """Name the places of the inputs: by number, or by what stands there where the order means nothing.

        So a branch of a union keeps its columns when another one comes before it.
        """
        places: list[int | str] = list(range(len(node.inputs)))
        if way.unordered:
            seen: dict[str, int] = {}
            for index in range(way.n_others, len(node.inputs)):
                child = node.inputs[index]
                name = child.component if isinstance(child, Candidate) else "reference"
                seen[name] = seen.get(name, 0) + 1
                places[index] = name if seen[name] == 1 else f"{name} {seen[name]}"
        return places


def _column(where: Key, parameter: Parameter, value: Value) -> tuple[Key, float]:
    """Return the column of a parameter and the number that stands in it."""
    unit = parameter.to_unit(value)
    if isinstance(parameter, Choice) and not parameter.ordered:
        return (OPTION, *where, int(unit * len(parameter.options))), 1.0
    return (NUMBER, *where), unit


class Columns:
    """The union of the columns that occur in some trees, without those in which all of them agree.

    Parameters
    ----------
    rows : sequence of dict
        As `TreeEncoder.features` returns them. What other trees have beyond these is not seen.
    """

    def __init__(self, rows: Sequence[Mapping[Key, float]]) -> None:
        keys = list(dict.fromkeys(key for row in rows for key in row))
        self._keys = {key: index for index, key in enumerate(keys)}
        self._absent = np.array([ABSENT if key[0] == NUMBER else 0.0 for key in keys], dtype=np.float32)
        whole = self._fill(rows)
        self._varying = np.flatnonzero((whole != whole[:1]).any(axis=0))

    def __len__(self) -> int:
        return len(self._varying)

    def matrix(self, rows: Sequence[Mapping[Key, float]]) -> np.ndarray:
        """Return the vectors of trees.

        Returns
        -------
        ndarray of shape (n_trees, n_columns)
        """
        return self._fill(rows)[:, self._varying]

    def _fill(self, rows: Sequence[Mapping[Key, float]]) -> np.ndarray:
        filled = np.tile(self._absent, (len(rows), 1))
        for at, row in enumerate(rows):
            for key, value in row.items():
                if key in self._keys:
                    filled[at, self._keys[key]] = value
        return filled


def n_numbers(grammar: Grammar) -> int | None:
    """Return how many numbers every tree has, where all have one shape and nothing but numbers; None elsewhere."""
    waiting, count = [grammar.start], 0  # with one production for each symbol there is no recursion
    while waiting:
        ways: list[Production] = grammar.productions[waiting.pop()]
        if len(ways) > 1 or ways[0].many or ways[0].space.conditions:
            return None
        open_ones = [one for one in ways[0].space.parameters.values() if one.size > 1]
        if not all(isinstance(one, Float | Int) for one in open_ones):
            return None
        count += len(open_ones)
        waiting += ways[0].inputs
    return count
