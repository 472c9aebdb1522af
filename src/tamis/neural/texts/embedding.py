"""Embeddings of text columns by a pretrained encoder: computed once for each text, whoever asks."""

import os
import time
from collections.abc import Sequence
from math import inf
from typing import Any, Self

import numpy as np

from tamis.core.errors import DataError, TrialError
from tamis.core.seeds import generator
from tamis.neural.texts.backbones import MOST_TOKENS, Located, find
from tamis.neural.texts.cache import VectorCache, key_of

CHUNK = 96
"""Texts that are kept together once they are done: what others did meanwhile is seen between two chunks."""
SURE_S = 0.7
"""After so many seconds of work the time of the rest is foretold."""
HOLDS = 0.95
"""Share of the seconds that may be used."""

_ENCODERS: dict[str, Any] = {}
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

    if located.fingerprint not in _ENCODERS:
        _ENCODERS.clear()  # one at a time: they are large
        _ENCODERS[located.fingerprint] = Encoder(located)
    return _ENCODERS[located.fingerprint]


def embed(located: Located, texts: Sequence[str], *, threads: int = 1, limit_s: float = inf) -> np.ndarray:
    """Return the vectors of texts: float32 of shape (n_texts, width).

    What was embedded before, here or by another process, is taken from the cache. Processes that work on the same texts
    at the same time share the work: each takes the chunks in an order of its own, and leaves out what is done.

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
    began = time.monotonic()
    cache = _CACHES.setdefault(located.fingerprint, VectorCache(f"{located.fingerprint}-{MOST_TOKENS}"))
    keys = [key_of(text) for text in texts]
    found = cache.get(keys)
    lacking = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
    if lacking:
        _work_off(located, cache, lacking, threads, began + HOLDS * limit_s)
        found = cache.get(keys)
    width = len(next(iter(found.values()))) if found else 0
    made = np.zeros((len(texts), width), dtype=np.float32)
    for row, key in enumerate(keys):
        made[row] = found[key]
    return made


def _work_off(located: Located, cache: VectorCache, lacking: dict[bytes, str], threads: int, end: float) -> None:
    """Embed what is lacking, chunk by chunk."""
    encoder = encoder_of(located)
    from tamis.neural.tables.model import threads as using

    order = sorted(lacking, key=lambda key: len(lacking[key]))
    chunks = [order[start : start + CHUNK] for start in range(0, len(order), CHUNK)]
    load = [sum(min(len(lacking[key]), 4 * MOST_TOKENS) + 20 for key in chunk) for chunk in chunks]
    done, worked_s, left = 0, 0.0, sum(load)
    with using(threads):
        for number in generator(os.getpid(), "chunks").permutation(len(chunks)):
            chunk, began = chunks[number], time.monotonic()
            there = cache.get(chunk)
            todo = [key for key in chunk if key not in there]
            if todo:
                cache.put(todo, encoder.encode([lacking[key] for key in todo]))
                worked_s += time.monotonic() - began
                done += load[number]
            left -= load[number]
            foretold = worked_s * left / done if done else 0.0
            if worked_s > SURE_S and time.monotonic() + foretold > end:
                raise TrialError(
                    f"Embedding {len(lacking):,} texts with {located.name} would take {worked_s + foretold:.0f} s, "
                    f"{time.monotonic() + foretold - end:.0f} s too long. Give the run more time, or a smaller encoder."
                )


class TextEmbedding:
    """Embed texts by a pretrained encoder, which stays as it is.

    A fitted one holds the encoder's name and the hash of its content, not its weights: it finds the encoder again where
    it predicts.

    Parameters
    ----------
    backbone : str
    n_components : int
        The main directions that are kept, scaled by one factor so that they vary by 1 on the average; 0 for the
        vectors as they are, of unit length.
    joined : bool
        Whether all columns of a row are read as one text; otherwise each gives vectors of its own.
    threads : int
    limit_s : float
        Seconds that embedding the training rows may take.
    ledger : dict, optional
        Told under `once_s` what was spent that no other fold spends again, and under `row_s` what a text takes.
    """

    limit_s: float = inf
    ledger: dict[str, Any] | None = None

    def __init__(
        self,
        backbone: str,
        *,
        n_components: int = 0,
        joined: bool = True,
        threads: int = 1,
        limit_s: float = inf,
        ledger: dict[str, Any] | None = None,
    ) -> None:
        self.backbone = backbone
        self.n_components = n_components
        self.joined = joined
        self.threads = threads
        self.limit_s = limit_s
        self.ledger = ledger

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to a fit alone."""
        return {name: value for name, value in vars(self).items() if name not in ("limit_s", "ledger", "located")}

    def fit(self, X: Any, y: Any = None) -> Self:
        """Embed the training rows, and find their main directions."""
        self.fit_transform(X, y)
        return self

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
            centred = (vectors - self.mean_).astype(np.float64)
            _, axes = np.linalg.eigh(centred.T @ centred)
            axes = axes[:, ::-1][:, : min(self.n_components, len(vectors))]
            signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
            spread = float(np.sqrt(np.mean((centred @ axes) ** 2))) or 1.0
            self.axes_: np.ndarray = (axes * signs / spread).astype(np.float32)
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
        began = time.monotonic()
        made = []
        for column in columns:
            left = self.limit_s - (time.monotonic() - began)
            if len(column):
                made.append(embed(located, column, threads=self.threads, limit_s=left))
        seconds = time.monotonic() - began
        if self.ledger is not None:
            self.ledger["once_s"] = self.ledger.get("once_s", 0.0) + seconds
            self.ledger["row_s"] = max(self.ledger.get("row_s", 0.0), seconds / max(1, len(texts)))
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
