"""A trained network as a member of an ensemble: decoded images in, probabilities or values out; saved without pickle.

No torch at the top: the catalogue reads this file at every start.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.component import BuildContext, Component, ComponentKind
from tamis.core.errors import CorruptArtefactError, ParameterError
from tamis.neural.language.shapes import ImageShape

NAME = "network"
WEIGHTS, ABOUT = "weights.safetensors", "network.json"


class NetworkMember:
    """A network with what it needs to take raw pixels.

    Parameters
    ----------
    tree : Candidate
        The whole expression, training choices included.
    shape : ImageShape
    n_outputs : int
        Classes, or 1 for a number.
    weights : bytes
        As `tamis.neural.training.weights.dump_weights` writes them; the scaling is among their meta data.
    """

    def __init__(self, tree: Candidate, shape: ImageShape, n_outputs: int, weights: bytes) -> None:
        self.tree = tree
        self.shape = shape
        self.n_outputs = n_outputs
        self.weights = weights
        self._module: Any = None
        self._scaling: Any = None

    def module(self) -> Any:
        """Return the network as a torch module with its weights, in evaluation mode."""
        if self._module is None:
            from tamis.neural.building.network import build_network
            from tamis.neural.training.batches import Scaling
            from tamis.neural.training.weights import load_weights

            state, meta = load_weights(self.weights)
            module = build_network(self.tree, self.shape, self.n_outputs)
            module.load_state_dict(state)
            self._module, self._scaling = module.eval(), Scaling.from_json(meta["scaling"])
        return self._module

    @property
    def scaling(self) -> Any:
        """The `tamis.neural.training.batches.Scaling` of pixels and of targets."""
        self.module()
        return self._scaling

    def predict_proba(self, pixels: np.ndarray) -> np.ndarray:
        """Return class probabilities of uint8 images (n, height, width, channels): shape (n, n_classes)."""
        from tamis.neural.training.predicting import softmax

        return softmax(self._outputs(pixels))

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        """Return the values of uint8 images (n, height, width, channels): shape (n,)."""
        return np.asarray(self._outputs(pixels)[:, 0], dtype=np.float64)

    def _outputs(self, pixels: np.ndarray) -> np.ndarray:
        """Return logits, or values in the unit of the targets."""
        from tamis.neural.training.batches import ImageData
        from tamis.neural.training.device import inference_setup
        from tamis.neural.training.predicting import TTA, predict_logits
        from tamis.neural.training.recipe import Recipe

        wanted = (self.shape.height, self.shape.width, self.shape.channels)
        if pixels.shape[1:] != wanted:
            raise ParameterError(f"Images must have the shape {wanted}; got {pixels.shape[1:]}.")
        module, recipe = self.module(), Recipe.from_settings(self.tree.settings)
        data = ImageData(pixels, scaling=self.scaling)
        setup = inference_setup()
        return predict_logits(setup.place(module), data, setup, tta=TTA.of(recipe))

    def files(self) -> dict[str, bytes]:
        """Return what a container is to hold."""
        about = {"tree": self.tree.to_json(), "shape": vars(self.shape), "n_outputs": self.n_outputs}
        return {WEIGHTS: self.weights, ABOUT: json.dumps(about).encode()}


def load(files: Mapping[str, bytes]) -> NetworkMember:
    """Read what `NetworkMember.files` wrote; no code is run.

    Raises
    ------
    CorruptArtefactError
        Where something is missing or damaged.
    """
    try:
        about = json.loads(files[ABOUT])
        return NetworkMember(
            Candidate.from_json(about["tree"]), ImageShape(**about["shape"]), int(about["n_outputs"]), files[WEIGHTS]
        )
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptArtefactError(f"A stored network cannot be read: {error!r}.") from error


def _build(parameters: Mapping[str, Any], context: BuildContext) -> Any:
    raise ParameterError("A network for images is trained by a run on images; it is no part of a pipeline for tables.")


COMPONENTS = (
    Component(
        name=NAME,
        kind=ComponentKind.NETWORK,
        build=_build,
        extra="neural",
        module="torch",
        missing=True,  # pixels are always there
        dump=NetworkMember.files,
        load=load,
        summary="A network for images.",
    ),
)
