"""Genetic programming: a population of expression trees that is varied by type and survives by loss and simplicity."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Literal

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.grammar import Grammar
from tamis.core.seeds import generator
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.pareto import Standing, front, standings
from tamis.search.variation import Variation, n_nodes

DRAWS = 200
"""How often a child, and then a tree drawn at random, is drawn again that is known already."""

GREEDY = 4
"""How many compete to be a parent by loss alone."""

Second = Literal["complexity", "seconds"]


@dataclass(frozen=True)
class Member:
    """A candidate that was told with a result, and its two objectives."""

    candidate: Candidate
    loss: float
    second: float
    whole: bool
    """Whether its trial was finished; else the loss is an estimate made when it was dropped."""

    @property
    def point(self) -> tuple[float, float]:
        """Where it stands in the plane of the objectives."""
        return self.loss, self.second


class GeneticStrategy:
    """Vary the best trees of a population, as TPOT does (Olson and Moore, 2016), but steadily, not by generations.

    The population begins with given candidates and goes on with random ones. From then on every proposal is a child: a
    subtree of one parent put into another (Koza, 1992), or a mutation of one, and always a tree that the grammar
    writes (Montana, 1995). Parents win tournaments of two by NSGA-II's order (Deb et al., 2002): the front they stand
    on in the plane of loss and the second objective, then the distance to their neighbours on it; or, for `greed`,
    larger ones by loss alone. A child joins as soon as its result is told, and the last in NSGA-II's order dies. So no
    worker ever waits for a generation to end.

    Trials that others asked join as well where the grammar writes them, and so do those that were dropped with an
    estimate of their loss; what failed never has children. Nothing is asked that is known already.

    Parameters
    ----------
    grammar : Grammar
        Says which trees may be written.
    seed : int
        The run's seed.
    first : sequence of Candidate
        Whole candidates, asked before all others; they count towards the first `population`. Those that the grammar
        does not write have no children.
    population : int
        How many members live at the same time. So many candidates, those that others tried among them, are known
        before the first child is asked.
    second : {'complexity', 'seconds'}
        What is kept low beside the loss: the count of nodes, or the seconds of a prediction, and of the fit where the
        prediction's were not measured. With seconds, a run on another machine goes another way.
    ageing : bool
        Whether the oldest member dies, however good it is (Real et al., 2019), so that a tree which was lucky once is
        forgotten. For losses with much noise.
    greed : float
        The probability that a parent is chosen by its loss alone, among four. With 0, as in NSGA-II, small trees with
        great losses have as many children as the best, which a few hundred trials cannot afford.
    crossover : float
        The probability that a child has two parents.
    max_nodes : int
        No child has more nodes, unless a parent has more already.
    max_candidates : float
        After so many proposals it is finished.

    References
    ----------
    Koza, "Genetic programming: on the programming of computers by means of natural selection", 1992.
    Montana, "Strongly typed genetic programming", Evolutionary Computation 3, 1995.
    Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
    Transactions on Evolutionary Computation 6, 2002.
    Olson and Moore, "TPOT: a tree-based pipeline optimization tool for automating machine learning", 2016.
    Real, Aggarwal, Huang and Le, "Regularized evolution for image classifier architecture search", 2019.

    Examples
    --------
    >>> from tamis.core.grammar import Production
    >>> rules = [Production("features", "scaled", ("features",)), Production("features", "columns")]
    >>> strategy = GeneticStrategy(Grammar("features", rules, max_depth=3), seed=0, population=2)
    >>> for number in range(3):
    ...     proposal = strategy.ask(BudgetView()).numbered(number)
    ...     loss = 1.0 / min(2, proposal.candidate.depth)
    ...     strategy.tell(Trial(proposal, Outcome(Status.DONE, {"loss": loss})))
    >>> [(str(candidate), loss, nodes) for candidate, loss, nodes in strategy.front()]
    [('scaled(columns)', 0.5, 2.0), ('columns', 1.0, 1.0)]
    """

    def __init__(
        self,
        grammar: Grammar,
        seed: int,
        *,
        first: Sequence[Candidate] = (),
        population: int = 20,
        second: Second = "complexity",
        ageing: bool = False,
        greed: float = 0.5,
        crossover: float = 0.3,
        max_nodes: int = 60,
        max_candidates: float = inf,
    ) -> None:
        for name, value in {"population": population, "max_nodes": max_nodes}.items():
            if value < 1:
                raise ParameterError(f"The parameter {name!r} must be at least 1; got {value}.")
        for name, share in {"greed": greed, "crossover": crossover}.items():
            if not 0 <= share <= 1:
                raise ParameterError(f"The parameter {name!r} must be from 0 to 1; got {share}.")
        if second not in ("complexity", "seconds"):
            raise wrong_choice("second", second, ("complexity", "seconds"))
        self.grammar = grammar
        self.seed = seed
        self.first = tuple(first)
        self.population = population
        self.second = second
        self.ageing = ageing
        self.greed = greed
        self.crossover = crossover
        self.max_candidates = max_candidates
        self._variation = Variation(grammar, max_nodes)
        self._told: dict[str, Member] = {}
        """By key: everything that was told with a result, whether it still lives or not."""
        self._living: dict[str, Standing] = {}
        """By key: the members and how they stand, the oldest first."""
        self._known: set[str] = set()
        self._running: set[str] = set()
        self._n_asked = 0

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return a first member or a child; None while the space seems spent but something is still running."""
        if self._n_asked >= self.max_candidates or budget.trials_left < 1:
            return FINISHED
        found = self._choose(generator(self.seed, "genetic", self._n_asked))
        if found is None:
            return None if self._running else FINISHED
        candidate, memo = found
        self._known.add(candidate.key)
        self._running.add(candidate.key)
        self._n_asked += 1
        return Proposal(candidate, origin="genetic", memo=memo)

    def _choose(self, rng: np.random.Generator) -> tuple[Candidate, dict[str, Any]] | None:
        """Return a new candidate and how it came about: given, a child, or drawn at random."""
        given = next((one for one in self.first if one.key not in self._known), None)
        if given is not None:
            return given, {"by": "first"}
        if self._living and len(self._known) >= self.population:
            for _ in range(DRAWS):
                child = self._child(rng)
                if child is not None and child[0].key not in self._known:
                    return child
        for _ in range(DRAWS):
            drawn = self.grammar.grow(rng)
            if drawn.key not in self._known:
                return drawn, {"by": "random"}
        return None

    def _child(self, rng: np.random.Generator) -> tuple[Candidate, dict[str, Any]] | None:
        """Cross two winners or mutate one; None where that cannot be."""
        mother = self._parent(rng)
        if rng.random() < self.crossover:
            father = self._parent(rng)
            child = self._variation.cross(mother, father, rng)
            return None if child is None else (child, {"by": "cross", "parents": [mother.key, father.key]})
        mutated = self._variation.mutate(mother, rng)
        return None if mutated is None else (mutated[1], {"by": mutated[0], "parents": [mother.key]})

    def _parent(self, rng: np.random.Generator) -> Candidate:
        """Return the winner of a tournament, by loss or by NSGA-II's order."""
        keys, greedy = list(self._living), rng.random() < self.greed
        rivals = [keys[index] for index in rng.integers(len(keys), size=GREEDY if greedy else 2).tolist()]
        best = min(rivals, key=lambda key: self._told[key].loss if greedy else self._living[key])
        return self._told[best].candidate

    def tell(self, trial: Trial) -> None:
        """Let a candidate with a result join the population, whoever asked; one member makes room for it."""
        candidate = trial.proposal.candidate
        self._known.add(candidate.key)
        if trial.proposal.id >= 0:
            self._running.discard(candidate.key)
        if not isfinite(trial.loss) or trial.outcome.status not in (Status.DONE, Status.PRUNED):
            return
        second = self._measure(candidate, trial.outcome)
        self._told[candidate.key] = Member(candidate, trial.loss, second, trial.done)
        if self.grammar.writes(candidate):
            self._settle([key for key in self._living if key != candidate.key] + [candidate.key])

    def _measure(self, candidate: Candidate, outcome: Outcome) -> float:
        if self.second == "complexity":
            return float(n_nodes(candidate))
        return outcome.predict_s if outcome.predict_s > 0 else outcome.seconds

    def _settle(self, keys: list[str]) -> None:
        """Let one of too many die, the oldest or the worst, and order the others."""
        living = self._order(keys)
        if len(living) > self.population:
            # Of several that stand equally bad the oldest dies, or equal trees would keep all others out.
            dead = keys[0] if self.ageing else max(keys, key=living.__getitem__)
            living = self._order([key for key in keys if key != dead])
        self._living = living

    def _order(self, keys: list[str]) -> dict[str, Standing]:
        return dict(zip(keys, standings([self._told[key].point for key in keys]), strict=True))

    def front(self) -> list[tuple[Candidate, float, float]]:
        """Return the candidates that no other beats in both objectives, with loss and second objective, best first.

        Every trial that was finished counts, of members that have died too; of candidates that are equal in both, the
        one that was told first.
        """
        told = [one for one in self._told.values() if one.whole]
        best = [told[index] for index in front([one.point for one in told])]
        return [(one.candidate, one.loss, one.second) for one in best]
