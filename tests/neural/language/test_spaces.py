"""The language of architectures."""

import numpy as np
import pytest

from tamis.core.candidate import Candidate
from tamis.core.decisions import Decisions
from tamis.core.errors import ParameterError
from tamis.neural.language.genotypes import BEST_EDGES, edge_cell, known, node_cell
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import (
    FAMILIES,
    body_of,
    edge_cell_space,
    edge_grammar,
    grammar_named,
    image_grammar,
    node_cell_space,
    node_grammar,
    plain_grammar,
    sample,
    sample_training,
    settings_of,
    stage_grammar,
    training_space,
    valid,
)
from tamis.neural.training.recipe import Recipe

GRAMMARS = {
    "plain": plain_grammar,
    "edge": edge_grammar,
    "mbconv": stage_grammar,
    **{kind: lambda kind=kind: node_grammar(kind) for kind in ("nasnet", "enas", "amoeba", "darts")},
    "all": image_grammar,
}


def network(*cells: Candidate, body: str = "node_network") -> Candidate:
    return Candidate.of("network", {}, Candidate.of(body, {}, *cells))


@pytest.mark.parametrize("name", GRAMMARS)
def test_every_space_is_a_row_of_decisions_that_leads_there_and_back(name):
    grammar = GRAMMARS[name]()
    decisions = Decisions(grammar)
    rng = np.random.default_rng(0)
    for _ in range(20):
        tree = grammar.grow(rng)
        grammar.check(tree)
        assert decisions.to_tree(decisions.to_codes(tree)) == tree


@pytest.mark.parametrize("name", ["auto", *FAMILIES])
def test_a_named_space_has_the_choices_of_training(name):
    grammar = grammar_named(name, ImageShape(1, 28, 28))
    assert grammar.productions["network"][0].space.parameters.keys() == training_space().parameters.keys()


def test_the_usual_space_holds_what_is_quick_on_a_cpu():
    assert {one.component for one in grammar_named("auto").productions["body"]} == {
        "plain", "edge_network", "stage_network",
    }  # fmt: skip


def test_the_sizes_are_those_of_the_papers():
    assert edge_cell_space().size == 5**6
    assert node_cell_space("enas").size == (2 * 3 * 4 * 5 * 6) ** 2 * 5**10
    assert node_cell_space("nasnet").size == (2 * 3 * 4 * 5 * 6) ** 2 * 13**10 * 2**5
    assert len(node_cell_space("darts").parameters) == 4 * 4 + 1


def test_the_choices_of_training_begin_with_the_recipes_defaults():
    assert Recipe.from_settings(training_space().default()) == Recipe()


def test_every_choice_of_training_is_one_that_the_recipe_takes():
    for name, parameter in training_space().parameters.items():
        for option in parameter.options:
            Recipe.from_settings({name: option})


def test_large_images_get_strided_stems():
    strides = {side: settings_strides(side) for side in (28, 64, 224)}
    assert strides == {28: (1, 2), 64: (2, 4), 224: (4,)}


def settings_strides(side: int) -> tuple[int, ...]:
    space = plain_grammar(ImageShape(3, side, side)).productions["body"][0].space
    return space.parameters["stem_stride"].options


def test_parameters_that_are_fixed_are_no_decisions():
    decisions = Decisions(
        edge_grammar(fixed={"width": 8, "repeats": 1, "stages": 3, "stem_kernel": 3, "stem_stride": 1})
    )
    assert decisions.sizes == [5] * 6
    assert body_of(decisions.to_tree((3, 1, 3, 1, 0, 2))).settings["width"] == 8


def test_a_fixed_parameter_that_no_body_has_is_refused():
    with pytest.raises(ParameterError, match="widht"):
        edge_grammar(fixed={"widht": 8})


def test_two_kinds_of_node_cells_are_refused_together():
    with pytest.raises(ParameterError, match="one kind"):
        image_grammar(families=["enas", "darts"])
    with pytest.raises(ParameterError, match="families"):
        image_grammar(families=["resnet"])


@pytest.mark.parametrize("name", ["edge", "enas"])
def test_samples_are_valid_and_trained_as_usual(name):
    rng = np.random.default_rng(1)
    for _ in range(20):
        tree = sample(grammar_named(name), rng)
        assert valid(tree) and not tree.settings


def test_a_grammar_of_degenerate_cells_cannot_be_sampled():
    grammar = edge_grammar()
    cell = grammar.productions["edge_cell"][0].space
    for name in list(cell.parameters):
        cell.parameters[name] = type(cell.parameters[name])(["none", "skip"])
    with pytest.raises(ParameterError, match="None of 50"):
        sample(grammar, np.random.default_rng(0), attempts=50)


@pytest.mark.parametrize(
    "operations",
    [
        ["none"] * 6,
        ["skip"] * 6,
        ["skip", "none", "avg_pool3x3", "skip", "skip", "none"],
        ["conv3x3", "conv3x3", "conv3x3", "none", "none", "none"],
        ["none", "none", "conv3x3", "skip", "conv3x3", "conv3x3"],
    ],
)
def test_edge_cells_that_learn_nothing_between_input_and_output_are_degenerate(operations):
    assert not valid(network(edge_cell(operations), body="edge_network"))


def test_the_best_edge_cell_and_a_single_convolution_are_worth_training():
    assert valid(network(BEST_EDGES, body="edge_network"))
    assert valid(network(edge_cell(["none", "none", "none", "conv1x1", "none", "none"]), body="edge_network"))


def test_node_cells_that_only_skip_are_degenerate():
    skips = node_cell([("skip", 0, "skip", 1)] * 5)
    pools = node_cell([("skip", 0, "max_pool_3x3", 1)] * 5)
    learning = known("ENAS").children[0]
    assert not valid(network(skips, learning))
    assert not valid(network(pools, learning))
    assert not valid(network(learning, skips))
    assert valid(network(learning, pools))  # as in DARTS


def test_bodies_have_their_defaults_filled_in():
    settings = settings_of(Candidate.of("plain", {"groups": 2, "width_0": 24}))
    assert (settings["width_0"], settings["convs"], "width_2" in settings) == (24, 2, False)
    with pytest.raises(ParameterError, match="body"):
        settings_of(Candidate.of("plane"))


def test_a_network_without_a_body_is_refused():
    with pytest.raises(ParameterError, match="one body"):
        body_of(Candidate.of("network"))


def test_training_is_drawn_around_what_is_usual_and_mirrors_only_where_they_keep_the_meaning():
    usual = {"dropout": 0.2, "batch_size": 64}
    drawn = [sample_training(np.random.default_rng(seed), usual) for seed in range(200)]
    for setting in drawn:
        Recipe.from_settings(setting)
    for name, value in {**usual, "optimizer": None, "learning_rate": None, "mixup": None}.items():
        usually = sum(one.get(name) == value for one in drawn)
        assert 100 < usually < 180, name
    assert not any("flip" in one for one in drawn)
    mirrored = [sample_training(np.random.default_rng(seed), {}, flip=True).get("flip") for seed in range(200)]
    assert 100 < mirrored.count(True) < 200
