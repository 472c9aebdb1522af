"""The search for images that an option names."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.checks.simulator import simulate
from tamis.core.budget import BudgetView
from tamis.core.candidate import BATCH, Candidate
from tamis.core.errors import ParameterError
from tamis.core.seeds import generator
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.neural.language.spaces import body_of
from tamis.search.halving import SuccessiveHalving
from tamis.search.portfolio import PortfolioStrategy
from tamis.search.sampling import RandomStrategy
from tamis.search.sharing import WeightSharing
from tamis.workflow.images.plan import GivenImages
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


def final_folds(plan, speed=5_000.0, slots=2):
    trials = simulate(strategy_for_images(plan), trained(speed), limit_s=60.0, slots=slots)
    return [one.proposal.fold for one in trials if one.proposal.memo.get("final")]


def test_of_few_images_the_last_trainings_hold_out_different_parts(planned):
    plan = planned(max_trials=None, time_limit_s=60.0)
    assert plan.n_folds == 5
    assert final_folds(plan)[:4] == [0, 1, 2, 3], "as many as two slots train at the same time"
    assert final_folds(plan, speed=20.0)[:2] == [0, 1], "for more there is not the time"
    assert set(final_folds(plan, speed=0.1)) == {0}, "one network alone needs all of it"


def test_one_part_is_held_out_where_one_network_predicts_or_weights_are_given(planned, stripes):
    assert set(final_folds(planned(max_trials=None, time_limit_s=60.0, max_latency_ms=50.0))) == {0}
    given = GivenImages(*stripes, start=b"weights that have seen the other parts")
    assert set(final_folds(planned(given, max_trials=None, time_limit_s=60.0))) == {0}


def test_what_is_trained_alone_and_what_counts_trials_learns_from_all_images_too(planned, small_net):
    plan = replace(planned(max_trials=None, time_limit_s=60.0), only=small_net)
    assert final_folds(plan)[:2] == [0, 1]
    trials = simulate(strategy_for_images(planned(search="portfolio")), trained(0.1), max_trials=2)
    assert [one.proposal.fold for one in trials if one.proposal.memo.get("final")] == [0, 1]


@pytest.mark.parametrize("search", ["auto", "local"])
def test_steps_of_local_search_begin_with_the_weights_of_what_they_came_from(planned, search):
    plan = planned(search=search, max_trials=None, time_limit_s=60.0)
    trials = simulate(strategy_for_images(plan), trained(0.1), limit_s=60.0, slots=2)
    keys = {one.proposal.id: one.proposal.candidate.key for one in trials}
    steps = [one.proposal for one in trials if "from" in one.proposal.memo]
    assert steps and all(keys[one.parent] == one.memo["from"] for one in steps)
    assert all(one.proposal.parent is None for one in trials if one.proposal.memo.get("final"))


def test_who_begins_with_the_weights_of_another_has_less_to_gain_from_more_time(planned):
    plan = planned(max_trials=None, time_limit_s=60.0)
    net = ImageIngredients(plan).seeds[0]
    fresh, begun = (
        Trial(Proposal(net), Outcome(Status.DONE, {"loss": 0.3}, {"epochs": 1.0, "inherited_epochs": before}))
        for before in (0.0, 3.0)
    )
    assert foresight(plan)(fresh) < foresight(plan)(begun) < 0.3


@pytest.mark.parametrize("search", ["evolution", "random", "mine"])
def test_networks_are_trained_by_rungs_whoever_proposes_them(planned, search, small_net):
    plan = planned(search="auto" if search == "mine" else search, max_trials=None, time_limit_s=60.0)
    plan = replace(plan, unit_s=72.0)
    mine = PortfolioStrategy([small_net.with_parameters(dropout=count / 10) for count in range(5)])
    strategy = strategy_for_images(plan, mine if search == "mine" else None)
    trials = simulate(strategy, trained(0.1), max_asks=8)
    assert {round(one.proposal.fidelity, 2) for one in trials} >= {0.11, 0.33}


def test_grown_networks_climb_the_rungs_with_their_weights(planned):
    plan = replace(planned(search="morphism", max_trials=None, time_limit_s=60.0), unit_s=72.0)
    strategy = strategy_for_images(plan)
    trials = simulate(strategy, trained(0.1), max_asks=4)
    assert [round(one.proposal.fidelity, 2) for one in trials] == [0.11, 0.11, 0.11, 0.33]
    assert trials[-1].proposal.parent == min(trials[:3], key=lambda one: one.loss).proposal.id


def test_what_shares_weights_or_has_rungs_of_its_own_is_left_alone(planned, small_net):
    given = ImageIngredients(planned())
    halved = SuccessiveHalving(PortfolioStrategy([small_net]))
    assert given.own(halved) is halved
    assert isinstance(IMAGE_STRATEGIES["enas"](given), WeightSharing)


def test_networks_are_drawn_with_how_they_are_trained(planned):
    given = ImageIngredients(planned())
    drawn = [given.draw(generator(0, "draw", number)) for number in range(60)]
    for name in ("optimizer", "learning_rate", "batch_size", "dropout", "shift", "mixup"):
        values = [one.settings.get(name) for one in drawn]
        assert len(set(values)) > 2 or name == "mixup", name
        assert max(map(values.count, values)) > 25, "about half of them stay as is usual"
    assert not any(one.settings.get("flip") for one in drawn) or given.plan.flip
    assert all(given.grammar.writes(one) for one in drawn)
    assert Candidate.from_json(drawn[0].to_json()) == drawn[0]
