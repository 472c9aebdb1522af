"""Hyperband: successive halving in several brackets, as nobody knows how early a candidate can be judged."""

from collections.abc import Sequence
from math import ceil

from tamis.core.contracts import Strategy
from tamis.search.halving import SuccessiveHalving


def bracket_sizes(n_rungs: int, eta: float) -> tuple[int, ...]:
    """Return how many candidates begin on each rung in one round, so that every bracket costs about the same.

    Examples
    --------
    >>> bracket_sizes(5, 3)
    (81, 34, 15, 8, 5)
    """
    return tuple(ceil(n_rungs / (steps + 1) * eta**steps - 1e-9) for steps in range(n_rungs - 1, -1, -1))


class Hyperband(SuccessiveHalving):
    """Run successive halving in brackets that begin at different fidelities, in turn.

    How many candidates to begin with, and so how little each of them gets at first, is a guess: some kinds of
    candidate are soon told apart, others are behind until they have nearly everything. Hyperband (Li, Jamieson,
    DeSalvo, Rostamizadeh and Talwalkar, "Hyperband: a novel bandit-based approach to hyperparameter optimization",
    2018) does not guess: its first bracket begins with many candidates on the lowest rung, each further one with fewer
    a rung higher, the last one at the full fidelity; then it begins again. Sizes are those of the paper, by which every
    bracket costs about the same.

    Within a bracket candidates are promoted as soon as they are among the best 1/eta of those that have finished
    their rung there, as in ASHA (Li et al., "A system for massively parallel hyperparameter tuning", 2020), so that no
    worker waits for a rung to be full; later rounds go into the same brackets. Around random proposals it is Hyperband,
    around those of a model BOHB (Falkner, Klein and Hutter, 2018).

    Parameters
    ----------
    inner : Strategy
        Who proposes candidates, for all brackets; the fidelity it asks for is replaced.
    eta : float
        One of so many is promoted; above 1.
    rungs : sequence of float, optional
        The fidelities, growing, the last one 1; by default 1/eta², 1/eta, 1. There are as many brackets.
    resource : str
        What the fidelity is a share of (`rows`, `epochs`, `rounds`): kept in the memo for the objective.
    inherit : bool
        Whether a promoted proposal names the trial of the lower rung as its parent, to go on from its weights.
    n_sure : int
        So many of the first candidates climb to the top however they do on the way.
    retell : bool
        Whether the inner strategy hears of a candidate again where it was good enough to go on later after all.
    late : float
        When no more than this share of the whole time is left, the best few of every rung go to the top at once.

    Examples
    --------
    >>> from tamis.core.budget import BudgetView
    >>> from tamis.core.candidate import Candidate
    >>> from tamis.search.portfolio import PortfolioStrategy
    >>> inner = PortfolioStrategy([Candidate.of("net", {"width": width}) for width in range(5)])
    >>> strategy = Hyperband(inner, eta=2, rungs=(0.5, 1.0))
    >>> [strategy.ask(BudgetView()).fidelity for _ in range(5)]
    [0.5, 0.5, 1.0, 1.0, 0.5]
    """

    def __init__(
        self,
        inner: Strategy,
        eta: float = 3.0,
        rungs: Sequence[float] | None = None,
        *,
        resource: str = "rows",
        inherit: bool = False,
        n_sure: int = 0,
        retell: bool = False,
        late: float = 0.0,
    ) -> None:
        super().__init__(inner, eta, rungs, resource=resource, inherit=inherit, n_sure=n_sure, retell=retell, late=late)
        sizes = bracket_sizes(len(self.rungs), eta)
        self._round = [rung for rung, size in enumerate(sizes) for _ in range(size)]
        """The rungs on which the candidates of one round begin."""

    def _start(self, number: int) -> int:
        """Return the rung on which the inner strategy's candidate of this number begins."""
        return self._round[number % len(self._round)]
