"""Local search over decisions."""

import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.climbing import LocalSearch

BEST = (0, 0, 2, 2, 2, 2, -1, -1)
CHAIN = (0, 1, -1, -1, -1, -1, 2, 0)


def told(strategy, proposal, outcome):
    strategy.tell(Trial(proposal, outcome))
    return outcome


def done(loss):
    return Outcome(Status.DONE, {"loss": loss}, seconds=1.0)


@pytest.mark.parametrize("n_draws", [1, 6])
def test_it_keeps_its_promises(decisions, train, n_draws):
    check_strategy(lambda: LocalSearch(decisions, 0, n_draws=n_draws), train, n_asks=30)


def test_with_given_starts_it_keeps_its_promises(decisions, train):
    given = [decisions.to_tree(CHAIN), decisions.to_tree((1, 0, 0, -1, 0, -1, -1, -1))]
    check_strategy(lambda: LocalSearch(decisions, 0, initial=given), train, n_asks=30)


def test_it_steps_to_the_first_neighbour_that_is_better(decisions, train):
    trials = simulate(LocalSearch(decisions, 0, n_draws=1), train, max_asks=30)
    stand = trials[0]
    for trial in trials[1:]:
        if "from" not in trial.proposal.memo:
            break
        assert trial.proposal.memo["from"] == stand.proposal.candidate.key
        codes = decisions.to_codes(stand.proposal.candidate)
        assert decisions.to_codes(trial.proposal.candidate) in decisions.neighbours(codes)
        stand = trial if trial.loss < stand.loss else stand
    losses = {decisions.to_codes(trial.proposal.candidate): trial.loss for trial in trials}
    near = decisions.neighbours(decisions.to_codes(stand.proposal.candidate))
    assert stand is not trials[0] and min(losses[codes] for codes in near) >= stand.loss


def test_it_restarts_where_no_neighbour_is_better_and_tries_everything_once(decisions, train):
    trials = simulate(LocalSearch(decisions, 0), train)
    keys = [trial.proposal.candidate.key for trial in trials]
    assert len(keys) == len(set(keys)) > 60
    assert any("from" not in trial.proposal.memo for trial in trials[20:])


def test_given_starts_are_all_tried_before_the_climb_begins_at_the_best(decisions):
    given = [decisions.to_tree(CHAIN), decisions.to_tree(BEST)]
    strategy = LocalSearch(decisions, 0, initial=[*given, given[0]], n_draws=1)
    first = strategy.ask(BudgetView()).numbered(0)
    second = strategy.ask(BudgetView()).numbered(1)
    assert [first.candidate, second.candidate] == given
    told(strategy, first, done(0.5))
    assert "from" not in strategy.ask(BudgetView()).memo  # a third slot draws a start meanwhile
    told(strategy, second, done(0.1))
    assert strategy.ask(BudgetView()).memo == {"from": given[1].key}


def test_it_starts_from_the_best_that_others_tried(decisions, train):
    strategy = LocalSearch(decisions, 0, n_draws=2)
    for codes, loss in ((CHAIN, 0.3), (BEST, 0.4)):
        strategy.tell(Trial(Proposal(decisions.to_tree(codes), origin="other"), done(loss)))
    strategy.tell(Trial(Proposal(Candidate.of("stranger"), origin="other"), done(0.0)))
    assert strategy.ask(BudgetView()).memo == {"from": decisions.to_tree(CHAIN).key}


def test_what_others_tried_is_climbed_through_without_asking(decisions):
    strategy = LocalSearch(decisions, 0, n_draws=1)
    better = next(codes for codes in decisions.neighbours(CHAIN) if codes[1] == 1)
    for codes, loss in ((CHAIN, 0.3), (better, 0.2)):
        strategy.tell(Trial(Proposal(decisions.to_tree(codes), origin="other"), done(loss)))
    asked = strategy.ask(BudgetView())
    assert asked.memo == {"from": decisions.to_tree(better).key} and asked.candidate != decisions.to_tree(CHAIN)


def test_several_slots_try_neighbours_beside_each_other_and_a_late_one_still_counts(decisions):
    strategy = LocalSearch(decisions, 0, initial=[decisions.to_tree(CHAIN)])
    told(strategy, strategy.ask(BudgetView()).numbered(0), done(0.5))
    steps = [strategy.ask(BudgetView()).numbered(index) for index in range(1, 4)]
    assert {step.memo["from"] for step in steps} == {decisions.to_tree(CHAIN).key}
    told(strategy, steps[1], done(0.4))
    assert strategy.ask(BudgetView()).memo["from"] == steps[1].candidate.key
    told(strategy, steps[0], done(0.3))
    assert strategy.ask(BudgetView()).memo["from"] == steps[0].candidate.key
    told(strategy, steps[2], done(0.35))
    assert strategy.ask(BudgetView()).memo["from"] == steps[0].candidate.key


def test_failed_starts_and_steps_are_left_behind(decisions, train):
    def fails_on_flips(proposal):
        return Outcome(Status.FAILED, seconds=1.0) if proposal.candidate.settings["flip"] else train(proposal)

    trials = simulate(LocalSearch(decisions, 3, n_draws=1), fails_on_flips, max_asks=50)
    assert min(trials, key=lambda trial: trial.loss).proposal.candidate == decisions.to_tree(BEST)
    failed = {trial.proposal.candidate.key for trial in trials if not trial.done}
    assert failed and not any(trial.proposal.memo.get("from") in failed for trial in trials)


def test_starts_that_the_space_does_not_write_and_no_draws_are_refused(decisions):
    with pytest.raises(ParameterError, match="stranger"):
        LocalSearch(decisions, 0, initial=[Candidate.of("stranger")])
    with pytest.raises(ParameterError, match="n_draws"):
        LocalSearch(decisions, 0, n_draws=0)
