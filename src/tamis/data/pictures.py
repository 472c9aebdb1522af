"""Opens pictures of every kind, turns them upright and resizes them; the only file that imports Pillow."""

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from tamis.core.errors import DataError
from tamis.core.extras import available, require

FORMATS = (
    *("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF", "HEIF", "JPEG2000"),
    *("DIB", "ICO", "PCX", "SGI", "SUN", "QOI"),
)
"""What is opened, as Pillow names it; formats whose readers run other programs (EPS, WMF) are not among them."""

MOST_PIXELS = 80_000_000
"""A picture with more to decode is refused: it would take more than 320 MB."""

HUGE_PIXELS = 8_000_000
"""Pictures with more are decoded one at a time, however many threads there are."""

SQUASH, CROP, PAD = "squash", "crop", "pad"
RESIZES = (SQUASH, CROP, PAD)
"""Ways to another shape: distort; cut the longer side; keep all and fill the rest with the colour of the rim."""

HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))
AVIF_BRANDS = frozenset((b"avif", b"avis"))
"""What files in HEIF, as of many telephones, and in AVIF name themselves. Those of `mif1` and `msf1` may be either."""

_MARKED = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})
_SIDEWAYS = frozenset({5, 6, 7, 8})
_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}
"""How to set a picture upright, by the orientation in its EXIF data (tag 274)."""

_one_at_a_time = threading.Lock()


class BadPictureError(DataError):
    """Refuse one picture; the text is a predicate without a subject, as in 'is empty': the caller knows the name."""


def is_picture(obj: Any) -> bool:
    """Tell whether an object is a Pillow image, without importing Pillow.

    Examples
    --------
    >>> is_picture("cat.jpg")
    False
    """
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(obj, pillow.Image)


def unread(picture: Any) -> Any:
    """Return the path of a Pillow image that was opened from a file and not read yet, else the image itself.

    Reading it would keep its pixels in the user's object: a long list of such images would fill the memory. Of one that
    was read the pixels may have been changed since; icons, for one, keep their file open all the same.
    """
    name = getattr(picture, "filename", "")
    if not name or getattr(picture, "fp", None) is None or _has_pixels(picture):
        return picture
    return Path(name) if picture.tell() == 0 and Path(name).is_file() else picture


def _has_pixels(picture: Any) -> bool:
    """Tell whether a Pillow image was read; its property `im` may not be asked before."""
    held = vars(picture)
    return held.get("_im", held.get("im")) is not None


def measure(source: Any) -> tuple[int, int]:
    """Return height and width of a picture as it is shown, from its first bytes.

    Parameters
    ----------
    source : str, Path, bytes or Pillow image
        A file, or what is in it.

    Raises
    ------
    BadPictureError
        Where it is none.
    """
    with _opened(source) as image:
        width, height = image.size
        return (width, height) if _orientation(image) in _SIDEWAYS else (height, width)


def decode(source: Any, least: int = 0) -> np.ndarray:
    """Read a picture: upright, of several frames the first, palettes and print colours resolved.

    Parameters
    ----------
    source : str, Path, bytes or Pillow image
        A file, or what is in it.
    least : int, default 0
        Where both sides are more than four times as long, it may come smaller, by a whole factor, no side below twice
        this; 0: in full size.

    Returns
    -------
    ndarray
        Shape (height, width) or (height, width, n): n is 2 for grey and 3 for colour with opacity last, else 3. uint8;
        other types where the picture has more than 8 bits of grey.

    Raises
    ------
    BadPictureError
        Where it is none, is damaged or cut off, or has more than `MOST_PIXELS` to decode.
    """
    with _opened(source) as image:
        pixels = _prepare(image, 0 if image is source else least)
        with _one_at_a_time if pixels > HUGE_PIXELS else nullcontext():
            image.load()
            turn = _TURNS.get(_orientation(image))
            values = _plain(image, least)
        return np.ascontiguousarray(turn(values)) if turn else values


def resize(pixels: np.ndarray, height: int, width: int, how: str = SQUASH) -> np.ndarray:
    """Bring a picture to a size.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (h, w, 1) or (h, w, 3)
    height, width : int
    how : {"squash", "crop", "pad"}
        See `RESIZES`.
    """
    grey = pixels.shape[2] == 1
    old_height, old_width = pixels.shape[:2]
    image = _pillow().fromarray(np.ascontiguousarray(pixels[..., 0] if grey else pixels))
    box, inner = (0.0, 0.0, float(old_width), float(old_height)), (width, height)
    if how == CROP:
        shrink = min(old_width / width, old_height / height)
        left, top = (old_width - shrink * width) / 2, (old_height - shrink * height) / 2
        box = (left, top, old_width - left, old_height - top)
    elif how == PAD:
        shrink = max(old_width / width, old_height / height)
        inner = (max(1, round(old_width / shrink)), max(1, round(old_height / shrink)))
    bilinear = _pillow().Resampling.BILINEAR
    shown = np.asarray(image.resize(inner, bilinear, box=box, reducing_gap=2.0)).reshape(inner[1], inner[0], -1)
    if inner == (width, height):
        return shown
    framed = np.empty((height, width, shown.shape[2]), dtype=np.uint8)
    framed[:] = _rim(shown)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    framed[top : top + inner[1], left : left + inner[0]] = shown
    return framed


