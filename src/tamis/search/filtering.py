"""A filter before the search: many architectures are scored without training, and only the best go on."""

from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite
from typing import Any

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.candidate import BATCH, Candidate
from tamis.core.contracts import FINISHED, Finished, Strategy
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar
from tamis.core.seeds import generator
from tamis.core.trial import Proposal, Trial
from tamis.search.compose import ThenStrategy
from tamis.search.sampling import Sampler

SIGNAL_FIDELITY = 1e-4
"""Scores guide the search, they are no models: their fidelity keeps them apart from trials that are."""
MOST_ASKS = 2
"""How often a batch is asked that fails or is lost."""
DRAWS = 100
"""How often an architecture that was drawn already is drawn again."""


def signal(work: str, candidates: Sequence[Candidate], origin: str, **more: Any) -> Proposal:
    """Return the proposal to score several architectures together; its outcome realises `scores`, one for each.

    Examples
    --------
    >>> print(signal("proxies", [Candidate.of("plain"), Candidate.of("cell")], "filter").candidate)
    batch(plain, cell; work='proxies')
    """
    candidate = Candidate.of(BATCH, {"work": work}, *candidates)
    return Proposal(candidate, fidelity=SIGNAL_FIDELITY, origin=origin, **more)


def scores(trial: Trial) -> list[float | None]:
    """Return how each architecture of a batch was scored; None where it has failed, or the whole batch.

    Examples
    --------
    >>> from tamis.core.trial import Outcome, Status
    >>> asked = signal("proxies", [Candidate.of("plain"), Candidate.of("cell")], "filter")
    >>> scores(Trial(asked, Outcome(Status.DONE, realised={"scores": [1.5, None]})))
    [1.5, None]
    >>> scores(Trial(asked, Outcome(Status.TIMED_OUT)))
    [None, None]
    """
    return [one if _is_number(one) else None for one in _of_each(trial, "scores")]


def proxies(trial: Trial) -> list[tuple[float, ...] | None]:
    """Return what was measured of each architecture of a batch: all its proxies where they are told, else its score.

    Examples
    --------
    >>> from tamis.core.trial import Outcome, Status
    >>> asked = signal("proxies", [Candidate.of("plain"), Candidate.of("cell")], "filter")
    >>> measured = [{"jacov": -7.5, "synflow": 1e9}, {"jacov": None, "synflow": 1e3}]
    >>> proxies(Trial(asked, Outcome(Status.DONE, realised={"scores": [4.0, None], "proxies": measured})))
    [(-7.5, 1000000000.0), None]
    """
    told = _of_each(trial, "proxies")
    if not any(told):
        return [None if one is None else (one,) for one in scores(trial)]
    rows = [tuple(one[name] for name in sorted(one)) if isinstance(one, dict) else () for one in told]
    return [row if row and all(map(_is_number, row)) else None for row in rows]


def _of_each(trial: Trial, name: str) -> list[Any]:
    """Return a list that was realised, with one entry for each architecture; Nones where there is no such list."""
    n = len(trial.proposal.candidate.inputs)
    told = trial.outcome.realised.get(name) if trial.done else None
    return list(told) if isinstance(told, list | tuple) and len(told) == n else [None] * n


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def best_first(scored: Mapping[Candidate, tuple[float, ...]]) -> list[Candidate]:
    """Order architectures by the sum of their ranks over the scores they have; equal ones stay in their order.

    Ranks of different proxies can be added, their values cannot; proxies vote together in Abdelfattah et al.,
    "Zero-cost proxies for lightweight NAS", 2021.

    Examples
    --------
    >>> a, b, c = (Candidate.of(name) for name in "abc")
    >>> [str(one) for one in best_first({a: (1.0, 5.0), b: (2.0, 900.0), c: (3.0, 10.0)})]
    ['b', 'c', 'a']
    """
    from scipy.stats import rankdata

    n_scores = min((len(row) for row in scored.values()), default=0)
    if not n_scores:
        return list(scored)
    ranks = rankdata([row[:n_scores] for row in scored.values()], axis=0).sum(axis=1)
    order = np.argsort(-ranks, kind="stable")
    candidates = list(scored)
    return [candidates[index] for index in order]


