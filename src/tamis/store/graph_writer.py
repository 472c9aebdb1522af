"""Writes a graph of fitted objects as JSON nodes and one block of numbers.

The state is kept that pickle would keep; but what pickle would call is only named, and the names must be trusted on
writing as on reading. A node is a plain JSON value, a list of nodes, or an object of one key: the kind, as
`tamis.store.graph_reader` reads it. Whatever can be changed is counted where it first occurs, and a later
occurrence is {"same": count}.
"""

import copyreg
import functools
import json
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
from scipy import sparse

from tamis.core.errors import InternalError
from tamis.store.blocks import NUMBERS, BlockWriter, describe, order_of
from tamis.store.trusted import Trust, full_name

_PROTOCOL = 2  # the first by which classes are made without being called; the later ones add nothing that is used here
_NUMBER_NAMES = {kind: name for name, kind in NUMBERS.items()}
_AS_THEY_ARE = frozenset({type(None), bool, int, float, str})


class Writer:
    """Turns objects into nodes; numbers go into a block.

    Parameters
    ----------
    trust : Trust
        What may be written: the same as on reading, so that nothing is stored that could not be loaded.
    """

    def __init__(self, trust: Trust) -> None:
        self.block = BlockWriter()
        self._trust = trust
        self._places: dict[int, int] = {}
        self._counted: list[Any] = []
        """Keeps every counted object alive, so that no other gets its id."""
        self._being_made: set[int] = set()

    def write(self, root: Any) -> dict[str, bytes]:
        """Return the files of an object and all that hangs on it.

        Raises
        ------
        InternalError
            Naming what is not trusted, or has a form that cannot be kept.
        """
        text = json.dumps({"root": self.node(root)}, separators=(",", ":"))
        return {"graph.json": text.encode(), "arrays.bin": self.block.content()}

    def node(self, value: Any) -> Any:
        """Return the node of one value."""
        kind = type(value)
        if kind in _AS_THEY_ARE:
            return value
        place = self._places.get(id(value))
        if place in self._being_made:
            raise InternalError(f"A {kind.__name__} cannot be saved: it is made from what holds it.")
        if place is not None:
            return {"same": place}
        write = _KINDS.get(kind)
        if write is not None:
            return write(self, value)
        if isinstance(value, np.generic):
            return _number(self, value)
        if isinstance(value, np.dtype):
            return {"dtype": describe(value)}
        if isinstance(value, type | FunctionType | BuiltinFunctionType | np.ufunc):
            return {"name": self.name(value)}
        return self._object(value)

    def nodes(self, values: Iterable[Any]) -> list[Any]:
        """Return the nodes of several values."""
        return [self.node(one) for one in values]

    def count(self, value: Any) -> int:
        """Count a value that others may refer to, before what it holds, and return its place."""
        place = self._places[id(value)] = len(self._counted)
        self._counted.append(value)
        return place

    def name(self, thing: Any, name: str | None = None, *, makes: bool = False) -> str:
        """Return the name of a class or a function that is found by it, and trusted."""
        name = name or full_name(thing)
        if (self._trust.maker(name) if makes else self._trust.value(name)) is not thing:
            raise InternalError(
                f"{name} may not be saved, for it could not be loaded. Name it in the `classes` of its component, and "
                "define it at the top of a module."
            )
        return name

    def _object(self, value: Any) -> Any:
        """Write what makes an object, and what its class tells to put into it."""
        reduced = value.__reduce_ex__(_PROTOCOL)
        if isinstance(reduced, str):
            return {"name": self.name(value, f"{getattr(value, '__module__', 'builtins')}.{reduced}")}
        make, arguments, state, items, pairs, setter = (*reduced, None, None, None, None)[:6]
        if setter is not None:
            raise InternalError(
                f"A {full_name(type(value))} cannot be saved without pickle: its state needs a function."
            )
        kind = "call"
        if make is copyreg.__newobj__:  # type: ignore[attr-defined]  # left out of the stubs
            kind, make, arguments = "new", arguments[0], arguments[1:]
        name = self.name(make, makes=True)
        place = self.count(value)
        self._being_made.add(place)
        made_from = self.nodes(arguments)
        self._being_made.remove(place)
        held = self.nodes(items or ()), [self.nodes(pair) for pair in pairs or ()]
        return {kind: [name, made_from, *held, self.node(state)]}


