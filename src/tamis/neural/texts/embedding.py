"""Embeddings of text columns by a pretrained encoder: computed once for each text, whoever asks."""

import threading
import time
from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from tamis.core.errors import DataError
from tamis.neural.embeddings.cache import VectorCache, key_of
from tamis.neural.embeddings.frozen import FrozenEmbedding, main_directions
from tamis.neural.embeddings.work import Work, vectors_of
from tamis.neural.texts.backbones import MOST_TOKENS, Located, find

_ENCODERS: dict[str, Any] = {}
_LOADING = threading.Lock()
_CACHES: dict[str, VectorCache] = {}
"""Of this process, by fingerprint: folds and candidates share them."""


def plain_texts(X: Any) -> np.ndarray:
    """Return texts as an object array of strings, empty where there is none: shape (n_rows, n_columns).

    Raises
    ------
    DataError
        Where it does not have two dimensions.
    """
    texts = np.asarray(X, dtype=object)
    if texts.ndim != 2:
        raise DataError(f"A text encoder needs rows and columns; got an array of {texts.ndim} dimensions.")
    made = np.empty(texts.size, dtype=object)
    made[:] = [one if isinstance(one, str) else "" if one is None or one != one else str(one) for one in texts.ravel()]
    return made.reshape(texts.shape)


def joined_texts(texts: np.ndarray) -> list[str]:
    """Return the columns of each row as one text.

    Examples
    --------
    >>> joined_texts(np.array([["A title", "a text"], ["", "alone"]], dtype=object))
    ['A title. a text', 'alone']
    """
    return [". ".join(one.strip() for one in row if one.strip()) for row in texts]


def encoder_of(located: Located) -> Any:
    """Return the encoder, loaded once in the life of a process."""
    from tamis.neural.texts.encoder import Encoder

    with _LOADING:
        if located.fingerprint not in _ENCODERS:
            _ENCODERS.clear()  # one at a time: they are large
            _ENCODERS[located.fingerprint] = Encoder(located)
        return _ENCODERS[located.fingerprint]


def embed(located: Located, texts: Sequence[str], *, threads: int = 1, limit_s: float = inf) -> np.ndarray:
    """Return the vectors of texts: float32 of shape (n_texts, width).

    Parameters
    ----------
    located : Located
    texts : sequence of str
    threads : int
    limit_s : float
        Seconds that it may take.

    Raises
    ------
    TrialError
        As soon as it is foreseen that the time will not do; what was done until then stays in the cache.
    """
    cache = _CACHES.setdefault(located.fingerprint, VectorCache("texts", f"{located.fingerprint}-{MOST_TOKENS}"))
    keys = [key_of(text) for text in texts]
    work = Work(
        "texts",
        located.name,
        load=lambda text: min(len(text), 4 * MOST_TOKENS) + 20,
        reader=lambda: encoder_of(located).encode,
    )
    found = vectors_of(cache, dict(zip(keys, texts, strict=True)), work, threads=threads, limit_s=limit_s)
    width = len(next(iter(found.values()))) if found else 0
    made = np.zeros((len(texts), width), dtype=np.float32)
    for row, key in enumerate(keys):
        made[row] = found[key]
    return made


class TextEmbedding(FrozenEmbedding):
    """Embed texts by a pretrained encoder, which stays as it is.

    Parameters
    ----------
    backbone : str
    joined : bool
        Whether all columns of a row are read as one text; otherwise each gives vectors of its own.
    **options
        Those of `FrozenEmbedding`: `n_components` (the vectors as they are have unit length), `threads`, `limit_s`,
        `ledger`.
    """

    def __init__(self, backbone: str, *, joined: bool = True, **options: Any) -> None:
        super().__init__(backbone, **options)
        self.joined = joined

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Embed the training rows: shape (n_rows, n_vectors)."""
        texts = plain_texts(X)
        self.located = find(self.backbone)
        self.fingerprint_ = self.located.fingerprint
        self.path_ = str(self.located.path)
        self.n_features_in_ = texts.shape[1]
        vectors = self._vectors(texts)
        self.width_ = vectors.shape[1]
        self.mean_: np.ndarray | None = None
        if 0 < self.n_components < vectors.shape[1]:
            self.mean_ = vectors.mean(axis=0)
            self.axes_ = main_directions(vectors - self.mean_, self.n_components)
        return self._projected(vectors)

    def transform(self, X: Any) -> np.ndarray:
        """Embed rows: shape (n_rows, n_vectors).

        Raises
        ------
        DataError
            Where the encoder is not at hand, or is another one.
        """
        texts = plain_texts(X)
        if texts.shape[1] != self.n_features_in_:
            raise DataError(f"There must be {self.n_features_in_} columns of texts; got {texts.shape[1]}.")
        return self._projected(self._vectors(texts))

    def _vectors(self, texts: np.ndarray) -> np.ndarray:
        located = self._again()
        columns = [joined_texts(texts)] if self.joined else [list(column) for column in texts.T]
        made = []
        with self.timed(len(texts)) as end:
            for column in columns:
                if len(column):
                    made.append(embed(located, column, threads=self.threads, limit_s=end - time.monotonic()))
        return np.hstack(made) if made else np.zeros((0, self.width_), dtype=np.float32)

    def _again(self) -> Located:
        """Return the encoder that it was fitted with."""
        if getattr(self, "located", None) is None:
            self.located = located_again(self.backbone, self.path_, self.fingerprint_)
        return self.located

    def _projected(self, vectors: np.ndarray) -> np.ndarray:
        return vectors if self.mean_ is None else (vectors - self.mean_) @ self.axes_

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `note.meaning_7`."""
        names = [f"x{number}" for number in range(self.n_features_in_)] if input_features is None else input_features
        apart = not self.joined and self.mean_ is None
        owners = list(names) if apart else ["+".join(map(str, names))]
        width = self.width_ if self.mean_ is None else self.axes_.shape[1]
        each = width // len(owners)
        made = np.empty(width, dtype=object)
        made[:] = [f"{owner}.meaning_{number}" for owner in owners for number in range(each)]
        return made


def located_again(name: str, path: str, fingerprint: str) -> Located:
    """Find the encoder that something was fitted with, by its name or where it lay.

    Raises
    ------
    DataError
        Where it is not at hand, or what is there under its name is another one.
    """
    lacking: DataError | None = None
    for place in (name, path):
        try:
            located = find(place)
        except DataError as error:
            lacking = lacking or error
            continue
        if located.fingerprint == fingerprint:
            return located
    if lacking is not None:
        raise lacking
    raise DataError(
        f"The model was fitted with an encoder {name!r} of other content than the one that is here under this name. "
        "Put the one of then into a folder and name it in TAMIS_BACKBONES, or fit again."
    )
