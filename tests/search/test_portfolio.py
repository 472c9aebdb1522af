"""The portfolio."""

from math import inf

import pytest

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.portfolio import LearntCost, PortfolioStrategy

PRICES = {"cheap": 1.0, "middle": 10.0, "dear": 100.0}


def price(candidate):
    return PRICES[candidate.component] * candidate.settings.get("size", 1)


def names(strategy, view, n):
    answers = [strategy.ask(view) for _ in range(n)]
    return [one if one is FINISHED else one.candidate.component for one in answers]


def told(name, status=Status.DONE, seconds=1.0, **settings):
    return Trial(Proposal(Candidate.of(name, settings), id=0), Outcome(status, {"loss": 1.0}, seconds=seconds))


def test_without_a_limit_the_order_is_the_given_one(named):
    strategy = PortfolioStrategy(named("dear", "cheap", "middle", "cheap"), price)
    assert names(strategy, BudgetView(remaining_s=inf), 4) == ["dear", "cheap", "middle", FINISHED]


def test_what_does_not_fit_is_put_off_and_cheaper_ones_go_first(named):
    strategy = PortfolioStrategy(named("dear", "middle", "cheap"), price)
    assert names(strategy, BudgetView(remaining_s=60.0), 2) == ["middle", "cheap"]


def test_what_would_outlast_the_run_is_not_asked_once_there_is_an_answer(named):
    strategy = PortfolioStrategy(named("dear"), price)
    strategy.tell(told("cheap"))
    assert strategy.ask(BudgetView(remaining_s=60.0)) is FINISHED
    assert strategy.ask(BudgetView(remaining_s=6000.0)).candidate.component == "dear"


def test_without_any_answer_the_cheapest_is_tried_though_it_seems_too_dear(named):
    strategy = PortfolioStrategy(named("dear", "middle"), price)
    assert names(strategy, BudgetView(remaining_s=1.0), 1) == ["middle"]


def test_told_seconds_correct_the_family():
    costs = LearntCost(price)
    for _ in range(20):
        costs.learn(Candidate.of("cheap"), 8.0)
    assert costs.expected(Candidate.of("cheap")) == pytest.approx(8.0, rel=0.05)
    assert 10.0 < costs.expected(Candidate.of("middle")) < 90.0


@pytest.mark.parametrize("status", [Status.DONE, Status.PRUNED])
def test_of_what_was_dropped_with_a_result_the_seconds_count_too(named, status):
    strategy = PortfolioStrategy([Candidate.of("middle", {"size": 1}), Candidate.of("cheap")], price, share=1.0)
    strategy.tell(told("middle", status, seconds=4000.0, size=2))
    assert names(strategy, BudgetView(remaining_s=60.0), 1) == ["cheap"]


def test_so_many_are_asked_as_fit_however_far_down_the_list_they_stand(named):
    strategy = PortfolioStrategy(named("dear", "cheap", "middle", "dear"), price, max_candidates=2)
    assert names(strategy, BudgetView(remaining_s=60.0), 3) == ["cheap", "middle", FINISHED]


def test_units_and_slots_count(named):
    view = BudgetView(remaining_s=60.0, slots=1)
    assert names(PortfolioStrategy(named("middle", "cheap"), price, n_units=5), view, 1) == ["cheap"]
    wide = BudgetView(remaining_s=60.0, slots=5)
    assert names(PortfolioStrategy(named("middle", "cheap"), price, n_units=5), wide, 1) == ["middle"]


@pytest.mark.parametrize("status", [Status.TIMED_OUT, Status.OUT_OF_MEMORY])
def test_a_family_that_ran_out_steps_back_but_for_its_cheaper_members(status):
    big, small = Candidate.of("middle", {"size": 2}), Candidate.of("middle", {"size": 0.1})
    strategy = PortfolioStrategy([big, small, Candidate.of("cheap")], price)
    strategy.tell(told("middle", status, seconds=1.0, size=1))
    order = [str(strategy.ask(BudgetView(remaining_s=600.0)).candidate) for _ in range(3)]
    assert order == ["middle(size=0.1)", "cheap", "middle(size=2)"]


def test_a_lost_candidate_is_asked_once_more(named):
    strategy = PortfolioStrategy(named("cheap", "dear"), price)
    for expected in ("cheap", "cheap", "dear"):
        assert names(strategy, BudgetView(), 1) == [expected]
        strategy.tell(told("cheap", Status.LOST))
