"""How much may still be spent: seconds on a monotonic clock, trials, memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tamis.core.trial import Proposal

Clock = Callable[[], float]
"""Returns seconds that never go back."""


@dataclass(frozen=True)
class BudgetView:
    """What a strategy is told of the budget when it is asked; journalled with the ask: a replay sees the same."""

    elapsed_s: float = 0.0
    remaining_s: float = inf
    """Seconds that may still go into trials; the reserve for the finish is already taken off."""
    trials_left: float = inf
    slots: int = 1
    """How many trials can run at the same time."""
    answered: "Proposal | None" = None
    """While a journal is replayed, what was asked at this place: a strategy whose choice takes long, or may come out
    otherwise on another machine, need not choose again. The journal does not hold it as part of the view."""

    def to_json(self) -> list[float | None]:
        """Return a list for the journal; None stands for no limit."""
        values = (self.elapsed_s, self.remaining_s, self.trials_left, self.slots)
        return [None if value == inf else value for value in values]

    @classmethod
    def from_json(cls, values: list[float | None]) -> "BudgetView":
        """Read what `to_json` wrote."""
        elapsed, remaining, trials, slots = (inf if value is None else value for value in values)
        return cls(elapsed, remaining, trials, int(slots))


@dataclass
class Budget:
    """The budget of one run: it knows the clock, and hands out views of itself.

    Parameters
    ----------
    limit_s : float
        Seconds the whole call may take, reading and saving included.
    max_trials : float
        How many candidates may be tried.
    spent_s : float
        Seconds that earlier sittings of the same run, or the time before this object was made, have used.
    clock : callable
        Returns monotonic seconds.

    Examples
    --------
    >>> now = [0.0]
    >>> budget = Budget(limit_s=10, reserve_s=2, clock=lambda: now[0])
    >>> now[0] = 3.0
    >>> budget.view().remaining_s
    5.0
    """

    limit_s: float = inf
    max_trials: float = inf
    spent_s: float = 0.0
    reserve_s: float = 0.0
    """Seconds kept back for the finish; measured and set anew while the run goes on."""
    clock: Clock = time.monotonic
    started: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self.started = self.clock() - self.spent_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.started

    @property
    def left_s(self) -> float:
        """Seconds until the limit, never below zero."""
        return max(0.0, self.limit_s - self.elapsed_s)

    def view(self, n_asked: int = 0, slots: int = 1) -> BudgetView:
        """Return what a strategy may know now."""
        remaining = max(0.0, self.left_s - self.reserve_s) if self.limit_s < inf else inf
        return BudgetView(self.elapsed_s, remaining, max(0.0, self.max_trials - n_asked), slots)
