"""The run's memory: an append-only table of events in SQLite, replayed in order."""

import json
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tamis.core.budget import BudgetView
from tamis.core.contracts import Asked
from tamis.core.errors import CorruptArtefactError, InternalError, RunFolderError, StorageError
from tamis.core.trial import Outcome, Progress, Proposal, Trial

USER_VERSION = 1
"""The format of the table that this version writes."""

_TABLE = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    proposal_id INTEGER,
    json TEXT NOT NULL
)"""

_ASKED, _PROGRESSED, _FINISHED = "asked", "progressed", "finished"

_FULL = frozenset({"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_TRUNCATE", "SQLITE_IOERR_SHMSIZE"})
"""What SQLite calls a write that the disk has no room for: which of them depends on the file it was writing."""


def _plain(value: Any) -> Any:
    """Turn numpy's scalars and arrays into what JSON knows."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"A journal takes JSON values; got {type(value).__name__}: {value!r:.100}")


class SqliteJournal:
    """Remembers what was asked and what came of it.

    It belongs to one process and one thread: the one that made it. What `finished` and `note` remember is on the disk
    when they return; what `asked` and `progressed` remember survives the death of the process at once, and a loss of
    power with the next finished trial. The replay's order is the order of the calls.

    Parameters
    ----------
    path : Path
        The file; made where it does not exist.
    readonly : bool
        Only read: the run may be going on in another process.

    Raises
    ------
    CorruptArtefactError
        Where the file is damaged; `open_journal` saves what can be read.
    RunFolderError
        Where a newer version has written it.
    StorageError
        Where it cannot be opened.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = Path(path)
        self._asked: dict[int, Proposal] = {}
        if readonly and not self.path.is_file():
            raise RunFolderError(f"There is no journal at '{self.path}'. Give the folder that `tamis fit` wrote.")
        try:
            # Each statement commits by itself: an event is whole or not there.
            where = f"{self.path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}"
            self._base = sqlite3.connect(where, timeout=10, isolation_level=None, uri=True)
            if readonly:
                self._base = _readable_anywhere(self._base, self.path)
        except sqlite3.Error as error:
            raise self._worded(error) from error
        try:
            self._prepare(readonly)
        except sqlite3.Error as error:
            self._base.close()
            raise self._worded(error) from error
        except BaseException:
            self._base.close()
            raise

    def _prepare(self, readonly: bool) -> None:
        """Check the file, and make the table."""
        version = int(self._base.execute("PRAGMA user_version").fetchone()[0])
        if version > USER_VERSION:
            raise RunFolderError(
                f"'{self.path}' was written by a newer Tamis (format {version}, this version reads up to "
                f"{USER_VERSION}). Upgrade with: pip install -U tamis"
            )
        verdict = self._base.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(str(verdict))
        if readonly:
            return
        if self._mode("WAL") != "wal":
            self._mode("TRUNCATE")  # network file systems cannot share the memory that a write-ahead log needs
        self._base.execute(_TABLE)
        self._base.execute(f"PRAGMA user_version = {USER_VERSION}")

    def _mode(self, name: str) -> str:
        try:
            return str(self._base.execute(f"PRAGMA journal_mode = {name}").fetchone()[0]).lower()
        except sqlite3.OperationalError:
            return ""

    def asked(self, proposal: Proposal, budget: BudgetView) -> None:
        """Remember a proposal, and what its asker knew of the budget.

        Raises
        ------
        StorageError
            Where the disk is full or gone.
        """
        self._append(_ASKED, proposal.id, {"proposal": proposal.to_json(), "budget": budget.to_json()}, synced=False)
        self._asked[proposal.id] = proposal

    def progressed(self, progress: Progress) -> None:
        """Remember a report that names a checkpoint.

        Raises
        ------
        StorageError
            Where the disk is full or gone.
        """
        record = {"seconds": progress.seconds, "what": dict(progress.what), "checkpoint": progress.checkpoint}
        self._append(_PROGRESSED, progress.proposal_id, record, synced=False)

    def finished(self, trial: Trial) -> None:
        """Remember an outcome; it is on the disk when this returns.

        Raises
        ------
        StorageError
            Where the disk is full or gone.
        """
        record: dict[str, Any] = {"outcome": trial.outcome.to_json()}
        if self._asked.pop(trial.proposal.id, None) != trial.proposal:
            record["proposal"] = trial.proposal.to_json()
        self._append(_FINISHED, trial.proposal.id, record, synced=True)

    def note(self, kind: str, content: Mapping[str, Any]) -> None:
        """Remember something else, such as the start of a sitting; it takes no part in the replay.

        Raises
        ------
        InternalError
            Where the kind is one that the replay uses.
        """
        if kind in (_ASKED, _PROGRESSED, _FINISHED):
            raise InternalError(f"A note cannot be of the kind {kind!r}: the replay uses it.")
        self._append(kind, None, dict(content), synced=True)

    def notes(self, kind: str) -> list[dict[str, Any]]:
        """Return the notes of one kind, in order."""
        return [json.loads(text) for _, _, text in self._rows("kind = ?", kind)]

    def events(self) -> Iterator[Asked | Trial | Progress]:
        """Replay everything in the order in which it was remembered.

        Raises
        ------
        CorruptArtefactError
            Where an event cannot be read.
        """
        asked: dict[int, Proposal] = {}
        for kind, number, text in self._rows("kind IN (?, ?, ?)", _ASKED, _PROGRESSED, _FINISHED):
            try:
                record = json.loads(text)
                if kind == _ASKED:
                    asked[number] = self._asked[number] = Proposal.from_json(record["proposal"])
                    yield Asked(asked[number], BudgetView.from_json(record["budget"]))
                elif kind == _FINISHED:
                    self._asked.pop(number, None)
                    proposal = Proposal.from_json(record["proposal"]) if "proposal" in record else asked[number]
                    yield Trial(proposal, Outcome.from_json(record["outcome"]))
                else:
                    yield Progress(number, record["seconds"], record["what"], record["checkpoint"])
            except (ValueError, KeyError, TypeError) as error:
                raise CorruptArtefactError(
                    f"An event of the trial {number} in '{self.path}' cannot be read ({error!r}). "
                    "Restore the file from a backup, or start the run anew."
                ) from error

    def trials(self) -> Sequence[Trial]:
        """Return what has finished, in order."""
        return [event for event in self.events() if isinstance(event, Trial)]

    def finished_at(self) -> dict[int, float]:
        """Return when each trial was last told, in seconds after the first event, by the machine's clock."""
        first = "SELECT MIN(at) FROM events"
        query = f"SELECT proposal_id, MAX(at) - ({first}) FROM events WHERE kind = ? GROUP BY proposal_id"
        try:
            return {int(number): float(at) for number, at in self._base.execute(query, (_FINISHED,))}
        except sqlite3.Error as error:
            raise self._worded(error) from error

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._base.close()

    def __enter__(self) -> "SqliteJournal":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _append(self, kind: str, number: int | None, record: dict[str, Any], *, synced: bool) -> None:
        text = json.dumps(record, default=_plain, separators=(",", ":"))
        try:
            # In a write-ahead log, NORMAL leaves the commit to the system's cache, FULL brings all before it to the
            # disk.
            self._base.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
            self._base.execute(
                "INSERT INTO events (at, kind, proposal_id, json) VALUES (?, ?, ?, ?)",
                (time.time(), kind, number, text),
            )
        except sqlite3.Error as error:
            raise self._worded(error) from error

    def _rows(self, condition: str, *values: str) -> list[tuple[str, int, str]]:
        query = f"SELECT kind, proposal_id, json FROM events WHERE {condition} ORDER BY seq"
        try:
            return self._base.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._worded(error) from error

    def _worded(self, error: sqlite3.Error) -> InternalError:
        """Tell a full or missing disk, a damaged file and a mistake of ours apart."""
        if getattr(error, "sqlite_errorname", "") in _FULL:
            return StorageError(
                f"The disk is full or failing: the journal '{self.path}' could not be written ({error}). Free some "
                "space and go on with `tamis resume`."
            )
        if isinstance(error, sqlite3.OperationalError):
            return StorageError(
                f"The journal '{self.path}' cannot be read or written ({error}). Check the disk and the permissions, "
                "then go on with `tamis resume`."
            )
        if isinstance(error, sqlite3.ProgrammingError):
            return InternalError(
                f"The journal '{self.path}' was used after it was closed or by a second thread: {error}"
            )
        return CorruptArtefactError(
            f"The journal '{self.path}' is damaged ({error}). Restore it from a backup; `tamis resume` goes on "
            "with the trials that can still be read."
        )


