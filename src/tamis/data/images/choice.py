"""Looks at a sample of images, and chooses the form in which a network should get them."""

from dataclasses import dataclass, replace
from math import inf, sqrt
from time import perf_counter
from typing import Any

import numpy as np

from tamis.core.errors import DataError
from tamis.core.seeds import generator
from tamis.data.image_form import BYTES, ImageForm, channels_last, extent, family_of, scaling
from tamis.data.images.raw import RawImages
from tamis.data.pictures import PAD, SQUASH, BadPictureError, decode, is_picture, measure

SAMPLED = 256
"""How many images are looked at."""
DECODED = 24
"""How many of them are decoded at least: to see whether they are grey, and how long it takes."""
GREY_NOISE = 4
"""Red, green and blue of a grey picture that was stored in colour differ by no more than this."""

SMALL = 64
"""Images of one size, no side longer than this, keep it."""
LARGEST = 224
STEP = 16
"""Working sides are multiples of this, so that they can be halved a few times."""
LEAST_SIDE = 8

READING_SHARE, LEAST_READ = 0.15, 1_000
"""Which part of the time decoding may take, and how many images it may be whatever they take."""

PASSES = 30
"""How often a run should be able to see every image, search included; the side is chosen so that it can."""
PIXELS_PER_S = 2e6
"""Pixels that a plain network learns from in a second on two cores."""
UNEVEN = 2.5
"""Where wide shapes are more than this many times as wide as narrow ones (the 90th and the 10th of a hundred),
distorting would do harm; photographs of 3 to 2, upright and lying, are below it."""


@dataclass(frozen=True)
class Look:
    """What a sample of the images has shown."""

    sizes: tuple[tuple[int, int], ...]
    """Height and width of each."""
    grey: bool = False
    """Whether none of them has a colour."""
    family: str = BYTES
    """The kind of numbers they are held in (`tamis.data.image_form`)."""
    scale: float = 1.0
    offset: float = 0.0
    seconds: float = 0.0
    """How long it takes to decode one, on one core."""
    unreadable: int = 0
    """How many of them could not be read."""


def look(images: RawImages, *, n: int = SAMPLED, seed: int = 0) -> Look:
    """Look at a sample: sizes from the heads of files, colours and numbers until they are clear.

    Raises
    ------
    DataError
        Where none of the sample can be read, with the reason.
    """
    eye = _Eye()
    sample = images.sample(n, generator(seed, "look at images"))
    if isinstance(sample, np.ndarray):
        eye.array(sample)
    else:
        for raw in sample:
            eye.see(raw)
    if not eye.sizes:
        raise DataError(
            f"None of {eye.unreadable:,} images looked at can be read; the first {eye.reason or 'is missing'}. "
            "Are these pictures (JPEG, PNG, ...)?"
        )
    return eye.look()


