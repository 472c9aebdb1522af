"""The loop asks, runs, remembers and tells; stopped anywhere, it goes on where it was."""

import random
from collections import deque
from math import inf

import pytest

from tamis.core.budget import Budget, BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Asked
from tamis.core.errors import InternalError
from tamis.core.trial import Outcome, Progress, Proposal, Status, Trial
from tamis.run.loop import REASON_FINISHED, REASON_INTERRUPTED, REASON_TIME, REASON_TRIALS, search


class Memory:
    """A journal in memory."""

    def __init__(self):
        self.log = []

    def asked(self, proposal, budget):
        self.log.append(Asked(proposal, budget))

    def progressed(self, progress):
        self.log.append(progress)

    def finished(self, trial):
        self.log.append(trial)

    def events(self):
        return iter(list(self.log))

    def trials(self):
        return [one for one in self.log if isinstance(one, Trial)]

    @property
    def asks(self):
        return [one.proposal for one in self.log if isinstance(one, Asked)]


class Clocked:
    """An executor on a false clock: each proposal takes the seconds its candidate says."""

    def __init__(self, clock, slots=2, losses=None, interrupt_at=inf):
        self.slots = slots
        self.clock = clock
        self.waiting, self.running = deque(), {}
        self.submitted, self.cancelled = [], []
        self.losses = losses or (lambda proposal: float(proposal.candidate.settings["n"]))
        self.interrupt_at = interrupt_at
        self.progress = []

    def submit(self, proposal):
        self.submitted.append(proposal)
        self.waiting.append(proposal)
        self._start()

    def _start(self):
        while self.waiting and len(self.running) < self.slots:
            one = self.waiting.popleft()
            self.running[one.id] = (self.clock.now + one.candidate.settings.get("seconds", 1.0), one)

    def collect(self, timeout_s):
        if self.clock.now >= self.interrupt_at:
            self.interrupt_at = inf
            raise KeyboardInterrupt
        progress, self.progress = self.progress, []
        over = min((when for when, _ in self.running.values()), default=inf)
        self.clock.now = min(over, self.clock.now + timeout_s)
        trials = []
        for when, one in list(self.running.values()):
            if one.id in self.cancelled:
                trials.append(Trial(one, Outcome(Status.PRUNED)))
            elif when <= self.clock.now:
                trials.append(Trial(one, Outcome(Status.DONE, {"loss": self.losses(one)})))
        for trial in trials:
            del self.running[trial.proposal.id]
        self._start()
        return trials, progress

    def cancel(self, proposal_id):
        self.cancelled.append(proposal_id)

    def close(self):
        pass


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Greedy:
    """Depends on everything it was told: its next number is made from the losses so far, in their order."""

    def __init__(self, n=12, folds=1, seconds=lambda k: 1.0):
        self.n, self.folds, self.seconds = n, folds, seconds
        self.k, self.state, self.told, self.views = 0, 0.0, [], []

    def ask(self, budget):
        self.views.append(budget)
        if self.k >= self.n:
            return FINISHED
        k, self.k = self.k, self.k + 1
        settings = {"n": (k // self.folds) + self.state / 1e6, "seconds": self.seconds(k)}
        return Proposal(Candidate.of("x", settings), fold=k % self.folds, memo={"path": (k, 1)}, origin="greedy")

    def tell(self, trial):
        self.told.append(trial)
        self.state = (self.state * 31 + trial.loss + trial.proposal.id) % 1000


def uneven(k):
    return 0.3 + random.Random(k).random() * 3


@pytest.fixture
def clock():
    return Clock()


def budget_of(clock, **limits):
    return Budget(clock=clock, **limits)


def test_everything_asked_is_run_journalled_told_and_heard_once(clock):
    heard = []

    class Ear:
        def on_start(self, proposal):
            heard.append(("start", proposal.id))

        def on_progress(self, progress):
            heard.append(("progress", progress.proposal_id))

        def on_end(self, trial):
            heard.append(("end", trial.proposal.id))

        def on_stop(self, reason):
            heard.append(("stop", reason))

    strategy, journal = Greedy(5, seconds=uneven), Memory()
    reason = search(strategy, Clocked(clock), journal, budget_of(clock), listeners=[Ear()])
    assert reason == REASON_FINISHED
    assert [one.id for one in journal.asks] == list(range(5))
    assert sorted(one.proposal.id for one in journal.trials()) == list(range(5))
    assert strategy.told == journal.trials()
    assert sorted(heard[:-1]) == [("end", n) for n in range(5)] + [("start", n) for n in range(5)]
    assert heard[-1] == ("stop", "finished")


def test_a_strategy_hears_all_that_has_ended_before_it_is_asked_again(clock):
    strategy, journal = Greedy(9), Memory()
    search(strategy, Clocked(clock, slots=3), journal, budget_of(clock))
    kinds = ["ask" if isinstance(one, Asked) else "tell" for one in journal.log]
    assert kinds == ["ask"] * 3 + (["tell"] * 3 + ["ask"] * 3) * 2 + ["tell"] * 3


def test_no_trial_begins_when_the_time_is_over_and_the_running_ones_are_cancelled(clock):
    strategy, journal, executor = Greedy(100, seconds=lambda k: 4.0), Memory(), Clocked(clock)
    reason = search(strategy, executor, journal, budget_of(clock, limit_s=12, reserve_s=2))
    assert reason == REASON_TIME
    assert clock.now == pytest.approx(10, abs=0.6)
    assert [one.proposal.id for one in journal.trials()] == [0, 1, 2, 3]
    assert executor.cancelled == [4, 5]
    assert [one.id for one in journal.asks] == list(range(6)), "what was cancelled stays asked, for a resume"


def test_a_proposal_is_limited_to_what_is_left_and_told_as_it_was_asked(clock):
    strategy, journal, executor = Greedy(3, seconds=lambda k: 4.0), Memory(), Clocked(clock, slots=1)
    search(strategy, executor, journal, budget_of(clock, limit_s=10))
    limits = [one.limit_s for one in executor.submitted]
    assert limits == sorted(limits, reverse=True) and 9 <= limits[0] <= 10 and 1.5 <= limits[2] <= 2
    assert all(one.proposal.limit_s == inf for one in strategy.told)


def test_a_strategy_that_ends_when_no_candidate_is_left_ends_for_that_reason(clock):
    strategy = Greedy(4)
    assert search(strategy, Clocked(clock), Memory(), budget_of(clock, max_trials=4)) == REASON_TRIALS


def test_max_trials_counts_candidates_and_not_folds(clock):
    strategy, journal = Greedy(100, folds=3), Memory()
    strategy.tell = strategy.told.append  # equal candidates on all folds
    reason = search(strategy, Clocked(clock), journal, budget_of(clock, max_trials=4))
    assert reason == REASON_TRIALS
    assert len({one.proposal.candidate.key for one in journal.trials()}) == 4
    assert len(journal.trials()) == len(journal.asks) == 12
    assert strategy.views[-1].trials_left == 0 and strategy.views[0].trials_left == 4


def test_stop_ends_the_run_with_its_reason(clock):
    journal = Memory()
    reason = search(
        Greedy(100), Clocked(clock), journal, budget_of(clock), stop=lambda: "plateau" if clock.now >= 3 else None
    )
    assert reason == "plateau" and len(journal.trials()) == 6


def test_one_interrupt_ends_the_run_in_order(clock):
    journal, executor = Memory(), Clocked(clock, interrupt_at=2.0)
    assert search(Greedy(100, seconds=uneven), executor, journal, budget_of(clock)) == REASON_INTERRUPTED
    assert executor.cancelled and not executor.running


def test_a_second_interrupt_is_raised(clock):
    class Twice(Clocked):
        def collect(self, timeout_s):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(Greedy(), Twice(clock), Memory(), budget_of(clock))


def test_a_strategy_that_waits_for_nothing_is_reported(clock):
    class Stuck(Greedy):
        def ask(self, budget):
            return None

    with pytest.raises(InternalError, match="FINISHED"):
        search(Stuck(), Clocked(clock), Memory(), budget_of(clock))


def test_a_strategy_may_wait_for_what_is_under_way(clock):
    class OneByOne(Greedy):
        def ask(self, budget):
            return None if self.k > len(self.told) else super().ask(budget)

    strategy, journal = OneByOne(4), Memory()
    assert search(strategy, Clocked(clock), journal, budget_of(clock)) == REASON_FINISHED
    assert clock.now == pytest.approx(4.0)


def test_a_listener_that_fails_costs_a_warning_and_not_the_run(clock):
    class Broken:
        def on_start(self, proposal):
            raise OSError("terminal gone")

        def on_end(self, trial):
            pass

        on_progress = on_stop = on_end

    with pytest.warns(RuntimeWarning, match=r"Broken\.on_start.*terminal gone"):
        assert search(Greedy(1), Clocked(clock), Memory(), budget_of(clock), listeners=[Broken()]) == REASON_FINISHED


def full_run(lockstep, slots=2, seconds=uneven):
    clock, journal = Clock(), Memory()
    search(Greedy(15, seconds=seconds), Clocked(clock, slots), journal, budget_of(clock), lockstep=lockstep)
    return journal


@pytest.mark.parametrize("lockstep", [None, 0, 3])
@pytest.mark.parametrize("cut", [0, 1, 2, 5, 11, 20, 29, 30])
def test_a_run_cut_anywhere_goes_on_and_asks_every_number_once(lockstep, cut):
    clock, journal = Clock(), Memory()
    journal.log = full_run(lockstep).log[:cut]
    strategy = Greedy(15, seconds=uneven)
    executor = Clocked(clock)
    assert search(strategy, executor, journal, budget_of(clock), lockstep=lockstep) == REASON_FINISHED
    assert [one.id for one in journal.asks] == list(range(15))
    assert sorted(one.proposal.id for one in journal.trials()) == list(range(15))
    assert len(strategy.told) == 15
    if lockstep is not None:
        whole = full_run(lockstep)
        assert [one.candidate for one in journal.asks] == [one.candidate for one in whole.asks]
        assert journal.trials() == whole.trials()


def test_what_was_under_way_is_begun_first_with_its_number_and_its_checkpoint():
    clock, journal = Clock(), Memory()
    strategy = Greedy(2)
    first, second = strategy.ask(BudgetView()), strategy.ask(BudgetView())
    journal.asked(first.numbered(0), BudgetView())
    journal.asked(second.numbered(1), BudgetView())
    journal.progressed(Progress(1, 1.0, {}, "old"))
    journal.progressed(Progress(1, 2.0, {}, "new"))
    executor, again = Clocked(clock), Greedy(2)
    search(again, executor, journal, budget_of(clock))
    assert [(one.id, one.memo.get("checkpoint")) for one in executor.submitted] == [(0, None), (1, "new")]
    assert again.told[1].proposal.memo == second.memo


def test_only_reports_with_a_checkpoint_are_journalled(clock):
    journal, executor = Memory(), Clocked(clock)
    executor.progress = [Progress(0, 0.1, {"epoch": 1}), Progress(0, 0.2, {"epoch": 2}, "ab"), Progress(99, 0.1)]
    search(Greedy(1), executor, journal, budget_of(clock))
    assert [one.checkpoint for one in journal.log if isinstance(one, Progress)] == ["ab"]


def test_a_journal_of_other_settings_is_refused(clock):
    journal = full_run(None)
    with pytest.raises(InternalError, match="another version"):
        search(Greedy(15, seconds=lambda k: 9.0), Clocked(clock), journal, budget_of(clock))
    with pytest.raises(InternalError, match="cannot be resumed"):
        search(Greedy(3, seconds=uneven), Clocked(clock), journal, budget_of(clock))


@pytest.mark.parametrize("lockstep", [0, 1, 4])
def test_in_lockstep_speed_and_slots_change_nothing(lockstep):
    reference = full_run(lockstep)
    for slots in (1, 2, 7):
        journal = full_run(lockstep, slots)
        assert [one.proposal for one in journal.trials()] == [one.proposal for one in reference.trials()]
    told = 0
    for event in reference.log:
        if isinstance(event, Asked):
            assert told == max(0, event.proposal.id - lockstep)
            assert (event.budget.elapsed_s, event.budget.remaining_s) == (0.0, inf)
        else:
            assert event.proposal.id == told
            told += 1


def test_in_lockstep_a_limit_of_time_does_not_reach_the_trials(clock):
    executor = Clocked(clock)
    search(Greedy(3), executor, Memory(), budget_of(clock, limit_s=100, max_trials=10), lockstep=2)
    assert [one.limit_s for one in executor.submitted] == [inf] * 3


def test_in_lockstep_what_ended_out_of_turn_begins_again_on_resume():
    clock, journal = Clock(), Memory()

    def seconds(k):
        return 50.0 if k == 1 else 1.0

    search(Greedy(15, seconds=seconds), Clocked(clock, 4), journal, budget_of(clock, limit_s=20), lockstep=3)
    assert [one.proposal.id for one in journal.trials()] == [0]
    more = Clock()
    search(Greedy(15, seconds=seconds), Clocked(more, 4), journal, budget_of(more), lockstep=3)
    assert journal.trials() == full_run(3, seconds=seconds).trials()


def test_a_run_that_was_complete_stays_so(clock):
    journal, executor = full_run(None), Clocked(clock)
    assert search(Greedy(15, seconds=uneven), executor, journal, budget_of(clock)) == REASON_FINISHED
    assert executor.submitted == [] and len(journal.trials()) == 15


def test_a_proposal_reaches_the_executor_with_what_its_parent_has_left(clock):
    class Grow:
        """Ask a network, then its child."""

        n_asked = 0

        def ask(self, budget):
            self.n_asked += 1
            if self.n_asked > 2:
                return FINISHED if not self.waiting else None
            parent = 0 if self.n_asked == 2 else None
            return Proposal(Candidate.of("c", {"n": self.n_asked}), parent=parent, origin="grow", memo={"rung": 1})

        def tell(self, trial):
            pass

        waiting = False

    executor, journal = Clocked(clock, slots=1), Memory()
    ended = executor.collect

    def with_model(timeout_s):
        trials, progress = ended(timeout_s)
        done = Outcome(Status.DONE, {"loss": 1.0}, artefacts={"model": "abc"})
        return [Trial(one.proposal, done) for one in trials], progress

    executor.collect = with_model
    search(Grow(), executor, journal, budget_of(clock))
    first, second = executor.submitted
    assert "inherits" not in first.memo
    assert second.memo["inherits"] == {"candidate": first.candidate.to_json(), "artefacts": {"model": "abc"}}
    assert all("inherits" not in one.memo for one in journal.asks)
