"""Raw images of every shape, type and range come to the one form that a network takes."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tamis.core.errors import CorruptArtefactError, DataError, ParameterError
from tamis.data.image_form import (
    BYTES,
    FLOATS,
    INTEGERS,
    SWITCHES,
    ImageForm,
    batch_of,
    channels_last,
    extent,
    family_of,
    in_channels,
    scaling,
)
from tamis.data.pictures import BadPictureError

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (4, 12, 10, 3), dtype=np.uint8)
FORM = ImageForm(12, 10, 3)


def png(pixels: np.ndarray) -> bytes:
    pillow = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    pillow.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (COLOURS, COLOURS),
        (np.moveaxis(COLOURS, -1, 1), COLOURS),
        (COLOURS[..., 0], np.repeat(COLOURS[..., :1], 3, axis=-1)),
        (COLOURS[..., :1], np.repeat(COLOURS[..., :1], 3, axis=-1)),
        (np.concatenate([COLOURS, np.full((4, 12, 10, 1), 255, np.uint8)], axis=-1), COLOURS),
        (COLOURS.astype(np.float32) / 255, COLOURS),
        (COLOURS.astype(np.float64), COLOURS),
        (COLOURS.astype(np.float16) / 255, COLOURS),
        (COLOURS.astype(np.int64), COLOURS),
        (COLOURS > 127, np.where(COLOURS > 127, 255, 0)),
    ],
)
def test_arrays_of_every_layout_and_type_become_the_same_bytes(raw: np.ndarray, wanted: np.ndarray) -> None:
    found = FORM.apply(raw)
    assert found.dtype == np.uint8 and found.flags.c_contiguous
    np.testing.assert_allclose(found.astype(int), wanted.astype(int), atol=int(raw.dtype == np.float16))
    np.testing.assert_array_equal(found, FORM.apply(list(raw)))


def test_the_learned_scale_is_for_its_own_kind_of_numbers() -> None:
    form = ImageForm(2, 2, 1, family=INTEGERS, scale=0.255, offset=-25.5)
    raw = np.array([[[100, 200], [1100, 5000]]])
    assert form.apply(raw.astype(np.uint16))[0, ..., 0].tolist() == [[0, 26], [255, 255]]
    assert form.apply(np.full((1, 2, 2), 9, np.uint8)).max() == 9
    assert form.apply(np.full((1, 2, 2), 0.2)).max() == 51
    spread = ImageForm(2, 2, 1, family=BYTES, scale=255 / 16)
    assert spread.apply(np.full((1, 2, 2), 8, np.uint8)).max() == 128


def test_what_is_no_number_is_black_and_what_is_infinite_white() -> None:
    raw = np.array([[[np.nan, np.inf], [-np.inf, 1.0]]])
    assert ImageForm(2, 2, 1).apply(raw)[0, ..., 0].tolist() == [[0, 255], [0, 255]]


def test_no_row_depends_on_its_neighbours() -> None:
    dark, bright = np.full((8, 8), 0.02), np.full((8, 8), 1.0)
    form = ImageForm(8, 8, 1)
    together = form.apply(np.stack([dark, bright]))
    np.testing.assert_array_equal(together[:1], form.apply(dark[None]))


@pytest.mark.parametrize(
    ("value", "neighbour", "dtype", "wanted"),
    [
        (1.0, 200.0, "f4", 255),
        (200.0, 1.0, "f4", 200),
        (-1.0, 200.0, "f8", 0),
        (200, 60_000, "u2", 1),
        (65_535, 200, ">u2", 255),
        (200, 60_000, "i4", 200),
    ],
)
def test_what_an_image_becomes_does_not_depend_on_its_chunk(
    value: float, neighbour: float, dtype: str, wanted: int
) -> None:
    raw = np.stack([np.full((4, 4), one, dtype=dtype) for one in (value, neighbour)])
    form = ImageForm(4, 4, 1)
    for handed in (raw, list(raw), raw[:1], [raw[0]]):
        assert np.unique(form.apply(handed)[0]).tolist() == [wanted]


def test_an_image_of_which_no_value_is_a_number_is_refused() -> None:
    raw = np.ones((3, 4, 4, 1), dtype=np.float32)
    raw[0, 0, 0] = np.nan
    for family in (BYTES, FLOATS):
        form = ImageForm(4, 4, 1, family=family)
        assert form.apply(raw).shape == (3, 4, 4, 1)
        for handed in (np.full_like(raw, np.nan), [np.ones((4, 4)), np.full((9, 9), np.nan)]):
            with pytest.raises(BadPictureError, match="every value is NaN"):
                form.apply(handed)


@pytest.mark.extras
def test_mixed_lists_keep_their_order_and_come_to_one_size() -> None:
    raw = [
        COLOURS[0],
        png(COLOURS[1]),
        np.zeros((30, 20), dtype=np.uint8),
        COLOURS[2].astype(np.float32) / 255,
        png(np.full((5, 50, 3), 200, np.uint8)),
        COLOURS[3],
    ]
    found = FORM.apply(raw)
    for row, wanted in ((0, COLOURS[0]), (1, COLOURS[1]), (2, 0), (3, COLOURS[2]), (4, 200), (5, COLOURS[3])):
        np.testing.assert_array_equal(found[row], np.broadcast_to(wanted, (12, 10, 3)))


@pytest.mark.extras
def test_grey_and_see_through_pictures() -> None:
    see_through = np.zeros((12, 10, 4), dtype=np.uint8)
    see_through[:6] = (255, 0, 0, 255)
    colour, grey = FORM.apply([png(see_through)])[0], ImageForm(12, 10, 1).apply([png(see_through)])[0]
    assert colour[0, 0].tolist() == [255, 0, 0] and colour[-1, 0].tolist() == [255, 255, 255]
    assert grey[0, 0, 0] == 76 and grey[-1, 0, 0] == 255
    half = np.dstack([np.full((12, 10), 100, np.uint8), np.full((12, 10), 51, np.uint8)])
    assert FORM.apply([png(half)])[0, 0, 0].tolist() == [224, 224, 224]


@pytest.mark.extras
def test_sixteen_bit_pictures_are_scaled_by_the_form() -> None:
    raw = np.linspace(1000, 2000, 120).reshape(12, 10).astype(np.uint16)
    scale, offset = scaling(1000, 2000, INTEGERS)  # as of 12 bits
    found = ImageForm(12, 10, 1, family=INTEGERS, scale=scale, offset=offset).apply([png(raw)])
    assert (found.min(), found.max()) == (62, 125)
    deep = scaling(1000, 1100, INTEGERS)
    assert ImageForm(12, 10, 1, family=INTEGERS, scale=deep[0], offset=deep[1]).apply([png(raw)]).min() == 0
    assert FORM.apply([png(np.full((12, 10), 65535, np.uint16))]).min() == 255


def test_a_missing_picture_is_refused() -> None:
    with pytest.raises(BadPictureError, match="is missing"):
        FORM.apply([COLOURS[0], None])


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((100, 784), r"x\.reshape\(-1, 28, 28\)"),
        ((100, 50), r"x\.reshape\(-1, H, W\)"),
        ((32, 32, 3), "looks like a single image"),
        ((5,), "N x height x width"),
        ((5, 8, 8, 7), "neither 1 nor 3 nor 4 channels"),
        ((5, 3, 40, 3), "channels first or last"),
        ((0, 8, 8), "at least one image"),
        ((5, 0, 8, 3), "at least one image"),
    ],
)
def test_arrays_that_are_no_images_are_refused(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(DataError, match=words):
        batch_of(np.zeros(shape))


@pytest.mark.parametrize("dtype", ["O", "c8", "U4"])
def test_arrays_that_hold_no_numbers_are_refused(dtype: str) -> None:
    with pytest.raises(DataError, match=r"array of images \(3, 4, 4\) .* must be numbers"):
        batch_of(np.zeros((3, 4, 4), dtype=dtype))


def test_one_image_has_its_channels_last() -> None:
    assert channels_last(np.zeros((5, 6))).shape == (5, 6, 1)
    assert channels_last(np.zeros((3, 6, 7))).shape == (6, 7, 3)
    assert channels_last(np.zeros((1, 1, 3))).shape == (1, 1, 3)
    for shape in ((5,), (5, 6, 7), (0, 6)):
        with pytest.raises(BadPictureError):
            channels_last(np.zeros(shape))


def test_pixels_are_numbers() -> None:
    assert [family_of(np.dtype(one)) for one in ("u1", "i1", "u2", "f2", "?")] == [
        *(BYTES, INTEGERS, INTEGERS),
        *(FLOATS, SWITCHES),
    ]
    for kind in ("U4", "c8", "M8[s]", "O"):
        with pytest.raises(BadPictureError, match="must be numbers"):
            family_of(np.dtype(kind))


@pytest.mark.parametrize(
    ("low", "high", "family", "black", "white"),
    [
        (0, 255, BYTES, 0, 255),
        (10, 60, BYTES, 0, 255),
        (0, 16, BYTES, 0, 16),
        (0, 16.0, FLOATS, 0, 16),
        (0, 1.0, FLOATS, 0, 1),
        (-1, 1.0, FLOATS, -1, 1),
        (-0.9, 200.0, FLOATS, -0.9, 200),
        (0, 254.0, FLOATS, 0, 255),
        (-2.1, 2.6, FLOATS, -2.1, 2.6),
        (0, 4095, INTEGERS, 0, 4095),
        (5, 60000, INTEGERS, 0, 65535),
        (12000, 13000, INTEGERS, 12000, 13000),
        (False, True, SWITCHES, 0, 1),
        (0, 0, SWITCHES, 0, 1),
    ],
)
def test_ranges(low: float, high: float, family: str, black: float, white: float) -> None:
    scale, offset = scaling(low, high, family)
    assert scale * black + offset == pytest.approx(0, abs=1e-6)
    assert scale * white + offset == pytest.approx(255)


def test_flaws_do_not_stretch_the_range() -> None:
    pixels = RNG.random((10, 40, 40)).astype(np.float32)
    pixels[0, 0, 0], pixels[1, 1, 1] = 1e6, np.nan
    low, high = extent(pixels)
    assert 0 <= low < 0.01 and 0.99 < high <= 1
    assert extent(np.full((2, 2), np.nan)) == (0.0, 0.0)
    sparse = np.zeros((100, 100))
    sparse[0, 0] = 7
    assert extent(sparse) == (0.0, 7.0)


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=4, max_side=6).map(lambda shape: (*shape, 3))))
@settings(max_examples=30, deadline=None)
def test_grey_lies_between_its_colours(pixels: np.ndarray) -> None:
    grey = in_channels(pixels, 1)[..., 0].astype(int)
    assert (grey >= pixels.min(axis=-1)).all() and (grey <= pixels.max(axis=-1)).all()


@given(
    st.builds(
        ImageForm,
        st.integers(1, 300),
        st.integers(1, 300),
        st.sampled_from([1, 3]),
        st.sampled_from(["squash", "crop", "pad"]),
        st.sampled_from([BYTES, INTEGERS, FLOATS, SWITCHES]),
        st.floats(allow_nan=False, allow_infinity=False),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    )
)
def test_a_form_comes_back_from_json(form: ImageForm) -> None:
    assert ImageForm.from_json(form.to_json()) == form


def test_forms_that_cannot_be_are_refused() -> None:
    for wrong in (
        {"height": 0},
        {"channels": 2},
        {"resize": "stretch"},
        {"family": "words"},
    ):
        with pytest.raises(ParameterError):
            ImageForm(**{"height": 8, "width": 8, "channels": 3, **wrong})
    with pytest.raises(CorruptArtefactError, match="Fit again"):
        ImageForm.from_json({"height": 8, "width": 8, "channels": 3, "depth": 4})
