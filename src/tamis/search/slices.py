"""How much time one unit of work may take, and what still fits."""

from dataclasses import dataclass
from math import ceil, inf

import numpy as np

from tamis.core.budget import BudgetView

CAPS = ((100, 8), (500, 16), (2_500, 30), (10_000, 60), (100_000, 100))
"""How many candidates a table of so many rows can tell apart before the best one is the luckiest: on few rows twice as
many as in AutoGluon 1.4, for over 27 recorded tables ensembles of 24 to 32 candidates were no worse than of 8 to 10."""


def candidate_cap(n_rows: int) -> int:
    """Return how many candidates are worth trying on so many rows: a power law between the points of `CAPS`.

    Examples
    --------
    >>> [candidate_cap(n_rows) for n_rows in (10, 100, 1000, 10_000, 10**7)]
    [8, 8, 21, 60, 100]
    """
    rows, caps = np.log(np.array(CAPS, dtype=float)).T
    return round(float(np.exp(np.interp(np.log(max(n_rows, 1)), rows, caps))))


@dataclass(frozen=True)
class Slices:
    """The seconds that a unit (one candidate on one fold) may take: shares of the remaining time, so never stale.

    Without a time limit every slice is infinite: results must not depend on the machine's speed then.

    Examples
    --------
    >>> slices = Slices(n_folds=5)
    >>> slices.opening(BudgetView(remaining_s=60.0, slots=2), first=True)
    9.0
    >>> slices.opening(BudgetView(remaining_s=60.0, slots=2), first=False)
    5.0
    """

    n_folds: int
    first_share: float = 0.15
    """Of the remaining time, for a unit of the first candidate: an answer comes fast."""
    n_candidates: float = 4.0
    """So many whole candidates of equal cost fit into the remaining time of all slots, as a new one is sliced."""
    most_share: float = 0.45
    """Of the remaining time, for a unit whose cost is not known."""
    known_share: float = 0.9
    """Of the remaining time, for a unit whose cost is known from another fold."""
    least_s: float = 3.0
    """A new candidate is not cut shorter than that while there is time: its first fit pays for imports and probes."""
    slack: float = 2.5
    """A unit whose cost is known may take so many times as long."""

    def opening(self, budget: BudgetView, *, first: bool, n_timeouts: int = 0) -> float:
        """Return the slice of fold 0 of a new candidate; doubled for each that timed out while none has ended well."""
        if budget.remaining_s == inf:
            return inf
        # One fold leaves nothing to be saved by dropping a candidate, so more of them share the time.
        share = budget.slots / (self.n_folds * (self.n_candidates + self.n_candidates / self.n_folds))
        share = min(self.first_share, self.most_share) if first else share
        wanted = max(self.least_s, budget.remaining_s * share) * 2.0 ** min(n_timeouts, 10)
        return min(self.most_share * budget.remaining_s, wanted)

    def later(self, budget: BudgetView, seconds: float) -> float:
        """Return the slice of a fold of a candidate whose units take so many seconds."""
        if budget.remaining_s == inf:
            return inf
        return min(self.known_share * budget.remaining_s, max(self.slack * seconds, seconds + 1.0))


def fits(budget: BudgetView, seconds: float, n_units: int = 1) -> bool:
    """Tell whether so many units of so many seconds each end in the remaining time, run side by side on all slots.

    Examples
    --------
    >>> fits(BudgetView(remaining_s=10.0, slots=2), seconds=4.0, n_units=4)
    True
    >>> fits(BudgetView(remaining_s=10.0, slots=2), seconds=4.0, n_units=5)
    False
    """
    if budget.remaining_s == inf:
        return True
    return 1.1 * seconds * ceil(n_units / budget.slots) <= budget.remaining_s


def is_late(budget: BudgetView, share: float = 0.25) -> bool:
    """Tell whether no more than a share of the whole time is left."""
    return budget.remaining_s < inf and budget.remaining_s <= share * (budget.elapsed_s + budget.remaining_s)
