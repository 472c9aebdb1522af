"""Adapters are all that is trained, and become a part of the weights."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.neural.adapters import LowRank, add_adapters, merge_adapters


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=6), nn.BatchNorm2d(6),
        nn.Conv2d(6, 5, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 2),
    ).eval()  # fmt: skip


@pytest.fixture
def images():
    return torch.rand(16, 3, 12, 12)


def trained(network, images, steps=20):
    goal = (images.mean(dim=(1, 2, 3)) > images.mean()).long()
    moved = [one for one in network.parameters() if one.requires_grad]
    optimizer = torch.optim.Adam(moved, lr=0.02)
    losses = []
    for _ in range(steps):
        loss = nn.functional.cross_entropy(network(images), goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_a_network_with_new_adapters_gives_what_it_gave(network, images):
    before = network(images)
    assert add_adapters(network, rank=2) == 3  # not the convolution in groups
    assert torch.equal(network(images), before)


def test_adapters_alone_change_while_training_and_the_loss_falls(network, images):
    before = {name: one.clone() for name, one in network.state_dict().items()}
    add_adapters(network, rank=2)
    losses = trained(network, images)
    assert losses[-1] < losses[0]
    after = {name.replace(".base.", "."): one for name, one in network.state_dict().items()}
    assert all(torch.equal(after[name], one) for name, one in before.items())
    assert any(one.abs().max() > 0 for name, one in after.items() if name.endswith("up.weight"))


def test_merged_it_is_built_as_before_and_gives_the_same(network, images):
    names = list(network.state_dict())
    add_adapters(network, rank=2)
    trained(network, images)
    expected = network(images)
    merge_adapters(network)
    assert list(network.state_dict()) == names and not any(isinstance(one, LowRank) for one in network.modules())
    assert torch.allclose(network(images), expected, atol=1e-5)


def test_layers_are_chosen_by_name_and_attention_of_torch_is_left_alone():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    assert add_adapters(layer, rank=64) == 2  # both of the feed-forward part, none inside the attention
    assert layer.linear1.down.weight.shape == (8, 8) and layer.linear1.weight is layer.linear1.base.weight
    assert layer.linear1.bias is layer.linear1.base.bias
    assert add_adapters(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), 1, where=lambda name: name == "1") == 1
