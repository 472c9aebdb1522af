"""Metafeatures are finite, have the same names for every data set, and mean what they are called."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from tamis.core.kinds import Role, TaskKind
from tamis.data.dataset import Dataset
from tamis.data.metafeatures import metafeatures
from tamis.data.table import Table


def dataset(values, y=None, roles=None, texts=None) -> Dataset:
    n_rows, n_columns = values.shape
    names = tuple(f"x{index}" for index in range(n_columns))
    table = Table(names, tuple(roles or (Role.NUMERIC,) * n_columns), values, texts or {})
    return Dataset(table, np.arange(n_rows) % 2 if y is None else y)


NAMES = set(metafeatures(dataset(np.zeros((4, 1))), TaskKind.BINARY))


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=8),
        elements=st.floats(-1e9, 1e9) | st.just(np.nan),
    ),
    st.sampled_from([TaskKind.BINARY, TaskKind.REGRESSION]),
)
@settings(max_examples=60, deadline=None)
def test_every_value_is_finite_and_the_names_are_always_the_same(values, kind):
    y = np.arange(len(values)) % 2 if kind.is_classification else np.linspace(0, 1, len(values))
    found = metafeatures(dataset(values, y), kind)
    assert set(found) == NAMES
    assert all(isinstance(one, float) and np.isfinite(one) for one in found.values()), found


def test_shares_count_columns_by_role_texts_included():
    roles = (Role.NUMERIC, Role.CATEGORICAL, Role.HIGH_CARDINALITY)
    found = metafeatures(
        dataset(np.ones((6, 3)), roles=roles, texts={"t": np.array(["a"] * 6, dtype=object)}), TaskKind.BINARY
    )
    assert found["n_columns"] == 4
    assert found["share_text"] == found["share_numeric"] == found["share_high_cardinality"] == 0.25


def test_missing_cells_are_counted():
    values = np.ones((10, 4))
    values[:5, 0] = np.nan
    found = metafeatures(dataset(values), TaskKind.BINARY)
    assert (found["missing_share"], found["columns_with_missing"], found["rows_with_missing"]) == (0.125, 0.25, 0.5)


def test_levels_are_counted_and_not_taken_as_numbers():
    values = np.column_stack([np.arange(12.0) % 5, np.arange(12.0) ** 3])
    found = metafeatures(dataset(values, roles=(Role.CATEGORICAL, Role.NUMERIC)), TaskKind.BINARY)
    assert found["levels_max"] == 5
    assert found["correlation_max"] == 0


def test_even_classes_have_full_entropy_and_uneven_ones_less():
    even = metafeatures(dataset(np.ones((90, 1)), np.arange(90) % 3), TaskKind.MULTICLASS)
    uneven = metafeatures(dataset(np.ones((90, 1)), (np.arange(90) > 80).astype(int)), TaskKind.BINARY)
    assert even["class_entropy"] == pytest.approx(1)
    assert even["imbalance"] == pytest.approx(0)
    assert uneven["class_entropy"] < 0.6
    assert uneven["imbalance"] == pytest.approx(np.log(81 / 9))


def test_a_skewed_target_and_a_skewed_column_show():
    skewed = np.random.default_rng(0).exponential(size=2000)
    even = np.linspace(0, 1, 2000)
    one = metafeatures(dataset(skewed[:, None], skewed), TaskKind.REGRESSION)
    two = metafeatures(dataset(even[:, None], even), TaskKind.REGRESSION)
    assert one["target_skew"] > 1.5 > 0.1 > abs(two["target_skew"])
    assert one["skew_mean"] > 1.5 > 0.1 > two["skew_mean"]


def test_copies_of_a_column_are_fully_correlated():
    column = np.random.default_rng(0).normal(size=(100, 1))
    assert metafeatures(dataset(np.hstack([column, -column])), TaskKind.BINARY)["correlation_max"] == pytest.approx(1)


def test_a_sparse_table_tells_its_density():
    found = metafeatures(dataset(sparse.csr_matrix(np.eye(50))), TaskKind.BINARY)
    assert found["density"] == pytest.approx(1 / 50)
    assert found["is_sparse"] == 1


@pytest.mark.alone
def test_it_is_quick_on_many_rows():
    values = np.random.default_rng(0).normal(size=(100_000, 20))
    start = time.perf_counter()
    metafeatures(dataset(values, values[:, 0]), TaskKind.REGRESSION)
    assert time.perf_counter() - start < 1.0
