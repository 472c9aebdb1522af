"""Writes prepared images to a folder, piece by piece, whole or not at all."""

import json
import os
import shutil
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from hashlib import blake2b
from pathlib import Path

import numpy as np

from tamis.core.errors import InternalError, StorageError
from tamis.data.image_form import ImageForm
from tamis.data.images.copies import mark

HEAD = "images.json"
ROW_FIELDS = ("y", "weights", "groups", "copies")


class ImageWriter:
    """Writes a set of images piece by piece, and its content's hash; leaves nothing half done where that fails."""

    def __init__(self, folder: Path, form: ImageForm) -> None:
        self.folder, self.form = folder, form
        self.digest = blake2b(digest_size=16)
        self._kept: list[np.ndarray] = []
        self._marks: list[np.ndarray] = []
        self._part = self._temporary("images.npy")

    def __enter__(self) -> "ImageWriter":
        self._file = open(self._part, "wb")
        self._length = self._write_header(0)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        with suppress(OSError):  # on a full disk what is left in the buffer cannot be written either
            self._file.close()
        for name in ("images.npy", *(f"{name}.npy" for name in ROW_FIELDS), HEAD):
            self._temporary(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
            raise StorageError(
                f"The disk is full: the images could not be written to {self.folder}. Free some space and try again."
            ) from error

    def _temporary(self, name: str) -> Path:
        return self.folder / f".{name}.{os.getpid()}.part"

    def _write_header(self, count: int) -> int:
        """Write the head of the array file, in which numpy leaves room for any count of rows; return its length."""
        head = {"descr": "|u1", "fortran_order": False, "shape": (count, *self.form.shape)}
        np.lib.format.write_array_header_1_0(self._file, head)
        return self._file.tell()

    @property
    def kept(self) -> np.ndarray:
        """The positions of what was written."""
        return np.concatenate(self._kept) if self._kept else np.empty(0, dtype=np.int64)

    @property
    def marks(self) -> np.ndarray:
        """A number for each image by which copies are known."""
        return np.concatenate(self._marks) if self._marks else np.empty(0, dtype=np.uint64)

    def add(self, rows: np.ndarray, images: np.ndarray) -> None:
        """Append images, and remember the positions they had."""
        content = np.ascontiguousarray(images)
        self._file.write(content.data)
        self.digest.update(content.data)
        self._kept.append(rows)
        self._marks.append(mark(content))

    def finish(self, arrays: dict[str, np.ndarray], notes: list[str]) -> None:
        """Write the rest, and bring everything to its name."""
        n_rows = len(self.kept)
        self._file.seek(0)
        if self._write_header(n_rows) != self._length:
            raise InternalError(f"The head of {self._part} has another length for {n_rows:,} images.")
        self._file.flush()
        self.digest.update(json.dumps([n_rows, *self.form.shape]).encode())
        for name, part in arrays.items():
            self.digest.update(f"{name} {part.dtype}".encode())
            self.digest.update(np.ascontiguousarray(part).data)
            with open(self._temporary(f"{name}.npy"), "wb") as file:
                np.save(file, part, allow_pickle=False)
        head = {
            "format": 1,
            "fingerprint": self.digest.hexdigest(),
            "n_rows": n_rows,
            "form": self.form.to_json(),
            "arrays": list(arrays),
            "notes": notes,
        }
        self._temporary(HEAD).write_text(json.dumps(head), encoding="utf-8")
        (self.folder / HEAD).unlink(missing_ok=True)  # of an earlier set: it must not name what comes now
        for name in ("images.npy", *(f"{name}.npy" for name in arrays), HEAD):
            os.replace(self._temporary(name), self.folder / name)


def refuse_too_large(folder: Path, n_bytes: int) -> None:
    """Refuse to begin what the disk has no room for.

    Raises
    ------
    StorageError
        With what is needed and what there is.
    """
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise StorageError(
            f"The prepared images take {n_bytes / 1e9:.1f} GB; the disk of {folder} has {free / 1e9:.1f} GB free. Free "
            "some space, choose another folder, or give fewer images."
        )
