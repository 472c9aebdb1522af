"""A block of numbers: arrays one behind the other, taken out in the order in which they were put in.

Nothing in the description of an array says where it lies, so that no crafted one can point outside the block, or have
the same bytes read out again and again.
"""

from typing import Any, Literal

import numpy as np

from tamis.core.errors import CorruptArtefactError, InternalError

_KINDS = "biufcSUVMm"
"""The kinds of numpy's types whose items are nothing but their bytes."""

NUMBERS: dict[str, type[np.generic]] = {
    np.dtype(kind).name: kind
    for kind in (
        np.bool_,
        *(np.int8, np.int16, np.int32, np.int64),
        *(np.uint8, np.uint16, np.uint32, np.uint64),
        *(np.float16, np.float32, np.float64),
    )
}
"""The types whose single numbers are exact as JSON."""


class BlockWriter:
    """Puts arrays one behind the other.

    Examples
    --------
    >>> block = BlockWriter()
    >>> description = block.add(np.array([1.5, 2.0]))
    >>> description
    ['<f8', [2], 'C']
    >>> BlockReader(block.content()).array(description)
    array([1.5, 2. ])
    """

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._described: dict[np.dtype, Any] = {}

    def add(self, array: np.ndarray) -> list[Any]:
        """Put an array of any shape in, and return its description: type, shape and order in memory, as JSON.

        Raises
        ------
        InternalError
            Where the bytes of its items are not all there is to them.
        """
        description = self._described.get(array.dtype)
        if description is None:
            description = self._described[array.dtype] = describe(array.dtype)
        order = order_of(array)
        self._parts.append(np.ascontiguousarray(array.reshape(-1, order=order)).view(np.uint8).data)
        return [description, list(array.shape), order]

    def add_bytes(self, content: bytes) -> int:
        """Put bytes in, and return how many they are."""
        self._parts.append(content)
        return len(content)

    def content(self) -> bytes:
        """Return the block."""
        return b"".join(self._parts)


class BlockReader:
    """Takes arrays out in the order in which a `BlockWriter` put them in.

    Parameters
    ----------
    content : bytes
    """

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._at = 0
        self._dtypes: dict[str, np.dtype] = {}

    def array(self, description: Any) -> np.ndarray:
        """Return the next array, writable; nothing is allocated before its size is known to be there.

        Raises
        ------
        CorruptArtefactError
            Where the description is not one of plain items, or asks for more than is left.
        """
        described, shape, order = description
        key = repr(described)
        dtype = self._dtypes.get(key)
        if dtype is None:
            dtype = self._dtypes[key] = dtype_of(described)
        if dtype.kind not in _KINDS or dtype.hasobject or dtype.subdtype is not None or dtype.itemsize == 0:
            raise CorruptArtefactError(f"A saved array's items are of the type {dtype}, which Tamis does not load.")
        content = self._take(count_of(shape) * dtype.itemsize)
        flat = np.frombuffer(content, dtype) if len(content) else np.empty(0, dtype)
        return flat.reshape(shape, order=order).copy(order=order)

    def bytes(self, size: Any) -> bytes:
        """Return the next bytes."""
        return bytes(self._take(count_of([size])))

    def close(self) -> None:
        """Make sure that nothing is left.

        Raises
        ------
        CorruptArtefactError
        """
        if self._at != len(self._content):
            raise CorruptArtefactError(
                "A saved part's arrays do not have the sizes that it claims: some bytes are left."
            )

    def _take(self, size: int) -> memoryview:
        start, self._at = self._at, self._at + size
        if self._at > len(self._content):
            raise CorruptArtefactError("A saved part's arrays do not have the sizes that it claims: bytes are missing.")
        return self._content[start : self._at]


def order_of(array: np.ndarray) -> Literal["C", "F"]:
    """Return the order in memory that an array is stored in: its own, or C where it has none."""
    return "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"


def count_of(shape: Any) -> int:
    """Return the number of items of an array of a shape that a file claims.

    Raises
    ------
    CorruptArtefactError
        Where it is not a list of lengths.

    Examples
    --------
    >>> count_of([3, 4]), count_of([])
    (12, 1)
    """
    if not isinstance(shape, list) or not all(type(length) is int and length >= 0 for length in shape):
        raise CorruptArtefactError(f"A saved array's shape is a list of lengths; got {shape!r:.60}.")
    count = 1
    for length in shape:
        count *= length
    return count


def describe(dtype: np.dtype) -> Any:
    """Return a type's description as JSON: a string, or a list of fields.

    Raises
    ------
    InternalError
        Where it would not come back as it is.

    Examples
    --------
    >>> describe(np.dtype([("left", "<i8"), ("weights", "<f4", (2,))]))
    [['left', '<i8'], ['weights', '<f4', [2]]]
    """
    if dtype.kind == "O" and dtype.fields is None:
        return "|O"
    if dtype.kind in _KINDS and not dtype.hasobject and dtype.itemsize > 0:
        description = _as_lists(np.lib.format.dtype_to_descr(dtype))
        if dtype_of(description) == dtype:
            return description
    raise InternalError(f"Values of numpy's type {dtype} cannot be saved without pickle.")


def dtype_of(description: Any) -> np.dtype:
    """Return the type of a description."""
    return np.lib.format.descr_to_dtype(_fields(description) if isinstance(description, list) else description)


def _as_lists(part: Any) -> Any:
    return [_as_lists(one) for one in part] if isinstance(part, list | tuple) else part


def _fields(description: list[Any]) -> list[tuple[Any, ...]]:
    """Bring back the tuples that JSON has made lists: fields are (name or (title, name), type[, shape])."""
    fields = []
    for name, kind, *shape in description:
        name = tuple(name) if isinstance(name, list) else name
        kind = _fields(kind) if isinstance(kind, list) else kind
        fields.append((name, kind, *(tuple(one) for one in shape)))
    return fields
