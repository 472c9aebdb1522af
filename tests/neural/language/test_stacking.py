"""Networks made wider and deeper."""

import pytest

from tamis.core.candidate import Candidate
from tamis.neural.language.genotypes import BEST_EDGES, known, seeds
from tamis.neural.language.graphs import start_graphs
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import body_of
from tamis.neural.language.stacking import deepen, stretched, widen

SMALL = Candidate.of("network", {}, Candidate.of("edge_network", {"width": 16, "repeats": 1, "stages": 3}, BEST_EDGES))


def test_what_has_no_time_to_grow_stays_as_it_is():
    assert stretched(SMALL, 0.3) == stretched(SMALL, 1.9) == SMALL


def test_more_time_never_gives_a_smaller_network_and_its_cell_stays():
    def size(tree):
        settings = body_of(tree).settings
        return settings["width"] ** 2 * settings["repeats"]

    forms = [stretched(SMALL, times) for times in (1, 2, 3, 5, 8, 12, 50)]
    sizes = [size(one) for one in forms]
    assert sizes == sorted(sizes) and len(set(sizes)) > 3
    assert all(size(one) <= times * size(SMALL) for one, times in zip(forms, (1, 2, 3, 5, 8, 12, 50), strict=True))
    assert all(body_of(one).children == (BEST_EDGES,) for one in forms)


def test_a_free_graph_stays_as_its_own_edits_made_it():
    tree = start_graphs(ImageShape(1, 28, 28))[0]
    assert stretched(tree, 50.0) == tree


def test_cells_found_small_are_stacked_wider_and_deeper():
    small = Candidate.of("network", {}, known("NASNET_A").with_parameters(width=8, repeats=1))
    large = body_of(deepen(widen(small, 2.0), 3))
    assert (large.settings["width"], large.settings["repeats"]) == (16, 4)
    assert large.children == body_of(small).children


@pytest.mark.parametrize("shape", [ImageShape(1, 28, 28), ImageShape(3, 32, 32), ImageShape(3, 96, 128)])
def test_every_known_network_can_grow(shape):
    for tree in seeds(shape, 50_000):
        grown = stretched(tree, 9.0)
        assert grown != tree and grown.component == tree.component
        assert body_of(grown).children == body_of(tree).children
