"""Members that do not pay are taken out, the dearest for their worth first."""

import numpy as np
import pytest

from tamis.ensemble.blending import blend
from tamis.ensemble.pruning import pruned


def loss(y, prediction, weight=None):
    return float(np.sqrt(np.average((y - prediction) ** 2, weights=weight)))


@pytest.fixture
def members():
    """Return a target and four members, whose errors are as large as each other and independent."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    return y, [y + rng.normal(scale=0.5, size=400) for _ in range(4)]


def test_all_stay_where_each_helps(members):
    y, predictions = members
    weights = np.full(4, 0.25)
    assert pruned(predictions, weights, [1.0] * 4, y, loss, tolerance=0.01) == pytest.approx(weights)


def test_a_copy_goes_the_slow_one_of_two(members):
    y, predictions = members
    predictions = [*predictions[:3], predictions[0]]
    weights = pruned(predictions, np.array([1, 2, 2, 1]) / 6, [9.0, 1.0, 1.0, 1.0], y, loss, tolerance=0.05)
    assert weights.tolist() == pytest.approx([0, 0.4, 0.4, 0.2])


def test_the_loss_rises_by_no_more_than_the_tolerance(members):
    y, predictions = members
    weights = np.array([0.6, 0.2, 0.1, 0.1])
    before = loss(y, blend(predictions, weights))
    for tolerance in (0.0, 0.05, 0.2):
        kept = pruned(predictions, weights, [1.0] * 4, y, loss, tolerance=tolerance)
        assert loss(y, blend(predictions, kept)) <= before * (1 + tolerance) + 1e-12


def test_beyond_the_limit_members_go_whatever_it_costs_and_one_stays(members):
    y, predictions = members
    weights, seconds = np.full(4, 0.25), [1.0, 2.0, 3.0, 4.0]
    kept = pruned(predictions, weights, seconds, y, loss, tolerance=0.0, limit_s=5.0)
    assert 0 < sum(np.array(seconds)[kept > 0]) <= 5.0
    assert kept.sum() == pytest.approx(1.0)
    assert (pruned(predictions, weights, seconds, y, loss, limit_s=0.5) > 0).sum() == 1


def test_a_member_that_alone_covers_some_rows_stays(members):
    y, predictions = members
    partial = predictions[1].copy()
    partial[:50] = np.nan
    kept = pruned([predictions[0], partial], np.array([0.5, 0.5]), [100.0, 1.0], y, loss, tolerance=1.0, limit_s=2.0)
    assert kept.tolist() == [1.0, 0.0]


def test_of_many_rows_a_part_decides_and_it_is_the_same_each_time():
    rng = np.random.default_rng(1)
    y = rng.normal(size=60_000)
    predictions = [y + rng.normal(scale=0.5, size=60_000) for _ in range(3)]
    seen = []

    def counted(y, prediction, weight=None):
        seen.append(len(y))
        return loss(y, prediction, weight)

    weights = np.array([0.96, 0.02, 0.02])
    first, second = (pruned(predictions, weights, [1.0] * 3, y, counted, tolerance=0.1) for _ in range(2))
    assert max(seen) == 20_000
    assert first.tolist() == second.tolist()
