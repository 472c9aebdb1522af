"""Images that occur more than once are found, grouped and counted."""

import numpy as np

from tamis.data.images.copies import duplicates

RNG = np.random.default_rng(0)


def images(count: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, 6, 5, 3), dtype=np.uint8)


def test_copies_share_a_group_and_others_have_their_own() -> None:
    values = images(3000)
    values[[7, 2999]] = values[5]
    values[20] = values[10]
    found = duplicates(values)
    assert found.groups[5] == found.groups[7] == found.groups[2999]
    assert found.groups[10] == found.groups[20]
    assert len(np.unique(found.groups)) == 3000 - 3
    assert found.n_repeated == 2
    assert found.note == "2 images occur more than once: copies stay on one side of every split"


def test_copies_with_different_labels_are_counted() -> None:
    values = images(20)
    values[1], values[3] = values[0], values[2]
    found = duplicates(values, np.array([0, 1, 5, 5, *range(16)]))
    assert (found.n_repeated, found.n_contradicting) == (2, 1)
    assert "2 images occur more than once, 1 of them with different labels:" in found.note


def test_one_pixel_makes_a_difference_and_the_layout_none() -> None:
    values = images(4)
    values[1] = values[0]
    values[1, 0, 0, 0] ^= 1
    values[2] = values[0]
    assert duplicates(values).n_repeated == 1
    assert duplicates(np.asfortranarray(values)).n_repeated == 1


def test_blank_pages_that_are_many_are_no_group() -> None:
    values = images(1000)
    values[::2] = 255
    values[1], values[3] = values[5], values[5]
    found = duplicates(values)
    assert len(np.unique(found.groups[::2])) == 500
    assert found.groups[1] == found.groups[3] == found.groups[5]
    assert len(np.unique(found.groups)) == 998


def test_without_copies_there_is_nothing_to_say() -> None:
    assert duplicates(images(9)).note == ""
    assert len(duplicates(np.empty((0, 4, 4, 1), dtype=np.uint8)).groups) == 0
