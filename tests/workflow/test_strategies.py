"""Every search for tables, on the grammar of a real table, with made-up losses and a false clock."""

from dataclasses import replace

import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_replay
from tamis.core.component import Shape
from tamis.core.trial import Outcome, Status
from tamis.pipelines.rules import grammar_for
from tamis.search.catalogue import STRATEGIES
from tamis.workflow import strategies
from tamis.workflow.plan import Plan
from tamis.workflow.settings import TABLE_SEARCHES
from tamis.workflow.strategies import strategy_for


def scored(proposal):
    """Say that few nodes and a middling rate are good; a fold takes a second."""
    tree = proposal.candidate
    rate = tree.settings.get("learning_rate", 0.5)
    loss = 0.02 * sum(1 for _ in tree.walk()) + abs(rate - 0.05) + 0.001 * proposal.fold
    return Outcome(Status.DONE, {"loss": loss}, seconds=1.0)


@pytest.mark.parametrize("search", [name for name in TABLE_SEARCHES if name != "halving"])  # see test_fidelity.py
def test_a_search_keeps_two_workers_busy_with_pipelines_that_can_be_built(planned, search):
    plan = planned(search=search, time_limit_s=60.0, n_folds=2)
    trials = simulate(strategy_for(plan), scored, limit_s=60.0, slots=2)
    grammar = grammar_for(plan.groups, plan.task.kind, plan.catalogue, n_rows=plan.rows().n_rows)
    candidates = {one.proposal.candidate for one in trials}
    for tree in candidates:
        grammar.check(tree)
    origins = {one.proposal.origin for one in trials}
    own = {"auto": "bayesian"}.get(search, search)
    if search not in ("portfolio", "hyperband"):  # the first stops where a table is small, the other draws at random
        assert own in origins
        assert sum(one.outcome.seconds for one in trials) > 100


@pytest.mark.parametrize("search", ["auto", "portfolio", "random", "local", "bayesian", "genetic"])
def test_stopped_anywhere_and_replayed_a_search_asks_the_same(planned, search):
    plan = planned(search=search, time_limit_s=60.0, n_folds=2)
    check_replay(lambda: strategy_for(plan), scored, limit_s=60.0, slots=2, n_asks=40)


def test_the_searches_of_the_settings_are_those_that_there_are():
    assert tuple(name for name, _ in STRATEGIES) == TABLE_SEARCHES


def test_a_short_run_that_is_given_more_time_draws_from_the_same_grammar(planned):
    """Networks for tables are drawn where there is time for them: a resume must ask again what was asked without."""
    pytest.importorskip("torch")
    plan = planned(search="random", time_limit_s=10.0)
    again = Plan.open(plan.data.parent / "plan.json", replace(plan.settings, time_limit_s=100.0))
    asked, asked_again = (
        [one.proposal.candidate for one in simulate(strategy_for(one), scored, max_asks=60)] for one in (plan, again)
    )
    assert asked == asked_again
    longer = planned(search="random", time_limit_s=100.0)
    assert asked != [one.proposal.candidate for one in simulate(strategy_for(longer), scored, max_asks=60)]


@pytest.mark.parametrize("search", ["random", "genetic"])
def test_where_no_clock_ends_a_trial_none_is_drawn_that_would_take_long(planned, search, monkeypatch):
    """Boosters of deep trees at low rates take nine seconds on these 120 rows, and minutes on five hundred."""
    monkeypatch.setattr(strategies, "MOST_S", 1.0)

    def longest(plan):
        shape = Shape(plan.rows().n_rows, plan.rows().table.shape[1], 2)
        trials = simulate(strategy_for(plan), scored, max_asks=150)
        own = [one.proposal.candidate for one in trials if one.proposal.origin == search]
        return max(plan.catalogue[one.component].cost(shape, one.settings).seconds for one in own)

    counted = planned(search=search, max_trials=100)
    counted = replace(counted, candidates=counted.candidates[:1])  # a quick one; what is tried first may be drawn too
    assert longest(counted) <= 1.0 < longest(replace(counted, begun_s=60.0))
    resumed = Plan.open(
        counted.data.parent / "plan.json", replace(counted.settings, max_trials=None, time_limit_s=60.0)
    )
    assert longest(replace(resumed, candidates=counted.candidates)) <= 1.0, "a resume asks again what was asked"
