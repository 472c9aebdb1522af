"""A pretrained network put to work: raw images to features, and a head on top; frozen, or trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.neural.adapters import add_adapters, merge_adapters
from tamis.neural.backbones.kept import unpack_backbone
from tamis.neural.backbones.spec import BackboneSpec
from tamis.neural.language.shapes import ImageShape
from tamis.neural.training.batches import Scaling
from tamis.neural.training.device import Setup, inference_setup
from tamis.neural.training.predicting import predict_logits

LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in grey (ITU-R BT.601)."""

N_DEPTHS = 12
"""Into so many parts of equal size, from the first layer to the last, a backbone is divided where the rate of learning
falls with the depth."""

LEAST_SPREAD = 1e-4

PIXELS = Scaling((0.0,), (255.0,))
"""What the network takes are pixels from 0 to 1; it standardises them as its backbone was taught."""


@dataclass(frozen=True)
class Views:
    """How images are shown to a backbone."""

    sides: tuple[int, ...]
    """The heights and widths at which each is seen; the features stand side by side."""
    mirror: bool = False
    """Whether the features are the mean over the image and its mirror image."""


def interpolation(source: int, target: int) -> Tensor:
    """Return the matrix (target, source) that resizes a line: linear, where it shrinks a mean of what is merged.

    A matrix is exported to any format as it is, and gives the same everywhere.

    Examples
    --------
    >>> interpolation(4, 2)
    tensor([[0.4286, 0.4286, 0.1429, 0.0000],
            [0.0000, 0.1429, 0.4286, 0.4286]])
    """
    scale = max(source / target, 1.0)
    middles = (torch.arange(target, dtype=torch.float64) + 0.5) * source / target - 0.5
    weights = (1 - (torch.arange(source, dtype=torch.float64) - middles[:, None]).abs() / scale).clamp(min=0)
    return (weights / weights.sum(dim=1, keepdim=True)).float()


