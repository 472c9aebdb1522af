"""One file that holds several: a ZIP archive behind a magic line, read under caps."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from tamis.core.errors import CorruptArtefactError, InternalError, RunFolderError

FORMAT = 1
"""The format of containers that this version writes."""

MAX_FILES = 20_000
MAX_BYTES = 8 << 30

_MAGIC = b"TAMIS-PART "
_META = "meta.json"
_FOLDER = "files/"


def pack(files: Mapping[str, bytes], meta: Mapping[str, Any] | None = None, *, compressed: bool = True) -> bytes:
    """Put files and a record of JSON values into one container.

    Equal content gives equal bytes: no time is written.

    Parameters
    ----------
    files : mapping of str to bytes
        By name; names are relative, with forward slashes.
    meta : mapping, optional
        JSON values.
    compressed : bool
        Deflate at the quickest level, or only store.

    Returns
    -------
    bytes

    Examples
    --------
    >>> unpack(pack({"weights.npy": b"123"}, {"kind": "model"}))
    ({'kind': 'model'}, {'weights.npy': b'123'})
    """
    buffer = io.BytesIO()
    buffer.write(_MAGIC + str(FORMAT).encode() + b"\n")
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "a", method, compresslevel=1) as archive:
        _add(archive, _META, json.dumps(dict(meta or {}), sort_keys=True).encode(), method)
        for name, content in files.items():
            if not _is_safe(name):
                raise InternalError(f"A container's file needs a relative name without '..'; got {name!r}.")
            _add(archive, _FOLDER + name, content, method)
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, method: int) -> None:
    info = zipfile.ZipInfo(name)  # dated 1980: the time must not change the hash
    info.compress_type = method
    archive.writestr(info, content)


def unpack(content: bytes, *, max_bytes: int = MAX_BYTES) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read what `pack` wrote.

    Returns
    -------
    meta : dict
    files : dict of str to bytes

    Raises
    ------
    CorruptArtefactError
        Where it is no container, is damaged, names a file outside itself, or unpacks to more than `max_bytes`.
    RunFolderError
        Where a newer version has written it.
    """
    line = content[:64].partition(b"\n")[0]
    if not line.startswith(_MAGIC) or not line[len(_MAGIC) :].isdigit():
        raise CorruptArtefactError(f"This is not a file of fitted parts: it begins with {content[:16]!r}.")
    version = int(line[len(_MAGIC) :])
    if version > FORMAT:
        raise RunFolderError(
            f"These fitted parts were written by a newer Tamis (format {version}, this version reads up to {FORMAT}). "
            "Upgrade with: pip install -U tamis"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_archive(archive, max_bytes)
            held = {info.filename: archive.read(info) for info in archive.infolist()}
        meta = json.loads(held.pop(_META))
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError, NotImplementedError, RuntimeError, OSError) as error:
        if isinstance(error, CorruptArtefactError):
            raise
        raise CorruptArtefactError(f"A file of fitted parts is damaged ({error}). Restore it, or fit again.") from error
    if not isinstance(meta, dict) or not all(name.startswith(_FOLDER) for name in held):
        raise CorruptArtefactError("A file of fitted parts has another layout than Tamis writes. Fit again.")
    return meta, {name.removeprefix(_FOLDER): part for name, part in held.items()}


def check_archive(archive: zipfile.ZipFile, max_bytes: int = MAX_BYTES) -> None:
    """Refuse an archive that is a bomb, or whose names lead out of it.

    Raises
    ------
    CorruptArtefactError
        Naming what is wrong.
    """
    infos = archive.infolist()
    if len(infos) > MAX_FILES:
        raise CorruptArtefactError(f"A file of fitted parts holds {len(infos)} files; at most {MAX_FILES} are read.")
    total = sum(info.file_size for info in infos)
    if total > max_bytes:
        raise CorruptArtefactError(f"A file of fitted parts unpacks to {total} bytes; at most {max_bytes} are read.")
    seen: set[str] = set()
    for info in infos:
        name = info.filename
        if not _is_safe(name) or name in seen:
            raise CorruptArtefactError(f"A file of fitted parts holds the name {name!r}, which is refused.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise CorruptArtefactError(f"A file of fitted parts holds {name!r} in a form that Tamis does not write.")
        seen.add(name)


def _is_safe(name: str) -> bool:
    """Tell whether a name stays below the folder it is put in, on every system."""
    path = PurePosixPath(name)
    plain = bool(name) and not set(name) & set("\\:\0") and not name.endswith("/")
    return plain and not path.is_absolute() and ".." not in path.parts and str(path) == name
