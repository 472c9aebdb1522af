"""Greedy selection."""

import time
from collections.abc import Callable
from math import inf

import numpy as np
import pytest

from tamis.core.errors import DataError
from tamis.ensemble.blending import Loss, blend
from tamis.ensemble.selection import SelectionSettings, select

Maker = Callable[[int, int], tuple[np.ndarray, list[np.ndarray]]]


def test_the_blend_is_better_than_its_best_member(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(3000, 8)
    found = select(members, y, squared)
    assert found.loss < 0.6 * min(squared(y, one, None) for one in members)
    assert found.weights.sum() == pytest.approx(1) and (found.weights >= 0).all()
    assert squared(y, blend(members, found.weights), None) == pytest.approx(found.loss)


def test_the_path_begins_with_the_best_member_and_is_cut_at_its_lowest(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(2500, 5)
    found = select(members, y, squared)
    assert found.losses[0] == pytest.approx(squared(y, members[0], None))
    assert found.loss <= min(found.losses) + 0.01


def test_a_useless_member_gets_nothing(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(2500, 3)
    found = select([*members, np.full(len(y), 9.0)], y, squared)
    assert found.weights[3] == 0


def test_equal_members_share_no_weight_with_a_newcomer(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(2500, 1)
    assert select([members[0], members[0].copy()], y, squared).weights.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("n_rows", [120, 2500])
def test_partial_members_join_but_every_row_stays_predicted(squared: Loss, noisy: Maker, n_rows: int) -> None:
    y, members = noisy(n_rows, 4)
    rng = np.random.default_rng(0)
    good = y + rng.normal(size=n_rows) * 0.05
    good[n_rows // 2 :] = np.nan
    found = select([*members, good], y, squared)
    assert found.weights[4] > 0 and found.weights[:4].sum() > 0
    assert np.isfinite(blend([*members, good], found.weights)).all()


def test_where_no_member_covers_all_rows_the_most_covering_decides(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(2500, 3)
    for one, end in zip(members, (1000, 1000, 500), strict=True):
        one[end:] = np.nan
    found = select(members, y, squared)
    assert found.weights[:2].sum() > 0
    assert np.isfinite(blend(members, found.weights)[:1000]).all()


def test_few_rows_draw_the_weights_towards_equal_ones(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(40, 4)
    weights = select(members, y, squared).weights
    assert (weights > 0).sum() == 4 and weights.min() >= 0.1


def test_bagging_on_few_rows_lowers_the_loss_on_fresh_ones(squared: Loss) -> None:
    rng, bagged, plain = np.random.default_rng(0), [], []
    for _ in range(8):
        y = rng.normal(size=1060)
        members = [y + rng.normal(size=1060) for _ in range(12)]
        fit = [one[:60] for one in members]
        weights = select(fit, y[:60], squared).weights
        best = int(np.argmin([squared(y[:60], one, None) for one in fit]))
        bagged.append(squared(y[60:], blend([one[60:] for one in members], weights), None))
        plain.append(squared(y[60:], members[best][60:], None))
    assert np.mean(bagged) < 0.5 * np.mean(plain)


def test_the_count_of_members_is_kept(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(500, 12)
    found = select(members, y, squared, settings=SelectionSettings(max_members=3))
    assert (found.weights > 0).sum() == 3 and found.weights.sum() == pytest.approx(1)


def test_weights_of_rows_are_heeded(squared: Loss) -> None:
    y = np.zeros(3000)
    left, right = np.r_[np.zeros(1500), np.full(1500, 5.0)], np.r_[np.full(1500, 5.0), np.zeros(1500)]
    weight = np.r_[np.full(1500, 1e-9), np.ones(1500)]
    assert select([left, right], y, squared, weight=weight).weights.tolist() == [0.0, 1.0]


def test_out_of_time_there_is_still_an_answer(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(2500, 6)
    ticks = iter(range(10_000))
    found = select(members, y, squared, settings=SelectionSettings(limit_s=0.5, clock=lambda: float(next(ticks))))
    assert found.weights[0] == 1.0 and len(found.losses) == 1


def test_a_metric_that_tells_nothing_still_gives_weights(noisy: Maker) -> None:
    y, members = noisy(200, 3)
    for value in (np.nan, inf, 0.5):
        assert select(members, y, lambda y, p, w, value=value: value).weights.sum() == pytest.approx(1)


def test_the_same_seed_gives_the_same_weights(squared: Loss, noisy: Maker) -> None:
    y, members = noisy(800, 6)
    one, two = (select(members, y, squared, settings=SelectionSettings(seed=3)).weights for _ in range(2))
    assert np.array_equal(one, two)


def test_nothing_to_select_from_is_refused(squared: Loss) -> None:
    with pytest.raises(DataError, match="no trial has finished"):
        select([], np.zeros(3), squared)
    with pytest.raises(DataError, match="No member"):
        select([np.full(3, np.nan)], np.zeros(3), squared)


def test_very_many_members_and_rows_take_little_time(log_loss: Loss) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60_000)
    members = []
    for _ in range(45):
        chance = 1 / (1 + np.exp(-(y - 0.5 + rng.normal(size=len(y)))))
        members.append(np.stack([1 - chance, chance], axis=1).astype(np.float32))
    began = time.process_time()
    found = select(members, y, log_loss)
    assert time.process_time() - began < 10
    assert found.loss < log_loss(y, members[0], None)
