"""Builds the objects again that a `tamis.store.graph_writer.Writer` wrote, and nothing else.

Nothing is called that is not a trusted maker, whatever the file says; everything in it is taken as crafted: a count
may point anywhere, a name may be any name, numbers may be out of every range.
"""

import functools
import json
from collections.abc import Callable, Mapping
from inspect import getattr_static
from types import MemberDescriptorType
from typing import Any

import numpy as np
from scipy import sparse

from tamis.core.errors import CorruptArtefactError
from tamis.store.blocks import NUMBERS, BlockReader, count_of, dtype_of
from tamis.store.bounds import check_arguments
from tamis.store.trusted import Trust

_UNFINISHED = object()
_MATRICES = {one.__name__: one for one in (sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.csc_array)}
_KEY_LENGTH = 624  # words of the state of MT19937


class Reader:
    """Builds objects from nodes and a block of numbers.

    Parameters
    ----------
    files : mapping of str to bytes
        As `Writer.write` returned them.
    trust : Trust
        What may be named; it comes from the code, never from the files.
    """

    def __init__(self, files: Mapping[str, bytes], trust: Trust) -> None:
        self.block = BlockReader(files["arrays.bin"])
        self._tree = json.loads(files["graph.json"])
        self._trust = trust
        self._counted: list[Any] = []

    def read(self) -> Any:
        """Return the object.

        Raises
        ------
        CorruptArtefactError
            Naming what is not trusted, or does not hold together.
        Exception
            Whatever a class raises that is given a damaged state.
        """
        root = self.build(self._tree["root"])
        self.block.close()
        return root

    def build(self, node: Any) -> Any:
        """Return what a node stands for."""
        if type(node) is list:
            made: list[Any] = self.count([])
            made.extend(self.build(one) for one in node)
            return made
        if type(node) is not dict:
            return node
        kind = next(iter(node), "")
        if len(node) != 1 or kind not in _KINDS:
            raise CorruptArtefactError(f"A saved part has a node that is not known: {sorted(node)!r:.100}.")
        return _KINDS[kind](self, node[kind])

    def count(self, value: Any) -> Any:
        """Count a value in the order in which it was written, so that others may refer to it, and return it."""
        self._counted.append(value)
        return value

    def finish(self, place: int, value: Any) -> Any:
        """Put a value that was counted unfinished into its place, and return it."""
        self._counted[place] = value
        return value

    @property
    def place(self) -> int:
        """The place of what is counted next."""
        return len(self._counted)

    def counted(self, place: Any) -> Any:
        """Return the value of a place."""
        if type(place) is not int or not 0 <= place < len(self._counted) or self._counted[place] is _UNFINISHED:
            raise CorruptArtefactError(f"A saved part refers to an object that is not there yet: {place!r:.60}.")
        return self._counted[place]

    def name(self, name: Any, *, makes: bool = False) -> Any:
        """Return a trusted class or function."""
        found = self._trust.maker(name) if makes else self._trust.value(name)
        if found is None:
            raise CorruptArtefactError(
                f"A saved part names {name!r:.200}, which Tamis does not load{' as a maker' if makes else ''}. It is "
                "refused; if it is your own, hand your components in when loading."
            )
        return found


def _object(reader: Reader, value: Any, *, new: bool) -> Any:
    """Make an object, and put into it what its class told."""
    name, arguments, items, pairs, state = value
    make = reader.name(name, makes=True)
    place = reader.place
    reader.count(_UNFINISHED)
    given = [reader.build(one) for one in arguments]
    check_arguments(name, given)
    made = reader.finish(place, make.__new__(make, *given) if new else make(*given))
    if (items and not isinstance(made, list)) or (pairs and not isinstance(made, dict)):
        raise CorruptArtefactError(f"A saved {name} is no container, but holds items.")
    for one in items:
        made.append(reader.build(one))
    _fill(reader, made, pairs)
    _restore(made, reader.build(state))
    return made


