"""Pictures become vectors, one at a time or many."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.errors import DataError
from tamis.neural.images.backbones import find
from tamis.neural.images.encoder import ImageEncoder


@pytest.fixture(scope="module")
def encoder():
    return ImageEncoder(find("small"))


def test_a_picture_alone_is_read_as_among_others_whatever_the_threads(encoder, drawn):
    pictures = [drawn(row) for row in range(5)]
    many = encoder.encode(pictures, threads=2)
    assert many.shape == (5, encoder.width) and np.isfinite(many).all()
    alone = np.vstack([encoder.encode([one]) for one in pictures])
    assert np.allclose(many, alone, atol=0.05 * np.abs(many).max())


def test_damaged_pictures_are_gaps_or_errors(encoder, drawn):
    pictures = [drawn(0), drawn(1, broken=True)]
    made = encoder.encode(pictures, lenient=True)
    assert np.isfinite(made[0]).all() and np.isnan(made[1]).all()
    assert np.isnan(encoder.encode(pictures[1:], lenient=True)).all()
    with pytest.raises(DataError, match="number 1"):
        encoder.encode(pictures)
