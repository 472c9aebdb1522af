"""Tests of a model as one torch module."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.ensemble.calibration import Calibrator
from tamis.neural.building.network import build_network
from tamis.neural.deployed import Deployed, outputs_for
from tamis.neural.language.genotypes import BEST_EDGES
from tamis.neural.language.shapes import ImageShape
from tamis.neural.members import NetworkMember
from tamis.neural.training.device import inference_setup
from tamis.neural.training.predicting import TTA, predict_logits, softmax
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.weights import dump_weights

SHAPE = ImageShape(3, 9, 7)
PLAIN = Candidate.of("plain", {"groups": 1, "width_0": 16, "stem_width": 16, "convs": 1})
EDGES = Candidate.of("edge_network", {"width": 16, "repeats": 1, "stages": 2}, BEST_EDGES)


def member(
    body: Candidate, n_outputs: int = 3, seed: int = 0, target: Sequence[float] = (), **training: Any
) -> NetworkMember:
    """A network whose statistics are not those it was born with."""
    torch.manual_seed(seed)
    tree = Candidate.of("network", training, body)
    network = build_network(tree, SHAPE, n_outputs).train()
    network(2 * torch.randn(16, SHAPE.channels, SHAPE.height, SHAPE.width))
    scaling = {"mean": [100.0, 120.0, 140.0], "spread": [50.0, 60.0, 70.0]}
    scaling |= {"target_mean": list(target[:1]), "target_spread": list(target[1:])}
    return NetworkMember(tree, SHAPE, n_outputs, dump_weights(network, {"scaling": scaling}))


def images(n_images: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n_images, 9, 7, 3)).astype(np.uint8)


def pixels_of(shown: np.ndarray) -> np.ndarray:
    """The same as floats with the channels first."""
    return np.ascontiguousarray(shown.transpose(0, 3, 1, 2), dtype=np.float32)


@pytest.mark.parametrize("training", [{}, {"flip": True}, {"shift": 0.0}, {"shift": 0.0, "flip": True}], ids=str)
def test_one_network_gives_logits_of_what_it_predicts(training: dict[str, Any]) -> None:
    one = member(EDGES, **training)
    module = Deployed([one], [1.0])
    assert module.output == "logits"
    assert np.abs(softmax(outputs_for(module, pixels_of(images()))) - one.predict_proba(images())).max() < 1e-5


def test_without_views_each_image_is_looked_at_once() -> None:
    one = member(EDGES, flip=True)
    plain = member(EDGES, shift=0.0)
    found = outputs_for(Deployed([one], [1.0], views=False), pixels_of(images()))
    assert np.abs(softmax(found) - plain.predict_proba(images())).max() < 1e-5
    assert np.abs(softmax(found) - one.predict_proba(images())).max() > 1e-4


def test_several_networks_are_averaged_as_probabilities() -> None:
    one, other = member(EDGES), member(PLAIN, seed=1, flip=True)
    module = Deployed([one, other], [0.25, 0.75])
    assert module.output == "log_probabilities"
    wanted = 0.25 * one.predict_proba(images()) + 0.75 * other.predict_proba(images())
    assert np.abs(np.exp(outputs_for(module, pixels_of(images()))) - wanted).max() < 1e-5


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("method", "parameters", "n_classes"),
    [
        ("temperature", (1.7,), 3),
        ("bias", (0.8, 0.1, -0.2, 0.3), 3),
        ("platt", (1.4, -0.3), 2),
        ("beta", (1.2, 0.7, 0.2), 2),
    ],
)
def test_the_calibration_is_that_of_the_model(
    method: str, parameters: tuple[float, ...], n_classes: int, count: int
) -> None:
    networks = [member(PLAIN, n_classes, seed) for seed in range(count)]
    module = Deployed(networks, [1 / count] * count, calibration=(method, parameters))
    mean = np.mean([one.predict_proba(images()) for one in networks], axis=0)
    wanted = Calibrator(method, parameters).apply(mean)
    assert np.abs(softmax(outputs_for(module, pixels_of(images()))) - wanted).max() < 1e-5


def test_numbers_come_in_the_unit_of_the_targets() -> None:
    one, other = (member(PLAIN, 1, seed, target=(2_000.0, 300.0)) for seed in (0, 1))
    module = Deployed([one, other], [0.4, 0.6], is_classes=False)
    found = outputs_for(module, pixels_of(images()))
    assert module.output == "values" and found.shape == (6,)
    views = TTA.of(Recipe())
    alone = [
        predict_logits(net.module(), images(), inference_setup(), scaling=net.scaling, tta=views)[:, 0]
        for net in (one, other)
    ]
    assert np.allclose(found, 0.4 * alone[0] + 0.6 * alone[1], rtol=1e-5)
    assert found.std() < 300 < found.mean()


def test_pixels_may_lie_between_whole_numbers() -> None:
    module = Deployed([member(PLAIN)], [1.0])
    shown = pixels_of(images())
    low, half, high = (outputs_for(module, shown + step) for step in (0.0, 0.5, 1.0))
    assert not np.array_equal(low, half) and not np.array_equal(half, high)


def test_a_calibration_that_is_not_known_is_refused() -> None:
    module = Deployed([member(PLAIN)], [1.0], calibration=("isotonic", ()))
    with pytest.raises(ParameterError, match="isotonic"):
        outputs_for(module, pixels_of(images()))
