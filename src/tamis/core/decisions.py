"""The trees of a grammar as rows of categorical decisions: what policies, mutations and surrogates work on.

>>> from tamis.core.space import Space
>>> decisions = Decisions(Grammar("network", [
...     Production("network", "network", ("cell",)),
...     Production("cell", "conv", (), Space({"kernel": Choice([1, 3, 5])})),
...     Production("cell", "pool"),
... ]))
>>> [slot.name for slot in decisions.slots]
['network.cell', 'network.cell.conv.kernel']
>>> print(decisions.to_tree((0, 2)))
network(conv(kernel=5))
>>> decisions.to_codes(Candidate.of("network", {}, Candidate.of("pool")))
(1, -1)
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.grammar import Grammar, Production
from tamis.core.space import Choice, Int, Parameter, Value

Codes = tuple[int, ...]
"""For every slot the number of the chosen option, -1 where the slot does not exist in that tree."""

Needs = tuple[tuple[int, frozenset[int]], ...]
"""A slot exists where each of these earlier slots has one of these codes."""

MOST_OPTIONS = 256
"""A whole number of more values is no decision among a few."""
MOST_KEPT = 1 << 17
"""So many trees are remembered with their codes before all are forgotten."""


@dataclass(frozen=True)
class Slot:
    """One decision: a production or a parameter at one place of the tree."""

    name: str
    """The path to it, such as `network.body.edge_cell.op_0_1`."""
    options: tuple[Value, ...]
    ordered: bool = False
    """Whether options that stand beside each other are alike."""
    default: int = 0
    """The number of the option to begin with."""

    def code(self, value: Value) -> int:
        """Return the number of an option."""
        for number, option in enumerate(self.options):
            # 1 and True are equal in Python, but not the same option.
            if option == value and isinstance(option, bool) == isinstance(value, bool):
                return number
        raise ParameterError(f"The decision {self.name!r} must be one of {list(self.options)!r}; got {value!r}.")


@dataclass
class _Way:
    """One production at one place: where its parameters are decided, and the places of its inputs."""

    production: Production
    slots: dict[str, int] = field(default_factory=dict)
    """By parameter that leaves a choice."""
    fixed: dict[str, tuple[Value, Needs]] = field(default_factory=dict)
    """By parameter of a single value: the value, and when the parameter exists."""
    inputs: "list[_Place]" = field(default_factory=list)


@dataclass
class _Place:
    """A place of the tree where a symbol is written."""

    symbol: str
    slot: int | None
    """Which production; None where there is only one."""
    ways: list[_Way] = field(default_factory=list)


class Decisions:
    """The decisions by which a grammar's trees differ, in the order of a walk from the root, depth first.

    At every symbol that has several productions stands a slot for which; then the production's parameters, then its
    inputs. Whether a slot exists depends on earlier slots alone. A parameter of a single value is no decision.

    Parameters
    ----------
    grammar : Grammar
        Without recursion and repeated inputs: its trees must have a fixed row of decisions.
    symbol : str, optional
        The symbol of the root, by default the grammar's start.

    Raises
    ------
    ParameterError
        Where the grammar has a recursive symbol, a repeated input or a real number.
    """

    def __init__(self, grammar: Grammar, symbol: str | None = None) -> None:
        self.grammar = grammar
        self.symbol = grammar.start if symbol is None else symbol
        if self.symbol not in grammar.productions:
            raise wrong_choice("symbol", self.symbol, grammar.productions)
        self._slots: list[Slot] = []
        self._needs: list[Needs] = []
        self._shares: list[list[float]] = []
        """By slot: the summed probabilities of its options."""
        self._root = self._place(self.symbol, self.symbol, (), ())
        self.slots = tuple(self._slots)
        self.sizes = [len(slot.options) for slot in self.slots]
        if twice := [name for name, count in Counter(slot.name for slot in self.slots).items() if count > 1]:
            raise ParameterError(f"The decisions {twice} must have different names: rename a symbol or a component.")
        self._offsets = [0, *accumulate(self.sizes)]
        self._deciding = {slot for needs in self._needs for slot, _ in needs}
        """Slots on which the existence of others depends."""
        self._codes: dict[str, Codes] = {}
        self._trees: dict[Codes, Candidate] = {}

    def _place(self, symbol: str, path: str, needs: Needs, above: tuple[str, ...]) -> _Place:
        """Lay out the slots of a symbol and of everything below it."""
        if symbol in above:
            circle = " > ".join([*above[above.index(symbol) :], symbol])
            raise ParameterError(f"Decisions need a grammar without recursion; the symbol {symbol!r} recurs: {circle}.")
        productions = self.grammar.productions[symbol]
        labels = _labels(symbol, productions)
        place = _Place(symbol, None)
        if len(productions) > 1:
            place.slot = self._add(Slot(path, labels), needs, [one.weight for one in productions])
        for number, (one, label) in enumerate(zip(productions, labels, strict=True)):
            if one.many:
                raise ParameterError(f"Decisions need a fixed count of inputs; {one.component!r} repeats {one.many!r}.")
            own, inside = path, needs
            if place.slot is not None:
                own, inside = f"{path}.{label}", ((place.slot, frozenset([number])),)
            way = _Way(one)
            self._decide_parameters(way, own, inside)
            for name, below in zip(_input_names(one.inputs), one.inputs, strict=True):
                way.inputs.append(self._place(below, f"{own}.{name}", inside, (*above, symbol)))
            place.ways.append(way)
        return place

    def _add(self, slot: Slot, needs: Needs, weights: Sequence[float] | None = None) -> int:
        shares = list(accumulate(weights or [1.0] * len(slot.options)))
        self._slots.append(slot)
        self._needs.append(needs)
        self._shares.append([share / shares[-1] for share in shares])
        return len(self._slots) - 1

    def _decide_parameters(self, way: _Way, path: str, needs: Needs) -> None:
        """Add a slot for every parameter of a production that leaves a choice."""
        for name, parameter in way.production.space.parameters.items():
            exists = self._existence(way, name, needs)
            if exists is None:
                continue
            options = _options(f"{path}.{name}", parameter)
            if len(options) == 1:
                way.fixed[name] = (options[0], exists)
                continue
            ordered = isinstance(parameter, Int) or (isinstance(parameter, Choice) and parameter.ordered)
            slot = Slot(f"{path}.{name}", options, ordered)
            default = slot.code(parameter.default)
            way.slots[name] = self._add(Slot(slot.name, options, ordered, default), exists)

    def _existence(self, way: _Way, name: str, needs: Needs) -> Needs | None:
        """Return when a parameter exists; None for never."""
        found = dict.fromkeys(needs)
        for rule in way.production.space.conditions:
            if rule.parameter != name:
                continue
            if rule.depends_on in way.slots:
                slot = way.slots[rule.depends_on]
                allowed = [code for code, option in enumerate(self._slots[slot].options) if option in rule.values]
                found[slot, frozenset(allowed)] = None
            elif rule.depends_on in way.fixed and way.fixed[rule.depends_on][0] in rule.values:
                found |= dict.fromkeys(way.fixed[rule.depends_on][1])
            else:
                return None
        return tuple(found) if all(allowed for _, allowed in found) else None

    def active(self, codes: Sequence[int], index: int) -> bool:
        """Tell whether a slot exists, given the codes of the slots before it."""
        return all(codes[slot] in allowed for slot, allowed in self._needs[index])

    def read(self, tree: Candidate) -> Codes | None:
        """Return the codes of a tree, None where the grammar does not write it."""
        try:
            return self.to_codes(tree)
        except ParameterError:
            return None

    def to_codes(self, tree: Candidate) -> Codes:
        """Return the decisions that lead to a tree; a parameter that it leaves out has its default.

        Raises
        ------
        ParameterError
            Where the grammar does not write the tree.
        """
        found = self._codes.get(tree.key)
        if found is None:
            codes = [-1] * len(self.slots)
            self._read(self._root, tree, codes)
            found = tuple(codes)
            if len(self._codes) >= MOST_KEPT:
                self._codes.clear()
            self._codes[tree.key] = found
        return found

    def _read(self, place: _Place, node: Candidate, codes: list[int]) -> None:
        """Note the decisions of a node and of everything below it."""
        one = self.grammar.production(place.symbol, node)
        number = next(index for index, way in enumerate(place.ways) if way.production is one)
        if place.slot is not None:
            codes[place.slot] = number
        way, settings = place.ways[number], node.settings
        one.space.check(settings, node.component)
        for name, slot in way.slots.items():
            if self.active(codes, slot):
                decision = self.slots[slot]
                codes[slot] = decision.code(settings[name]) if name in settings else decision.default
        for child, below in zip(node.inputs, way.inputs, strict=True):
            if not isinstance(child, Candidate):
                raise ParameterError(f"Decisions know no references; the input {child} of {node.component!r} is one.")
            self._read(below, child, codes)

    def to_tree(self, codes: Sequence[int]) -> Candidate:
        """Return the tree that the decisions lead to.

        Raises
        ------
        ParameterError
            Where a slot has a code that it cannot have.
        """
        codes = tuple(codes)
        found = self._trees.get(codes)
        if found is None:
            self._check(codes)
            found = self._write(self._root, codes)
            if len(self._trees) >= MOST_KEPT:
                self._trees.clear()
            self._trees[codes] = found
            self._codes.setdefault(found.key, codes)
        return found

    def _check(self, codes: Codes) -> None:
        if len(codes) != len(self.slots):
            raise ParameterError(f"There must be a code for each of the {len(self.slots)} slots; got {len(codes)}.")
        for index, (slot, code) in enumerate(zip(self.slots, codes, strict=True)):
            exists = self.active(codes, index)
            if not (0 <= code < len(slot.options) if exists else code == -1):
                may = f"a number from 0 to {len(slot.options) - 1}" if exists else "-1, for it does not exist here"
                raise ParameterError(f"The code of {slot.name!r} must be {may}; got {code}.")

    def _write(self, place: _Place, codes: Codes) -> Candidate:
        way = place.ways[0 if place.slot is None else codes[place.slot]]
        settings = {name: self.slots[slot].options[codes[slot]] for name, slot in way.slots.items() if codes[slot] >= 0}
        for name, (value, needs) in way.fixed.items():
            if all(codes[slot] in allowed for slot, allowed in needs):
                settings[name] = value
        inputs = [self._write(below, codes) for below in way.inputs]
        return Candidate.of(way.production.component, settings, *inputs)

    def sample(self, rng: np.random.Generator) -> Codes:
        """Draw every decision: productions by their weights, parameters evenly."""
        units = rng.random(len(self.slots)).tolist()
        return self._settle([-1] * len(self.slots), lambda index: bisect_right(self._shares[index], units[index]))

    def _settle(self, codes: list[int], fill: Callable[[int], int]) -> Codes:
        """Fill in the slots that have come to exist, and empty those that no longer do."""
        for index in range(len(codes)):
            if not self.active(codes, index):
                codes[index] = -1
            elif codes[index] < 0:
                codes[index] = fill(index)
        return tuple(codes)

    def mutate(self, codes: Codes, rng: np.random.Generator, n: int = 1) -> Codes:
        """Change `n` slots that exist to other options; slots that come to exist are drawn."""
        exist = [index for index, code in enumerate(codes) if code >= 0]
        changed = list(codes)
        chosen = [exist[number] for number in rng.permutation(len(exist))[:n].tolist()]
        for index in chosen:
            other = int(rng.integers(self.sizes[index] - 1))
            changed[index] = other + (other >= codes[index])
        if self._deciding.isdisjoint(chosen):
            return tuple(changed)
        return self._settle(changed, lambda index: bisect_right(self._shares[index], float(rng.random())))

    def neighbours(self, codes: Codes) -> list[Codes]:
        """Return every change of one slot, in a fixed order; slots that come to exist get their default."""
        found = []
        for index, code in enumerate(codes):
            for other in range(self.sizes[index] if code >= 0 else 0):
                if other != code:
                    changed = [*codes[:index], other, *codes[index + 1 :]]
                    settled = index not in self._deciding
                    found.append(tuple(changed) if settled else self._settle(changed, self._default))
        return found

    def _default(self, index: int) -> int:
        return self.slots[index].default

    def one_hot(self, codes: Codes) -> np.ndarray:
        """Return a 1 for every option that was chosen.

        Returns
        -------
        ndarray of shape (sum(sizes),)
            All zeros for a slot that does not exist.
        """
        found = np.zeros(self._offsets[-1])
        found[[start + code for start, code in zip(self._offsets, codes, strict=False) if code >= 0]] = 1.0
        return found


def _labels(symbol: str, productions: Sequence[Production]) -> tuple[str, ...]:
    """Name the productions of a symbol by their components, with their inputs where a component stands there twice."""
    counts = Counter(one.component for one in productions)
    labels = [
        one.component if counts[one.component] == 1 else f"{one.component}({', '.join(one.inputs)})"
        for one in productions
    ]
    if len(set(labels)) < len(labels):
        raise ParameterError(f"The productions of {symbol!r} must differ in component or inputs; they are: {labels}.")
    return tuple(labels)


def _input_names(symbols: Sequence[str]) -> list[str]:
    """Name the inputs by their symbols, with a number where a symbol is needed more than once."""
    counts = Counter(symbols)
    numbers = [symbols[:index].count(symbol) for index, symbol in enumerate(symbols)]
    return [name if counts[name] == 1 else f"{name}_{number}" for name, number in zip(symbols, numbers, strict=True)]


def _options(name: str, parameter: Parameter) -> tuple[Value, ...]:
    """Return the values of a parameter that are to be decided among."""
    if isinstance(parameter, Choice):
        return tuple(parameter.options)
    if isinstance(parameter, Int) and parameter.size <= MOST_OPTIONS:
        return tuple(range(parameter.low, parameter.high + 1))
    raise ParameterError(
        f"The parameter {name!r} must be a Choice (or an Int of at most {MOST_OPTIONS} values) to be a decision; "
        f"got {parameter}."
    )
