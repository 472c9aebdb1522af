"""Trains the weights that all networks of a space share, and scores networks with them."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from math import inf

import numpy as np
import torch
from torch.nn import functional as F

from tamis.core.candidate import Candidate
from tamis.core.grammar import Grammar
from tamis.core.seeds import derive, generator
from tamis.neural.building.supernet import Supernet
from tamis.neural.language.shapes import ImageShape
from tamis.neural.training.augment import Augment
from tamis.neural.training.batches import Batches, ImageData
from tamis.neural.training.device import Setup
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.weights import dump_tree, load_tree

HIGH_RATE, LOW_RATE = 0.05, 0.0005
FIRST_EPOCHS, GROWTH = 10.0, 2.0
"""The rate goes down along a cosine and starts anew, after 10 epochs and then after twice as many each time (ENAS)."""

DECAY, CLIP, BATCH = 1e-4, 5.0, 160
"""Of the authors' program for cells."""

REWARD_SHARE, MOST_REWARDED = 1 / 3, 512
"""Which part of the training images, and how many of them at most, say how good a network is: the controller must not
see those that judge the run."""

ADAPTING_STEPS, ADAPTING_RATE = 24, 0.05
"""What a network has alone before the last choice. On a thousand cells for digits 24 steps raise Kendall's tau between
scores and trainings from scratch from about 0.35 to 0.5; fewer than `FEWEST_STEPS` are not worth their time."""

FEWEST_STEPS = 4

CHUNK = 256


def fresh_supernet(
    grammar: Grammar, shape: ImageShape, n_outputs: int, *, width: int, seed: int, stages: int = 3
) -> Supernet:
    """Build a supernet with a cell in each stage, whose weights depend on the seed alone."""
    with torch.random.fork_rng([]):
        torch.manual_seed(derive(seed, "supernet"))
        return Supernet(grammar, shape, n_outputs, width=width, n_cells=stages, stages=stages)


