"""Builds the module of a pretrained network from its spec: standardised images in, a row of features out."""

from typing import Any

import torch
from torch import Tensor, nn

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.extras import require
from tamis.neural.backbones.compat import prepare_torchvision
from tamis.neural.backbones.spec import BackboneSpec
from tamis.neural.building.network import build_network
from tamis.neural.building.plain import Whitening
from tamis.neural.language.shapes import ImageShape

EXTRA = "transfer"


class Taps(nn.Module):
    """A plain network that gives the means and the maxima of its last maps: textures beside what is made of them.

    Parameters
    ----------
    body : nn.Sequential
        As `plain_body` builds it; its last two modules, which flatten, are left out.
    n_taps : int
        How many groups are read, counted from the end.
    """

    def __init__(self, body: nn.Sequential, n_taps: int) -> None:
        super().__init__()
        self.body = body
        self.n_taps = n_taps

    def forward(self, images: Tensor) -> Tensor:
        """Return features (n_images, n_features)."""
        maps = images
        layers = list(self.body)[:-2]
        found = []
        for number, layer in enumerate(layers):
            maps = layer(maps)
            if number >= len(layers) - self.n_taps:
                found += [maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))]
        return torch.cat(found, dim=1)


class Headless(nn.Module):
    """A network of ours up to what its last linear map reads."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return features (n_images, n_features)."""
        return self.network.features(images)


class Pooled(nn.Module):
    """A network of the Hugging Face hub: of tokens the first and the mean of the others, of maps the pooled output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return features (n_images, n_features)."""
        outputs = self.network(pixel_values=images)
        last = outputs.last_hidden_state
        if last.ndim == 3:  # the pooler of a transformer is often untrained
            return torch.cat([last[:, 0], last[:, 1:].mean(dim=1)], dim=1)
        pooled = getattr(outputs, "pooler_output", None)
        return last.mean(dim=(2, 3)) if pooled is None else pooled.flatten(1)


def build_backbone(spec: BackboneSpec) -> nn.Module:
    """Build a pretrained network, its weights still drawn at random, in evaluation mode.

    Raises
    ------
    MissingExtraError
        Where its library is not installed.
    ParameterError
        Where the library does not know it.
    """
    return _BUILDERS[spec.library](spec).eval()


def _tamis(spec: BackboneSpec) -> nn.Module:
    """Build one of our own: the small one, or the network of an earlier run."""
    shape = ImageShape(spec.channels, *spec.config["built_for"])
    network: Any = build_network(Candidate.from_json(spec.config["tree"]), shape, int(spec.config.get("n_outputs", 1)))
    for layer in network.modules():
        if isinstance(layer, Whitening):
            layer.is_filled = True  # with what it learned from; a training on other images keeps it
            layer.weight.requires_grad_(False)
    taps = int(spec.config.get("taps", 0))
    return Taps(network.body, taps) if taps else Headless(network)


def _timm(spec: BackboneSpec) -> nn.Module:
    prepare_torchvision()
    timm = require("timm", EXTRA)
    try:
        return timm.create_model(spec.name.split(".")[0], pretrained=False, num_classes=0, **spec.config)
    except RuntimeError as error:
        raise ParameterError(f"timm does not know the model {spec.name!r} ({error}).") from error


def _torchvision(spec: BackboneSpec) -> nn.Module:
    prepare_torchvision()
    models = require("torchvision.models", EXTRA)
    try:
        network = models.get_model(spec.name, weights=None, **spec.config)
    except ValueError as error:
        raise ParameterError(f"torchvision does not know the model {spec.name!r} ({error}).") from error
    return without_head(network)


def without_head(network: Any) -> nn.Module:
    """Put nothing in the place of the last linear map of a model of torchvision."""
    for name in ("fc", "classifier", "heads", "head"):
        head = getattr(network, name, None)
        if isinstance(head, nn.Linear):
            setattr(network, name, nn.Identity())
            return network
        if isinstance(head, nn.Sequential):
            last = max((place for place, one in enumerate(head) if isinstance(one, nn.Linear)), default=None)
            if last is not None:
                head[last] = nn.Identity()
                return network
    raise ParameterError(f"Where {type(network).__name__} ends in classes is not known; choose another model.")


def _huggingface(spec: BackboneSpec) -> nn.Module:
    prepare_torchvision()
    transformers = require("transformers", EXTRA)
    settings = dict(spec.config)
    config = transformers.AutoConfig.for_model(settings.pop("model_type"), **settings)
    return Pooled(transformers.AutoModel.from_config(config))


_BUILDERS = {"tamis": _tamis, "timm": _timm, "torchvision": _torchvision, "huggingface": _huggingface}
