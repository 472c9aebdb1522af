"""Random search."""

from tamis.checks.simulator import simulate
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.sampling import RandomStrategy


def coin(rng):
    return Candidate.of("coin", {"side": int(rng.integers(3))})


def test_candidates_are_distinct_and_end_with_the_space(evaluate):
    trials = simulate(RandomStrategy(coin, 0), evaluate)
    assert len({trial.proposal.candidate.key for trial in trials}) == len(trials) == 3


def test_what_others_tried_is_not_drawn():
    strategy = RandomStrategy(coin, 0)
    for side in (0, 2):
        strategy.tell(Trial(Proposal(Candidate.of("coin", {"side": side})), Outcome(Status.DONE)))
    assert strategy.ask(BudgetView()).candidate.settings == {"side": 1}
    assert strategy.ask(BudgetView()) is FINISHED


def test_draws_depend_on_the_seed_and_the_number_of_the_ask(grammar):
    once, again, other = (RandomStrategy(grammar, seed) for seed in (0, 0, 1))
    trees = [[str(one.ask(BudgetView()).candidate) for _ in range(5)] for one in (once, again, other)]
    assert trees[0] == trees[1] != trees[2]


def test_it_stops_at_the_most_candidates(grammar, evaluate):
    assert len(simulate(RandomStrategy(grammar, 0, max_candidates=7), evaluate)) == 7
