"""Zero-cost proxies: what a network that was never trained tells about how well it would learn.

On NAS-Bench-201 the sum of the ranks of the two proxies orders networks better than twelve epochs of training do; among
the best fifth neither says much, so they serve to put aside the worst.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from math import isfinite, nan

import torch
from scipy.stats import rankdata
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tamis.neural.language.shapes import ImageShape

NORMS = (_BatchNorm, nn.GroupNorm, nn.LayerNorm)
PROXIES = ("synflow", "jacov")
JACOV_SHIFT = 1e-5
"""The paper's k, which keeps the logarithm of a small eigenvalue finite."""


def synflow(network: nn.Module, shape: ImageShape) -> float:
    """Return how much flows through all weights, by magnitude (Tanaka et al., "Pruning neural networks", 2020).

    The sum over all weights of |weight x gradient| where every weight is replaced by its magnitude, biases and
    normalisation are left out and the input is all ones. No data are needed; it is computed in double precision on a
    copy, for the products of many layers soon leave the range of single precision.

    Parameters
    ----------
    network : torch.nn.Module
        With weights as they were drawn. It is not changed.
    shape : ImageShape
        The shape of one image.

    Returns
    -------
    float
        Higher is better; not a number where nothing flows, or too much for a double.

    Examples
    --------
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> _ = nn.init.constant_(layer.weight, -3.0)
    >>> synflow(nn.Sequential(nn.Flatten(), layer), ImageShape(2, 1, 1))
    6.0
    """
    copy = _without_norms(deepcopy(network)).double().eval()
    device = next(copy.parameters()).device
    with torch.no_grad():
        for name, tensor in copy.named_parameters():
            tensor.copy_(torch.zeros_like(tensor) if name.split(".")[-1] == "bias" else tensor.abs())
    weights = [one for one in copy.parameters() if one.requires_grad]
    ones = torch.ones(1, shape.channels, shape.height, shape.width, dtype=torch.float64, device=device)
    with torch.enable_grad(), torch.autocast(device.type, enabled=False):
        gradients = torch.autograd.grad(copy(ones).sum(), weights, allow_unused=True)
    pairs = zip(weights, gradients, strict=True)
    flow = sum(float((weight.detach() * gradient).abs().sum()) for weight, gradient in pairs if gradient is not None)
    return flow if isfinite(flow) and flow > 0 else nan


def _without_norms(module: nn.Module) -> nn.Module:
    """Put the identity where a module normalises."""
    if isinstance(module, NORMS):
        return nn.Identity()
    for name, child in module.named_children():
        setattr(module, name, _without_norms(child))
    return module


def jacov(network: nn.Module, images: Tensor, seed: int = 0) -> float:
    """Return how differently a network reacts to different images (Mellor et al., "NAS without training", 2020).

    The score of the paper's first version. The rows of the Jacobian, one for each image, are correlated; the less alike
    they are, the more images the network can tell apart. The score is minus the sum of log(v + k) + 1 / (v + k) over
    the eigenvalues v of the correlations.

    Parameters
    ----------
    network : torch.nn.Module
        With weights as they were drawn. It is not changed, nor are the statistics of its normalisation.
    images : torch.Tensor
        A batch, as the network takes it: at least two.
    seed : int
        Of what the network draws while it computes (dropout).

    Returns
    -------
    float
        Higher is better; not a number where the network does not react to an image at all.
    """
    copy = deepcopy(network).float().train()
    device = next(copy.parameters()).device
    given = images.detach().to(device, torch.float32).requires_grad_()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.enable_grad(), torch.autocast(device.type, enabled=False):
        torch.manual_seed(seed)
        (gradient,) = torch.autograd.grad(copy(given).sum(), given, allow_unused=True)
    if gradient is None:
        return nan
    rows = gradient.reshape(len(gradient), -1).double().cpu()
    rows = rows - rows.mean(dim=1, keepdim=True)
    length = rows.norm(dim=1, keepdim=True)
    if not bool(torch.isfinite(rows).all()) or bool((length == 0).any()):
        return nan
    rows = rows / length
    values = torch.linalg.eigvalsh(rows @ rows.T).clamp(min=0.0) + JACOV_SHIFT
    return -float((values.log() + 1.0 / values).sum())


def rank_scores(measured: Sequence[Mapping[str, float | None] | None]) -> list[float | None]:
    """Return for every network the sum of its ranks by the two proxies, None for one of which either is missing.

    Examples
    --------
    >>> rank_scores([{"synflow": 1e3, "jacov": -9.0}, {"synflow": 2.0, "jacov": -5.0}, None])
    [3.0, 3.0, None]
    """
    rows = [[(one or {}).get(name) for name in PROXIES] for one in measured]
    valid = [number for number, row in enumerate(rows) if all(value is not None and isfinite(value) for value in row)]
    scores: list[float | None] = [None] * len(rows)
    if valid:
        ranks = rankdata([rows[number] for number in valid], axis=0).sum(axis=1)
        for number, rank in zip(valid, ranks, strict=True):
            scores[number] = float(rank)
    return scores
