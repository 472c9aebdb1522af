"""Slices of time."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.budget import BudgetView
from tamis.search.slices import CAPS, Slices, candidate_cap, fits, is_late


@pytest.mark.parametrize(("n_rows", "cap"), CAPS)
def test_the_cap_passes_through_its_points(n_rows, cap):
    assert candidate_cap(n_rows) == cap


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_the_cap_never_falls_with_the_rows(one, other):
    assert candidate_cap(min(one, other)) <= candidate_cap(max(one, other))


@given(st.floats(0.01, 1e5), st.integers(1, 64), st.integers(1, 10), st.integers(0, 40), st.booleans())
def test_an_opening_slice_takes_at_most_its_share(remaining, slots, n_folds, n_timeouts, first):
    view = BudgetView(remaining_s=remaining, slots=slots)
    slices = Slices(n_folds)
    assert 0 < slices.opening(view, first=first, n_timeouts=n_timeouts) <= 0.45 * remaining * (1 + 1e-9)
    least = min(slices.least_s, 0.45 * remaining)
    assert slices.opening(view, first=True) <= max(least, 0.15 * remaining) * (1 + 1e-9)
    assert 0 < slices.later(view, 1.0) <= 0.9 * remaining * (1 + 1e-9)


def test_timeouts_without_an_answer_double_the_slice():
    view = BudgetView(remaining_s=100.0)
    assert Slices(5).opening(view, first=False, n_timeouts=2) == pytest.approx(4 * Slices(5).opening(view, first=False))


def test_without_a_limit_every_slice_is_infinite():
    assert Slices(5).opening(BudgetView(), first=True) == Slices(5).later(BudgetView(), 3.0) == inf
    assert fits(BudgetView(), 1e9) and not is_late(BudgetView(elapsed_s=1e9))


def test_late_is_the_last_quarter():
    assert is_late(BudgetView(76.0, 24.0)) and not is_late(BudgetView(74.0, 26.0))
