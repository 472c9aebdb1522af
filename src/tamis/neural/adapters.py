"""Low-rank adapters: few weights beside those of a pretrained network are trained, and merged into them at the end.

Hu et al., LoRA (2022): what a layer changes by is the product of two thin matrices, of which the second begins at zero.
"""

from collections.abc import Callable, Iterator
from math import sqrt
from typing import Any

from torch import Tensor, nn

SCALE = 2.0
"""By what the product of the two matrices is multiplied: usual for adapters of any rank."""

Layer = nn.Linear | nn.Conv2d


class LowRank(nn.Module):
    """A layer that stays as it is, and what is learned beside it.

    Parameters
    ----------
    base : nn.Linear or nn.Conv2d
        Not one with groups.
    rank : int
    """

    def __init__(self, base: Layer, rank: int) -> None:
        super().__init__()
        self.base = base
        self.down: nn.Module
        self.up: nn.Module
        if isinstance(base, nn.Linear):
            self.down = nn.Linear(base.in_features, rank, bias=False)
            self.up = nn.Linear(rank, base.out_features, bias=False)
        else:
            shape: dict[str, Any] = {
                name: getattr(base, name) for name in ("kernel_size", "stride", "padding", "dilation", "padding_mode")
            }
            self.down = nn.Conv2d(base.in_channels, rank, bias=False, **shape)
            self.up = nn.Conv2d(rank, base.out_channels, 1, bias=False)
        nn.init.kaiming_uniform_(self._weight(self.down), a=sqrt(5))
        nn.init.zeros_(self._weight(self.up))
        self.to(device=base.weight.device, dtype=base.weight.dtype)

    @staticmethod
    def _weight(layer: nn.Module) -> Tensor:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        return weight

    @property
    def weight(self) -> Tensor:
        """The weight of the layer itself, for networks that ask for its type."""
        return self.base.weight

    @property
    def bias(self) -> Tensor | None:
        """The bias of the layer itself."""
        return self.base.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Return what the layer gives, and what is learned beside it."""
        output: Tensor = self.base(inputs) + SCALE * self.up(self.down(inputs))
        return output

    def merged(self) -> Layer:
        """Return the layer with what was learned beside it as a part of its weights."""
        down, up = self._weight(self.down).detach(), self._weight(self.up).detach()
        change = up.flatten(1) @ down.flatten(1)
        self.base.weight.data += SCALE * change.reshape(self.base.weight.shape)
        return self.base


def add_adapters(network: nn.Module, rank: int, where: Callable[[str], bool] = lambda name: True) -> int:
    """Put adapters beside the layers of a network; nothing else of it is trained from here on.

    Parameters
    ----------
    network : nn.Module
    rank : int
        At most; a layer has no higher one than its inputs or outputs allow.
    where : callable
        Tells by the name of a layer whether it gets one.

    Returns
    -------
    int
        How many layers have got one.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> add_adapters(network, rank=2), sum(one.numel() for one in network.parameters() if one.requires_grad)
    (2, 52)
    """
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    found = [(parent, child, layer) for parent, child, layer, name in _layers(network, "") if where(name)]
    for parent, child, layer in found:
        most = min(layer.weight.shape[0], layer.weight[0].numel())
        setattr(parent, child, LowRank(layer, min(rank, most)))
    return len(found)


def _layers(module: nn.Module, inside: str) -> Iterator[tuple[nn.Module, str, Layer, str]]:
    """Yield every layer that can have an adapter: its parent, its name there, itself, and its whole name."""
    for child, layer in module.named_children():
        name = f"{inside}.{child}" if inside else child
        if isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1):
            # PyTorch's own attention computes with the weights of its layers, and never calls them.
            if not isinstance(module, nn.MultiheadAttention):
                yield module, child, layer, name
        else:
            yield from _layers(layer, name)


def merge_adapters(network: nn.Module) -> None:
    """Make what the adapters have learned a part of the weights: the network is then built as it was before.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(4, 3))
    >>> before = list(network.state_dict())
    >>> _ = add_adapters(network, rank=2)
    >>> merge_adapters(network)
    >>> list(network.state_dict()) == before
    True
    """
    for module in list(network.modules()):
        for child, layer in list(module.named_children()):
            if isinstance(layer, LowRank):
                setattr(module, child, layer.merged())
