"""A run's folder: what it is (`run.json`), where its parts lie, and the lock that keeps a second process out."""

import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tamis.core.errors import CorruptArtefactError, RunFolderError
from tamis.store.atomic import TEMPORARY, atomic_write, guarded

FORMAT = 1
"""The format of run folders that this version writes; it reads this and older ones."""

_LOCK = ".lock"
_OWNER = ".owner"
_FILES = (
    "journal.sqlite",
    "journal.sqlite-wal",
    "journal.sqlite-shm",
    "journal.sqlite-journal",
    "plan.json",
    "report.html",
)
_FOLDERS = ("model", "data", "artefacts")
"""What a run puts into its folder, and a run that replaces it deletes."""


@dataclass(frozen=True)
class RunRecord:
    """What `run.json` holds."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Every option of the run: JSON values."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Where the data lie and their fingerprint: JSON values."""
    state: str = "running"
    spent_s: float = 0.0
    """Seconds that earlier sittings have spent."""
    version: str = ""
    """The version of Tamis that began the run."""
    created: float = field(default_factory=time.time)
    """Seconds since 1970, UTC."""
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """Return the text of `run.json`."""
        return (json.dumps({"tamis": "run", **asdict(self)}, indent=2) + "\n").encode()


def _read(path: Path) -> RunRecord:
    """Read `run.json` of a folder, or say why it is not one."""
    if not path.exists():
        raise RunFolderError(f"There is no run folder at '{path}'. Give the folder that `tamis fit --output` wrote.")
    if not path.is_dir():
        raise RunFolderError(f"'{path}' is a file, not a run folder. Give the folder that `tamis fit --output` wrote.")
    file = path / "run.json"
    if not file.is_file():
        raise RunFolderError(
            f"'{path}' is not a run folder: it has no run.json. Give the folder that `tamis fit` wrote."
        )
    with guarded(file):
        text = file.read_bytes()
    try:
        values = json.loads(text)
    except ValueError as error:
        raise CorruptArtefactError(
            f"'{file}' is not readable JSON ({error}). Restore it from a backup, or start the run anew."
        ) from error
    if not isinstance(values, dict) or values.get("tamis") != "run" or not isinstance(values.get("format"), int):
        raise RunFolderError(f"'{path}' is not a run folder: its run.json was written by something else.")
    if values["format"] > FORMAT:
        raise RunFolderError(
            f"'{path}' was written by a newer Tamis ({values.get('version') or 'unknown'}): its format is "
            f"{values['format']}, this version reads up to {FORMAT}. Upgrade with: pip install -U tamis"
        )
    known = {one.name for one in fields(RunRecord)}
    return RunRecord(**{name: value for name, value in values.items() if name in known})


class RunFolder:
    """The folder of one run, opened by one process at a time.

    Made by `create` or `open`; used as a context manager, or closed by hand. The lock dies with the process.

    Parameters
    ----------
    path : Path
        The folder.
    record : RunRecord
        What its `run.json` holds.
    lock : FileLock, optional
        Held until `close`; None where the folder is only read.
    """

    def __init__(self, path: Path, record: RunRecord, lock: FileLock | None = None) -> None:
        self.path = path
        self.record = record
        self._lock = lock

    @classmethod
    def create(cls, path: Path | str, record: RunRecord, *, replace: bool = False) -> "RunFolder":
        """Make the folder of a new run and lock it.

        Parameters
        ----------
        path : Path or str
            A folder that does not exist, is empty, or, with `replace`, holds an earlier run.
        record : RunRecord
            What to write into `run.json`.
        replace : bool
            Delete an earlier run that lies there. Other people's files are never deleted.

        Raises
        ------
        RunFolderError
            Where something else lies there, or another process holds it.
        StorageError
            Where the disk is full or the folder cannot be written.
        """
        path = Path(path).absolute()
        if path.exists() and not path.is_dir():
            raise RunFolderError(f"'{path}' is a file; a run needs a folder. Choose another name for --output.")
        with guarded(path):
            path.mkdir(parents=True, exist_ok=True)
            earlier = (path / "run.json").exists()
            foreign = [] if earlier else [one.name for one in path.iterdir() if not _leftover(one.name)]
        if foreign:
            raise RunFolderError(
                f"'{path}' is not empty (it holds {foreign[0]!r}) and is not a run folder. "
                "Choose a new or an empty folder."
            )
        if earlier and not replace:
            raise RunFolderError(
                f"'{path}' already holds a run. Go on with it by `tamis resume {path}`, choose another folder, "
                "or delete it first (as `tamis fit --force` does)."
            )
        if earlier:
            _read(path)  # only what is certainly a run is deleted
        lock = _locked(path)
        try:
            folder = cls(path, record, lock)
            with guarded(path):
                folder._clear()
                atomic_write(path / "run.json", record.to_bytes())
                folder.artefacts.mkdir(exist_ok=True)
        except BaseException:
            lock.release()
            raise
        return folder

    @classmethod
    def open(cls, path: Path | str, *, lock: bool = True) -> "RunFolder":
        """Open the folder of a run that exists.

        Parameters
        ----------
        path : Path or str
            The run's folder.
        lock : bool
            Whether the caller will write: a second writer is refused. Readers need no lock.

        Raises
        ------
        RunFolderError
            Where it is not a run folder, is of a newer format, or another process holds it.
        CorruptArtefactError
            Where `run.json` cannot be read.
        """
        path = Path(path).absolute()
        if not lock:
            return cls(path, _read(path))
        _read(path)
        held = _locked(path)
        try:
            return cls(path, _read(path), held)  # read again: its last owner may have written until now
        except BaseException:
            held.release()
            raise

    @property
    def journal(self) -> Path:
        """The path of the journal."""
        return self.path / "journal.sqlite"

    @property
    def artefacts(self) -> Path:
        """The folder of the artefacts."""
        return self.path / "artefacts"

    @property
    def model(self) -> Path:
        """The folder of what predicts."""
        return self.path / "model"

    def update(self, **changed: Any) -> RunRecord:
        """Change some fields of `run.json`, at once and whole.

        Raises
        ------
        StorageError
            Where it cannot be written; the old record then remains.
        """
        record = replace(self.record, **changed)
        atomic_write(self.path / "run.json", record.to_bytes())
        self.record = record
        return record

    def close(self) -> None:
        """Release the lock; may be called twice."""
        if self._lock is not None:
            with suppress(OSError):
                (self.path / _OWNER).unlink()
            self._lock.release()
            self._lock = None

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _clear(self) -> None:
        """Delete an earlier run, its journal first: a crash in between leaves a run without trials, not a wrong one."""
        for name in _FILES:
            (self.path / name).unlink(missing_ok=True)
        for name in _FOLDERS:
            folder = self.path / name
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)


def _leftover(name: str) -> bool:
    """Tell whether a name may remain from a run that died before it had a `run.json`."""
    return name in (_LOCK, _OWNER) or name.startswith(TEMPORARY)


def _locked(path: Path) -> FileLock:
    """Take the lock and write down who holds it, or say who does."""
    lock = FileLock(path / _LOCK, thread_local=False)
    owner = path / _OWNER
    with guarded(path):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            who = "another process"
            with suppress(OSError, ValueError):
                who = f"the process {int(owner.read_text())}"
            raise RunFolderError(
                f"'{path}' is in use by {who}. Wait until it is done, stop it, or choose another folder."
            ) from None
        try:
            owner.write_text(str(os.getpid()))
        except BaseException:
            lock.release()
            raise
    return lock
