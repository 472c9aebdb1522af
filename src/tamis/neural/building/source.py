"""Writes a network down as a program of its own, which needs PyTorch alone and takes the weights as they are.

The text has three parts: the classes that the network is made of, with all that they use, taken from this package; a
function for every cell that stands there more than once; and `build`, the expression of the whole. An expression is
read off the modules: those of torch by the attributes that have their parameters' names, ours by what `recorded` keeps.
"""

import ast
import inspect
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from symtable import SymbolTable, symtable
from types import ModuleType
from typing import Any

import torch
from torch import fx, nn

from tamis.core.candidate import Candidate
from tamis.core.errors import InternalError
from tamis.neural.building.network import build_network
from tamis.neural.language.shapes import ImageShape

LINE = 100
"""Longer expressions are broken."""

PACKAGE = "tamis"

Import = tuple[str, str]
"""The module that something is imported from, empty where it is imported whole; and its name, perhaps "as" another."""


def source_of(tree: Candidate, shape: ImageShape, n_outputs: int) -> str:
    """Return a Python program whose function `build` returns the network that `build_network` returns.

    The weights of the one can be loaded into the other.

    Examples
    --------
    >>> from tamis.neural.language.genotypes import seeds
    >>> shape = ImageShape(1, 28, 28)
    >>> program = source_of(seeds(shape, 60_000)[0], shape, 10)
    >>> "ConvBlock(32, 64, pools=True)" in program, "import tamis" in program
    (True, False)
    """
    network = build_network(tree, shape, n_outputs)
    writer, definitions = _Writer(), _Definitions()
    whole = writer.expression(network)
    functions = writer.functions(whole)
    for kind in writer.kinds:
        definitions.add(kind.__module__, kind.__qualname__)
    imports = {("", "torch"), ("torch", "nn"), *writer.imports, *definitions.imports}
    size = f"{shape.channels}, {shape.height}, {shape.width}"
    title = f"A network from images (n, {size}) to {n_outputs} outputs; it needs PyTorch alone."
    parts = [
        f'"""{title}\n\n{_wrapped(str(tree))}\n"""',
        _import_lines(imports),
        *definitions.texts.values(),
        *writer.classes.values(),
        *functions,
        'def build() -> nn.Module:\n    """Build the network, with weights drawn anew."""\n'
        f"    return {writer.text(whole, 4, 7)}",
        f'if __name__ == "__main__":\n    print(build().eval()(torch.zeros(1, {size})).shape)',
    ]
    return "\n\n\n".join([f"{parts[0]}\n\n{parts[1]}", *parts[2:]]) + "\n"


def _wrapped(text: str) -> str:
    """Break an expression of a tree at its commas."""
    lines, rest = [], text
    while len(rest) > LINE and (cut := rest.rfind(", ", 0, LINE)) > 0:
        lines.append(rest[: cut + 1])
        rest = rest[cut + 2 :]
    return "\n".join([*lines, rest])


def _import_lines(imports: set[Import]) -> str:
    """Write imports, one line for each module, those of torch last."""
    from_where: dict[str, list[str]] = {}
    for home, name in sorted(imports):
        from_where.setdefault(home, []).append(name)
    whole = [f"import {name}" for name in from_where.pop("", [])]
    parts = [f"from {home} import {', '.join(names)}" for home, names in from_where.items()]
    ours = [line for line in [*whole, *parts] if line.split()[1].split(".")[0] == "torch"]
    others = [line for line in [*whole, *parts] if line not in ours]
    return "\n".join([*others, *([""] if others else []), *ours])


@dataclass(frozen=True)
class Call:
    """A call of a class: positional and named arguments, which are calls, lists and dictionaries of them, or texts."""

    name: str
    arguments: "tuple[tuple[str, Value], ...]"
    """With an empty name where the argument is positional."""
    kind: type[nn.Module] | None = None
    """The class, where it is ours."""

    @cached_property
    def flat(self) -> str:
        """The call in one line."""
        return f"{self.name}({', '.join(map(_argument, self.arguments))})"


Value = str | Call | list["Value"] | dict[str, "Value"]


def _argument(argument: tuple[str, Value]) -> str:
    name, value = argument
    return f"{name}={_flat(value)}" if name else _flat(value)


def _flat(value: Value) -> str:
    if isinstance(value, Call):
        return value.flat
    if isinstance(value, list):
        return f"[{', '.join(map(_flat, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(key)}: {_flat(item)}" for key, item in value.items()) + "}"
    return value


def _below(value: Value) -> Iterator[Call]:
    """Yield every call of an expression, what is inside before what it is inside of."""
    if isinstance(value, Call):
        for _, one in value.arguments:
            yield from _below(one)
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _below(one)


