"""Search with a surrogate."""

import numpy as np
import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.halving import SuccessiveHalving
from tamis.search.surrogate import SurrogateStrategy

BEST = (0, 0, 2, 2, 2, 2, -1, -1)


def tell_all(strategy, decisions, train, n):
    """Tell a strategy of random networks that others have tried."""
    rng = np.random.default_rng(0)
    for _ in range(n):
        proposal = Proposal(decisions.to_tree(decisions.sample(rng)), origin="other")
        strategy.tell(Trial(proposal, train(proposal)))


@pytest.mark.parametrize("wrapper", [lambda inner: inner, SuccessiveHalving], ids=["bare", "halved"])
def test_it_keeps_its_promises(decisions, train, wrapper):
    check_strategy(lambda: wrapper(SurrogateStrategy(decisions, 0, n_initial=4)), train, n_asks=10)


def test_it_asks_the_best_as_soon_as_it_has_learned(decisions, train):
    # The best are rare in random draws: one in 324.
    trials = simulate(SurrogateStrategy(decisions, 0, n_initial=10), train, max_asks=25)
    assert decisions.to_codes(min(trials, key=lambda trial: trial.loss).proposal.candidate) == BEST
    losses = [trial.loss for trial in trials]
    assert np.mean(losses[10:18]) < np.mean(losses[:10]) - 0.05


def test_it_tries_nothing_twice_until_the_space_is_spent(decisions, train):
    keys = [trial.proposal.candidate.key for trial in simulate(SurrogateStrategy(decisions, 0, explore=0.5), train)]
    assert len(keys) == len(set(keys)) > 60


def test_it_learns_from_what_others_tried(decisions, train):
    strategy = SurrogateStrategy(decisions, 0, explore=0.0)
    tell_all(strategy, decisions, train, 30)
    strategy.tell(Trial(Proposal(Candidate.of("stranger"), origin="other"), Outcome(Status.DONE, {"loss": -9.0})))
    asked = [strategy.ask(BudgetView()) for _ in range(5)]
    known = [train(Proposal(decisions.to_tree(decisions.sample(np.random.default_rng(0))))).loss for _ in range(30)]
    assert np.mean([train(one).loss for one in asked]) < np.quantile(known, 0.3)


def test_what_failed_is_learned_to_be_avoided(decisions, train):
    def no_convolutions(proposal):
        has = any(value == "conv" for value in proposal.candidate.children[0].settings.values())
        return Outcome(Status.OUT_OF_MEMORY, seconds=1.0) if has else train(proposal)

    trials = simulate(SurrogateStrategy(decisions, 0, n_initial=20, explore=0.0), no_convolutions, max_asks=28)
    failed = [not trial.done for trial in trials]
    assert np.mean(failed[:20]) > 0.4 and sum(failed[20:]) <= 2


def test_the_forest_is_fitted_again_when_enough_is_told(decisions, train):
    strategy = SurrogateStrategy(decisions, 0, n_initial=20, explore=0.0)
    seen = []
    for index in range(30):
        proposal = strategy.ask(BudgetView()).numbered(index)
        strategy.tell(Trial(proposal, train(proposal)))
        seen.append(strategy._fitted[0])
    assert seen == [0] * 20 + [20, 20, 22, 22, 24, 24, 26, 26, 28, 28]


def test_it_learns_nothing_while_all_fails(decisions):
    def fail(proposal):
        return Outcome(Status.FAILED, seconds=1.0)

    trials = simulate(SurrogateStrategy(decisions, 0, n_initial=5), fail, max_asks=15)
    assert len({trial.proposal.candidate.key for trial in trials}) == 15


@pytest.mark.parametrize("options", [{"n_initial": 0}, {"n_best": 0}, {"explore": 1.5}])
def test_impossible_options_are_refused(decisions, options):
    with pytest.raises(ParameterError, match=next(iter(options))):
        SurrogateStrategy(decisions, 0, **options)
