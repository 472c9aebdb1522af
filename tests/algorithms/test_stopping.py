"""How boosting ends: rounds by inner splits, patience, a rate that fits the slice, a deadline."""

import time
from math import inf

import numpy as np
import pytest

from tamis.algorithms.stopping import (
    HIGHEST_RATE,
    MAX_HELD_ROWS,
    Watch,
    best_of,
    boost,
    fitted_rate,
    inner_splits,
    most_rounds,
    patience,
)
from tamis.core.component import BuildContext, Shape
from tamis.core.kinds import TaskKind


class Pretended:
    """A booster whose loss falls until a known round; each round takes a known time."""

    def __init__(self, best: int = 50, round_s: float = 0.0) -> None:
        self.best = best
        self.round_s = round_s
        self.calls: list[tuple[bool, float, int]] = []

    def train(self, rows, held, rate, rounds, watch):
        self.calls.append((rows is None, rate, rounds))
        for number in range(1, rounds + 1):
            time.sleep(self.round_s)
            if watch.after(None if held is None else 1 + (number / self.best - 1) ** 2):
                return list(range(number))
        return list(range(rounds))

    def cut(self, booster, rounds):
        return booster[:rounds]


def context(n_rows, limit_s=inf, **more):
    return BuildContext(TaskKind.REGRESSION, Shape(n_rows, 3), limit_s=limit_s, **more)


def test_few_rows_are_fitted_again_with_a_few_more_rounds():
    learner = Pretended(best=50)
    booster, realised = boost(learner, np.arange(2_000.0), context(2_000), rate=0.1)
    assert realised == {"rounds": 53, "learning_rate": 0.1}
    assert len(booster) == 53 and learner.calls[-1] == (True, 0.1, 53)


def test_many_rows_keep_the_booster_that_was_stopped():
    learner = Pretended(best=50)
    booster, realised = boost(learner, np.arange(12_000.0), context(12_000), rate=0.1)
    assert realised["rounds"] == 50 and len(booster) == 50 and len(learner.calls) == 1


def test_very_few_rows_average_several_splits():
    learner = Pretended(best=20)
    boost(learner, np.arange(200.0), context(200), rate=0.1)
    assert len(learner.calls) == 6


@pytest.mark.parametrize("n_rows", [1, 2, 19])
def test_too_few_rows_to_split_take_a_fixed_number_of_rounds(n_rows):
    booster, realised = boost(Pretended(), np.arange(float(n_rows)), context(n_rows), rate=0.1)
    assert len(booster) == realised["rounds"] == 50


def test_what_another_fold_found_is_used_as_it_is():
    learner = Pretended()
    known = {"rounds": 7, "learning_rate": 0.033}
    booster, realised = boost(learner, np.arange(5_000.0), context(5_000, realised=known), rate=0.1)
    assert learner.calls == [(True, 0.033, 7)] and len(booster) == 7 and realised == known


@pytest.mark.alone
def test_a_slow_booster_gets_a_higher_rate_and_ends_in_its_slice():
    learner = Pretended(best=10_000, round_s=0.01)
    begun = time.monotonic()
    booster, realised = boost(learner, np.arange(3_000.0), context(3_000, 0.8), rate=0.01)
    assert time.monotonic() - begun < 2
    assert realised["learning_rate"] == HIGHEST_RATE
    assert 1 <= len(booster) == realised["rounds"] < 80


def test_a_known_candidate_stops_at_the_deadline_too():
    known = {"rounds": 100_000, "learning_rate": 0.1}
    booster, realised = boost(Pretended(round_s=0.01), np.arange(50.0), context(50, 0.2, realised=known), rate=0.1)
    assert 1 <= len(booster) == realised["rounds"] < 50


def test_a_rate_is_only_raised_as_far_as_needed():
    rates = [
        fitted_rate(0.02, 5_000, per_round_s=cost, overhead_s=0.0, slice_s=10, n_splits=1)
        for cost in (1e-4, 1.2e-2, 2e-2, 1.0)
    ]
    assert rates[0] == 0.02 and rates == sorted(rates) and rates[-1] == HIGHEST_RATE
    assert 0.02 < rates[1] < HIGHEST_RATE


def test_a_rate_above_the_highest_stays_as_it_is():
    assert fitted_rate(0.3, 5_000, per_round_s=1.0, overhead_s=0.0, slice_s=1, n_splits=1) == 0.3


@pytest.mark.parametrize("n_rows", [25, 300, 3_000, 60_000, 500_000])
def test_splits_are_stratified_and_of_a_fitting_size(n_rows):
    y = (np.arange(n_rows) % 10 == 0).astype(int)
    splits = inner_splits(y, True, seed=1)
    for rows, held in splits:
        assert len(rows) + len(held) == n_rows and not set(rows[:100]) & set(held)
        assert 0.03 * n_rows <= len(held) <= min(0.21 * n_rows + 1, MAX_HELD_ROWS)
        assert y[held].mean() == pytest.approx(0.1, abs=0.11)
    joined = np.concatenate([held for _, held in splits])
    assert len(set(joined)) == len(joined)


def test_the_only_row_of_a_class_is_learned_from():
    y = np.array([0] * 30 + [1] * 30 + [2])
    for rows, _ in inner_splits(y, True, seed=0):
        assert 60 in rows


def test_rows_that_belong_together_are_not_parted():
    rng = np.random.default_rng(0)
    clusters = rng.integers(0, 30, 300)
    y = rng.normal(size=300)
    splits = inner_splits(y, False, seed=0, clusters=clusters)
    assert len(splits) == 5
    for rows, held in splits:
        assert len(held) and not set(clusters[rows]) & set(clusters[held])
    assert len(inner_splits(y, False, seed=0, clusters=clusters % 2)) == 2


def test_patience_grows_with_the_rounds_and_falls_with_the_rows():
    assert patience(1_000, 10**6, 0.05) == 320
    assert patience(0, 1_000, 0.05) == 150 > patience(0, 100_000, 0.05) == 20
    assert patience(0, 1_000, 0.2) == 37


def test_a_loss_that_is_not_a_number_is_never_the_best():
    watch = Watch(early=True, n_rows=100)
    for value in (float("nan"), 2.0, float("inf"), 1.0):
        watch.after(value)
    assert watch.best_round == 4


def test_a_crawling_loss_is_not_waited_for():
    watch = Watch(early=True, n_rows=10**6, rate=0.1)
    rounds = next(number for number in range(1, 10_000) if watch.after(1.0 - 1e-7 * number))
    assert rounds < 100


def test_without_a_limit_the_clock_is_never_asked():
    def broken():
        raise AssertionError("asked for the time")

    watch = Watch(early=True, clock=broken)
    assert not watch.after(1.0) and not watch.after(0.5)


def test_the_best_round_is_that_of_the_mean_curve():
    assert best_of([[3, 1, 5, 5], [3, 4, 1, 5]]) == 2
    assert best_of([[1.0]]) == 1


def test_rounds_are_bounded():
    assert most_rounds(1e-4) == 4_000 and most_rounds(0.2) >= 500