def _list(writer: Writer, value: list[Any]) -> Any:
    writer.count(value)
    return writer.nodes(value)


def _dictionary(writer: Writer, value: dict[Any, Any]) -> Any:
    writer.count(value)
    if all(type(key) is str for key in value):
        return {"dict": {key: writer.node(one) for key, one in value.items()}}
    return {"pairs": [writer.nodes(pair) for pair in value.items()]}


def _set(writer: Writer, value: set[Any]) -> Any:
    writer.count(value)
    return {"set": writer.nodes(sorted(value, key=repr))}  # equal sets give equal bytes, whatever the order of hashes


def _partial(writer: Writer, value: functools.partial[Any]) -> Any:
    if value.__dict__:
        raise InternalError("A partial function with attributes of its own cannot be saved.")
    return {"partial": [writer.name(value.func), writer.nodes(value.args), writer.node(value.keywords)]}


def _number(writer: Writer, value: np.generic) -> Any:
    """Write one of numpy's numbers, texts or dates: in the JSON where it is exact there."""
    name = _NUMBER_NAMES.get(type(value)) or value.dtype.name
    if name in NUMBERS:
        return {"number": [name, value.item()]}
    if isinstance(value, np.str_):
        return {"text": "".join(value)}  # str would strip zeros from its end
    if isinstance(value, np.bytes_):
        return {"octets": writer.block.add_bytes(bytes(value))}
    return {"scalar": writer.block.add(np.asarray(value))}


def _array(writer: Writer, value: np.ndarray) -> Any:
    writer.count(value)
    if value.dtype != object:
        return {"array": writer.block.add(value)}
    order = order_of(value)
    return {"objects": [list(value.shape), order, writer.nodes(value.ravel(order))]}


def _sparse(writer: Writer, value: Any) -> Any:
    writer.count(value)
    parts = (value.data, value.indices, value.indptr)
    return {"sparse": [type(value).__name__, list(value.shape), *(writer.block.add(one) for one in parts)]}


def _random(writer: Writer, value: np.random.RandomState) -> Any:
    writer.count(value)
    state = value.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise InternalError(f"A RandomState of {state['bit_generator']} cannot be saved; only one of MT19937 can.")
    inner = state["state"]
    return {"random": [writer.block.add(inner["key"]), int(inner["pos"]), int(state["has_gauss"]), state["gauss"]]}


def _generator(writer: Writer, value: np.random.Generator) -> Any:
    writer.count(value)
    state = value.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise InternalError(f"A Generator of {state['bit_generator']} cannot be saved; only one of PCG64 can.")
    inner = state["state"]
    return {"generator": [inner["state"], inner["inc"], state["has_uint32"], state["uinteger"]]}


_KINDS: dict[type, Callable[[Writer, Any], Any]] = {
    list: _list,
    dict: _dictionary,
    set: _set,
    tuple: lambda writer, value: {"tuple": writer.nodes(value)},
    frozenset: lambda writer, value: {"frozenset": writer.nodes(sorted(value, key=repr))},
    bytes: lambda writer, value: {"bytes": writer.block.add_bytes(value)},
    complex: lambda writer, value: {"complex": [value.real, value.imag]},
    slice: lambda writer, value: {"slice": writer.nodes((value.start, value.stop, value.step))},
    range: lambda writer, value: {"range": [value.start, value.stop, value.step]},
    functools.partial: _partial,
    np.ndarray: _array,
    np.memmap: _array,
    np.random.RandomState: _random,
    np.random.Generator: _generator,
    **dict.fromkeys((sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.csc_array), _sparse),
}
"""By exact type: a subclass may hold more, and is an object like any other."""