class _Writer:
    """Reads expressions off modules and writes them as text."""

    def __init__(self) -> None:
        self.kinds: dict[type[nn.Module], None] = {}
        """Our own classes, in the order in which they were met."""
        self.classes: dict[str, str] = {}
        """The definitions of classes that are written anew, by name."""
        self.imports: set[Import] = set()
        self.shared: dict[str, str] = {}
        """By the flat text of a call that is repeated: the call of the function that stands for it."""

    def expression(self, module: nn.Module) -> Call:
        """Return the call that builds a module."""
        if isinstance(module, fx.GraphModule):
            return self._graph(module)
        if type(module) is nn.Sequential:
            return self._sequence(module)
        kind = type(module)
        if kind.__module__.startswith("torch."):
            return Call(f"nn.{kind.__name__}", tuple(_torch_arguments(module)))
        if not kind.__module__.startswith(f"{PACKAGE}.") or not hasattr(module, "arguments"):
            raise InternalError(f"{kind.__qualname__} cannot be written down: its class is not marked as `recorded`.")
        self.kinds[kind] = None
        return Call(kind.__name__, tuple(self._own_arguments(module)), kind)

    def _own_arguments(self, module: nn.Module) -> Iterator[tuple[str, Value]]:
        kept = module.arguments
        assert isinstance(kept, Mapping)
        in_order = True  # what follows a named argument must be named too
        for name, parameter in inspect.signature(type(module)).parameters.items():
            required = parameter.default is inspect.Parameter.empty
            in_order = in_order and required and name in kept
            if name in kept:
                empty = kept[name] in ([], {}, None) and not required
                if not empty and (required or kept[name] != parameter.default):
                    yield ("" if in_order else name), _literal(kept[name])
            elif isinstance(getattr(module, name, None), nn.Module):
                yield name, self._value(getattr(module, name))

    def _value(self, module: nn.Module) -> Value:
        if isinstance(module, nn.ModuleList):
            return [self.expression(one) for one in module]
        if isinstance(module, nn.ModuleDict):
            return {name: self.expression(one) for name, one in module.items()}
        return self.expression(module)

    def _sequence(self, module: nn.Sequential) -> Call:
        parts = [(name, self.expression(one)) for name, one in module.named_children()]
        if all(name == str(number) for number, (name, _) in enumerate(parts)):
            return Call("nn.Sequential", tuple(("", one) for _, one in parts))
        self.imports.add(("collections", "OrderedDict"))
        return Call("nn.Sequential", (("", Call("OrderedDict", tuple(parts))),))

    def _graph(self, module: fx.GraphModule) -> Call:
        """Write the class of a free graph: its layers, and one line for each of its nodes."""
        name = type(module).__name__
        children = [
            f"        self.{child} = {self.text(self.expression(one), 8, len(child) + 8)}"
            for child, one in module.named_children()
        ]
        inputs = [node.name for node in module.graph.nodes if node.op == "placeholder"]
        steps = [f"        {line}" for node in module.graph.nodes if (line := self._step(node))]
        self.classes[name] = "\n".join(
            [
                f"class {name}(nn.Module):",
                '    """The graph of layers."""',
                "",
                "    def __init__(self) -> None:",
                "        super().__init__()",
                *children,
                "",
                f"    def forward(self, {', '.join(f'{one}: torch.Tensor' for one in inputs)}) -> torch.Tensor:",
                *steps,
            ]
        )
        return Call(name, ())

    def _step(self, node: fx.Node) -> str:
        """Return the line that computes a node of a graph; nothing for an input."""
        given = [*map(_operand, node.args), *(f"{name}={_operand(value)}" for name, value in node.kwargs.items())]
        if node.op == "placeholder":
            return ""
        if node.op == "output":
            return f"return {given[0]}"
        if node.op == "call_module":
            return f"{node.name} = self.{node.target}({', '.join(given)})"
        if node.op == "call_method":
            return f"{node.name} = {given[0]}.{node.target}({', '.join(given[1:])})"
        if node.op != "call_function" or not (function := torch.overrides.resolve_name(node.target)):
            raise InternalError(f"The step {node.format_node()!r} of a graph cannot be written down.")
        if function.startswith("torch.nn.functional."):
            self.imports.add(("torch.nn", "functional as F"))
            function = f"F.{function.rpartition('.')[2]}"
        return f"{node.name} = {function}({', '.join(given)})"

    def functions(self, whole: Call) -> list[str]:
        """Return a function for each long call of a class of ours that stands in an expression more than once."""
        calls = [one for one in _below(whole) if one.kind is not None and len(one.flat) > LINE]
        counts = Counter(one.flat for one in calls)
        numbers: Counter[str] = Counter()
        texts = []
        for one in calls:
            if counts[one.flat] > 1 and one.flat not in self.shared:
                stem = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in one.name).strip("_")
                numbers[stem] += 1
                name = f"{stem}_{numbers[stem]}"
                texts.append(f"def {name}() -> {one.name}:\n    return {self.text(one, 4, 7)}")
                self.shared[one.flat] = f"{name}()"
        return texts

    def text(self, value: Value, indent: int, used: int = 0) -> str:
        """Write an expression, breaking it where it is long.

        Parameters
        ----------
        value : Value
        indent : int
            How far its line is indented.
        used : int
            The characters that stand before it in its line.
        """
        if isinstance(value, Call) and value.flat in self.shared:
            return self.shared[value.flat]
        flat = _flat(value)
        if isinstance(value, str) or not value or indent + used + len(flat) < LINE:
            return flat
        opening, closing = "[", "]"
        items: list[tuple[str, Value]]
        if isinstance(value, Call):
            opening, closing = f"{value.name}(", ")"
            items = [(f"{name}=" if name else "", one) for name, one in value.arguments]
        elif isinstance(value, dict):
            opening, closing = "{", "}"
            items = [(f"{_literal(name)}: ", one) for name, one in value.items()]
        else:
            items = [("", one) for one in value]
        pad = " " * indent
        lines = [f"{pad}    {label}{self.text(one, indent + 4, len(label))}," for label, one in items]
        return "\n".join([opening, *lines, f"{pad}{closing}"])


