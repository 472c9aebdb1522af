"""Which parameters go where, at what rates, and what Muon does."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.neural.training.optimizers import BASES, Muon, optimizers, orthogonal
from tamis.neural.training.recipe import OPTIMIZERS, Recipe


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.Conv2d(4, 4, 3, groups=4, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


def no_scaler():
    return torch.amp.GradScaler("cpu", enabled=False)


def learn(net, moved, steps=30):
    images = torch.randn(32, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    targets = (images.mean(dim=(1, 2, 3)) > 0).long()
    losses = []
    for step in range(steps):
        moved.steer(step / steps)
        moved.zero_grad()
        loss = nn.functional.cross_entropy(net(images), targets)
        loss.backward()
        moved.step(no_scaler(), clip=5.0)
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns_and_goes_on_from_its_state(name):
    recipe = Recipe(optimizer=name, learning_rate=30.0 if name == "adamw" else 1.0)
    net = network()
    moved = optimizers(net, recipe, batch=32)
    losses = learn(net, moved)
    assert losses[-1] < 0.8 * losses[0]
    other = network()
    other.load_state_dict(net.state_dict())
    again = optimizers(other, recipe, batch=32)
    again.load(moved.state())
    assert learn(other, again, 3) == learn(net, moved, 3)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_parameter_is_moved_by_one_optimizer_and_none_that_stands_still(name):
    net = network()
    net[6].bias.requires_grad_(False)
    moved = {id(one) for one in optimizers(net, Recipe(optimizer=name), 32).parameters()}
    assert moved == {id(one) for one in net.parameters() if one.requires_grad}


def test_vectors_have_their_own_rate_and_do_not_decay():
    net = network()
    (sgd,) = optimizers(net, Recipe(optimizer="sgd", bias_rate=8.0), batch=256).parts
    matrices, vectors = sgd.param_groups
    assert {one.ndim for one in vectors["params"]} == {1}
    assert vectors["peak"] == 8 * matrices["peak"] == 8 * BASES["sgd"].rate
    assert vectors["weight_decay"] == 0 and matrices["weight_decay"] == BASES["sgd"].decay


def test_rates_follow_the_batch_the_schedule_and_the_factor():
    recipe = Recipe(optimizer="sgd", learning_rate=2.0, warmup=0.2)
    moved = optimizers(network(), recipe, batch=128)
    moved.steer(0.2)
    assert moved.parts[0].param_groups[0]["lr"] == pytest.approx(BASES["sgd"].rate)
    moved.steer(0.6, factor=0.5)
    assert moved.parts[0].param_groups[0]["lr"] == pytest.approx(BASES["sgd"].rate / 4)


def test_muon_takes_dense_filters_and_leaves_depthwise_ones():
    net = network()
    muon, sgd = optimizers(net, Recipe(optimizer="muon"), batch=256).parts
    assert isinstance(muon, Muon) and [id(one) for one in muon.param_groups[0]["params"]] == [id(net[0].weight)]
    assert any(one is net[2].weight for one in sgd.param_groups[0]["params"])


def test_without_filters_muon_is_sgd():
    (sgd,) = optimizers(nn.Linear(2, 2), Recipe(optimizer="muon"), batch=256).parts
    assert isinstance(sgd, torch.optim.SGD)


@pytest.mark.parametrize("shape", [(8, 20), (20, 8)])
def test_orthogonal_brings_all_singular_values_near_one(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert torch.linalg.svdvals(matrix).min() < 0.5 * torch.linalg.svdvals(matrix).max()
    values = torch.linalg.svdvals(orthogonal(matrix, steps=5))
    assert values.min() > 0.6 and values.max() < 1.3


def test_muon_keeps_the_length_of_filters_and_skips_those_without_gradient():
    moved, still = nn.Parameter(torch.randn(4, 3, 3, 3)), nn.Parameter(torch.ones(4, 3, 3, 3))
    length, before = moved.norm().item(), moved.detach().clone()
    muon = Muon([moved, still], lr=0.01, momentum=0.6)
    for _ in range(50):
        moved.grad = torch.randn(4, 3, 3, 3)
        muon.step()
    assert moved.norm().item() == pytest.approx(length, rel=0.05)
    assert (moved - before).norm() > 0.01 * length
    assert torch.equal(still, torch.ones(4, 3, 3, 3))


def test_muon_lets_empty_filters_grow():
    filters = nn.Parameter(torch.zeros(4, 3, 3, 3))
    muon = Muon([filters], lr=0.1, momentum=0.6)
    for _ in range(2):
        filters.grad = torch.randn(4, 3, 3, 3)
        muon.step()
    assert filters.norm().item() == pytest.approx(2.0, rel=0.2)


def test_a_rate_of_muon_means_the_same_share_of_filters_of_any_length():
    gradient = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    shares = []
    for length in (0.1, 10.0):
        filters = nn.Parameter(length * torch.ones(4, 3, 3, 3))
        filters.grad = gradient.clone()
        Muon([filters], lr=0.1, momentum=0.6).step()
        shares.append(((filters - length) / length).norm().item())
    assert shares[0] == pytest.approx(shares[1], rel=1e-4) and shares[0] > 0.01
