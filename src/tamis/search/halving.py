"""Asynchronous successive halving (ASHA): many candidates at a low fidelity, few at the full one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf, isclose

from tamis.core.budget import BudgetView
from tamis.core.candidate import BATCH
from tamis.core.contracts import Finished, Strategy
from tamis.core.errors import ParameterError
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.slices import is_late

MOST_ASKS = 2
"""How often a rung of a candidate is asked if its process is lost."""

N_LATE = 5
"""So many of the best of each rung go to the top when the time nears its end."""


def geometric_rungs(lowest: float, eta: float = 3.0) -> tuple[float, ...]:
    """Return fidelities that grow by `eta` and end at 1, the first of them at least `lowest`.

    Examples
    --------
    >>> [round(rung, 3) for rung in geometric_rungs(0.1)]
    [0.111, 0.333, 1.0]
    """
    rungs = [1.0]
    while rungs[0] / eta >= lowest * (1 - 1e-9):
        rungs.insert(0, rungs[0] / eta)
    return tuple(rungs)


@dataclass
class Climber:
    """One candidate on its way up the rungs."""

    asked: Proposal
    """As the inner strategy asked it, with the inner number."""
    start: int = 0
    """The rung on which it begins."""
    rung: int = 0
    losses: dict[int, float] = field(default_factory=dict)
    """By rung that it has finished."""
    trial_id: int | None = None
    """The last trial that ended well: the parent of the next where weights are inherited."""
    outcome: Outcome | None = None
    running: bool = True
    told: bool = False
    n_lost: int = 0

    @property
    def waiting(self) -> bool:
        """Tell whether it has finished its rung and may be promoted."""
        return not self.running and self.rung in self.losses

    @property
    def lost(self) -> bool:
        """Tell whether its rung must be asked again."""
        return not self.running and self.rung not in self.losses


class SuccessiveHalving:
    """Promote the best 1/eta of every rung to the next fidelity as soon as they are known.

    The rule of ASHA (Li et al., "A system for massively parallel hyperparameter tuning", 2020): a free slot goes to the
    highest rung that holds a candidate among the best 1/eta of those that finished it, else to a new candidate of the
    inner strategy at the lowest rung. When the inner strategy has no more, the best that waits goes on, so that one
    candidate always reaches the full fidelity.

    The inner strategy is told every candidate once, at the fidelity at which it was not good enough to go on at that
    time, or at the full one; `proposal.fidelity` of the told trial says which. Any strategy can be wrapped, and the
    halved one be wrapped in turn: folds are raced at the full fidelity alone (`FoldRacing`).

    Parameters
    ----------
    inner : Strategy
        Who proposes candidates; they begin on the lowest rung. What it asks at a part of the fidelity itself goes as it
        is, and climbs no rung.
    eta : float
        One of so many is promoted; above 1.
    rungs : sequence of float, optional
        The fidelities, growing, the last one 1; by default 1/eta², 1/eta, 1.
    resource : str
        What the fidelity is a share of (`rows`, `epochs`, `rounds`): kept in the memo for the objective.
    inherit : bool
        Whether a promoted proposal names the trial of the lower rung as its parent, to go on from its weights.
    n_sure : int
        So many of the first candidates climb to the top however they do on the way: what is known to do well with
        much of the resource may be behind with little.
    retell : bool
        Whether the inner strategy hears of a candidate again where it was good enough to go on later after all: as of
        a trial that others asked, with the number -1. A model that knows fidelities learns from it.
    late : float
        When no more than this share of the whole time is left, the best few of every rung go to the top at once, before
        anything new: what was found with little is of use only where it is trained with all. 0: never.

    Examples
    --------
    >>> from tamis.core.candidate import Candidate
    >>> from tamis.search.portfolio import PortfolioStrategy
    >>> strategy = SuccessiveHalving(PortfolioStrategy([Candidate.of("ridge")]), rungs=(0.25, 1.0))
    >>> strategy.ask(BudgetView()).fidelity
    0.25
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
        if not eta > 1:
            raise ParameterError(f"The parameter 'eta' must be above 1; got {eta}.")
        self.rungs = tuple(rungs) if rungs is not None else geometric_rungs(1 / eta**2, eta)
        grows = all(low < high for low, high in zip(self.rungs, self.rungs[1:], strict=False))
        if not self.rungs or not grows or self.rungs[0] <= 0 or not isclose(self.rungs[-1], 1.0):
            raise ParameterError(f"The parameter 'rungs' must grow from above 0 to 1; got {self.rungs}.")
        self.inner = inner
        self.eta = eta
        self.resource = resource
        self.inherit = inherit
        self.n_sure = n_sure
        self.retell = retell
        self.late = late
        self._climbers: list[Climber] = []
        self._units: list[Climber | Proposal] = []
        """By outer id; what climbs no rung stands as the inner strategy asked it."""
        self._n_asked = 0
        """How many proposals the inner strategy has made."""
        self._signals: set[int] = set()
        """Outer ids of what is under way and climbs no rung."""

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return a lost rung again, a promotion, a new candidate, or, at the very end, the best that waits."""
        again = next((one for one in self._climbers if one.lost), None)
        if again is not None:
            return self._issue(again)
        late = self.late > 0 and is_late(budget, self.late)
        promoted = next(iter(self._promotable(N_LATE if late else 0)), None)
        if promoted is not None:
            promoted.rung = len(self.rungs) - 1 if late else promoted.rung + 1
            return self._issue(promoted)
        asked = self.inner.ask(budget)
        if isinstance(asked, Proposal):
            asked = asked.numbered(self._n_asked)
            self._n_asked += 1
            if asked.candidate.component == BATCH or asked.fidelity < 1.0:
                return self._pass_on(asked)
            start = self._start(asked.id)
            climber = Climber(asked, start, start)
            self._climbers.append(climber)
            return self._issue(climber)
        if self._signals or any(one.running for one in self._climbers):
            return None
        return self._last(asked)

    def _start(self, number: int) -> int:
        """Return the rung on which the inner strategy's candidate of this number begins."""
        return 0

    def _last(self, answer: Finished | None) -> Proposal | Finished | None:
        """Let the best that waits go on when nothing else can be done and none has reached the top."""
        top = len(self.rungs) - 1
        reached = any(one.losses.get(top, inf) < inf for one in self._climbers)
        hopeful = [one for one in self._climbers if one.waiting and one.rung < top and one.losses[one.rung] < inf]
        if reached or not hopeful:
            return answer
        best = min(hopeful, key=lambda one: (-one.rung, one.losses[one.rung]))
        best.rung += 1
        return self._issue(best)

    def _issue(self, climber: Climber) -> Proposal:
        climber.running = True
        self._units.append(climber)
        memo = {**climber.asked.memo, "rung": climber.rung, "resource": self.resource}
        inherited = climber.trial_id if self.inherit else None
        parent = inherited if inherited is not None else self._parent(climber.asked.parent)
        return replace(climber.asked, fidelity=self.rungs[climber.rung], memo=memo, parent=parent, id=-1)

    def _pass_on(self, asked: Proposal) -> Proposal:
        """Let through as it is what climbs no rung: a batch of signals, or a fidelity of the inner strategy's own."""
        self._signals.add(len(self._units))
        self._units.append(asked)
        return replace(asked, id=-1, parent=self._parent(asked.parent))

    def _parent(self, number: int | None) -> int | None:
        """Return the outer id of the latest trial of a candidate that the inner strategy numbers so."""
        if number is None:
            return None
        climbed = next((one.trial_id for one in self._climbers if one.asked.id == number), None)
        passed = (place for place, one in enumerate(self._units) if isinstance(one, Proposal) and one.id == number)
        return climbed if climbed is not None else next(passed, None)

    def _promotable(self, n_least: int = 0) -> list[Climber]:
        """Return who is among the best 1/eta of its rung, or sure to go on, the highest rung and the best first.

        So many of the best are among them at least.
        """
        found: list[Climber] = []
        for rung in range(len(self.rungs) - 2, -1, -1):
            for start in range(rung + 1):  # those that began elsewhere have had another choice made among them
                finished = [one for one in self._climbers if one.start == start and rung in one.losses]
                finished.sort(key=lambda one: (one.losses[rung], one.asked.id))
                n_best = max(n_least, int(len(finished) / self.eta))
                chosen = [one for place, one in enumerate(finished) if place < n_best or one.asked.id < self.n_sure]
                found += [one for one in chosen if one.rung == rung and one.waiting and one.losses[rung] < inf]
        return found

    def tell(self, trial: Trial) -> None:
        """Take in the result of a rung, and tell the inner strategy of whoever goes no further."""
        if not 0 <= trial.proposal.id < len(self._units):
            self.inner.tell(trial)
            return
        climber, status = self._units[trial.proposal.id], trial.outcome.status
        if isinstance(climber, Proposal):
            self._signals.discard(trial.proposal.id)
            self.inner.tell(Trial(climber, trial.outcome))
            return
        climber.running = False
        if status is Status.LOST and climber.n_lost + 1 < MOST_ASKS:
            climber.n_lost += 1
            return
        climber.losses[climber.rung] = trial.loss if trial.done else inf
        climber.outcome = trial.outcome
        if trial.done:
            climber.trial_id = trial.proposal.id
        going_on = {one.asked.id for one in self._promotable()}
        for one in self._climbers:
            if one.waiting and not one.told and one.asked.id not in going_on:
                one.told = True
                self._report(one, one.asked.id)
            elif one is climber and one.told and self.retell:
                self._report(one, -1)

    def _report(self, climber: Climber, number: int) -> None:
        """Tell the inner strategy what a candidate has come to."""
        if climber.outcome is not None:
            asked = replace(climber.asked, fidelity=self.rungs[climber.rung], id=number)
            self.inner.tell(Trial(asked if number >= 0 else replace(asked, parent=None), climber.outcome))
