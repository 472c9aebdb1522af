"""Zero-cost proxies."""

import json
import os
from copy import deepcopy
from math import isnan, log, nan
from pathlib import Path

import pytest
from scipy.stats import spearmanr

torch = pytest.importorskip("torch")

from torch import nn

from tamis.neural.building.proxies import JACOV_SHIFT, jacov, rank_scores, synflow
from tamis.neural.language.graphs import build_graph, start_graphs
from tamis.neural.language.shapes import ImageShape

pytestmark = pytest.mark.extras

SHAPE = ImageShape(3, 8, 8)
SHARED = Path(os.environ.get("TAMIS_SHARED", Path(__file__).parents[3].parent / "shared"))
TABLE = SHARED / "nas" / "naslib_zc_nasbench201_491.json"


def network(number=1, seed=0):
    torch.manual_seed(seed)
    return build_graph(start_graphs(SHAPE)[number].inputs[0], SHAPE, 4)


def images(n=8, seed=0):
    return torch.randn(n, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def chain(n_layers, width=4):
    layers = [nn.Flatten(), *(nn.Linear(width, width, bias=False) for _ in range(n_layers))]
    return nn.Sequential(*layers)


def test_synflow_of_a_chain_is_its_flow_once_for_every_layer():
    layers = chain(3)
    flow = torch.ones(1, 4, dtype=torch.float64)
    for layer in layers[1:]:
        flow = flow @ layer.weight.detach().double().abs().T
    assert synflow(layers, ImageShape(1, 2, 2)) == pytest.approx(3 * float(flow.sum()), rel=1e-12)


def test_synflow_looks_at_magnitudes_alone():
    one = network()
    other = deepcopy(one)
    with torch.no_grad():
        for weights in other.parameters():
            weights.mul_(torch.where(torch.rand_like(weights) < 0.5, -1.0, 1.0))
    assert synflow(one, SHAPE) == synflow(other, SHAPE) > 0


def test_synflow_does_not_see_normalisation():
    one = network()
    other = deepcopy(one)
    for module in other.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, 7.0)
            module.running_var.fill_(100.0)
    assert synflow(one, SHAPE) == synflow(other, SHAPE)


def test_synflow_stays_in_range_where_single_precision_does_not():
    deep = chain(60)
    for layer in deep[1:]:
        nn.init.constant_(layer.weight, 5.0)
    assert synflow(deep, ImageShape(1, 2, 2)) == pytest.approx(60 * 4 * 20.0**60, rel=1e-9)


def test_more_flows_through_a_wider_network():
    narrow, wide = (nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Conv2d(width, 4, 3)) for width in (4, 32))
    assert synflow(wide, SHAPE) > synflow(narrow, SHAPE)


class Cut(nn.Module):
    """Its outputs do not depend on its input, but it has weights and biases."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 2)

    def forward(self, given):
        return self.head(torch.zeros(len(given), 3, dtype=given.dtype))


def test_a_network_that_is_cut_has_neither_proxy():
    assert isnan(synflow(Cut(), SHAPE)) and isnan(jacov(Cut(), images()))
    dead = chain(2)
    nn.init.zeros_(dead[1].weight)
    assert isnan(synflow(dead, ImageShape(1, 2, 2)))


@pytest.mark.parametrize(
    "measure", [lambda one: synflow(one, SHAPE), lambda one: jacov(one, images())], ids=["synflow", "jacov"]
)
def test_the_network_is_not_changed(measure):
    one = network().train()
    with torch.no_grad():
        first = next(one.parameters())
        first[0] = 0.0
        first[1] = -0.0
    before = {name: tensor.clone() for name, tensor in one.state_dict().items()}
    measure(one)
    assert one.training and all(weights.grad is None for weights in one.parameters())
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, before[name]) and torch.equal(torch.signbit(tensor), torch.signbit(before[name]))


class Squares(nn.Module):
    """Its Jacobian is its input."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, given):
        return self.scale * given.flatten(1).square().sum(1) / 2


def test_jacov_is_highest_where_no_two_images_are_seen_alike():
    rows = torch.tensor([[1.0, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]).reshape(3, 1, 2, 2)
    assert jacov(Squares(), rows) == pytest.approx(-3 * (log(1 + JACOV_SHIFT) + 1 / (1 + JACOV_SHIFT)))
    assert jacov(Squares(), rows) > jacov(Squares(), rows[[0, 0, 1]] + 0.1 * rows)


def test_jacov_tells_a_network_that_sees_differences_from_a_linear_one():
    linear = nn.Sequential(nn.Flatten(), nn.Linear(192, 50), nn.Linear(50, 10))
    bent = nn.Sequential(nn.Flatten(), nn.Linear(192, 50), nn.ReLU(), nn.Linear(50, 10))
    assert jacov(bent, images()) > jacov(linear, images())


def test_jacov_is_the_same_again_and_leaves_the_generator_alone():
    one = nn.Sequential(nn.Flatten(), nn.Linear(192, 50), nn.Dropout(0.5), nn.ReLU(), nn.Linear(50, 10))
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = jacov(one, images())
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    assert jacov(one, images()) == first != jacov(one, images(), seed=1)


def test_a_network_that_does_not_react_has_no_jacov():
    one = network(0)
    nn.init.zeros_(one.head.weight)
    assert isnan(jacov(one, images()))


def test_ranks_of_both_proxies_are_summed():
    rows = [{"synflow": flow, "jacov": change} for flow, change in ((1e9, -30.0), (1e3, -10.0), (1e3, -20.0))]
    assert rank_scores(rows) == [3 + 1, 1.5 + 3, 1.5 + 2]


@pytest.mark.parametrize(
    "failed", [None, {}, {"synflow": 3.0}, {"synflow": nan, "jacov": -1.0}, {"synflow": 1.0, "jacov": None}], ids=str
)
def test_a_network_that_failed_has_no_score_and_takes_no_rank(failed):
    rows = [{"synflow": 1.0, "jacov": -1.0}, failed, {"synflow": 2.0, "jacov": -0.5}]
    assert rank_scores(rows) == [2.0, None, 4.0]


def test_nothing_is_ranked_where_all_failed():
    assert rank_scores([]) == [] and rank_scores([None, {}]) == [None, None]


@pytest.mark.shared
@pytest.mark.skipif(not TABLE.is_file(), reason="the table does not lie beside the checkout")
@pytest.mark.parametrize("images", ["cifar10", "cifar100", "ImageNet16-120"])
def test_together_the_ranks_order_tabulated_networks_better_than_either_proxy(images):
    rows = list(json.loads(TABLE.read_text())["nasbench201"][images].values())
    accuracies = [row["val_accuracy"] for row in rows]
    alone = [spearmanr([row[name] for row in rows], accuracies)[0] for name in ("synflow", "jacov")]
    assert spearmanr(rank_scores(rows), accuracies)[0] > max(0.85, *alone)
