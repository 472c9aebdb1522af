"""Well-tried ways to prepare the columns of a table, as trees, for models of different needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tamis.core.candidate import Candidate
from tamis.core.kinds import Role
from tamis.pipelines.parts import NUMBER_ROLES

NUMBERS = Candidate.of("columns", {"roles": list(NUMBER_ROLES)})
LEVELS = Candidate.of("columns", {"roles": ["categorical", "high-cardinality"]})
FEW_LEVELS = Candidate.of("columns", {"roles": ["categorical"]})
MANY_LEVELS = Candidate.of("columns", {"roles": ["high-cardinality"]})
DATES = Candidate.of("columns", {"roles": ["date"]})
TEXTS = Candidate.of("columns", {"roles": ["text"]})


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
            sparse=sparse,
        )

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


def _seen_parts(groups: Groups, n_components: int = 24) -> list[Candidate]:
    parts = [_over("date_parts", DATES)] * bool(groups.dates)
    if groups.texts:
        parts += [_over("char_tfidf_svd", TEXTS, n_components=n_components), _over("text_statistics", TEXTS)]
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


def _smooth_parts(groups: Groups, scale: str) -> list[Candidate]:
    parts = []
    if groups.numbers:
        parts.append(_over(scale, _over("impute", NUMBERS, strategy="median")))
    if groups.few_levels:
        parts.append(_over("one_hot", FEW_LEVELS))
    if groups.many_levels:
        parts.append(_over("standardize", _over("target_statistics", MANY_LEVELS)))
    parts += [_over("standardize", _over("impute", part, strategy="median")) for part in _seen_parts(groups)]
    return parts


def words(groups: Groups) -> Candidate:
    """Keep the texts as sparse words beside the scaled rest: for linear models of long texts."""
    parts = _smooth_parts(Groups(groups.numbers, groups.few_levels, groups.many_levels, groups.dates), "standardize")
    return join([*parts, _over("word_tfidf", TEXTS), _over("char_tfidf", TEXTS)])


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
            others = Groups(numbers=groups.numbers, dates=groups.dates, texts=groups.texts)
            parts = _smooth_parts(others, "standardize")
            parts.insert(bool(groups.numbers), _over(name, LEVELS))
        return join(parts) if place else _over(name, join(parts))

    return recipe
