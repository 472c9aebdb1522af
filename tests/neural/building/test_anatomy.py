"""Tests of what a network is said to consist of."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.candidate import Candidate
from tamis.neural.building.anatomy import stages_of
from tamis.neural.building.network import build_network, count_parameters
from tamis.neural.language.genotypes import BEST_EDGES, known
from tamis.neural.language.graphs import start_graphs
from tamis.neural.language.shapes import ImageShape

SHAPE = ImageShape(3, 24, 16)
BODIES = {
    "plain": Candidate.of("plain", {"groups": 2, "width_0": 16, "width_1": 24}),
    "whitened": Candidate.of("plain", {"groups": 2, "width_0": 16, "width_1": 24, "whitening": True}),
    "edge": Candidate.of("edge_network", {"width": 16, "repeats": 3, "stages": 2}, BEST_EDGES),
    "node": known("ENAS").with_parameters(width=8, repeats=2, stages=2),
    "stages": Candidate.of("stage_network", {"stages": 2, "depth_0": 2, "depth_1": 3}),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_stages_lead_from_the_image_to_the_outputs(body: Candidate) -> None:
    stages = stages_of(Candidate.of("network", {}, body), SHAPE, 7)
    first, last = stages[0], stages[-1]
    assert (first.name, first.channels, first.height, first.width) == ("image", 3, 24, 16)
    assert (last.name, last.channels) == ("linear", 7)
    sides = [one.height for one in stages]
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("name", ["plain", "whitened", "stages"])
def test_the_parameters_are_those_of_the_network(name: str) -> None:
    tree = Candidate.of("network", {}, BODIES[name])
    total = sum(one.parameters for one in stages_of(tree, SHAPE, 7))
    assert total == count_parameters(build_network(tree, SHAPE, 7))


def test_equal_parts_are_counted_together() -> None:
    names = [(one.count, one.name) for one in stages_of(BODIES["edge"], SHAPE, 2)]
    assert names == [
        (1, "image"), (1, "conv 3×3"), (3, "cell"), (1, "residual /2"), (3, "cell"), (1, "linear"),
    ]  # fmt: skip
    assert [(one.count, one.name) for one in stages_of(BODIES["stages"], SHAPE, 2)][2:4] == [
        (2, "MBConv 3×3"), (3, "MBConv 3×3 /2"),
    ]  # fmt: skip


def test_normal_and_reduction_cells_are_told_apart() -> None:
    names = [one.name for one in stages_of(BODIES["node"], SHAPE, 2)]
    assert names[2:5] == ["normal cell", "reduction cell", "normal cell"]


def test_a_free_graph_has_its_layers_as_stages() -> None:
    stages = stages_of(start_graphs(SHAPE)[0], SHAPE, 2)
    assert [one.name for one in stages] == ["image", "conv 3×3", "conv 3×3", "conv 3×3", "linear"]


def test_looking_draws_no_random_numbers() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    stages_of(BODIES["plain"], SHAPE, 2)
    assert torch.equal(before, torch.get_rng_state())
