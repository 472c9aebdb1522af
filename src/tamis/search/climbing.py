"""Local search over decisions: first-improvement hill climbing with restarts."""

from collections.abc import Iterable, Sequence
from math import inf, isfinite

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.decisions import Codes, Decisions
from tamis.core.errors import ParameterError
from tamis.core.seeds import generator
from tamis.core.trial import Proposal, Trial

DRAWS = 300
"""How often a start that is known already is drawn again before the space counts as spent."""


class LocalSearch:
    """Try the neighbours of a candidate in random order, and go on from the first that is better.

    Local search as White, Nolen and Savani describe it ("Exploring the loss landscape in neural architecture search",
    2021), which is among the best strategies on spaces of cells. Where no neighbour is better, it starts again
    elsewhere: from the best that it knows and has not climbed from yet (given candidates, what others asked, random
    draws), else from a new random draw.

    Several proposals may be under way at once: all are neighbours of where it stands; when they are used up, starts
    for the next climb are drawn. Nothing is asked twice, and what others tried counts as tried.

    Parameters
    ----------
    decisions : Decisions
        The space; a step changes one decision.
    seed : int
        The run's seed.
    initial : sequence of Candidate
        Asked first; the climb begins at the best of them when all have come back.
    n_draws : int
        Where neither `initial` nor others give a start, so many random draws are tried before the first climb.
    max_candidates : float
        After so many proposals it is finished.

    Raises
    ------
    ParameterError
        Where the space does not write an initial candidate.

    Examples
    --------
    >>> from tamis.core.grammar import Grammar, Production
    >>> from tamis.core.space import Choice, Space
    >>> grammar = Grammar("cell", [Production("cell", "cell", (), Space({"op": Choice(["conv", "pool", "skip"])}))])
    >>> strategy = LocalSearch(Decisions(grammar), seed=0, initial=[Candidate.of("cell", {"op": "skip"})])
    >>> str(strategy.ask(BudgetView()).candidate)
    "cell(op='skip')"
    """

    def __init__(
        self,
        decisions: Decisions,
        seed: int,
        *,
        initial: Sequence[Candidate] = (),
        n_draws: int = 10,
        max_candidates: float = inf,
    ) -> None:
        if n_draws < 1:
            raise ParameterError(f"The parameter 'n_draws' must be at least 1; got {n_draws}.")
        self.decisions = decisions
        self.seed = seed
        self.n_draws = n_draws
        self.max_candidates = max_candidates
        self._initial = list(dict.fromkeys(decisions.to_codes(one) for one in initial))
        self._losses: dict[Codes, float] = {}
        """Of everything told; infinite for what failed."""
        self._keys: dict[Codes, str] = {}
        """Of the candidates as they were told: they may leave out what is at its default."""
        self._asked: set[Codes] = set()
        self._steps: set[Codes] = set()
        """What was asked as a neighbour."""
        self._starts: set[Codes] = set()
        """What was told with a result, was no step, and has not been climbed from."""
        self._stand: Codes | None = None
        self._has_given = bool(self._initial)
        """Whether there is anything to start from that was not drawn."""
        self._near: list[Codes] = []
        """The neighbours of where it stands, in the order in which they are tried."""
        self._n_running = 0

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return an untried neighbour or a start; None while the space seems spent but something is still running."""
        if len(self._asked) >= self.max_candidates or budget.trials_left < 1:
            return FINISHED
        codes = self._untried(self._initial)
        memo = {}
        if codes is None and self._stand is not None and (step := self._untried(self._near)) is not None:
            codes, memo = step, {"from": self._keys[self._stand]}
            self._steps.add(step)
        codes = codes or self._draw()
        if codes is None:
            return None if self._n_running else FINISHED
        self._asked.add(codes)
        self._n_running += 1
        return Proposal(self.decisions.to_tree(codes), origin="climbing", memo=memo)

    def _untried(self, order: Iterable[Codes]) -> Codes | None:
        return next((codes for codes in order if codes not in self._asked and codes not in self._losses), None)

    def _draw(self) -> Codes | None:
        """Draw a start; None where nothing new is found."""
        rng = generator(self.seed, "climbing", len(self._asked))
        return self._untried(self.decisions.sample(rng) for _ in range(DRAWS))

    def tell(self, trial: Trial) -> None:
        """Move to a step that is better, and elsewhere where no neighbour is."""
        own = trial.proposal.id >= 0
        self._n_running -= own
        codes = self.decisions.read(trial.proposal.candidate)
        if codes is None:
            return
        self._losses[codes] = trial.loss
        self._keys[codes] = trial.proposal.candidate.key
        if own and codes in self._steps:
            # Beside other slots' proposals it may be a neighbour of an earlier stand.
            if self._stand is not None and trial.loss < self._losses[self._stand]:
                self._move(codes)
        elif isfinite(trial.loss):
            self._starts.add(codes)
            self._has_given |= not own
        self._go_on()

    def _go_on(self) -> None:
        """Step through what is known already, until a neighbour must be tried or nothing is known to start from."""
        while self._stand is not None or self._may_start():
            if self._stand is None:
                self._move(min(self._starts, key=lambda codes: (self._losses[codes], codes)))
                continue
            here = self._losses[self._stand]
            better = next((codes for codes in self._near if self._losses.get(codes, inf) < here), None)
            if better is not None:
                self._move(better)
            elif all(codes in self._losses for codes in self._near):
                self._stand = None
            else:
                return

    def _may_start(self) -> bool:
        """Tell whether there is a start, and the first climb has been given its choice."""
        enough = self._has_given or len(self._losses) >= self.n_draws
        return bool(self._starts) and enough and all(codes in self._losses for codes in self._initial)

    def _move(self, codes: Codes) -> None:
        """Stand elsewhere, and shuffle the neighbours there."""
        self._stand = codes
        self._starts.discard(codes)
        near = self.decisions.neighbours(codes)
        self._near = [near[index] for index in generator(self.seed, "neighbours", *codes).permutation(len(near))]
