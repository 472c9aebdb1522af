"""At which sides a pretrained network looks at images; no torch."""

from math import sqrt

from tamis.neural.backbones.spec import BackboneSpec
from tamis.neural.language.shapes import ImageShape

COARSE_SIDE, FREE_SIDES = 48, (32, 48, 64, 96, 128, 160, 192, 224)
"""Sides at which a backbone that takes any is asked to look: at the first, where the whole is seen at once, and at the
largest that it knows and the images have. Of 244 photographs both together told more than either."""


def sides_for(spec: BackboneSpec, shape: ImageShape) -> tuple[int, ...]:
    """Return at which sides a backbone looks at images: its own, or of one that takes any, those that they have.

    Examples
    --------
    >>> sides_for(BackboneSpec("timm", "resnet18", side=224), ImageShape(3, 112, 112))
    (224,)
    >>> sides_for(BackboneSpec("tamis", "small", side=96, fixed=False), ImageShape(3, 112, 112))
    (48, 96)
    """
    if spec.fixed:
        return (spec.side,)
    most = min(spec.side, max(FREE_SIDES[0], sqrt(shape.pixels)))
    best = max(side for side in FREE_SIDES if side <= most)
    return tuple(sorted({min(COARSE_SIDE, best), best}))
