"""Reads what no cache knows, chunk by chunk: processes that read the same share the work, and none begins in vain."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from tamis.core.errors import TrialError
from tamis.core.seeds import generator
from tamis.neural.embeddings.cache import VectorCache

CHUNK = 96
"""Contents that are kept together once they are done: what others did meanwhile is seen between two chunks."""
SURE_S = 0.7
"""After so many seconds of work the time of the rest is foretold."""
HOLDS = 0.95
"""Share of the seconds that may be used."""

Read = Callable[[Sequence[Any]], np.ndarray]
"""Contents -> their vectors, of shape (n, width); a row of NaN for what cannot be read."""


@dataclass(frozen=True)
class Work:
    """What is read, and by what."""

    noun: str
    """Such as `texts`."""
    name: str
    """Of the network."""
    load: Callable[[Any], float]
    """How much work a content is, against others."""
    reader: Callable[[], Read]
    """Loads the network, once it is known that something is lacking."""


def vectors_of(
    cache: VectorCache, contents: Mapping[bytes, Any], work: Work, *, threads: int = 1, limit_s: float = inf
) -> dict[bytes, np.ndarray]:
    """Return the vectors of contents by their keys; those that cannot be read are left out.

    What was read before, here or by another process, is taken from the cache. Processes that work on the same contents
    at the same time share the work: each takes the chunks in an order of its own, and leaves out what is done.

    Parameters
    ----------
    cache : VectorCache
    contents : mapping of bytes to object
    work : Work
    threads : int
    limit_s : float
        Seconds that it may take.

    Raises
    ------
    TrialError
        As soon as it is foreseen that the time will not do; what was done until then stays in the cache.
    """
    began = time.monotonic()
    keys = list(contents)
    found = cache.get(keys)
    lacking = {key: one for key, one in contents.items() if key not in found}
    if lacking:
        found |= _work_off(cache, lacking, work, threads, began + HOLDS * limit_s)  # the cache may not hold so many
    return found


def _work_off(
    cache: VectorCache, lacking: Mapping[bytes, Any], work: Work, threads: int, end: float
) -> dict[bytes, np.ndarray]:
    """Read what is lacking, chunk by chunk, and return it."""
    read = work.reader()
    from tamis.neural.tables.model import threads as using

    loads = {key: work.load(one) for key, one in lacking.items()}
    order = sorted(lacking, key=loads.__getitem__)
    chunks = [order[start : start + CHUNK] for start in range(0, len(order), CHUNK)]
    made: dict[bytes, np.ndarray] = {}
    done, worked_s, left = 0.0, 0.0, sum(loads.values())
    with using(threads):
        for number in generator(os.getpid(), "chunks").permutation(len(chunks)):
            chunk, began = chunks[number], time.monotonic()
            made |= (there := cache.get(chunk))
            todo = [key for key in chunk if key not in there]
            load = sum(loads[key] for key in chunk)
            if todo:
                made |= _kept(cache, todo, read([lacking[key] for key in todo]))
                worked_s += time.monotonic() - began
                done += load
            left -= load
            foretold = worked_s * left / done if done else 0.0
            if worked_s > SURE_S and time.monotonic() + foretold > end:
                raise TrialError(
                    f"Reading {len(lacking):,} {work.noun} with {work.name} would take {worked_s + foretold:.0f} s, "
                    f"{time.monotonic() + foretold - end:.0f} s too long. Give the run more time, or a smaller network."
                )
    return made


def _kept(cache: VectorCache, keys: Sequence[bytes], vectors: np.ndarray) -> dict[bytes, np.ndarray]:
    """Put the vectors of what could be read, and return them as the cache holds them: in half precision."""
    good = np.isfinite(vectors).all(axis=1)
    half = vectors[good].astype(np.float16)
    read = [key for key, one in zip(keys, good, strict=True) if one]
    cache.put(read, half)
    return dict(zip(read, half, strict=True))
