"""Predictions in parts, over views, in the unit of the targets."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.neural.training.batches import ImageData, Scaling
from tamis.neural.training.device import Setup
from tamis.neural.training.predicting import TTA, predict_logits, score, softmax
from tamis.neural.training.recipe import Recipe

PLAIN = Scaling((0.0,), (1.0,))


def pictures(n=11):
    return np.random.default_rng(0).integers(0, 256, (n, 5, 5, 1), dtype=np.uint8)


class Corner(nn.Module):
    """Answers with the pixel in the upper left corner."""

    def forward(self, images):
        return images[:, 0, :1, 0]


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Flatten(), nn.Linear(27, 2))


def test_the_size_of_the_parts_changes_nothing_and_training_goes_on():
    net = network().train()
    images = pictures()
    whole = predict_logits(net, images, Setup())
    parts = predict_logits(net, images, Setup(), batch=3)
    assert whole.shape == (11, 2) and whole.dtype == np.float32
    assert np.allclose(whole, parts, atol=1e-5)
    assert net.training


def test_views_are_averaged_with_their_weights():
    images = pictures()
    found = predict_logits(Corner(), images, Setup(), scaling=PLAIN, tta=TTA(flip=True, shift=1))
    # Moved up and left the corner shows pixel (1, 1); moved down and right, then mirrored, pixel (1, 3).
    still = images[:, 0, 0, 0].astype(float) + images[:, 0, 4, 0]
    moved = images[:, 1, 1, 0].astype(float) + images[:, 1, 3, 0]
    assert np.allclose(found[:, 0], (still + moved) / 4)


def test_no_view_but_the_image_stands_for_no_tta():
    images = pictures()
    expected = images[:, 0, 0, 0].astype(float)
    assert np.allclose(predict_logits(Corner(), images, Setup(), scaling=PLAIN)[:, 0], expected)
    assert not np.allclose(predict_logits(Corner(), images, Setup(), scaling=PLAIN, tta=True)[:, 0], expected)


def test_views_are_those_that_training_allowed():
    assert TTA.of(Recipe(flip=True, shift=0.0)) == TTA(flip=True, shift=0)
    assert TTA.of(Recipe(shift=0.1)) == TTA(flip=False, shift=1)
    assert sum(weight for weight, _ in TTA(flip=True, shift=2).views(torch.zeros(1, 5, 5, 1))) == 1.0


def test_memory_that_does_not_suffice_halves_the_parts():
    sizes = []

    class Greedy(Corner):
        def forward(self, images):
            sizes.append(len(images))
            if len(images) > 3:
                raise torch.OutOfMemoryError("out of memory")
            return super().forward(images)

    images = pictures()
    found = predict_logits(Greedy(), images, Setup(), scaling=PLAIN, batch=8)
    assert np.allclose(found[:, 0], images[:, 0, 0, 0])
    assert sizes == [8, 4, 2, 2, 2, 2, 2, 1]


def test_other_errors_are_not_hidden():
    with pytest.raises(RuntimeError):
        predict_logits(nn.Conv2d(2, 1, 1), pictures(), Setup())


def test_numbers_come_in_the_unit_of_their_targets():
    images = pictures()
    scaling = Scaling((0.0,), (1.0,), target_mean=(100.0,), target_spread=(2.0,))
    found = predict_logits(Corner(), images, Setup(), scaling=scaling)
    assert np.allclose(found[:, 0], 100 + 2.0 * images[:, 0, 0, 0])


def test_the_score_is_the_accuracy_or_the_explained_variance():
    images = pictures()
    corner = images[:, 0, 0, 0].astype(np.float32)

    class Bright(Corner):
        def forward(self, images):
            return torch.cat([100 - super().forward(images), super().forward(images) - 100], dim=1)

    bright = (corner > 100).astype(int)
    bright[0] = 1 - bright[0]
    assert score(Bright(), ImageData(images, bright), Setup(), PLAIN) == pytest.approx(10 / 11)
    assert score(Corner(), ImageData(images, corner), Setup(), PLAIN) == pytest.approx(1.0)
    off = ImageData(images, corner + corner.std())
    assert score(Corner(), off, Setup(), PLAIN) == pytest.approx(0.0, abs=1e-5)


def test_no_images_give_no_rows():
    assert len(predict_logits(network(), pictures(0), Setup(), scaling=PLAIN)) == 0


def test_probabilities_add_up_to_one():
    chances = softmax(np.array([[1.0, 2.0, -500.0], [3e4, 0.0, 0.0]]))
    assert np.allclose(chances.sum(axis=1), 1.0) and np.isfinite(chances).all()
