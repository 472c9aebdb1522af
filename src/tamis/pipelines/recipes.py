"""Well-tried ways to prepare the columns of a table, as trees, for models of different needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tamis.core.candidate import Candidate
from tamis.core.kinds import Role
from tamis.pipelines.parts import NUMBER_ROLES

NUMBERS = Candidate.of("columns", {"roles": list(NUMBER_ROLES)})
LEVELS = Candidate.of("columns", {"roles": ["categorical", "high-cardinality"]})
FEW_LEVELS = Candidate.of("columns", {"roles": ["categorical"]})
MANY_LEVELS = Candidate.of("columns", {"roles": ["high-cardinality"]})
DATES = Candidate.of("columns", {"roles": ["date"]})
TEXTS = Candidate.of("columns", {"roles": ["text"]})
IMAGES = Candidate.of("columns", {"roles": ["image"]})
IMAGE_DIRECTIONS = 64
"""Main directions of what a pretrained network sees in images, for models that many columns would slow down."""


@dataclass(frozen=True)
class Groups:
    """How many columns of each group a table has."""

    numbers: int = 0
    few_levels: int = 0
    many_levels: int = 0
    dates: int = 0
    texts: int = 0
    sparse: bool = False
    """The numbers are held as a sparse matrix."""
    backbones: tuple[str, ...] = ()
    """The pretrained encoders that texts may be read by."""
    images: int = 0
    image_backbones: tuple[str, ...] = ()
    """The pretrained networks that images may be read by."""

    @classmethod
    def of(cls, roles: Mapping[str, Role], sparse: bool = False) -> "Groups":
        """Count the columns of each group.

        Examples
        --------
        >>> Groups.of({"age": Role.NUMERIC, "city": Role.CATEGORICAL}).few_levels
        1
        """
        counts = [str(role) for role in roles.values()]
        return cls(
            numbers=sum(counts.count(role) for role in NUMBER_ROLES),
            few_levels=counts.count("categorical"),
            many_levels=counts.count("high-cardinality"),
            dates=counts.count("date"),
            texts=counts.count("text"),
            images=counts.count("image"),
            sparse=sparse,
        )

    @property
    def encoders(self) -> int:
        """Return by how many pretrained encoders the texts may be read."""
        return len(self.backbones) if self.texts else 0

    @property
    def seen_images(self) -> int:
        """Return the count of image columns, 0 where no pretrained network reads them."""
        return self.images if self.image_backbones else 0

    @property
    def beside_images(self) -> int:
        """Return the count of the other columns, 0 where no images are read."""
        others = self.numbers + self.levels + self.dates + self.texts
        return others if self.seen_images else 0

    @property
    def levels(self) -> int:
        """Return the count of columns held as codes."""
        return self.few_levels + self.many_levels


Recipe = Callable[[Groups], Candidate]


def join(parts: list[Candidate]) -> Candidate:
    """Put parts side by side; one part needs no join."""
    return parts[0] if len(parts) == 1 else Candidate.of("join", {}, *parts)


def _over(name: str, inside: Candidate, **parameters: object) -> Candidate:
    return Candidate.of(name, parameters, inside)


def raw(groups: Groups) -> Candidate:
    """Leave numbers and codes as they are: for boosters that know categories and missing values."""
    return join(_raw_parts(groups))


def _raw_parts(groups: Groups) -> list[Candidate]:
    parts = [NUMBERS] * bool(groups.numbers) + [_over("codes", LEVELS)] * bool(groups.levels)
    parts += _seen_parts(groups)
    return parts


def _seen_parts(groups: Groups, directions: int = IMAGE_DIRECTIONS) -> list[Candidate]:
    parts = [_over("date_parts", DATES)] * bool(groups.dates)
    if groups.texts:
        parts += [_over("char_tfidf_svd", TEXTS, n_components=24), _over("text_statistics", TEXTS)]
    if groups.seen_images:
        backbone = groups.image_backbones[0]
        parts.append(_over("image_embedding", IMAGES, backbone=backbone, n_components=directions))
    return parts


def with_target_statistics(groups: Groups) -> Candidate:
    """Add the out-of-fold target statistics and the frequencies of every level."""
    if not groups.levels:
        return raw(groups)
    return join([*_raw_parts(groups), _over("target_statistics", LEVELS), _over("frequency", LEVELS)])


def with_crosses(groups: Groups) -> Candidate:
    """Add crosses: arithmetic of numbers guided by gains, target statistics of pairs of categories."""
    parts = _raw_parts(groups)
    if groups.numbers >= 2:
        parts[0] = _over("arithmetic", NUMBERS)
    if groups.levels >= 2:
        parts.append(_over("category_crosses", LEVELS))
    if groups.levels:
        parts.append(_over("target_statistics", LEVELS))
    return join(parts)


def filled(groups: Groups) -> Candidate:
    """Leave nothing missing and no code unencoded, scales untouched: for forests."""
    parts = [_over("impute", NUMBERS, strategy="median")] * bool(groups.numbers)
    parts += [_over("target_statistics", LEVELS)] * bool(groups.levels)
    if groups.few_levels:
        parts.append(_over("one_hot", FEW_LEVELS))
    parts += [_over("impute", part, strategy="median") for part in _seen_parts(groups)]
    return join(parts)


def scaled(groups: Groups) -> Candidate:
    """Centre and scale everything: for linear models."""
    return join(_smooth_parts(groups, "standardize"))


def gaussian(groups: Groups) -> Candidate:
    """Bring every number to a normal distribution: for kernels, neighbours and networks."""
    return join(_smooth_parts(groups, "quantile_normal"))


def splines(groups: Groups) -> Candidate:
    """Expand the numbers in splines beside their scaled values: curves for linear models."""
    parts = _smooth_parts(groups, "standardize")
    if groups.numbers:
        parts.insert(1, _over("standardize", _over("spline", _over("impute", NUMBERS, strategy="median"))))
    return join(parts)


def whole_images(groups: Groups) -> Candidate:
    """Keep all that a pretrained network sees in the images beside the scaled rest: for linear models."""
    return join(_smooth_parts(groups, "standardize", directions=0))


def beside_images(recipe: Recipe) -> Recipe:
    """Return a recipe that leaves the images aside: what is there before they are read."""

    def without(groups: Groups) -> Candidate:
        return recipe(replace(groups, images=0))

    return without


def _smooth_parts(groups: Groups, scale: str, directions: int = IMAGE_DIRECTIONS) -> list[Candidate]:
    parts = []
    if groups.numbers:
        parts.append(_over(scale, _over("impute", NUMBERS, strategy="median")))
    if groups.few_levels:
        parts.append(_over("one_hot", FEW_LEVELS))
    if groups.many_levels:
        parts.append(_over("standardize", _over("target_statistics", MANY_LEVELS)))
    seen = _seen_parts(groups, directions)
    parts += [_over("standardize", _over("impute", part, strategy="median")) for part in seen]
    return parts


def words(groups: Groups) -> Candidate:
    """Keep the texts as sparse words beside the scaled rest: for linear models of long texts."""
    return join([*_beside_texts(groups, "standardize"), *_word_parts(groups)])


def texts_alone(groups: Groups) -> Candidate:
    """Hand on the texts as they are: for models that read them."""
    return TEXTS


def _beside_texts(groups: Groups, scale: str) -> list[Candidate]:
    return _smooth_parts(replace(groups, texts=0), scale)


def _word_parts(groups: Groups) -> list[Candidate]:
    # Where all columns are texts they belong together, such as a title and its text.
    joined = groups.texts > 1 and not (groups.numbers or groups.levels or groups.dates)
    return [_over(name, TEXTS, joined=joined) for name in ("word_tfidf", "char_tfidf")]


def _meaning(groups: Groups, **parameters: object) -> Candidate:
    return _over("text_embedding", TEXTS, backbone=groups.backbones[0], **parameters)


def words_and_meaning(groups: Groups) -> Candidate:
    """Put what a pretrained encoder reads in the texts beside their words: for linear models."""
    return join([*_beside_texts(groups, "standardize"), *_word_parts(groups), _meaning(groups)])


def meaning(groups: Groups) -> Candidate:
    """Keep of the texts what a pretrained encoder reads in them, beside the scaled rest."""
    return join([*_beside_texts(groups, "standardize"), _over("standardize", _meaning(groups))])


def gaussian_meaning(groups: Groups) -> Candidate:
    """Keep of the texts what a pretrained encoder reads in them, beside the rest brought to normal distributions."""
    return join([*_beside_texts(groups, "quantile_normal"), _meaning(groups, n_components=64)])


def raw_meaning(groups: Groups) -> Candidate:
    """Add the main directions of what a pretrained encoder reads in the texts: for boosters."""
    return join([*_raw_parts(groups), _meaning(groups, n_components=64)])


def sparse(groups: Groups) -> Candidate:
    """Take the sparse matrix as it is."""
    return NUMBERS


def condensed(groups: Groups) -> Candidate:
    """Bring a sparse matrix to a few dense columns."""
    return _over("truncated_svd", NUMBERS)


def with_own(name: str, place: str) -> Recipe:
    """Return the recipe in which a transformer of the user's own has its place beside scaled columns.

    Parameters
    ----------
    name : str
    place : str
        `numbers` or `levels`; empty for one that stands on everything.
    """

    def recipe(groups: Groups) -> Candidate:
        if groups.sparse:
            return _over(name, NUMBERS)
        parts = _smooth_parts(groups, "standardize")
        if place == "numbers":
            parts[0] = _over(name, _over("impute", NUMBERS, strategy="median"))
        elif place == "levels":
            parts = _smooth_parts(replace(groups, few_levels=0, many_levels=0), "standardize")
            parts.insert(bool(groups.numbers), _over(name, LEVELS))
        return join(parts) if place else _over(name, join(parts))

    return recipe