def _readable_anywhere(base: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """Return the base itself, or a copy in memory where its folder cannot be written: SQLite reads a log by writing."""
    try:
        base.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return base
    except sqlite3.OperationalError as error:
        if "readonly" not in str(error) and "unable to open" not in str(error):
            return base
    base.close()
    with TemporaryDirectory(prefix="tamis-") as place:
        copy = Path(place) / path.name
        for suffix in ("", "-wal"):
            if (part := path.with_name(path.name + suffix)).is_file():
                copy.with_name(part.name).write_bytes(part.read_bytes())
        held = sqlite3.connect(":memory:", isolation_level=None)
        with closing(sqlite3.connect(copy, isolation_level=None)) as source:
            source.backup(held)
    return held


def open_journal(path: Path) -> SqliteJournal:
    """Open a journal for writing; where it is damaged, go on with the trials that can still be read, and warn.

    Raises
    ------
    StorageError
        Where the disk is full or gone.
    RunFolderError
        Where a newer version has written it.
    """
    try:
        return SqliteJournal(path)
    except CorruptArtefactError as error:
        n_saved, aside = salvage(path)
        warnings.warn(
            f"{error} It was moved to '{aside.name}', and {n_saved} events were saved. Delete that file to free "
            "its space.",
            RuntimeWarning,
            stacklevel=2,
        )
        return SqliteJournal(path)


def salvage(path: Path) -> tuple[int, Path]:
    """Move a damaged journal aside and rebuild it from the longest beginning that can be read.

    What comes after a gap is left out: a replay needs every event before it.

    Returns
    -------
    n_saved : int
        Count of the events in the new journal.
    aside : Path
        Where the damaged file lies now.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    rows = _readable(path)
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    with SqliteJournal(path) as fresh:
        fresh._base.execute("BEGIN")
        fresh._base.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
        fresh._base.execute("COMMIT")
    return len(rows), aside


def _readable(path: Path) -> list[tuple[Any, ...]]:
    """Return the events from the first on, as far as they are whole."""
    rows: list[tuple[Any, ...]] = []
    base = sqlite3.connect(path)
    try:
        for row in base.execute("SELECT seq, at, kind, proposal_id, json FROM events ORDER BY seq"):
            json.loads(row[4])
            if row[0] != len(rows) + 1:
                break
            rows.append(row)
    except (sqlite3.Error, ValueError, TypeError):
        pass  # from here on nothing can be read
    finally:
        base.close()
    return rows
