"""The operations that networks for images are made of, under the names that the papers give them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from inspect import signature
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Kind = TypeVar("Kind", bound=type[nn.Module])

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}


def is_plain(value: Any) -> bool:
    """Tell whether a value is made of numbers, strings, lists and dictionaries alone."""
    if isinstance(value, dict):
        return all(map(is_plain, value)) and all(map(is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def recorded(kind: Kind) -> Kind:
    """Let the modules of a class keep the plain values they are built with, as `arguments`.

    What is not plain, a submodule, must be kept as an attribute under the parameter's name. From both, `source.py`
    writes down the expression that builds the module again.

    Examples
    --------
    >>> ReLUConvNorm(8, 16, stride=2).arguments
    {'c_in': 8, 'c_out': 16, 'stride': 2}
    """
    build = kind.__init__
    parameters = signature(build)

    @wraps(build)
    def init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        bound = parameters.bind(self, *args, **kwargs).arguments
        self.__dict__["arguments"] = {name: value for name, value in bound.items() if is_plain(value)}

    kind.__init__ = init  # type: ignore[method-assign]
    return kind


def same(kernel: int, dilation: int = 1) -> int:
    """Return the padding that keeps the size of a map."""
    return dilation * (kernel // 2)


@recorded
class ConvNorm(nn.Sequential):
    """Convolution, normalisation, activation: the order of plain networks; without activation where it is empty."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int = 3, stride: int = 1, groups: int = 1, activation: str = ""
    ) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel, stride, same(kernel), groups=groups, bias=False),
            nn.BatchNorm2d(c_out),
            *([ACTIVATIONS[activation]()] if activation else []),
        )


@recorded
class ReLUConvNorm(nn.Sequential):
    """ReLU, convolution, normalisation: the order of the cells of NASNet and NAS-Bench-201."""

    def __init__(self, c_in: int, c_out: int, kernel: int = 1, stride: int = 1, dilation: int = 1) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(c_in, c_out, kernel, stride, same(kernel, dilation), dilation, bias=False),
            nn.BatchNorm2d(c_out),
        )


@recorded
class FactorizedConv(nn.Sequential):
    """A wide kernel as a row and then a column, each after a ReLU and before a normalisation."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(c_in, c_out, (1, kernel), (1, stride), (0, same(kernel)), bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(),
            nn.Conv2d(c_out, c_out, (kernel, 1), (stride, 1), (same(kernel), 0), bias=False),
            nn.BatchNorm2d(c_out),
        )


@recorded
class SeparableConv(nn.Sequential):
    """ReLU, a depthwise and a pointwise convolution, normalisation; all of it as many times as asked for."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1, dilation: int = 1, times: int = 1) -> None:
        layers: list[nn.Module] = []
        for _ in range(times):
            layers += [
                nn.ReLU(),
                nn.Conv2d(c_in, c_in, kernel, stride, same(kernel, dilation), dilation, groups=c_in, bias=False),
                nn.Conv2d(c_in, c_out, 1, bias=False),
                nn.BatchNorm2d(c_out),
            ]
            c_in, stride = c_out, 1
        super().__init__(*layers)


@recorded
class FactorizedReduction(nn.Module):
    """Halve a map without losing every second place: two strided 1x1 convolutions, one shifted by a pixel."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(c_in, c_out // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(c_in, c_out - c_out // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of half the size, rounded up."""
        x = F.relu(x)
        shifted = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.norm(torch.cat([self.even(x), self.odd(shifted)], dim=1))