def _restore(made: Any, state: Any) -> None:
    """Give an object its state, as its class asks for it, or else attribute by attribute."""
    if state is None:
        return
    if hasattr(type(made), "__setstate__"):
        made.__setstate__(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    if attributes:
        made.__dict__.update({name: value for name, value in attributes.items() if isinstance(name, str)})
    for name, value in (slots or {}).items():
        if not isinstance(getattr_static(type(made), name, None), MemberDescriptorType):
            raise CorruptArtefactError(f"A saved {type(made).__name__} has no slot {name!r:.60}.")
        object.__setattr__(made, name, value)  # past the guard of frozen records


def _dictionary(reader: Reader, value: Any) -> dict[str, Any]:
    made: dict[str, Any] = reader.count({})
    for key, one in value.items():
        made[key] = reader.build(one)
    return made


def _fill(reader: Reader, made: Any, pairs: Any) -> None:
    """Put pairs into a dictionary; a key is built before its value, as it was written."""
    for key, one in pairs:
        built = reader.build(key)
        made[built] = reader.build(one)


def _pairs(reader: Reader, value: Any) -> dict[Any, Any]:
    made: dict[Any, Any] = reader.count({})
    _fill(reader, made, value)
    return made


def _set(reader: Reader, value: Any) -> set[Any]:
    made: set[Any] = reader.count(set())
    made.update(reader.build(one) for one in value)
    return made


def _partial(reader: Reader, value: Any) -> Any:
    name, arguments, keywords = value
    return functools.partial(reader.name(name), *[reader.build(one) for one in arguments], **reader.build(keywords))


def _number(reader: Reader, value: Any) -> Any:
    name, number = value
    if name not in NUMBERS or type(number) not in (bool, int, float):
        raise CorruptArtefactError(f"A saved number is of the type {name!r:.60}, and is {number!r:.60}.")
    return NUMBERS[name](number)


def _objects(reader: Reader, value: Any) -> np.ndarray:
    shape, order, items = value
    if count_of(shape) != len(items):
        raise CorruptArtefactError("A saved array of objects does not have the size that it claims.")
    made: np.ndarray = reader.count(np.empty(shape, dtype=object, order=order))
    flat = made.reshape(-1, order=order)  # a view: it is contiguous in its own order
    for number, one in enumerate(items):
        flat[number] = reader.build(one)
    return made


def _sparse(reader: Reader, value: Any) -> Any:
    """Build a matrix and keep the type of its indices, which its class would change; `bounds` checks their range."""
    name, shape, *parts = value
    data, indices, indptr = (reader.block.array(one) for one in parts)
    count_of(shape)
    matrix = _MATRICES[name]((data, indices, indptr), shape=tuple(shape))
    matrix.indices, matrix.indptr = indices, indptr
    return reader.count(matrix)


def _random(reader: Reader, value: Any) -> np.random.RandomState:
    description, position, has_gauss, gauss = value
    key = reader.block.array(description)
    # numpy reads at the position unchecked
    if key.shape != (_KEY_LENGTH,) or key.dtype != np.uint32 or position not in range(_KEY_LENGTH + 1):
        raise CorruptArtefactError("A saved random state is not one of MT19937.")
    made = np.random.RandomState()
    made.set_state(("MT19937", key, int(position), int(bool(has_gauss)), float(gauss)))
    return reader.count(made)


def _generator(reader: Reader, value: Any) -> np.random.Generator:
    state, increment, has_uint32, uinteger = map(int, value)
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": increment},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
    return reader.count(np.random.Generator(bits))


_KINDS: dict[str, Callable[[Reader, Any], Any]] = {
    "same": Reader.counted,
    "name": Reader.name,
    "new": functools.partial(_object, new=True),
    "call": functools.partial(_object, new=False),
    "dict": _dictionary,
    "pairs": _pairs,
    "set": _set,
    "tuple": lambda reader, value: tuple(reader.build(one) for one in value),
    "frozenset": lambda reader, value: frozenset(reader.build(one) for one in value),
    "bytes": lambda reader, value: reader.block.bytes(value),
    "complex": lambda reader, value: complex(*map(float, value)),
    "slice": lambda reader, value: slice(*(reader.build(one) for one in value)),
    "range": lambda reader, value: range(*value),
    "partial": _partial,
    "dtype": lambda reader, value: dtype_of(value),
    "number": _number,
    "text": lambda reader, value: np.str_(value),
    "octets": lambda reader, value: np.bytes_(reader.block.bytes(value)),
    "scalar": lambda reader, value: reader.block.array(value)[()],
    "array": lambda reader, value: reader.count(reader.block.array(value)),
    "objects": _objects,
    "sparse": _sparse,
    "random": _random,
    "generator": _generator,
}
