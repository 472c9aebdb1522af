"""What a pretrained network leaves in a saved model: features for heads, or a network that was trained on.

No pickle, and no torch at the top: the catalogue reads this file at every start.
"""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.component import BuildContext, Component, ComponentKind
from tamis.core.errors import CorruptArtefactError, ParameterError
from tamis.neural.language.shapes import ImageShape
from tamis.neural.members import ABOUT, WEIGHTS, NetworkMember
from tamis.neural.members import load as load_plain

FEATURES, FINE_TUNED = "backbone_features", "fine_tuned"
"""The names of the two components."""

BACKBONE, SCALES = "backbone.safetensors", "scales.npz"


class BackboneFeatures:
    """Turns decoded images into standardised features of a pretrained network.

    Parameters
    ----------
    backbone : bytes
        As `tamis.neural.backbones.kept.pack_backbone` writes it.
    shape : ImageShape
        Of the images that come.
    sides : tuple of int
        At which heights and widths the backbone sees each.
    mirror : bool
        Whether mirror images are seen too.
    centre, width : ndarray of shape (n_features,)
        What is subtracted from the features, and what they are divided by.
    """

    def __init__(
        self,
        backbone: bytes,
        shape: ImageShape,
        sides: tuple[int, ...],
        mirror: bool,
        *,
        centre: np.ndarray,
        width: np.ndarray,
    ) -> None:
        self.backbone = backbone
        self.shape = shape
        self.sides = sides
        self.mirror = mirror
        self.centre = centre
        self.width = width
        self._network: Any = None

    def network(self) -> Any:
        """Return the `tamis.neural.transfer.FeatureNetwork`, built when it is first asked for."""
        if self._network is None:
            from tamis.neural.transfer import Views, feature_network

            self._network, _ = feature_network(self.backbone, self.shape, Views(self.sides, self.mirror))
        return self._network

    def transform(self, pixels: Any) -> np.ndarray:
        """Return features (n_images, n_features) of decoded images (`tamis.data.pixels.Pixels`)."""
        from tamis.neural.transfer import extract

        wanted = (self.shape.height, self.shape.width, self.shape.channels)
        if pixels.values.shape[1:] != wanted:
            raise ParameterError(f"Images must have the shape {wanted}; got {pixels.values.shape[1:]}.")
        return self.standardised(extract(self.network(), pixels.values))

    def standardised(self, features: np.ndarray) -> np.ndarray:
        """Bring features to the scale that heads are fitted on."""
        return np.asarray((features - self.centre) / self.width, dtype=np.float32)

    def files(self) -> dict[str, bytes]:
        """Return what a container is to hold."""
        buffer = io.BytesIO()
        np.savez(buffer, centre=self.centre, width=self.width)
        about = {"shape": vars(self.shape), "sides": list(self.sides), "mirror": self.mirror}
        return {BACKBONE: self.backbone, SCALES: buffer.getvalue(), ABOUT: json.dumps(about).encode()}


def load_features(files: Mapping[str, bytes]) -> BackboneFeatures:
    """Read what `BackboneFeatures.files` wrote; no code is run.

    Raises
    ------
    CorruptArtefactError
        Where something is missing or damaged.
    """
    try:
        about = json.loads(files[ABOUT])
        scales = np.load(io.BytesIO(files[SCALES]), allow_pickle=False)
        sides = tuple(int(side) for side in about["sides"])
        return BackboneFeatures(
            files[BACKBONE], ImageShape(**about["shape"]), sides, bool(about["mirror"]),
            centre=scales["centre"], width=scales["width"],
        )  # fmt: skip
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptArtefactError(f"A stored backbone cannot be read: {error!r}.") from error


