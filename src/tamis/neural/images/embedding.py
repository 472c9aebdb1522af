"""Features of image columns by a pretrained network: computed once for each picture, whoever asks."""

import threading
import time
from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from tamis.core.errors import DataError
from tamis.neural.embeddings.cache import VectorCache
from tamis.neural.embeddings.frozen import FrozenEmbedding, main_directions
from tamis.neural.embeddings.work import Work, vectors_of
from tamis.neural.images.backbones import Located, find, located_again

LEAST_SPREAD = 1e-4

_ENCODERS: dict[str, Any] = {}
_LOADING = threading.Lock()
_CACHES: dict[str, VectorCache] = {}
"""Of this process, by fingerprint: folds and candidates share them."""


def encoder_of(located: Located) -> Any:
    """Return the `tamis.neural.images.encoder.ImageEncoder`, loaded once in the life of a process."""
    from tamis.neural.images.encoder import ImageEncoder

    with _LOADING:
        if located.fingerprint not in _ENCODERS:
            _ENCODERS.clear()  # one at a time: they may be large
            _ENCODERS[located.fingerprint] = ImageEncoder(located)
        return _ENCODERS[located.fingerprint]


def embed(
    located: Located, pictures: Sequence[Any], *, threads: int = 1, limit_s: float = inf, lenient: bool = False
) -> np.ndarray:
    """Return the features of pictures: float32 of shape (n_pictures, width), NaN where there is none (None).

    Parameters
    ----------
    located : Located
    pictures : sequence of Picture or None
    threads : int
    limit_s : float
        Seconds that it may take.
    lenient : bool
        Whether a picture that cannot be read is like one that is not there.

    Raises
    ------
    DataError
        Naming a picture that cannot be read.
    TrialError
        As soon as it is foreseen that the time will not do; what was done until then stays in the cache.
    """
    cache = _CACHES.setdefault(located.fingerprint, VectorCache("images", located.fingerprint))
    keys = [None if one is None else one.key for one in pictures]
    contents = {key: one for key, one in zip(keys, pictures, strict=True) if key is not None}
    work = Work(
        "images",
        located.name,
        load=lambda picture: 1.0,
        reader=lambda: lambda some: encoder_of(located).encode(some, threads=threads, lenient=lenient),
    )
    found = vectors_of(cache, contents, work, threads=threads, limit_s=limit_s)
    width = len(next(iter(found.values()))) if found else int(encoder_of(located).width)
    made = np.full((len(pictures), width), np.nan, dtype=np.float32)
    for row, key in enumerate(keys):
        if key in found:
            made[row] = found[key]
    return made


class ImageEmbedding(FrozenEmbedding):
    """Features of image columns by a pretrained network, which stays as it is; standardised, NaN where there is none.

    Parameters
    ----------
    backbone : str
    lenient : bool
        Whether a training row whose picture cannot be read is one without a picture; a fitted one that was saved
        refuses such a row by its file.
    **options
        Those of `FrozenEmbedding`: `n_components` (of each column), `threads`, `limit_s`, `ledger`.
    """

    lenient: bool = False

    def __init__(self, backbone: str, *, lenient: bool = False, **options: Any) -> None:
        super().__init__(backbone, **options)
        self.lenient = lenient

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Read the training rows, pictures of shape (n_rows, n_columns): shape (n_rows, n_features)."""
        pictures = self._pictures(X)
        self.located = find(self.backbone)
        self.fingerprint_ = self.located.fingerprint
        self.path_ = str(self.located.path)
        self.n_features_in_ = pictures.shape[1]
        self.centres_: list[np.ndarray] = []
        self.scales_: list[np.ndarray] = []
        """Of each column: its mean, and the matrix or the row of factors that the centred features are taken by."""
        vectors = self._vectors(pictures)
        for column in vectors:
            self._learn(column[np.isfinite(column).all(axis=1)])
        return self._projected(vectors)

    def _learn(self, there: np.ndarray) -> None:
        """Find the mean, the spread and the main directions of a column's features."""
        centre = there.mean(axis=0) if len(there) else np.zeros(there.shape[1], dtype=np.float32)
        spread = there.std(axis=0) if len(there) else np.ones_like(centre)
        scale = np.asarray(1.0 / np.maximum(spread, LEAST_SPREAD), dtype=np.float32)
        if 0 < self.n_components < there.shape[1] and len(there):
            scale = scale[:, None] * main_directions((there - centre) * scale, self.n_components)
        self.centres_.append(np.asarray(centre, dtype=np.float32))
        self.scales_.append(scale)

    def transform(self, X: Any) -> np.ndarray:
        """Read rows: shape (n_rows, n_features).

        Raises
        ------
        DataError
            Where a picture cannot be read, or the network is not at hand or is another one.
        """
        pictures = self._pictures(X)
        if pictures.shape[1] != self.n_features_in_:
            raise DataError(f"There must be {self.n_features_in_} columns of images; got {pictures.shape[1]}.")
        return self._projected(self._vectors(pictures))

    @staticmethod
    def _pictures(X: Any) -> np.ndarray:
        pictures = np.asarray(X, dtype=object)
        if pictures.ndim != 2:
            raise DataError(f"Pictures must come in rows and columns; got an array of {pictures.ndim} dimensions.")
        return pictures

    def _vectors(self, pictures: np.ndarray) -> list[np.ndarray]:
        """Return the features of each column."""
        if getattr(self, "located", None) is None:
            self.located = located_again(self.backbone, self.path_, self.fingerprint_)
        with self.timed(len(pictures)) as end:
            return [
                embed(
                    self.located,
                    list(column),
                    threads=self.threads,
                    limit_s=end - time.monotonic(),
                    lenient=self.lenient,
                )
                for column in pictures.T
            ]

    def _projected(self, vectors: Sequence[np.ndarray]) -> np.ndarray:
        made = []
        for column, centre, scale in zip(vectors, self.centres_, self.scales_, strict=True):
            centred = column - centre
            made.append(centred * scale if scale.ndim == 1 else centred @ scale)
        return np.hstack(made)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `photo.feature_7`."""
        names = [f"x{number}" for number in range(self.n_features_in_)] if input_features is None else input_features
        widths = [scale.shape[-1] for scale in self.scales_]
        found = [f"{name}.feature_{n}" for name, width in zip(names, widths, strict=True) for n in range(width)]
        return np.array(found, dtype=object)
