"""Shared weights: their training, and what a policy learns from them."""

import gzip
import json
from math import inf
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, mannwhitneyu

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.decisions import Decisions
from tamis.core.trial import Outcome, Status, Trial
from tamis.neural.building.network import count_parameters
from tamis.neural.controller import LstmController
from tamis.neural.fresh import fresh_network
from tamis.neural.language.genotypes import live_edges
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import body_of, edge_grammar, sample, valid
from tamis.neural.training.batches import ImageData
from tamis.neural.training.device import Setup
from tamis.neural.training.predicting import score
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.sharing import SharedTraining, fresh_supernet
from tamis.neural.training.train import Limit, train
from tamis.search.sharing import WeightSharing

DATA = Path(__file__).parents[1] / "data"
SHAPE = ImageShape(1, 8, 8)
MACRO = {"stem_kernel": 3, "stem_stride": 1, "width": 8, "repeats": 1, "stages": 2}
"""As in the tables (`benchmarks/cells.py`)."""
RECIPE = Recipe(batch_size=50, shift=0.1)
SETUP = Setup(threads=1)


@pytest.fixture(scope="module")
def digits() -> tuple[ImageData, ImageData]:
    """Return the digits that the networks of the tables learned from, and those that judged them."""
    return drawn_digits(slice(300)), drawn_digits(slice(300, None))


def drawn_digits(which: slice) -> ImageData:
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    whole = ImageData((data.images[..., None] * 15.9375).round().astype(np.uint8), data.target)
    return whole.subset(np.sort(order[which]))


@pytest.fixture
def shared(digits, monkeypatch):
    """Return a function that makes the training of a fresh supernet of a family."""
    monkeypatch.setattr("tamis.neural.training.sharing.BATCH", 50)

    def make(grammar, seed=0, width=8, data=digits[0]):
        net = fresh_supernet(grammar, SHAPE, 10, width=width, seed=seed, stages=2)
        return SharedTraining(net, data, RECIPE, SETUP, seed)

    return make


def drawn(grammar, n, seed=0):
    rng = np.random.default_rng(seed)
    return [sample(grammar, rng) for _ in range(n)]


def test_a_loaded_state_goes_on_as_the_training_would_have(shared):
    grammar = edge_grammar(SHAPE)
    trees = drawn(grammar, 6)
    whole, first, second = (shared(grammar) for _ in range(3))
    whole.train(trees, 0.0)
    first.train(trees[:3], 0.0)
    second.load(first.state())
    second.train(trees[3:], 0.0)
    assert second.step == 6
    assert whole.scores(trees) == pytest.approx(second.scores(trees), abs=1e-6)


def test_the_images_that_reward_are_not_learned_from(shared):
    training = shared(edge_grammar(SHAPE))
    learned = {image.tobytes() for image in training.batches.data.read(slice(None))}
    rewarded = training.rewarded.read(slice(None))
    assert len(rewarded) == 100
    assert not any(image.tobytes() in learned for image in rewarded)


def test_scores_are_probabilities_that_grow_with_training(shared):
    grammar = edge_grammar(SHAPE)
    training, trees = shared(grammar), drawn(grammar, 5)
    before = training.scores(trees)
    training.train(drawn(grammar, 200), 0.0)
    after = training.scores(trees)
    assert all(0 < one < 1 for one in (*before, *after))
    assert np.mean(after) > 1.2 * np.mean(before)


def test_scores_after_steps_of_their_own_leave_the_shared_weights_alone(shared):
    grammar = edge_grammar(SHAPE)
    training, trees = shared(grammar), drawn(grammar, 3)
    training.train(drawn(grammar, 60), 0.0)
    plain, state = training.scores(trees), training.state()
    adapted = training.adapted_scores(trees)
    assert np.mean(adapted) > np.mean(plain)
    assert training.state() == state
    assert training.scores(trees) == pytest.approx(plain, abs=1e-6)
    assert training.adapted_scores(trees[::-1])[::-1] == pytest.approx(adapted, abs=1e-5)


def test_without_time_for_steps_of_their_own_networks_are_scored_as_they_are(shared):
    grammar = edge_grammar(SHAPE)
    training, trees = shared(grammar), drawn(grammar, 3)
    ticks = iter(range(0, 1000, 10))
    assert training.adapted_scores(trees, seconds=20.0, clock=lambda: float(next(ticks))) == training.scores(trees)


