"""The world with a false clock."""

import pytest

from tamis.checks.simulator import MemoryJournal, SimulatedExecutor, simulate
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Asked
from tamis.core.trial import Outcome, Proposal, Status


class Listed:
    """Asks for candidates of given seconds, in order."""

    def __init__(self, *seconds):
        self.left = list(seconds)
        self.told = []

    def ask(self, budget):
        if not self.left:
            return FINISHED
        return Proposal(Candidate.of("wait", {"seconds": self.left.pop(0)}), origin="listed", limit_s=50.0)

    def tell(self, trial):
        self.told.append((trial.proposal.id, trial.outcome.status))


def wait(proposal):
    return Outcome(Status.DONE, {"loss": 1.0}, seconds=proposal.candidate.settings["seconds"])


def test_slots_run_side_by_side_and_trials_come_as_they_end():
    journal = MemoryJournal()
    trials = simulate(Listed(5.0, 1.0, 1.0, 9.0), wait, slots=2, journal=journal)
    assert [trial.proposal.id for trial in trials] == [1, 2, 0, 3]
    starts = [event.budget.elapsed_s for event in journal.events() if isinstance(event, Asked)]
    assert starts == [0.0, 0.0, 1.0, 2.0]
    assert journal.trials() == trials


def test_what_runs_at_the_end_of_the_time_is_pruned():
    strategy = Listed(4.0, 4.0, 4.0)
    simulate(strategy, wait, limit_s=10.0)
    assert strategy.told == [(0, Status.DONE), (1, Status.DONE), (2, Status.PRUNED)]


def test_a_slice_is_a_limit():
    trials = simulate(Listed(60.0), wait)
    assert trials[0].outcome.status is Status.TIMED_OUT and trials[0].outcome.seconds == 50.0


def test_a_strategy_that_waits_for_nothing_is_found_out():
    class Idle(Listed):
        def ask(self, budget):
            return None

    with pytest.raises(AssertionError, match="wait while nothing runs"):
        simulate(Idle(), wait)


def test_the_executor_queues_cancels_and_closes():
    executor = SimulatedExecutor(wait, slots=1)
    for number, strategy in enumerate([Listed(3.0), Listed(4.0), Listed(5.0)]):
        executor.submit(strategy.ask(BudgetView()).numbered(number))
    executor.cancel(0)
    executor.cancel(2)
    cancelled, _ = executor.collect(1.0)
    assert [(one.proposal.id, one.outcome.status) for one in cancelled] == [(0, Status.PRUNED), (2, Status.PRUNED)]
    assert executor.collect(1.0)[0] == [] and executor.clock() == 1.0
    assert [one.proposal.id for one in executor.collect(60.0)[0]] == [1] and executor.clock() == 4.0
    executor.close()
    executor.close()
    assert executor.collect(2.0)[0] == [] and executor.clock() == 6.0
