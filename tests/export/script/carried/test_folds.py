"""Tests of the folds of a script: they are those of a run."""

import numpy as np
import pandas as pd
import pytest

from tamis.evaluate.scheme import Scheme, SplitKind
from tamis.evaluate.splits import make_folds
from tamis.export.script.carried.folds import clusters_of, folds_of, grouped_folds_of, holdout_of, training_rows

RNG = np.random.default_rng(0)
TARGETS = [
    (RNG.integers(0, 4, 203), True),
    (RNG.random(501), False),
    (np.array([0] * 30 + [1] * 7 + [2]), True),
    (np.arange(9.0), False),
]


@pytest.mark.parametrize(("y", "classes"), TARGETS)
@pytest.mark.parametrize(("n_folds", "n_repeats"), [(5, 2), (8, 1), (3, 3)])
def test_rows_are_dealt_out_as_in_a_run(y: np.ndarray, classes: bool, n_folds: int, n_repeats: int) -> None:
    theirs = make_folds(y, Scheme(n_folds=n_folds, n_repeats=n_repeats), classification=classes, seed=3)
    ours = folds_of(y, n_folds, n_repeats=n_repeats, classes=classes, seed=3)
    np.testing.assert_array_equal(ours, theirs.fold_of)
    for fold in range(theirs.n_units):
        np.testing.assert_array_equal(training_rows(ours, fold, len(y)), theirs.rows(fold)[0])


@pytest.mark.parametrize(("y", "classes"), TARGETS)
def test_the_same_rows_are_held_out_as_in_a_run(y: np.ndarray, classes: bool) -> None:
    theirs = make_folds(y, Scheme(SplitKind.HOLDOUT, 1, holdout=0.2), classification=classes, seed=3)
    np.testing.assert_array_equal(holdout_of(y, 0.2, classes=classes, seed=3, clusters=None), theirs.fold_of)


def test_groups_and_copies_stay_together_as_in_a_run() -> None:
    y = RNG.integers(0, 2, 120)
    # A run numbers groups, and equal rows, in the order in which they come.
    groups, copies = (pd.factorize(RNG.integers(0, most, 120))[0] for most in (30, 5000))
    theirs = make_folds(y, Scheme(SplitKind.GROUPS, 4), classification=True, groups=groups, duplicates=copies, seed=1)
    cells = pd.DataFrame({"who": groups.astype(str), "x": copies.astype(float)})
    clusters = clusters_of(cells, ["x"], cells["who"], np.ones(120, dtype=bool))
    ours = grouped_folds_of(y, 4, n_repeats=1, classes=True, seed=1, clusters=clusters)
    np.testing.assert_array_equal(ours, theirs.fold_of)


def test_minus_one_stands_for_all_rows() -> None:
    assert training_rows(np.zeros((1, 4), dtype=int), -1, 4).tolist() == [0, 1, 2, 3]
    assert training_rows(None, 0, 3).tolist() == [0, 1, 2]
