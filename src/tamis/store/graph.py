"""Writes a graph of fitted objects as JSON and one block of arrays, and builds it again from an allow-list.

The same state that pickle would keep is kept, but nothing is called on reading that is not named in a list compiled
into the code: classes are made empty and given their state, functions are looked up by name and handed over.
"""

import functools
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from scipy import sparse

from tamis.core.errors import CorruptArtefactError, InternalError

ALIGNMENT = 64
Trusts = Callable[[str], bool]
"""(full name) -> whether the class or function may be written and read."""


def full_name(thing: Any) -> str:
    """Return where a class or a function is found: `module.name`."""
    module = getattr(thing, "__module__", None) or "numpy"
    return f"{module}.{getattr(thing, '__qualname__', thing.__name__)}"


class Writer:
    """Turns objects into JSON nodes; arrays go into one block.

    Parameters
    ----------
    trusts : callable
        What may be written: the same list as on reading, so that nothing is stored that could not be loaded.
    """

    def __init__(self, trusts: Trusts) -> None:
        self.trusts = trusts
        self.arrays: list[bytes] = []
        self.index: list[list[Any]] = []
        self._size = 0
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []
        """Keeps every numbered object alive, so that no other gets its id."""

    def write(self, root: Any) -> dict[str, bytes]:
        """Return the files of an object and all that hangs on it."""
        tree = self.node(root)
        text = json.dumps({"arrays": self.index, "root": tree}, separators=(",", ":"))
        return {"graph.json": text.encode(), "arrays.bin": b"".join(self.arrays)}

    def node(self, value: Any) -> Any:
        """Return the JSON node of one value."""
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if kind is list:
            return [self.node(one) for one in value]
        if isinstance(value, np.generic):
            return {"number": [value.dtype.str, self._array(np.asarray(value))]}
        if id(value) in self._seen:
            return {"same": self._seen[id(value)]}
        if kind in _PLAIN:
            return _PLAIN[kind](self, value)
        if isinstance(value, type) or callable(value) and hasattr(value, "__name__") and not hasattr(value, "__self__"):
            return {"name": self._trusted(full_name(value))}
        self._number(value)
        if isinstance(value, np.ndarray):
            if value.dtype.hasobject:
                return {"objects": [list(value.shape), [self.node(one) for one in value.ravel()]]}
            return {"array": self._array(value)}
        if sparse.issparse(value):
            csr = value.format in ("csr", "csc")
            matrix = value if csr else value.tocsr()
            parts = [self._array(one) for one in (matrix.data, matrix.indices, matrix.indptr)]
            return {"sparse": [matrix.format, list(matrix.shape), parts]}
        return self._object(value)

    def _object(self, value: Any) -> Any:
        reduced = value.__reduce_ex__(2)
        if isinstance(reduced, str):
            return {"name": self._trusted(full_name(value))}
        make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        if items is not None or pairs is not None:
            raise InternalError(f"A {full_name(type(value))} cannot be saved without pickle: it is a container.")
        if getattr(make, "__name__", "") == "__newobj__":
            name, arguments, fresh = self._trusted(full_name(arguments[0])), arguments[1:], True
        else:
            name, fresh = self._trusted(full_name(make)), False
        node = {"object": name, "fresh": fresh, "arguments": [self.node(one) for one in arguments]}
        if state is not None:
            node["state"] = self.node(state)
        node["number"] = self._seen[id(value)]
        return node

    def _number(self, value: Any) -> None:
        self._seen[id(value)] = len(self._kept)
        self._kept.append(value)

    def _trusted(self, name: str) -> str:
        if not self.trusts(name):
            raise InternalError(
                f"{name} may not be saved, for it could not be loaded. Name it in the `classes` of its component."
            )
        return name

    def _array(self, array: np.ndarray) -> int:
        array = np.asarray(array)
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        content = array.tobytes(order=order)
        description = np.lib.format.dtype_to_descr(array.dtype)
        self.index.append([description, list(array.shape), order, self._size, len(content)])
        padding = -len(content) % ALIGNMENT
        self.arrays += [content, b"\0" * padding]
        self._size += len(content) + padding
        return len(self.index) - 1


def _dictionary(writer: Writer, value: dict[Any, Any]) -> Any:
    if all(type(key) is str for key in value):
        return {"dict": {key: writer.node(one) for key, one in value.items()}}
    return {"pairs": [[writer.node(key), writer.node(one)] for key, one in value.items()]}


def _partial(writer: Writer, value: functools.partial[Any]) -> Any:
    return {"partial": [writer.node(value.func), [writer.node(one) for one in value.args], writer.node(value.keywords)]}


def _random_state(writer: Writer, value: np.random.RandomState) -> Any:
    name, keys, *rest = value.get_state()
    return {"random": [name, writer._array(keys), *rest]}


_PLAIN: dict[type, Callable[[Writer, Any], Any]] = {
    dict: _dictionary,
    tuple: lambda writer, value: {"tuple": [writer.node(one) for one in value]},
    set: lambda writer, value: {"set": [writer.node(one) for one in sorted(value, key=repr)]},
    frozenset: lambda writer, value: {"frozenset": [writer.node(one) for one in sorted(value, key=repr)]},
    bytes: lambda writer, value: {"bytes": writer._array(np.frombuffer(value, dtype=np.uint8))},
    slice: lambda writer, value: {"slice": [value.start, value.stop, value.step]},
    range: lambda writer, value: {"range": [value.start, value.stop, value.step]},
    complex: lambda writer, value: {"complex": [value.real, value.imag]},
    functools.partial: _partial,
    np.random.RandomState: _random_state,
}


