"""What parent and worker say to each other over pipes: a length, then the message.

The parent sends pickles: the objective is the user's own code, and the worker runs on the user's behalf. The worker
answers in JSON: the parent builds nothing from what a trial made.
"""

import json
import os
import pickle
import struct
from collections.abc import Mapping
from typing import Any

_LENGTH = struct.Struct(">Q")

Command = tuple[Any, ...]
"""To a worker: ("objective", bytes) or ("work", Proposal, limit_s, memory_mb)."""

Answer = dict[str, Any]
"""From a worker: its "kind" is ready, started, progress or ended."""


def encode_command(command: Command) -> bytes:
    """Frame a command to a worker."""
    return _framed(pickle.dumps(command, protocol=5))


def encode_answer(answer: Answer) -> bytes:
    """Frame an answer of a worker; numpy's values become plain ones, what JSON does not know becomes text."""
    return _framed(json.dumps(plain(answer)).encode())


def decode_answer(body: bytes) -> Answer:
    """Read the body of an answer."""
    return json.loads(body)


def _framed(body: bytes) -> bytes:
    return _LENGTH.pack(len(body)) + body


def plain(value: Any) -> Any:
    """Return a value made of JSON's own types.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"rounds": np.int64(3), "path": (1, 2)})
    {'rounds': 3, 'path': [1, 2]}
    """
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    for kind in (bool, int, float, str):  # subclasses, such as members of a StrEnum
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def dump_objective(objective: Any) -> bytes:
    """Pickle an objective, functions of a user's own script included."""
    import cloudpickle  # type: ignore[import-untyped]

    return cloudpickle.dumps(objective)


def load_objective(content: bytes) -> Any:
    """Read what `dump_objective` wrote."""
    return pickle.loads(content)


def read_command(descriptor: int) -> Command | None:
    """Wait for the next command; None when the parent has closed the pipe or is gone."""
    head = _read_exactly(descriptor, _LENGTH.size)
    body = None if head is None else _read_exactly(descriptor, _LENGTH.unpack(head)[0])
    return None if body is None else pickle.loads(body)


def _read_exactly(descriptor: int, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = os.read(descriptor, min(size - len(parts), 1 << 20))
        except OSError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)


class Unframer:
    """Cuts a stream of bytes that arrives in pieces into the bodies of messages."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, piece: bytes) -> list[bytes]:
        """Take a piece; return the messages that are whole now."""
        self._pending += piece
        bodies = []
        while len(self._pending) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._pending)[0]
            if len(self._pending) < end:
                break
            bodies.append(bytes(self._pending[_LENGTH.size : end]))
            del self._pending[:end]
        return bodies
