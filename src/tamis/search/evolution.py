"""Regularized evolution: a population whose oldest member dies, and children that differ by one decision."""

from collections import deque
from collections.abc import Callable, Sequence
from math import inf, isfinite

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.decisions import Decisions
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar
from tamis.core.seeds import generator
from tamis.core.trial import Proposal, Trial
from tamis.search.sampling import Sampler

Mutate = Callable[[Candidate, np.random.Generator], Candidate]
"""Returns a candidate that differs a little from another."""

DRAWS = 100
"""How often a child is drawn again that is known already, before a candidate is drawn afresh."""


class RegularizedEvolution:
    """Ageing evolution (Real et al., "Regularized evolution for image classifier architecture search", 2019).

    The first `population` candidates are drawn at random. From then on, every proposal is a mutation of the best among
    `sample` members drawn from the population, with replacement; it joins when its result is told, and the oldest
    member dies. So a candidate stays alive through its children alone: one that was lucky once is forgotten.

    What others asked joins as well where the space can write it. Several proposals may be under way at once: a child
    is then made from the members known so far.

    Parameters
    ----------
    source : Decisions, Grammar or callable
        The space. A mutation changes one decision to another option, drawn evenly. A grammar is read as decisions
        unless `mutate` is given; a callable draws a candidate from a generator and needs `mutate`.
    seed : int
        The run's seed.
    population : int
        How many members live at the same time (100 in the paper, with 20,000 trainings; 20 suits a few hundred).
    sample : int
        How many compete to be a parent (25 in the paper).
    identity : float
        The probability that a child is its parent, unchanged, to be trained again (0.05 in the paper); needs `repeats`.
    repeats : bool
        Whether a candidate that is known already may be proposed again, as it happens where evaluations are looked up
        in a table and counted. Otherwise the mutation is drawn again until it is new.
    mutate : callable, optional
        Takes a candidate and a generator and returns the child, for spaces that are no decisions, such as free graphs.
    initial : sequence of Candidate
        Asked first where they are not known yet; they count towards the first `population`.
    max_candidates : float
        After so many proposals it is finished.

    Examples
    --------
    >>> from tamis.core.grammar import Production
    >>> from tamis.core.space import Choice, Space
    >>> grammar = Grammar("cell", [Production("cell", "cell", (), Space({"op": Choice(["conv", "pool", "skip"])}))])
    >>> strategy = RegularizedEvolution(grammar, seed=0, population=2)
    >>> sorted(str(strategy.ask(BudgetView()).candidate) for _ in range(3))
    ["cell(op='conv')", "cell(op='pool')", "cell(op='skip')"]
    """

    def __init__(
        self,
        source: Decisions | Grammar | Sampler,
        seed: int,
        *,
        population: int = 20,
        sample: int = 5,
        identity: float = 0.0,
        repeats: bool = False,
        mutate: Mutate | None = None,
        initial: Sequence[Candidate] = (),
        max_candidates: float = inf,
    ) -> None:
        for name, value in {"population": population, "sample": sample}.items():
            if value < 1:
                raise ParameterError(f"The parameter {name!r} must be at least 1; got {value}.")
        if not 0 <= identity < 1 or (identity > 0 and not repeats):
            raise ParameterError(f"The parameter 'identity' must be 0, or below 1 with repeats=True; got {identity}.")
        self._space = _Space(source, mutate)
        self.seed = seed
        self.population = population
        self.sample = sample
        self.identity = identity
        self.repeats = repeats
        self.initial = tuple(initial)
        self.max_candidates = max_candidates
        self._members: deque[tuple[Candidate, float]] = deque(maxlen=population)
        """With their losses, the oldest first."""
        self._known: set[str] = set()
        self._n_asked = 0
        self._n_running = 0

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return a first member or a child; None while the space seems spent but something is still running."""
        if self._n_asked >= self.max_candidates or budget.trials_left < 1:
            return FINISHED
        candidate = self._choose(generator(self.seed, "evolution", self._n_asked))
        if candidate is None:
            return None if self._n_running else FINISHED
        self._known.add(candidate.key)
        self._n_asked += 1
        self._n_running += 1
        return Proposal(candidate, origin="evolution")

    def _choose(self, rng: np.random.Generator) -> Candidate | None:
        """Return a given candidate, one drawn at random or a child, whatever the time is for."""
        given = next((one for one in self.initial if one.key not in self._known), None)
        if given is not None:
            return given
        if self._members and self._n_asked >= self.population:
            for _ in range(DRAWS):
                child = self._child(rng)
                if self.repeats or child.key not in self._known:
                    return child
        for _ in range(DRAWS):
            drawn = self._space.draw(rng)
            if self.repeats or drawn.key not in self._known:
                return drawn
        return None

    def _child(self, rng: np.random.Generator) -> Candidate:
        """Mutate the winner of a tournament."""
        rivals = [self._members[index] for index in rng.integers(len(self._members), size=self.sample).tolist()]
        parent, _ = min(rivals, key=lambda member: member[1])
        if self.identity and rng.random() < self.identity:
            return parent
        return self._space.mutate(parent, rng)

    def tell(self, trial: Trial) -> None:
        """Let a candidate with a result join the population; the oldest member makes room for it."""
        candidate = trial.proposal.candidate
        own = trial.proposal.id >= 0
        self._known.add(candidate.key)
        self._n_running -= own
        if isfinite(trial.loss) and (own or self._space.writes(candidate)):
            self._members.append((candidate, trial.loss))


class _Space:
    """Draws and mutates candidates, by decisions or by what the caller gave."""

    def __init__(self, source: Decisions | Grammar | Sampler, mutate: Mutate | None) -> None:
        if isinstance(source, Grammar) and mutate is None:
            source = Decisions(source)
        self._source = source
        if mutate is not None:
            self.mutate = mutate
        elif isinstance(source, Decisions):
            self.mutate = lambda tree, rng: source.to_tree(source.mutate(source.to_codes(tree), rng))
        else:
            raise ParameterError("The parameter 'mutate' must be given where the source is a callable.")

    def draw(self, rng: np.random.Generator) -> Candidate:
        """Draw a candidate at random."""
        if isinstance(self._source, Decisions):
            return self._source.to_tree(self._source.sample(rng))
        return self._source.grow(rng) if isinstance(self._source, Grammar) else self._source(rng)

    def writes(self, candidate: Candidate) -> bool:
        """Tell whether a candidate that others asked is known to belong to the space."""
        if isinstance(self._source, Decisions):
            return self._source.read(candidate) is not None
        if isinstance(self._source, Grammar):
            return self._source.writes(candidate)
        return False