class ProxyFilter:
    """Draw many architectures, have them scored without training, and hand the best to a strategy.

    Parameters
    ----------
    source : Grammar or callable
        Grows the trees; a callable draws a candidate from a generator.
    then : callable
        Makes the strategy that goes on from the candidates that are kept, the best first. It hears of its own trials,
        and of those that others asked, but not of the scores.
    seed : int
        The run's seed: what is drawn depends on it alone.
    n_drawn, n_kept : int
        How many architectures are scored, and how many are handed on.
    per_batch : int
        How many are scored in one trial.
    share : float
        With a time limit, no more than this share of the whole time goes into the scores: the best of what is scored
        by then are handed on, the first drawn where nothing is.

    Examples
    --------
    >>> from tamis.search.portfolio import PortfolioStrategy
    >>> strategy = ProxyFilter(lambda rng: Candidate.of("net", {"n": int(rng.integers(99))}), PortfolioStrategy, 0)
    >>> proposal = strategy.ask(BudgetView())
    >>> proposal.candidate.component, proposal.candidate.settings, len(proposal.candidate.inputs)
    ('batch', {'work': 'proxies'}, 25)
    """

    def __init__(
        self,
        source: Grammar | Sampler,
        then: Callable[[list[Candidate]], Strategy],
        seed: int,
        *,
        n_drawn: int = 200,
        n_kept: int = 20,
        per_batch: int = 25,
        share: float = 0.2,
    ) -> None:
        for name, value in {"n_drawn": n_drawn, "n_kept": n_kept, "per_batch": per_batch}.items():
            if value < 1:
                raise ParameterError(f"The parameter {name!r} must be at least 1; got {value}.")
        drawn = _distinct(source.grow if isinstance(source, Grammar) else source, seed, n_drawn)
        self._scoring = _Scoring(drawn, per_batch, share)
        self._parts = ThenStrategy(self._scoring, _Deferred(lambda: then(self._scoring.best()[:n_kept])))

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return a batch to be scored, None while the last are under way, then what the other strategy says."""
        return self._parts.ask(budget)

    def tell(self, trial: Trial) -> None:
        """Note the scores, or tell the other strategy."""
        self._parts.tell(trial)


def _distinct(draw: Sampler, seed: int, n: int) -> list[Candidate]:
    """Draw different candidates, fewer where the space seems to have no more."""
    rng = generator(seed, "filter")
    found: dict[str, Candidate] = {}
    for _ in range(n):
        tries = (draw(rng) for _ in range(DRAWS))
        new = next((one for one in tries if one.key not in found), None)
        if new is None:
            break
        found[new.key] = new
    return list(found.values())


class _Scoring:
    """Asks for the scores of given candidates, batch by batch."""

    def __init__(self, drawn: list[Candidate], per_batch: int, share: float) -> None:
        self.drawn = drawn
        self.share = share
        self._left = [drawn[start : start + per_batch] for start in range(0, len(drawn), per_batch)]
        self._n_asks: dict[str, int] = {}
        self._n_running = 0
        self._scored: dict[Candidate, tuple[float, ...]] = {}

    def best(self) -> list[Candidate]:
        """Return the candidates that have scores, the best first; all in their order where none has."""
        return best_first({one: self._scored[one] for one in self.drawn if one in self._scored}) or self.drawn

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return the next batch while there is time for scores."""
        whole = budget.elapsed_s + budget.remaining_s
        late = whole < inf and budget.elapsed_s >= self.share * whole
        if not self._left or late or budget.trials_left < 1:
            return None if self._n_running else FINISHED
        proposal = signal("proxies", self._left.pop(0), "filter")
        key = proposal.candidate.key
        self._n_asks[key] = self._n_asks.get(key, 0) + 1
        self._n_running += 1
        return proposal

    def tell(self, trial: Trial) -> None:
        """Note the scores; a batch that has none is asked once more."""
        if trial.proposal.id < 0:
            return
        self._n_running -= 1
        batch = list(trial.proposal.candidate.children)
        found = {one: row for one, row in zip(batch, proxies(trial), strict=True) if row is not None}
        self._scored |= found
        if not found and self._n_asks[trial.proposal.candidate.key] < MOST_ASKS:
            self._left.append(batch)


class _Deferred:
    """A strategy that is made when it is asked first; it then hears what others have tried before."""

    def __init__(self, make: Callable[[], Strategy]) -> None:
        self._make = make
        self._strategy: Strategy | None = None
        self._heard: list[Trial] = []

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Ask the strategy."""
        if self._strategy is None:
            self._strategy = self._make()
            for trial in self._heard:
                self._strategy.tell(trial)
        return self._strategy.ask(budget)

    def tell(self, trial: Trial) -> None:
        """Tell the strategy, or keep for later; scores are no trials that it could learn from."""
        if trial.proposal.candidate.component == BATCH:
            return
        if self._strategy is None:
            self._heard.append(trial)
        else:
            self._strategy.tell(trial)
