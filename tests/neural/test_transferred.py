"""What a pretrained network leaves in a saved model."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.candidate import Candidate
from tamis.core.errors import CorruptArtefactError, ParameterError
from tamis.data.pixels import Pixels
from tamis.neural.backbones.kept import own_backbone, read_spec
from tamis.neural.language.shapes import ImageShape
from tamis.neural.training.weights import dump_weights
from tamis.neural.transfer import PIXELS, Views, transfer_network
from tamis.neural.transferred import (
    FINE_TUNED,
    BackboneFeatures,
    FineTunedMember,
    as_network,
    load_features,
    load_fine_tuned,
    load_network,
)

SHAPE = ImageShape(3, 32, 32)
IMAGES = np.random.default_rng(0).integers(255, size=(5, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def features():
    """Features of our own backbone at one side, as they are."""
    made = BackboneFeatures(own_backbone(), SHAPE, (32,), True, centre=np.zeros(1, np.float32), width=np.ones(1))
    n_features = made.transform(Pixels(IMAGES)).shape[1]
    centre = np.full(n_features, 0.1, np.float32)
    return BackboneFeatures(own_backbone(), SHAPE, (32,), True, centre=centre, width=centre + 1)


def test_features_come_back_from_their_files(features):
    again = load_features(features.files())
    assert np.array_equal(again.transform(Pixels(IMAGES)), features.transform(Pixels(IMAGES)))
    with pytest.raises(ParameterError, match="shape"):
        features.transform(Pixels(IMAGES[:, :30]))
    files = features.files()
    del files["scales.npz"]
    with pytest.raises(CorruptArtefactError):
        load_features(files)


def test_a_linear_head_on_features_is_one_network(features):
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=(3, len(features.centre))).astype(np.float32), np.ones(3, np.float32)
    logits = features.transform(Pixels(IMAGES)) @ weight.T + bias
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    network = as_network(features, weight, bias)
    assert np.allclose(network.predict_proba(IMAGES), expected / expected.sum(axis=1, keepdims=True), atol=1e-4)


def test_a_network_that_was_trained_on_comes_back_from_its_files():
    network = transfer_network(own_backbone(), SHAPE, Views((32,)), 2)
    torch.nn.init.normal_(network.head.weight)
    tree = Candidate.of("network", {"flip": True}, Candidate.of("backbone", {"backbone": "small", "sides": [32]}))
    weights = dump_weights(network, {"scaling": PIXELS.to_json()})
    member = FineTunedMember(tree, SHAPE, 2, weights, spec=read_spec(own_backbone()).to_json())
    again = load_network({"component": FINE_TUNED}, member.files())
    assert isinstance(again, FineTunedMember)
    assert np.array_equal(again.predict_proba(IMAGES), member.predict_proba(IMAGES))
    with pytest.raises(CorruptArtefactError):
        load_fine_tuned({"weights.safetensors": weights})
