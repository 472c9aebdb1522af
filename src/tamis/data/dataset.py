"""The prepared rows of a run with what is to be predicted: in memory, or mapped from a folder that `save` wrote."""

import json
import os
from collections.abc import ItemsView, Mapping, ValuesView
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from tamis.core.errors import CorruptArtefactError, DataError
from tamis.core.kinds import Role
from tamis.data.table import Table

HEAD = "dataset.json"
SPARSE_PARTS = ("data", "indices", "indptr")
ROW_FIELDS = ("y", "weights", "groups", "times", "folds")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows, what is to be predicted, and what is known of each row beside its features.

    It is a `Source` of `tamis.core.contracts`.

    Examples
    --------
    >>> table = Table(("x",), (Role.NUMERIC,), np.array([[1.0], [2.0]]))
    >>> Dataset(table, np.array([0, 1])).rows(np.array([1])).values
    array([[2.]])
    """

    table: Table
    y: np.ndarray
    """Shape (n_rows,): float64 numbers, or int64 codes of classes."""
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    """Whole numbers: rows of one group stay on one side of a split."""
    times: np.ndarray | None = None
    folds: np.ndarray | None = None
    """Whole numbers: the fold in which a row is validated."""

    def __post_init__(self) -> None:
        """Refuse parts of different lengths."""
        for name in ROW_FIELDS:
            part = getattr(self, name)
            if part is not None and np.shape(part) != (self.table.n_rows,):
                raise DataError(f"{name!r} must have the shape ({self.table.n_rows},); got {np.shape(part)}.")

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return self.table.n_rows

    @cached_property
    def fingerprint(self) -> str:
        """A short name of the content: equal for equal content, the same in every process."""
        digest = blake2b(digest_size=16)
        beside = [list(self.table.texts), *([list(self.table.images)] if self.table.images else [])]
        digest.update(json.dumps([self.table.names, self.table.roles, *beside]).encode())
        digest.update(repr(self.table.values.shape).encode())
        for name, array in self._arrays().items():
            digest.update(name.encode())
            digest.update(str(array.dtype).encode())
            digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data if array.size else b"")
        for text in [*self.table.texts.values(), *self.table.images.values()]:
            digest.update(_hash_strings(text).tobytes())
        return digest.hexdigest()

    def rows(self, indices: "np.ndarray | slice | None" = None) -> Table:
        """Return the features of some rows, in the order asked, or of all."""
        return self.table if indices is None else self.table.take(indices)

    def _arrays(self) -> dict[str, np.ndarray]:
        values = self.table.values
        if sparse.issparse(values):
            found = {f"values_{part}": np.asarray(getattr(values, part)) for part in SPARSE_PARTS}
        else:
            found = {"values": np.asarray(values)}
        return found | {name: getattr(self, name) for name in ROW_FIELDS if getattr(self, name) is not None}

    def save(self, folder: Path) -> None:
        """Write everything to a folder; every file comes to its name whole, the one that names the others last.

        Parameters
        ----------
        folder : Path
            Made where it is not there.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        arrays = self._arrays()
        for name, array in arrays.items():
            with _moved_into_place(folder / f"{name}.npy") as part, part.open("wb") as file:
                np.save(file, array, allow_pickle=False)
        for name, strings in (("texts", self.table.texts), ("images", self.table.images)):
            if strings:
                with _moved_into_place(folder / f"{name}.arrow") as part:
                    _write_texts(strings, part)
        head = {
            "format": 1,
            "fingerprint": self.fingerprint,
            "names": list(self.table.names),
            "roles": [str(role) for role in self.table.roles],
            "texts": list(self.table.texts),
            "images": list(self.table.images),
            "shape": list(self.table.values.shape),
            "arrays": list(arrays),
        }
        with _moved_into_place(folder / HEAD) as part:
            part.write_text(json.dumps(head), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> "Dataset":
        """Map a folder that `save` wrote; nothing is read before it is asked for.

        Raises
        ------
        CorruptArtefactError
            Where a file is missing or cannot be mapped.
        """
        folder = Path(folder)
        try:
            head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
            arrays = {name: _map(folder / f"{name}.npy") for name in head["arrays"]}
            values = _values(arrays, tuple(head["shape"]))
        except (OSError, ValueError, KeyError) as error:
            raise CorruptArtefactError(
                f"The prepared data in {folder} cannot be opened: {error}. Fit again."
            ) from error
        texts = MappedTexts(folder / "texts.arrow", tuple(head["texts"]))
        images = MappedTexts(folder / "images.arrow", tuple(head.get("images", ())))
        table = Table(tuple(head["names"]), tuple(Role(role) for role in head["roles"]), values, texts, images)
        opened = cls(table, **{name: arrays.get(name) for name in ROW_FIELDS})  # type: ignore[arg-type]
        opened.__dict__["fingerprint"] = head["fingerprint"]
        return opened


class MappedTexts(dict[str, np.ndarray]):
    """Columns of strings of an Arrow file by name, each decoded when it is first asked for, then kept."""

    def __init__(self, path: Path, names: tuple[str, ...]) -> None:
        super().__init__(dict.fromkeys(names, np.empty(0, dtype=object)))
        self.path = path
        self._decoded: set[str] = set()

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._decoded and name in self:
            super().__setitem__(name, _read_text(self.path, name))
            self._decoded.add(name)
        return super().__getitem__(name)

    def items(self) -> ItemsView[str, np.ndarray]:  # type: ignore[override]
        """Return names and decoded columns."""
        return ItemsView(self)

    def values(self) -> ValuesView[np.ndarray]:  # type: ignore[override]
        """Return the decoded columns."""
        return ValuesView(self)


class _moved_into_place:
    """Give a temporary name to write to, and move what was written to its name; leave nothing where that failed."""

    def __init__(self, path: Path) -> None:
        self.path, self.part = path, path.with_name(f".{path.name}.{os.getpid()}.part")

    def __enter__(self) -> Path:
        return self.part

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            os.replace(self.part, self.path)
        else:
            self.part.unlink(missing_ok=True)


def _map(path: Path) -> np.ndarray:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    # Plain arrays over the mapping: scipy and scikit-learn treat subclasses apart.
    return np.asarray(array)


def _values(arrays: Mapping[str, np.ndarray], shape: tuple[int, int]) -> "np.ndarray | sparse.csr_matrix":
    if "values" in arrays:
        return arrays["values"]
    parts = tuple(arrays[f"values_{part}"] for part in SPARSE_PARTS)
    return sparse.csr_matrix(parts, shape=shape, copy=False)


def _hash_strings(texts: np.ndarray) -> np.ndarray:
    from pandas.util import hash_array

    return np.asarray(hash_array(np.asarray(texts, dtype=object), categorize=False))


def _write_texts(texts: Mapping[str, np.ndarray], path: Path) -> None:
    import pyarrow as pa

    columns = {name: pa.array(text, pa.large_string()) for name, text in texts.items()}
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, pa.table(columns).schema) as writer:
        writer.write_table(pa.table(columns))


def _read_text(path: Path, name: str) -> Any:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        column = pa.ipc.open_file(file).read_all().column(name)
        return column.to_numpy(zero_copy_only=False).astype(object)
