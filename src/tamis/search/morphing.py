"""Network morphism guided by Bayesian optimisation: children of trained networks, chosen by their distances."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import exp, inf, isfinite

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.errors import ParameterError
from tamis.core.seeds import generator
from tamis.core.trial import Proposal, Status, Trial

Neighbours = Callable[[Candidate, np.random.Generator], list[Candidate]]
"""Returns what single morphisms make of a candidate; all of them, or some that are drawn."""
Distance = Callable[[Candidate, Candidate], float]
"""Says how far apart two candidates are: 0 for equal ones, symmetric."""

SCALES = (0.5, 1.0, 2.0, 4.0)
"""Length scales that are compared, in medians of the distances."""
NOISES = (1e-3, 1e-2, 1e-1)
"""Variances of the noise that are compared; that of the values is 1."""
MOST_TRAINED = 100
"""The process learns from so many of the best: every prediction needs a distance to each."""


class DistanceProcess:
    """A Gaussian process over things of which only the distances are known.

    The kernel is exp(-(d / scale)²). An edit distance is none of a Euclidean space, so the kernel may have negative
    eigenvalues; they are cut off, for the known points and for new ones alike (Chen et al., "Similarity-based
    classification", 2009). Scale and noise are those of the greatest marginal likelihood on a small grid.

    Parameters
    ----------
    distances : ndarray of shape (n, n)
    values : ndarray of shape (n,)

    Examples
    --------
    >>> at = np.array([0.0, 1.0, 2.0, 3.0])
    >>> process = DistanceProcess(abs(at[:, None] - at), np.array([1.0, 0.0, 1.0, 4.0]))
    >>> mean, deviation = process.predict(abs(np.array([[1.0], [9.0]]) - at))
    >>> bool(mean[0] < mean[1]), bool(deviation[0] < deviation[1])
    (True, True)
    """

    def __init__(self, distances: np.ndarray, values: np.ndarray) -> None:
        self.centre = float(values.mean())
        self.spread = float(values.std()) or 1.0
        standard = (values - self.centre) / self.spread
        positive = distances[distances > 0]
        median = float(np.median(positive)) if len(positive) else 1.0
        best = -inf
        for scale in SCALES:
            eigenvalues, vectors = np.linalg.eigh(np.exp(-((distances / (scale * median)) ** 2)))
            kept = eigenvalues > 1e-9
            turned = vectors.T @ standard
            for noise in NOISES:
                variances = np.where(kept, eigenvalues, 0.0) + noise
                likelihood = -float((turned**2 / variances + np.log(variances)).sum()) / 2
                if likelihood > best:
                    best = likelihood
                    self.scale = scale * median
                    self._vectors, self._variances = vectors[:, kept], variances[kept]
                    self._weights = turned[kept] / variances[kept]

    def predict(self, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and the standard deviation for new points, in standard deviations of the values.

        Parameters
        ----------
        distances : ndarray of shape (n_new, n)
            From each new point to each known one.
        """
        turned = np.exp(-((distances / self.scale) ** 2)) @ self._vectors
        variance = 1.0 - (turned**2 / self._variances).sum(axis=1)
        return turned @ self._weights, np.sqrt(np.clip(variance, 1e-9, 1.0))


@dataclass
class Trained:
    """A network that was trained: what may have children."""

    candidate: Candidate
    loss: float
    trial_id: int
    distances: dict[int, float] = field(default_factory=dict)
    """To the networks trained before it, by the id of the trial."""


@dataclass(frozen=True)
class _Step:
    """A network on the tree of morphisms, and the trained one from which they lead to it."""

    candidate: Candidate
    ancestor: Trained
    n_steps: int
    bound: float


class MorphStrategy:
    """Bayesian optimisation over morphisms of trained networks (Jin, Song and Hu, "Auto-Keras", 2019).

    A Gaussian process over the distances between networks predicts the losses. The next network has the least lower
    confidence bound, mean - beta * deviation, among those that a tree search meets: it begins with all trained
    networks, expands the most promising one by its morphisms, and keeps a child where it is the best so far or, with a
    probability that falls from step to step, where it is not much worse (simulated annealing).

    Every proposal but the starts names as its parent the trial of the trained network from which the morphisms lead
    to it, one or several: the objective gives it that network's weights. What others asked is ignored, for its weights
    cannot be inherited.

    Parameters
    ----------
    starts : sequence of Candidate
        Trained first, without a parent.
    neighbours : callable
        Takes a candidate and a generator, and returns candidates that are one morphism away.
    distance : callable
        Takes two candidates and returns their distance.
    seed : int
        The run's seed.
    beta : float
        How many standard deviations are taken off the mean; 2.576 in Auto-Keras.
    temperature : float
        At the beginning of each tree search, in standard deviations of the losses.
    cooling : float
        What is left of the temperature after every expansion.
    n_scored : int
        How many networks a tree search predicts, about.
    max_candidates : float
        After so many proposals it is finished.
    """

    def __init__(
        self,
        starts: Sequence[Candidate],
        neighbours: Neighbours,
        distance: Distance,
        seed: int,
        *,
        beta: float = 2.576,
        temperature: float = 1.0,
        cooling: float = 0.9,
        n_scored: int = 200,
        max_candidates: float = inf,
    ) -> None:
        if not starts:
            raise ParameterError("The parameter 'starts' must hold at least one candidate; got none.")
        if not 0 < cooling < 1 or not temperature > 0:
            got = f"{cooling} and {temperature}"
            raise ParameterError(f"The parameters 'cooling' (in 0..1) and 'temperature' must be above 0; got {got}.")
        self.neighbours = neighbours
        self.distance = distance
        self.seed = seed
        self.beta = beta
        self.temperature = temperature
        self.cooling = cooling
        self.n_scored = n_scored
        self.max_candidates = max_candidates
        self._starts = list({one.key: one for one in starts}.values())
        self._lost: set[str] = set()
        """Starts that were lost once."""
        self._asked: set[str] = set()
        self._trained: list[Trained] = []
        self._n_asked = 0
        self._n_running = 0

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return a start, or the most promising descendant of a trained network; None until one is trained."""
        if self._n_asked >= self.max_candidates or budget.trials_left < 1:
            return FINISHED
        if self._starts:
            proposal = Proposal(self._starts.pop(0), origin="morphing")
        else:
            step = self._search(generator(self.seed, "morphing", self._n_asked)) if self._trained else None
            if step is None:
                return None if self._n_running else FINISHED
            memo = {"morphisms": step.n_steps, "bound": step.bound}
            proposal = Proposal(step.candidate, parent=step.ancestor.trial_id, origin="morphing", memo=memo)
        self._asked.add(proposal.candidate.key)
        self._n_asked += 1
        self._n_running += 1
        return proposal

    def _search(self, rng: np.random.Generator) -> _Step | None:
        """Walk the tree of morphisms below all trained networks; return the most promising new one."""
        known = self._best_trained()
        process = self._process(known)
        seen = set(self._asked)
        queue: list[tuple[float, int, _Step]] = []
        order = count()
        for trained, bound in zip(known, self._bounds(process, known, [one.candidate for one in known]), strict=True):
            heappush(queue, (bound, next(order), _Step(trained.candidate, trained, 0, bound)))
        best: _Step | None = None
        temperature, n_left = self.temperature, self.n_scored
        while queue and n_left > 0:
            _, _, at = heappop(queue)
            temperature *= self.cooling
            near = {one.key: one for one in self.neighbours(at.candidate, rng) if one.key not in seen}
            seen |= near.keys()
            n_left -= max(1, len(near))  # so that it ends where all there is has been seen
            for candidate, bound in zip(near.values(), self._bounds(process, known, list(near.values())), strict=True):
                step = _Step(candidate, at.ancestor, at.n_steps + 1, bound)
                if best is None or bound < best.bound:
                    best = step
                elif rng.random() >= exp((best.bound - bound) / temperature):
                    continue
                heappush(queue, (bound, next(order), step))
        return best

    def _best_trained(self) -> list[Trained]:
        return sorted(self._trained, key=lambda one: (one.loss, one.trial_id))[:MOST_TRAINED]

    def _process(self, known: list[Trained]) -> DistanceProcess:
        between = [[_between(one, other) for other in known] for one in known]
        return DistanceProcess(np.array(between), np.array([one.loss for one in known]))

    def _bounds(self, process: DistanceProcess, known: list[Trained], candidates: list[Candidate]) -> list[float]:
        """Return the lower confidence bounds of candidates."""
        if not candidates:
            return []
        rows = [[self.distance(candidate, one.candidate) for one in known] for candidate in candidates]
        mean, deviation = process.predict(np.array(rows, dtype=float))
        return (mean - self.beta * deviation).tolist()

    def tell(self, trial: Trial) -> None:
        """Take in a trained network, or ask a start again that was lost."""
        candidate = trial.proposal.candidate
        if trial.proposal.id < 0:
            return
        self._n_running -= 1
        if trial.done and isfinite(trial.loss):
            new = Trained(candidate, trial.loss, trial.proposal.id)
            new.distances = {one.trial_id: self.distance(candidate, one.candidate) for one in self._trained}
            self._trained.append(new)
        elif trial.outcome.status is Status.LOST and trial.proposal.parent is None and candidate.key not in self._lost:
            self._lost.add(candidate.key)
            self._starts.append(candidate)


def _between(one: Trained, other: Trained) -> float:
    """Return the distance of two trained networks, measured when the later one was told."""
    if one is other:
        return 0.0
    return one.distances[other.trial_id] if other.trial_id in one.distances else other.distances[one.trial_id]