def _literal(value: Any) -> str:
    """Write a plain value."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        inside = ", ".join(map(_literal, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    return repr(value)


def _operand(value: Any) -> str:
    """Write what a node of a graph is given: other nodes by their names."""
    if isinstance(value, fx.Node):
        return value.name
    if isinstance(value, list):
        return f"[{', '.join(map(_operand, value))}]"
    return _literal(value)


def _torch_arguments(module: nn.Module) -> Iterator[tuple[str, Value]]:
    """Yield what one of torch's own modules must be built with."""
    for name, parameter in inspect.signature(type(module)).parameters.items():
        if (
            name in ("device", "dtype")
            or parameter.kind is inspect.Parameter.VAR_POSITIONAL
            or not hasattr(module, name)
        ):
            continue
        value = getattr(module, name)
        if name == "bias":
            value = value is not None
        if isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]
        required = parameter.default is inspect.Parameter.empty
        if required or value != parameter.default:
            yield ("" if required else name), _literal(value)


@cache
def _statements(module: str) -> dict[str, ast.stmt]:
    """Return the statement of a module's top level that gives each name its meaning."""
    found: dict[str, ast.stmt] = {}
    for statement in ast.parse(_program(module)).body:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            found[statement.name] = statement
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.split(".")[0]: statement for alias in statement.names}
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found |= {one.id: statement for one in targets if isinstance(one, ast.Name)}
    return found


@cache
def _program(module: str) -> str:
    loaded: ModuleType = sys.modules[module]
    return inspect.getsource(loaded)


def _globals(scope: SymbolTable) -> set[str]:
    """Return the names that a piece of program takes from the module it stands in."""
    outermost = scope.get_type() == "module"
    own = {one.get_name() for one in scope.get_symbols() if one.is_referenced() and (outermost or one.is_global())}
    return own.union(*map(_globals, scope.get_children()))


class _Definitions:
    """The definitions of classes with all that they use, in an order in which each knows those it needs."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], str] = {}
        self.imports: set[Import] = set()
        self._seen: set[tuple[str, str]] = set()

    def add(self, module: str, name: str) -> None:
        """Add what a name means in a module of this package, and before it what that uses."""
        statement = _statements(module).get(name)
        if statement is None or (module, name) in self._seen:
            return
        self._seen.add((module, name))
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self._import(statement, name)
            return
        # The segment begins after the decorators: `recorded` serves this file alone.
        text = ast.get_source_segment(_program(module), statement) or ""
        for used in sorted(_globals(symtable(text, module, "exec"))):
            self.add(module, used)
        self.texts[module, name] = text

    def _import(self, statement: ast.Import | ast.ImportFrom, name: str) -> None:
        alias = next(one for one in statement.names if name in (one.asname, one.name))
        home = (statement.module or "") if isinstance(statement, ast.ImportFrom) else ""
        if home.startswith(f"{PACKAGE}."):
            self.add(home, alias.name)
        else:
            self.imports.add((home, ast.unparse(alias)))
