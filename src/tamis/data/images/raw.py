"""Images as they were handed over, wherever they lie, given out a few at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tamis.core.errors import DataError

Raws = np.ndarray | list[Any]
"""An array (N x H x W x C), or a list of arrays, paths, bytes, Pillow images and None where there is none."""

SAMPLED_GROUPS = 16
"""How many row groups of a Parquet file a sample is drawn from."""
BUFFER = 1 << 20


class RawImages(Protocol):
    """Pictures in an order, none of them held in decoded form."""

    def __len__(self) -> int:
        """Return how many there are."""

    def name(self, row: int) -> str:
        """Return how messages call one of them."""

    def chunks(self, size: int) -> Iterator[Raws]:
        """Yield them in order, at most so many at a time."""

    def sample(self, n: int, rng: np.random.Generator) -> Raws:
        """Return about so many of them, or all."""


class ArrayImages:
    """Images in one array, in memory or mapped from a file.

    Examples
    --------
    >>> images = ArrayImages(np.zeros((5, 8, 8, 1), dtype=np.uint8))
    >>> [len(chunk) for chunk in images.chunks(2)]
    [2, 2, 1]
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        """Shape (N, H, W, C)."""

    def __len__(self) -> int:
        return len(self.values)

    def name(self, row: int) -> str:
        """Return how messages call one of them."""
        return f"image {row} (counted from 0)"

    def chunks(self, size: int) -> Iterator[np.ndarray]:
        """Yield views."""
        for start in range(0, len(self), size):
            yield self.values[start : start + size]

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return some at random."""
        return self.values[_some(len(self), n, rng)]


class ListedImages:
    """Paths, encoded bytes, arrays or Pillow images, one by one."""

    def __init__(self, items: Sequence[Any], named: Callable[[int], str] | None = None) -> None:
        self.items = items
        self.named = named

    def __len__(self) -> int:
        return len(self.items)

    def name(self, row: int) -> str:
        """Return how messages call one of them."""
        if self.named is not None:
            return self.named(row)
        item = self.items[row]
        return str(item) if isinstance(item, str | Path) else f"image {row} (counted from 0)"

    def chunks(self, size: int) -> Iterator[list[Any]]:
        """Yield lists."""
        for start in range(0, len(self), size):
            yield list(self.items[start : start + size])

    def sample(self, n: int, rng: np.random.Generator) -> list[Any]:
        """Return some at random."""
        return [self.items[row] for row in _some(len(self), n, rng)]


class ParquetImages:
    """Encoded pictures in a column of Parquet files, read as they are needed.

    Parameters
    ----------
    files : sequence of Path
        Parts of one table, in order.
    column : str
        Of bytes, or of structures {bytes, path}, as the `datasets` library writes them; a path without bytes is
        relative to the file's folder.
    """

    def __init__(self, files: Sequence[Path], column: str) -> None:
        self.files = [Path(file) for file in files]
        self.column = column
        self.counts = [int(_parquet(file).metadata.num_rows) for file in self.files]

    def __len__(self) -> int:
        return sum(self.counts)

    def name(self, row: int) -> str:
        """Return how messages call one of them."""
        for file, count in zip(self.files, self.counts, strict=True):
            if row < count:
                return f"{file}, row {row + 1}"
            row -= count
        raise IndexError(row)

    def chunks(self, size: int) -> Iterator[list[Any]]:
        """Yield lists; a row group is read piece by piece, however large it is."""
        for file in self.files:
            for batch in _parquet(file).iter_batches(batch_size=size, columns=[self.column]):
                yield self._items(batch, file)

    def sample(self, n: int, rng: np.random.Generator) -> list[Any]:
        """Return the first rows of row groups chosen at random: others could not be had without reading all."""
        groups = [(file, group) for file in self.files for group in range(_parquet(file).num_row_groups)]
        chosen = [groups[index] for index in _some(len(groups), min(SAMPLED_GROUPS, n), rng)]
        found: list[Any] = []
        for left, (file, group) in zip(range(len(chosen), 0, -1), chosen, strict=True):
            wanted = -(-(n - len(found)) // left)
            for batch in _parquet(file).iter_batches(wanted, row_groups=[group], columns=[self.column]):
                found += self._items(batch, file)
                break
        return found

    def _items(self, batch: Any, file: Path) -> list[Any]:
        return [_item(cell, file.parent) for cell in batch.column(0).to_pylist()]


def _item(cell: Any, folder: Path) -> Any:
    if not isinstance(cell, dict):
        return cell
    if cell.get("bytes") is not None:
        return cell["bytes"]
    return folder / cell["path"] if cell.get("path") else None


def _parquet(file: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file, buffer_size=BUFFER)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(f"{file}: the Parquet file is damaged or incomplete ({reason}). Copy it anew.") from error


class ChosenImages:
    """Some of the images, in their order."""

    def __init__(self, inner: RawImages, rows: np.ndarray) -> None:
        self.inner = inner
        self.rows = rows
        """Positions among the inner ones, rising."""

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, row: int) -> str:
        """Return how messages call one of them."""
        return self.inner.name(int(self.rows[row]))

    def chunks(self, size: int) -> Iterator[Raws]:
        """Yield those that are chosen of each chunk of the inner ones."""
        start = 0
        for chunk in self.inner.chunks(size):
            first, end = np.searchsorted(self.rows, (start, start + len(chunk)))
            places = self.rows[first:end] - start
            start += len(chunk)
            if len(places):
                yield chunk[places] if isinstance(chunk, np.ndarray) else [chunk[place] for place in places]

    def sample(self, n: int, rng: np.random.Generator) -> Raws:
        """Return some of the inner ones: they look alike, chosen or not."""
        return self.inner.sample(n, rng)


def choose(images: RawImages, rows: Iterable[int]) -> ChosenImages:
    """Return some of the images, each once and in their order.

    Examples
    --------
    >>> chosen = choose(ListedImages(["a.png", "b.png", "c.png"]), [2, 0])
    >>> list(chosen.chunks(2))
    [['a.png'], ['c.png']]
    """
    return ChosenImages(images, np.unique(np.fromiter(rows, dtype=np.int64)))


def _some(count: int, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.arange(count) if count <= n else np.sort(rng.choice(count, size=n, replace=False))
