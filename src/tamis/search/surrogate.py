"""Search with a surrogate: extremely randomised trees predict which of many untried candidates is the best."""

from collections.abc import Sequence
from math import inf, isfinite
from typing import Any

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.contracts import FINISHED, Finished
from tamis.core.decisions import Codes, Decisions
from tamis.core.errors import ParameterError
from tamis.core.seeds import derive, generator
from tamis.core.trial import Proposal, Status, Trial

DRAWS = 300
"""How often something new is drawn before the space counts as spent."""
N_TREES, FEATURES = 20, 1 / 3
"""Of the forest. Each split looks at a third of the options: with all of them, trees over yes-no columns are alike, and
their spread says nothing."""
N_POOL = 100
"""So many mutations of the best are looked at for every proposal, and as many random draws."""
GROWTH = 0.1
"""The forest is fitted again when what is known has grown by this share."""


class SurrogateStrategy:
    """Ask the candidate for which the predicted loss, less a multiple of its spread, is the lowest.

    A forest of extremely randomised trees (Geurts, Ernst and Wehenkel, 2006) learns the losses from the decisions,
    one-hot; above their median all count as the median, as does what failed, for the forest need not tell the bad from
    the worse. It chooses among mutations of the best candidates, as predictor-based searches do that do well in White
    et al., "How powerful are performance predictors in neural architecture search?" (2021), and among random draws,
    which keep it out of local optima.

    Parameters
    ----------
    decisions : Decisions
        The space.
    seed : int
        The run's seed.
    n_initial : int
        Random draws come first, until so many results are known; what others asked counts.
    n_best : int
        How many of the best candidates are mutated.
    kappa : float
        How many standard deviations among the trees are taken off their mean (a lower confidence bound); 0 chooses by
        the mean.
    explore : float
        The probability that a proposal is a random draw, whatever the forest says.
    max_candidates : float
        After so many proposals it is finished.
    """

    def __init__(
        self,
        decisions: Decisions,
        seed: int,
        *,
        n_initial: int = 20,
        n_best: int = 10,
        kappa: float = 0.5,
        explore: float = 0.2,
        max_candidates: float = inf,
    ) -> None:
        for name, value in {"n_initial": n_initial, "n_best": n_best}.items():
            if value < 1:
                raise ParameterError(f"The parameter {name!r} must be at least 1; got {value}.")
        if not 0 <= explore <= 1:
            raise ParameterError(f"The parameter 'explore' must be from 0 to 1; got {explore}.")
        self.decisions = decisions
        self.seed = seed
        self.n_initial = n_initial
        self.n_best = n_best
        self.kappa = kappa
        self.explore = explore
        self.max_candidates = max_candidates
        self._told: list[tuple[Codes, float]] = []
        """With their losses, which are not finite for what failed."""
        self._known: set[Codes] = set()
        self._fitted: tuple[int, list[Any]] = (0, [])
        """The trees, and from how many of the told they learned."""
        self._n_asked = 0
        self._n_running = 0

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return the most promising of the pool; None while the space seems spent but something is still running."""
        if self._n_asked >= self.max_candidates or budget.trials_left < 1:
            return FINISHED
        rng = generator(self.seed, "surrogate", self._n_asked)
        codes = self._choose(rng) or self._draw(rng)
        if codes is None:
            return None if self._n_running else FINISHED
        self._known.add(codes)
        self._n_asked += 1
        self._n_running += 1
        return Proposal(self.decisions.to_tree(codes), origin="surrogate")

    def _draw(self, rng: np.random.Generator) -> Codes | None:
        """Draw something new; None where there seems to be nothing."""
        draws = (self.decisions.sample(rng) for _ in range(DRAWS))
        return next((codes for codes in draws if codes not in self._known), None)

    def _choose(self, rng: np.random.Generator) -> Codes | None:
        """Return the best of a pool by the forest; None while it has learned too little, or where chance decides."""
        done = [(loss, codes) for codes, loss in self._told if isfinite(loss)]
        if len(self._told) < self.n_initial or not done or rng.random() < self.explore:
            return None
        pool = self._pool([codes for _, codes in sorted(done)[: self.n_best]], rng)
        if not pool:
            return None
        rows = self._rows(pool)
        votes = np.array([tree.predict(rows)[:, 0] for tree in self._trees()])
        return pool[int(np.argmin(votes.mean(axis=0) - self.kappa * votes.std(axis=0)))]

    def _pool(self, best: Sequence[Codes], rng: np.random.Generator) -> list[Codes]:
        """Return untried mutations of the best, and random draws."""
        parents = [best[index] for index in rng.integers(len(best), size=N_POOL).tolist()]
        drawn = [self.decisions.mutate(codes, rng) for codes in parents]
        drawn += [self.decisions.sample(rng) for _ in range(N_POOL)]
        return [codes for codes in dict.fromkeys(drawn) if codes not in self._known]

    def _rows(self, many: Sequence[Codes]) -> np.ndarray:
        return np.array([self.decisions.one_hot(codes) for codes in many], dtype=np.float32)

    def _trees(self) -> list[Any]:
        """Return the fitted trees: those of the last time that the told had grown enough."""
        n, following = 0, self.n_initial
        while following <= len(self._told):
            n, following = following, following + max(1, int(GROWTH * following))
        if self._fitted[0] != n:
            self._fitted = n, self._fit(self._told[:n])
        return self._fitted[1]

    def _fit(self, told: Sequence[tuple[Codes, float]]) -> list[Any]:
        from sklearn.ensemble import ExtraTreesRegressor

        losses = np.array([loss for _, loss in told])
        finite = losses[np.isfinite(losses)]
        highest = float(np.median(finite)) if len(finite) else 0.0
        losses = np.where(losses < highest, losses, highest)
        forest = ExtraTreesRegressor(
            N_TREES, max_features=FEATURES, random_state=derive(self.seed, "forest", len(told)), n_jobs=1
        )
        forest.fit(self._rows([codes for codes, _ in told]), losses)
        # A tree is asked without the checks of its estimator, which take longer than its answer.
        return [one.tree_ for one in forest.estimators_]

    def tell(self, trial: Trial) -> None:
        """Remember the result, whoever asked."""
        self._n_running -= trial.proposal.id >= 0
        codes = self.decisions.read(trial.proposal.candidate)
        if codes is not None:
            self._known.add(codes)
            if trial.outcome.status is not Status.LOST:
                self._told.append((codes, trial.loss))
