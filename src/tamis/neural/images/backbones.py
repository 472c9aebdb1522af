"""Finds the pretrained networks that read columns of images: ours, and those that a user names; no torch at the top.

What was opened by name lies in the user's cache, packed, so that neither a worker nor a prediction asks a hub again.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tamis.core.errors import DataError
from tamis.neural.backbones import catalogue
from tamis.neural.backbones.catalogue import SMALL
from tamis.neural.backbones.kept import FILE, is_packed
from tamis.neural.backbones.spec import fingerprint
from tamis.neural.embeddings.cache import cache_folder
from tamis.neural.embeddings.machine import has_bfloat16

FOLDER = "backbones"
"""Under the user's cache."""
LOAD_S = 5.0
"""Seconds for the imports and the weights."""
DECODE_S = 0.006
"""Seconds that the decoding of a photograph takes."""
PER_S, SLOWER = 25.0, 3.0
"""Images a second of a network that is not known, and by how much all are slower without units for bfloat16."""
WIDTHS = {SMALL: 2176}
"""How many features those give that are known."""
WIDTH, MEGABYTES = 768, 90.0


@dataclass(frozen=True)
class Located:
    """A network that is at hand."""

    name: str
    path: Path
    fingerprint: str
    """A hash of its spec and weights."""


def find(name: str) -> Located:
    """Find a pretrained network for images, opening it from its library where it was not opened before.

    Parameters
    ----------
    name : str
        As `tamis.neural.backbones.opening.open_backbone` takes it.

    Raises
    ------
    DataError
        Where there is none of this name.
    UnreachableError
        Where its weights cannot be had here.
    """
    if name == SMALL:
        path = FILE
    elif Path(name).is_file() and is_packed(_head(Path(name))):
        path = Path(name)
    else:
        path = cache_folder() / FOLDER / f"{_slug(name)}.safetensors"
        if not path.is_file():
            path = _opened(name, path)
    if not path.is_file():
        raise DataError(f"The network {name!r} is not at hand: '{path}' is missing. Install Tamis anew.")
    return Located(name, path, _fingerprint(path, path.stat().st_mtime_ns))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1 << 20)


def _slug(name: str) -> str:
    return "".join(one if one.isalnum() or one in "-." else "_" for one in name)[-120:]


def _opened(name: str, path: Path) -> Path:
    """Open a network by its name, and keep it packed under a path."""
    from tamis.neural.backbones.opening import open_backbone

    content = open_backbone(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{fingerprint(content)}")
    draft.write_bytes(content)
    draft.replace(path)
    return path


@cache
def _fingerprint(path: Path, at: int) -> str:
    return fingerprint(path.read_bytes())


def located_again(name: str, path: str, fingerprint: str) -> Located:
    """Find the network that something was fitted with, by where it lay or by its name.

    Raises
    ------
    DataError
        Where what is there under its name is another one.
    """
    for place in dict.fromkeys((path, name)):
        with suppress(DataError, OSError):
            if (place == name or Path(place).is_file()) and (found := find(place)).fingerprint == fingerprint:
                return found
    if find(name).fingerprint == fingerprint:  # says why it cannot be had
        return find(name)
    raise DataError(
        f"The model was fitted with a network {name!r} of other content than the one that is here under this name. "
        "Install the version of its library (or of Tamis) of then, or fit again."
    )


def width_of(name: str) -> int:
    """Return how many features a network gives, as a guess where it is not known."""
    return WIDTHS.get(name, WIDTH)


def megabytes_of(name: str) -> float:
    """Return what its weights take in memory."""
    known = catalogue.find(name)
    return 4.0 * known.millions if known else MEGABYTES


def reading_s(name: str, n_images: int, cores: int = 1) -> float:
    """Estimate the seconds that reading images takes, the imports included.

    Examples
    --------
    >>> reading_s("small", 1_000) < reading_s("small", 1_000) + 1 < reading_s("vit_small_patch14_dinov2.lvd142m", 1_000)
    True
    """
    known = catalogue.find(name)
    per_s = (known.per_s if known else PER_S) / (1.0 if has_bfloat16() else SLOWER)
    return LOAD_S + n_images * (DECODE_S + 1.0 / per_s) / max(1, cores)
