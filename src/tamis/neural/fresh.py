"""Networks with weights drawn from a seed, and what they tell before any training."""

from math import isfinite

import numpy as np
import torch
from torch import nn

from tamis.core.candidate import Candidate
from tamis.core.errors import TamisError
from tamis.core.seeds import derive, generator
from tamis.neural.building.network import build_network
from tamis.neural.building.proxies import jacov, synflow
from tamis.neural.language.shapes import ImageShape
from tamis.neural.training.batches import ImageData

JACOV_IMAGES = 64
"""The batch of the proxy's authors is 256; more than this hardly changes an order, and costs."""


def fresh_network(tree: Candidate, shape: ImageShape, n_outputs: int, seed: int) -> nn.Module:
    """Build a network whose weights depend on the seed alone."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return build_network(tree, shape, n_outputs)


class Untrained:
    """Measures networks that were never trained, all on the same images.

    Parameters
    ----------
    data : ImageData
        A sample of it is looked at.
    n_outputs : int
    seed : int
    threads : int
    """

    def __init__(self, data: ImageData, n_outputs: int, seed: int, threads: int = 1) -> None:
        self.shape = ImageShape(*data.shape)
        self.n_outputs = n_outputs
        self.seed = seed
        places = np.sort(generator(seed, "proxies").permutation(len(data))[:JACOV_IMAGES])
        self.pixels = data.scaled().pixels(torch.from_numpy(data.read(places)))
        torch.set_num_threads(threads)

    def measure(self, tree: Candidate) -> dict[str, float | None] | None:
        """Return the zero-cost proxies of a network by name; None where it cannot be built or run."""
        seed = derive(self.seed, "proxies", tree.key)
        try:
            network = fresh_network(tree, self.shape, self.n_outputs, seed)
            found = {"synflow": synflow(network, self.shape), "jacov": jacov(network, self.pixels, seed)}
        except (TamisError, RuntimeError):
            return None
        return {name: value if isfinite(value) else None for name, value in found.items()}
