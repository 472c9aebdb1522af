"""A pretrained network for columns of images: pictures in, one vector for each out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from tamis.core.errors import DataError
from tamis.neural.backbones.kept import read_spec
from tamis.neural.backbones.views import sides_for
from tamis.neural.images.backbones import Located
from tamis.neural.language.shapes import ImageShape
from tamis.neural.training.device import inference_setup, probe_inference
from tamis.neural.transfer import Views, extract, feature_network

FEW, PROBED_FOR = 32, 500
"""With no more images than the first nothing is timed; else it is found out how the second are read fastest."""


class Picture(Protocol):
    """What a cell holds."""

    @property
    def key(self) -> bytes:
        """Return a hash of its content."""

    def pixels(self, height: int, width: int, channels: int) -> np.ndarray:
        """Return it as uint8, or raise a DataError."""


class ImageEncoder:
    """Turns pictures into vectors.

    Parameters
    ----------
    located : Located
    """

    def __init__(self, located: Located) -> None:
        content = located.path.read_bytes()
        spec = read_spec(content)
        self.shape = ImageShape(spec.channels, spec.side, spec.side)
        self.network, self.width = feature_network(content, self.shape, Views(sides_for(spec, self.shape)))
        self._setup: Any = None

    def encode(self, pictures: Sequence[Picture], *, threads: int = 1, lenient: bool = False) -> np.ndarray:
        """Return features: float32 of shape (n_pictures, width).

        Parameters
        ----------
        pictures : sequence of Picture
        threads : int
        lenient : bool
            Whether a picture that cannot be read gives a row of NaN, instead of an error.

        Raises
        ------
        DataError
            Naming the picture that cannot be read.
        """
        if self._setup is None and len(pictures) > FEW:
            wanted = (self.shape.channels, self.shape.height, self.shape.width)
            self._setup = probe_inference(self.network, wanted, PROBED_FOR, threads)
        made = np.full((len(pictures), self.width), np.nan, dtype=np.float32)
        pixels = self._decoded(pictures, threads, lenient)
        rows = [row for row, one in enumerate(pixels) if one is not None]
        if rows:
            setup = replace(self._setup or inference_setup(), threads=threads)
            made[rows] = np.nan_to_num(extract(self.network, np.stack([pixels[row] for row in rows]), setup=setup))
        return made

    def _decoded(self, pictures: Sequence[Picture], threads: int, lenient: bool) -> list[Any]:
        def decode(picture: Picture) -> np.ndarray | None:
            try:
                return picture.pixels(self.shape.height, self.shape.width, self.shape.channels)
            except DataError:
                if lenient:
                    return None
                raise

        if threads == 1:
            return [decode(one) for one in pictures]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(decode, pictures))
