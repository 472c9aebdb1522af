"""Opens a run folder before anything heavy is imported, so that a kill in the first second can be resumed too."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tamis.core.version import __version__
from tamis.store.folder import RunFolder, RunRecord
from tamis.workflow.settings import Settings

RUNS = Path("tamis-runs")
"""Where runs go that were given no folder."""


def free_folder(data: str) -> Path:
    """Return a folder for a run on this data that does not exist yet, such as `tamis-runs/houses-2`."""
    stem = Path(str(data)).name.split(".")[0] or "run"
    number = 1
    while (RUNS / f"{stem}-{number}").exists():
        number += 1
    return RUNS / f"{stem}-{number}"


def begin(
    folder: Path | str | None,
    settings: Settings,
    data: str,
    *,
    source: Mapping[str, Any] | None = None,
    replace: bool = False,
) -> RunFolder:
    """Create the run folder and write `run.json` with all that a resume needs.

    Parameters
    ----------
    folder : path or None
        None: a new one under `tamis-runs`.
    settings : Settings
    data : str
        The path or URL of the data, or a word such as `memory` for data that came as objects.
    source : mapping, optional
        What else reading it takes: `sheet`, `query`, and `test`, the path of a table that the audit compares.
    replace : bool
        Whether an earlier run in the folder is removed.

    Raises
    ------
    RunFolderError
        Where the folder is in use, holds something else, or cannot be written.
    """
    settings.check()
    where = str(Path(data).resolve()) if Path(data).exists() else str(data)
    also = {name: value for name, value in (source or {}).items() if value is not None}
    record = RunRecord(settings=settings.to_json(), data={"path": where, **also}, version=__version__)
    return RunFolder.create(Path(folder) if folder is not None else free_folder(data), record, replace=replace)


@contextmanager
def run_place(output: Any) -> Iterator[Path]:
    """Give the folder that was named, or one that is gone afterwards."""
    if output is not None:
        yield Path(output)
        return
    with tempfile.TemporaryDirectory(prefix="tamis-", ignore_cleanup_errors=True) as place:
        yield Path(place) / "run"
