"""Search spaces: typed parameters, their conditions, and what can be done with them.

>>> space = Space(
...     {"booster": Choice(["gbdt", "dart"]), "drop": Float(0.0, 0.5, default=0.1)},
...     conditions=[When("drop", "booster", ["dart"])],
... )
>>> space.default()
{'booster': 'gbdt'}
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from tamis.core.errors import ParameterError

Value = Any
"""A JSON value: None, bool, int, float, str, or a list of those."""
Parameters = dict[str, Value]


class Parameter(Protocol):
    """One dimension of a space."""

    @property
    def default(self) -> Value:
        """The value to begin with."""

    @property
    def size(self) -> float:
        """How many values there are; infinite for a real number."""

    def sample(self, rng: np.random.Generator) -> Value:
        """Draw a value."""

    def neighbour(self, value: Value, rng: np.random.Generator, step: float) -> Value:
        """Draw a value near another; `step` is the width of the move as a share of the range."""

    def contains(self, value: Value) -> bool:
        """Tell whether the value may be taken."""

    def to_unit(self, value: Value) -> float:
        """Map a value to [0, 1], as models of the space see it."""

    def from_unit(self, unit: float) -> Value:
        """Map a number in [0, 1] to a value."""


def _on_scale(low: float, high: float, log: bool, unit: float) -> float:
    if log:
        return math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
    return low + unit * (high - low)


def _check_default(parameter: Parameter, default: Value) -> None:
    if not parameter.contains(default):
        raise ParameterError(f"The default of {parameter} must be one of its values; got {default!r}.")


@dataclass(frozen=True)
class Float:
    """A real number between two bounds, both included."""

    low: float
    high: float
    log: bool = False
    default: float | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that enclose nothing, and give the middle as the default."""
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ParameterError(f"Float needs low < high (and low > 0 with log); got {self.low}, {self.high}.")
        if self.default is None:
            object.__setattr__(self, "default", self.from_unit(0.5))
        _check_default(self, self.default)

    @property
    def size(self) -> float:
        """Return infinity."""
        return math.inf

    def to_unit(self, value: float) -> float:
        """Map to [0, 1], by the logarithm where the scale is logarithmic."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return min(1.0, max(0.0, (at - low) / (high - low)))

    def from_unit(self, unit: float) -> float:
        """Map back from [0, 1]."""
        value = _on_scale(self.low, self.high, self.log, unit)
        return float(min(self.high, max(self.low, float(f"{value:.6g}"))))

    def sample(self, rng: np.random.Generator) -> float:
        """Draw evenly on the scale."""
        return self.from_unit(float(rng.random()))

    def neighbour(self, value: float, rng: np.random.Generator, step: float) -> float:
        """Draw from a normal around the value, reflected at the bounds."""
        unit = abs(self.to_unit(value) + step * float(rng.normal()))
        unit = unit % 2.0
        return self.from_unit(2.0 - unit if unit > 1.0 else unit)

    def contains(self, value: Value) -> bool:
        """Tell whether it is a number within the bounds."""
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True)
class Int:
    """A whole number between two bounds, both included."""

    low: int
    high: int
    log: bool = False
    default: int | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that enclose nothing, and give the middle as the default."""
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ParameterError(f"Int needs low < high (and low > 0 with log); got {self.low}, {self.high}.")
        if self.default is None:
            object.__setattr__(self, "default", self.from_unit(0.5))
        _check_default(self, self.default)

    @property
    def size(self) -> float:
        """Return the count of values."""
        return self.high - self.low + 1

    @cached_property
    def _real(self) -> Float:
        return Float(self.low, self.high, self.log)

    def to_unit(self, value: int) -> float:
        """Map to [0, 1]."""
        return self._real.to_unit(value)

    def from_unit(self, unit: float) -> int:
        """Map back from [0, 1], to the nearest whole number."""
        return min(self.high, max(self.low, round(_on_scale(self.low, self.high, self.log, unit))))

    def sample(self, rng: np.random.Generator) -> int:
        """Draw evenly on the scale."""
        if not self.log:  # rounding a real number would draw the two ends half as often
            return int(rng.integers(self.low, self.high + 1))
        return self.from_unit(float(rng.random()))

    def neighbour(self, value: int, rng: np.random.Generator, step: float) -> int:
        """Draw another whole number nearby."""
        near = round(self._real.neighbour(value, rng, step))
        if near == value:
            near += 1 if (rng.random() < 0.5 and value < self.high) or value == self.low else -1
        return min(self.high, max(self.low, near))

    def contains(self, value: Value) -> bool:
        """Tell whether it is a whole number within the bounds."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high


def _plain(value: Value) -> Value:
    """Turn tuples into the lists that JSON brings back."""
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Choice:
    """One of several values; `ordered` says that neighbours in the list are alike."""

    options: Sequence[Value]
    default: Value = None
    ordered: bool = False

    def __post_init__(self) -> None:
        """Freeze the options; the first is the default unless another is named."""
        if not self.options:
            raise ParameterError("Choice needs at least one option; got none.")
        object.__setattr__(self, "options", tuple(_plain(option) for option in self.options))
        object.__setattr__(self, "default", self.options[0] if self.default is None else _plain(self.default))
        _check_default(self, self.default)

    @property
    def size(self) -> float:
        """Return the count of options."""
        return len(self.options)

    def _index(self, value: Value) -> int:
        # 1, 1.0 and True are equal in Python, but not the same option.
        for index, option in enumerate(self.options):
            if option == value and isinstance(option, bool) == isinstance(value, bool):
                return index
        raise ParameterError(f"{value!r} is not one of {list(self.options)!r}.")

    def to_unit(self, value: Value) -> float:
        """Map to the option's place in [0, 1]."""
        return (self._index(value) + 0.5) / len(self.options)

    def from_unit(self, unit: float) -> Value:
        """Map back from [0, 1]."""
        return self.options[min(len(self.options) - 1, int(unit * len(self.options)))]

    def sample(self, rng: np.random.Generator) -> Value:
        """Draw any option."""
        return self.options[int(rng.integers(len(self.options)))]

    def neighbour(self, value: Value, rng: np.random.Generator, step: float) -> Value:
        """Draw another option: the one beside it where they are ordered."""
        if len(self.options) == 1:
            return value
        index = self._index(value)
        if self.ordered:
            near = index + (1 if (rng.random() < 0.5 and index + 1 < len(self.options)) or index == 0 else -1)
            return self.options[near]
        return self.options[(index + 1 + int(rng.integers(len(self.options) - 1))) % len(self.options)]

    def contains(self, value: Value) -> bool:
        """Tell whether it is one of the options."""
        try:
            self._index(value)
        except ParameterError:
            return False
        return True


