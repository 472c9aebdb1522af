"""Folds: stratified, grouped, in time order, and at the extremes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import DataError, ParameterError
from tamis.evaluate.scheme import Scheme, SplitKind
from tamis.evaluate.splits import Folds, make_folds


def _splits(folds: Folds) -> list[tuple[np.ndarray, np.ndarray]]:
    return [folds.rows(fold) for fold in range(folds.n_units)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=60),
    st.integers(2, 8),
    st.booleans(),
    st.sampled_from([SplitKind.FOLDS, SplitKind.HOLDOUT]),
)
def test_any_table_is_parted_without_overlap_and_no_model_misses_a_class(
    codes: list[int], n_folds: int, classification: bool, kind: SplitKind
) -> None:
    y = np.unique(codes, return_inverse=True)[1]
    folds = make_folds(y, Scheme(kind, n_folds, n_repeats=2, holdout=0.3), classification=classification)
    for train, valid in _splits(folds):
        assert len(train) and len(valid)
        if folds.optimistic:
            continue
        assert not np.intersect1d(train, valid).size
        assert len(train) + len(valid) == len(y)
        # Where half of all rows are alone in their class, some must be validated by models that do not know it.
        if classification and (np.bincount(y) == 1)[y].mean() <= 0.5:
            assert set(y[train]) == set(y)


def test_each_repeat_validates_every_row_once_in_a_new_order() -> None:
    y = np.arange(50) % 3
    folds = make_folds(y, Scheme(n_folds=5, n_repeats=2), classification=True)
    assert (folds.n_units, folds.n_repeats) == (10, 2)
    for repeat in range(2):
        rows = np.concatenate([folds.rows(5 * repeat + fold)[1] for fold in range(5)])
        assert np.array_equal(np.sort(rows), np.arange(50))
    assert not np.array_equal(folds.fold_of[0], folds.fold_of[1])


def test_classes_are_spread_evenly() -> None:
    y = np.repeat([0, 1, 2], [70, 23, 7])
    folds = make_folds(y, Scheme(n_folds=5), classification=True)
    counts = np.array([np.bincount(y[valid], minlength=3) for _, valid in _splits(folds)])
    assert (np.ptp(counts, axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 1


def test_values_are_spread_by_their_quantiles() -> None:
    y = np.random.default_rng(0).lognormal(0, 2, 500)
    folds = make_folds(y, Scheme(n_folds=5), classification=False)
    high = [int((y[valid] > np.quantile(y, 0.9)).sum()) for _, valid in _splits(folds)]
    assert sum(high) == 50 and max(high) - min(high) <= 2


def test_a_class_of_one_row_is_only_trained_on() -> None:
    y = np.array([0] * 10 + [1] * 10 + [2])
    folds = make_folds(y, Scheme(n_folds=5), classification=True)
    assert all(20 in train and 20 not in valid for train, valid in _splits(folds))
    assert folds.covered().tolist() == [True] * 20 + [False]


def test_the_same_seed_gives_the_same_folds_and_another_others() -> None:
    y = np.arange(40) % 2
    one, two, three = (make_folds(y, Scheme(), classification=True, seed=seed).fold_of for seed in (1, 1, 2))
    assert np.array_equal(one, two) and not np.array_equal(one, three)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(3, 30))
def test_groups_and_duplicates_are_never_parted(seed: int, n_groups: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, n_groups, 120)
    duplicates = np.where(rng.random(120) < 0.1, 0, np.arange(1, 121))
    y = rng.integers(0, 3, 120)
    alone = make_folds(y, Scheme(SplitKind.GROUPS, 3), classification=True, groups=groups)
    for train, valid in _splits(alone):
        assert not set(groups[train]) & set(groups[valid])
    twins = make_folds(y, Scheme(n_folds=5), classification=True, duplicates=duplicates)
    for train, valid in _splits(twins):
        assert not set(duplicates[train]) & set(duplicates[valid])


def test_groups_are_balanced_by_class() -> None:
    groups = np.repeat(np.arange(40), 10)
    y = np.repeat(np.arange(40) % 4 == 0, 10).astype(int)
    folds = make_folds(y, Scheme(SplitKind.GROUPS, 5), classification=True, groups=groups)
    assert [int(y[valid].sum()) for _, valid in _splits(folds)] == [20] * 5
    assert [len(valid) for _, valid in _splits(folds)] == [80] * 5


def test_rows_tied_by_group_and_by_equality_stay_together() -> None:
    groups = np.array(["a", "a", "b", "b", "c", "c", "d", "d"])
    duplicates = np.array([0, 1, 1, 2, 3, 4, 5, 6])
    folds = make_folds(np.arange(8.0), Scheme(n_folds=3), classification=False, groups=groups, duplicates=duplicates)
    assert len(set(folds.fold_of[0][:4])) == 1


def test_time_trains_on_the_past_and_never_parts_a_moment() -> None:
    times = np.random.default_rng(0).integers(0, 30, 200).astype("datetime64[D]")
    folds = make_folds(np.zeros(200), Scheme(SplitKind.TIME, 4), classification=False, times=times)
    before = len(times)
    for train, valid in _splits(folds):  # the latest first
        assert times[train].max() < times[valid].min()
        assert len(train) < before
        before = len(train)
    assert folds.n_units == 4


def test_in_time_order_a_group_that_is_validated_is_not_trained_on(tmp_path: Path) -> None:
    times, groups = np.arange(120), np.arange(120) // 15  # a block holds the end of one group and the next ones
    folds = make_folds(np.zeros(120), Scheme(SplitKind.TIME, 4), classification=False, times=times, groups=groups)
    folds.save(tmp_path / "folds.npy")
    for one in (folds, Folds.open(tmp_path / "folds.npy")):
        assert one.n_folds == 4
        for train, valid in _splits(one):
            assert len(train) and times[train].max() < times[valid].min()
            assert not set(groups[train]) & set(groups[valid])
    plain = make_folds(np.zeros(120), Scheme(SplitKind.TIME, 4), classification=False, times=times)
    assert any(set(groups[train]) & set(groups[valid]) for train, valid in _splits(plain))


def test_groups_that_go_on_make_fewer_folds_in_time_order_and_where_all_do_none() -> None:
    times, scheme = np.arange(100), Scheme(SplitKind.TIME, 4)
    long = np.where(times < 45, 0, 1 + times // 10)  # the first blocks of five are one group
    folds = make_folds(np.zeros(100), scheme, classification=False, times=times, groups=long)
    assert folds.n_folds == 2
    assert [len(train) > 0 and valid.min() for train, valid in _splits(folds)] == [80, 60]
    with pytest.raises(DataError, match="go on through time"):
        make_folds(np.zeros(100), scheme, classification=False, times=times, groups=times % 5)


def test_rows_without_a_time_only_train() -> None:
    times = np.array([np.nan, 1.0, 2.0, 3.0, 4.0])
    folds = make_folds(np.zeros(5), Scheme(SplitKind.TIME, 2), classification=False, times=times)
    assert all(0 in train for train, _ in _splits(folds))


def test_few_moments_make_few_folds() -> None:
    times = np.array([1, 1, 1, 1, 1, 2])
    folds = make_folds(np.zeros(6), Scheme(SplitKind.TIME, 5), classification=False, times=times)
    assert [valid.tolist() for _, valid in _splits(folds)] == [[5]]
    with pytest.raises(DataError, match="time column"):
        make_folds(np.zeros(6), Scheme(SplitKind.TIME, 5), classification=False, times=np.ones(6))


def test_given_folds_are_taken_as_they_are() -> None:
    given_folds = np.array([3.0, 3.0, 7.0, -1.0, np.nan])
    folds = make_folds(np.zeros(5), Scheme(SplitKind.GIVEN, 2), classification=False, given=given_folds)
    assert [valid.tolist() for _, valid in _splits(folds)] == [[0, 1], [2]]
    assert folds.rows(0)[0].tolist() == [2, 3, 4]
    with pytest.raises(DataError, match="at least two folds"):
        make_folds(np.zeros(2), Scheme(SplitKind.GIVEN, 1), classification=False, given=np.zeros(2))


def test_a_holdout_has_the_share_that_was_asked_for() -> None:
    y = np.arange(1000) % 4
    folds = make_folds(y, Scheme(SplitKind.HOLDOUT, 1, holdout=0.1), classification=True)
    train, valid = folds.rows(0)
    assert (len(train), len(valid), folds.n_units) == (900, 100, 1)
    assert np.bincount(y[valid]).tolist() == [25] * 4


def test_two_rows_are_two_folds_and_lone_classes_are_told() -> None:
    folds = make_folds(np.array([1.0, 2.0]), Scheme(n_folds=5), classification=False)
    assert folds.n_units == 2 and not folds.optimistic
    lone = make_folds(np.arange(2), Scheme(n_folds=5), classification=True)
    assert all(len(train) and len(valid) for train, valid in _splits(lone))
    with pytest.raises(DataError, match="at least two rows"):
        make_folds(np.zeros(1), Scheme(), classification=False)


def test_one_group_is_refused_and_so_are_wrong_lengths_and_missing_columns() -> None:
    with pytest.raises(DataError, match="same group"):
        make_folds(np.zeros(4), Scheme(), classification=False, groups=np.zeros(4))
    with pytest.raises(ParameterError, match="must have 4 rows"):
        make_folds(np.zeros(4), Scheme(), classification=False, groups=np.zeros(3))
    with pytest.raises(ParameterError, match="'times'"):
        make_folds(np.zeros(4), Scheme(SplitKind.TIME), classification=False)


def test_folds_come_back_from_a_file(tmp_path: Path) -> None:
    for scheme, times in ((Scheme(n_folds=3, n_repeats=2), None), (Scheme(SplitKind.TIME, 3), np.arange(30))):
        folds = make_folds(np.arange(30.0), scheme, classification=False, times=times)
        folds.save(tmp_path / "folds.npy")
        back = Folds.open(tmp_path / "folds.npy")
        for mine, other in zip(_splits(folds), _splits(back), strict=True):
            assert np.array_equal(mine[0], other[0]) and np.array_equal(mine[1], other[1])
    assert [path.name for path in tmp_path.iterdir()] == ["folds.npy"]


def test_a_fold_that_is_not_there_is_refused() -> None:
    with pytest.raises(ParameterError, match="between 0 and 4"):
        make_folds(np.arange(20.0), Scheme(), classification=False).rows(5)


def test_folds_in_time_of_an_earlier_version_train_on_the_past_too(tmp_path: Path) -> None:
    held = np.repeat(np.array([-1, 0, 1], dtype=np.int16), 4)[None]
    Folds(held, 2, expanding=True, latest_first=False).save(tmp_path / "folds.npy")
    opened = Folds.open(tmp_path / "folds.npy")
    assert [(train.tolist(), valid.tolist()) for train, valid in _splits(opened)] == [
        (list(range(4)), list(range(4, 8))),
        (list(range(8)), list(range(8, 12))),
    ]
