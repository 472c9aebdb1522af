"""Derives every random stream from the run's seed and the name of what needs it."""

from hashlib import blake2b

import numpy as np


def derive(seed: int, *names: object) -> int:
    """Return a 31-bit seed that depends on the run's seed and on the names alone.

    Nothing is drawn from a generator's history, so a replayed run draws what the first one drew.

    Examples
    --------
    >>> derive(0, "fold", 3) == derive(0, "fold", 3) != derive(0, "fold", 4)
    True
    """
    text = "\x1f".join([str(int(seed)), *map(str, names)])
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big") >> 1


def generator(seed: int, *names: object) -> np.random.Generator:
    """Return a generator for one named purpose."""
    return np.random.default_rng(derive(seed, *names))