class FeatureNetwork(nn.Module):
    """A backbone for images of any shape: resizes, standardises, and gives features at several sizes.

    Parameters
    ----------
    spec : BackboneSpec
    body : nn.Module
        From standardised images to features.
    shape : ImageShape
        Of the images that come, pixels from 0 to 1.
    views : Views
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, spec: BackboneSpec, body: nn.Module, shape: ImageShape, views: Views) -> None:
        super().__init__()
        self.body = body
        self.views = views
        self.channels = (shape.channels, spec.channels)
        for name in ("mean", "spread"):
            value = torch.tensor(getattr(spec, name)).view(1, -1, 1, 1)
            self.register_buffer(name, value, persistent=False)
        for number, side in enumerate(views.sides):
            self.register_buffer(f"rows_{number}", interpolation(shape.height, side), persistent=False)
            self.register_buffer(f"columns_{number}", interpolation(shape.width, side).T.contiguous(), persistent=False)

    def train(self, mode: bool = True) -> "FeatureNetwork":
        """Enter a mode; normalisation keeps what it has seen in the pretraining, for a few images tell it little."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Return features (n_images, n_features) of pixels (n_images, channels, height, width) from 0 to 1."""
        found = self._seen(images)
        if self.views.mirror:
            found = (found + self._seen(images.flip(3))) / 2
        return found

    def _seen(self, images: Tensor) -> Tensor:
        given, wanted = self.channels
        if given == 1 and wanted == 3:
            images = images.expand(-1, 3, -1, -1)
        elif given == 3 and wanted == 1:
            images = (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        images = (images - self.mean) / self.spread
        found = []
        for number, side in enumerate(self.views.sides):
            shown = images
            if images.shape[2:] != (side, side):
                rows, columns = getattr(self, f"rows_{number}"), getattr(self, f"columns_{number}")
                shown = rows @ images @ columns
            found.append(self.body(shown))
        return found[0] if len(found) == 1 else torch.cat(found, dim=1)


class TransferNetwork(nn.Module):
    """Features, standardised, and a linear head.

    Parameters
    ----------
    features : FeatureNetwork
    n_features, n_outputs : int
    dropout : float
    """

    centre: Tensor
    width: Tensor

    def __init__(self, features: FeatureNetwork, n_features: int, n_outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = features
        self.register_buffer("centre", torch.zeros(n_features))
        self.register_buffer("width", torch.ones(n_features))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(n_features, n_outputs)

    def features(self, images: Tensor) -> Tensor:
        """Return what the head reads."""
        return (self.backbone(images) - self.centre) / self.width

    def forward(self, images: Tensor) -> Tensor:
        """Return the outputs (n_images, n_outputs)."""
        return self.head(self.dropout(self.features(images)))

    def rates(self, decay: float) -> dict[int, float]:
        """Return by what the rate of each parameter is multiplied, by its `id`: less by `decay` for each part below."""
        parameters = list(self.backbone.body.parameters())
        whole = sum(one.numel() for one in parameters) or 1
        rates, done = {}, 0
        for parameter in parameters:
            depth = min(N_DEPTHS - 1, done * N_DEPTHS // whole)
            rates[id(parameter)] = decay ** (N_DEPTHS - depth)
            done += parameter.numel()
        return rates

    def freeze(self, share: float) -> None:
        """Let the first parts of the backbone be as they are: so much of its weights is not trained."""
        parameters = list(self.backbone.body.parameters())
        whole, done = sum(one.numel() for one in parameters), 0
        for parameter in parameters:
            if done < share * whole:
                parameter.requires_grad_(False)
            done += parameter.numel()

    def adapt(self, rank: int) -> None:
        """Train low-rank adapters and the head alone from here on; a rank of 0 changes nothing."""
        if rank:
            add_adapters(self.backbone.body, rank)

    def merge(self) -> None:
        """Make what the adapters have learned, where there are some, a part of the weights."""
        merge_adapters(self.backbone.body)


def feature_network(content: bytes, shape: ImageShape, views: Views) -> tuple[FeatureNetwork, int]:
    """Build the network of a packed backbone for images of a shape; say how many features it gives."""
    spec, body = unpack_backbone(content)
    network = FeatureNetwork(spec, body, shape, views).eval()
    with torch.inference_mode():
        n_features = network(torch.zeros(1, shape.channels, shape.height, shape.width)).shape[1]
    return network, int(n_features)


def transfer_network(
    content: bytes, shape: ImageShape, views: Views, n_outputs: int, dropout: float = 0.0
) -> TransferNetwork:
    """Build a network on a packed backbone; its head is zero."""
    features, n_features = feature_network(content, shape, views)
    network = TransferNetwork(features, n_features, n_outputs, dropout)
    nn.init.zeros_(network.head.weight)
    nn.init.zeros_(network.head.bias)
    return network


def solve_head(network: TransferNetwork, features: np.ndarray, goal: np.ndarray, seed: int = 0) -> None:
    """Begin with the head that suits the features as they are, so that training on does not spoil them at first.

    Linear probing, then fine-tuning: Kumar et al. (2022).

    Parameters
    ----------
    network : TransferNetwork
    features : ndarray of shape (n_images, n_features)
        Of the images that it will be trained on.
    goal : ndarray of shape (n_images,)
        Codes of classes, or standardised numbers.
    seed : int
    """
    centre, width = features.mean(axis=0), np.maximum(features.std(axis=0), LEAST_SPREAD)
    given = torch.from_numpy(((features - centre) / width).astype(np.float32))
    target = torch.from_numpy(np.ascontiguousarray(goal))
    head = nn.Linear(given.shape[1], network.head.out_features)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    is_classes = not target.is_floating_point()
    # The penalty is that of a ridge with about as many images as features.
    strength = 1e-2 if is_classes else 1e-1
    solver = torch.optim.LBFGS(head.parameters(), max_iter=60, history_size=10, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        outputs = head(given)
        missed = F.cross_entropy(outputs, target) if is_classes else F.mse_loss(outputs[:, 0], target.float())
        total = missed + strength * head.weight.square().sum() / 2
        total.backward()  # type: ignore[no-untyped-call]
        return total

    solver.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        network.centre.copy_(torch.from_numpy(centre))
        network.width.copy_(torch.from_numpy(width))
        network.head.load_state_dict(head.state_dict())


def extract(
    network: FeatureNetwork,
    pixels: Any,
    *,
    batch: int = 64,
    setup: Setup | None = None,
    rows: Sequence[int] | None = None,
) -> np.ndarray:
    """Return the features (n_images, n_features) of uint8 images (n, height, width, channels), a piece at a time.

    Parameters
    ----------
    network : FeatureNetwork
    pixels : ndarray
        May be mapped from a file.
    batch : int
    setup : Setup, optional
        Where and how it is computed; in full precision where the network is, without it.
    rows : sequence of int, optional
    """
    chosen = pixels if rows is None else pixels[np.asarray(rows)]
    setup = setup or inference_setup()
    if not len(chosen):
        return np.empty((0, 0), dtype=np.float32)
    return predict_logits(setup.place(network), chosen, setup, scaling=PIXELS, batch=batch)
