"""Weights and checkpoints as bytes, and the running average."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.core.errors import CorruptArtefactError
from tamis.neural.training.weights import Average, copied, dump_tree, dump_weights, load_tree, load_weights


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))


def test_weights_in_any_layout_come_back_as_they_were():
    network = small().to(memory_format=torch.channels_last)
    state, meta = load_weights(dump_weights(network, {"scaling": {"mean": [1.5]}, "n": 3}))
    assert meta == {"scaling": {"mean": [1.5]}, "n": 3}
    assert state.keys() == network.state_dict().keys()
    assert all(torch.equal(state[name], value) for name, value in network.state_dict().items())


def test_tied_weights_are_written_under_both_names():
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[1].weight = network[0].weight
    state, _ = load_weights(dump_weights(network))
    assert torch.equal(state["0.weight"], state["1.weight"])


@pytest.mark.parametrize("content", [b"", b"12345678", dump_weights(small())[:-4]])
def test_bytes_that_are_no_weights_are_refused(content):
    with pytest.raises(CorruptArtefactError):
        load_weights(content)


def test_weights_are_no_checkpoint():
    with pytest.raises(CorruptArtefactError, match="checkpoint"):
        load_tree(dump_weights(small()))


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_an_optimizers_state_comes_back(optimizer):
    network = small()
    moved = optimizer(network.parameters(), lr=0.1)
    network(torch.ones(2, 2, 4, 4)).sum().backward()
    moved.step()
    saved = load_tree(dump_tree(moved.state_dict()))
    assert saved["param_groups"] == moved.state_dict()["param_groups"]
    for number, state in moved.state_dict()["state"].items():
        for name, value in state.items():
            assert value is None or torch.equal(torch.as_tensor(saved["state"][number][name]), torch.as_tensor(value))


def test_a_tree_without_tensors_is_a_checkpoint_too():
    assert load_tree(dump_tree({"history": [(1.0, None)], "empty": {}})) == {"history": [(1.0, None)], "empty": {}}


def test_a_copied_state_does_not_follow_the_network():
    network = small()
    kept = copied(network.state_dict())
    with torch.no_grad():
        network[0].weight.zero_()
    assert kept["0.weight"].abs().sum() > 0


def test_the_average_begins_as_the_first_weights_and_follows_slowly():
    network = nn.BatchNorm1d(1)
    average = Average(network)
    values = []
    for step in range(2_000):
        with torch.no_grad():
            network.weight.fill_(0.0 if step < 1_000 else 1.0)
            network.running_mean.fill_(step)
        average.update(network, step)
        values.append(average.network.weight.item())
    assert values[999] == 0.0
    assert 0.0 < values[1_010] < 0.5 < values[1_200]
    assert values[-1] > 0.999
    assert 1_900 < average.network.running_mean.item() < 1_999
    assert not average.network.training


def test_the_average_takes_counts_as_they_are():
    network = nn.BatchNorm1d(1)
    average = Average(network)
    for step in range(5):
        network(torch.randn(4, 1))
        average.update(network, step)
    assert average.network.num_batches_tracked.item() == 5
