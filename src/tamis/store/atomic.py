"""Writes a file whole or not at all, and words what the disk refuses."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES, EDQUOT, EFBIG, ENOSPC, EPERM, EROFS
from pathlib import Path
from uuid import uuid4

from tamis.core.errors import StorageError

_FULL = frozenset({ENOSPC, EDQUOT, EFBIG})
_FORBIDDEN = frozenset({EACCES, EPERM, EROFS})

TEMPORARY = ".tmp-"
"""How the names of unfinished files begin; the number of the writing process follows."""


def storage_error(error: OSError, path: Path | str) -> StorageError:
    """Word what the disk refused, naming the file and what to do.

    Examples
    --------
    >>> print(storage_error(OSError(ENOSPC, "No space left on device"), "run/run.json"))
    The disk is full: 'run/run.json' could not be written (No space left on device). Free some space and go on with
    `tamis resume`.
    """
    why = error.strerror or str(error)
    if error.errno in _FULL:
        return StorageError(
            f"The disk is full: '{path}' could not be written ({why}). Free some space and go on with `tamis resume`."
        )
    if error.errno in _FORBIDDEN:
        return StorageError(
            f"'{path}' cannot be written ({why}). Choose a folder that you may write to, or change its permissions."
        )
    return StorageError(f"'{path}' could not be read or written ({why}). Check that the disk is there and sound.")


@contextmanager
def guarded(path: Path | str) -> Iterator[None]:
    """Turn what the disk refuses into a `StorageError` that names the file."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    with suppress(OSError):  # some network and container file systems know no such thing
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def atomic_write(path: Path, content: bytes) -> None:
    """Write a file so that, whatever happens, its name leads to the old content or to the new.

    Parameters
    ----------
    path : Path
        Its folder must exist.
    content : bytes
        The whole new content; it is on the disk when this returns.

    Raises
    ------
    StorageError
        Where the disk is full, read-only or gone; the old content then remains.
    """
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{uuid4().hex[:12]}")
    with guarded(path):
        try:
            with open(temporary, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    sync_folder(path.parent)
