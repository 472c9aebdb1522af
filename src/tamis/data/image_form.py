"""The form in which images reach a network, and the way of any raw picture to it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tamis.core.errors import CorruptArtefactError, DataError, ParameterError, wrong_choice
from tamis.data.pictures import RESIZES, SQUASH, BadPictureError, decode, is_picture, resize

BYTES, INTEGERS, FLOATS, SWITCHES = "bytes", "integers", "floats", "switches"
FAMILIES = (BYTES, INTEGERS, FLOATS, SWITCHES)
"""Kinds of numbers that pixels are held in: uint8, other whole numbers, numbers with fractions, true and false."""

CHANNELS = (1, 3, 4)
"""How many channels an array may have: grey, colour, colour with opacity."""

RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    BYTES: ((0, 255),),
    INTEGERS: ((0, 255), (0, 1023), (0, 4095), (0, 16383), (0, 65535)),
    FLOATS: ((0, 1), (-1, 1), (0, 255), (0, 65535)),
    SWITCHES: ((0, 1),),
}
"""The ranges in which pixels are usually given."""

LEAST_USED = 1 / 8
"""Numbers that fill less of their usual range than this are spread over what they fill."""

SEEN_VALUES = 1_000_000
"""How many numbers are looked at to find their range."""

LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in grey (ITU-R BT.601)."""


@dataclass(frozen=True)
class ImageForm:
    """How a raw picture becomes the input of a network; JSON in and out.

    Examples
    --------
    >>> form = ImageForm(height=2, width=2, channels=3)
    >>> form.apply(np.full((5, 2, 2), 7, dtype=np.uint8)).shape
    (5, 2, 2, 3)
    >>> ImageForm.from_json(form.to_json()) == form
    True
    """

    height: int
    width: int
    channels: int
    """1 for grey, 3 for colour."""
    resize: str = SQUASH
    """How a picture of another shape is brought to this one: squash, crop or pad."""
    family: str = BYTES
    """The kind of numbers that `scale` and `offset` are for; others are scaled by the range they usually have."""
    scale: float = 1.0
    offset: float = 0.0
    """A number x becomes the brightness scale * x + offset, from 0 to 255."""
    reason: str = ""
    """Why it was chosen, in plain words."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be."""
        if min(self.height, self.width) < 1:
            raise ParameterError(f"Height and width must be at least 1; got {self.height} and {self.width}.")
        if self.channels not in (1, 3):
            raise ParameterError(f"The parameter 'channels' must be 1 (grey) or 3 (colour); got {self.channels!r}.")
        if self.resize not in RESIZES:
            raise wrong_choice("resize", self.resize, RESIZES)
        if self.family not in FAMILIES:
            raise wrong_choice("family", self.family, FAMILIES)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.height, self.width, self.channels

    @property
    def size(self) -> int:
        """How many bytes one image takes."""
        return self.height * self.width * self.channels

    def apply(self, raw: "np.ndarray | Sequence[Any]") -> np.ndarray:
        """Bring raw pictures to this form.

        Parameters
        ----------
        raw : ndarray or sequence
            An array of images (N x H x W, N x H x W x C, else N x C x H x W), or a sequence of arrays, paths, bytes and
            Pillow images, mixed as one likes.

        Returns
        -------
        ndarray of uint8, shape (N, height, width, channels)

        Raises
        ------
        BadPictureError
            Where a picture cannot be read; one at a time (`apply([one])`) tells which.
        """
        if isinstance(raw, np.ndarray) and raw.dtype != object:
            return self._finish(raw if raw.ndim == 4 and raw.shape[3] in CHANNELS else batch_of(raw))
        made = np.empty((len(raw), *self.shape), dtype=np.uint8)
        fitting: dict[Any, list[int]] = {}
        opened: dict[int, np.ndarray] = {}
        for row, one in enumerate(raw):
            pixels = self._open(one)
            if pixels.shape[:2] == (self.height, self.width):
                opened[row] = pixels
                fitting.setdefault((pixels.shape, pixels.dtype.str), []).append(row)
            else:  # not kept a moment longer: it may be large
                made[row] = self._finish(pixels[None])[0]
        for rows in fitting.values():
            made[rows] = self._finish(np.stack([opened[row] for row in rows]))
        return made

    def _open(self, raw: Any) -> np.ndarray:
        """Return one picture with its channels last, in whatever numbers it has."""
        if raw is None:
            raise BadPictureError("is missing")
        if isinstance(raw, str | bytes) or is_picture(raw) or not hasattr(raw, "__array__"):
            pixels = decode(raw, max(self.height, self.width))
            return pixels[..., None] if pixels.ndim == 2 else pixels
        return channels_last(np.asarray(raw))

    def _finish(self, pixels: np.ndarray) -> np.ndarray:
        """Bring pictures of one shape, (N, H, W, C), to this form."""
        _refuse_all_nan(pixels)
        eight = in_channels(self._to_bytes(pixels), self.channels)
        if eight.shape[1:3] == (self.height, self.width):
            return np.ascontiguousarray(eight)
        made = np.empty((len(eight), *self.shape), dtype=np.uint8)
        for row, one in enumerate(eight):
            made[row] = resize(one, self.height, self.width, self.resize)
        return made

    def _to_bytes(self, pixels: np.ndarray) -> np.ndarray:
        family = family_of(pixels.dtype)
        if family == self.family:
            return brightness(pixels, self.scale, self.offset)
        if family == BYTES:
            return pixels
        made = np.empty(pixels.shape, dtype=np.uint8)
        for row, one in enumerate(pixels):  # what a row becomes must not depend on its neighbours
            made[row] = brightness(one, *usual_scaling(one))
        return made

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "ImageForm":
        """Read what `to_json` wrote.

        Raises
        ------
        CorruptArtefactError
            Where a field is unknown or missing, as in a record of a newer version.
        """
        try:
            return cls(**record)
        except (TypeError, ParameterError) as error:
            raise CorruptArtefactError(f"The stored form of the images cannot be read ({error}). Fit again.") from error