class _Eye:
    """Sees one raw image after another."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []
        self.grey = True
        self.unreadable, self.reason = 0, ""
        self.seconds: list[float] = []
        self.extents: dict[str, list[tuple[float, float]]] = {}

    def see(self, raw: Any) -> None:
        """Take in one, or count it as unreadable."""
        try:
            if raw is None:
                raise BadPictureError("is missing")
            if isinstance(raw, str | bytes) or is_picture(raw) or not hasattr(raw, "__array__"):
                self._encoded(raw)
            else:
                self.array(channels_last(np.asarray(raw))[None])
        except BadPictureError as error:
            self.unreadable += 1
            self.reason = self.reason or str(error)

    def array(self, pixels: np.ndarray) -> None:
        """Take in some in an array (N, H, W, C)."""
        self._pixels(pixels, True)
        self.sizes += [pixels.shape[1:3]] * len(pixels)

    def _encoded(self, raw: Any) -> None:
        size = measure(raw)
        if self.grey or len(self.seconds) < DECODED:
            start = perf_counter()
            pixels = decode(raw, LARGEST)
            self.seconds.append(perf_counter() - start)
            self._pixels(pixels[..., None] if pixels.ndim == 2 else pixels, pixels.dtype != np.uint8)
        self.sizes.append(size)

    def _pixels(self, pixels: np.ndarray, with_range: bool) -> None:
        family = family_of(pixels.dtype)
        if with_range and np.isfinite(pixels).any():
            self.extents.setdefault(family, []).append(extent(pixels))
        if self.grey and pixels.shape[-1] > 2:
            red, green, blue = (np.nan_to_num(pixels[..., channel].astype(np.float64)) for channel in range(3))
            furthest = max(float(np.abs(red - green).max()), float(np.abs(green - blue).max()))
            unit = 255.0 if pixels.dtype == np.uint8 else max(1e-12, float(np.abs(green).max()))
            self.grey = furthest <= GREY_NOISE / 255.0 * unit

    def look(self) -> Look:
        """Return what was seen."""
        # Pictures of 8 bits are what they are; where there are other numbers too, it is those that need a scale.
        order = sorted(self.extents, key=lambda family: (family == BYTES, -len(self.extents[family])))
        family, scale, offset = BYTES, 1.0, 0.0
        if order:
            family = order[0]
            lows, highs = zip(*self.extents[family], strict=True)
            scale, offset = scaling(min(lows), max(highs), family)
        # The first one loads the decoder, and other programs disturb: the slowest few tell nothing.
        kept = sorted(self.seconds)[: max(1, round(0.85 * len(self.seconds)))]
        each = float(np.mean(kept)) if kept else 0.0
        return Look(tuple(self.sizes), self.grey, family, scale, offset, each, self.unreadable)


def affordable(seen: Look, budget_s: float, cores: int) -> float:
    """Return how many images there is time to decode; infinite where that costs nothing.

    Parameters
    ----------
    seen : Look
    budget_s : float
        Seconds for everything.
    cores : int
        Small images keep one of them busy at most: most of their time goes into reading heads, under Python's lock.

    Examples
    --------
    >>> affordable(Look(((32, 32),), seconds=0.0002), budget_s=20.0, cores=2)
    15000.0
    """
    if seen.seconds <= 0:
        return inf
    beside = 1 if max(max(size) for size in seen.sizes) <= SMALL else cores
    return max(LEAST_READ, READING_SHARE * budget_s * beside / seen.seconds)


def choose_form(
    seen: Look,
    n_images: int,
    budget_s: float = inf,
    *,
    pixels_per_s: float = PIXELS_PER_S,
    most_bytes: float = inf,
) -> ImageForm:
    """Choose height, width, channels and the range of the numbers.

    Small images of one size keep it. Others get a working side between 64 and 224 pixels: no longer than the median of
    theirs, and so short that a network can see every image some thirty times within the budget.

    Parameters
    ----------
    seen : Look
    n_images : int
        How many there are in all.
    budget_s : float
        Seconds for everything.
    pixels_per_s : float
        How fast a network learns on this machine.
    most_bytes : float
        What the prepared images may take on the disk.

    Examples
    --------
    >>> choose_form(Look(((28, 28),) * 9, grey=True), 60_000, 120).shape
    (28, 28, 1)
    >>> form = choose_form(Look(((375, 500), (500, 333), (400, 400))), 250, 60)
    >>> form.shape, form.reason
    ((112, 112, 3), 'images of 400 x 400 to 375 x 500 (height x width), colour: brought to 112 x 112, ...')
    """
    channels = 1 if seen.grey else 3
    sizes = np.asarray(seen.sizes, dtype=np.float64)
    area = min(budget_s * pixels_per_s / (PASSES * n_images), most_bytes / (channels * n_images))
    base = ImageForm(1, 1, channels, SQUASH, seen.family, seen.scale, seen.offset)
    colour = "grey" if seen.grey else "colour"
    if (sizes == sizes[0]).all() and (sizes.max() <= SMALL or sizes[0].prod() <= min(area, LARGEST**2)):
        height, width = (max(LEAST_SIDE, int(side)) for side in sizes[0])
        return replace(base, height=height, width=width, reason=f"all images are {_size(sizes[0])}, {colour}")
    side, why = _side(float(np.median(np.sqrt(sizes.prod(axis=1)))), area)
    shapes = np.sort(sizes[:, 1] / sizes[:, 0])
    tenth = len(shapes) // 10
    uneven = shapes[-1 - tenth] / shapes[tenth] > UNEVEN
    # One shape for all may be wide or tall; different shapes meet in the square.
    aspect = float(np.clip(np.median(shapes), 0.5, 2.0)) if shapes[-1 - tenth] / shapes[tenth] < 1.1 else 1.0
    height, width = _rounded(side / sqrt(aspect)), _rounded(side * sqrt(aspect))
    how = "; what is missing to that shape is filled" if uneven else ""
    reason = f"{_range(sizes)}, {colour}: brought to {height} x {width}, {why}{how}"
    return replace(base, height=height, width=width, resize=PAD if uneven else SQUASH, reason=reason)


def _side(median: float, area: float) -> tuple[float, str]:
    """Return the working side and why it is no longer."""
    if median <= SMALL:
        return max(LEAST_SIDE, median), "their usual size"
    in_time = sqrt(min(area, LARGEST**2))
    if in_time < min(median, LARGEST):
        return max(SMALL, in_time), "for the time and the number of images"
    return min(
        median, LARGEST
    ), "their usual size" if median <= LARGEST else "the largest that networks here are made for"


def _rounded(side: float) -> int:
    step = STEP if side >= SMALL else LEAST_SIDE // 2
    return max(LEAST_SIDE, int(side + 1e-6) // step * step)


def _size(size: np.ndarray) -> str:
    return f"{int(size[0])} x {int(size[1])}"


def _range(sizes: np.ndarray) -> str:
    areas = sizes.prod(axis=1)
    smallest, largest = sizes[np.argmin(areas)], sizes[np.argmax(areas)]
    if (smallest == largest).all():
        return f"images of {_size(smallest)}"
    return f"images of {_size(smallest)} to {_size(largest)} (height x width)"
