"""Tries a given list of candidates in its order, and puts off what does not fit the time that is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import exp, inf, isfinite, log

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.trial import Proposal, Status, Trial

PriorCost = Callable[[Candidate], float]
"""Expected seconds of one unit (one fit) of a candidate."""

MOST_ASKS = 2
"""How often a candidate is asked if its process is lost."""


@dataclass
class LearntCost:
    """Expected seconds: the prior cost times a factor for each family, learnt from told seconds.

    The factor is the geometric mean of told / expected, drawn towards that of all families by one pseudo-observation,
    and that towards 1 by another. A trial that ran out of time counts as twice the seconds it had. Without a prior cost
    the mean seconds of the family stand in, 0 for a family never seen.

    Examples
    --------
    >>> costs = LearntCost(lambda candidate: 2.0)
    >>> costs.learn(Candidate.of("ridge"), 8.0)
    >>> round(costs.expected(Candidate.of("ridge")), 2)
    5.66
    >>> round(costs.expected(Candidate.of("lasso")), 2)
    4.0
    """

    prior: PriorCost | None = None
    logs: dict[str, list[float]] = field(default_factory=dict)
    """By family: the logarithms of told / prior seconds, or of told seconds without a prior."""

    def learn(self, candidate: Candidate, seconds: float) -> None:
        """Take in the seconds that one unit took."""
        self.logs.setdefault(candidate.component, []).append(log(max(seconds, 1e-3) / self._base(candidate)))

    def expected(self, candidate: Candidate) -> float:
        """Return the seconds that one unit of the candidate is expected to take."""
        own = self.logs.get(candidate.component, [])
        if self.prior is None:
            return exp(sum(own) / len(own)) if own else 0.0
        everything = [value for values in self.logs.values() for value in values]
        overall = sum(everything) / (1 + len(everything))
        return self._base(candidate) * exp((overall + sum(own)) / (1 + len(own)))

    def _base(self, candidate: Candidate) -> float:
        return 1.0 if self.prior is None else max(self.prior(candidate), 1e-3)


class PortfolioStrategy:
    """Ask whole candidates in the given order; with a time limit, those first that fit it.

    A candidate fits where all its units take no more than `share` of the remaining time; the first that fits, in the
    given order, is next. Where none fits, the cheapest that could still end is. A family that ran out of time or memory
    steps behind all others, but for its candidates that are cheaper than the one that failed. Without a time limit the
    order is the given one, whatever anything costs.

    Parameters
    ----------
    candidates : sequence of Candidate
        Equal ones are tried once.
    cost : callable, optional
        Expected seconds of one unit (one fit) of a candidate: a prior, corrected on line from the told seconds, which
        are those of one unit too.
    n_units : int
        How many units a candidate has (folds).
    share : float
        Which part of the remaining time, on all slots, one candidate may take.
    max_candidates : float
        After so many it is finished; what did not fit the time does not count.

    Examples
    --------
    >>> ridge, forest = Candidate.of("ridge"), Candidate.of("forest")
    >>> strategy = PortfolioStrategy([forest, ridge], lambda one: {"forest": 50.0, "ridge": 1.0}[one.component])
    >>> str(strategy.ask(BudgetView(remaining_s=10.0)).candidate)
    'ridge'
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        cost: PriorCost | None = None,
        *,
        n_units: int = 1,
        share: float = 0.2,
        max_candidates: float = inf,
    ) -> None:
        self._left = list({one.key: one for one in candidates}.values())
        self._costs = LearntCost(cost)
        self.n_units = n_units
        self.share = share
        self.max_candidates = max_candidates
        self._n_asks: dict[str, int] = {}
        self._ceilings: dict[str, float] = {}
        """By family: the prior cost at which it ran out of time or memory."""
        self._any_done = False

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return the next candidate that fits, or `FINISHED` when the list is spent or nothing left fits."""
        if not self._left or budget.trials_left < 1 or self._is_over():
            return FINISHED
        candidate = self._left[0] if budget.remaining_s == inf else self._choose(budget)
        if candidate is None:
            return FINISHED
        self._left = [one for one in self._left if one.key != candidate.key]
        self._n_asks[candidate.key] = self._n_asks.get(candidate.key, 0) + 1
        return Proposal(candidate, origin="portfolio")

    def _is_over(self) -> bool:
        """Tell whether as many were asked as are wanted; one that was lost may be asked again."""
        return len(self._n_asks) >= self.max_candidates and self._left[0].key not in self._n_asks

    def _choose(self, budget: BudgetView) -> Candidate | None:
        seconds = {one.key: self._costs.expected(one) * self.n_units / budget.slots for one in self._left}
        fitting = [one for one in self._left if seconds[one.key] <= self.share * budget.remaining_s]
        if fitting:
            return next((one for one in fitting if not self._put_off(one)), fitting[0])
        cheapest = min(self._left, key=lambda one: seconds[one.key])
        # An estimate must not keep a run from having any answer at all.
        possible = seconds[cheapest.key] <= budget.remaining_s or not self._any_done
        return cheapest if possible and budget.remaining_s > 0 else None

    def _put_off(self, candidate: Candidate) -> bool:
        return self._prior(candidate) >= self._ceilings.get(candidate.component, inf)

    def _prior(self, candidate: Candidate) -> float:
        return 0.0 if self._costs.prior is None else self._costs.prior(candidate)

    def tell(self, trial: Trial) -> None:
        """Learn what the family costs, and ask again what was lost with its process."""
        candidate, outcome = trial.proposal.candidate, trial.outcome
        self._left = [one for one in self._left if one.key != candidate.key]
        if outcome.status is Status.LOST and 0 < self._n_asks.get(candidate.key, 0) < MOST_ASKS:
            self._left.insert(0, candidate)
        elif outcome.status in (Status.TIMED_OUT, Status.OUT_OF_MEMORY):
            ceiling = self._ceilings.get(candidate.component, inf)
            self._ceilings[candidate.component] = min(ceiling, self._prior(candidate))
            if outcome.status is Status.TIMED_OUT:
                self._costs.learn(candidate, 2 * outcome.seconds)
        elif trial.done or (outcome.status is Status.PRUNED and isfinite(trial.loss)):
            self._any_done |= trial.done
            self._costs.learn(candidate, outcome.seconds)
