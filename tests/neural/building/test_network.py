"""Networks from expressions."""

from copy import deepcopy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.neural.building.network import (
    build_network,
    count_macs,
    count_parameters,
    inherit,
    measure_latency_ms,
)
from tamis.neural.building.operations import DropPath
from tamis.neural.language.genotypes import known, seeds
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import body_of, image_grammar, node_grammar
from tamis.neural.language.stacking import deepen, widen

SHAPES = [ImageShape(1, 28, 28), ImageShape(3, 32, 32), ImageShape(3, 64, 48)]
SMALL = {"stem_width": 8, "width_0": 8, "width_1": 12, "width_2": 16, "width_3": 16, "depth_0": 1, "depth_1": 2}
BODIES = {
    "plain": Candidate.of("plain", {"stem_width": 8, "width_0": 8, "width_1": 8, "groups": 2, "residual": True}),
    "whitened": Candidate.of("plain", {"whitening": True, "width_0": 8, "width_1": 8, "groups": 2}),
    "edge_network": Candidate.of(
        "edge_network", {"width": 4, "repeats": 1}, seeds(SHAPES[1], 1)[3].children[0].children[0]
    ),
    "node_network": known("NASNET_A").with_parameters(width=4, repeats=1),
    "stage_network": Candidate.of("stage_network", {"stem_width": 8, "stages": 2, "width_0": 8, "width_1": 8}),
    "graph_network": Candidate.of(
        "graph_network", {}, Candidate.of("pool", {}, Candidate.of("conv", {"filters": 8}, Candidate.of("image")))
    ),
}


