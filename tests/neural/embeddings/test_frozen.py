"""Main directions, whichever way is quicker."""

import numpy as np
import pytest

from tamis.neural.embeddings import frozen
from tamis.neural.embeddings.frozen import FrozenEmbedding, main_directions


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    made = rng.normal(size=(30, 3)) @ rng.normal(size=(3, 50)) + 0.01 * rng.normal(size=(30, 50))
    return made - made.mean(axis=0)


def test_few_long_vectors_have_the_directions_of_the_singular_vectors(vectors):
    axes = main_directions(vectors, 3)
    exact = np.linalg.svd(vectors, full_matrices=False)[2][:3].T
    found = axes / np.linalg.norm(axes, axis=0)
    assert np.allclose(np.abs((found * exact).sum(axis=0)), 1.0, atol=1e-5)
    assert np.isclose(np.mean((vectors @ axes) ** 2), 1.0, atol=1e-3)


def test_many_short_vectors_have_the_same_directions_as_some_of_them(vectors, monkeypatch):
    many = np.vstack([vectors[:, :4]] * 40)
    every = main_directions(many, 2)
    monkeypatch.setattr(frozen, "MOST_VECTORS", 600)
    some = main_directions(many, 2)
    assert every.shape == (4, 2) and np.allclose(every, some, atol=0.05)


def test_there_are_no_more_directions_than_vectors_and_none_is_endless(vectors):
    axes = main_directions(vectors[:2] - vectors[:2].mean(axis=0), 10)
    assert axes.shape == (50, 2) and np.isfinite(axes).all()


def test_what_belongs_to_a_fit_is_not_saved():
    held = FrozenEmbedding("small", n_components=3, limit_s=5.0, ledger={}).__getstate__()
    assert held == {"backbone": "small", "n_components": 3, "threads": 1}


def test_the_ledger_is_told_what_reading_takes():
    ledger = {}
    made = FrozenEmbedding("small", limit_s=5.0, ledger=ledger)
    with made.timed(10) as end:
        assert end > 0
    assert 0 <= ledger["row_s"] <= ledger["once_s"] < 1.0