class SharedTraining:
    """The state of a supernet's training: its weights, its optimizer, and how many steps it has made.

    One network at a time is drawn for each step, as in the paper (Pham et al., "Efficient neural architecture search",
    2018), with its rates; the images of a step depend on its number alone, so a loaded state goes on as it would have.

    Parameters
    ----------
    supernet : Supernet
    data : ImageData
        What the run trains on; a part is put aside for rewards.
    recipe : Recipe
        Its augmentation is used.
    setup : Setup
    seed : int
    """

    def __init__(self, supernet: Supernet, data: ImageData, recipe: Recipe, setup: Setup, seed: int) -> None:
        order = generator(seed, "rewards").permutation(len(data))
        n_rewarded = min(MOST_REWARDED, max(2, int(REWARD_SHARE * len(data))))
        self.rewarded = data.subset(np.sort(order[:n_rewarded]))
        self.batches = Batches(data.subset(np.sort(order[n_rewarded:])), BATCH, derive(seed, "shared"), setup.device)
        self.scaling = data.scaled()
        self.augment = Augment.of(recipe, data.shape, seed)
        self.setup = setup
        self.is_classes = data.is_classes
        self.supernet = setup.place(supernet)
        self.optimizer = self._fresh_optimizer()
        self.step = 0

    def train(
        self, trees: Sequence[Candidate], seconds: float, steps: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> int:
        """Make steps with one of the networks after the other, each at least once; return how many steps.

        Parameters
        ----------
        trees : sequence of Candidate
        seconds : float
            Steps go on for so long; with 0 their count does not depend on the clock.
        steps : int
            The fewest.
        clock : callable
        """
        began, first = clock(), self.step
        self.supernet.train()
        with self.setup.active():
            while self.step - first < max(steps, len(trees)) or clock() - began < seconds:
                self._step(trees[(self.step - first) % len(trees)])
        return self.step - first

    def _step(self, tree: Candidate) -> None:
        self._descend(tree, self.step, self.optimizer, rate_at(self.step / self.batches.per_epoch))
        self.step += 1

    def _descend(self, tree: Candidate, number: int, optimizer: torch.optim.Optimizer, rate: float) -> None:
        """Make one step with the images of that number."""
        batch = self.batches[number]
        images = self.augment.move(batch.images, batch.rows, batch.epochs, number)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with self.setup.autocast():
            outputs = self.supernet(self.setup.feed(self.scaling.pixels(images)), tree)
        loss = self._loss(outputs.float(), batch.targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.supernet.parameters(), CLIP)
        optimizer.step()

    def _loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if self.is_classes:
            return F.cross_entropy(outputs, targets)
        return F.mse_loss(outputs.squeeze(1), self.scaling.targets(targets.float()).reshape(-1))

    @torch.no_grad()
    def scores(self, trees: Sequence[Candidate]) -> list[float | None]:
        """Score networks on the images put aside; None where that is no number.

        For classes it is the geometric mean of the probability of the right one, from 0 to 1: it orders networks better
        than the accuracy, which few images count coarsely. For numbers it is minus the mean squared error.
        """
        goal = torch.from_numpy(np.ascontiguousarray(self.rewarded.goal)).to(self.setup.device)
        found: list[float | None] = []
        with self.setup.active():
            for tree in trees:
                outputs = torch.cat([self._outputs(start, tree) for start in range(0, len(self.rewarded), CHUNK)])
                loss = float(self._loss(outputs, goal))
                score = math.exp(-loss) if self.is_classes else -loss
                found.append(score if math.isfinite(score) else None)
        return found

    def adapted_scores(
        self,
        trees: Sequence[Candidate],
        *,
        steps: int = ADAPTING_STEPS,
        seconds: float = inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> list[float | None]:
        """Score networks after a few steps that each has alone; the shared weights stay as they are.

        Shared weights flatter networks of few weights, whose every step trained them all; a few steps of its own tell
        what a network would learn.

        Parameters
        ----------
        trees : sequence of Candidate
        steps : int
            For each network, the same images for all.
        seconds : float
            For all networks together; each has fewer steps where they would take longer, or none.
        clock : callable
        """
        kept = copy.deepcopy(self.supernet.state_dict())
        if seconds < inf:
            began = clock()
            self._adapt(trees[0], 2)
            steps = min(steps, int(2 * seconds / len(trees) / max(clock() - began, 1e-6)))
            self.supernet.load_state_dict(kept)
        if steps < FEWEST_STEPS:
            return self.scores(trees)
        found = []
        for tree in trees:
            self._adapt(tree, steps)
            found += self.scores([tree])
            self.supernet.load_state_dict(kept)
        return found

    def _adapt(self, tree: Candidate, steps: int) -> None:
        self.supernet.train()
        optimizer = self._fresh_optimizer()
        with self.setup.active():
            for number in range(steps):
                self._descend(tree, self.step + number, optimizer, ADAPTING_RATE * (1 - number / steps))

    def _fresh_optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            self.supernet.parameters(), lr=HIGH_RATE, momentum=0.9, nesterov=True, weight_decay=DECAY
        )

    def _outputs(self, start: int, tree: Candidate) -> torch.Tensor:
        pixels = torch.from_numpy(self.rewarded.read(slice(start, start + CHUNK))).to(self.setup.device)
        with self.setup.autocast():
            return self.supernet(self.setup.feed(self.scaling.pixels(pixels)), tree).float()

    def state(self) -> bytes:
        """Return everything from which the training can go on."""
        return dump_tree(
            {"weights": self.supernet.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step}
        )

    def load(self, content: bytes) -> None:
        """Go on from a state."""
        saved = load_tree(content)
        self.supernet.load_state_dict(saved["weights"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step = saved["step"]


def rate_at(epoch: float) -> float:
    """Return the learning rate: a cosine that starts anew (Loshchilov and Hutter, "SGDR", 2017).

    Examples
    --------
    >>> [round(rate_at(epoch), 4) for epoch in (0, 5, 9.999, 10, 20, 30)]
    [0.05, 0.0253, 0.0005, 0.05, 0.0253, 0.05]
    """
    period = FIRST_EPOCHS
    while epoch >= period:
        epoch -= period
        period *= GROWTH
    return LOW_RATE + 0.5 * (HIGH_RATE - LOW_RATE) * (1 + math.cos(math.pi * epoch / period))