def images(shape: ImageShape, n: int = 2) -> torch.Tensor:
    return torch.randn(n, shape.channels, shape.height, shape.width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_body_takes_images_of_every_size(name, shape):
    network = build_network(Candidate.of("network", {"dropout": 0.1}, BODIES[name]), shape, 7).eval()
    features = network.features(images(shape))
    assert network(images(shape)).shape == (2, 7)
    assert features.ndim == 2 and len(features) == 2


@pytest.mark.parametrize("name", BODIES)
def test_gradients_reach_every_weight_that_is_trained(name):
    network = build_network(Candidate.of("network", {}, BODIES[name]), SHAPES[1], 3)
    network(images(SHAPES[1], 4)).square().sum().backward()
    lost = [
        key for key, one in network.named_parameters() if one.requires_grad and (one.grad is None or not one.grad.any())
    ]
    assert not lost


@pytest.mark.parametrize("name", BODIES)
def test_the_seed_decides_the_weights(name):
    def built(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        return build_network(BODIES[name], SHAPES[0], 3).state_dict()

    first, again, other = built(0), built(0), built(1)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", BODIES)
def test_every_body_trains_in_bfloat16_with_channels_last(name):
    shape = SHAPES[1]
    network = build_network(Candidate.of("network", {"drop_path": 0.2}, BODIES[name]), shape, 3)
    network = network.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network(images(shape, 4).contiguous(memory_format=torch.channels_last))
    outputs.float().square().mean().backward()
    assert torch.isfinite(outputs).all()
    assert all(torch.isfinite(one.grad).all() for one in network.parameters() if one.requires_grad)


@pytest.mark.parametrize("name", BODIES)
def test_what_a_network_says_of_an_image_does_not_depend_on_the_others(name):
    network = build_network(BODIES[name], SHAPES[0], 3).eval()
    shown = images(SHAPES[0], 3)
    assert torch.allclose(network(shown)[:1], network(shown[:1]), atol=1e-5)


@pytest.mark.parametrize("families", [["plain", "edge", "mbconv"], ["nasnet"], ["amoeba"], ["darts"], ["enas"]])
def test_random_words_of_the_spaces_can_be_built_and_run(families):
    shape = ImageShape(3, 12, 10)
    grammar = image_grammar(shape, families)
    rng = np.random.default_rng(3)
    for _ in range(16 if len(families) > 1 else 6):
        tree = grammar.grow(rng)
        body = body_of(tree)
        small = {key: value for key, value in SMALL.items() if key in body.settings}
        small |= {"width": 4, "repeats": 1} if "width" in body.settings else {}
        tree = Candidate.of("network", tree.settings, body.with_parameters(**small))
        outputs = build_network(tree, shape, 5).train()(images(shape, 3))
        assert outputs.shape == (3, 5) and torch.isfinite(outputs).all()


@pytest.mark.parametrize(
    ("name", "width", "repeats", "millions"),
    [("NASNET_A", 32, 6, 3.3), ("DARTS_V2", 36, 6, 3.3), ("AMOEBANET_A", 36, 6, 3.5), ("ENAS", 36, 5, 3.7)],
)
def test_known_cells_stacked_as_in_the_papers_have_about_their_parameters(name, width, repeats, millions):
    with torch.device("meta"):
        network = build_network(known(name).with_parameters(width=width, repeats=repeats, stages=3), SHAPES[1], 10)
    assert count_parameters(network) / 1e6 == pytest.approx(millions, abs=0.06)


def test_multiplications_are_counted_by_hand():
    body = Candidate.of(
        "plain",
        {"stem_kernel": 5, "stem_stride": 2, "stem_width": 32, "groups": 2, "width_0": 64, "width_1": 96, "convs": 2},
    )
    network = build_network(body, SHAPES[0], 10)
    by_hand = 25 * 32 * 14**2
    by_hand += 9 * (32 * 64 * 14**2 + 64 * 64 * 7**2 + 64 * 96 * 7**2 + 96 * 96 * 3**2)
    assert count_macs(network, SHAPES[0]) == by_hand + 96 * 10
    assert network.training  # as before


def test_latency_is_a_positive_time_and_leaves_the_mode_alone():
    network = build_network(BODIES["plain"], SHAPES[0], 3).train()
    assert 0 < measure_latency_ms(network, SHAPES[0], repeats=3) < 1_000
    assert network.training


def test_a_network_scales_its_paths_with_the_progress_of_the_training():
    network = build_network(Candidate.of("network", {"drop_path": 0.2}, BODIES["node_network"]), SHAPES[1], 3)
    network.at_progress(0.25)
    assert {one.share for one in network.modules() if isinstance(one, DropPath)} == {0.25}


def test_dropout_acts_on_the_features_in_training_alone():
    network = build_network(Candidate.of("network", {"dropout": 0.5}, BODIES["plain"]), SHAPES[0], 3)
    shown = images(SHAPES[0])
    assert network.head.dropout.p == 0.5
    network.eval()
    assert torch.equal(network(shown), network(shown))


def test_what_is_no_network_is_refused():
    with pytest.raises(ParameterError, match="plain"):
        build_network(Candidate.of("network", {}, Candidate.of("plane")), SHAPES[0], 3)


def test_a_wider_network_has_wider_layers_and_the_same_cells():
    tree = Candidate.of("network", {"shift": 0.0}, BODIES["node_network"].with_parameters(width=16))
    wide = widen(tree, 2)
    assert body_of(wide).settings["width"] == 32
    assert body_of(wide).inputs == body_of(tree).inputs and wide.settings == tree.settings
    narrow, more = (count_parameters(build_network(one, SHAPES[1], 10)) for one in (tree, wide))
    assert 2.5 < more / narrow < 4.0
    assert body_of(widen(BODIES["stage_network"], 1.5)).settings["width_1"] == 16  # to the next multiple of 8


@pytest.mark.parametrize("name", ["plain", "edge_network", "node_network", "stage_network"])
def test_a_deeper_network_has_more_layers(name):
    def layers(tree: Candidate) -> int:
        return sum(isinstance(one, nn.Conv2d) for one in build_network(tree, SHAPES[1], 10).modules())

    assert layers(deepen(BODIES[name])) > layers(BODIES[name])


def test_a_network_takes_over_what_fits_and_only_from_its_own_kind():
    grammar = node_grammar("enas", fixed={"width": 4, "repeats": 1})
    tree = grammar.grow(np.random.default_rng(0))
    cell = body_of(tree).children[0]
    changed = cell.with_parameters(
        op_2_a="sep_conv_5x5" if cell.settings["op_2_a"] != "sep_conv_5x5" else "sep_conv_3x3"
    )
    child_tree = tree.replace(lambda node: changed if node is cell or node == cell else node)
    parent, child = build_network(tree, SHAPES[1], 3), build_network(child_tree, SHAPES[1], 3)
    share = inherit(child, child_tree, parent, tree)
    assert 0.5 < share < 1.0
    assert torch.equal(child.head.linear.weight, parent.head.linear.weight)
    twin = build_network(tree, SHAPES[1], 3)
    assert inherit(twin, tree, parent, tree) == 1.0
    shown = images(SHAPES[1])
    assert torch.allclose(twin.eval()(shown), parent.eval()(shown))
    before = deepcopy(twin.state_dict())
    stranger = build_network(BODIES["plain"], SHAPES[1], 3)
    assert inherit(twin, tree, stranger, BODIES["plain"]) == 0.0
    assert all(torch.equal(before[key], value) for key, value in twin.state_dict().items())


def test_a_morphed_graph_takes_over_what_its_parent_computes():
    from tamis.neural.language.morphism import neighbours

    tree = Candidate.of("network", {}, BODIES["graph_network"])
    parent = build_network(tree, SHAPES[1], 3).eval()
    shown = images(SHAPES[1])
    for child_tree in neighbours(tree, np.random.default_rng(0), n=3):
        child = build_network(child_tree, SHAPES[1], 3).eval()
        assert inherit(child, child_tree, parent, tree) == 1.0
        assert torch.allclose(child(shown), parent(shown), atol=1e-4)
    unrelated = Candidate.of(
        "graph_network", {}, Candidate.of("conv", {"filters": 3, "kernel": 7}, Candidate.of("image"))
    )
    assert inherit(build_network(unrelated, SHAPES[1], 3), unrelated, parent, tree) == 0.0
