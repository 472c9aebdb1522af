"""Network morphism: edits keep what a network computes, and a child learns from where its parent stopped."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar
from tamis.neural.language.distances import edit_distance
from tamis.neural.language.graphs import PRODUCTIONS, build_graph, canonical, layers_of, start_graphs
from tamis.neural.language.morphism import KINDS, Edit, apply, edits, inherit, neighbours, size_of
from tamis.neural.language.shapes import ImageShape

pytestmark = pytest.mark.extras

SHAPE = ImageShape(2, 9, 7)
N_OUTPUTS = 3
IMAGE = Candidate.of("image")


def conv(below=IMAGE, **settings):
    return Candidate.of("conv", {"filters": 4, **settings}, below)


def add(*inputs, **settings):
    return Candidate.of("add", settings, *inputs)


def concat(*inputs):
    return Candidate.of("concat", {}, *inputs)


def body(top):
    return Candidate.of("graph_network", {}, top)


def slim(tree):
    """Make the layers of a start graph an eighth as wide, so that the tests are quick."""
    return tree.replace(
        lambda node: node.with_parameters(filters=node.settings["filters"] // 8) if node.component == "conv" else node
    )


BODIES = {
    **dict(zip(("plain", "residual", "dense"), (slim(tree.inputs[0]) for tree in start_graphs(SHAPE)), strict=True)),
    "branches": body(add(conv(conv(kernel=1)), conv(IMAGE, kernel=5), conv(filters=6))),
    "narrowing": body(add(conv(conv(filters=6)), 1)),
    "mixed": body(conv(add(concat(conv(), 0), conv(0, filters=6, relu=False)), kernel=1)),
}


def unsettled(tree, seed=0):
    """Build a network whose normalisation has seen something."""
    draws = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network = build_graph(tree, SHAPE, N_OUTPUTS)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(generator=draws)
            module.running_var.uniform_(0.2, 4.0, generator=draws)
            module.weight.data.normal_(generator=draws)
            module.bias.data.normal_(generator=draws)
    return network.eval()


def descendant(parent, tree, child):
    network = build_graph(child, SHAPE, N_OUTPUTS)
    network.load_state_dict(inherit(tree, child, parent.state_dict(), SHAPE, N_OUTPUTS))
    return network.eval()


def difference(one, other):
    images = torch.randn(6, SHAPE.channels, SHAPE.height, SHAPE.width, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        return float((one(images) - other(images)).abs().max())


def chain(tree, rng, n):
    for _ in range(n):
        tree = apply(edits(tree, rng, 1)[0], tree)
    return tree


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BODIES)
def test_every_kind_of_edit_keeps_the_function(name, kind):
    tree = BODIES[name]
    parent = unsettled(tree)
    found = [edit for edit in edits(tree, np.random.default_rng(0), 200) if edit.kind == kind][:6]
    for edit in found:
        child = apply(edit, tree)
        assert child != canonical(tree)
        assert difference(parent, descendant(parent, tree, child)) < 1e-4, edit
    assert found or (name, kind) == ("mixed", "wider")


@pytest.mark.parametrize("name", BODIES)
def test_chains_of_edits_keep_the_function(name):
    tree = BODIES[name]
    for seed in range(3):
        parent = unsettled(tree, seed)
        child = chain(tree, np.random.default_rng(seed), 7)
        assert difference(parent, descendant(parent, tree, child)) < 1e-4, str(child)


def test_graphs_that_a_grammar_wrote_can_be_edited_too():
    grammar = Grammar("body", PRODUCTIONS, max_depth=6)
    rng = np.random.default_rng(3)
    for seed in range(8):
        tree = grammar.grow(rng).replace(
            lambda node: node.with_parameters(filters=5) if node.component == "conv" else node
        )
        parent = unsettled(tree, seed)
        for child in [apply(edit, tree) for edit in edits(tree, rng, 4)]:
            assert difference(parent, descendant(parent, tree, child)) < 1e-4, str(child)


def test_a_grandchild_inherits_through_its_parent_as_well_as_directly():
    tree = BODIES["residual"]
    rng = np.random.default_rng(0)
    child = chain(tree, rng, 2)
    grandchild = chain(child, rng, 2)
    first = unsettled(tree)
    second = descendant(first, tree, child)
    assert difference(first, descendant(second, child, grandchild)) < 1e-4


def test_an_unchanged_body_keeps_its_weights_to_the_bit():
    for tree in BODIES.values():
        state = unsettled(tree).state_dict()
        kept = inherit(tree, tree, state, SHAPE, N_OUTPUTS)
        assert kept.keys() == state.keys()
        assert all(torch.equal(kept[name], state[name]) for name in state)


def test_copies_of_a_channel_do_not_learn_the_same():
    tree = body(conv(conv()))
    parent = unsettled(tree)
    child = descendant(parent, tree, apply(Edit("wider", 1, 8), tree)).train()
    first = child.features.conv_1.conv.weight
    assert torch.equal(first[:4], first[4:])
    child(torch.randn(8, SHAPE.channels, SHAPE.height, SHAPE.width)).square().sum().backward()
    assert not torch.allclose(first.grad[:4], first.grad[4:], rtol=0.01)


def test_new_weights_learn():
    tree = body(conv(conv()))
    parent = unsettled(tree)
    for kind, name in (("skip_add", "features.add_3_1.weight"), ("skip_concat", "features.conv_4.conv.weight")):
        child = descendant(parent, tree, apply(Edit(kind, 2, 1), tree)).train()
        new = dict(child.named_parameters())[name]
        child(torch.randn(8, SHAPE.channels, SHAPE.height, SHAPE.width)).square().sum().backward()
        zeros = new.detach() == 0
        assert bool(zeros.any()) and bool((new.grad[zeros] != 0).any())


def test_layers_that_are_added_grow_together():
    wide = apply(Edit("wider", 1, 8), body(add(conv(conv()), 1)))
    assert [one.settings["filters"] for one in layers_of(wide) if one.component == "conv"] == [8, 8]
    assert not any("add" in name for name in build_graph(wide, SHAPE, 2).state_dict())


def test_a_projection_stays_where_widening_makes_its_sides_equal():
    tree = body(add(conv(conv(filters=4), filters=8), 1))
    wide = apply(Edit("wider", 1, 8), tree)
    assert layers_of(wide)[3].settings == {"project": True}
    parent = unsettled(tree)
    assert difference(parent, descendant(parent, tree, wide)) < 1e-4


def test_edits_are_drawn_by_kind_and_lead_to_different_graphs():
    for tree in BODIES.values():
        found = edits(tree, np.random.default_rng(0), 1000)
        keys = [apply(edit, tree).key for edit in found]
        assert len(set(keys)) == len(keys) and canonical(tree).key not in keys
    drawn = [edits(BODIES["dense"], np.random.default_rng(seed), 1)[0].kind for seed in range(40)]
    assert set(drawn) == set(KINDS)


def test_edits_that_do_not_exist_are_refused_by_name():
    with pytest.raises(ParameterError, match="'kind' must be one of 'deeper'"):
        apply(Edit("shallower", 1), BODIES["plain"])


def test_neighbours_are_eight_whole_networks_with_the_same_training():
    tree = Candidate.of("network", {"optimizer": "muon"}, BODIES["residual"])
    found = neighbours(tree, np.random.default_rng(0))
    assert len({one.key for one in found}) == 8
    assert all(one.parameters == tree.parameters and one == canonical(one) for one in found)
    assert found == neighbours(tree, np.random.default_rng(0))
    assert all(0 < edit_distance(tree, one) < 4 for one in found)


def test_neighbours_stay_below_the_cap():
    tree = Candidate.of("network", {}, BODIES["plain"])
    now = size_of(tree.inputs[0])
    rng = np.random.default_rng(0)
    few = neighbours(tree, rng, n=100, most_parameters=now.parameters + 500)
    light = neighbours(tree, rng, n=100, most_work=1.2 * now.work)
    assert few and light and len(few) < 100
    assert all(size_of(one.inputs[0]).parameters <= now.parameters + 500 for one in few)
    assert all(size_of(one.inputs[0]).work <= 1.2 * now.work for one in light)


def test_only_free_graphs_have_neighbours():
    tree = Candidate.of("network", {}, Candidate.of("plain"))
    with pytest.raises(ParameterError, match="graph_network"):
        neighbours(tree, np.random.default_rng(0))


@pytest.mark.parametrize("name", BODIES)
def test_the_size_is_counted_as_torch_counts_it(name):
    network = build_graph(BODIES[name], SHAPE, N_OUTPUTS)
    n_weights = sum(weights.numel() for weights in network.parameters())
    assert size_of(BODIES[name], SHAPE.channels, N_OUTPUTS).parameters == n_weights


def test_the_work_is_counted_by_what_is_left_of_the_image():
    tree = body(conv(conv(filters=4, kernel=3, stride=2), filters=5, kernel=1))
    assert size_of(tree, channels=2).work == (9 * 2 * 4 + 4 * 5) / 4


def test_edits_hold_whatever_the_channels_of_the_images():
    # The sum has the width of its longest way, which holds the image.
    tree = body(conv(add(concat(conv(conv()), 0), conv(0))))
    for channels in (1, 4):
        shape = ImageShape(channels, 5, 5)
        state = build_graph(tree, shape, N_OUTPUTS).state_dict()
        for edit in edits(tree, np.random.default_rng(0), 100):
            child = apply(edit, tree)
            build_graph(child, shape, N_OUTPUTS).load_state_dict(inherit(tree, child, state, shape, N_OUTPUTS))


def test_strangers_inherit_nothing():
    parent = unsettled(BODIES["plain"])
    with pytest.raises(ParameterError, match="come from the parent"):
        inherit(BODIES["plain"], BODIES["dense"], parent.state_dict(), SHAPE, N_OUTPUTS)
    with pytest.raises(ParameterError, match="head of 5 outputs"):
        inherit(BODIES["plain"], BODIES["plain"], parent.state_dict(), SHAPE, 5)


def digits():
    from sklearn.datasets import load_digits

    rows, labels = load_digits(return_X_y=True)
    images = torch.tensor(rows, dtype=torch.float32).reshape(-1, 1, 8, 8) / 8 - 1
    labels = torch.tensor(labels)
    return (images[:1200], labels[:1200]), (images[1200:], labels[1200:])


def train(network, rows, n_steps, seed=0):
    images, labels = rows
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    draws = torch.Generator().manual_seed(seed)
    network.train()
    for _ in range(n_steps):
        some = torch.randint(len(images), (64,), generator=draws)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images[some]), labels[some]).backward()
        optimizer.step()
    return network.eval()


def losses(network, rows):
    images, labels = rows
    with torch.no_grad():
        return float(torch.nn.functional.cross_entropy(network(images), labels))


def test_a_child_is_ahead_of_the_same_network_from_scratch():
    seen, held = digits()
    shape = ImageShape(1, 8, 8)
    tree = body(conv(Candidate.of("pool", {}, conv(filters=8)), filters=16))
    child = tree
    for edit in (Edit("wider", 1, 16), Edit("deeper", 3, 3), Edit("skip_add", 4, 2), Edit("skip_concat", 3, 1)):
        child = apply(edit, child)
    torch.manual_seed(0)
    parent = train(build_graph(tree, shape, 10), seen, 80)
    grown, scratch = build_graph(child, shape, 10), build_graph(child, shape, 10)
    grown.load_state_dict(inherit(tree, child, parent.state_dict(), shape, 10))
    # Where batches are normalised by themselves it is nearly the same network, not exactly.
    assert losses(grown.train(), seen) < losses(parent.train(), seen) + 0.1
    grown.load_state_dict(inherit(tree, child, parent.state_dict(), shape, 10))
    assert losses(train(grown, seen, 20), held) < losses(train(scratch, seen, 20), held) - 0.5
