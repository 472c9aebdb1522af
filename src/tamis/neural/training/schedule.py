"""Drives training by the share of its time that is over: rates, momentum, and when to look, save and stop."""

import time
from collections import deque
from dataclasses import dataclass
from math import ceil, cos, inf, pi

from tamis.core.budget import Clock
from tamis.core.errors import ParameterError

START_RATE = 0.1
"""The rate of the first step, as a share of the highest."""
N_MOMENTS = 50
"""A training is looked at about so many times at most."""
EVALUATION_SPACING = 15.0
"""Between two evaluations, training takes at least so many times as long as one of them."""
SAVING_SPACING = 25.0
MARGIN_S = 0.03
"""Seconds kept back for what is not measured."""


@dataclass(frozen=True)
class Schedule:
    """The rate and the momentum at every share of the training.

    Up from a low rate in a straight line, then down to nothing, so that the training ends annealed whenever it ends
    (the one-cycle policy, Smith 2018; the triangle of Jordan's airbench, 2024). Momentum goes the other way.

    Examples
    --------
    >>> [round(Schedule(warmup=0.2).rate(progress), 2) for progress in (0, 0.1, 0.2, 0.6, 1)]
    [0.1, 0.55, 1.0, 0.5, 0.0]
    """

    kind: str = "triangle"
    warmup: float = 0.2
    momentum_swing: float = 0.0
    """How much lower the momentum is at the highest rate than at the lowest."""

    def rate(self, progress: float) -> float:
        """Return the rate as a share of the highest, for a progress from 0 to 1."""
        if progress < self.warmup:
            return START_RATE + (1 - START_RATE) * progress / self.warmup
        down = (progress - self.warmup) / (1 - self.warmup) if self.warmup < 1 else 1.0
        down = min(1.0, max(0.0, down))
        return (1 + cos(pi * down)) / 2 if self.kind == "cosine" else 1 - down

    def momentum(self, highest: float, progress: float) -> float:
        """Return the momentum for the optimizer's highest one."""
        return highest - self.momentum_swing * self.rate(progress)


@dataclass(frozen=True)
class Limit:
    """How long a training may take; with epochs alone nothing in it depends on the clock.

    Examples
    --------
    >>> Limit(seconds=60).seconds
    60
    """

    seconds: float | None = None
    """From the call to the return."""
    epochs: float | None = None
    clock: Clock = time.monotonic

    def __post_init__(self) -> None:
        """Refuse a training without end."""
        if self.seconds is None and self.epochs is None:
            raise ParameterError("A training needs a limit of seconds, of epochs, or both; got neither.")
        if (self.seconds is not None and not self.seconds > 0) or (self.epochs is not None and not self.epochs > 0):
            raise ParameterError(f"Seconds and epochs must be above zero; got {self.seconds!r} and {self.epochs!r}.")


class Pace:
    """Follows one training on the clock.

    Parameters
    ----------
    limit : Limit
    started : float
        On the limit's clock.
    steps_per_epoch : float
    evaluation_share : float
        Images per evaluation over images per step; 0 where there is nothing to evaluate on.
    """

    def __init__(self, limit: Limit, started: float, *, steps_per_epoch: float, evaluation_share: float) -> None:
        self.limit = limit
        self.started = started
        self.steps_per_epoch = steps_per_epoch
        self.evaluation_share = evaluation_share
        self.evaluation_s: float | None = None
        """What the last evaluation took."""
        self.saving_s = 0.0
        self.steps_per_s = 0.0
        """The mean since the second step of this sitting."""
        self._n_timed = 0
        self._training_s = 0.0
        self._steps_s: deque[float] = deque(maxlen=10)
        self._looked_at = 0.0
        self._saved_at = 0.0
        self._furthest = 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start, earlier sittings included."""
        return self.limit.clock() - self.started

    @property
    def n_steps(self) -> float:
        """How many steps the limit of epochs allows."""
        return inf if self.limit.epochs is None else ceil(self.limit.epochs * self.steps_per_epoch - 1e-6)

    @property
    def step_s(self) -> float:
        """The longest of the last few steps."""
        return max(self._steps_s, default=0.0)

    @property
    def reserve_s(self) -> float:
        """Seconds that the end will take: one more step and one evaluation."""
        return 1.15 * self.look_s + 1.2 * self.step_s + MARGIN_S

    @property
    def look_s(self) -> float:
        """Seconds of an evaluation: as the last one took, or a guess."""
        if self.evaluation_s is not None:
            return self.evaluation_s
        return self.evaluation_share * self.step_s / 2  # without gradients an image takes less than half

    def resume(self, elapsed_s: float) -> None:
        """Count the seconds of earlier sittings."""
        self.started -= elapsed_s
        self._looked_at = self._saved_at = elapsed_s

    def stepped(self, seconds: float) -> None:
        """Hear how long a step took."""
        if self._n_timed == 1:
            self._training_s = 0.0
        if self._n_timed >= 1:  # the first step also builds kernels and buffers: it says nothing of the others
            self._steps_s.append(seconds)
        self._n_timed += 1
        self._training_s += seconds
        self.steps_per_s = max(1, self._n_timed - 1) / max(self._training_s, 1e-9)

    def progress(self, step: int) -> float:
        """Return the share of the training that is over, from 0 to 1; it never goes back."""
        done = step / self.n_steps
        if self.limit.seconds is not None:
            done = max(done, self.elapsed_s / max(self.limit.seconds - self.reserve_s, 1e-9))
        self._furthest = min(1.0, max(self._furthest, done))
        return self._furthest

    def over(self, step: int) -> str | None:
        """Return why the training ends here, or None."""
        if step >= self.n_steps:
            return "epochs"
        if self.limit.seconds is not None and self.elapsed_s + self.reserve_s >= self.limit.seconds:
            return "time"
        return None

    def should_look(self, step: int) -> bool:
        """Tell whether to evaluate and report now; in reproducible training the number of steps decides."""
        if self.limit.epochs is not None and self.limit.seconds is None:
            every = max(1.0, ceil(self.limit.epochs / N_MOMENTS)) * self.steps_per_epoch
            return step // every > (step - 1) // every and step < self.n_steps
        assert self.limit.seconds is not None
        spacing = max(self.limit.seconds / N_MOMENTS, EVALUATION_SPACING * self.look_s)
        return self.elapsed_s - self._looked_at >= spacing

    def fits_look(self) -> bool:
        """Tell whether there is time for an evaluation, if a little late."""
        return self.limit.seconds is None or self.elapsed_s + self.look_s / 2 <= self.limit.seconds

    def looked(self, seconds: float) -> None:
        """Hear how long an evaluation took."""
        self._looked_at = self.elapsed_s
        if self.evaluation_share:
            self.evaluation_s = seconds

    def should_save(self, every_s: float) -> bool:
        """Tell whether a checkpoint is due, and there is time for it."""
        if self.limit.seconds is not None and self.elapsed_s + self.saving_s + self.reserve_s >= self.limit.seconds:
            return False
        return self.elapsed_s - self._saved_at >= max(every_s, SAVING_SPACING * self.saving_s)

    def saved(self, seconds: float) -> None:
        """Hear how long a checkpoint took."""
        self._saved_at = self.elapsed_s
        self.saving_s = seconds
