"""A world with a false clock: strategies run against a function or a table in milliseconds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf

from tamis.core.budget import Budget, BudgetView
from tamis.core.contracts import FINISHED, Asked, Strategy
from tamis.core.trial import Outcome, Progress, Proposal, Status, Trial

Evaluate = Callable[[Proposal], Outcome]
"""Says what comes of a proposal, and in `seconds` how long it takes."""


@dataclass
class FalseClock:
    """A clock that goes on only when it is told to.

    Examples
    --------
    >>> clock = FalseClock()
    >>> clock.now += 2.5
    >>> clock()
    2.5
    """

    now: float = 0.0

    def __call__(self) -> float:
        """Return the false time."""
        return self.now


def table(outcomes: Mapping[tuple[str, int], Outcome]) -> Evaluate:
    """Return an evaluation that looks up (key of the candidate, fold); what is not there fails.

    Examples
    --------
    >>> from tamis.core.candidate import Candidate
    >>> ridge = Candidate.of("ridge")
    >>> evaluate = table({(ridge.key, 0): Outcome(Status.DONE, {"loss": 0.1}, seconds=2.0)})
    >>> evaluate(Proposal(ridge)).loss, evaluate(Proposal(ridge, fold=1)).status.value
    (0.1, 'failed')
    """

    def look_up(proposal: Proposal) -> Outcome:
        missing = Outcome(Status.FAILED, seconds=0.1, reason="The table has no such entry.")
        return outcomes.get((proposal.candidate.key, proposal.fold), missing)

    return look_up


@dataclass
class SimulatedExecutor:
    """An executor that moves a false clock to the end of the next trial instead of working.

    A proposal ends after the `seconds` of its outcome; where that is beyond its `limit_s`, it ends then, timed out.

    Examples
    --------
    >>> from tamis.core.candidate import Candidate
    >>> executor = SimulatedExecutor(lambda proposal: Outcome(Status.DONE, {"loss": 1.0}, seconds=3.0))
    >>> executor.submit(Proposal(Candidate.of("ridge"), id=0))
    >>> trials, _ = executor.collect(timeout_s=60.0)
    >>> trials[0].loss, executor.clock()
    (1.0, 3.0)
    """

    evaluate: Evaluate
    slots: int = 1
    clock: FalseClock = field(default_factory=FalseClock)
    _running: dict[int, tuple[float, Trial]] = field(default_factory=dict)
    """By id: when it ends, and as what."""
    _waiting: list[Proposal] = field(default_factory=list)
    _ended: list[Trial] = field(default_factory=list)

    def submit(self, proposal: Proposal) -> None:
        """Start the proposal on a free slot, or queue it."""
        if len(self._running) >= self.slots:
            self._waiting.append(proposal)
            return
        outcome = self.evaluate(proposal)
        if outcome.seconds > proposal.limit_s:
            reason = f"It took longer than {proposal.limit_s:.3g} s."
            outcome = Outcome(Status.TIMED_OUT, seconds=proposal.limit_s, reason=reason)
        self._running[proposal.id] = (self.clock.now + outcome.seconds, Trial(proposal, outcome))

    def collect(self, timeout_s: float) -> tuple[list[Trial], list[Progress]]:
        """Move the clock to the next end, at most so far; return what has ended by then."""
        if not self._ended and self._running:
            first = min(end for end, _ in self._running.values())
            self.clock.now = max(self.clock.now, min(first, self.clock.now + timeout_s))
            for number in [key for key, (end, _) in self._running.items() if end <= self.clock.now]:
                self._ended.append(self._running.pop(number)[1])
            self._fill()
        elif not self._ended and timeout_s < inf:
            self.clock.now += timeout_s
        ended, self._ended = self._ended, []
        return ended, []

    def cancel(self, proposal_id: int) -> None:
        """End one proposal now, as pruned."""
        waiting = [one for one in self._waiting if one.id == proposal_id]
        self._waiting = [one for one in self._waiting if one.id != proposal_id]
        running = self._running.pop(proposal_id, None)
        for proposal in waiting + ([running[1].proposal] if running else []):
            self._ended.append(Trial(proposal, Outcome(Status.PRUNED, reason="It was cancelled.")))
        self._fill()

    def close(self) -> None:
        """Forget everything."""
        self._running.clear()
        self._waiting.clear()

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self.slots:
            self.submit(self._waiting.pop(0))


class MemoryJournal:
    """A journal that lasts as long as the process."""

    def __init__(self) -> None:
        self._events: list[Asked | Trial | Progress] = []

    def asked(self, proposal: Proposal, budget: BudgetView) -> None:
        """Remember a proposal, and what its asker knew of the budget."""
        self._events.append(Asked(proposal, budget))

    def progressed(self, progress: Progress) -> None:
        """Remember a report."""
        self._events.append(progress)

    def finished(self, trial: Trial) -> None:
        """Remember an outcome."""
        self._events.append(trial)

    def events(self) -> Iterator[Asked | Trial | Progress]:
        """Replay everything in order."""
        return iter(list(self._events))

    def trials(self) -> list[Trial]:
        """Return what has finished, in order."""
        return [event for event in self._events if isinstance(event, Trial)]


def simulate(
    strategy: Strategy,
    evaluate: Evaluate,
    *,
    limit_s: float = inf,
    slots: int = 1,
    max_asks: float = 10_000,
    max_trials: float = inf,
    journal: MemoryJournal | None = None,
) -> list[Trial]:
    """Run a strategy under a false clock until it is finished, the time is over, or it has asked often enough.

    What still runs at the end of the time is cancelled and told as pruned.

    Returns
    -------
    list of Trial
        In the order in which they ended.

    Raises
    ------
    AssertionError
        Where the strategy waits while nothing runs.
    """
    journal = MemoryJournal() if journal is None else journal
    executor = SimulatedExecutor(evaluate, slots)
    budget = Budget(limit_s, max_trials, clock=executor.clock)
    running: set[int] = set()
    candidates: set[str] = set()
    n_asked, over = 0, False
    while True:
        while not over and len(running) < slots:
            view = replace(budget.view(len(candidates), slots))
            answer = strategy.ask(view)
            if not isinstance(answer, Proposal):
                if answer is None and not running:
                    raise AssertionError("A strategy must not wait while nothing runs.")
                over = answer is FINISHED and not running
                break
            proposal = answer.numbered(n_asked)
            journal.asked(proposal, view)
            candidates.add(proposal.candidate.key)
            running.add(proposal.id)
            executor.submit(proposal)
            n_asked += 1
            over = n_asked >= max_asks
        if not running:
            return journal.trials()
        ended, _ = executor.collect(budget.left_s)
        if budget.left_s <= 0:
            over = True
            for number in sorted(running - {trial.proposal.id for trial in ended}):
                executor.cancel(number)
            ended = ended + executor.collect(0.0)[0]
        for trial in ended:
            running.discard(trial.proposal.id)
            journal.finished(trial)
            strategy.tell(trial)
