"""Well-chosen pretrained networks by name, with licence, size and speed; no torch."""

from dataclasses import dataclass

SMALL = "small"
"""Our own backbone, which ships with Tamis: see docs/backbone.md."""


@dataclass(frozen=True)
class Known:
    """A pretrained network worth trying first."""

    name: str
    """What `backbone=` takes."""
    library: str
    licence: str
    """Of the weights."""
    millions: float
    """Of parameters."""
    side: int
    per_s: float
    """Images a second on one thread of a server's CPU with AMX, in bfloat16; measured where `measured` is set, else
    by how many times slower than one of its family, or than DINOv2, it was with random weights in one run."""
    measured: bool
    summary: str


KNOWN: tuple[Known, ...] = (
    Known(SMALL, "tamis", "Apache-2.0", 1.7, 96, 294, True, "ships with Tamis, learned from CIFAR-10"),
    Known("mobilenetv4_conv_small.e2400_r224_in1k", "timm", "Apache-2.0", 3.8, 224, 274, True, "MobileNetV4, quick"),
    Known("mobilenetv4_conv_medium.e500_r224_in1k", "timm", "Apache-2.0", 9.7, 224, 83, False, "MobileNetV4"),
    Known("efficientnet_b0.ra4_e3600_r224_in1k", "timm", "Apache-2.0", 5.3, 224, 67, True, "EfficientNet"),
    Known("resnet18.a1_in1k", "timm", "Apache-2.0", 11.7, 224, 111, True, "the well-known one"),
    Known("convnextv2_atto.fcmae_ft_in1k", "timm", "CC-BY-NC-4.0", 3.7, 224, 109, True, "ConvNeXt V2, smallest"),
    Known("convnextv2_femto.fcmae_ft_in1k", "timm", "CC-BY-NC-4.0", 5.2, 224, 70, False, "ConvNeXt V2"),
    Known("vit_small_patch14_dinov2.lvd142m", "timm", "Apache-2.0", 22.1, 224, 28, True, "DINOv2, learned unlabelled"),
    Known("facebook/dinov2-small", "huggingface", "Apache-2.0", 22.1, 224, 28, True, "DINOv2, learned unlabelled"),
    Known("vit_small_patch16_dinov3.lvd1689m", "timm", "DINOv3 License", 21.6, 256, 27, False, "DINOv3"),
    Known("convnext_tiny.dinov3_lvd1689m", "timm", "DINOv3 License", 27.8, 256, 25, False, "DINOv3, convolutions"),
)
"""Ours, and those of others that do well for their size. The licences are those that the authors state for the weights:
read them before you use a model in a product."""


def find(name: str) -> Known | None:
    """Return what is known of a network, by its name.

    Examples
    --------
    >>> find("small").library, find("unheard_of")
    ('tamis', None)
    """
    return next((one for one in KNOWN if one.name == name), None)