class Reader:
    """Builds the objects that a `Writer` wrote.

    Parameters
    ----------
    files : mapping of str to bytes
    trusts : callable
    """

    def __init__(self, files: Mapping[str, bytes], trusts: Trusts) -> None:
        self.trusts = trusts
        self.block = memoryview(files["arrays.bin"])
        self.tree = json.loads(files["graph.json"])
        self._made: list[Any] = []

    def read(self) -> Any:
        """Return the object."""
        return self.build(self.tree["root"])

    def build(self, node: Any) -> Any:
        """Return what a node stands for."""
        if isinstance(node, list):
            return [self.build(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "object" in node:
            return self._object(node)
        (kind, value), *more = node.items()
        if more or kind not in _BUILD:
            raise CorruptArtefactError(f"A saved part has a node that is not known: {sorted(node)!r:.100}.")
        return _BUILD[kind](self, value)

    def array(self, number: int) -> np.ndarray:
        """Return one array, writable, with bounds checked before anything is allocated."""
        description, shape, order, start, size = self.tree["arrays"][number]
        dtype = np.lib.format.descr_to_dtype(_descriptor(description))
        count = 1
        for length in shape:
            count *= int(length)
        if dtype.hasobject or count < 0 or count * dtype.itemsize != size or not 0 <= start <= len(self.block) - size:
            raise CorruptArtefactError("A saved array does not have the size that it claims.")
        flat = np.frombuffer(self.block[start : start + size], dtype=dtype) if size else np.empty(0, dtype)
        return flat.reshape(shape, order=order).copy(order=order)

    def keep(self, value: Any) -> Any:
        """Number an object in the order in which it was written."""
        self._made.append(value)
        return value

    def named(self, name: str) -> Any:
        """Return a trusted class or function."""
        if not isinstance(name, str) or not self.trusts(name):
            raise CorruptArtefactError(
                f"A saved part names {name!r}, which Tamis does not load. It is refused; if it is your own, hand your "
                "components in when loading."
            )
        module, _, last = name.rpartition(".")
        return getattr(import_module(module), last)

    def _object(self, node: Mapping[str, Any]) -> Any:
        make = self.named(node["object"])
        place = len(self._made)
        if node.get("number") != place:
            raise CorruptArtefactError("A saved part's objects are out of order.")
        self._made.append(None)
        arguments = [self.build(one) for one in node["arguments"]]
        if node["fresh"]:
            made = make.__new__(make, *arguments)
        else:
            made = make(*arguments)
        self._made[place] = made
        if "state" in node:
            _restore(made, self.build(node["state"]))
        return made


def _restore(made: Any, state: Any) -> None:
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    for part in (attributes, slots):
        for name, value in (part or {}).items():
            object.__setattr__(made, name, value)


def _descriptor(description: Any) -> Any:
    """Bring a dtype's description back from JSON, where its tuples have become lists."""
    if isinstance(description, list):
        return [tuple(_descriptor_field(one) for one in field) for field in description]
    return description


def _descriptor_field(part: Any) -> Any:
    if isinstance(part, list):
        return _descriptor(part) if part and isinstance(part[0], list) else tuple(part)
    return part


def _objects(reader: Reader, value: Any) -> np.ndarray:
    shape, items = value
    made = np.empty(len(items), dtype=object)
    reader.keep(None)
    place = len(reader._made) - 1
    for number, one in enumerate(items):
        made[number] = reader.build(one)
    reader._made[place] = made = made.reshape(shape)
    return made


def _sparse(reader: Reader, value: Any) -> Any:
    form, shape, parts = value
    data, indices, indptr = (reader.array(number) for number in parts)
    make = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix}[form]
    matrix = make(tuple(shape))
    matrix.data, matrix.indices, matrix.indptr = data, indices, indptr
    return reader.keep(matrix)


def _random(reader: Reader, value: Any) -> np.random.RandomState:
    name, keys, position, has_gauss, gauss = value
    state = np.random.RandomState()
    state.set_state((name, reader.array(keys), position, has_gauss, gauss))
    return state


_BUILD: dict[str, Callable[[Reader, Any], Any]] = {
    "dict": lambda reader, value: {key: reader.build(one) for key, one in value.items()},
    "pairs": lambda reader, value: {reader.build(key): reader.build(one) for key, one in value},
    "tuple": lambda reader, value: tuple(reader.build(one) for one in value),
    "set": lambda reader, value: {reader.build(one) for one in value},
    "frozenset": lambda reader, value: frozenset(reader.build(one) for one in value),
    "bytes": lambda reader, value: reader.array(value).tobytes(),
    "slice": lambda reader, value: slice(*value),
    "range": lambda reader, value: range(*value),
    "complex": lambda reader, value: complex(*value),
    "number": lambda reader, value: reader.array(value[1])[()],
    "array": lambda reader, value: reader.keep(reader.array(value)),
    "objects": _objects,
    "sparse": _sparse,
    "name": lambda reader, value: reader.named(value),
    "partial": lambda reader, value: functools.partial(
        reader.build(value[0]), *[reader.build(one) for one in value[1]], **reader.build(value[2])
    ),
    "random": _random,
    "same": lambda reader, value: reader._made[value],
}
