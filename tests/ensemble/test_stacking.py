"""Other ways to weigh, and the choice among them."""

from collections.abc import Callable

import numpy as np
import pytest

from tamis.ensemble.blending import Loss, Pool
from tamis.ensemble.selection import SelectionSettings
from tamis.ensemble.stacking import _clearly_better, _onto_simplex, choose, likelihood_weights, ridge_weights

Maker = Callable[[int, int], tuple[np.ndarray, list[np.ndarray]]]


def test_the_nearest_weights_sum_to_one_and_are_not_negative() -> None:
    assert _onto_simplex(np.array([0.6, 0.6, -1.0])).tolist() == pytest.approx([0.5, 0.5, 0.0])
    assert _onto_simplex(np.array([9.0, 0.0])).tolist() == [1.0, 0.0]


def test_ridge_weights_are_those_of_independent_errors() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=20_000)
    members = [y + rng.normal(size=20_000) * noise for noise in (1.0, 2.0)]
    weights = ridge_weights(Pool.of(members, np.arange(20_000), y, None), penalty=0.0)
    assert weights.tolist() == pytest.approx([0.8, 0.2], abs=0.02)  # inverse to the variances


def test_likelihood_weights_find_the_mixture() -> None:
    rng = np.random.default_rng(0)
    chances = [rng.dirichlet(np.ones(3), 20_000) for _ in range(2)]
    mixed = 0.7 * chances[0] + 0.3 * chances[1]
    y = (mixed.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    weights = likelihood_weights(Pool.of(chances, np.arange(20_000), y, None))
    assert weights.tolist() == pytest.approx([0.7, 0.3], abs=0.03)


def test_another_way_is_taken_only_where_it_is_clearly_better() -> None:
    base = [1.0, 1.1, 0.9, 1.0, 1.0]
    assert _clearly_better({"greedy": base, "linear": [one - 0.1 for one in base]}) == "linear"
    assert _clearly_better({"greedy": base, "linear": [0.1, 2.0, 0.9, 1.0, 0.9]}) == "greedy"
    assert _clearly_better({"greedy": base, "linear": base}) == "greedy"


def test_the_choice_holds_up_on_fresh_rows(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(400, 5)
    found = choose(members, y, squared, settings=SelectionSettings(n_bags=3))
    assert found.weights.sum() == pytest.approx(1)
    assert found.loss < squared(y, members[0], None)


def test_partial_members_and_little_time_are_answered(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(300, 4)
    members[3][100:] = np.nan
    assert choose(members, y, squared, settings=SelectionSettings(n_bags=2)).weights.sum() == pytest.approx(1)
    assert choose(members, y, squared, settings=SelectionSettings(limit_s=0.0)).method == "greedy"


def test_one_member_or_few_rows_need_no_choice(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(30, 3)
    assert choose(members, y, squared).method == "greedy"
    assert choose(members[:1], y, squared).weights.tolist() == [1.0]
