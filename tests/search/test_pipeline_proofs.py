"""On a table of real pipelines, each evaluated once, every strategy finds better ones than random search does."""

import importlib.util
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from tamis.pipelines.catalogue import builtin

ROOT = Path(__file__).parents[2]
SETS = ("credit_g", "phoneme", "eucalyptus", "segment", "house_prices", "wine_quality")
QUICK, WHOLE = range(8), range(2000, 2020)
"""Seeds; the kept results have others."""


def _module(name):
    """Import a file of the benchmarks."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    sys.modules[name] = found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


regret = _module("regret")
FROM_NOTHING = [name for name in regret.STRATEGIES if name != regret.RANDOM]
STARTED = [name for name in regret.STARTED if name != regret.AFTER_STARTS]
SMALLER = {"bayesian": (range(3), SETS[::2], 30), "search=local": (range(4), SETS[::2], 20)}
"""Seeds, sets and evaluations of the quick tests of what takes longer than the others."""
LONGEST = "search=bayesian"
"""What is left to the long proofs."""


@cache
def tables():
    return {one.name: one for one in regret.Evaluated.read()}


@cache
def regrets(name, seeds, sets=SETS, spent=regret.JUDGED):
    """Return the regrets after so many evaluations, over sets and seeds."""
    return [regret.after(regret.run(name, tables()[one], seed, spent), spent) for one in sets for seed in seeds]


def is_ahead(name, seeds, sets=SETS, spent=regret.JUDGED):
    """Tell whether the regrets of a strategy are significantly lower than those of drawing at random."""
    yardstick = regret.RANDOM if name in regret.STRATEGIES else regret.AFTER_STARTS
    return regret.p_value(regrets(name, seeds, sets, spent), regrets(yardstick, seeds, sets, spent)) < 0.01


def test_the_table_holds_every_pipeline_that_its_grammars_write():
    assert set(tables()) == set(SETS)
    for table in tables().values():
        rng = np.random.default_rng(0)
        assert len(table.rows) > 800
        assert all(table.grammar.grow(rng).key in table.rows for _ in range(200))
        assert all(table.grammar.writes(one) and one.key in table.rows for one in table.starts())


def test_its_pipelines_are_made_of_components_of_the_catalogue():
    catalogue = builtin()
    for table in tables().values():
        for ways in table.grammar.productions.values():
            for one in ways:
                for settings in regret.every_setting(one.space) if one.component != "columns" else ():
                    catalogue[one.component].space.check(settings, one.component)


def test_nearly_all_came_to_something_and_differ_by_more_than_their_digits():
    for table in tables().values():
        losses = [row["losses"][-1] for row in table.rows.values()]
        known = [loss for loss in losses if loss is not None]
        assert len(known) > 0.97 * len(losses)
        assert len(set(known)) > 0.5 * len(known)


def test_fewer_rows_say_something_of_all_rows():
    for table in tables().values():
        rows = [row["losses"] for row in table.rows.values() if None not in row["losses"]]
        third, whole = zip(*(losses[1:] for losses in rows), strict=True)
        assert spearmanr(third, whole).statistic > 0.5


def test_the_regret_of_the_best_is_0_and_of_a_middling_one_1():
    table = tables()["credit_g"]
    best, middling = table.bounds
    assert best < middling
    assert regret.after([[1.0, 0.4], [2.5, 0.2]], 0.5) == 1.0
    assert regret.after([[1.0, 0.4], [2.5, 0.2]], 2.5) == 0.2
    assert min(table.regret(one) for one in regret.every_tree(table.grammar)) == 0.0


def test_a_smaller_evaluation_costs_less_and_counts_until_there_is_a_whole_one():
    table = tables()["credit_g"]
    run = regret.Run(table)
    steps = run.go(regret.MAKERS["halving of random"](table, 0), 5.0)
    assert steps[0][0] == pytest.approx(1 / 9, abs=1e-3)
    assert run.best[0] == 1.0


@pytest.mark.parametrize("name", FROM_NOTHING)
def test_it_beats_random_search(name):
    assert is_ahead(name, *SMALLER.get(name, (QUICK,)))


@pytest.mark.parametrize("name", [name for name in STARTED if name != LONGEST])
def test_after_the_starting_candidates_it_beats_random_search_too(name):
    assert is_ahead(name, *SMALLER.get(name, (QUICK,)))


def test_random_search_does_not_beat_itself():
    assert regret.p_value(regrets(regret.RANDOM, QUICK), regrets(regret.RANDOM, range(20, 28))) > 0.01


def test_the_page_shows_the_results_that_are_kept():
    results = ROOT / "benchmarks" / "results"
    kept = regret.load(results / "pipelines.json")
    lines = regret.summary(kept)
    assert (results / "pipelines.md").read_text().endswith("\n".join([*lines, ""]))
    assert "\n".join(lines[2:]) in (ROOT / "docs" / "search.md").read_text()
    assert (ROOT / "docs" / "regret.svg").read_text() == regret.drawn(kept)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FROM_NOTHING, *STARTED])
def test_twenty_other_seeds_on_all_sets_beat_random_search(name):
    assert is_ahead(name, WHOLE)
