"""By which pretrained networks the images of a table are read, and which of them can be read at all."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np

from tamis.core.errors import DataError
from tamis.core.extras import available
from tamis.data.image_files import problem_of
from tamis.data.images.reading import SHOWN, listed
from tamis.data.table import Table
from tamis.neural.backbones import catalogue as known
from tamis.neural.backbones.catalogue import SMALL
from tamis.neural.backbones.spec import UnreachableError
from tamis.neural.images.backbones import find, reading_s
from tamis.pipelines.catalogue import Catalogue
from tamis.run.limits import cpu_count
from tamis.workflow.columns import Columns
from tamis.workflow.planned import Tell
from tamis.workflow.settings import Settings

EMBEDDING = "image_embedding"
NONE = "none"
"""Names no network."""
SHARE = 0.45
"""Of the time that is left, for reading all images once."""
CHECK_SHARE = 0.06
"""Of the time that is left, for opening them beforehand, so that those that are damaged can be named."""
LIBRARIES = ("timm/", "torchvision/")
"""How a name begins that is one of images, whatever else there is."""


def names_for_images(asked: str | None, table: Table) -> list[str]:
    """Return the names among those that were asked for that are of networks for images.

    Where a table has images or texts alone, all are for them; where it has both, those that are known to be of images,
    and files, are for these.

    Examples
    --------
    >>> both = Table((), (), np.empty((0, 0)), {"note": np.empty(0)}, {"photo": np.empty(0)})
    >>> names_for_images("small, all-MiniLM-L6-v2", both)
    ['small']
    """
    names = [name.strip() for name in (asked or "").split(",") if name.strip() not in ("", NONE)]
    if not table.images:
        return []
    return [name for name in names if not table.texts or _is_of_images(name)]


def _is_of_images(name: str) -> bool:
    path = Path(name.rpartition("=")[2]).expanduser()
    return known.find(name) is not None or name.startswith(LIBRARIES) or path.is_file()


def with_images(
    columns: Columns, settings: Settings, catalogue: Catalogue, left_s: float, tell: Tell
) -> tuple[Columns, tuple[str, ...]]:
    """Settle what becomes of a table's image columns; return the columns, and the networks that read the images.

    Where nothing can read them, or the time does not do, they are left out, which is told in a line. Images that are
    not there or damaged are told by row and taken as missing.

    Parameters
    ----------
    columns : Columns
    settings : Settings
    catalogue : Catalogue
    left_s : float
        Seconds left of the run's time.
    tell : callable

    Raises
    ------
    DataError
        Where no image of a column can be read.
    ParameterError
        Where a network is named that is none.
    """
    images = columns.table.images
    if not images:
        return columns, ()
    shown = " and ".join(map(repr, images))
    left_s = inf if settings.is_reproducible else left_s
    backbones: tuple[str, ...] = ()
    if reason := _why_not(settings, catalogue):
        tell(f"warning: the images of {shown} are left out: {reason}")
    else:
        cores = cpu_count() if settings.jobs == -1 else settings.jobs
        checked = _checked(images, cores, CHECK_SHARE * left_s, tell)
        columns = replace(columns, table=replace(columns.table, images=checked))
        n_images = sum(len(set(paths)) for paths in checked.values())
        backbones = _fitting(columns.table, settings, n_images, cores, left_s, tell)
    if backbones:
        return columns, backbones
    schema, table = columns.schema.without(images), replace(columns.table, images={})
    return replace(columns, schema=schema, table=table), ()


def _why_not(settings: Settings, catalogue: Catalogue) -> str:
    """Say why images cannot be read here, empty where they can."""
    if settings.backbone == NONE:
        return "backbone is 'none'"
    if EMBEDDING not in catalogue or not available("PIL"):
        return "what reads them is not installed; pip install 'tamis[neural]'"
    return ""


def _fitting(table: Table, settings: Settings, n_images: int, cores: int, left_s: float, tell: Tell) -> tuple[str, ...]:
    """Return the networks that are asked for, or else ours, as far as the time is enough for them."""
    names = [_opened(name, tell) for name in names_for_images(settings.backbone, table)] or [SMALL]
    seconds = {name: reading_s(name, n_images, cores) for name in names}
    fitting = tuple(name for name in seconds if seconds[name] <= SHARE * left_s)
    shown = " and ".join(map(repr, table.images))
    if fitting:
        spent = sum(map(seconds.__getitem__, fitting))
        tell(f"the images of {shown} are read by {' and '.join(fitting)} (about {spent:.0f} s)")
        return fitting
    quickest = min(seconds, key=seconds.__getitem__)
    tell(
        f"warning: the images of {shown} are left out: {quickest} would take about {seconds[quickest]:.0f} s of the "
        f"{left_s:.0f} s left to read {n_images:,}; give the run more time"
    )
    return ()


def _opened(name: str, tell: Tell) -> str:
    """Return the name by which workers find a network that the user has named; ours where it cannot be had."""
    path = Path(name).expanduser()
    name = str(path.resolve()) if path.exists() else name
    try:
        find(name)
    except UnreachableError as error:
        tell(f"{error} Until then Tamis uses the backbone {SMALL!r} that ships with it.")
        return SMALL
    return name


def _checked(images: dict[str, np.ndarray], cores: int, limit_s: float, tell: Tell) -> dict[str, np.ndarray]:
    """Return the paths without those of images that cannot be read, and tell of these."""
    ends, made = time.monotonic() + limit_s, {}
    for name, paths in images.items():
        problems = _problems(sorted({path for path in paths if path}), cores, ends)
        bad = [row for row, path in enumerate(paths) if path in problems]
        if len(bad) == sum(map(bool, paths)):
            raise DataError(
                f"No image of the column {name!r} can be read, such as {_told(paths, problems, bad[:1])}. Put the "
                "files in their place, or give the column another role."
            )
        if bad:
            tell(
                f"warning: {len(bad):,} of {len(paths):,} images of the column {name!r} cannot be read and are taken "
                f"as missing: {_told(paths, problems, bad)}"
            )
        made[name] = np.array(["" if path in problems else path for path in paths], dtype=object)
    return made


def _told(paths: np.ndarray, problems: dict[str, str], rows: list[int]) -> str:
    """Name the first of some rows, counted from 1 below the header, each with its file and what is wrong with it."""
    return listed([f"row {row + 1} ({paths[row]!r} {problems[paths[row]]})" for row in rows[:SHOWN]], len(rows))


def _problems(paths: Iterable[str], cores: int, ends: float) -> dict[str, str]:
    """Say what is wrong with files, by path; after a time those alone are found that are not there."""

    def look(path: str) -> str:
        if time.monotonic() < ends:
            return problem_of(path)
        return "" if Path(path).is_file() else "does not exist"

    paths = list(paths)
    with ThreadPoolExecutor(max(1, cores)) as pool:
        found = zip(paths, pool.map(look, paths), strict=True)
        return {path: problem for path, problem in found if problem}
