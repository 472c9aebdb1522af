import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.neural.tables.embeddings import (
    LevelEmbedding,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    TableCoder,
    TargetCoder,
    quantile_edges,
)


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def test_numbers_are_scaled_robustly_and_never_get_beyond_three():
    X = np.append(np.linspace(0, 100, 101), [1e12, -np.inf])[:, None]
    numbers = TableCoder().fit(X).transform(X).numbers.ravel()
    assert numbers[50] == pytest.approx(0.0, abs=0.05) and numbers[101] == pytest.approx(3.0)
    assert numbers[102] == 0.0  # what is no number counts as missing


def test_numbers_of_any_size_become_finite_ones():
    X = np.array([-1.7e308, 1.0, 1.0, 1.0, 1.0, 1.0, 1.7e308])[:, None]
    assert torch.isfinite(TableCoder().fit(X).transform(X).numbers).all()
    tiny = np.array([0.0, 5e-324, 1e-323, 1.5e-323, 1e300])[:, None]
    assert torch.isfinite(TableCoder().fit(tiny).transform(tiny).numbers).all()


def test_gaps_become_the_median_and_a_flag():
    X = np.array([[1.0], [2.0], [3.0], [np.nan]])
    inputs = TableCoder().fit(X).transform(X)
    assert inputs.numbers[3] == 0.0
    assert inputs.flags.ravel().tolist() == [0.0, 0.0, 0.0, 1.0]


def test_columns_without_any_variation_are_left_out():
    X = np.column_stack([np.ones(10), np.full(10, np.nan), np.arange(10.0)])
    assert TableCoder().fit(X).n_numbers == 1


def test_a_column_most_of_whose_values_agree_keeps_its_others():
    X = np.zeros((20, 1))
    X[0] = 4.0
    numbers = TableCoder().fit(X).transform(X).numbers
    assert numbers[1] == 0.0 and numbers[0] == pytest.approx(2 / np.sqrt(1 + 4 / 9))


def test_few_levels_become_flags_and_many_become_numbers():
    few, many = np.arange(40) % 3, np.arange(40) % 20
    coder = TableCoder().fit(np.column_stack([few, many]).astype(float), categories=[0, 1])
    assert (coder.n_flags, coder.sizes, coder.n_numbers) == (3, [21], 0)


def test_levels_that_were_not_seen_or_once_only_have_number_zero():
    column = np.append(np.repeat(np.arange(12.0), 3), 99.0)
    coder = TableCoder().fit(column[:, None], categories=[0])
    assert coder.transform(np.array([[0.0], [11.0], [99.0], [55.0], [np.nan]])).levels.ravel().tolist() == [
        *(1, 12),
        *(0, 0, 0),
    ]


def test_what_a_coder_learnt_survives_json():
    import json

    X = np.column_stack([np.arange(60.0), np.arange(60) % 12, np.arange(60) % 2])
    X[0, 0] = np.nan
    coder = TableCoder().fit(X, categories=[1, 2], n_bins=4)
    loaded = TableCoder.from_json(json.loads(json.dumps(coder.to_json())))
    for mine, theirs in zip(coder.transform(X), loaded.transform(X), strict=True):
        assert torch.equal(mine, theirs)
    assert loaded.edges_ == coder.edges_ and loaded.sizes == coder.sizes


def test_a_class_without_rows_gets_a_small_probability():
    coder = TargetCoder(3).fit(np.array([0, 2, 2, 0]))
    proba = coder.inverse(torch.zeros(1, 5, 2))
    assert proba.shape == (5, 3) and np.allclose(proba.sum(axis=1), 1.0)
    assert 0 < proba[0, 1] < 0.1 < proba[0, 0]


def test_values_come_back_from_their_logarithms():
    y = np.array([1.0, 10.0, 1000.0])
    coder = TargetCoder(0, log=True).fit(y)
    assert coder.log
    assert np.allclose(coder.inverse(coder.forward(y)[None, :, None]), y, rtol=1e-5)


def test_a_target_with_negative_values_has_no_logarithm():
    assert not TargetCoder(0, log=True).fit(np.array([-1.0, 5.0])).log


def test_predictions_stay_in_the_range_that_was_seen():
    coder = TargetCoder(0).fit(np.array([2.0, 4.0, 9.0]))
    assert coder.inverse(torch.tensor([[[50.0], [-50.0]]])).tolist() == [9.0, 2.0]


def test_a_periodic_embedding_keeps_the_number_itself(rng):
    embedding = PeriodicEmbedding(2, 3, rng, sigma=0.1)
    numbers = torch.randn(2, 7, 3)
    out = embedding(numbers)
    assert out.shape == (2, 7, 12)
    assert torch.equal(out.unflatten(2, (3, 4))[..., 0], numbers)


def test_members_have_waves_of_their_own(rng):
    out = PeriodicEmbedding(2, 1, rng, sigma=0.1)(torch.ones(2, 1, 1))
    assert not torch.allclose(out[0], out[1])


def test_edges_are_quantiles_and_equal_ones_come_last():
    numbers = torch.tensor([[0.0, 5.0]] * 90 + [[1.0, 6.0]] * 10)
    assert quantile_edges(numbers, 3).tolist() == [[0.0, 1.0, 1.0, 1.0], [5.0, 6.0, 6.0, 6.0]]


def test_a_piecewise_linear_embedding_begins_as_a_line_and_bends_at_its_edges(rng):
    embedding = PiecewiseLinearEmbedding(torch.tensor([[0.0, 1.0, 3.0]]), rng, width=2)
    at = torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0])[None, :, None]
    line = embedding(at)
    assert torch.allclose(line.diff(dim=1) / at.diff(dim=1), embedding.slope.view(1, 1, 2), atol=1e-5)
    with torch.no_grad():
        embedding.weight[0, :, 0] = torch.tensor([0.0, 10.0])
    bent = (embedding(at) - line)[0, :, 0]
    assert bent.tolist() == pytest.approx([0.0, 0.0, 0.0, 0.0, 5.0, 10.0, 15.0], abs=1e-5)


def test_a_number_with_a_single_bin_is_not_cut_off(rng):
    embedding = PiecewiseLinearEmbedding(torch.tensor([[0.0, 1.0, 1.0]]), rng, width=1)
    with torch.no_grad():
        embedding.weight[:] = 1.0
    out = embedding(torch.tensor([[[-2.0], [5.0]]])).ravel()
    line = embedding.slope.ravel() * torch.tensor([-2.0, 5.0]) + embedding.shift.ravel()
    assert (out - line).tolist() == pytest.approx([-2.0, 5.0])


def test_levels_of_different_columns_and_members_do_not_share_vectors(rng):
    embedding = LevelEmbedding(2, [3, 4], rng, width=5)
    levels = torch.tensor([[1, 1]]).expand(2, 1, 2)
    out = embedding(levels).view(4, 5)
    assert len({tuple(row.tolist()) for row in out}) == 4


def test_a_level_that_was_never_seen_begins_at_nothing(rng):
    assert not LevelEmbedding(1, [3, 4], rng, width=5)(torch.zeros(1, 1, 2, dtype=torch.int64)).any()
