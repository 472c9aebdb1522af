"""Tells images from tables by names and first bytes; imports nothing that takes time."""

import csv
import os
import struct
import zipfile
from ast import literal_eval
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import IO

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
    | {".pnm", ".avif", ".heic", ".heif", ".jp2", ".j2k", ".dib", ".ico", ".pcx", ".sgi", ".ras", ".qoi"}
)
"""How the names of pictures end, in lower case."""

MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP")
"""How pictures begin, for files without an ending."""

IMAGE_NAMES = ("image", "images", "img", "picture", "photo", "jpg", "png")
"""What a column of pictures is called, the likeliest first."""

OF_FILES = frozenset(
    {"id", "index", "split", "fold", "set", "subset", "file", "filename", "name", "path", "url", "width", "height"}
)
"""What columns are called that say something of files of images, or of their use."""

LOOKED_AT = 2000
"""How many files of a folder are looked at before it is said to hold no pictures."""
LINES = 20
DEPTH, PLACES = 2, 50
"""How deep below a table, and in how many folders at most, the pictures that its rows name are looked for."""


def is_picture_file(path: "str | Path") -> bool:
    """Tell by the ending of its name, or where it has none by its first bytes, whether a file is a picture.

    Examples
    --------
    >>> is_picture_file("cat.JPG"), is_picture_file("notes.txt")
    (True, False)
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix in SUFFIXES:
        return True
    if suffix:
        return False
    try:
        with open(path, "rb") as stream:
            head = stream.read(12)
    except OSError:
        return False
    return head.startswith(MAGIC) or head[8:] == b"WEBP"


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder belongs to the system or to a tool.

    Examples
    --------
    >>> is_hidden(".ipynb_checkpoints"), is_hidden("__MACOSX"), is_hidden("cats")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() in ("__macosx", "__pycache__", "thumbs.db", "desktop.ini")


def walk(folder: "str | Path") -> Iterator[str]:
    """Yield the files below a folder in the order of their names, hidden ones aside; follow links, but in no circle."""
    seen: set[tuple[int, int]] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(root)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        yield from (os.path.join(root, name) for name in sorted(files) if not is_hidden(name))


def looks_like_images(path: "str | Path") -> bool:
    """Tell whether a path leads to images: a folder of them, arrays, or a table that lists or holds them.

    Parameters
    ----------
    path : str or Path
        Whatever was named as data; where there is nothing, the answer is no.
    """
    where = Path(path).expanduser()
    try:
        if where.is_dir():
            looked = (file for _, file in zip(range(LOOKED_AT), walk(where), strict=False))
            return any(is_picture_file(file) or _is_image_parquet(Path(file)) for file in looked)
        if not where.is_file():
            return False
        with where.open("rb") as stream:
            head = stream.read(8)
            if head.startswith(b"\x93NUMPY"):
                stream.seek(0)
                return len(_npy_shape(stream)) >= 3
        if head.startswith(b"PK"):
            return _is_image_npz(where)
        return _is_image_parquet(where) if head.startswith(b"PAR1") else _lists_images(where)
    except (OSError, ValueError, SyntaxError, struct.error, zipfile.BadZipFile):
        return False


def _npy_shape(stream: IO[bytes]) -> tuple[int, ...]:
    """Read the shape of an array from the head of its file (NumPy's format, versions 1 to 3)."""
    if stream.read(6) != b"\x93NUMPY":
        return ()
    long = stream.read(2)[0] > 1
    (length,) = struct.unpack("<I" if long else "<H", stream.read(4 if long else 2))
    return tuple(literal_eval(stream.read(length).decode("latin-1").strip())["shape"])


def _is_image_npz(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        for name in names:
            with archive.open(name) as member:
                if len(_npy_shape(member)) in (3, 4):
                    return True
    return False


def _is_image_parquet(path: Path) -> bool:
    if path.suffix.lower() not in (".parquet", ".pq"):
        return False
    import pyarrow.parquet as pq  # a table of this kind needs it anyway

    return bool(picture_columns(pq.read_schema(path))) or _lists_images_in_parquet(path)


def picture_columns(schema: object) -> list[str]:
    """Return the columns of an Arrow schema that can hold pictures: bytes, or a structure with a field `bytes`."""
    import pyarrow as pa

    found = []
    for field in schema:  # type: ignore[attr-defined]
        kind = field.type
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            kind = kind.field("bytes").type
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            found.append(field.name)
    order = {name: place for place, name in enumerate(IMAGE_NAMES)}
    return sorted(found, key=lambda name: order.get(name.lower(), len(order)))


def _lists_images_in_parquet(path: Path) -> bool:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches(batch_size=LINES):
        rows = [[cell for cell in row.values() if isinstance(cell, str)] for row in batch.to_pylist()]
        return _most_name_pictures(rows, path.parent) or _names_alone_lead_to_pictures(rows, path.parent)
    return False


def _lists_images(path: Path) -> bool:
    """Tell whether most lines of a text name a picture that is there, with its ending or without."""
    with path.open("rb") as stream:
        lines = stream.read(1 << 16).decode("utf-8", "replace").splitlines()[1 : LINES + 1]
    for delimiter in ",;\t|":
        rows = [[cell.strip().strip("\"'") for cell in line.split(delimiter)] for line in lines if line.strip()]
        if _most_name_pictures(rows, path.parent):
            return True
        if min(map(len, rows), default=0) > 1 and _names_alone_lead_to_pictures(rows, path.parent):
            return True
    return False


def holds_more_than_images(path: "str | Path", target: str | None) -> bool:
    """Tell whether a table that lists images has other columns to learn from, beside the one to predict.

    Columns that only name or count rows, or say something of the files, are none.

    Parameters
    ----------
    path : str or Path
    target : str or None
        The column to predict; where it is not named, the answer is no.
    """
    where = Path(path).expanduser()
    if target is None or not where.is_file():
        return False
    header, rows = _first_rows(where)
    columns = dict(zip(header, zip(*rows, strict=False), strict=False))
    return target in columns and any(_tells_more(name, columns[name]) for name in columns if name != target)


def _first_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the names of a table's columns, and its first rows, none where it is no table."""
    if path.suffix.lower() in (".parquet", ".pq"):
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(path).iter_batches(batch_size=LINES):
            return batch.schema.names, [[str(cell) for cell in row.values()] for row in batch.to_pylist()]
        return [], []
    with path.open("rb") as stream:
        lines = stream.read(1 << 16).decode("utf-8", "replace").splitlines()[: LINES + 1]
    for delimiter in ",;\t|":
        header, *rows = [*csv.reader(lines, delimiter=delimiter)] or [[]]
        rows = [row for row in rows if len(row) == len(header)]
        if len(header) > 1 and rows:
            return [name.strip() for name in header], rows
    return [], []


def _tells_more(name: str, cells: Sequence[str]) -> bool:
    """Tell whether a column may say something of a row beside its image."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    different = set(filled)
    if name.lower() in OF_FILES or len(different) < 2:
        return False
    if sum(os.path.splitext(cell)[1].lower() in SUFFIXES for cell in filled) > len(filled) / 2:
        return False
    if all(map(_is_number, filled)):
        steps = {float(after) - float(before) for before, after in pairwise(filled)}
        return steps != {1.0}
    return len(different) < len(filled) or any(" " in cell for cell in filled)


def _most_name_pictures(rows: list[list[str]], folder: Path) -> bool:
    named = [[cell for cell in row if os.path.splitext(cell)[1].lower() in SUFFIXES] for row in rows]
    cells = [cells[0] for cells in named if cells]
    if not cells or len(cells) < 0.8 * len(rows):
        return False
    places = [folder, *(one for one in sorted(folder.iterdir()) if one.is_dir() and not is_hidden(one.name))]
    return any((place / cell.replace("\\", "/")).is_file() for cell in cells[:3] for place in places)


def _names_alone_lead_to_pictures(rows: list[list[str]], folder: Path) -> bool:
    """Tell whether a column of ids, each another one, names pictures: `0a3f` where there is `train/0a3f.jpg`.

    It is how `tamis.data.images.tables` finds them, but for folders that lie deep or are many. Words that repeat are no
    ids: a table of irises with a picture `setosa.png` beside it stays a table. Numbers are none either.
    """
    columns = [set(map(os.path.basename, column)) for column in zip(*rows, strict=False) if _are_ids(column)]
    found = _pictures_called(set().union(*columns), folder) if columns else set()
    return any(len(names & found) > len(names) / 2 for names in columns)


def _are_ids(cells: Sequence[str]) -> bool:
    return 1 < len(cells) == len(set(cells)) and not all(map(_is_number, cells))


def _is_number(cell: str) -> bool:
    """Tell whether a cell is read as a number, which one with a zero in front is not."""
    try:
        float(cell)
    except ValueError:
        return False
    return not (cell.isdigit() and cell.startswith("0") and len(cell) > 1)


def _pictures_called(wanted: set[str], folder: Path) -> set[str]:
    """Return the names, with or without ending, that one picture bears and no second one."""
    found: Counter[str] = Counter()
    places = [(str(folder), 0)]
    for place, depth in places:  # grows on the way
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                stem, suffix = os.path.splitext(entry.name)
                name = entry.name if entry.name in wanted else stem
                if name in wanted and suffix.lower() in SUFFIXES:
                    found[name] += 1
                elif depth < DEPTH and len(places) < PLACES and not is_hidden(entry.name) and entry.is_dir():
                    places.append((entry.path, depth + 1))
    return {name for name, count in found.items() if count == 1}
