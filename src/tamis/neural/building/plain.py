"""Plain networks: groups of dense 3x3 convolutions, with what makes them learn in few epochs.

After Jordan, "94 % on CIFAR-10 in 3.29 seconds on a single GPU" (2024) and the work it builds on: a fixed first
convolution that whitens the image, filters that begin as the identity, normalisation that only shifts and forgets
quickly, pooling inside the group, outputs scaled down.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.core.candidate import Candidate
from tamis.neural.building.operations import ACTIVATIONS, Residual, recorded
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import settings_of

LOGIT_SCALE = 1 / 9
"""What the outputs of a plain network are multiplied by."""

LEAST_SIDE = 4
"""A smaller map is not pooled."""

MOST_IMAGES = 5_000
"""How many images tell the whitening enough."""


@recorded
class DiracConv(nn.Conv2d):
    """A 3x3 convolution whose first filters begin by handing on what they read, each one channel."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(c_in, c_out, 3, padding=1, bias=False)

    def reset_parameters(self) -> None:
        """Draw the filters anew; as many as there are channels to read become the identity."""
        super().reset_parameters()
        nn.init.dirac_(self.weight[: self.in_channels].data)


@recorded
class ShiftNorm(nn.BatchNorm2d):
    """Batch normalisation that learns no scale and looks back over few batches."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, momentum=0.4)
        self.weight.requires_grad_(False)


@recorded
class Whitening(nn.Conv2d):
    """A first convolution of small patches, that `whiten` fills and fixes.

    Each direction of variation among patches has two filters, of both signs.
    """

    is_filled = False
    """Whether it keeps what it was filled with, as one that was pretrained does."""

    def __init__(self, c_in: int, kernel: int = 2, stride: int = 1) -> None:
        super().__init__(c_in, 2 * c_in * kernel**2, kernel, stride)


@recorded
class ConvBlock(nn.Sequential):
    """Convolution, perhaps a pooling to half the size, normalisation, activation."""

    def __init__(self, c_in: int, c_out: int, pools: bool = False, activation: str = "gelu") -> None:
        super().__init__(
            DiracConv(c_in, c_out),
            *([nn.MaxPool2d(2)] if pools else []),
            ShiftNorm(c_out),
            ACTIVATIONS[activation](),
        )


def whiten(network: nn.Module, images: Tensor) -> None:
    """Fill the first convolution of a plain network from training images, and fix it; others are left as they are.

    The filters are the eigenvectors of the covariance of all patches, divided by the standard deviations along them,
    once with each sign, so that what they give is uncorrelated and of one size.

    Parameters
    ----------
    network : nn.Module
        Any network.
    images : Tensor of shape (n_images, n_channels, height, width)
        As the network is to get them.
    """
    for layer in network.modules():
        if isinstance(layer, Whitening) and not layer.is_filled:
            kernel = layer.kernel_size[0]
            shown = images[:MOST_IMAGES].to(layer.weight.device, torch.float32)
            patches = F.unfold(shown, kernel, stride=kernel).transpose(1, 2).flatten(0, 1).double()
            values, vectors = torch.linalg.eigh(torch.cov(patches.T))
            # What hardly varies would be blown up: the floor is a small share of the mean variance.
            filters = (vectors / (values.clamp(min=0) + 5e-4 * values.mean() + 1e-12).sqrt()).T
            filters = filters.reshape(-1, *layer.weight.shape[1:])
            with torch.no_grad():
                layer.weight.copy_(torch.cat([filters, -filters]))
            layer.weight.requires_grad_(False)


def plain_body(body: Candidate, shape: ImageShape, drop_path: float = 0.0) -> tuple[nn.Sequential, int]:
    """Build a plain network up to its features.

    Returns
    -------
    nn.Sequential
    int
        How many features it gives.
    """
    settings = settings_of(body)
    activation, stride = settings["activation"], settings["stem_stride"]
    sides = (shape.height, shape.width)
    stem: nn.Sequential
    if settings["whitening"]:
        first = Whitening(shape.channels, stride=stride)
        width = first.out_channels
        stem = nn.Sequential(first, ACTIVATIONS[activation]())
        side = min((side - first.kernel_size[0]) // stride + 1 for side in sides)
    else:
        width, kernel = settings["stem_width"], settings["stem_kernel"]
        conv = nn.Conv2d(shape.channels, width, kernel, stride, kernel // 2, bias=False)
        stem = nn.Sequential(conv, ShiftNorm(width), ACTIVATIONS[activation]())
        side = min(-(-side // stride) for side in sides)
    groups: list[nn.Module] = []
    for number in range(settings["groups"]):
        pools, c_out = side >= LEAST_SIDE, settings[f"width_{number}"]
        later: list[nn.Module] = [ConvBlock(c_out, c_out, activation=activation) for _ in range(settings["convs"] - 1)]
        if settings["residual"] and later:
            rate = round(drop_path * (number + 1) / settings["groups"], 4)
            later = [Residual(nn.Sequential(*later), rate)]
        groups.append(nn.Sequential(ConvBlock(width, c_out, pools, activation), *later))
        width, side = c_out, side // 2 if pools else side
    return nn.Sequential(stem, *groups, nn.AdaptiveMaxPool2d(1), nn.Flatten()), width