@recorded
class Zero(nn.Module):
    """Nothing: a map of zeros."""

    def __init__(self, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.c_out = c_out
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros of the size that the other operations give."""
        height, width = (-(-side // self.stride) for side in x.shape[2:])
        return x.new_zeros(len(x), self.c_out, height, width)


@recorded
class DropPath(nn.Module):
    """Leave out a path for some images of a training batch (Larsson et al., "FractalNet", 2017).

    The rate is multiplied by `share`, which NASNet lets grow from 0 to 1 in the course of the training.
    """

    def __init__(self, rate: float = 0.0) -> None:
        super().__init__()
        self.rate = rate
        self.share = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """Return the map, zero for the images that are left out and larger for the others."""
        rate = self.rate * self.share
        if rate == 0.0 or not self.training:
            return x
        kept = torch.rand(len(x), 1, 1, 1, device=x.device) >= rate
        return x * (kept / (1.0 - rate)).to(x.dtype)


@recorded
class Residual(nn.Module):
    """Add what a path computes to what it reads."""

    def __init__(self, path: nn.Module, drop_path: float = 0.0) -> None:
        super().__init__()
        self.path = path
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        return x + self.drop_path(self.path(x))


@recorded
class SqueezeExcitation(nn.Module):
    """Weigh the channels by what their means over the whole map say (Hu et al., 2018)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighed channels."""
        return x * self.gate(x)


@recorded
class InvertedResidual(nn.Module):
    """MBConv: widen by 1x1, convolve depthwise, narrow by 1x1 (Sandler et al., "MobileNetV2", 2018)."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int = 3,
        stride: int = 1,
        expansion: int = 6,
        squeeze: bool = False,
        activation: str = "relu",
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        wide = c_in * expansion
        widening = [ConvNorm(c_in, wide, 1, activation=activation)] if expansion > 1 else []
        gate = [SqueezeExcitation(wide, max(4, c_in // 4))] if squeeze else []
        self.path = nn.Sequential(
            *widening,
            ConvNorm(wide, wide, kernel, stride, groups=wide, activation=activation),
            *gate,
            ConvNorm(wide, c_out, 1),
        )
        self.drop_path = DropPath(drop_path)
        self.adds = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        """Return the narrow map, added to what was read where both have one shape."""
        narrow = self.path(x)
        return x + self.drop_path(narrow) if self.adds else narrow


Build = Callable[[int, int, int], nn.Module]


@dataclass(frozen=True)
class Operation:
    """An operation by name; all of one stride give maps of one size, so that any two can be added."""

    name: str
    build: Build
    """From the channels that come in, the channels that go out, and the stride (1 or 2)."""


def _reduction(c_in: int, c_out: int, stride: int) -> nn.Module:
    return FactorizedReduction(c_in, c_out) if stride > 1 else ReLUConvNorm(c_in, c_out)


def _skip(c_in: int, c_out: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 and c_in == c_out else _reduction(c_in, c_out, stride)


def _pool(kind: str, kernel: int, c_in: int, c_out: int, stride: int) -> nn.Module:
    pool: nn.Module
    if kind == "max":
        pool = nn.MaxPool2d(kernel, stride, same(kernel))
    else:
        pool = nn.AvgPool2d(kernel, stride, same(kernel), count_include_pad=False)
    return pool if c_in == c_out else nn.Sequential(pool, ReLUConvNorm(c_in, c_out))


def _conv(kernel: int, dilation: int, c_in: int, c_out: int, stride: int) -> nn.Module:
    return ReLUConvNorm(c_in, c_out, kernel, stride, dilation)


def _factorized(kernel: int, c_in: int, c_out: int, stride: int) -> nn.Module:
    return FactorizedConv(c_in, c_out, kernel, stride)


def _separable_twice(kernel: int, c_in: int, c_out: int, stride: int) -> nn.Module:
    return SeparableConv(c_in, c_out, kernel, stride, times=2)


def _dilated_separable(kernel: int, c_in: int, c_out: int, stride: int) -> nn.Module:
    return SeparableConv(c_in, c_out, kernel, stride, dilation=2)


def _mbconv(kernel: int, expansion: int, c_in: int, c_out: int, stride: int) -> nn.Module:
    return InvertedResidual(c_in, c_out, kernel, stride, expansion)


_ALL = (
    # NAS-Bench-201 (Dong and Yang, 2020)
    Operation("none", lambda c_in, c_out, stride: Zero(c_out, stride)),
    Operation("skip", _skip),
    Operation("conv1x1", partial(_conv, 1, 1)),
    Operation("conv3x3", partial(_conv, 3, 1)),
    Operation("avg_pool3x3", partial(_pool, "avg", 3)),
    # NASNet (Zoph et al., 2018); its identity is `skip`
    Operation("conv_3x1_1x3", partial(_factorized, 3)),
    Operation("conv_7x1_1x7", partial(_factorized, 7)),
    Operation("conv_3x3_dilated", partial(_conv, 3, 2)),
    Operation("avg_pool_3x3", partial(_pool, "avg", 3)),
    Operation("max_pool_3x3", partial(_pool, "max", 3)),
    Operation("max_pool_5x5", partial(_pool, "max", 5)),
    Operation("max_pool_7x7", partial(_pool, "max", 7)),
    Operation("conv_1x1", partial(_conv, 1, 1)),
    Operation("conv_3x3", partial(_conv, 3, 1)),
    Operation("sep_conv_3x3", partial(_separable_twice, 3)),
    Operation("sep_conv_5x5", partial(_separable_twice, 5)),
    Operation("sep_conv_7x7", partial(_separable_twice, 7)),
    # AmoebaNet (Real et al., 2019) and DARTS (Liu et al., 2019): separable and dilated
    Operation("dil_conv_3x3", partial(_dilated_separable, 3)),
    Operation("dil_conv_5x5", partial(_dilated_separable, 5)),
    Operation("factorized_reduction", _reduction),
    # MobileNetV2 and its followers: kernel and expansion
    Operation("mbconv_3x3_e3", partial(_mbconv, 3, 3)),
    Operation("mbconv_3x3_e6", partial(_mbconv, 3, 6)),
    Operation("mbconv_5x5_e3", partial(_mbconv, 5, 3)),
    Operation("mbconv_5x5_e6", partial(_mbconv, 5, 6)),
)

OPERATIONS: dict[str, Operation] = {one.name: one for one in _ALL}
"""Every operation by its name."""
