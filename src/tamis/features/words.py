"""Turns texts into numbers: weighted n-grams, their main directions, hashes of n-grams, and plain counts."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, CostEstimate, Shape
from tamis.core.extras import require
from tamis.core.kinds import Role
from tamis.core.seeds import derive
from tamis.core.space import Choice, Int, Space
from tamis.features.texts import distinct, joined_columns, read_texts
from tamis.features.transformer import Matrix, Transformer, as_names, column_names, is_sparse, sample_rows, side_by_side

WORDS_AND_MARKS = r"(?u)\b\w+\b|[^\w\s]"
"""Words of one letter too, and every mark and emoji: over three sets of texts 3 % off the log loss of the words."""
FIT_CHARACTERS = 3_000_000
"""The vocabulary is learned from rows that have about so many characters together."""


class Ngrams(Transformer):
    """Weigh the n-grams of each text column by TF-IDF, and project them on their main directions if asked to.

    Parameters
    ----------
    analyzer : {"char_wb", "word"}
    shortest, longest : int
        The lengths of the n-grams.
    max_features : int
        Of each column.
    n_components : int
        Directions of latent semantic analysis by column; 0 hands the n-grams on as CSR.
    sample : int
        At most so many rows are learned from.
    max_characters : int
        Texts are cut to this length.
    seed : int
    marks : bool
        Whether words of one letter, punctuation marks and emoji count as words.
    joined : bool
        Whether all columns of a row are read as one text.
    """

    def __init__(
        self,
        analyzer: str = "word",
        *,
        shortest: int = 1,
        longest: int = 2,
        max_features: int = 20_000,
        n_components: int = 0,
        sample: int = 20_000,
        max_characters: int = 2000,
        seed: int = 0,
        marks: bool = False,
        joined: bool = False,
    ) -> None:
        self.analyzer = analyzer
        self.shortest = shortest
        self.longest = longest
        self.max_features = max_features
        self.n_components = n_components
        self.sample = sample
        self.max_characters = max_characters
        self.seed = seed
        self.marks = marks
        self.joined = joined

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn vocabularies, weights and directions."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> Matrix:
        """Learn, and return the training rows; what was counted to learn is not counted again."""
        texts = read_texts(X)
        self.n_features_in_ = texts.shape[1]
        texts = joined_columns(texts) if self.joined else texts
        self.vectorizers_: list[Any] = []
        self.projections_: list[Any] = []
        counted = []
        for column in texts.T:
            documents = self._documents(column)
            vectorizer, weights = self._vectorizer(documents)
            self.vectorizers_.append(vectorizer)
            project = self.n_components > 0 and vectorizer is not None
            self.projections_.append(self._projection(weights) if project else None)
            counted.append(weights if len(documents) == len(column) else None)
        return self._made(texts, counted)

    def _documents(self, column: np.ndarray) -> list[str]:
        some = [text[: self.max_characters] for text in column[sample_rows(len(column), self.sample, self.seed)]]
        length = sum(map(len, some))
        if length > FIT_CHARACTERS:
            few = max(100, int(len(some) * FIT_CHARACTERS / length))
            some = [some[row] for row in sample_rows(len(some), few, self.seed)]
        return some

    def _vectorizer(self, documents: list[str]) -> tuple[Any, Any]:
        """Return a fitted vectorizer and what it makes of the texts, None where these have no n-gram at all."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        # An n-gram of one text tells nothing of the others; in few rows there are few others.
        for least in (2, 1) if len(documents) >= 50 else (1,):
            vectorizer = TfidfVectorizer(
                analyzer=self.analyzer,
                ngram_range=(self.shortest, self.longest),
                max_features=self.max_features,
                min_df=least,
                sublinear_tf=True,
                dtype=np.float32,
                **({"token_pattern": WORDS_AND_MARKS} if self.marks and self.analyzer == "word" else {}),
            )
            try:
                return vectorizer, vectorizer.fit_transform(documents)
            except ValueError:  # no n-gram is left
                continue
        return None, None

    def _projection(self, weights: Any) -> Any:
        from sklearn.decomposition import TruncatedSVD

        rank = min(self.n_components, weights.shape[1] - 1, weights.shape[0])
        if weights.shape[1] < 2 or rank < 1:
            return None
        with np.errstate(all="ignore"):  # texts that are all alike have no variance to explain
            return TruncatedSVD(rank, n_iter=3, random_state=self.seed).fit(weights)

    def transform(self, X: Any) -> Matrix:
        """Return CSR of n-grams, or an array of directions, the columns side by side."""
        texts = read_texts(X)
        self.check_width(texts)
        texts = joined_columns(texts) if self.joined else texts
        return self._made(texts, [None] * texts.shape[1])

    def _made(self, texts: np.ndarray, counted: Sequence[Any]) -> Matrix:
        made: list[Any] = []
        parts = zip(texts.T, self.vectorizers_, self.projections_, counted, strict=True)
        for column, vectorizer, projection, weights in parts:
            if vectorizer is None:
                made.append(sparse.csr_matrix(np.zeros((len(column), 1), dtype=np.float32)))
                continue
            rows: Any = slice(None)
            if weights is None:
                different, rows = distinct(column, self.max_characters)
                weights = vectorizer.transform(different or [""])  # no rows at all still need their columns
            made.append((weights if projection is None else np.asarray(projection.transform(weights)))[rows])
        if self.n_components:
            return side_by_side([one.toarray() if is_sparse(one) else one for one in made], len(texts))
        return sparse.hstack(made, format="csr", dtype=np.float32)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `note:refund` and `note.word_3`."""
        found = []
        names = column_names(input_features, self.n_features_in_)
        names = ["+".join(names)] if self.joined else names
        kind = self.analyzer.partition("_")[0]
        for name, vectorizer, projection in zip(names, self.vectorizers_, self.projections_, strict=True):
            if vectorizer is None:
                found.append(f"{name}.{kind}_none")
            elif projection is None:
                found.extend(f"{name}:{one}" for one in vectorizer.get_feature_names_out())
            else:
                found.extend(f"{name}.{kind}_{number}" for number in range(len(projection.components_)))
        return as_names(found)


COUNTS = (
    "characters", "words", "word_length", "distinct_words", "digits", "capitals", "punctuation", "spaces", "lines",
    "sentence_ends", "is_empty",
)  # fmt: skip


class TextStatistics(Transformer):
    """Describe each text by its length and by what it is made of.

    Lengths are logarithms of one more than the count; digits, capitals, punctuation and spaces are shares of the
    characters; distinct words are a share of the words.

    Examples
    --------
    >>> made = TextStatistics().fit_transform([["Two words"], [""]])
    >>> float(made[0, COUNTS.index("word_length")]), float(made[1, COUNTS.index("is_empty")])
    (4.0, 1.0)
    """

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Remember the count of columns."""
        self.n_features_in_ = read_texts(X).shape[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the numbers of `COUNTS` for each column."""
        texts = read_texts(X)
        self.check_width(texts)
        made = []
        for column in texts.T:
            different, rows = distinct(column, 10_000)
            table = np.array([_describe(text) for text in different], dtype=np.float64).reshape(-1, len(COUNTS))
            made.append(table[rows])
        return side_by_side(made, len(texts))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `note.words`."""
        return as_names(
            [f"{name}.{one}" for name in column_names(input_features, self.n_features_in_) for one in COUNTS]
        )


def _describe(text: str) -> tuple[float, ...]:
    words = text.split()
    length, n_words = max(1, len(text)), max(1, len(words))
    digits = sum(map(str.isdigit, text))
    spaces = sum(map(str.isspace, text))
    alphanumeric = sum(map(str.isalnum, text))
    return (
        np.log1p(len(text)),
        np.log1p(len(words)),
        sum(map(len, words)) / n_words,
        len(set(words)) / n_words,
        digits / length,
        sum(map(str.isupper, text)) / length,
        (len(text) - alphanumeric - spaces) / length,
        spaces / length,
        np.log1p(text.count("\n")),
        np.log1p(text.count(".") + text.count("!") + text.count("?")),
        float(not text.strip()),
    )


class MinHash(Transformer):
    """Hash the n-grams of short, dirty texts, so that alike texts get alike numbers (Cerda and Varoquaux, 2020).

    Parameters
    ----------
    n_components : int
        Columns for each text column.
    """

    def __init__(self, n_components: int = 30) -> None:
        self.n_components = n_components

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Remember the count of columns: hashes learn nothing."""
        self.n_features_in_ = read_texts(X).shape[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the hashes.

        Raises
        ------
        MissingExtraError
            Where skrub is not installed.
        """
        import pandas as pd

        encoder = require("skrub", "text").MinHashEncoder(n_components=self.n_components)
        texts = read_texts(X)
        self.check_width(texts)
        made = []
        for column in texts.T:
            different, rows = distinct(column, 1000)
            # A text in front keeps a batch of empty strings, or of none, in the form the encoder expects.
            series = pd.Series(["text", *different], name="text", dtype="str")
            made.append(np.nan_to_num(np.asarray(encoder.fit_transform(series), dtype=np.float64))[1:][rows])
        return side_by_side(made, len(texts))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `name.minhash_7`."""
        names = column_names(input_features, self.n_features_in_)
        return as_names([f"{name}.minhash_{number}" for name in names for number in range(self.n_components)])


def _seed(context: BuildContext) -> int:
    return derive(context.seed, "words")


def _build_char_svd(parameters: Mapping[str, Any], context: BuildContext) -> Ngrams:
    settings = {"shortest": 3, "longest": 5, "n_components": 50, "max_characters": 1000, **parameters}
    return Ngrams("char_wb", seed=_seed(context), **settings)


def _build_word_svd(parameters: Mapping[str, Any], context: BuildContext) -> Ngrams:
    return Ngrams("word", seed=_seed(context), **{"n_components": 50, "max_characters": 5000, **parameters})


def _build_char(parameters: Mapping[str, Any], context: BuildContext) -> Ngrams:
    settings = {"shortest": 2, "longest": 5, "max_characters": 1000, **parameters}
    return Ngrams("char_wb", seed=_seed(context), **settings)


def _build_word(parameters: Mapping[str, Any], context: BuildContext) -> Ngrams:
    return Ngrams("word", seed=_seed(context), **{"max_characters": 5000, "marks": True, **parameters})


def _build_statistics(parameters: Mapping[str, Any], context: BuildContext) -> TextStatistics:
    return TextStatistics()


def _build_minhash(parameters: Mapping[str, Any], context: BuildContext) -> MinHash:
    return MinHash(**parameters)


def _per_text(seconds: float, megabytes: float, fixed: float = 0.01) -> CostEstimate:
    """Return an estimate for texts of some two hundred characters."""

    def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
        texts = shape.rows * max(1, shape.columns)
        wide = int(parameters.get("n_components", 0))
        learned = min(shape.rows, 20_000) * max(1, shape.columns)
        return Cost(fixed + seconds * (texts + learned) + 3e-6 * wide * learned, 20 + (megabytes + 8e-6 * wide) * texts)

    return cost


_DIRECTIONS = Int(10, 200, log=True, default=50)
_VOCABULARY = Choice([5_000, 20_000, 50_000], default=20_000, ordered=True)
_JOINED = Choice([False, True])
_LARGE_VOCABULARY = Choice([5_000, 20_000, 50_000], default=50_000, ordered=True)


def _component(name: str, build: Any, own: str, summary: str, **more: Any) -> Component:
    own = f"tamis.features.words.{own}"
    settings = {"takes_weights": False, "missing": True, "classes": (own,), "source": own, **more}
    return Component(name, ComponentKind.TRANSFORMER, build, roles=frozenset({Role.TEXT}), summary=summary, **settings)


COMPONENTS = (
    _component(
        "char_tfidf_svd",
        _build_char_svd,
        "Ngrams",
        "main directions of character n-grams",
        space=Space({"n_components": _DIRECTIONS, "max_features": _VOCABULARY}),
        cost=_per_text(3e-4, 6e-3),
    ),
    _component(
        "word_tfidf_svd",
        _build_word_svd,
        "Ngrams",
        "main directions of words and word pairs",
        space=Space({"n_components": _DIRECTIONS, "max_features": _VOCABULARY, "longest": Choice([1, 2], default=2)}),
        cost=_per_text(7e-5, 1e-3),
    ),
    _component(
        "char_tfidf",
        _build_char,
        "Ngrams",
        "weights of character n-grams, sparse",
        space=Space({"max_features": _LARGE_VOCABULARY, "joined": _JOINED}),
        cost=_per_text(3e-4, 6e-3),
    ),
    _component(
        "word_tfidf",
        _build_word,
        "Ngrams",
        "weights of words and word pairs, sparse",
        space=Space({"max_features": _LARGE_VOCABULARY, "longest": Choice([1, 2], default=2), "joined": _JOINED}),
        cost=_per_text(7e-5, 1e-3),
    ),
    _component(
        "text_statistics",
        _build_statistics,
        "TextStatistics",
        "length of texts and what they are made of",
        cost=_per_text(1.5e-5, 2e-4),
    ),
    _component(
        "minhash",
        _build_minhash,
        "MinHash",
        "hashes of the n-grams of short texts",
        space=Space({"n_components": Int(10, 100, log=True, default=30)}),
        cost=_per_text(2e-4, 5e-4),
        extra="text",
        module="skrub",
    ),
)
