"""A sample of the images is looked at, and a form is chosen that suits their sizes and the time."""

import io
from math import inf
from pathlib import Path

import numpy as np
import pytest

from tamis.core.errors import DataError
from tamis.data.image_form import BYTES, FLOATS, INTEGERS
from tamis.data.images.choice import Look, affordable, choose_form, look
from tamis.data.images.raw import ArrayImages, ListedImages

RNG = np.random.default_rng(0)


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    pillow = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    pillow.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def test_arrays_tell_their_size_colours_and_range() -> None:
    seen = look(ArrayImages(noise(2000, 8, 9, 3)))
    assert set(seen.sizes) == {(8, 9)} and len(seen.sizes) == 256
    assert not seen.grey and (seen.family, seen.scale, seen.offset) == (BYTES, 1.0, 0.0)
    floats = look(ArrayImages(noise(9, 8, 9, 1) / 255 * 2 - 1))
    assert floats.grey and (floats.family, floats.scale, floats.offset) == (FLOATS, 127.5, 127.5)
    assert look(ArrayImages(noise(9, 8, 9, 1) // 16)).scale == 255 / 15
    assert look(ArrayImages(np.repeat(noise(9, 8, 9, 1), 3, axis=-1))).grey


def test_large_pictures_are_decoded_on_all_cores_and_arrays_cost_nothing() -> None:
    assert affordable(Look(((600, 800),), seconds=0.01), 60.0, cores=4) == pytest.approx(3_600)
    assert affordable(Look(((32, 32),), seconds=0.01), 80.0, cores=4) == pytest.approx(1_200)
    assert affordable(Look(((600, 800),), seconds=0.1), 5.0, cores=1) == 1_000
    assert affordable(Look(((600, 800),)), 5.0, cores=1) == inf


def test_a_list_of_arrays_tells_each_size() -> None:
    seen = look(ListedImages([noise(5, 6, 3), noise(3, 9, 8), noise(7, 7)]))
    assert set(seen.sizes) == {(5, 6), (9, 8), (7, 7)} and not seen.grey


@pytest.mark.extras
def test_grey_stored_in_colour_is_grey_and_one_colour_is_enough() -> None:
    grey = encoded(np.repeat(noise(20, 30, 1), 3, axis=-1), "JPEG")
    seen = look(ListedImages([grey] * 30))
    assert seen.grey and seen.sizes[0] == (20, 30) and seen.seconds > 0
    assert not look(ListedImages([*[grey] * 30, encoded(noise(20, 30, 3))])).grey


@pytest.mark.extras
def test_sixteen_bit_pictures_set_the_range() -> None:
    deep = (RNG.random((20, 30)) * 500 + 10_000).astype(np.uint16)
    seen = look(ListedImages([encoded(deep), encoded(noise(20, 30))]))
    assert seen.family == INTEGERS and seen.grey
    assert seen.scale * 10_000 + seen.offset == pytest.approx(0, abs=2)
    assert seen.scale * 10_500 + seen.offset == pytest.approx(255, abs=2)


@pytest.mark.extras
def test_what_cannot_be_read_is_counted_and_if_it_is_all_refused() -> None:
    seen = look(ListedImages([b"rubbish", None, noise(5, 5)]))
    assert seen.unreadable == 2 and seen.sizes == ((5, 5),)
    with pytest.raises(DataError, match="None of 2 images looked at can be read; the first is no picture"):
        look(ListedImages([b"rubbish, and more of it", Path("none.jpg")]))


@pytest.mark.parametrize(("size", "shape"), [((28, 28), (28, 28)), ((32, 48), (32, 48)), ((3, 5), (8, 8))])
def test_small_images_of_one_size_keep_it_however_short_the_time(size: tuple[int, int], shape: tuple[int, int]) -> None:
    form = choose_form(Look((size,) * 5), 1_000_000, 1)
    assert form.shape == (*shape, 3)


def test_larger_images_of_one_size_keep_it_if_there_is_time() -> None:
    seen = Look(((96, 128),) * 5, grey=True)
    assert choose_form(seen, 1000, 600).shape == (96, 128, 1)
    short = choose_form(seen, 100_000, 60)
    assert short.shape[0] < 96 and short.shape[1] / short.shape[0] == pytest.approx(4 / 3, abs=0.15)
    assert "for the time" in short.reason


def test_the_side_grows_with_the_time_between_its_bounds() -> None:
    seen = Look(tuple((480 + 7 * n, 640 - 5 * n) for n in range(20)))
    sides = [choose_form(seen, 5000, budget).height for budget in (1, 60, 600, 3600, 36_000, float("inf"))]
    assert sides == sorted(sides) and sides[0] == 64 and sides[-1] == 224 and len(set(sides)) > 2
    assert all(side % 16 == 0 for side in sides)
    assert choose_form(seen, 5000, 600, pixels_per_s=1e9).height == 224
    assert choose_form(seen, 5000, most_bytes=5000 * 3 * 100**2).height == 96


def test_no_image_is_blown_up_beyond_its_usual_size() -> None:
    assert choose_form(Look(((40, 40), (41, 39), (38, 44))), 100, 1e6).shape == (40, 40, 3)
    assert choose_form(Look(((130, 130), (130, 131), (129, 130))), 100, 1e6).height == 128
    assert choose_form(Look(((2, 3), (3, 2))), 100, 1e6).shape == (8, 8, 3)


def test_uneven_shapes_are_padded_and_even_ones_squashed() -> None:
    strips = Look(tuple((300, 100) if n % 2 else (100, 300) for n in range(20)))
    assert choose_form(strips, 100, 60).resize == "pad"
    photos = Look(tuple((300, 200) if n % 2 else (200, 300) for n in range(20)))
    assert choose_form(photos, 100, 60).resize == "squash"
    assert choose_form(Look(tuple((300, 250 + n) for n in range(20))), 100, 60).resize == "squash"


def test_the_reason_is_one_line_that_names_what_was_seen() -> None:
    form = choose_form(Look(((300, 200), (200, 300), (100, 700)), grey=True), 100, 60)
    assert "\n" not in form.reason
    assert "grey" in form.reason and "100 x 700" in form.reason and f"{form.height} x {form.width}" in form.reason
