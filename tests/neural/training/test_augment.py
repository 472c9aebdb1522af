"""Shifts, flips, cutout and mixup of whole batches, and whether flips would help."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.neural.training import augment as room
from tamis.neural.training.augment import Augment, alternating_flip, cutout, shift_all, shift_each
from tamis.neural.training.recipe import Recipe


def pictures(n=5, height=6, width=7, channels=3):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n, height, width, channels), dtype=np.uint8))


def mirrored_by_numpy(images, down, right):
    padded = np.pad(images.numpy(), ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
    height, width = images.shape[1:3]
    return torch.from_numpy(padded[:, 4 - down : 4 - down + height, 4 - right : 4 - right + width])


@pytest.mark.parametrize("offset", [(0, 0), (2, 0), (0, -3), (-4, 4)])
def test_a_shift_mirrors_what_it_uncovers(offset):
    images = pictures()
    before = images.clone()
    assert torch.equal(shift_all(images, *offset), mirrored_by_numpy(images, *offset))
    assert torch.equal(images, before)


@pytest.mark.parametrize("gathered", [0, 10_000])
def test_both_ways_to_shift_each_image_do_the_same(gathered, monkeypatch):
    monkeypatch.setattr(room, "GATHERED_PIXELS", gathered)
    images = pictures()
    offsets = torch.tensor([[0, 0], [1, -2], [-4, 4], [1, -2], [3, 1]])
    moved = shift_each(images, offsets)
    for number, (down, right) in enumerate(offsets.tolist()):
        assert torch.equal(moved[number], shift_all(images[number : number + 1], down, right)[0])


def test_two_epochs_show_every_image_both_ways():
    images, rows = pictures(n=64), torch.arange(64)
    first, second, third = (alternating_flip(images, rows, torch.full((64,), epoch), seed=3) for epoch in range(3))
    flipped = images.flip(2)
    turned = torch.tensor([torch.equal(a, b) for a, b in zip(first, flipped, strict=True)])
    assert 20 < int(turned.sum()) < 44
    assert all(torch.equal(a.flip(1), b) for a, b in zip(first, second, strict=True))
    assert torch.equal(first, third)
    assert not torch.equal(first, alternating_flip(images, rows, torch.zeros(64, dtype=torch.long), seed=4))


def test_cutout_hides_one_square_of_every_image():
    hidden = cutout(torch.ones(200, 2, 9, 11), 4, torch.Generator().manual_seed(0)) == 0
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    sizes = hidden[:, 0].sum(dim=(1, 2))
    assert 1 <= int(sizes.min()) < 16 == int(sizes.max())
    assert bool(hidden[:, 0].any(dim=0).all()), "every place is hidden at times"


def test_mixup_mixes_whole_images_by_the_share_it_tells():
    images = torch.randn(8, 1, 3, 3)
    mixed = Augment(mixup=0.4, seed=1).blend(images, step=5)
    assert mixed.partners is not None and sorted(mixed.partners.tolist()) == list(range(8))
    assert torch.allclose(mixed.images, mixed.share * images + (1 - mixed.share) * images[mixed.partners])
    assert 0 < mixed.share < 1


def test_nothing_is_done_at_zero():
    images = pictures()
    nothing = Augment.of(Recipe(shift=0.0), (3, 6, 7))
    rows = torch.arange(5)
    assert nothing.move(images, rows, rows, 0) is images
    floats = images.float()
    mixed = nothing.blend(floats, 0)
    assert mixed.images is floats and mixed.partners is None and mixed.share == 1.0


def test_the_step_decides_what_is_drawn():
    images, rows = pictures(n=16), torch.arange(16)
    augment = Augment(shift=2, flip=True, seed=7)
    assert torch.equal(augment.move(images, rows, rows * 0, 3), augment.move(images, rows, rows * 0, 3))
    assert not torch.equal(augment.move(images, rows, rows * 0, 3), augment.move(images, rows, rows * 0, 4))


def test_a_shift_is_smaller_than_the_image():
    assert Augment.of(Recipe(shift=0.5), (1, 1, 9)).shift == 0
    assert Augment.of(Recipe(shift=0.5), (1, 8, 9)).shift == 4
