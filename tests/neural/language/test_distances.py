"""The edit distance between networks, and the descent of a child from its parent."""

from itertools import product

import numpy as np
import pytest

from tamis.core.candidate import Candidate
from tamis.neural.language.distances import Descent, edit_distance
from tamis.neural.language.graphs import layers_of, start_graphs
from tamis.neural.language.morphism import neighbours
from tamis.neural.language.shapes import ImageShape

SHAPE = ImageShape(3, 28, 28)
IMAGE = Candidate.of("image")


def conv(below=IMAGE, **settings):
    return Candidate.of("conv", settings, below)


def add(*inputs, **settings):
    return Candidate.of("add", settings, *inputs)


def body(layer):
    return Candidate.of("graph_network", {}, layer)


def network(layer, **training):
    return Candidate.of("network", training, body(layer))


@pytest.fixture(scope="module")
def family():
    starts = start_graphs(SHAPE)
    rng = np.random.default_rng(0)
    return starts + [one for start in starts for one in neighbours(start, rng, n=3)]


def test_only_equal_networks_are_at_no_distance(family):
    for (row, one), (column, other) in product(enumerate(family), repeat=2):
        assert (edit_distance(one, other) == 0) == (row == column)


def test_the_distance_is_symmetric(family):
    for one, other in product(family, repeat=2):
        assert edit_distance(one, other) == pytest.approx(edit_distance(other, one), abs=1e-12)


def test_a_neighbour_is_nearer_than_another_kind_of_network():
    starts = start_graphs(SHAPE)
    rng = np.random.default_rng(1)
    for number, start in enumerate(starts):
        others = [edit_distance(start, other) for k, other in enumerate(starts) if k != number]
        assert max(edit_distance(start, one) for one in neighbours(start, rng)) < min(others)


def test_a_wider_layer_counts_as_its_share_and_a_new_one_as_one():
    thin, wide = network(conv(filters=32)), network(conv(filters=64))
    assert edit_distance(thin, wide) == 0.5
    assert edit_distance(thin, network(conv(conv(filters=32), filters=32))) == 1.0


def test_a_skip_connection_without_a_partner_counts_as_one():
    plain = network(conv(conv(filters=8), filters=8))
    assert edit_distance(plain, network(add(conv(conv(filters=8), filters=8), 1))) == 1.0


def test_skip_connections_are_compared_by_where_they_start_and_how_far_they_go():
    chain = conv(conv(conv(filters=8), filters=8), filters=8)
    near, far = network(add(chain, 2)), network(add(chain, 1))
    # Three layers lead up to the near one's start and it passes one; two and two for the far one.
    assert edit_distance(near, far) == pytest.approx((1 + 1) / (3 + 2))


def test_skip_connections_are_matched_so_that_the_cost_is_least():
    chain = conv(conv(conv(filters=8), filters=8), filters=8)
    both = network(add(chain, 2, 1))
    assert edit_distance(both, network(add(chain, 1))) == 1.0
    assert edit_distance(both, network(add(chain, 2))) == 1.0


def test_how_a_graph_is_written_makes_no_difference():
    one = network(add(conv(filters=3), IMAGE))
    other = network(add(0, conv(IMAGE, filters=3)))
    assert one != other and edit_distance(one, other) == 0


def test_choices_of_training_count_too():
    assert edit_distance(network(conv(), optimizer="sgd"), network(conv(), optimizer="muon")) == 0.5


def test_other_bodies_have_distances_too():
    cells = [Candidate.of("edge_network", {}, Candidate.of("edge_cell", {"op_0_1": op})) for op in ("skip", "conv1x1")]
    assert edit_distance(*cells) == 0.5
    assert edit_distance(cells[0], network(conv())) > 1


def test_every_layer_of_the_parent_is_found_in_the_child():
    parent = layers_of(body(conv(conv(filters=8), filters=16)))
    child = layers_of(body(conv(conv(conv(filters=8), filters=8), filters=32, kernel=5)))
    found = Descent(parent, child, 3).find()
    assert [one.layer for one in found if not one.inserted] == [0, 1, 2]
    assert found[-1].channels == (*range(16), *range(16))


@pytest.mark.parametrize(
    "child",
    [
        conv(conv(filters=8), filters=8),
        conv(conv(filters=8), filters=16, stride=2),
        conv(conv(filters=8), filters=16, kernel=1),
        conv(conv(conv(filters=8), filters=4), filters=16),
        add(conv(conv(filters=8), filters=16), conv(filters=16)),
    ],
    ids=["narrower", "strided", "smaller kernel", "bottleneck", "a sum without a projection"],
)
def test_what_did_not_grow_from_the_parent_has_no_descent(child):
    parent = layers_of(body(conv(conv(filters=8), filters=16)))
    assert Descent(parent, layers_of(body(child)), 3).find() is None
