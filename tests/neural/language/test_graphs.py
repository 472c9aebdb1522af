"""Free graphs: how they are read and written, their canonical form, and their networks."""

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar
from tamis.neural.language.graphs import (
    PRODUCTIONS,
    build_graph,
    canonical,
    layers_of,
    signals_of,
    start_graphs,
)
from tamis.neural.language.shapes import ImageShape

pytestmark = pytest.mark.extras

SHAPE = ImageShape(3, 9, 13)
IMAGE = Candidate.of("image")


def layer(component, *inputs, **settings):
    return Candidate.of(component, settings, *inputs)


def conv(below=IMAGE, **settings):
    return layer("conv", below, **{"filters": 4, **settings})


def body(top):
    return Candidate.of("graph_network", {}, top)


def images(n=2, shape=SHAPE, seed=0):
    return torch.randn(n, shape.channels, shape.height, shape.width, generator=torch.Generator().manual_seed(seed))


def outputs(tree, given=None, shape=SHAPE):
    network = build_graph(tree, shape, 5).eval()
    with torch.no_grad():
        for number, weights in enumerate(network.parameters()):
            weights.copy_(torch.randn(weights.shape, generator=torch.Generator().manual_seed(number)))
        return network(images() if given is None else given)


def rewired(tree, rng):
    """Let some inputs of joins be numbers of earlier layers, as a search may write them."""
    count = 0

    def visit(node):
        nonlocal count
        inputs = []
        for place, one in enumerate(node.inputs):
            later = node.component in ("add", "concat") and place and count and rng.random() < 0.7
            inputs.append(int(rng.integers(count)) if later else visit(one))
        count += 1
        return Candidate(node.component, node.parameters, tuple(inputs))

    return body(visit(tree.inputs[0]))


def grown(seed):
    rng = np.random.default_rng(seed)
    grammar = Grammar("body", PRODUCTIONS, max_depth=7)
    slim = {"filters": int(rng.integers(2, 9))}
    tree = grammar.grow(rng).replace(lambda node: node.with_parameters(**slim) if node.component == "conv" else node)
    tree = rewired(tree, rng)
    grammar.check(tree)
    return tree


def test_reading_a_graph_needs_no_torch():
    names = "distances, graphs, morphism"
    code = f"import sys; from tamis.neural.language import {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_an_input_may_be_the_number_of_an_earlier_layer():
    tree = body(layer("concat", conv(conv()), 1))
    assert [(one.component, one.inputs) for one in layers_of(tree)] == [
        ("image", ()),
        ("conv", (0,)),
        ("conv", (1,)),
        ("concat", (2, 1)),
    ]


def test_parameters_that_are_left_out_have_their_defaults():
    assert layers_of(body(layer("conv", IMAGE)))[1].settings == {"filters": 64, "kernel": 3, "stride": 1, "relu": True}


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (conv(), "must be written as graph_network"),
        (body(layer("lstm", IMAGE)), "'layer' must be one of"),
        (body(conv(kernel=4)), "'kernel' of conv"),
        (body(layer("add", IMAGE)), "must have 2 inputs; got 1"),
        (body(layer("pool", IMAGE, IMAGE)), "must have 1 inputs; got 2"),
        (body(layer("add", conv(), 2)), r"The inputs \[2\] of 'add'"),
        (body(layer("add", conv(), -1)), r"The inputs \[-1\] of 'add'"),
    ],
    ids=["no body", "unknown layer", "even kernel", "lonely sum", "two inputs", "itself", "negative"],
)
def test_what_is_no_graph_is_refused_by_name(tree, message):
    with pytest.raises(ParameterError, match=message):
        layers_of(tree)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (layer("add", conv(conv()), 1), layer("add", 1, conv(conv()))),
        (layer("concat", conv(), IMAGE), layer("concat", IMAGE, conv(0))),
        (conv(kernel=3, stride=1, relu=True), conv()),
        (layer("add", conv(kernel=5), conv(0, kernel=1)), layer("add", conv(kernel=1), conv(kernel=5))),
        (layer("add", conv(conv(conv())), 1, 2), layer("add", 2, conv(conv(conv())), 1)),
    ],
    ids=["who is written out", "two images are one", "defaults", "order of branches", "order of skips"],
)
def test_equal_graphs_have_one_canonical_form(one, other):
    assert one != other
    assert canonical(body(one)).key == canonical(body(other)).key
    torch.testing.assert_close(outputs(body(one)), outputs(body(other)))


