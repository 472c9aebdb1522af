"""Trains networks: the one loop, which ends annealed and on time, survives trouble, and can go on where it was."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, astuple, dataclass
from math import isfinite, nan
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.core.errors import TrialError
from tamis.core.seeds import derive
from tamis.neural.building.plain import whiten
from tamis.neural.training.augment import Augment, Mixed
from tamis.neural.training.batches import Batches, ImageData, Scaling
from tamis.neural.training.device import Setup, free_memory, is_out_of_memory
from tamis.neural.training.optimizers import optimizers
from tamis.neural.training.predicting import score
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.schedule import Limit, Pace
from tamis.neural.training.weights import Average, State, copied, dump_tree, load_tree

__all__ = ["Limit", "Moment", "Trained", "train"]

MOST_RESTARTS = 3
"""So often a training that lost its numbers goes back to a good state with half the rate."""
GOOD_STEPS = 100
"""So many steps lie between two states to go back to."""
CHECKED_STEPS_GPU = 16
"""Reading the loss halts a GPU, so it is read now and then only."""
CHECKPOINT_S = 10.0
WHITENING_IMAGES = 1_000
SETTLING_STEPS = 10
"""For so long normalisation averages all batches so far, so that its first guess is forgotten at once."""


@dataclass(frozen=True)
class Moment:
    """One look at a training."""

    epoch: float
    seconds: float
    loss: float
    """The mean over the steps since the last look."""
    score: float | None = None
    """On the validation images, higher is better: accuracy, or R² for numbers."""


@dataclass(frozen=True)
class Trained:
    """A network with its final weights, and how it came to them."""

    network: nn.Module
    scaling: Scaling
    """What images must go through before the network, and targets after it."""
    history: tuple[Moment, ...]
    epochs: float
    steps: int
    images_per_s: float
    stopped: str
    """Why it ended: "time", "epochs", "patience" or "diverged"."""
    score: float | None = None
    """Of the final weights, on the validation images."""
    n_restarts: int = 0
    """How often it lost its numbers and went back."""


def train(
    network: nn.Module,
    data: ImageData,
    recipe: Recipe,
    *,
    limit: Limit,
    setup: Setup,
    seed: int = 0,
    valid: ImageData | None = None,
    report: Callable[..., None] | None = None,
    checkpoint: Callable[[bytes], None] | None = None,
    resume: bytes | None = None,
) -> Trained:
    """Train a network until its limit.

    Parameters
    ----------
    network : nn.Module
        Takes standardised images (n, channels, height, width), returns (n, classes) or (n, numbers). It is trained in
        place; where it has a method `at_progress`, that is told the share of the training that is over.
    data : ImageData
    recipe : Recipe
    limit : Limit
        With seconds, the whole call ends within them. With epochs alone, the same seed gives the same result.
    setup : Setup
    seed : int
        Orders, augmentation and dropout come from it and from the number of the step.
    valid : ImageData, optional
        What is scored now and then. It decides nothing, unless the recipe has patience.
    report : callable, optional
        Called as report(epoch=, seconds=, loss=, score=, progress=, images_per_s=) now and then; what it raises ends
        the training.
    checkpoint : callable, optional
        Called with bytes every few seconds.
    resume : bytes, optional
        A checkpoint of the same training, to go on from: its seconds and epochs count.

    Returns
    -------
    Trained

    Raises
    ------
    TrialError
        Where memory does not even suffice for two images at a time.
    """
    started = limit.clock()
    devices = list(range(setup.n_devices)) if setup.device == "cuda" else []
    with setup.active(), torch.random.fork_rng(devices):
        work = _Work(network, data, recipe, setup, seed)
        share = (0 if valid is None else len(valid)) / work.batches.size
        pace = Pace(limit, started, steps_per_epoch=work.batches.per_epoch, evaluation_share=share)
        guard = _Guard(work)
        diary = _Diary(guard, pace, valid, report)
        if resume is not None:
            _resume(load_tree(resume), guard, diary)
        while (stopped := guard.stopped or diary.stopped or pace.over(work.step)) is None:
            before = limit.clock()
            guard.after(work.advance(pace.progress(work.step)))
            pace.stepped(limit.clock() - before)
            if pace.should_look(work.step):
                diary.write()
            if checkpoint is not None and pace.should_save(CHECKPOINT_S) and work.is_sound():
                before = limit.clock()
                checkpoint(_checkpoint(guard, diary))
                pace.saved(limit.clock() - before)
        return diary.close(stopped)


class _Work:
    """The state of a training, and its step."""

    def __init__(self, network: nn.Module, data: ImageData, recipe: Recipe, setup: Setup, seed: int) -> None:
        self.network = setup.place(network).train()
        self.model = setup.spread(self.network)
        self.recipe = recipe
        self.setup = setup
        self.seed = seed
        self.scaling = data.scaled()
        whiten(self.network, self.scaling.pixels(torch.from_numpy(data.sample(WHITENING_IMAGES))))
        size = setup.batch(int(recipe.batch_size), len(data), data.shape[1] * data.shape[2])
        self.batches = Batches(data, size, seed, setup.device)
        self.augment = Augment.of(recipe, data.shape, seed)
        self.average = Average(self.network) if recipe.ema else None
        self.optimizers = optimizers(self.network, recipe, self.batches.size)
        self.scaler = setup.scaler()
        self.step = 0
        self.factor = 1.0
        """What the rates are multiplied by."""
        self.n_parts = 1
        """Into how many a batch is cut, so that memory suffices."""
        norms = [one for one in network.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
        self._momenta = [(norm, norm.momentum) for norm in norms if norm.momentum is not None]

    @property
    def kept(self) -> nn.Module:
        """Return the network whose weights count: the average where there is one."""
        return self.network if self.average is None else self.average.network

    def advance(self, progress: float) -> Tensor:
        """Take one step; return its loss."""
        torch.manual_seed(derive(self.seed, "step", self.step))  # dropout: the same again after a resume
        if self.step <= SETTLING_STEPS:
            self.settle(self.step)
        if callable(tell := getattr(self.network, "at_progress", None)):
            tell(progress)
        batch = self.batches[self.step]
        images = self.augment.move(batch.images, batch.rows, batch.epochs, self.step)
        mixed = self.augment.blend(self.scaling.pixels(images), self.step)
        self.optimizers.steer(progress, self.factor)
        loss = self._backward(mixed, self.scaling.targets(batch.targets))
        self.optimizers.step(self.scaler, self.recipe.clip)
        if self.average is not None:
            self.average.update(self.network, self.step)
        self.step += 1
        return loss

    def settle(self, step: int) -> None:
        """Set how fast normalisation forgets."""
        for norm, momentum in self._momenta:
            norm.momentum = max(momentum, 1 / (step + 1)) if step < SETTLING_STEPS else momentum

    def is_sound(self) -> bool:
        """Tell whether all weights are numbers."""
        return all(bool(torch.isfinite(one).all()) for one in self.network.parameters())

    def weights(self) -> dict[str, Any]:
        """Return everything that a step changes, as it is: a copy must be made of it."""
        return {
            "network": self.network.state_dict(),
            "average": None if self.average is None else self.average.network.state_dict(),
            "optimizers": self.optimizers.state(),
            "scaler": self.scaler.state_dict(),
        }

    def load(self, weights: dict[str, Any]) -> None:
        """Go back to what `weights` was, of which copies are made."""
        self.network.load_state_dict(weights["network"])
        if self.average is not None:
            self.average.network.load_state_dict(weights["average"])
        self.optimizers.load(weights["optimizers"])
        self.scaler.load_state_dict(weights["scaler"])

    def _backward(self, mixed: Mixed, targets: Tensor) -> Tensor:
        """Find the gradients of a batch, in as many parts as memory calls for; return the loss."""
        partners = targets if mixed.partners is None else targets[mixed.partners]
        while True:
            self.optimizers.zero_grad()
            total = torch.zeros((), device=targets.device)
            try:
                for images, first, second in zip(
                    *(one.tensor_split(self.n_parts) for one in (mixed.images, targets, partners)), strict=True
                ):
                    with self.setup.autocast():
                        outputs = self.model(self.setup.feed(images))
                    loss = mixed.share * self._loss(outputs.float(), first)
                    if mixed.partners is not None:
                        loss = loss + (1 - mixed.share) * self._loss(outputs.float(), second)
                    loss = loss * (len(images) / len(targets))
                    self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
                    total += loss.detach()
                return total
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(targets) < 4 * self.n_parts:
                    raise TrialError("The memory does not suffice for two images at a time.") from error
            self.n_parts *= 2
            free_memory()

    def _loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if not targets.is_floating_point():
            return F.cross_entropy(outputs, targets, label_smoothing=self.recipe.label_smoothing)
        loss = F.huber_loss if self.recipe.regression_loss == "huber" else F.mse_loss
        return loss(outputs.reshape(targets.shape), targets)


class _Guard:
    """Watches the losses, and goes back to a good state where they are no numbers."""

    def __init__(self, work: _Work) -> None:
        self.work = work
        self.n_restarts = 0
        self.stopped: str | None = None
        self._every = 1 if work.setup.device == "cpu" else CHECKED_STEPS_GPU
        self._losses: list[Tensor] = []
        self._total, self._count = 0.0, 0
        self._good, self._good_step = deepcopy(work.weights()), 0

    def after(self, loss: Tensor) -> None:
        """Take in the loss of a step."""
        self._losses.append(loss)
        if len(self._losses) >= self._every:
            self.check()

    def check(self) -> None:
        """Look at the losses that were not looked at yet."""
        losses = torch.stack(self._losses).tolist() if self._losses else []
        self._losses.clear()
        if not all(map(isfinite, losses)):
            self.go_back()
            return
        self._total += sum(losses)
        self._count += len(losses)
        if self.work.step - self._good_step >= GOOD_STEPS and self.work.is_sound():
            self.keep()

    def keep(self) -> None:
        """Remember the weights as good ones."""
        self._good, self._good_step = deepcopy(self.work.weights()), self.work.step

    def go_back(self) -> None:
        """Return to the last good weights, with half the rate."""
        self.work.load(self._good)
        self.work.factor /= 2
        self.n_restarts += 1
        if self.n_restarts > MOST_RESTARTS:
            self.stopped = "diverged"

    def take_mean(self) -> float:
        """Return the mean loss since the last time."""
        self.check()
        mean = self._total / self._count if self._count else nan
        self._total, self._count = 0.0, 0
        return mean


class _Diary:
    """Looks at a training now and then, and keeps what is to be kept."""

    def __init__(self, guard: _Guard, pace: Pace, valid: ImageData | None, report: Callable[..., None] | None) -> None:
        self.guard = guard
        self.work = guard.work
        self.pace = pace
        self.valid = valid
        self.report = report
        self.history: list[Moment] = []
        self.best: tuple[float, State] | None = None
        """The highest score and its weights, where the recipe has patience."""
        self.waited = 0
        """Evaluations since the best one."""

    @property
    def stopped(self) -> str | None:
        """Why the training is to end, or None; a checkpoint knows it too."""
        patience = self.work.recipe.patience
        return "patience" if patience and self.waited >= patience else None

    def write(self) -> None:
        """Evaluate, remember, report."""
        work, pace = self.work, self.pace
        loss = self.guard.take_mean()
        before = pace.elapsed_s
        value = None
        if self.valid is not None:
            value = score(work.kept, self.valid, work.setup, work.scaling, 2 * work.batches.size)
        pace.looked(pace.elapsed_s - before)
        moment = Moment(work.step / work.batches.per_epoch, pace.elapsed_s, loss, value)
        self.history.append(moment)
        if value is not None and work.recipe.patience:
            self._compare(value)
        if self.report is not None:
            speed = pace.steps_per_s * work.batches.size
            self.report(**asdict(moment), progress=pace.progress(work.step), images_per_s=speed)

    def close(self, stopped: str) -> Trained:
        """Put the final weights into the network, after a last look at it."""
        work, pace = self.work, self.pace
        self.guard.check()
        if not work.is_sound():
            self.guard.go_back()
        value = None
        if pace.fits_look():
            self.write()
            value = self.history[-1].score
        final = work.kept.state_dict()
        if self.best is not None:
            value, final = self.best
        work.network.load_state_dict(final)
        work.settle(SETTLING_STEPS)
        return Trained(
            network=work.network.eval(),
            scaling=work.scaling,
            history=tuple(self.history),
            epochs=work.step / work.batches.per_epoch,
            steps=work.step,
            images_per_s=pace.steps_per_s * work.batches.size,
            stopped=stopped,
            score=value,
            n_restarts=self.guard.n_restarts,
        )

    def _compare(self, value: float) -> None:
        """Keep the weights of the best look; count those since that were no better."""
        if isfinite(value) and (self.best is None or value > self.best[0]):
            self.best, self.waited = (value, copied(self.work.kept.state_dict())), 0
        else:
            self.waited += 1


def _checkpoint(guard: _Guard, diary: _Diary) -> bytes:
    work = guard.work
    return dump_tree(
        {
            "weights": work.weights(),
            "counts": {"step": work.step, "factor": work.factor, "n_parts": work.n_parts},
            "n_restarts": guard.n_restarts,
            "history": [astuple(moment) for moment in diary.history],
            "best": diary.best,
            "waited": diary.waited,
            "seconds": diary.pace.elapsed_s,
        }
    )


def _resume(saved: dict[str, Any], guard: _Guard, diary: _Diary) -> None:
    guard.work.load(saved["weights"])
    for name, value in saved["counts"].items():
        setattr(guard.work, name, value)
    guard.n_restarts = saved["n_restarts"]
    guard.keep()
    diary.history = [Moment(*one) for one in saved["history"]]
    diary.best, diary.waited = saved["best"], saved["waited"]
    diary.pace.resume(saved["seconds"])
