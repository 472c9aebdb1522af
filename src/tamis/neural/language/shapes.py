"""The size of an image as networks see it; no torch here, so that plans can speak of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageShape:
    """Channels, height and width.

    Examples
    --------
    >>> ImageShape(3, 32, 32).pixels
    1024
    """

    channels: int
    height: int
    width: int

    @property
    def pixels(self) -> int:
        """How many places one channel has."""
        return self.height * self.width
