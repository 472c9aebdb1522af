"""Cells as data."""

import pytest

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.neural.language.genotypes import (
    EDGES,
    KNOWN,
    Block,
    blocks_of,
    edge_cell,
    known,
    learns,
    live_edges,
    node_cell,
    outputs_of,
    seeds,
    stem_strides,
)
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import grammar_named, node_grammar, valid

SHAPES = [
    ImageShape(1, 8, 8),
    ImageShape(1, 28, 28),
    ImageShape(3, 32, 32),
    ImageShape(3, 64, 48),
    ImageShape(3, 97, 224),
]


def test_blocks_are_read_in_their_order():
    cell = node_cell([("skip", 0, "sep_conv_3x3", 1), ("max_pool_3x3", 2, "skip", 0)])
    assert blocks_of(cell) == [Block((0, 1), ("skip", "sep_conv_3x3")), Block((2, 0), ("max_pool_3x3", "skip"))]
    assert blocks_of(cell.with_parameters(combine_1="concat"))[1].combine == "concat"


def test_loose_ends_are_the_states_that_no_block_reads_inputs_included():
    cell = node_cell([("skip", 1, "skip", 1), ("skip", 1, "skip", 2), ("skip", 1, "skip", 1)])
    assert outputs_of(cell) == [0, 3, 4]
    assert outputs_of(cell.with_parameters(outputs="all")) == [2, 3, 4]
    assert outputs_of(cell.with_parameters(outputs=[4, 1])) == [4, 1]


@pytest.mark.parametrize(
    ("changed", "word"),
    [({"in_1_a": 3}, "states 0 to 2"), ({"outputs": [7]}, "'outputs'"), ({"outputs": []}, "'outputs'")],
)
def test_a_cell_that_reads_what_does_not_exist_is_refused_by_name(changed, word):
    cell = node_cell([("skip", 0, "skip", 1), ("skip", 0, "skip", 1)]).with_parameters(**changed)
    with pytest.raises(ParameterError, match=word):
        outputs_of(cell)


def test_a_cell_without_blocks_or_with_half_a_block_is_refused():
    with pytest.raises(ParameterError, match="needs blocks"):
        blocks_of(Candidate.of("node_cell"))
    with pytest.raises(ParameterError, match="needs the parameter 'in_0_b'"):
        blocks_of(Candidate.of("node_cell", {"in_0_a": 0}))


def test_edges_that_are_not_on_a_way_from_input_to_output_are_dead():
    skips = ["skip"] * 6
    assert list(live_edges(edge_cell(skips))) == list(EDGES)
    assert live_edges(edge_cell(["none", "conv3x3", "conv1x1", "skip", "skip", "none"])) == {(0, 3): "skip"}
    through = live_edges(edge_cell(["conv3x3", "skip", "skip", "none", "none", "conv1x1"]))
    assert set(through) == {(0, 1), (0, 2), (1, 2), (2, 3)}
    assert live_edges(edge_cell(["conv3x3", "conv3x3", "conv3x3", "none", "none", "none"])) == {}


# What the papers' figures show: how often each operation stands in the normal and in the reduction cell.
FIGURES = {
    "NASNET_A": (
        {"sep_conv_3x3": 3, "sep_conv_5x5": 2, "avg_pool_3x3": 3, "skip": 2},
        {"sep_conv_3x3": 1, "sep_conv_5x5": 2, "sep_conv_7x7": 2, "avg_pool_3x3": 2, "max_pool_3x3": 2, "skip": 1},
    ),
    "AMOEBANET_A": (
        {"sep_conv_3x3": 3, "sep_conv_5x5": 1, "avg_pool_3x3": 3, "max_pool_3x3": 1, "skip": 2},
        {"sep_conv_3x3": 2, "sep_conv_7x7": 2, "avg_pool_3x3": 2, "max_pool_3x3": 3, "conv_7x1_1x7": 1},
    ),
    "ENAS": (
        {"sep_conv_3x3": 2, "sep_conv_5x5": 4, "avg_pool_3x3": 2, "skip": 2},
        {"sep_conv_3x3": 3, "sep_conv_5x5": 3, "avg_pool_3x3": 1, "max_pool_3x3": 2, "skip": 1},
    ),
    "DARTS_V2": ({"sep_conv_3x3": 5, "skip": 2, "dil_conv_3x3": 1}, {"max_pool_3x3": 5, "skip": 3}),
}
LOOSE = {
    "NASNET_A": ([2, 3, 4, 5, 6], [4, 5, 6]),
    "AMOEBANET_A": ([3, 4, 6], [3, 5, 6]),
    "ENAS": ([2, 3, 4, 5, 6], [2, 4, 5, 6]),
    "DARTS_V2": ([3, 4, 5], [3, 4, 5]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_cells_have_the_operations_and_loose_ends_of_the_papers(name):
    for cell, counts, loose in zip(known(name).children, FIGURES[name], LOOSE[name], strict=True):
        names = [one for block in blocks_of(cell) for one in block.operations]
        assert {one: names.count(one) for one in names} == counts
        free = Candidate.of("node_cell", {key: value for key, value in cell.settings.items() if key != "outputs"})
        assert outputs_of(free) == loose


@pytest.mark.parametrize(
    ("name", "kind"), [("nasnet_a", "nasnet"), ("AMOEBANET_A", "amoeba"), ("ENAS", "enas"), ("DARTS_V2", "darts")]
)
def test_known_cells_are_words_of_the_space_they_were_found_in(name, kind):
    def loose(node):
        kept = {key: value for key, value in node.settings.items() if key != "outputs" or kind == "darts"}
        return Candidate.of(node.component, kept, *node.inputs)

    tree = Candidate.of("network", {}, known(name).replace(loose))
    node_grammar(kind).check(tree)
    assert valid(tree)


def test_an_unknown_cell_is_refused_with_the_nearest_name():
    with pytest.raises(ParameterError, match="NASNET_A"):
        known("NASNET_B")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_seeds_are_words_of_the_space_that_is_searched_at_that_size(shape):
    grammar = grammar_named("auto", shape)
    for tree in seeds(shape, 60_000):
        grammar.check(tree)
        assert valid(tree)


def test_seeds_for_few_images_are_held_back():
    few, many = seeds(SHAPES[1], 500), seeds(SHAPES[1], 60_000)
    assert [tree.inputs for tree in few] == [tree.inputs for tree in many]
    assert all(tree.settings["dropout"] > 0 for tree in few)
    assert not any(tree.settings for tree in many)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_stems_leave_maps_that_are_neither_tiny_nor_huge(shape):
    side = min(shape.height, shape.width)
    assert all(10 <= side / stride <= 48 or stride == 1 for stride in stem_strides(shape))


def test_pools_and_identity_learn_nothing():
    assert [learns(name) for name in ("none", "skip", "avg_pool3x3", "max_pool_7x7", "dil_conv_5x5")] == [
        False, False, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("space", ["plain", "edge", "nasnet", "enas", "amoeba", "darts"])
def test_the_first_networks_are_of_the_space_that_is_asked_for(space):
    found = seeds(ImageShape(3, 32, 32), 10_000, space)
    component = {"plain": "plain", "edge": "edge_network"}.get(space, "node_network")
    assert found and {tree.children[0].component for tree in found} == {component}


def test_of_a_space_without_a_known_network_there_is_none():
    assert seeds(ImageShape(3, 32, 32), 10_000, "mbconv") == []