def test_different_graphs_have_different_canonical_forms():
    shared = layer("add", conv(conv(kernel=5)), conv(1, kernel=1))
    apart = layer("add", conv(conv(kernel=5)), conv(conv(0, kernel=5), kernel=1))
    trees = [shared, apart, conv(conv()), conv(conv(stride=2)), conv(conv(), stride=2), layer("concat", conv(), 0)]
    assert len({canonical(body(tree)).key for tree in trees}) == len(trees)


def test_the_canonical_form_of_a_network_keeps_its_training_and_leaves_other_bodies_alone():
    free = Candidate.of("network", {"optimizer": "sgd"}, body(layer("add", 0, conv())))
    assert canonical(free).settings == {"optimizer": "sgd"}
    assert canonical(free).inputs[0] == canonical(body(layer("add", conv(), 0)))
    cell = Candidate.of("network", {}, Candidate.of("edge_network", {}, Candidate.of("edge_cell", {"op_0_1": "skip"})))
    assert canonical(cell) == cell


@pytest.mark.parametrize("seed", range(12))
def test_any_graph_that_the_grammar_writes_has_a_canonical_form_and_a_network(seed):
    tree = grown(seed)
    form = canonical(tree)
    assert canonical(form) == form
    assert [one.component for one in layers_of(form)] == [node.component for node in form.walk()][:-1]
    shape = ImageShape(2, 11, 8)
    network = build_graph(tree, shape, 3)
    assert network(images(2, shape)).shape == (2, 3)
    network.load_state_dict(build_graph(form, shape, 3).state_dict())  # layers are numbered in the canonical order


def test_what_is_known_of_the_signals_is_what_the_network_computes():
    draws = np.random.default_rng(0)
    for seed in range(12):
        tree = grown(seed)
        layers = layers_of(tree)
        top = signals_of(layers, SHAPE.channels)[-1]
        side = int(draws.integers(5, 20))
        features = build_graph(tree, ImageShape(3, side, side), 2).features
        graph = features.graph
        graph.output_node().args = (graph.output_node().args[0].args[0],)  # before the mean over the image
        features.recompile()
        out = features(torch.randn(2, 3, side, side))
        assert out.shape == (2, top.channels, -(-side // top.reduction), -(-side // top.reduction))
        assert not top.positive or bool((out >= 0).all())


def test_the_sum_has_the_channels_of_its_longest_way():
    top = signals_of(layers_of(body(layer("add", IMAGE, conv(conv(0, filters=7), filters=5)))), 3)[-1]
    assert top.channels == 5 and top.projected == (False, True)


def test_a_sum_of_equal_channels_has_weights_only_where_it_projects():
    plain, projecting = (
        build_graph(body(layer("add", conv(conv()), 1, project=project)), SHAPE, 2).state_dict()
        for project in (False, True)
    )
    assert set(projecting) - set(plain) == {"features.add_3_1.weight"}


def test_features_are_what_the_head_sees():
    network = build_graph(body(conv(filters=6)), SHAPE, 2)
    features = network.features(images())
    assert features.shape == (2, 6)
    torch.testing.assert_close(network(images()), network.head(features))


@pytest.mark.parametrize(
    "shape", [ImageShape(1, 28, 28), ImageShape(3, 8, 8), ImageShape(3, 97, 64), ImageShape(1, 1, 1)], ids=str
)
def test_the_start_graphs_fit_every_shape(shape):
    trees = start_graphs(shape)
    assert [tree.component for tree in trees] == ["network"] * 3
    assert len({canonical(tree).key for tree in trees}) == 3
    for tree in trees:
        assert canonical(tree) == tree
        Grammar("body", PRODUCTIONS).check(tree.inputs[0], "body")
        assert build_graph(tree.inputs[0], shape, 10)(images(2, shape)).shape == (2, 10)


def test_the_start_graphs_of_large_images_soon_work_on_few_pixels():
    for side in (28, 64, 224):
        for tree in start_graphs(ImageShape(3, side, side)):
            layers = layers_of(tree.inputs[0])
            signals = signals_of(layers, 3)
            assert side / signals[1].reduction <= 32
            assert 3 <= -(-side // signals[-1].reduction) <= 8


def test_a_network_can_be_copied_traced_and_written_as_code():
    from copy import deepcopy

    network = build_graph(start_graphs(SHAPE)[1].inputs[0], SHAPE, 3).eval()
    torch.testing.assert_close(deepcopy(network)(images()), network(images()))
    assert "self.conv_1(images)" in network.features.code