@pytest.mark.parametrize("name", ["cells_digits", "node_cells_digits"])
def test_the_tables_hold_different_networks_with_their_counts_of_weights(name):
    rows = json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))["rows"]
    trees = [Candidate.from_json(row["network"]) for row in rows]
    assert len({one.key for one in trees}) == len(rows) >= 60
    assert all(map(valid, trees))
    for tree, row in list(zip(trees, rows, strict=True))[::40]:
        assert count_parameters(fresh_network(tree, SHAPE, 10, 0)) == row["parameters"]
        assert all(0.1 < one < 1 for one in row["accuracy"])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_supernet_orders_cells_as_trainings_from_scratch_do(shared, monkeypatch):
    """Mean over three supernets, on the cells of the table with one or two convolutions.

    The more convolutions there are, the more their count alone says of a cell in so short a training: over the whole
    table its tau is 0.49, and that of a supernet about 0.42. Among cells of one size the count says nothing.
    """
    monkeypatch.setattr("tamis.neural.training.sharing.REWARD_SHARE", 0.5)
    rows = json.loads(gzip.decompress((DATA / "cells_digits.json.gz").read_bytes()))["rows"]
    trees = [Candidate.from_json(row["network"]) for row in rows]
    used = [live_edges(body_of(tree).children[0]).values() for tree in trees]
    kept = [number for number, names in enumerate(used) if sum(name.startswith("conv") for name in names) <= 2]
    trees, rows = [trees[number] for number in kept], [rows[number] for number in kept]
    sizes = np.array([row["parameters"] for row in rows])
    alone = np.array([np.mean(row["accuracy"]) for row in rows])
    groups = [sizes == size for size in np.unique(sizes) if (sizes == size).sum() >= 60]
    grammar, whole, within = edge_grammar(SHAPE), [], []
    for seed in range(3):
        training = shared(grammar, seed, data=drawn_digits(slice(600)))
        training.train(drawn(grammar, 900, seed), 0.0)  # to the end of a period of the rate
        scores = np.array(training.adapted_scores(trees))
        whole.append(kendalltau(scores, alone).statistic)
        within.append(np.mean([kendalltau(scores[group], alone[group]).statistic for group in groups]))
    assert len(rows) > 500 and len(groups) >= 4
    assert np.mean(whole) > max(0.3, kendalltau(sizes, alone).statistic), whole
    assert np.mean(within) >= 0.3, within


@pytest.mark.slow
def test_a_policy_that_learns_from_shared_weights_draws_better_cells(shared, digits):
    decisions = Decisions(edge_grammar(SHAPE, fixed=MACRO))
    fresh, policy = (LstmController.enas(decisions, 0) for _ in range(2))
    strategy = WeightSharing(decisions, policy, 0, n_rounds=100, batch=10, valid=valid)
    training = shared(decisions.grammar, width=16)
    for number in range(100):
        asked = strategy.ask(BudgetView(0.0, inf)).numbered(number)
        trees = asked.candidate.children
        training.train(trees, 0.0)
        outcome = Outcome(Status.DONE, realised={"scores": training.scores(trees)})
        strategy.tell(Trial(asked, outcome))

    def alone(policy):
        """Train forty of its cells, each by itself, and return their accuracies."""
        rng, trees = np.random.default_rng(1), []
        while len(trees) < 40:
            tree = decisions.to_tree(policy.sample(rng))
            if valid(tree):
                trees.append(tree)
        limit = Limit(epochs=12.0)
        trained = [
            train(fresh_network(tree, SHAPE, 10, 0), digits[0], RECIPE, limit=limit, setup=SETUP) for tree in trees
        ]
        return trees, [score(one.network, digits[1], SETUP, one.scaling) for one in trained]

    _, before = alone(fresh)
    trees, after = alone(policy)
    assert mannwhitneyu(after, before, alternative="greater").pvalue < 0.01, (np.mean(before), np.mean(after))
    used = [name for tree in trees for name in live_edges(body_of(tree).children[0]).values()]
    assert used.count("skip") < len(used) / 2
