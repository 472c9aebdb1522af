"""Keeps vectors by the content that they were made of, in memory and on disk, shared by all processes.

The file lies under the user's cache (`TAMIS_CACHE`, else `~/.cache/tamis`); it holds hashes and vectors, no texts and
no images, and may be removed at any time.
"""

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

PLACE = "TAMIS_CACHE"
MOST_BYTES = 1_000_000_000
"""Of one file; the oldest quarter of its vectors goes when there are more."""
MOST_IN_MEMORY = 200_000_000
AT_ONCE = 500
"""Keys of one question to the file."""


def key_of(text: str) -> bytes:
    """Return the key of a text.

    Examples
    --------
    >>> len(key_of("a text")), key_of("a") == key_of("b")
    (16, False)
    """
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def cache_folder() -> Path:
    """Return where caches lie."""
    named = os.environ.get(PLACE)
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tamis"


class VectorCache:
    """Vectors of one encoder by key; they are held in half precision.

    Where the file cannot be written or is damaged, memory alone is used.

    Parameters
    ----------
    kind : str
        What is read, such as `texts`.
    name : str
        Of the file: what the vectors depend on beside the content.
    """

    def __init__(self, kind: str, name: str) -> None:
        self.path = cache_folder() / kind / f"{name}.sqlite"
        self._held: dict[bytes, np.ndarray] = {}
        self._lock = threading.Lock()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """Return the vectors that are there."""
        with self._lock:
            lacking = list({key for key in keys if key not in self._held})
            if lacking:
                self._held.update(self._read(lacking))
            found = {key: self._held[key] for key in keys if key in self._held}
            self._bound(found)
        return found

    def put(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Keep vectors, one for each key."""
        half = np.asarray(vectors, dtype=np.float16)
        with self._lock:
            self._held.update(zip(keys, half, strict=True))
        now = time.time()
        rows = [(key, vector.tobytes(), now) for key, vector in zip(keys, half, strict=True)]
        with suppress(sqlite3.Error, OSError), closing(self._open()) as file, file:
            file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
        with suppress(sqlite3.Error, OSError):
            if self.path.stat().st_size > MOST_BYTES:
                self._thin()

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(self.path, timeout=5.0)
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=OFF")  # a cache may be lost
        file.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, at REAL) WITHOUT ROWID")
        return file

    def _read(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, np.ndarray]]:
        if not self.path.is_file():
            return
        with suppress(sqlite3.Error, OSError, ValueError), closing(self._open()) as file:
            for start in range(0, len(keys), AT_ONCE):
                some = keys[start : start + AT_ONCE]
                marks = ",".join("?" * len(some))
                for key, content in file.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some):
                    yield bytes(key), np.frombuffer(content, dtype=np.float16)

    def _thin(self) -> None:
        with closing(self._open()) as file:
            with file:
                count = int(file.execute("SELECT count(*) FROM vectors").fetchone()[0])
                oldest = "SELECT key FROM vectors ORDER BY at LIMIT ?"
                file.execute(f"DELETE FROM vectors WHERE key IN ({oldest})", (count // 4,))
            file.execute("VACUUM")

    def _bound(self, kept: dict[bytes, np.ndarray]) -> None:
        size = next((vector.nbytes for vector in self._held.values()), 0)
        if len(self._held) * size > MOST_IN_MEMORY:
            self._held = dict(kept)
