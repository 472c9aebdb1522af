"""Keeps bytes by the hash of their content: `artefacts/ab/cdef...`."""

import os
import re
import shutil
from collections.abc import Set
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from uuid import uuid4

from tamis.core.errors import CorruptArtefactError
from tamis.store.atomic import TEMPORARY, atomic_write, guarded, sync_folder

_KEY = re.compile(r"[0-9a-f]{64}")


class FolderArtefacts:
    """A content-addressed store in a folder; several processes may write to it at the same time.

    Equal content is kept once. What is read is checked against its hash.

    Parameters
    ----------
    folder : Path
        Made when something is first put.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     store = FolderArtefacts(Path(folder))
    ...     store.get(store.put(b"losses"))
    b'losses'
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """Return where the content of this hash lies.

        Raises
        ------
        CorruptArtefactError
            Where the key is no SHA-256 in hexadecimal digits.
        """
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise CorruptArtefactError(f"An artefact's key must be 64 hexadecimal digits; got {key!r:.100}.")
        return self.folder / key[:2] / key[2:]

    def put(self, content: bytes) -> str:
        """Store bytes and return their hash.

        Raises
        ------
        StorageError
            Where the disk is full or read-only.
        """
        key = sha256(content).hexdigest()
        path = self.path(key)
        if not self._holds(path, key):
            self._make_folder(path.parent)
            atomic_write(path, content)
        return key

    def put_file(self, file: Path) -> str:
        """Store a copy of a file, however large, and return its hash.

        Raises
        ------
        StorageError
            Where the file cannot be read or the disk is full or read-only.
        """
        temporary = self.folder / f"{TEMPORARY}{os.getpid()}-{uuid4().hex[:12]}"
        with guarded(file):
            self._make_folder(self.folder)
            try:
                with open(file, "rb") as source, open(temporary, "w+b") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
                    copy.flush()
                    os.fsync(copy.fileno())
                    copy.seek(0)
                    key = file_digest(copy, "sha256").hexdigest()  # of the copy: the source may be written to meanwhile
                path = self.path(key)
                if not self._holds(path, key):
                    self._make_folder(path.parent)
                    os.replace(temporary, path)
                    sync_folder(path.parent)
            finally:
                temporary.unlink(missing_ok=True)
        return key

    def get(self, key: str) -> bytes:
        """Return the content, checked against its hash.

        Raises
        ------
        CorruptArtefactError
            Where the file is missing or its content has changed.
        """
        path = self.path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise CorruptArtefactError(
                f"The artefact '{path}' is missing. Restore it from a backup, or start the run anew."
            ) from None
        except OSError as error:
            raise CorruptArtefactError(f"The artefact '{path}' cannot be read ({error.strerror}).") from error
        if sha256(content).hexdigest() != key:
            raise CorruptArtefactError(
                f"The artefact '{path}' is damaged: its content no longer has the hash it is named by. "
                "Restore it from a backup, or delete the file and fit again; check the disk."
            )
        return content

    def __contains__(self, key: str) -> bool:
        """Tell whether there is content of this hash, without reading it."""
        return self.path(key).is_file()

    def is_sound(self, key: str) -> bool:
        """Tell whether there is content of this hash and it is what was stored; reads it whole, a piece at a time."""
        return self._holds(self.path(key), key)

    def remove_damaged(self) -> int:
        """Delete files whose content is not what they are named by; return how many there were."""
        damaged = 0
        for file in list(self.folder.glob("??/*")):
            key = file.parent.name + file.name
            if _KEY.fullmatch(key) and not self._holds(file, key):
                with guarded(file):
                    file.unlink(missing_ok=True)
                damaged += 1
        return damaged

    def remove_unused(self, keep: Set[str]) -> int:
        """Delete what is not to be kept, and unfinished files whose writers are gone; return the count of bytes freed.

        Only the owner of the run may call it, while no trial is running.
        """
        freed = 0
        with guarded(self.folder):
            for file in list(self.folder.glob("*")) + list(self.folder.glob("??/*")):
                if not file.is_file():
                    continue
                key = file.parent.name + file.name
                unused = _is_stale(file.name) if file.name.startswith(TEMPORARY) else bool(_KEY.fullmatch(key))
                if unused and key not in keep:
                    size = file.stat().st_size
                    file.unlink(missing_ok=True)
                    freed += size
        return freed

    def _holds(self, path: Path, key: str) -> bool:
        """Tell whether the file is there and sound: a damaged one is written again."""
        try:
            with open(path, "rb") as stream:
                return file_digest(stream, "sha256").hexdigest() == key
        except OSError:
            return False

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            with guarded(folder):
                folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent)


def _is_stale(name: str) -> bool:
    """Tell whether the process that an unfinished file's name holds is gone."""
    with suppress(ValueError, PermissionError):
        try:
            os.kill(int(name.removeprefix(TEMPORARY).split("-")[0]), 0)
        except ProcessLookupError:
            return True
    return False
