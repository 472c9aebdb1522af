"""Every search for tables, on the grammar of a real table, with made-up losses and a false clock."""

import pytest

from tamis.checks.simulator import simulate
from tamis.core.trial import Outcome, Status
from tamis.pipelines.rules import grammar_for
from tamis.search.catalogue import STRATEGIES
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
    own = {"auto": "local"}.get(search, search)
    if search in ("random", "bayesian", "genetic"):  # the others stop where a table is small
        assert own in origins
        assert sum(one.outcome.seconds for one in trials) > 100


def test_the_searches_of_the_settings_are_those_that_there_are():
    assert tuple(name for name, _ in STRATEGIES) == TABLE_SEARCHES
