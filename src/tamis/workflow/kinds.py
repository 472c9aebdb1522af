"""The kinds of data that a run can be about: how each is read, planned and searched, and who works on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Protocol

from tamis.core.component import Component
from tamis.core.contracts import Strategy
from tamis.core.errors import ParameterError, RunFolderError
from tamis.run.limits import cpu_count
from tamis.store.folder import RunFolder
from tamis.workflow.planned import Planned, Tell
from tamis.workflow.settings import Settings

SHORT_S = 8.0
"""With no more time than this one core is left to the parent: it reads while the workers import."""
MOST_WORKERS = 16

TABLE_PRELOAD = (
    "tamis.workflow.objective",
    "sklearn.linear_model",
    "sklearn.preprocessing",
    "sklearn.impute",
    "--",
    "lightgbm",
    "sklearn.ensemble",
    "sklearn.decomposition",
    "sklearn.feature_extraction.text",
    "catboost",
    "xgboost",
    "sklearn.svm",
)
IMAGE_PRELOAD = ("torch", "tamis.workflow.images.objective")

INLINE_CELLS = 100_000
INLINE_SECONDS = 5.0
INLINE_TRIALS = 10
"""Small tables with so short a limit, or so few trials, are worked on in this process: starting workers costs more."""


@dataclass(frozen=True)
class PlanContext:
    """What planning is told beside the data."""

    folder: RunFolder
    settings: Settings
    left_s: float
    tell: Tell
    metric: Any = None
    components: Sequence[Component] = ()


class Kind(Protocol):
    """A kind of data."""

    name: str
    preload: Sequence[str]
    """What workers import while the data is being read; what comes after "--", while they have nothing to do."""

    def workers(self, settings: Settings) -> tuple[int, int]:
        """Return how many workers there are at most, and the threads of all together."""

    def inline(self, settings: Settings, given: Any) -> bool:
        """Tell whether the data is so small that this process works on it itself."""

    def read(self, folder: RunFolder, tell: Tell) -> Any:
        """Read the data from where `run.json` says."""

    def plan(self, given: Any, context: PlanContext) -> Planned:
        """Decide everything that is decided before the search begins."""

    def open_plan(self, path: Path, settings: Settings) -> Planned:
        """Take up the plan that an earlier sitting kept."""

    def strategy(self, plan: Any, given: Any) -> Strategy:
        """Compose the strategy of a run."""


def in_memory(folder: RunFolder) -> RunFolderError:
    """Return the error for a run whose data is gone with the process that held it."""
    return RunFolderError(
        f"The run in {folder.path} was begun on data in memory and ended before it was prepared; "
        "start it anew with fit."
    )


class Tables:
    """Rows and columns."""

    name: str = "table"
    preload: Sequence[str] = TABLE_PRELOAD

    def workers(self, settings: Settings) -> tuple[int, int]:
        """Give every core a worker; in a short run one core is left to this process."""
        jobs = cpu_count() if settings.jobs == -1 else settings.jobs
        return min(jobs if settings.limit_s > SHORT_S else max(1, jobs - 1), MOST_WORKERS), jobs

    def inline(self, settings: Settings, given: Any) -> bool:
        """Tell whether the table is small and the time short."""
        shape = getattr(given.rows, "shape", None)
        cells = shape[0] * shape[1] if shape is not None and len(shape) == 2 else inf
        short = settings.limit_s <= INLINE_SECONDS or (settings.max_trials or inf) <= INLINE_TRIALS
        return bool(cells <= INLINE_CELLS and short)

    def read(self, folder: RunFolder, tell: Tell) -> Any:
        """Read a file or a database."""
        from tamis.data.read import read_table
        from tamis.workflow.plan import Given

        where = folder.record.data
        if where["path"] == "memory":
            raise in_memory(folder)
        reading = read_table(where["path"], sheet=where.get("sheet"), query=where.get("query"))
        for line in reading.notes:
            tell(line)
        test = read_table(where["test"], layout=reading.layout).frame if where.get("test") else None
        return Given(reading.frame, test=test, layout=reading.layout)

    def plan(self, given: Any, context: PlanContext) -> Planned:
        """Type the columns, audit, draw the folds and list the first candidates."""
        from tamis.workflow.plan import make_plan

        return make_plan(
            context.folder.path,
            context.settings,
            given,
            left_s=context.left_s,
            tell=context.tell,
            metric=context.metric,
            components=context.components,
        )

    def open_plan(self, path: Path, settings: Settings) -> Planned:
        """Read `plan.json`; the rows lie beside it."""
        from tamis.workflow.plan import Plan

        return Plan.open(path, settings)

    def strategy(self, plan: Any, given: Any) -> Strategy:
        """Race whole candidates over the folds."""
        from tamis.workflow.strategies import strategy_for

        return strategy_for(plan, given)


class Images:
    """Pictures, each with a class or a number."""

    name: str = "images"
    preload: Sequence[str] = IMAGE_PRELOAD

    def workers(self, settings: Settings) -> tuple[int, int]:
        """Give every graphics card a worker, or else every core."""
        from tamis.run.limits import gpu_count

        jobs = cpu_count() if settings.jobs == -1 else settings.jobs
        cards = gpu_count()
        return (min(cards, jobs), jobs) if cards else (min(jobs, MOST_WORKERS), jobs)

    def inline(self, settings: Settings, given: Any) -> bool:
        """Never: training in this process could not be stopped."""
        return False

    def read(self, folder: RunFolder, tell: Tell) -> Any:
        """Find the images and their labels; they are decoded when the plan is made."""
        from tamis.workflow.images.plan import GivenImages

        where = folder.record.data
        if where["path"] == "memory":
            raise in_memory(folder)
        return GivenImages(where["path"], image=where.get("image"), classes=where.get("classes", False))

    def plan(self, given: Any, context: PlanContext) -> Planned:
        """Choose the form, decode, and hold images out."""
        from tamis.workflow.images.plan import make_image_plan

        if context.settings.include or context.settings.exclude:
            raise ParameterError(
                "The parameters 'include' and 'exclude' are about models for tables; for images 'space' says which "
                "networks are searched, and 'backbone' which pretrained ones."
            )
        return make_image_plan(given, context.folder.path, context.settings, left_s=context.left_s, tell=context.tell,
                               metric=context.metric)  # fmt: skip

    def open_plan(self, path: Path, settings: Settings) -> Planned:
        """Read `plan.json`; the decoded images lie beside it."""
        from tamis.workflow.images.plan import ImagePlan

        return ImagePlan.open(path, settings)

    def strategy(self, plan: Any, given: Any) -> Strategy:
        """Search architectures, then train the best for the rest of the time."""
        from tamis.workflow.images.strategies import strategy_for_images

        return strategy_for_images(plan, given)


KINDS: tuple[Kind, ...] = (Tables(), Images())


def kind_of(folder: RunFolder) -> Kind:
    """Return the kind of data that a run is about, as its `run.json` says."""
    name = folder.record.data.get("kind", "table")
    for one in KINDS:
        if one.name == name:
            return one
    raise RunFolderError(f"The run in {folder.path} is about {name!r}, which this version of Tamis does not know.")
