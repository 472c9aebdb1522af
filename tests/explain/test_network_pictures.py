"""Tests of the pictures of one network."""

import pytest

from tamis.core.candidate import Candidate
from tamis.explain import network_pictures as room
from tamis.explain.network_pictures import pictures_of
from tamis.neural.language.genotypes import BEST_EDGES, known
from tamis.neural.language.graphs import start_graphs
from tamis.neural.language.shapes import ImageShape

SHAPE = ImageShape(3, 16, 16)
NODE = Candidate.of("network", {"flip": True}, known("NASNET_A").with_parameters(width=8, repeats=1, stages=2))
EDGE = Candidate.of("network", {}, Candidate.of("edge_network", {"width": 16, "repeats": 1}, BEST_EDGES))


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "available", lambda module: False)


@pytest.mark.extras
@pytest.mark.parametrize(("tree", "count"), [(NODE, 3), (EDGE, 2), (EDGE.children[0], 2)], ids=["node", "edge", "body"])
def test_the_whole_comes_before_its_cells(tree: Candidate, count: int) -> None:
    pytest.importorskip("torch")
    captions, svgs = zip(*pictures_of(tree, SHAPE, 10), strict=True)
    assert len(svgs) == count and captions[0].startswith("The network")
    assert "10 outputs" in svgs[0]


@pytest.mark.usefixtures("without_torch")
def test_cells_are_drawn_without_torch() -> None:
    captions, svgs = zip(*pictures_of(NODE, SHAPE, 10), strict=True)
    assert [one.split(":")[0].rstrip(".") for one in captions] == ["The normal cell", "The reduction cell"]
    assert " /2" in svgs[1] and " /2" not in svgs[0]


@pytest.mark.usefixtures("without_torch")
def test_a_free_graph_is_its_own_picture() -> None:
    ((caption, svg),) = pictures_of(start_graphs(SHAPE)[0], SHAPE, 10)
    assert "each layer" in caption and "mean, linear" in svg
