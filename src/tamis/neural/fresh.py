"""Networks with weights drawn from a seed, and what they tell before any training."""

import time
from copy import deepcopy
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

TIMED_IMAGES = 16
"""The batch that tells a network's speed: small, for some are very slow."""

JACOV_IMAGES = 64
"""The batch of the proxy's authors is 256; more than this hardly changes an order, and costs."""


def fresh_network(tree: Candidate, shape: ImageShape, n_outputs: int, seed: int) -> nn.Module:
    """Build a network whose weights depend on the seed alone."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return build_network(tree, shape, n_outputs)


def images_per_s(network: nn.Module, images: torch.Tensor) -> float:
    """Return about how many images a second a network can learn from where it is, in full precision."""
    copy = deepcopy(network).train()
    seconds = []
    for _ in range(2):  # the first time also builds kernels
        began = time.perf_counter()
        copy(images).sum().backward()
        if images.is_cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return len(images) / min(seconds)


class Untrained:
    """Measures networks that were never trained, all on the same images.

    Parameters
    ----------
    data : ImageData
        A sample of it is looked at.
    n_outputs : int
    seed : int
    threads : int
    slowest : float
        Networks that learn from fewer images in a second are not looked at further: the proxies like large ones.
    device : str
        Where the networks are looked at.
    """

    def __init__(
        self,
        data: ImageData,
        n_outputs: int,
        seed: int,
        threads: int = 1,
        slowest: float = 0.0,
        device: str = "cpu",
    ) -> None:
        self.shape = ImageShape(*data.shape)
        self.n_outputs = n_outputs
        self.seed = seed
        self.slowest = slowest
        places = np.sort(generator(seed, "proxies").permutation(len(data))[:JACOV_IMAGES])
        self.device = device
        self.pixels = data.scaled().pixels(torch.from_numpy(data.read(places)).to(device))
        torch.set_num_threads(threads)

    def measure(self, tree: Candidate) -> dict[str, float | None] | None:
        """Return the zero-cost proxies of a network by name; None where it cannot be run, or only too slowly.

        How it is to be trained does not count: dropout would change what an untrained network tells.
        """
        tree = Candidate(tree.component, (), tree.inputs) if tree.component == "network" else tree
        seed = derive(self.seed, "proxies", tree.key)
        try:
            network = fresh_network(tree, self.shape, self.n_outputs, seed).to(self.device)
            if self.slowest > 0 and images_per_s(network, self.pixels[:TIMED_IMAGES]) < self.slowest:
                return None
            found = {"synflow": synflow(network, self.shape), "jacov": jacov(network, self.pixels, seed)}
        except (TamisError, RuntimeError):
            return None
        return {name: value if isfinite(value) else None for name, value in found.items()}
