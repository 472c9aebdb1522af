"""Features of image columns: computed once, reduced, saved without weights."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.errors import DataError
from tamis.neural.images import embedding
from tamis.neural.images.embedding import ImageEmbedding
from tamis.store.parts import dump_part, load_part

OWN = ("tamis.neural.images.embedding.ImageEmbedding",)


@pytest.fixture
def column(drawn):
    made = np.empty((12, 1), dtype=object)
    made[:, 0] = [drawn(row, grey=60 if row % 2 else 190) for row in range(12)]
    return made


def test_alike_pictures_have_alike_features_and_a_row_without_one_has_none(column):
    column[5, 0] = None
    every = ImageEmbedding("small").fit_transform(column)
    there = np.delete(every, 5, axis=0)
    assert np.isnan(every[5]).all() and np.isfinite(there).all()
    assert np.allclose(there.mean(axis=0), 0.0, atol=1e-2)  # standardised
    first = ImageEmbedding("small", n_components=1).fit_transform(column)[:, 0]
    dark, light = first[[1, 3, 7, 9, 11]], first[::2]
    assert abs(dark.mean() - light.mean()) > 3 * max(dark.std(), light.std())


def test_nothing_is_read_twice_and_a_saved_one_finds_its_network_again(column, monkeypatch):
    for n_components in (0, 4):
        fitted = ImageEmbedding("small", n_components=n_components, ledger={}, lenient=True)
        made = fitted.fit_transform(column)
        files = dump_part(fitted, OWN)
        assert sum(map(len, files.values())) < 200_000  # no weights
        loaded = load_part(files, OWN)
        assert not loaded.lenient and made.shape == (12, n_components or made.shape[1])
        monkeypatch.setattr(embedding, "encoder_of", lambda located: pytest.fail("it was there"))
        assert np.allclose(loaded.transform(column), made, atol=1e-5)


def test_several_columns_stand_side_by_side(column):
    two = np.hstack([column, column[::-1]])
    fitted = ImageEmbedding("small", n_components=3)
    made = fitted.fit_transform(two)
    assert made.shape == (12, 6)
    assert fitted.get_feature_names_out(["front", "back"])[[0, 3]].tolist() == ["front.feature_0", "back.feature_0"]
    with pytest.raises(DataError, match="2 columns"):
        fitted.transform(column)
    assert fitted.transform(two[:0]).shape == (0, 6)


def test_a_damaged_picture_is_missing_while_learning_and_refused_afterwards(column, drawn):
    column[3, 0] = drawn(3, broken=True)
    fitted = ImageEmbedding("small", n_components=2, lenient=True)
    made = fitted.fit_transform(column)
    assert np.isnan(made[3]).all() and np.isfinite(np.delete(made, 3, axis=0)).all()
    with pytest.raises(DataError, match="number 3 is damaged"):
        load_part(dump_part(fitted, OWN), OWN).transform(column)


def test_rows_without_any_picture_give_nothing_but_gaps(column):
    column[:, 0] = None
    made = ImageEmbedding("small", n_components=4).fit_transform(column)
    assert np.isnan(made).all()
