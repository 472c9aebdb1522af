"""The recurrent controller."""

from itertools import product
from math import log

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tamis.core.decisions import Decisions
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar, Production
from tamis.core.space import Choice, Space
from tamis.neural.controller import ControllerSettings, LstmController

pytestmark = pytest.mark.extras

BEST = (2, 0, 1, 2)
QUICK = {
    "reinforce": ControllerSettings(units=16, learning_rate=0.03),
    "ppo": ControllerSettings(units=16, learning_rate=0.01, ppo=True),
}


def row(n_slots, n_options=3):
    space = Space({f"op_{number}": Choice(list(range(n_options))) for number in range(n_slots)})
    return Decisions(Grammar("cell", [Production("cell", "cell", (), space)]))


def branching():
    """A block that may have a kernel and a pool that may have a size: decisions that exist only beside others."""
    return Decisions(
        Grammar(
            "net",
            [
                Production("net", "net", ("block", "block")),
                Production("block", "conv", (), Space({"kernel": Choice([1, 3, 5]), "bias": Choice([False, True])})),
                Production("block", "pool", (), Space({"size": Choice([2, 3])})),
                Production("block", "skip"),
            ],
        )
    )


def reward(codes):
    return sum(one == best for one, best in zip(codes, BEST, strict=True)) / len(BEST)


def taught(controller, n_updates, seed=0, batch=8):
    """Let a controller learn a reward; return the mean rewards and the best architecture that it drew."""
    baseline, means, drawn = 0.0, [], []
    for update in range(n_updates):
        rng = np.random.default_rng([seed, update])
        some = [controller.sample(rng) for _ in range(batch)]
        rewards = [reward(codes) for codes in some]
        means.append(float(np.mean(rewards)))
        baseline = means[0] if update == 0 else 0.8 * baseline + 0.2 * means[-1]
        controller.learn([(codes, (one - baseline) / 0.25) for codes, one in zip(some, rewards, strict=True)])
        drawn += some
    return means, max(drawn, key=reward)


@pytest.mark.parametrize("way", QUICK)
def test_the_optimum_is_found_and_the_entropy_falls(way):
    controller = LstmController(row(4), 0, QUICK[way])
    before = controller.entropy()
    means, best = taught(controller, 40)
    assert best == BEST
    assert np.mean(means[-5:]) > np.mean(means[:5]) + 0.3
    assert controller.entropy() < 0.7 * before


@pytest.mark.parametrize("way", ["enas", "nasnet"])
def test_the_papers_settings_learn_too(way):
    controller = getattr(LstmController, way)(row(4), 0)
    before = controller.log_prob(BEST)
    for _ in range(20):
        controller.learn([(BEST, 1.0), ((0, 0, 0, 0), -1.0)])
    assert controller.log_prob(BEST) > before + 0.5


def test_what_was_worse_becomes_less_likely():
    controller = LstmController(row(4), 0, QUICK["reinforce"])
    before = controller.log_prob(BEST)
    for _ in range(5):
        controller.learn([(BEST, -1.0)])
    assert controller.log_prob(BEST) < before


def test_ppo_stops_pushing_once_the_ratio_has_left_its_bounds():
    settings = {"units": 16, "learning_rate": 0.1, "entropy_weight": 0.0}
    moved = {}
    for way in (False, True):
        controller = LstmController(row(4), 0, ControllerSettings(**settings, ppo=way))
        before = controller.log_prob(BEST)
        for _ in range(1 if way else 4):
            controller.learn([(BEST, 1.0)])
        moved[way] = controller.log_prob(BEST) - before
    assert 0 < moved[True] < moved[False]


def test_the_entropy_bonus_keeps_the_controller_curious():
    entropies = []
    for weight in (0.0, 0.5):
        settings = ControllerSettings(units=16, learning_rate=0.03, entropy_weight=weight)
        controller = LstmController(row(4), 0, settings)
        taught(controller, 25)
        entropies.append(controller.entropy())
    assert entropies[0] < 0.8 * entropies[1]


def test_squeezed_logits_never_rule_out_an_option():
    controller = LstmController(row(2), 0, ControllerSettings(units=16, learning_rate=0.3, tanh_constant=1.0))
    for _ in range(40):
        controller.learn([((0, 0), 1.0)])
    least = 2 * log(np.exp(-1) / (np.exp(-1) + 2 * np.exp(1)))
    assert controller.log_prob((1, 1)) >= least - 1e-4


@pytest.mark.parametrize("decisions", [row(3), branching()], ids=["fixed row", "branching"])
def test_the_probabilities_of_all_architectures_sum_to_one(decisions):
    controller = LstmController(decisions, 0, QUICK["reinforce"])
    controller.learn([(controller.sample(np.random.default_rng(0)), 5.0)])
    every = set()
    for codes in product(*(range(-1, size) for size in decisions.sizes)):
        try:
            decisions.to_tree(codes)
        except ParameterError:
            continue
        every.add(codes)
    assert len(every) > 20
    assert sum(np.exp(controller.log_prob(codes)) for codes in every) == pytest.approx(1.0, abs=1e-5)


def test_it_draws_as_often_as_it_says():
    controller = LstmController(branching(), 0, QUICK["reinforce"])
    for _ in range(6):
        controller.learn([((2, -1, -1, -1, 1, -1, -1, 1), 2.0), ((0, 1, 0, -1, 2, -1, -1, -1), -1.0)])
    rng = np.random.default_rng(0)
    drawn = [controller.sample(rng) for _ in range(600)]
    for codes in sorted(set(drawn), key=drawn.count)[-2:]:
        share = np.exp(controller.log_prob(codes))
        assert drawn.count(codes) / 600 == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 600))


def test_decisions_that_do_not_exist_are_passed_over():
    decisions = branching()
    controller = LstmController.nasnet(decisions, 0)
    rng = np.random.default_rng(0)
    for codes in [controller.sample(rng) for _ in range(30)]:
        assert decisions.to_codes(decisions.to_tree(codes)) == codes


def test_the_entropy_is_that_of_an_even_choice_at_first():
    assert LstmController.nasnet(row(4), 0).entropy() == pytest.approx(log(3), abs=0.02)


def test_the_same_seed_and_lessons_give_the_same_samples():
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(drawn))
        controller = LstmController(branching(), seed, QUICK["ppo"])
        for update in range(3):
            rng = np.random.default_rng(update)
            controller.learn([(controller.sample(rng), float(advantage)) for advantage in (1, -1)])
            controller.entropy()
        rng = np.random.default_rng(9)
        drawn.append(([controller.sample(rng) for _ in range(12)], controller.log_prob((2, -1, -1, -1, 2, -1, -1, -1))))
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_generators_and_threads_of_torch_are_left_alone():
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    controller = LstmController.enas(row(2), 0)
    controller.learn([(controller.sample(np.random.default_rng(0)), 1.0)])
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads


def test_a_space_without_a_choice_has_one_architecture():
    decisions = Decisions(Grammar("cell", [Production("cell", "cell")]))
    controller = LstmController.nasnet(decisions, 0)
    assert controller.sample(np.random.default_rng(0)) == ()
    controller.learn([((), 1.0)])
    controller.learn([])
    assert controller.log_prob(()) == 0 and controller.entropy() == 0


@pytest.mark.parametrize("name", ["units", "learning_rate", "temperature"])
def test_a_controller_that_cannot_learn_is_refused(name):
    with pytest.raises(ParameterError, match=name):
        ControllerSettings(**{name: 0})
