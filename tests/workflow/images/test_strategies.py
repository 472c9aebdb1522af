"""The search for images that an option names."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.checks.simulator import simulate
from tamis.core.budget import BudgetView
from tamis.core.candidate import BATCH
from tamis.core.errors import ParameterError
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.neural.language.spaces import body_of
from tamis.search.sampling import RandomStrategy
from tamis.workflow.images.strategies import IMAGE_STRATEGIES, ImageIngredients, foresight, strategy_for_images
from tamis.workflow.settings import IMAGE_SEARCHES


def trained(speed):
    """Let every training come to a loss by its key, and every batch to scores."""

    def run(proposal):
        tree = proposal.candidate
        if tree.component == BATCH:
            scores = [float(int(one.key[:4], 16)) for one in tree.children]
            return Outcome(Status.DONE, realised={"scores": scores}, artefacts={"checkpoint": "c"}, seconds=1.0)
        loss = int(tree.key[:6], 16) / 16**6
        seconds = 0.9 * (proposal.memo.get("seconds") or 3.0 * proposal.fidelity)
        return Outcome(Status.DONE, {"loss": loss}, {"images_per_s": speed}, seconds=seconds)

    return run


@pytest.mark.parametrize("search", IMAGE_SEARCHES)
def test_every_search_ends_with_the_long_training_of_the_best(planned, search):
    plan = planned(search=search, max_trials=None, time_limit_s=60.0)
    trials = simulate(strategy_for_images(plan), trained(speed=0.1), limit_s=60.0, slots=2)
    finals = [one for one in trials if one.proposal.origin == "final"]
    searched = [one for one in trials if one not in finals and one.proposal.candidate.component != BATCH]
    assert finals and searched
    best = min(searched, key=lambda one: one.loss)
    assert finals[0].proposal.candidate == best.proposal.candidate
    assert finals[0].proposal.memo["seconds"] > 20


def test_all_names_have_a_strategy():
    assert set(IMAGE_STRATEGIES) == set(IMAGE_SEARCHES)


def test_where_one_thread_is_quick_enough_several_are_trained_beside_each_other_and_wider(planned):
    plan = planned(max_trials=None, time_limit_s=60.0)
    for speed, count in ((0.1, 1), (500_000.0, 2)):
        trials = simulate(strategy_for_images(plan), trained(speed), limit_s=60.0, slots=2)
        finals = [one.proposal for one in trials if one.proposal.origin == "final"]
        first = [one for one in finals if one.memo["seconds"] == finals[0].memo["seconds"]]
        assert len(first) == count
        searched = {one.proposal.candidate.key for one in trials if one.proposal.origin != "final"}
        assert (finals[0].candidate.key in searched) == (count == 1)


def test_bounds_on_size_forbid_a_wider_network(planned):
    plan = planned(max_trials=None, time_limit_s=60.0, max_parameters=10**6)
    trials = simulate(strategy_for_images(plan), trained(5000.0), limit_s=60.0, slots=2)
    finals = [one.proposal.candidate for one in trials if one.proposal.origin == "final"]
    searched = {one.proposal.candidate.key for one in trials if one.proposal.origin != "final"}
    assert all(one.key in searched for one in finals)


def test_mirrored_images_are_shown_only_where_they_mean_the_same(planned):
    plan = planned(max_trials=None, time_limit_s=60.0)
    trials = simulate(strategy_for_images(plan), trained(0.1), limit_s=60.0)
    assert not any(one.proposal.candidate.settings.get("flip") for one in trials) or plan.flip
    assert all(body_of(one.proposal.candidate) for one in trials)


def test_a_resume_with_other_limits_asks_what_the_run_would_have_asked(planned):
    plan = planned(max_trials=None, time_limit_s=60.0)
    resumed = replace(plan, settings=replace(plan.settings, max_trials=3, time_limit_s=None))
    assert ImageIngredients(plan).is_short and ImageIngredients(resumed).is_short
    trial = Trial(Proposal(ImageIngredients(plan).seeds[0]), Outcome(Status.DONE, {"loss": 0.3}, {"epochs": 1.0}))
    assert foresight(plan)(trial) == foresight(resumed)(trial) < 0.3


@pytest.mark.parametrize(("space", "component"), [("nasnet", "node_network"), ("mbconv", "stage_network")])
def test_a_search_is_kept_to_its_space(planned, space, component):
    plan = planned(max_trials=None, time_limit_s=60.0, space=space, search="local")
    first = strategy_for_images(plan).ask(BudgetView(1.0, 59.0))
    assert first.candidate.children[0].component == component


def test_a_package_may_offer_a_strategy_for_images_too(planned, monkeypatch):
    plan = replace(plan := planned(max_trials=None, time_limit_s=60.0), settings=replace(plan.settings, search="mine"))
    made = {"mine": lambda given: RandomStrategy(given.grammar, given.seed + len(given.portfolio))}
    monkeypatch.setattr("tamis.workflow.images.strategies.offered", lambda group: made.items())
    trials = simulate(strategy_for_images(plan), trained(0.1), limit_s=60.0, slots=2)
    assert {one.proposal.origin for one in trials} == {"random", "final"}
    for name in ("genetic", "yours"):  # one for tables, and one that nobody offers
        with pytest.raises(ParameterError, match="'mine'"):
            strategy_for_images(replace(plan, settings=replace(plan.settings, search=name)))
