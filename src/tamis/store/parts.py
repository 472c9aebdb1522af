"""Writes fitted objects without pickle, and reads them back without running code from the file."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tamis.core.errors import CorruptArtefactError, InternalError
from tamis.store.bounds import check_bounds
from tamis.store.container import check_archive
from tamis.store.graph_reader import Reader
from tamis.store.graph_writer import Writer
from tamis.store.trusted import Trust

_JSON, _ARRAY, _ARRAYS = "part.json", "part.npy", "part.npz"
_GRAPH = {"graph.json", "arrays.bin"}


def dump_part(part: Any, allowed: Iterable[Any] = ()) -> dict[str, bytes]:
    """Write an object as files by name.

    Plain values become JSON, arrays numpy's own form, scikit-learn's and our own objects a graph of their states.

    Parameters
    ----------
    part : object
        Fitted or not.
    allowed : iterable of str or type
        Further types that it may hold, or their full names: those its component's record lists.

    Returns
    -------
    dict of str to bytes
        For `tamis.store.container.pack`, or to be written into a folder.

    Raises
    ------
    InternalError
        Naming the first type that is not on the list: what could not be loaded is not written.

    Examples
    --------
    >>> load_part(dump_part({"rounds": 120}))
    {'rounds': 120}
    """
    try:
        return _files(part, allowed)
    except (TypeError, ValueError, RecursionError) as error:  # what an object's own state raises
        raise InternalError(f"A {type(part).__name__} cannot be saved without pickle ({error}).") from error


def _files(part: Any, allowed: Iterable[Any]) -> dict[str, bytes]:
    if _is_plain(part):
        return {_JSON: json.dumps(part).encode()}
    if isinstance(part, np.ndarray) and not part.dtype.hasobject and type(part) is np.ndarray:
        return {_ARRAY: _array_bytes(part)}
    if _is_arrays(part):
        buffer = io.BytesIO()
        np.savez(buffer, **part)
        return {_ARRAYS: buffer.getvalue()}
    return Writer(Trust(allowed)).write(part)


def load_part(files: Mapping[str, bytes], allowed: Iterable[Any] = ()) -> Any:
    """Read what `dump_part` wrote.

    Parameters
    ----------
    files : mapping of str to bytes
        By name.
    allowed : iterable of str or type
        As for `dump_part`; it comes from the caller's own code, never from the files.

    Raises
    ------
    CorruptArtefactError
        Where a type is not on the list, naming it, or the content is damaged or was tampered with.
    """
    if set(files) == _GRAPH:
        return _load_graph(files, allowed)
    if len(files) != 1 or next(iter(files)) not in (_JSON, _ARRAY, _ARRAYS):
        raise CorruptArtefactError(f"A saved part has files that are not known: {sorted(files)}. Fit again.")
    name, content = next(iter(files.items()))
    try:
        if name == _JSON:
            return json.loads(content)
        if name == _ARRAY:
            return np.load(io.BytesIO(content), allow_pickle=False)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_archive(archive)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (ValueError, EOFError, OSError, RecursionError, zipfile.BadZipFile) as error:
        raise CorruptArtefactError(f"The saved part {name!r} cannot be read ({error}). Fit again.") from error


def _load_graph(files: Mapping[str, bytes], allowed: Iterable[Any]) -> Any:
    try:
        loaded = Reader(files, Trust(allowed)).read()
    except CorruptArtefactError:
        raise
    except Exception as error:  # a damaged state leads to whatever its class raises
        raise CorruptArtefactError(
            f"A saved part cannot be read ({type(error).__name__}: {error}). It is damaged, or was written by a "
            "version of scikit-learn that does not agree with the installed one."
        ) from error
    check_bounds(loaded)
    return loaded


def _is_plain(value: Any) -> bool:
    """Tell whether JSON gives exactly the same value back."""
    try:
        return _holds_plain(value)
    except RecursionError:  # a circle of lists
        return False


def _holds_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return type(value) is dict and all(type(key) is str and _holds_plain(one) for key, one in value.items())
    if isinstance(value, list):
        return type(value) is list and all(map(_holds_plain, value))
    return value is None or type(value) in (str, int, float, bool)


def _is_arrays(value: Any) -> bool:
    return (
        type(value) is dict
        and len(value) > 0
        and all(type(key) is str and key.isidentifier() and key != "file" for key in value)
        and all(type(one) is np.ndarray and not one.dtype.hasobject for one in value.values())
    )


def _array_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