def _rim(pixels: np.ndarray) -> np.ndarray:
    """Return the mean colour along the four sides."""
    sides = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    return np.rint(np.concatenate(sides).mean(axis=0)).astype(np.uint8)


def _pillow() -> Any:
    return require("PIL.Image", "neural")


@contextmanager
def _opened(source: Any) -> Iterator[Any]:
    """Give an image of which the head is read; word what goes wrong until the end of the block."""
    source = unread(source)
    try:
        if is_picture(source):
            yield source
            return
        with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as stream:
            yield _open(stream)
    except BadPictureError:
        raise
    except FileNotFoundError as error:
        raise BadPictureError("does not exist") from error
    except MemoryError as error:
        raise BadPictureError("does not fit into memory") from error
    except Exception as error:  # each format has errors of its own
        if isinstance(error, OSError) and error.errno is not None:
            raise BadPictureError(f"cannot be read ({error.strerror})") from error
        raise BadPictureError(f"is damaged or cut off ({_words(error)})") from error


def _words(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__


def _open(stream: Any) -> Any:
    """Find the reader of a picture by its first bytes.

    Pillow's own `open` warns of pictures above a size, and refuses them above twice that, before a JPEG can be asked
    to decode itself at an eighth. Here the size is looked at afterwards, in `_prepare`.
    """
    pillow = _pillow()
    head = stream.read(16)
    if not head:
        raise BadPictureError("is empty")
    if head[4:8] == b"ftyp" and _is_heif(head + stream.read(240)):
        _read_heif(pillow)
    failed: Exception | None = None
    for register in (pillow.preinit, pillow.init):  # the second takes time, and is for rare formats
        register()
        for factory, accepts in (pillow.OPEN[name] for name in FORMATS if name in pillow.OPEN):
            accepted = accepts(head) if accepts is not None else False
            if isinstance(accepted, str):
                failed = ValueError(accepted)
            elif accepted:
                stream.seek(0)
                try:
                    return factory(stream, "")
                except Exception as error:  # each format has errors of its own
                    failed = error
        if failed is not None:
            raise failed
    raise BadPictureError(f"is no picture of a known format (it begins with {head[:8]!r})")


def _is_heif(head: bytes) -> bool:
    """Tell by the brands in its first box, of type `ftyp`, whether a picture is in HEIF and not in AVIF."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    return head[8:12] in HEIF_BRANDS and not any(head[at : at + 4] in AVIF_BRANDS for at in range(16, length, 4))


def _read_heif(pillow: Any) -> None:
    """Let Pillow read HEIF, which the optional package pillow-heif teaches it.

    Raises
    ------
    BadPictureError
        Where it is not installed.
    """
    if "HEIF" in pillow.OPEN:
        return
    if not available("pillow_heif"):
        raise BadPictureError(
            "is a picture in HEIF (.heic), which needs an optional package: install it with pip install pillow-heif, "
            "or convert the picture to JPEG or PNG"
        )
    require("pillow_heif", "neural").register_heif_opener()


def _prepare(image: Any, least: int) -> int:
    """Ask a JPEG of ours for as small a decoding as suffices; return how many pixels are decoded, refuse too many."""
    width, height = image.size
    pixels = width * height
    if image.format in ("JPEG", "MPO") and least:
        image.draft(None, (2 * least, 2 * least))
        if not image.info.get("progressive"):  # all coefficients of a progressive one are held in full
            pixels = image.size[0] * image.size[1]
    if pixels > MOST_PIXELS:
        raise BadPictureError(
            f"has {width:,} x {height:,} pixels, more than the {MOST_PIXELS:,} that are decoded; save it smaller"
        )
    return pixels


def _orientation(image: Any) -> int:
    """Return the orientation in the EXIF data: 1 where there is none that can be read."""
    if not _MARKED & image.info.keys():
        return 1
    try:
        return int(image.getexif().get(274, 1))
    except Exception:  # such data is often broken, and the picture sound
        return 1


def _plain(image: Any, least: int) -> np.ndarray:
    """Return the pixels in one of the forms that `decode` promises; shrunk before anything is copied, where it can."""
    factor = max(1, min(image.size) // (2 * least)) if least else 1
    mode = image.mode
    if mode == "F" or mode.startswith("I"):
        return _average(np.asarray(image), factor)
    if mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA" if mode in ("PA", "RGBA") or "transparency" in image.info else "RGB")
    elif mode == "1":
        image = image.convert("L")
    if factor > 1:
        image = image.reduce(factor)
    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, "RGB"))
    return np.asarray(image)


def _average(values: np.ndarray, factor: int) -> np.ndarray:
    """Shrink grey values of any type by a whole factor."""
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if factor == 1:
        return values
    height, width = (side // factor for side in values.shape)
    blocks = values[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return blocks.mean(axis=(1, 3), dtype=np.float64).astype(values.dtype)
