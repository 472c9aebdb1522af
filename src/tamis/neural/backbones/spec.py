"""What must be known of a pretrained network to build it again without its library's hub; JSON in and out, no torch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from tamis.core.errors import CorruptArtefactError, UserError, wrong_choice

LIBRARIES = ("tamis", "timm", "torchvision", "huggingface")

IMAGENET_MEAN, IMAGENET_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class UnreachableError(UserError):
    """Say that weights are neither in the cache nor to be had over the network."""


@dataclass(frozen=True)
class BackboneSpec:
    """A pretrained network without its weights.

    Examples
    --------
    >>> spec = BackboneSpec("timm", "resnet18", side=224)
    >>> BackboneSpec.from_json(spec.to_json()) == spec
    True
    """

    library: str
    name: str
    """As the library knows it."""
    side: int
    """The height and the width of the images that it was trained for."""
    channels: int = 3
    mean: tuple[float, ...] = IMAGENET_MEAN
    """Of the channels of pixels from 0 to 1: it is subtracted."""
    spread: tuple[float, ...] = IMAGENET_SPREAD
    """What is divided by."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """What else the library needs to build it."""
    fixed: bool = True
    """Whether it takes images of its own side alone."""
    licence: str = ""

    def __post_init__(self) -> None:
        """Refuse a library that is not known."""
        if self.library not in LIBRARIES:
            raise wrong_choice("library", self.library, LIBRARIES)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        record = json.loads(json.dumps(asdict(self)))
        return dict(record)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "BackboneSpec":
        """Read what `to_json` wrote.

        Raises
        ------
        CorruptArtefactError
            Where a field is missing or of no use.
        """
        try:
            lists = {name: tuple(float(one) for one in record[name]) for name in ("mean", "spread") if name in record}
            return cls(**{**record, **lists})
        except (TypeError, ValueError) as error:
            raise CorruptArtefactError(f"The record of a backbone cannot be read: {error}.") from error


def fingerprint(content: bytes) -> str:
    """Return a short name of a backbone's bytes, spec and weights together.

    Examples
    --------
    >>> fingerprint(b"weights")
    '9a129038d9a00aed'
    """
    return sha256(content).hexdigest()[:16]
