"""Splits within a training part: groups whole, time in order, folds of one's own apart."""

import numpy as np
import pytest

from tamis.core.errors import TrialError
from tamis.evaluate.inner import Bonds
from tamis.evaluate.scheme import SplitKind

GROUPS = np.repeat(np.arange(20), 6)
Y = np.random.default_rng(0).integers(0, 2, len(GROUPS))


def test_a_group_is_never_on_both_sides_and_every_row_is_held_out_once():
    parts = Bonds.of(SplitKind.GROUPS, classification=True, groups=GROUPS).parts(Y, 3, seed=0)
    assert len(parts) == 3
    for train, held in parts:
        assert not set(GROUPS[train]) & set(GROUPS[held])
        assert 0.2 < Y[held].mean() < 0.8
    assert sorted(np.concatenate([held for _, held in parts])) == list(range(len(Y)))


def test_copies_stay_together_through_chains_of_groups():
    copies = np.arange(len(GROUPS))
    copies[6] = copies[0]  # the first rows of the first two groups
    bonds = Bonds.of(SplitKind.FOLDS, classification=True, groups=GROUPS, copies=copies)
    assert len(np.unique(bonds.clusters)) == 19
    assert Bonds.of(SplitKind.FOLDS, classification=True) is None, "chance deals out what nothing ties together"


def test_with_time_nothing_is_learned_from_later_rows_nor_from_the_same_moment():
    times = np.random.default_rng(1).permutation(60) // 2
    parts = Bonds.of(SplitKind.TIME, classification=False, times=times).parts(np.arange(60.0), 3, seed=0)
    for train, held in parts:
        assert times[train].max() < times[held].min()
    never = sorted(set(range(60)) - set(np.concatenate([held for _, held in parts])))
    assert 10 <= len(never) <= 20 and times[never].max() < min(times[held].min() for _, held in parts)


def test_with_time_and_groups_both_are_heeded():
    times, groups = np.arange(80), np.arange(80) % 8
    groups[40:] += 4
    for train, held in Bonds.of(SplitKind.TIME, classification=False, groups=groups, times=times).parts(
        np.arange(80.0), 3, seed=0
    ):
        assert times[train].max() < times[held].min() and not set(groups[train]) & set(groups[held])


def test_folds_of_ones_own_are_kept_apart_where_several_are_left():
    given = np.where(np.arange(60) % 6 == 5, -1, np.arange(60) % 6)
    parts = Bonds.of(SplitKind.GIVEN, classification=False, given=given).parts(np.arange(60.0), 3, seed=0)
    for train, held in parts:
        assert not set(given[train]) & set(given[held]) - {-1}
    one = np.where(given == 0, 0, -1)
    assert Bonds.of(SplitKind.GIVEN, classification=False, given=one) is None
    assert Bonds.of(SplitKind.GIVEN, classification=False, given=one, groups=given).clusters is not None


def test_a_part_of_the_rows_keeps_its_bonds():
    rows = np.flatnonzero(GROUPS % 2)
    bonds = Bonds.of(SplitKind.GROUPS, classification=True, groups=GROUPS).take(rows)
    for train, held in bonds.parts(Y[rows], 3, seed=0):
        assert not set(GROUPS[rows][train]) & set(GROUPS[rows][held])


def test_what_cannot_be_parted_ends_the_trial_with_a_reason():
    with pytest.raises(TrialError, match=r"cannot be parted .* same group"):
        Bonds(True, np.zeros(6, dtype=int)).parts(np.arange(6) % 2, 3, seed=0)
    with pytest.raises(TrialError, match=r"cannot be parted .* fewer than two"):
        Bonds(True, None, np.zeros(6)).parts(np.arange(6) % 2, 3, seed=0)


def test_no_row_is_on_both_sides_however_few_there_are():
    for n_rows in range(2, 7):
        for classes in (1, 2, n_rows):
            for train, held in Bonds(True, np.arange(n_rows)).parts(np.arange(n_rows) % classes, 3, seed=0):
                assert len(train) and not set(train) & set(held)
