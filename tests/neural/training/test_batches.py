"""Sets of images, their scaling, and batches without end."""

from itertools import islice

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.errors import DataError
from tamis.neural.training.batches import Batches, ImageData, Scaling


def numbered(n=40, side=3):
    """Return images whose pixels are all their row's number."""
    images = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, side, side, 1))
    return ImageData(np.array(images), np.arange(n) % 3)


def test_every_epoch_shows_every_image_once_in_another_order():
    batches = Batches(numbered(40), size=7, seed=0)
    rows = [row for batch in islice(batches, 40) for row in batch.rows.tolist()]
    epochs = [epoch for batch in islice(batches, 40) for epoch in batch.epochs.tolist()]
    for epoch in range(7):
        assert sorted(row for row, when in zip(rows, epochs, strict=True) if when == epoch) == list(range(40))
    assert not torch.equal(batches[0].rows, batches[40].rows)


def test_a_batch_holds_the_images_and_targets_of_its_rows():
    for batch in islice(Batches(numbered(40), size=8, seed=1), 10):
        assert torch.equal(batch.images[:, 0, 0, 0].long(), batch.rows)
        assert torch.equal(batch.targets, batch.rows % 3)


def test_the_number_of_a_batch_says_what_is_in_it():
    one, other = Batches(numbered(), size=8, seed=5), Batches(numbered(), size=8, seed=5)
    assert torch.equal(one[13].rows, other[13].rows)
    assert not torch.equal(one[13].rows, Batches(numbered(), size=8, seed=6)[13].rows)


@pytest.mark.parametrize(("n", "size"), [(2, 2), (20, 8), (40, 10), (400, 32)])
def test_small_sets_get_small_batches(n, size):
    data = ImageData(np.zeros((n, 2, 2, 1), dtype=np.uint8), np.zeros(n, dtype=int))
    assert Batches(data, size=32, seed=0).size == size


def test_a_mapped_file_gives_the_same_batches_whether_it_is_held_or_not(tmp_path):
    whole = numbered(60)
    np.save(tmp_path / "images.npy", whole.images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    rows = np.arange(5, 55)
    for hold_mb in (0.0, 100.0):
        data = ImageData(mapped, whole.targets, rows=rows, hold_mb=hold_mb)
        assert isinstance(data.held().images, np.memmap) == (hold_mb == 0)
        batch = Batches(data, size=8, seed=0)[2]
        expected = Batches(ImageData(whole.images[5:55], whole.targets[5:55]), size=8, seed=0)[2]
        assert torch.equal(batch.images, expected.images) and torch.equal(batch.targets, expected.targets)


def test_a_subset_of_a_subset_counts_from_the_subset():
    data = numbered(40).subset(np.arange(10, 30)).subset(np.array([0, 19]))
    assert data.read(slice(None))[:, 0, 0, 0].tolist() == [10, 29]
    assert data.goal.tolist() == [10 % 3, 29 % 3]


def test_scaling_brings_channels_and_targets_to_mean_zero_and_spread_one():
    rng = np.random.default_rng(0)
    images = np.stack([rng.normal(60, 10, (300, 8, 8)), rng.normal(200, 20, (300, 8, 8))], axis=3)
    data = ImageData(images.clip(0, 255).astype(np.uint8), rng.normal([5, -2], [1, 9], (300, 2)))
    scaling = data.scaled()
    pixels = scaling.pixels(torch.from_numpy(data.images))
    assert pixels.shape == (300, 2, 8, 8)
    assert torch.allclose(pixels.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-3)
    assert torch.allclose(pixels.std(dim=(0, 2, 3)), torch.ones(2), atol=1e-3)
    targets = scaling.targets(torch.from_numpy(data.goal))
    assert torch.allclose(targets.std(dim=0), torch.ones(2), atol=1e-2)
    assert np.allclose(scaling.restore(targets.numpy()), data.goal, atol=1e-4)
    assert Scaling.from_json(scaling.to_json()) == scaling


def test_classes_are_not_scaled_and_a_flat_channel_is_left_alone():
    scaling = numbered().subset(np.array([3, 3])).scaled()
    assert scaling == Scaling((3.0,), (1.0,))
    outputs = np.ones((2, 3), dtype=np.float32)
    assert scaling.restore(outputs) is outputs


def test_a_given_scaling_is_kept():
    given = Scaling((1.0,), (2.0,))
    assert ImageData(numbered().images, scaling=given).subset(np.arange(3)).scaled() is given


def test_tensors_are_taken_too():
    data = ImageData(torch.zeros(4, 2, 2, 1, dtype=torch.uint8), torch.tensor([0, 1, 0, 1]))
    assert data.is_classes and isinstance(data.images, np.ndarray)


@pytest.mark.parametrize(
    "images", [np.zeros((4, 2, 2), dtype=np.uint8), np.zeros((4, 2, 2, 1), dtype=np.float32)], ids=["flat", "floats"]
)
def test_what_is_no_set_of_images_is_refused(images):
    with pytest.raises(DataError, match="uint8"):
        ImageData(images)


def test_targets_must_fit_and_be_there():
    images = np.zeros((4, 2, 2, 1), dtype=np.uint8)
    with pytest.raises(DataError, match="3 for 4"):
        ImageData(images, np.zeros(3))
    with pytest.raises(DataError, match="no targets"):
        Batches(ImageData(images), size=2, seed=0)
    with pytest.raises(DataError, match="at least 2"):
        Batches(ImageData(images[:1], np.zeros(1)), size=2, seed=0)
