"""The probe of the machine on a false clock, and what a setup does."""

import json
from math import inf
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.neural.training import device as room
from tamis.neural.training.device import Setup, free_memory, is_out_of_memory, probe


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    monkeypatch.setattr(room, "find_device", lambda: ("cpu", 1))


class Costly(nn.Module):
    """Moves a false clock by what an image costs in the present precision and layout."""

    def __init__(self, costs, now):
        super().__init__()
        self.costs, self.now = costs, now
        self.linear = nn.Linear(1, 1)

    def __deepcopy__(self, memo):
        return Costly(self.costs, self.now)

    def forward(self, images):
        lower = torch.is_autocast_enabled("cpu")
        last = images.is_contiguous(memory_format=torch.channels_last)
        cost = self.costs["bfloat16" if lower else "float32", last]
        if cost is None:
            raise RuntimeError("not implemented for this type")
        self.now[0] += cost * len(images)
        return self.linear(images[:, :1, 0, 0])


WAYS = [("float32", False), ("float32", True), ("bfloat16", False), ("bfloat16", True)]


@pytest.mark.parametrize("quick", WAYS)
def test_the_quickest_way_is_found(quick):
    now = [0.0]
    network = Costly({way: 1e-4 if way == quick else 4e-4 for way in WAYS}, now)
    found = probe(network, (2, 4, 4), 64, seconds=2.0, threads=1, clock=lambda: now[0])
    assert (found.dtype, found.channels_last) == quick
    assert found.images_per_s == pytest.approx(1e4, rel=0.01)
    assert now[0] < 3.0


def test_a_way_that_the_machine_does_not_know_is_left_out():
    now = [0.0]
    costs = {way: 1e-3 if way[0] == "float32" else None for way in WAYS}
    assert probe(lambda: Costly(costs, now), (2, 4, 4), seconds=5, clock=lambda: now[0]).dtype == "float32"


def test_a_slow_machine_is_probed_with_fewer_images():
    now = [0.0]
    costs = {way: 0.5 if way[0] == "float32" else 5.0 for way in WAYS}
    found = probe(Costly(costs, now), (2, 4, 4), 64, seconds=2.0, clock=lambda: now[0])
    assert found.dtype == "float32"
    assert now[0] < 20.0, "one step of 64 images alone would take 32 s"


def test_the_probe_leaves_the_network_as_it_is():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = probe(network, (1, 6, 6), 8, seconds=0.01)
    assert found.images_per_s > 0
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_a_setup_is_json():
    setup = Setup(dtype="bfloat16", channels_last=True, threads=2, images_per_s=12.5)
    assert Setup.from_json(json.loads(json.dumps(setup.to_json()))) == setup


def test_the_number_of_threads_is_given_back():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), Setup(threads=before + 1).active():
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before


def test_networks_and_images_come_into_the_layout():
    setup = Setup(channels_last=True)
    convolution = setup.place(nn.Conv2d(3, 4, 3))
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
    assert setup.feed(torch.zeros(2, 3, 4, 4)).is_contiguous(memory_format=torch.channels_last)
    assert Setup().feed(setup.feed(torch.zeros(2, 3, 4, 4))).is_contiguous()


def test_the_precision_holds_inside_the_context_only():
    linear = nn.Linear(2, 2)
    with Setup(dtype="bfloat16").autocast():
        assert linear(torch.zeros(1, 2)).dtype == torch.bfloat16
    with Setup().autocast():
        assert linear(torch.zeros(1, 2)).dtype == torch.float32


def test_a_card_keeps_the_lower_precision_unless_another_way_is_clearly_faster():
    def rival(dtype, seconds):
        way = SimpleNamespace(setup=Setup(device="cuda", dtype=dtype), best_s=inf)
        way.run = lambda images: seconds
        return way

    def chosen(lower, full):
        rivals = [rival("bfloat16", lower), rival("float32", full)]
        return room._fastest(rivals, torch.zeros(8, 1), 0.0, lambda: 1.0).dtype

    assert chosen(1.2, 1.0) == "bfloat16" and chosen(1.0, 1.2) == "bfloat16"
    assert chosen(1.4, 1.0) == "float32"


def test_a_card_learns_from_more_images_at_a_time_while_an_epoch_has_steps_enough():
    card = Setup(device="cuda")
    assert [card.batch(256, n, 32 * 32) for n in (2_000, 20_000, 60_000)] == [256, 500, 1024]
    assert card.batch(256, 60_000, 224 * 224) == 256


@pytest.mark.skipif(torch.cuda.device_count() == 1, reason="it takes a second card, or none")
def test_several_gpus_share_one_networks_weights():
    network = nn.Linear(2, 2)
    assert Setup().spread(network) is network
    assert next(Setup(n_devices=2).spread(network).parameters()) is network.weight


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (MemoryError(), True),
        (RuntimeError("shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_errors_of_memory_are_told_from_others(error, expected):
    free_memory()
    assert is_out_of_memory(error) is expected
