"""Pretrained networks put to work."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch.nn import functional as F

from tamis.neural.backbones.kept import own_backbone
from tamis.neural.language.shapes import ImageShape
from tamis.neural.training.batches import ImageData
from tamis.neural.training.device import Setup
from tamis.neural.training.optimizers import optimizers
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.train import Limit, train
from tamis.neural.transfer import (
    PIXELS,
    Views,
    extract,
    feature_network,
    interpolation,
    solve_head,
    transfer_network,
)

SHAPE = ImageShape(3, 40, 36)


@pytest.fixture(scope="module")
def photos():
    """48 colour images of 40 x 36; those of the second class have a bright square."""
    rng = np.random.default_rng(0)
    y = np.arange(48) % 2
    x = rng.normal(120, 40, size=(48, 40, 36, 3))
    x[y == 1, 12:28, 10:26] += 60
    return x.clip(0, 255).astype(np.uint8), y


@pytest.mark.parametrize(("source", "target"), [(112, 64), (33, 48), (50, 50)])
def test_resizing_is_that_of_torch(source, target):
    line = torch.rand(1, 1, source, 8)
    expected = F.interpolate(line, size=(target, 8), mode="bilinear", antialias=True, align_corners=False)
    assert torch.allclose(interpolation(source, target) @ line[0, 0], expected[0, 0], atol=1e-4)


def test_features_of_several_sides_stand_side_by_side_and_mirror_images_have_the_same(photos):
    network, n_features = feature_network(own_backbone(), SHAPE, Views((32,), mirror=True))
    x, _ = photos
    straight, turned = extract(network, x[:4]), extract(network, np.ascontiguousarray(x[:4, :, ::-1]))
    assert straight.shape == (4, n_features) and np.allclose(straight, turned, atol=2e-3)
    assert feature_network(own_backbone(), SHAPE, Views((32, 48)))[1] == 2 * n_features


def test_grey_images_are_shown_in_colour():
    x = np.random.default_rng(0).integers(255, size=(3, 32, 32, 1), dtype=np.uint8)
    grey, _ = feature_network(own_backbone(), ImageShape(1, 32, 32), Views((32,)))
    colour, _ = feature_network(own_backbone(), ImageShape(3, 32, 32), Views((32,)))
    assert np.allclose(extract(grey, x), extract(colour, np.repeat(x, 3, axis=3)), atol=1e-4)


def test_a_solved_head_tells_the_classes_apart_before_any_training(photos):
    x, y = photos
    network = transfer_network(own_backbone(), SHAPE, Views((32,)), 2)
    solve_head(network, extract(network.backbone, x), y)
    with torch.inference_mode():
        outputs = network.eval()(PIXELS.pixels(torch.from_numpy(x)))
    assert (outputs.argmax(dim=1).numpy() == y).mean() == 1.0


def test_values_are_solved_too(photos):
    x, y = photos
    network = transfer_network(own_backbone(), SHAPE, Views((32,)), 1)
    goal = (2.0 * y - 1.0).astype(np.float32)
    solve_head(network, extract(network.backbone, x), goal)
    with torch.inference_mode():
        outputs = network.eval()(PIXELS.pixels(torch.from_numpy(x)))[:, 0].numpy()
    assert np.corrcoef(outputs, goal)[0, 1] > 0.95


def test_deeper_layers_learn_faster_and_the_first_may_stay_as_they_are():
    network = transfer_network(own_backbone(), SHAPE, Views((32,)), 2)
    network.freeze(0.5)
    moves = optimizers(network, Recipe(optimizer="adamw", layer_decay=0.5), 256)
    peaks = {id(one): group["peak"] for part in moves.parts for group in part.param_groups for one in group["params"]}
    body = [one for one in network.backbone.body.parameters() if one.requires_grad]
    rates = [peaks[id(one)] for one in body]
    assert rates == sorted(rates) and rates[0] < rates[-1] < peaks[id(network.head.weight)]
    frozen = sum(one.numel() for one in network.backbone.body.parameters() if not one.requires_grad)
    assert 0.5 <= frozen / sum(one.numel() for one in network.backbone.body.parameters()) < 0.95


def test_training_on_lowers_the_loss_and_leaves_what_normalisation_has_seen(photos):
    x, y = photos
    network = transfer_network(own_backbone(), SHAPE, Views((32,)), 2)
    solve_head(network, extract(network.backbone, x), y)
    before = {name: one.clone() for name, one in network.named_buffers()}
    first = {name: one.detach().clone() for name, one in network.named_parameters()}
    data = ImageData(x, y, scaling=PIXELS)
    recipe = Recipe(
        optimizer="adamw", learning_rate=0.2, layer_decay=0.75, batch_size=16, label_smoothing=0.0, ema=False
    )
    trained = train(network, data, recipe, limit=Limit(epochs=4), setup=Setup(), valid=data)
    assert trained.score == 1.0
    assert all(torch.equal(one, before[name]) for name, one in network.named_buffers())
    moved = [name for name, one in network.named_parameters() if not torch.equal(one, first[name])]
    fixed = {name for name in first if name not in moved}
    assert fixed == {name for name, one in network.named_parameters() if not one.requires_grad}


def test_adapters_and_the_head_are_trained_alone_and_merged_the_network_is_as_before(photos):
    x, y = photos
    network = transfer_network(own_backbone(), SHAPE, Views((32,)), 2)
    solve_head(network, extract(network.backbone, x), y)
    names = list(network.state_dict())
    first = {name: one.clone() for name, one in network.state_dict().items()}
    network.adapt(4)
    recipe = Recipe(optimizer="adamw", learning_rate=0.2, layer_decay=0.8, batch_size=16, rank=4, label_smoothing=0.0)
    trained = train(network, ImageData(x, y, scaling=PIXELS), recipe, limit=Limit(epochs=2), setup=Setup())
    kept = {name.replace(".base.", "."): one for name, one in network.state_dict().items()}
    assert all(torch.equal(kept[name], one) for name, one in first.items() if not name.startswith("head."))
    tuned, shown = trained.network.eval(), PIXELS.pixels(torch.from_numpy(x))
    with torch.inference_mode():
        before = tuned(shown)
    tuned.merge()
    assert list(tuned.state_dict()) == names
    with torch.inference_mode():
        assert torch.allclose(tuned(shown), before, atol=1e-3)
        assert (before.argmax(dim=1).numpy() == y).mean() > 0.95
