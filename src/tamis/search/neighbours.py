"""Local search: small steps from the best candidates found so far, for the time that is left over."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.grammar import Grammar
from tamis.core.seeds import generator
from tamis.core.trial import Proposal, Status, Trial

DRAWS = 50
"""How many steps are drawn before a start counts as having no new neighbour."""
RESERVE, RESERVE_DRAWS = 4, 10
"""Where the best candidates have no new neighbour, so many times as many in all are gone on from, the others with
fewer draws each: where a space is all but spent, every ask would go through all of them."""
STEPS = (0.02, 0.5)
"""The least and the greatest width of a step, as a share of a parameter's range."""


@dataclass(frozen=True)
class Known:
    """A candidate that was told with a result."""

    candidate: Candidate
    loss: float
    seconds: float


class LocalStrategy:
    """Change one parameter of one of the best candidates, by a step that adapts to its success, and at times the shape.

    In the manner of CFO (Wu, Wang and Huang, "Frugal optimization for cost-related hyperparameters", 2021): the step of
    a family (the component at the root) grows when a neighbour is better than where it came from and shrinks when it is
    not; starts that would not end in the time left are passed over. It starts from whatever it was told, whoever asked
    for it; told nothing, it grows a candidate of its own.

    Parameters
    ----------
    grammar : Grammar
        Says which parameters the nodes have, and within which bounds. Told candidates it does not write are ignored.
    seed : int
        The run's seed.
    step : float
        The width of the first step, as a share of a parameter's range.
    shapes : float
        The probability that the shape of a tree is changed instead of a parameter: a subtree, or how many there are.
        Without it a search ends where the parameters of its starts are best.
    n_best : int
        From how many of the best candidates it goes on; better ones are taken more often.
    max_candidates : float
        After so many it is finished.
    """

    def __init__(
        self,
        grammar: Grammar,
        seed: int,
        *,
        step: float = 0.2,
        shapes: float = 0.2,
        n_best: int = 5,
        max_candidates: float = inf,
    ) -> None:
        self.grammar = grammar
        self.seed = seed
        self.step = step
        self.shapes = shapes
        self.n_best = n_best
        self.max_candidates = max_candidates
        self._seen: set[str] = set()
        self._known: dict[str, Known] = {}
        self._origins: dict[str, float] = {}
        """By candidate that was asked: the loss of the one it came from."""
        self._steps: dict[str, float] = {}
        self._n_asked = 0
        self._n_told = 0

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return an untried neighbour; None while what could give one is still running."""
        if self._n_asked >= self.max_candidates or budget.trials_left < 1:
            return FINISHED
        rng = generator(self.seed, "local", self._n_asked)
        if not self._known and self._n_asked - self._n_told >= budget.slots:
            return None
        starts = self._starts(budget)
        found = self._step_from(starts, rng) if starts else None if self._known else self._first(rng)
        if found is None:
            return None if self._n_asked > self._n_told else FINISHED
        candidate, start = found
        self._seen.add(candidate.key)
        self._origins[candidate.key] = inf if start is None else start.loss
        self._n_asked += 1
        memo = {} if start is None else {"from": start.candidate.key, "step": self._step_of(start.candidate)}
        return Proposal(candidate, origin="local", memo=memo)

    def _starts(self, budget: BudgetView) -> list[Known]:
        """Return the candidates to go on from, the best first; more than `n_best` for when those have none."""
        longest = 0.5 * budget.remaining_s if budget.remaining_s < inf else inf
        able = [one for one in self._known.values() if one.seconds <= longest]
        return sorted(able, key=lambda one: (one.loss, one.candidate.key))[: RESERVE * self.n_best]

    def _step_from(self, starts: Sequence[Known], rng: np.random.Generator) -> tuple[Candidate, Known] | None:
        """Draw a start by its rank and a neighbour of it; other starts where it has none that is new."""
        best = starts[: self.n_best]
        weights = 1.0 / (1.0 + np.arange(len(best)))
        order = rng.choice(len(best), size=len(best), replace=False, p=weights / weights.sum())
        reserve = [(start, RESERVE_DRAWS) for start in starts[self.n_best :]]
        for start, n_draws in [*((best[int(index)], DRAWS) for index in order), *reserve]:
            for draw in range(n_draws):
                width = min(STEPS[1], self._step_of(start.candidate) * 1.1**draw)
                candidate = self._neighbour(start.candidate, rng, width)
                if candidate is not None and candidate.key not in self._seen:
                    return candidate, start
        return None

    def _neighbour(self, tree: Candidate, rng: np.random.Generator, step: float) -> Candidate | None:
        """Move one parameter of one node, the root as often as all the others together; or change the shape."""
        if rng.random() < self.shapes:
            return self.grammar.mutate(tree, rng, step)
        nodes = [(path, self.grammar.at(tree, path), symbol) for path, symbol in self.grammar.places(tree)]
        spaces = [(path, node, self.grammar.production(symbol, node).space) for path, node, symbol in nodes]
        movable = [(path, node, space) for path, node, space in spaces if space.size > 1]
        if not movable:
            return None
        n_others = sum(bool(path) for path, _, _ in movable)
        weights = np.array([1.0 if path else max(1.0, n_others) for path, _, _ in movable])
        path, node, space = movable[int(rng.choice(len(movable), p=weights / weights.sum()))]
        moved = Candidate.of(node.component, space.neighbour(node.settings, rng, step), *node.inputs)
        return self.grammar.repair(self.grammar.put(tree, path, moved), rng)

    def _first(self, rng: np.random.Generator) -> tuple[Candidate, None] | None:
        for _ in range(DRAWS):
            candidate = self.grammar.grow(rng)
            if candidate.key not in self._seen:
                return candidate, None
        return None

    def _step_of(self, candidate: Candidate) -> float:
        return self._steps.get(candidate.component, self.step)

    def tell(self, trial: Trial) -> None:
        """Remember the result, and adapt the family's step where it was a neighbour."""
        candidate = trial.proposal.candidate
        self._seen.add(candidate.key)
        if trial.proposal.id >= 0:
            self._n_told += 1
        origin = self._origins.pop(candidate.key, inf)
        if isfinite(origin) and trial.outcome.status is not Status.LOST:
            factor = 1.5 if trial.loss < origin else 0.8
            self._steps[candidate.component] = min(STEPS[1], max(STEPS[0], self._step_of(candidate) * factor))
        if trial.done and isfinite(trial.loss) and self.grammar.writes(candidate):
            self._known[candidate.key] = Known(candidate, trial.loss, trial.outcome.seconds)
