"""Grammars that keep to what a trial may cost."""

import numpy as np
import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.affordable import Affordable
from tamis.search.bayesian import BayesianStrategy
from tamis.search.genetic import GeneticStrategy
from tamis.search.neighbours import LocalStrategy
from tamis.search.sampling import RandomStrategy

MOST_S = 8.0


def cost(tree):
    """Many leaves and deep trees are dear."""
    settings = tree.settings
    return settings.get("leaves", 0) / 8 + settings.get("depth", 0) / 2 + 0.1 * sum(1 for _ in tree.walk())


def dear(proposal):
    """The dearer, the better."""
    return Outcome(Status.DONE, {"loss": 100.0 - cost(proposal.candidate)}, seconds=1.0)


MAKERS = {
    "random": RandomStrategy,
    "genetic": lambda grammar, seed: GeneticStrategy(grammar, seed, population=8),
    "bayesian": lambda grammar, seed: BayesianStrategy(grammar, seed, n_looked_at=40),
    "local": lambda grammar, seed: LocalStrategy(grammar, seed, shapes=0.5),
}


@pytest.mark.parametrize("name", MAKERS)
def test_no_search_asks_what_costs_too_much_however_good_it_would_be(name, grammar):
    def highest(space):
        return max(cost(one.proposal.candidate) for one in simulate(MAKERS[name](space, 0), dear, max_asks=40))

    assert highest(Affordable(grammar, cost, MOST_S)) <= MOST_S < highest(grammar)


def test_what_others_propose_is_learned_from_whatever_it_costs(grammar):
    bounded = Affordable(grammar, cost, MOST_S)
    boost = Candidate.of("boost", {"leaves": 256, "l2": 0.5}, Candidate.of("columns"))
    strategy = LocalStrategy(bounded, 0, shapes=0.0)
    strategy.tell(Trial(Proposal(boost), Outcome(Status.DONE, {"loss": 0.1}, seconds=1.0)))
    near = strategy.ask(BudgetView()).candidate
    assert bounded.writes(boost) and near.component == "boost" and cost(near) <= MOST_S < cost(boost)


def test_the_cheapest_is_taken_where_nothing_is_cheap_enough(grammar):
    bounded, rng = Affordable(grammar, cost, 0.0), np.random.default_rng(0)
    assert np.mean([cost(bounded.grow(rng)) for _ in range(20)]) < np.mean([cost(grammar.grow(rng)) for _ in range(20)])


def test_a_search_over_it_keeps_its_promises(grammar):
    check_strategy(lambda: GeneticStrategy(Affordable(grammar, cost, MOST_S), 0, population=4), dear, n_asks=12)


def test_a_part_of_it_keeps_the_bound(grammar):
    part, rng = Affordable(grammar, cost, MOST_S).without("linear"), np.random.default_rng(0)
    grown = [part.grow(rng) for _ in range(50)]
    assert max(map(cost, grown)) <= MOST_S < max(cost(grammar.without("linear").grow(rng)) for _ in range(50))
    assert "linear" not in {tree.component for tree in grown}
