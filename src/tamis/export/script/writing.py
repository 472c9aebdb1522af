"""Writes values and fitted objects as the expressions that make them anew."""

from collections.abc import Mapping, Sequence
from inspect import Parameter, signature
from typing import Any

import numpy as np

from tamis.core.errors import ParameterError
from tamis.export.script.definitions import Definitions

WIDTH = 100
"""Expressions longer than this are broken into lines."""


def literal(value: Any) -> str:
    """Write a plain value.

    Examples
    --------
    >>> literal({"a": np.float64(1.5), "b": float("inf")})
    '{"a": 1.5, "b": np.inf}'
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return bracketed("{", [f"{literal(key)}: {literal(one)}" for key, one in value.items()], "}")
    if isinstance(value, list):
        return bracketed("[", [literal(one) for one in value], "]")
    if isinstance(value, tuple):
        inside = [literal(one) for one in value]
        return f"({inside[0]},)" if len(inside) == 1 else bracketed("(", inside, ")")
    if isinstance(value, float) and not np.isfinite(value):
        return {"inf": "np.inf", "-inf": "-np.inf"}.get(repr(value), "np.nan")
    if isinstance(value, str) and repr(value)[0] == "'" and '"' not in value:
        return f'"{repr(value)[1:-1]}"'
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    raise ParameterError(f"A value of the type {type(value).__name__} cannot be written into a script: {value!r:.80}.")


def bracketed(opening: str, inside: Sequence[str], closing: str) -> str:
    """Put parts in brackets, in lines of their own where they are long; plain values fill their lines.

    Examples
    --------
    >>> bracketed("f(", ["a", "b=1"], ")")
    'f(a, b=1)'
    """
    whole = opening + ", ".join(inside) + closing
    if len(whole) <= WIDTH and "\n" not in whole:
        return whole
    lines = _filled(inside) if len(inside) > 12 and all(len(one) < 30 for one in inside) else list(inside)
    body = "\n".join("    " + f"{line},".replace("\n", "\n    ") for line in lines)
    return f"{opening}\n{body}\n{closing}"


def _filled(parts: Sequence[str]) -> list[str]:
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 2 <= WIDTH:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return lines


def same(one: Any, other: Any) -> bool:
    """Tell whether two values of a parameter are equal; NaN equals NaN."""
    if isinstance(one, float) and isinstance(other, float) and np.isnan(one) and np.isnan(other):
        return True
    return type(one) is type(other) and bool(one == other) if not isinstance(one, np.ndarray) else False


class Writer:
    """Writes what the units of one member have in common, and what differs by fold.

    Parameters
    ----------
    definitions : Definitions
        Takes in the classes that scripts must carry.
    folds : sequence of int
        The fold of each unit, called `fold` in the script.
    seeds : mapping of str to sequence of int
        Expressions of the script, and their value for each unit.
    """

    def __init__(
        self, definitions: Definitions, folds: Sequence[int], seeds: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        self.definitions = definitions
        self.folds = list(folds)
        self.seeds = dict(seeds or {})

    def value(self, values: Sequence[Any]) -> str:
        """Write a value, given for each unit."""
        for name, seeds in self.seeds.items():
            if all(type(one) is int for one in values) and list(values) == list(seeds):
                if name.startswith("derive("):
                    self.definitions.need("tamis.core.seeds", "derive")
                return name
        if all(hasattr(one, "fit") for one in values):
            return self.object(values)
        if all(same(one, values[0]) for one in values):
            return literal(values[0])
        return f"{literal(dict(zip(self.folds, values, strict=True)))}[fold]"

    def object(self, objects: Sequence[Any], **instead: str) -> str:
        """Write the call that makes an object: the parameters of its class that differ from their defaults.

        Parameters
        ----------
        objects : sequence
            The same object for each unit.
        instead : str
            Expressions of parameters, where the attribute does not say what was handed in.
        """
        kind = type(objects[0])
        arguments = []
        keyword_only = False
        for name, parameter in signature(kind).parameters.items():
            if name in instead:
                text = instead[name]
            else:
                values = [getattr(one, name) for one in objects]
                if all(same(one, parameter.default) for one in values):
                    keyword_only = True
                    continue
                text = self.value(values)
            by_name = (
                keyword_only or parameter.default is not Parameter.empty or parameter.kind is Parameter.KEYWORD_ONLY
            )
            arguments.append(f"{name}={text}" if by_name else text)
        return bracketed(f"{self.name(kind)}(", arguments, ")")

    def name(self, kind: type) -> str:
        """Bring a class into the script; return its name there."""
        module = kind.__module__
        if module.split(".")[0] == "tamis":
            return self.definitions.need(module, kind.__name__)
        # scikit-learn's classes live in private files of public rooms.
        public = module.split("._")[0]
        return self.definitions.library(public, kind.__name__)
