"""Opens a file or standard input as plain bytes: finds it, undoes its compression, and guards against bombs."""

import bz2
import gzip
import io
import lzma
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from tamis.core.errors import DataError
from tamis.core.extras import require

BOMB_RATIO = 1000
BOMB_BYTES = 1 << 30
"""A compressed file may not grow beyond this size and beyond `BOMB_RATIO` times its own."""
BLOCK = 1 << 20

MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
COMPRESSED_SUFFIXES = {".gz", ".bz2", ".xz", ".zst", ".zip"}


class Guard(io.RawIOBase):
    """Passes bytes on while it counts them, and stops where a compressed file grows beyond reason."""

    def __init__(self, inner: BinaryIO, below: IO[bytes], name: str, compressed_size: int) -> None:
        self.inner, self.below = inner, below
        self.label = name
        self.limit = max(BOMB_BYTES, BOMB_RATIO * compressed_size)
        self.count = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # the base class has no precise type
        """Fill the buffer."""
        try:
            chunk = self.inner.read(len(buffer))
        except Exception as error:  # each compression has errors of its own
            raise DataError(
                f"{self.label}: the file is damaged and could not be read after {self.count:,} bytes ({error}). "
                "Copy or compress it anew."
            ) from error
        self.count += len(chunk)
        if self.count > self.limit:
            raise DataError(
                f"{self.label}: the file unpacks to more than {self.limit:,} bytes, over {BOMB_RATIO} times its size. "
                "Unpack it yourself if that is meant."
            )
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close what lies below too."""
        if not self.closed:
            self.inner.close()
            self.below.close()  # a stream that unpacks leaves what it reads from open
        super().close()


@dataclass(frozen=True)
class Origin:
    """Where bytes come from; can be opened any number of times."""

    name: str
    """As shown in messages."""
    suffix: str
    """The last extension in lower case, that of a compression aside."""
    compression: str
    """Empty where there is none."""
    opener: Callable[[], BinaryIO]
    path: Path | None = None
    """The file, where it can be read as it lies: not compressed and not standard input."""

    def open(self) -> BinaryIO:
        """Open the plain bytes, from the beginning."""
        return self.opener()

    def head(self, size: int) -> bytes:
        """Return the first bytes."""
        with self.open() as stream:
            return stream.read(size)


def locate(source: "str | Path") -> Path:
    """Return the path of an existing file.

    Raises
    ------
    DataError
        Where there is none, naming the nearest that exists; where it is a folder; where it is empty.
    """
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            raise DataError(f"{path}: is a folder; a table is read from a file. Name one of the files in it.")
        if not path.exists():
            names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
            near = get_close_matches(path.name, names, n=1, cutoff=0.6)
            where = "" if path.parent.is_dir() else f" The folder {path.parent} does not exist either."
            raise DataError(f"{path}: there is no such file.{where}" + (f" Did you mean {near[0]!r}?" if near else ""))
        if path.is_file() and path.stat().st_size == 0:
            raise empty(str(path))
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be opened ({error}). Check its name and its permissions.") from error
    return path


def empty(name: str) -> DataError:
    """Word the refusal of a file without content."""
    return DataError(f"{name}: the file is empty; it must hold a header and at least one row.")


def open_origin(source: "str | Path") -> Origin:
    """Find a file (or standard input, '-') and how it is compressed, by its first bytes and not by its name.

    Raises
    ------
    DataError
        Where it is missing, a folder, empty, an archive of several files, or cannot be read.
    """
    if str(source) == "-":
        content = sys.stdin.buffer.read()
        if not content:
            raise empty("standard input")
        return _origin("standard input", "", content[:8], lambda: io.BytesIO(content), len(content), None)
    path = locate(source)
    try:
        with path.open("rb") as stream:
            magic = stream.read(8)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error}). Check its permissions.") from error
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in COMPRESSED_SUFFIXES:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    return _origin(str(path), suffix, magic, lambda: path.open("rb"), path.stat().st_size, path)


def _origin(name: str, suffix: str, magic: bytes, raw: Callable[[], BinaryIO], size: int, path: Path | None) -> Origin:
    kind = next((kind for start, kind in MAGIC.items() if magic.startswith(start)), "")
    if kind == "zip":
        member = _single_member(raw, name)
        if member is None:  # an Excel workbook is a zip archive too
            return Origin(name, suffix, "", raw, path)
        inner = Path(member).suffix.lower()
        return Origin(name, inner, kind, lambda: _guarded("zip", raw(), name, size, member))
    if not kind:
        return Origin(name, suffix, "", raw, path)
    if kind == "zstd":
        require("zstandard", "zstd")
    return Origin(name, suffix, kind, lambda: _guarded(kind, raw(), name, size))


def _guarded(kind: str, raw: BinaryIO, name: str, size: int, member: str = "") -> BinaryIO:
    try:
        inner = _open_member(raw, member) if kind == "zip" else _decompress(kind, raw)
    except BaseException:
        raw.close()
        raise
    return io.BufferedReader(cast(Any, Guard(inner, raw, name, size)), BLOCK)


def _decompress(kind: str, raw: BinaryIO) -> BinaryIO:
    if kind == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw, mode="rb"))
    if kind == "bzip2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if kind == "xz":
        return cast(BinaryIO, lzma.LZMAFile(raw))
    zstandard = require("zstandard", "zstd")
    return cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))


def _single_member(raw: Callable[[], BinaryIO], name: str) -> str | None:
    try:
        with raw() as stream, zipfile.ZipFile(stream) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{name}: the zip archive is damaged ({error}). Copy or compress it anew.") from error
    if "[Content_Types].xml" in names:
        return None
    visible = [one for one in names if not one.startswith("__MACOSX/") and not Path(one).name.startswith(".")]
    if len(visible) != 1:
        listed = ", ".join(map(repr, visible[:5])) + (", ..." if len(visible) > 5 else "")
        raise DataError(
            f"{name}: the zip archive must hold one file; it holds {len(visible)} ({listed or 'none'}). "
            "Unpack it and name the file to read."
        )
    return visible[0]


def _open_member(raw: BinaryIO, member: str) -> BinaryIO:
    archive = zipfile.ZipFile(raw)
    try:
        return cast(BinaryIO, archive.open(member))
    except (RuntimeError, NotImplementedError) as error:
        raise DataError(f"{member!r} in the zip archive cannot be opened ({error}). Unpack it yourself.") from error


def fingerprint_file(path: "str | Path") -> str:
    """Return a hash of a file's content: 32 hexadecimal digits of BLAKE2b, equal for equal bytes.

    Raises
    ------
    DataError
        Where the file is missing, a folder, empty or cannot be read.
    """
    digest = blake2b(digest_size=16)
    found = locate(path)
    try:
        with found.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise DataError(f"{found}: cannot be read ({error}). Check its permissions.") from error
    return digest.hexdigest()