@dataclass(frozen=True)
class When:
    """A parameter exists only while another has one of some values."""

    parameter: str
    depends_on: str
    values: Sequence[Value]


@dataclass(frozen=True)
class Space:
    """Named parameters and the conditions among them; empty for a part that has none."""

    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    conditions: Sequence[When] = ()

    def __post_init__(self) -> None:
        """Refuse conditions on parameters that do not exist or are declared later than what depends on them."""
        order = list(self.parameters)
        for rule in self.conditions:
            known = rule.parameter in order and rule.depends_on in order
            if not known or order.index(rule.depends_on) >= order.index(rule.parameter):
                raise ParameterError(
                    f"{rule} must name two parameters of the space, the one depended on declared first; got {order}."
                )

    def active(self, name: str, chosen: Mapping[str, Value]) -> bool:
        """Tell whether a parameter exists, given the others."""
        return all(
            rule.depends_on in chosen and chosen[rule.depends_on] in rule.values
            for rule in self.conditions
            if rule.parameter == name
        )

    def _keep_active(self, chosen: Mapping[str, Value]) -> Parameters:
        kept: Parameters = {}
        for name in self.parameters:  # parents are declared before the parameters that depend on them
            if name in chosen and self.active(name, kept):
                kept[name] = chosen[name]
        return kept

    def complete(self, chosen: Mapping[str, Value]) -> Parameters:
        """Fill in the defaults of what is not chosen, and leave out what does not exist beside it."""
        return self._keep_active({name: chosen.get(name, one.default) for name, one in self.parameters.items()})

    def default(self) -> Parameters:
        """Return the values to begin with."""
        return self.complete({})

    def sample(self, rng: np.random.Generator) -> Parameters:
        """Draw a value for every parameter that exists."""
        return self._keep_active({name: one.sample(rng) for name, one in self.parameters.items()})

    def neighbour(self, chosen: Mapping[str, Value], rng: np.random.Generator, step: float = 0.2) -> Parameters:
        """Change one parameter a little; parameters that come to exist get their default."""
        movable = [name for name, one in self.parameters.items() if name in chosen and one.size > 1]
        if not movable:
            return dict(chosen)
        name = movable[int(rng.integers(len(movable)))]
        moved = {key: chosen.get(key, one.default) for key, one in self.parameters.items()}
        moved[name] = self.parameters[name].neighbour(chosen[name], rng, step)
        return self._keep_active(moved)

    def check(self, chosen: Mapping[str, Value], owner: str = "the space") -> None:
        """Refuse values that the space does not hold.

        Raises
        ------
        ParameterError
            Naming the parameter, what it may be and what it was.
        """
        for name, value in chosen.items():
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise ParameterError(f"{owner} has no parameter {name!r}; it has: {known}.")
            if not self.parameters[name].contains(value):
                raise ParameterError(
                    f"The parameter {name!r} of {owner} must be {self.parameters[name]}; got {value!r}."
                )

    def to_vector(self, chosen: Mapping[str, Value]) -> np.ndarray:
        """Return the values in [0, 1], -1 where a parameter does not exist.

        Returns
        -------
        ndarray of shape (n_parameters,)
        """
        return np.array(
            [one.to_unit(chosen[name]) if name in chosen else -1.0 for name, one in self.parameters.items()]
        )

    def from_vector(self, vector: Sequence[float] | np.ndarray) -> Parameters:
        """Return the values that a point of [0, 1]^n stands for."""
        pairs = zip(self.parameters.items(), vector, strict=True)
        return self._keep_active({name: one.from_unit(max(0.0, float(unit))) for (name, one), unit in pairs})

    @property
    def size(self) -> float:
        """Return the count of points, conditions aside."""
        return math.prod(one.size for one in self.parameters.values())