class FineTunedMember(NetworkMember):
    """A pretrained network that was trained on, with its head.

    Parameters
    ----------
    tree : Candidate
        `network(backbone(...))`.
    shape, n_outputs, weights
        As of a `NetworkMember`.
    spec : mapping
        The backbone's, as `BackboneSpec.to_json` gives it.
    """

    def __init__(
        self, tree: Candidate, shape: ImageShape, n_outputs: int, weights: bytes, *, spec: Mapping[str, Any]
    ) -> None:
        super().__init__(tree, shape, n_outputs, weights)
        self.spec = spec

    def module(self) -> Any:
        """Return the network as a torch module with its weights, in evaluation mode."""
        if self._module is None:
            from tamis.neural.backbones.building import build_backbone
            from tamis.neural.backbones.spec import BackboneSpec
            from tamis.neural.training.batches import Scaling
            from tamis.neural.training.weights import load_weights
            from tamis.neural.transfer import FeatureNetwork, TransferNetwork

            state, meta = load_weights(self.weights)
            spec = BackboneSpec.from_json(self.spec)
            features = FeatureNetwork(spec, build_backbone(spec), self.shape, views_of(self.tree.children[0]))
            module = TransferNetwork(features, len(state["centre"]), self.n_outputs)
            module.load_state_dict(state)
            self._module, self._scaling = module.eval(), Scaling.from_json(meta["scaling"])
        return self._module

    def files(self) -> dict[str, bytes]:
        """Return what a container is to hold."""
        about = {"tree": self.tree.to_json(), "shape": vars(self.shape), "n_outputs": self.n_outputs}
        return {WEIGHTS: self.weights, ABOUT: json.dumps({**about, "backbone": dict(self.spec)}).encode()}


def views_of(node: Candidate) -> Any:
    """Return the `tamis.neural.transfer.Views` that a node `backbone` or `backbone_features` states."""
    from tamis.neural.transfer import Views

    settings = node.settings
    return Views(tuple(int(side) for side in settings["sides"]), bool(settings.get("mirror", False)))


def load_fine_tuned(files: Mapping[str, bytes]) -> FineTunedMember:
    """Read what `FineTunedMember.files` wrote; no code is run.

    Raises
    ------
    CorruptArtefactError
        Where something is missing or damaged.
    """
    try:
        about = json.loads(files[ABOUT])
        return FineTunedMember(
            Candidate.from_json(about["tree"]), ImageShape(**about["shape"]), int(about["n_outputs"]), files[WEIGHTS],
            spec=about["backbone"],
        )  # fmt: skip
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptArtefactError(f"A stored network cannot be read: {error!r}.") from error


def load_network(meta: Mapping[str, Any], files: Mapping[str, bytes]) -> NetworkMember:
    """Read the network of a stored part, of either kind."""
    return load_fine_tuned(files) if meta.get("component") == FINE_TUNED else load_plain(files)


def as_network(features: BackboneFeatures, weight: np.ndarray, bias: np.ndarray) -> FineTunedMember:
    """Return frozen features with a linear head as one network.

    Parameters
    ----------
    features : BackboneFeatures
    weight, bias : ndarray of shape (n_outputs, n_features) and (n_outputs,)
        On standardised features.
    """
    import torch

    from tamis.neural.backbones.kept import read_spec
    from tamis.neural.training.weights import dump_weights
    from tamis.neural.transfer import PIXELS, TransferNetwork

    network = TransferNetwork(features.network(), len(features.centre), len(weight))
    with torch.no_grad():
        network.centre.copy_(torch.from_numpy(features.centre))
        network.width.copy_(torch.from_numpy(features.width))
        network.head.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        network.head.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias)))
    body = Candidate.of("backbone", {"sides": list(features.sides), "mirror": features.mirror})
    head = Candidate.of("network", {"shift": 0.0}, body)
    spec = read_spec(features.backbone).to_json()
    weights = dump_weights(network, {"scaling": PIXELS.to_json()})
    return FineTunedMember(head, features.shape, len(weight), weights, spec=spec)


def _build(parameters: Mapping[str, Any], context: BuildContext) -> Any:
    raise ParameterError("A pretrained network for images is used by a run on images; tables do not take it.")


COMPONENTS = (
    Component(
        name=FEATURES,
        kind=ComponentKind.NETWORK,
        build=_build,
        extra="neural",
        module="torch",
        dump=BackboneFeatures.files,
        load=load_features,
        summary="Features of a pretrained network, from images.",
    ),
    Component(
        name=FINE_TUNED,
        kind=ComponentKind.NETWORK,
        build=_build,
        extra="neural",
        module="torch",
        missing=True,
        dump=FineTunedMember.files,
        load=load_fine_tuned,
        summary="A pretrained network for images that was trained on.",
    ),
)
