"""Bayesian optimisation over trees: a model of what is known says which candidate promises the most."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar
from tamis.core.seeds import derive, generator
from tamis.core.trial import Proposal, Status, Trial
from tamis.search.acquisition import FOREST, LEAST_S, PROCESS, Predict, graded, log_improvement
from tamis.search.encoding import Columns, Key, TreeEncoder, n_numbers
from tamis.search.steps import Steps

ORIGIN = "bayesian"

DRAWS = 300
"""How often something new is drawn at random before the space counts as spent."""
MOST_NUMBERS = 8
"""Spaces of so many numbers and nothing else are left to a Gaussian process."""
N_BEST, N_ROUNDS = 6, 4
"""From so many of the best local search sets out, and from the most promising random trees; so many steps it goes."""
OVERRUN = 2.0
"""What ran out of time would have taken so many times as long, as far as one knows."""

FIDELITY: Key = ("fidelity",)
"""The column of how much of the rows, rounds or epochs a result comes from."""

Worth = Callable[[Sequence[Candidate]], list[float]]
"""Says of each candidate what it is worth to ask it: the higher, the better."""
Judged = tuple[float, Candidate]


@dataclass(frozen=True)
class Known:
    """What came of a candidate."""

    tree: Candidate
    """Complete: what the candidate did not say has its default."""
    features: dict[Key, float]
    loss: float
    """Infinite for what failed."""
    seconds: float | None
    """None where they say nothing of what the work takes."""
    fidelity: float

    def at(self) -> dict[Key, float]:
        """Return the features with the fidelity among them."""
        return {**self.features, FIDELITY: self.fidelity}


def _whole(features: dict[Key, float]) -> dict[Key, float]:
    """Add the full fidelity to the features of a tree."""
    return {**features, FIDELITY: 1.0}


class BayesianStrategy:
    """Ask the candidate whose expected improvement, for each second it takes, is the greatest.

    Sequential model-based optimisation (SMAC; Hutter, Hoos and Leyton-Brown, "Sequential model-based optimization for
    general algorithm configuration", 2011). A random forest learns how far each known tree is from the best, on a
    logarithmic scale; the spread of its trees is its doubt. Where every tree has one shape and few numbers, a Gaussian
    process does this. The expected improvement (Jones, Schonlau and Welch, "Efficient global optimization of expensive
    black-box functions", 1998) is looked for among random trees and by local search from the best known and the most
    promising random ones. With a time limit, a second model predicts the seconds, and the improvement per second
    decides (Snoek, Larochelle and Adams, "Practical Bayesian optimization of machine learning algorithms", 2012).
    A share of the proposals is drawn at random, whatever the model says.

    What is running counts with the loss that is predicted for it, so that several workers are not given the same. What
    others asked is learned from; trees that the grammar does not write are ignored. Of a candidate the result at the
    highest fidelity counts; where results are of several, the fidelity is one more column of what the models learn
    from, and candidates are judged by what is foreseen at the full one (as in Klein, Falkner, Bartels, Hennig and
    Hutter, "Fast Bayesian optimization of machine learning hyperparameters on large datasets", 2017).

    Parameters
    ----------
    grammar : Grammar
        The space; recursion, repeated inputs and every kind of parameter are allowed.
    seed : int
        The run's seed.
    first : sequence of Candidate
        Asked first, in this order, where not known yet: those that did best on similar data, as in Feurer, Springenberg
        and Hutter, "Initializing Bayesian hyperparameter optimization via meta-learning" (2015).
    n_initial : int
        After `first`, random trees follow until so many results are known, those of `first` and of others included.
    explore : float
        The probability that a later proposal is drawn at random.
    per_second : bool
        Whether a time limit makes cheap candidates worth more. Without a limit seconds never count.
    n_looked_at : int
        About how many trees are judged for every proposal.
    max_candidates : float
        After so many proposals it is finished.

    Examples
    --------
    >>> from tamis.core.grammar import Production
    >>> from tamis.core.space import Choice, Space
    >>> grammar = Grammar("model", [Production("model", "ridge", (), Space({"alpha": Choice([0.1, 1.0])}))])
    >>> strategy = BayesianStrategy(grammar, seed=0, first=[Candidate.of("ridge", {"alpha": 1.0})])
    >>> [str(strategy.ask(BudgetView()).candidate) for _ in range(2)]
    ['ridge(alpha=1.0)', 'ridge(alpha=0.1)']
    """

    def __init__(
        self,
        grammar: Grammar,
        seed: int,
        *,
        first: Sequence[Candidate] = (),
        n_initial: int = 10,
        explore: float = 0.1,
        per_second: bool = True,
        n_looked_at: int = 200,
        max_candidates: float = inf,
    ) -> None:
        for name, value in {"n_initial": n_initial, "n_looked_at": n_looked_at}.items():
            if value < 1:
                raise ParameterError(f"The parameter {name!r} must be at least 1; got {value}.")
        if not 0 <= explore <= 1:
            raise ParameterError(f"The parameter 'explore' must be from 0 to 1; got {explore}.")
        self.grammar = grammar
        self.seed = seed
        self.first = tuple(first)
        self.n_initial = n_initial
        self.explore = explore
        self.per_second = per_second
        self.n_looked_at = n_looked_at
        self.max_candidates = max_candidates
        self._encoder = TreeEncoder(grammar)
        self._steps = Steps(grammar)
        numbers = n_numbers(grammar)
        self._model = PROCESS if numbers and numbers <= MOST_NUMBERS else FOREST
        self._seen: set[str] = set()
        """The keys of what was asked or told, as it was and complete."""
        self._told: dict[str, Known] = {}
        """By the key of the complete tree."""
        self._running: dict[str, dict[Key, float]] = {}
        """The features of what was asked and not told, by its key; none of what the grammar does not write."""
        self._n_asked = 0

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return the most promising candidate; None while the space seems spent but something is still running."""
        if self._n_asked >= self.max_candidates or budget.trials_left < 1:
            return FINISHED
        found = self._replayed(budget.answered) or self._found(budget)
        if found is None:
            return None if self._running else FINISHED
        candidate, by = found
        whole = self._see(candidate)
        self._running[candidate.key] = self._encoder.features(whole) if whole else {}
        self._n_asked += 1
        return Proposal(candidate, origin=ORIGIN, memo={"by": by})

    def _replayed(self, answered: Proposal | None) -> tuple[Candidate, str] | None:
        """Return what was asked here before a run was resumed: the models would take as long again to find it."""
        if answered is None or answered.origin != ORIGIN or answered.candidate.key in self._seen:
            return None  # somebody else asked, or it is another fold or fidelity of what is known
        if not self.grammar.writes(answered.candidate):
            return None  # somebody around this search has made something else of what it asked
        return answered.candidate, str(answered.memo.get("by", "model"))

    def _found(self, budget: BudgetView) -> tuple[Candidate, str] | None:
        """Return something new and how it came about: given, chosen by the models, or drawn at random."""
        rng = generator(self.seed, "bayesian", self._n_asked)
        given = next((one for one in self.first if one.key not in self._seen), None)
        if given is not None:
            return given, "first"
        chosen = self._choose(rng, budget)
        if chosen is not None:
            return chosen, "model"
        drawn = self._draw(rng)
        return None if drawn is None else (drawn, "random")

    def _draw(self, rng: np.random.Generator) -> Candidate | None:
        """Draw something new; None where there seems to be nothing."""
        draws = (self.grammar.grow(rng) for _ in range(DRAWS))
        return next((one for one in draws if one.key not in self._seen), None)

    def _choose(self, rng: np.random.Generator, budget: BudgetView) -> Candidate | None:
        """Return what the models say; None while they have learned too little, or where chance decides."""
        done = [one for one in self._told.values() if isfinite(one.loss)]
        if len(self._told) < self.n_initial or not done or rng.random() < self.explore:
            return None
        worth = self._worth(budget)
        if worth is None:
            return None
        best = [one.tree for one in sorted(done, key=lambda one: (one.loss, one.tree.key))[:N_BEST]]
        judged = self._look_around(best, worth, rng)
        new = [(value, tree) for value, tree in judged if tree.key not in self._seen]
        return max(new, key=lambda one: one[0])[1] if new else None

    def _look_around(self, best: Sequence[Candidate], worth: Worth, rng: np.random.Generator) -> list[Judged]:
        """Judge random trees and, from the best and the most promising of those, the way uphill."""

        def judge(trees: Sequence[Candidate]) -> list[Judged]:
            return list(zip(worth(trees), trees, strict=True))

        n_random = max(1, self.n_looked_at // 3)
        drawn = judge([self.grammar.grow(rng) for _ in range(n_random)])
        promising = heapq.nlargest(N_BEST // 2, drawn, key=lambda one: one[0])
        at = judge(best) + promising
        judged = drawn + at
        n_steps = max(1, (self.n_looked_at - n_random) // (len(at) * N_ROUNDS))
        for _ in range(N_ROUNDS):
            near = judge([self._steps.near(tree, best, rng) for _, tree in at for _ in range(n_steps)])
            judged += near
            ways = [near[start : start + n_steps] for start in range(0, len(near), n_steps)]
            at = [max([here, *way], key=lambda one: one[0]) for here, way in zip(at, ways, strict=True)]
        return judged

    def _worth(self, budget: BudgetView) -> Worth | None:
        """Return a function that says what candidates are worth; None where all that is known is alike."""
        told, running = list(self._told.values()), [one for one in self._running.values() if one]
        known, running = [one.at() for one in told], [_whole(one) for one in running]
        columns = Columns([*known, *running])
        if not len(columns):
            return None
        rows = columns.matrix(known)
        grades = graded([one.loss for one in told], self._model.near)
        seed = derive(self.seed, "model", len(told))
        if running:  # the kriging believer of Ginsbourger, Le Riche and Carraro (2010)
            believed = columns.matrix(running)
            foreseen = self._model.mean(rows, grades, seed)(believed)[0]
            losses = self._model.fit(np.vstack([rows, believed]), np.append(grades, foreseen), seed)
        else:
            losses = self._model.fit(rows, grades, seed)
        seconds = self._seconds(rows, told, seed) if self.per_second and budget.remaining_s < inf else None
        most = max(one.fidelity for one in told if isfinite(one.loss))
        best = min(grade for grade, one in zip(grades.tolist(), told, strict=True) if one.fidelity == most)

        def worth(trees: Sequence[Candidate]) -> list[float]:
            vectors = columns.matrix([_whole(self._encoder.features(tree)) for tree in trees])
            values = log_improvement(*losses(vectors), best)
            if seconds is not None:
                logs = seconds(vectors)[0]
                values = np.where(logs < log(max(LEAST_S, budget.remaining_s)), values - logs, -inf)
            return values.tolist()

        return worth

    def _seconds(self, rows: np.ndarray, told: Sequence[Known], seed: int) -> Predict | None:
        """Return a model of the logarithm of the seconds; None where no seconds are known."""
        timed = [(row, log(max(LEAST_S, one.seconds))) for row, one in zip(rows, told, strict=True) if one.seconds]
        if not timed:
            return None
        vectors, logs = zip(*timed, strict=True)
        return self._model.mean(np.array(vectors), np.array(logs), seed)

    def _see(self, candidate: Candidate) -> Candidate | None:
        """Note a candidate as known; return it complete, or None where the grammar does not write it."""
        whole = self._encoder.read(candidate)
        self._seen |= {candidate.key} | ({whole.key} if whole else set())
        return whole

    def tell(self, trial: Trial) -> None:
        """Remember the result, whoever asked."""
        candidate, outcome = trial.proposal.candidate, trial.outcome
        if trial.proposal.id >= 0:
            self._running.pop(candidate.key, None)
        whole = self._see(candidate)
        if whole is None or outcome.status is Status.LOST:
            return
        before = self._told.get(whole.key)
        if before is None or trial.proposal.fidelity >= before.fidelity:
            seconds = OVERRUN * outcome.seconds if outcome.status is Status.TIMED_OUT else None
            if outcome.status is Status.DONE or (outcome.status is Status.PRUNED and isfinite(trial.loss)):
                seconds = outcome.seconds  # of what was dropped with a result, too: it is that of whole fits
            # What failed on a later fold tells a loss as well; nothing like it should be asked for that.
            loss = trial.loss if outcome.status in (Status.DONE, Status.PRUNED) else inf
            features = self._encoder.features(whole)
            self._told[whole.key] = Known(whole, features, loss, seconds, trial.proposal.fidelity)
