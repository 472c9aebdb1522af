"""Whether a mirrored image still shows what it showed."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tamis.data.images.mirrors import mirrors_keep_the_meaning


def faces(n=300, seed=0):
    """Blobs of three shapes, alike on both sides, anywhere in the image: mirrored they are what they were."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(3, size=n)
    y, x = np.mgrid[:16, :16]
    images = []
    for target in targets:
        cy, cx, light = rng.integers(4, 12), rng.integers(4, 12), rng.integers(120, 255)
        spread = {0: (2, 6), 1: (6, 2), 2: (3, 3)}[int(target)]
        blob = light * np.exp(-(((y - cy) / spread[0]) ** 2) - ((x - cx) / spread[1]) ** 2)
        images.append(blob + rng.normal(0, 5, size=(16, 16)))
    return np.clip(np.array(images), 0, 255).astype(np.uint8)[..., None], targets


def test_digits_may_not_be_mirrored():
    digits = load_digits()
    assert not mirrors_keep_the_meaning((digits.images[..., None] * 15).astype(np.uint8), digits.target)


def test_shapes_that_are_alike_on_both_sides_may():
    images, targets = faces()
    assert all(mirrors_keep_the_meaning(images, targets, seed) for seed in range(3))
    assert mirrors_keep_the_meaning(images, targets.astype(np.float64))


def test_where_the_direction_is_what_counts_they_may_not():
    images, _ = faces()
    right = np.array([one[:, 8:].sum() > one[:, :8].sum() for one in images]).astype(int)
    assert not mirrors_keep_the_meaning(images, right)
    assert not mirrors_keep_the_meaning(images, right.astype(np.float64))


def test_too_few_images_say_nothing():
    images, targets = faces(10)
    assert not mirrors_keep_the_meaning(images, targets)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sample_of_many_large_images_is_enough(channels):
    images, targets = faces(60)
    large = np.repeat(np.repeat(np.repeat(images, 5, axis=1), 5, axis=2), channels, axis=3)
    assert mirrors_keep_the_meaning(large, targets) == mirrors_keep_the_meaning(images, targets)
