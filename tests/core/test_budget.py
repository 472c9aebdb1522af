"""Budgets."""

import json
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from tamis.core.budget import Budget, BudgetView

amounts = st.floats(0, 1e9) | st.just(inf)


@given(st.floats(0, 1e9), amounts, amounts, st.integers(1, 64))
def test_a_view_survives_json(elapsed, remaining, trials, slots):
    view = BudgetView(elapsed, remaining, trials, slots)
    assert BudgetView.from_json(json.loads(json.dumps(view.to_json(), allow_nan=False))) == view


def test_the_reserve_is_taken_off_and_nothing_falls_below_zero():
    now = [100.0]
    budget = Budget(limit_s=10.0, max_trials=3, reserve_s=2.0, clock=lambda: now[0])
    assert budget.view(1, 4) == BudgetView(0.0, 8.0, 2.0, 4)
    now[0] = 109.0
    assert budget.left_s == 1.0 and budget.view().remaining_s == 0.0
    now[0] = 200.0
    assert budget.left_s == 0.0 and budget.view(9).trials_left == 0.0


def test_earlier_sittings_count():
    budget = Budget(limit_s=10.0, spent_s=4.0, clock=lambda: 50.0)
    assert budget.elapsed_s == 4.0 and budget.left_s == 6.0


def test_without_a_limit_everything_remains():
    assert Budget(reserve_s=5.0).view().remaining_s == inf