def family_of(dtype: np.dtype) -> str:
    """Return the kind of numbers.

    Raises
    ------
    BadPictureError
        Where they are no pixels: texts, dates, complex numbers, Python objects.

    Examples
    --------
    >>> family_of(np.dtype("uint16")), family_of(np.dtype("float32"))
    ('integers', 'floats')
    """
    if dtype == np.uint8:
        return BYTES
    family = {"b": SWITCHES, "u": INTEGERS, "i": INTEGERS, "f": FLOATS}.get(dtype.kind)
    if family is None:
        raise BadPictureError(f"is an array of {dtype}; pixels must be numbers (uint8, uint16, float, bool)")
    return family


def extent(pixels: np.ndarray) -> tuple[float, float]:
    """Return the darkest and the brightest value; but for one in a thousand on each side, which may be flaws."""
    flat = pixels.reshape(-1)
    values = flat[:: max(1, len(flat) // SEEN_VALUES)].astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 0.0
    low, high = (float(value) for value in np.quantile(values, (0.001, 0.999)))
    return (low, high) if high > low else (float(values.min()), float(values.max()))


def scaling(low: float, high: float, family: str, spread: bool = True) -> tuple[float, float]:
    """Return scale and offset that bring numbers to 0..255.

    They are taken to be given in the narrowest usual range that holds them, unless they fill little of it: then,
    where one wants it, what they fill is spread, as of sensors that use a few hundred of 65,536 steps.

    Examples
    --------
    >>> scaling(0.0, 0.9, FLOATS), scaling(-1.0, 0.98, FLOATS)
    ((255.0, 0.0), (127.5, 127.5))
    >>> scaling(0, 16, BYTES)
    (15.9375, 0.0)
    """
    bottom, top = next((one for one in RANGES[family] if one[0] <= low and high <= one[1]), (low, high))
    if spread and high > low and high - low < LEAST_USED * (top - bottom):
        bottom, top = low, high
    if top <= bottom:
        return 1.0, 0.0
    scale = 255.0 / (top - bottom)
    return scale, 0.0 - scale * bottom


def usual_scaling(pixels: np.ndarray) -> tuple[float, float]:
    """Return scale and offset that bring one image of another kind than was learned from to 0..255.

    Its type decides where it can: true and false are white and black, and uint16 goes to 65,535. Other types may hold
    several ranges, such as fractions 0..1 or 0..255: then the image itself decides, by the narrowest of `RANGES` that
    holds its values (but for flaws, see `extent`): a float image within 0..1 has 1 for white, one that goes beyond, to
    255. Its own values are not spread, and no other image is asked: it looks the same in whatever company it comes.

    Examples
    --------
    >>> usual_scaling(np.array([[0.0, 1.0]])), usual_scaling(np.array([[0.0, 200.0]]))
    ((255.0, 0.0), (1.0, 0.0))
    >>> usual_scaling(np.array([[200]], dtype=np.uint16)) == (255 / 65535, 0.0)
    True
    """
    family = family_of(pixels.dtype)
    if family == SWITCHES:
        low, high = RANGES[SWITCHES][0]
    elif pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        low, high = RANGES[INTEGERS][-1]
    else:
        low, high = extent(pixels)
    return scaling(low, high, family, spread=False)


def brightness(pixels: np.ndarray, scale: float, offset: float) -> np.ndarray:
    """Return scale * x + offset of every number, rounded and kept within 0..255; NaN is black."""
    if pixels.dtype == np.uint8 and (scale, offset) == (1.0, 0.0):
        return pixels
    shown = pixels.astype(np.result_type(pixels.dtype, np.float32))
    shown *= scale
    shown += offset
    shown = np.nan_to_num(shown, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    return np.clip(np.rint(shown, out=shown), 0, 255, out=shown).astype(np.uint8)


def _refuse_all_nan(pixels: np.ndarray) -> None:
    """Refuse images (N, H, W, C) of which one holds no number: it would be black.

    Raises
    ------
    BadPictureError
        Where there is one; with several it does not tell which.
    """
    if pixels.dtype.kind == "f":
        suspects = np.flatnonzero(np.isnan(pixels[:, 0, 0, 0]))
        if any(np.isnan(pixels[row]).all() for row in suspects):
            raise BadPictureError("holds no number: every value is NaN")


def batch_of(array: np.ndarray) -> np.ndarray:
    """Return a view of images with their channels last: (N, H, W, C).

    Raises
    ------
    DataError
        Where the shape is not that of images, or could be read in two ways, or what it holds are no numbers.

    Examples
    --------
    >>> batch_of(np.zeros((10, 28, 28))).shape, batch_of(np.zeros((10, 3, 32, 32))).shape
    ((10, 28, 28, 1), (10, 32, 32, 3))
    """
    shape = array.shape
    if array.ndim == 2:
        side = round(shape[1] ** 0.5)
        hint = f"x.reshape(-1, {side}, {side})" if side > 1 and side * side == shape[1] else "x.reshape(-1, H, W)"
        raise DataError(
            f"Images must be an array of N x height x width (x channels); got {shape}. Rows of pixels are brought to "
            f"their shape with {hint}, a single image is given as x[None]."
        )
    if array.ndim == 3 and shape[2] in CHANNELS and min(shape[:2]) > 4:
        raise DataError(f"An array of shape {shape} looks like a single image; give several as N x H x W x C: x[None].")
    if array.ndim not in (3, 4):
        raise DataError(f"Images must be an array of N x height x width (x channels); got one of shape {shape}.")
    if 0 in shape:
        raise DataError(f"Found an array of images with shape {shape}; at least one image and one pixel are needed.")
    try:
        family_of(array.dtype)
        if array.ndim == 3:
            return array[..., None]
        return array if _last(shape[1:]) else np.moveaxis(array, 1, -1)
    except BadPictureError as error:
        raise DataError(f"The array of images {shape} {error}.") from error


def channels_last(array: np.ndarray) -> np.ndarray:
    """Return a view of one image as (H, W, C), as `batch_of` does."""
    if array.ndim == 2 and array.size:
        return array[..., None]
    if array.ndim != 3 or not array.size:
        raise BadPictureError(f"is an array of shape {array.shape}; it must be height x width (x channels)")
    return array if _last(array.shape) else np.moveaxis(array, 0, -1)


def _last(shape: tuple[int, ...]) -> bool:
    """Tell whether the channels of one image stand last and not first."""
    first, last = shape[0] in CHANNELS, shape[2] in CHANNELS
    if first and last and shape[0] != shape[1]:
        # 3 x 40 x 3 may be a strip three pixels high, or the channels of a strip three pixels wide.
        raise BadPictureError(
            f"can be read with channels first or last (one image is {shape}); give sides longer than 4, or H x W"
        )
    if not (first or last):
        raise BadPictureError(f"has neither 1 nor 3 nor 4 channels: one image is {shape}")
    return last


def in_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Bring uint8 pictures (..., C) to grey or colour; what is not opaque is shown on white.

    Examples
    --------
    >>> in_channels(np.array([[[10, 20, 30, 0]]], dtype=np.uint8), 3).tolist()
    [[[255, 255, 255]]]
    """
    count = pixels.shape[-1]
    if count in (2, 4):
        opacity = pixels[..., -1:].astype(np.float32) / 255.0
        pixels = np.rint(pixels[..., :-1] * opacity + 255.0 * (1.0 - opacity)).astype(np.uint8)
        count -= 1
    if count == channels:
        return pixels
    if count == 1:
        return np.broadcast_to(pixels, (*pixels.shape[:-1], channels))
    return np.rint(pixels @ np.array(LUMA, dtype=np.float32)).astype(np.uint8)[..., None]
