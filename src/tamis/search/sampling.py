"""Draws candidates at random: the yardstick that every other strategy has to beat."""

from collections.abc import Callable
from math import inf

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.grammar import Grammar
from tamis.core.seeds import generator
from tamis.core.trial import Proposal, Trial

Sampler = Callable[[np.random.Generator], Candidate]
"""Draws one candidate."""

DRAWS = 200
"""How often a candidate that is known already is drawn again before the space counts as spent."""


class RandomStrategy:
    """Random search (Bergstra and Bengio, 2012) over distinct candidates.

    Parameters
    ----------
    source : Grammar or callable
        Grows the trees; a callable draws a candidate from a generator.
    seed : int
        The run's seed. The k-th proposal depends on it, on k, and on which candidates are known by then.
    max_candidates : float
        After so many it is finished.

    Examples
    --------
    >>> strategy = RandomStrategy(lambda rng: Candidate.of("ridge", {"alpha": int(rng.integers(2))}), seed=0)
    >>> sorted(str(strategy.ask(BudgetView()).candidate) for _ in range(2))
    ['ridge(alpha=0)', 'ridge(alpha=1)']
    >>> strategy.ask(BudgetView())
    <Finished.FINISHED: 'finished'>
    """

    def __init__(self, source: Grammar | Sampler, seed: int, *, max_candidates: float = inf) -> None:
        self.sampler: Sampler = source.grow if isinstance(source, Grammar) else source
        self.seed = seed
        self.max_candidates = max_candidates
        self._known: set[str] = set()
        self._n_asked = 0

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return a candidate that was neither asked nor told before."""
        if self._n_asked >= self.max_candidates or budget.trials_left < 1:
            return FINISHED
        rng = generator(self.seed, "random", self._n_asked)
        for _ in range(DRAWS):
            candidate = self.sampler(rng)
            if candidate.key not in self._known:
                self._known.add(candidate.key)
                self._n_asked += 1
                return Proposal(candidate, origin="random")
        return FINISHED

    def tell(self, trial: Trial) -> None:
        """Remember candidates that others have tried."""
        self._known.add(trial.proposal.candidate.key)
