"""On the tabulated cells of NAS-Bench-201 every strategy finds better ones than random search does."""

import os
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from tamis.checks.simulator import simulate
from tamis.core.decisions import Decisions
from tamis.core.grammar import Grammar, Production
from tamis.core.space import Choice, Space
from tamis.core.trial import Outcome, Status
from tamis.search.climbing import LocalSearch
from tamis.search.evolution import RegularizedEvolution
from tamis.search.reinforce import ReinforceStrategy, TablePolicy
from tamis.search.sampling import RandomStrategy
from tamis.search.surrogate import SurrogateStrategy

TABLE = Path(os.environ.get("TAMIS_SHARED", Path(__file__).parents[2].parent / "shared")) / "nas" / "nb201_12ep.npz"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not TABLE.exists(), reason="the tables of architectures do not lie beside the checkout"),
]

OPS = {
    "none": "none",
    "skip_connect": "skip",
    "nor_conv_1x1": "conv1x1",
    "nor_conv_3x3": "conv3x3",
    "avg_pool_3x3": "avg_pool3x3",
}
"""By their name in the table."""
EDGES = ("op_0_1", "op_0_2", "op_1_2", "op_0_3", "op_1_3", "op_2_3")
CELLS = Decisions(
    Grammar(
        "edge_cell",
        [Production("edge_cell", "edge_cell", (), Space({edge: Choice(list(OPS.values())) for edge in EDGES}))],
    )
)
STRATEGIES = {
    "random": lambda seed: RandomStrategy(CELLS.grammar, seed),
    "evolution": lambda seed: RegularizedEvolution(CELLS, seed, population=20, sample=5, repeats=True),
    "reinforce": lambda seed: ReinforceStrategy(CELLS, TablePolicy(CELLS, 0.1), seed, repeats=True),
    "climbing": lambda seed: LocalSearch(CELLS, seed),
    "surrogate": lambda seed: SurrogateStrategy(CELLS, seed),
}
HIGHEST = {"evolution": 0.35, "reinforce": 0.5, "climbing": 0.15, "surrogate": 0.15}
"""Mean regret after 200 evaluations on CIFAR-100, in points of validation accuracy."""
COLUMNS = ("cifar100-val", "cifar10-val", "imagenet-val")
FIFTEEN, HUNDRED = range(15), range(100)
N_QUICK = {"surrogate": 100}
"""Evaluations in the quick tests, 200 otherwise: a forest takes longer than all the others."""


@cache
def accuracies(column):
    """Return the accuracy of every cell by its codes, in percent."""
    with np.load(TABLE) as table:
        assert [f"op_{edge.replace('>', '_')}" for edge in table["edges"]] == list(EDGES)
        names = [OPS[str(name)] for name in table["ops"]]
        chosen = table["acc_x100"][:, list(table["columns"]).index(column)] / 100
        order = [CELLS.slots[0].options.index(name) for name in names]
        return {
            tuple(order[op] for op in cell): float(value) for cell, value in zip(table["arch"], chosen, strict=True)
        }


def search(name, column, seed, n=200):
    """Return the cells that a strategy evaluates, in order."""
    accuracy = accuracies(column)

    def look_up(proposal):
        return Outcome(Status.DONE, {"loss": 100 - accuracy[CELLS.to_codes(proposal.candidate)]}, seconds=1.0)

    trials = simulate(STRATEGIES[name](seed), look_up, max_asks=n)
    return [CELLS.to_codes(trial.proposal.candidate) for trial in trials]


@cache
def regrets(name, column, seeds, n=200):
    """Return for every seed how far the best cell that was found is from the best of the table, in points."""
    accuracy = accuracies(column)
    best = max(accuracy.values())
    return [best - max(accuracy[codes] for codes in search(name, column, seed, n)) for seed in seeds]


def is_less(one, other):
    """Tell whether the first regrets are significantly lower."""
    return mannwhitneyu(one, other, alternative="less").pvalue < 0.01


def test_the_table_is_read_as_its_makers_wrote_it():
    accuracy = accuracies("cifar100-val")
    assert len(accuracy) == 5**6
    skips, convolutions = (tuple(CELLS.slots[0].options.index(op) for _ in EDGES) for op in ("skip", "conv3x3"))
    assert accuracy[convolutions] > accuracy[skips] + 10


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", HIGHEST)
def test_fifteen_seeds_beat_random_search(name, column):
    n = N_QUICK.get(name, 200)
    assert is_less(regrets(name, column, FIFTEEN, n), regrets("random", column, FIFTEEN, n))


@pytest.mark.parametrize("name", HIGHEST)
def test_no_strategy_collapses_to_skips(name):
    skip = CELLS.slots[0].options.index("skip")
    for seed in range(3):
        cells = search(name, "cifar10-val", seed, n=N_QUICK.get(name, 200))
        best = max(cells, key=accuracies("cifar10-val").__getitem__)
        late = cells[-50:]
        assert best.count(skip) <= 3
        assert np.mean([cell.count(skip) >= 5 for cell in late]) <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", HIGHEST)
def test_a_hundred_seeds_stay_below_the_highest_regret_and_beat_random_search(name):
    found = regrets(name, "cifar100-val", HUNDRED)
    assert np.mean(found) <= HIGHEST[name]
    assert is_less(found, regrets("random", "cifar100-val", HUNDRED))


@pytest.mark.slow
def test_random_search_is_as_good_as_it_is_known_to_be():
    assert np.mean(regrets("random", "cifar100-val", HUNDRED)) == pytest.approx(1.64, abs=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("column", COLUMNS[1:])
@pytest.mark.parametrize("name", HIGHEST)
def test_a_hundred_seeds_of_the_same_settings_beat_random_search_elsewhere(name, column):
    assert is_less(regrets(name, column, HUNDRED), regrets("random", column, HUNDRED))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seconds"), {**dict.fromkeys(STRATEGIES, 0.3), "surrogate": 2.0}.items())
def test_two_hundred_asks_take_little_time(name, seconds):
    accuracies("cifar100-val")
    began = time.process_time()
    search(name, "cifar100-val", 0)
    assert time.process_time() - began <= seconds
