"""Steps of local search that begin with the weights of what they came from."""

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.contracts import FINISHED
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.climbing import LocalSearch
from tamis.search.compose import ThenStrategy
from tamis.search.halving import SuccessiveHalving
from tamis.search.inheritance import InheritingStrategy
from tamis.search.portfolio import PortfolioStrategy


def halved(decisions, first):
    climb = LocalSearch(decisions, 0, max_candidates=20)
    return InheritingStrategy(SuccessiveHalving(ThenStrategy(PortfolioStrategy(first), climb), rungs=(1 / 3, 1.0)))


def starts(decisions):
    return [decisions.to_tree((0, 1, -1, -1, -1, -1, 2, 0)), decisions.to_tree((1, 0, 0, -1, 0, -1, -1, -1))]


def test_it_keeps_its_promises(decisions, train):
    check_strategy(lambda: halved(decisions, starts(decisions)), train, n_asks=30)


def test_every_step_names_the_longest_trial_of_what_it_came_from(decisions, train):
    trials = simulate(halved(decisions, starts(decisions)), train)
    by_number = {one.proposal.id: one for one in trials}
    steps = [one.proposal for one in trials if "from" in one.proposal.memo]
    assert steps and all(one.parent is not None for one in steps)
    for step in steps:
        parent = by_number[step.parent]
        assert parent.proposal.candidate.key == step.memo["from"]
        before = [
            one for one in trials if one.proposal.candidate.key == step.memo["from"] and one.proposal.id < step.id
        ]
        assert parent.proposal.fidelity == max(one.proposal.fidelity for one in before)
    assert all(one.proposal.parent is None for one in trials if "from" not in one.proposal.memo)


class Scripted:
    """Asks what it is given, and remembers which parents it is told of."""

    def __init__(self, proposals):
        self.left = list(proposals)
        self.heard = []

    def ask(self, budget):
        return self.left.pop(0) if self.left else FINISHED

    def tell(self, trial):
        self.heard.append(trial.proposal.parent)


def test_weights_come_from_what_ended_well_on_the_same_fold_and_the_inner_strategy_does_not_notice(named):
    first, second, third = named("first", "second", "third")
    step = {"from": first.key}
    inner = Scripted(
        [
            Proposal(first, origin="script"),  # fails
            Proposal(second, origin="script", memo=step),
            Proposal(first, origin="script", fidelity=0.5),
            Proposal(third, origin="script", memo=step),
            Proposal(third, origin="script", memo=step, fold=1),
            Proposal(third, origin="script", memo=step, parent=1),
        ]
    )
    strategy, parents = InheritingStrategy(inner), []
    for number in range(6):
        asked = strategy.ask(BudgetView()).numbered(number)
        parents.append(asked.parent)
        strategy.tell(Trial(asked, Outcome(Status.DONE if number else Status.FAILED, {"loss": 0.1})))
    assert strategy.ask(BudgetView()) is FINISHED
    assert parents == [None, None, None, 2, None, 1]
    assert inner.heard == [None] * 5 + [1]
