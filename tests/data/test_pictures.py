"""Pictures of every kind come out upright and in few forms; what is no picture is refused with the reason."""

import io
import os
import struct
import sys
import threading
import tracemalloc
import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from tamis.data import pictures
from tamis.data.pictures import BadPictureError, decode, is_picture, measure, resize, unread

Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.extras

QUADRANTS = np.zeros((40, 60, 3), dtype=np.uint8)
QUADRANTS[:20, :30] = (255, 0, 0)
QUADRANTS[:20, 30:] = (0, 255, 0)
QUADRANTS[20:, :30] = (0, 0, 255)
QUADRANTS[20:, 30:] = (255, 255, 0)


def encoded(image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def corners(pixels: np.ndarray) -> np.ndarray:
    return np.array([pixels[5, 5], pixels[5, -5], pixels[-5, 5], pixels[-5, -5]], dtype=int)


def plain():
    return Image.fromarray(QUADRANTS)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000"])
def test_every_format_is_read_to_the_same_picture(kind: str) -> None:
    try:
        content = encoded(plain(), kind)
    except (OSError, KeyError):
        pytest.skip(f"this Pillow writes no {kind}")
    found = decode(content)
    assert found.shape == (40, 60, 3) and found.dtype == np.uint8
    np.testing.assert_allclose(corners(found), corners(QUADRANTS), atol=30)
    assert measure(content) == (40, 60)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_set_upright(orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[274] = orientation
    for kind in ("JPEG", "PNG", "TIFF"):
        content = encoded(plain(), kind, exif=exif)
        upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
        np.testing.assert_array_equal(decode(content), upright)
    assert measure(encoded(plain(), "JPEG", exif=exif)) == upright.shape[:2]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow says so itself
def test_broken_exif_leaves_the_picture_as_it_is() -> None:
    content = encoded(plain(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xffrubbish")
    assert decode(content).shape == (40, 60, 3)


def test_print_colours_become_screen_colours() -> None:
    content = encoded(plain().convert("CMYK"), "JPEG", quality=95)
    np.testing.assert_allclose(corners(decode(content)), corners(QUADRANTS), atol=30)


@pytest.mark.parametrize(
    ("mode", "shape"),
    [("L", (40, 60)), ("1", (40, 60)), ("LA", (40, 60, 2)), ("RGBA", (40, 60, 4)), ("P", (40, 60, 3))],
)
def test_modes_come_as_grey_colour_and_opacity(mode: str, shape: tuple[int, ...]) -> None:
    found = decode(encoded(plain().convert(mode)))
    assert found.shape == shape and found.dtype == np.uint8
    if mode == "P":
        np.testing.assert_allclose(corners(found), corners(QUADRANTS), atol=10)


def test_a_see_through_colour_is_opacity() -> None:
    content = encoded(plain().convert("P"), transparency=0)
    assert decode(content).shape == (40, 60, 4)
    keyed = decode(encoded(plain(), transparency=(255, 0, 0)))
    assert keyed[5, 5, 3] == 0 and keyed[5, -5, 3] == 255


def test_sixteen_bits_of_grey_are_kept() -> None:
    ramp = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
    found = decode(encoded(Image.fromarray(ramp)))
    np.testing.assert_array_equal(found, ramp)
    assert found.dtype.kind in "ui"
    tiff = decode(encoded(Image.fromarray(ramp.astype(np.float32)), "TIFF"))
    assert tiff.dtype == np.float32
    small = decode(encoded(Image.fromarray(ramp)), least=5)
    assert small.shape == (10, 15) and small.dtype == found.dtype
    np.testing.assert_allclose(small, ramp.reshape(10, 4, 15, 4).mean(axis=(1, 3)), atol=1)


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "white")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(decode(content)[4, 4], [255, 0, 0])


def test_a_picture_of_one_pixel_is_a_picture() -> None:
    assert decode(encoded(Image.new("L", (1, 1), 7))).tolist() == [[7]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"name,label\na,b\n" * 9, "is no picture of a known format"),
        (b"BM this is a text", "is damaged or cut off"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no picture of a known format"),
    ],
)
def test_what_is_no_picture_is_refused(content: bytes, reason: str, tmp_path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(content)
    for source in (content, path, str(path)):
        for read in (decode, measure):
            with pytest.raises(BadPictureError, match=reason):
                read(source)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_that_is_cut_off_is_refused(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    content = encoded(noise, kind)
    with pytest.raises(BadPictureError, match="is damaged or cut off"):
        decode(content[: len(content) // 2])


def test_what_cannot_be_opened_is_refused(tmp_path) -> None:
    with pytest.raises(BadPictureError, match="does not exist"):
        decode(tmp_path / "none.jpg")
    with pytest.raises(BadPictureError, match="cannot be read"):
        decode(tmp_path)
    if os.geteuid():
        locked = tmp_path / "locked.png"
        locked.write_bytes(encoded(plain()))
        locked.chmod(0)
        with pytest.raises(BadPictureError, match="cannot be read"):
            decode(locked)


def flat_png(width: int, height: int) -> bytes:
    """Write a white PNG of any size without holding its pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    squeezer = zlib.compressobj(1)
    line = b"\0" + b"\xff" * ((width + 7) // 8)
    rows = [squeezer.compress(line * 100) for _ in range(height // 100)]
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = b"".join([*rows, squeezer.flush()])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_a_large_picture_comes_small() -> None:
    content = flat_png(8000, 6000)
    assert measure(content) == (6000, 8000)
    found = decode(content, least=64)
    assert min(found.shape) >= 128 and max(found.shape) < 200
    assert found.min() == 255


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    content = flat_png(12_000, 12_000)
    assert len(content) < 1_000_000
    tracemalloc.start()
    with pytest.raises(BadPictureError, match="has 12,000 x 12,000 pixels, more than the 80,000,000"):
        decode(content, least=64)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_jpeg_beyond_the_limit_decodes_itself_small(monkeypatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 20_000)
    noise = Image.effect_noise((400, 300), 50)
    assert decode(encoded(noise, "JPEG"), least=20).shape == (75, 100)
    for content, least in ((encoded(noise, "JPEG"), 0), (encoded(noise, "JPEG", progressive=True), 20)):
        with pytest.raises(BadPictureError, match="400 x 300 pixels"):
            decode(content, least=least)


def test_huge_pictures_are_decoded_one_at_a_time(monkeypatch) -> None:
    monkeypatch.setattr(pictures, "HUGE_PIXELS", 100)
    content = encoded(plain())
    with pictures._one_at_a_time:
        waiting = threading.Thread(target=decode, args=(content,))
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
    waiting.join(5)
    assert not waiting.is_alive()


def test_pillow_images_are_read_as_they_are_and_left_alone(tmp_path) -> None:
    image = plain().convert("P")
    assert is_picture(image) and not is_picture(QUADRANTS)
    assert decode(image, least=4).shape == (40 // 5, 60 // 5, 3)
    assert image.mode == "P" and image.size == (60, 40)
    path = tmp_path / "photo.jpg"
    plain().save(path)
    with Image.open(path) as lazy:
        assert unread(lazy) == path
        assert decode(lazy).shape == (40, 60, 3)
        assert lazy.fp is not None, "the user's object was read"
        lazy.load()
        assert unread(lazy) is lazy
    stream = Image.open(io.BytesIO(path.read_bytes()))
    assert decode(stream, least=4).shape[0] < 40
    assert stream.size == (60, 40)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "ICO"])
def test_what_was_changed_in_an_opened_picture_is_seen(tmp_path, kind: str) -> None:
    path = tmp_path / "frames"
    more = {} if kind == "ICO" else {"save_all": True, "append_images": [Image.new("RGB", (60, 40), "white")]}
    plain().save(path, kind, **more)
    with Image.open(path) as image:
        before = decode(image)
        image.paste(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (0, 0))
        assert unread(image) is image
        np.testing.assert_array_equal(decode(image), before[:, ::-1])


def box(*brands: bytes) -> bytes:
    """Write the first box of a file in HEIF or AVIF."""
    content = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return struct.pack(">I", len(content) + 4) + content + b"\0\0\0\x08meta" * 9


@pytest.mark.parametrize("brands", [(b"heic", b"mif1"), (b"heix",), (b"mif1", b"heic"), (b"msf1", b"hevc")])
def test_pictures_of_telephones_are_called_by_their_name(brands: tuple[bytes, ...], monkeypatch) -> None:
    monkeypatch.setattr(pictures, "available", lambda module: False)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    for read in (decode, measure):
        with pytest.raises(BadPictureError, match=r"HEIF \(.heic\).*pip install pillow-heif, or convert"):
            read(box(*brands))


@pytest.mark.parametrize("brands", [(b"avif",), (b"mif1", b"miaf", b"avif"), (b"isom", b"mp41")])
def test_other_files_with_brands_are_not_taken_for_those_of_telephones(brands: tuple[bytes, ...]) -> None:
    with pytest.raises(BadPictureError, match=r"is damaged or cut off|no picture of a known format"):
        decode(box(*brands))


def test_an_installed_reader_of_heif_is_used(monkeypatch) -> None:
    def register() -> None:
        Image.OPEN["HEIF"] = (lambda stream, name: plain(), lambda head: head[8:12] == b"heic")

    monkeypatch.setattr(pictures, "available", lambda module: module == "pillow_heif")
    monkeypatch.setitem(sys.modules, "pillow_heif", SimpleNamespace(register_heif_opener=register))
    monkeypatch.setitem(Image.OPEN, "HEIF", None)  # put back what was there
    del Image.OPEN["HEIF"]
    np.testing.assert_array_equal(decode(box(b"heic")), QUADRANTS)


def test_whether_it_is_a_picture_is_told_without_pillow(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "PIL.Image")
    assert not is_picture(object())
    assert "PIL.Image" not in sys.modules


@pytest.mark.parametrize("how", ["squash", "crop", "pad"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(20, 20), (7, 31), (90, 60), (1, 1)])
def test_every_resizing_gives_the_size_asked_for(how: str, channels: int, shape: tuple[int, int]) -> None:
    found = resize(QUADRANTS[..., :channels], *shape, how)
    assert found.shape == (*shape, channels) and found.dtype == np.uint8


def test_squashing_distorts_cropping_cuts_and_padding_keeps_all() -> None:
    stripes = np.zeros((10, 30, 1), dtype=np.uint8)
    stripes[:, 10:20] = 255
    assert resize(stripes, 10, 10, "crop").min() == 255
    squashed = resize(stripes, 9, 9, "squash")[..., 0]
    assert (squashed[:, 4] == 255).all() and (squashed[:, [0, 8]] == 0).all()
    padded = resize(stripes, 30, 30, "pad")[..., 0]
    np.testing.assert_array_equal(padded[10:20], stripes[..., 0])
    rim = padded[0, 0]
    assert 0 < rim < 255 and (padded[:10] == rim).all() and (padded[20:] == rim).all()
