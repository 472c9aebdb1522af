"""Strategies made of strategies."""

from tamis.checks.simulator import simulate
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.compose import DeafStrategy, ThenStrategy
from tamis.search.portfolio import PortfolioStrategy


class Recorder(PortfolioStrategy):
    """Keeps what it was told."""

    def __init__(self, candidates):
        super().__init__(candidates)
        self.heard = []

    def tell(self, trial):
        self.heard.append((trial.proposal.id, trial.proposal.candidate.component))
        super().tell(trial)


def done(proposal):
    return Outcome(Status.DONE, {"loss": 1.0}, seconds=1.0)


def test_the_second_follows_the_first_and_hears_of_its_trials(named):
    first, second = Recorder(named("a", "b")), Recorder(named("c"))
    trials = simulate(ThenStrategy(first, second), done)
    assert [trial.proposal.candidate.component for trial in trials] == ["a", "b", "c"]
    assert first.heard == [(0, "a"), (1, "b"), (-1, "c")]
    assert second.heard == [(-1, "a"), (-1, "b"), (0, "c")]


def test_parents_are_numbered_as_each_part_sees_them(named):
    class Child(Recorder):
        def ask(self, budget):
            answer = super().ask(budget)
            if answer is FINISHED or answer.candidate.component == "c":
                return answer
            return Proposal(answer.candidate, parent=0, origin="child")

        def tell(self, trial):
            self.parent = trial.proposal.parent
            super().tell(trial)

    second = Child(named("c", "d"))
    strategy = ThenStrategy(Recorder(named("a", "b")), second)
    asked = [strategy.ask(BudgetView()).numbered(index) for index in range(4)]
    assert [one.parent for one in asked] == [None, None, None, 2]
    strategy.tell(Trial(asked[3], done(asked[3])))
    assert second.parent == 0


def test_a_deaf_strategy_hears_of_what_it_asked_itself_alone():
    first, second = (Recorder([Candidate.of(name)]) for name in ("head", "network"))
    strategy = DeafStrategy(first, second)
    for number, name in enumerate(("head", "network")):
        proposal = strategy.ask(BudgetView(remaining_s=10.0))
        assert proposal.candidate.component == name
        strategy.tell(Trial(proposal.numbered(number), done(proposal)))
    assert first.heard == [(0, "head")] and second.heard == [(0, "network")]  # numbered as if each had been alone
