"""What reading the texts and images of a table takes, and which configurations are tried first where there are some."""

from collections.abc import Callable, Sequence

from tamis.core.candidate import Candidate
from tamis.core.component import Shape
from tamis.data.dataset import Dataset
from tamis.neural.images.backbones import reading_s as images_s
from tamis.neural.images.backbones import width_of
from tamis.neural.texts.backbones import LOAD_S, known
from tamis.pipelines.recipes import Groups
from tamis.workflow import image_columns
from tamis.workflow.texts import EMBEDDING, TRANSFORMER, characters_of, fine_tuning_s

IMAGES = image_columns.EMBEDDING
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
FIRST_FOR_IMAGES = ("linear-beside", "linear-images", "svm", "lightgbm-quick", "lightgbm-beside")
"""What is tried first where there are images: the other columns alone, which are read at once, then both together."""


def order_for(order: Sequence[str], groups: Groups) -> list[str]:
    """Return the names of starting configurations with those for texts and images in their place.

    Examples
    --------
    >>> order_for(["linear", "linear-words"], Groups(texts=1))[:2]
    ['linear-words', 'linear-words+embedding']
    >>> order_for(["linear"], Groups(numbers=1, images=1, image_backbones=("small",)))[:2]
    ['linear-beside', 'linear-images']
    """
    first: Sequence[str] = ()
    if groups.seen_images:
        first = (*FIRST_FOR_IMAGES, *(FIRST_BESIDE if groups.texts else ()))
    elif groups.texts:
        beside = groups.numbers or groups.levels or groups.dates
        first = (*order[:1], *FIRST_BESIDE) if beside else FIRST_FOR_TEXTS
    return list(dict.fromkeys([*first, *order]))


Preparing = Callable[[Candidate, Shape], tuple[Shape, float]]


def prepared_beside(dataset: Dataset) -> Preparing:
    """Return what says, for a candidate, what its model sees of texts and images: the shape, and the seconds it takes.

    A text is one column of the table and thousands of its model: costs by the table's own shape are far off. What
    pretrained networks read is read once for all, and not counted here (`reading_s`).
    """
    texts, images = dataset.table.texts, dataset.table.images
    characters, n_rows = characters_of(dataset), max(1, dataset.n_rows)
    each = characters / n_rows

    def prepared(candidate: Candidate, shape: Shape) -> tuple[Shape, float]:
        columns = filled = float(max(0, shape.columns - len(texts) - len(images)))
        seconds = 0.0
        for node in candidate.walk():
            directions = float(node.settings.get("n_components") or 0)
            if node.component == IMAGES:
                wide = float(len(images)) * (directions or width_of(str(node.settings.get("backbone"))))
                columns, filled = columns + wide, filled + wide
            if node.component not in MADE:
                continue
            share, per_character, width = MADE[node.component]
            wide = directions or width or min(int(node.settings.get("max_features", 20_000)), 0.3 * characters + 1)
            columns += wide * (1 if node.component == EMBEDDING else len(texts))
            filled += share * each if share and not directions else wide
            seconds += per_character * characters
        whole = max(1.0, columns)
        return Shape(shape.rows, round(whole), shape.classes, min(1.0, max(1e-6, filled / whole))), seconds

    return prepared


def reading_s(dataset: Dataset) -> Callable[[Candidate], float]:
    """Return what says how many more seconds than others the first fold of a candidate may take for what it reads.

    What is read once is kept: no other fold and no other candidate reads it again.
    """
    characters, fine_tuning, preparing = characters_of(dataset), fine_tuning_s(dataset), prepared_beside(dataset)
    n_images = sum(len(set(paths)) for paths in dataset.table.images.values())

    def seconds(candidate: Candidate) -> float:
        if candidate.component == TRANSFORMER:
            return SLACK * fine_tuning(candidate)
        made = SLACK * preparing(candidate, SHAPE)[1]
        named = {(one.component, str(one.settings.get("backbone", ""))) for one in candidate.walk()}
        for name in (name for component, name in named if component == EMBEDDING):
            made += LOAD_S + SLACK * known(name).seconds(dataset.n_rows, characters)
        return made + sum(SLACK * images_s(name, n_images) for component, name in named if component == IMAGES)

    return seconds
