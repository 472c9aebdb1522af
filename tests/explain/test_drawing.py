"""Tests of the pictures of cells and graphs."""

import re
from xml.etree import ElementTree

import pytest

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.explain.drawing import draw_cell, draw_graph, words_of
from tamis.neural.language.genotypes import BEST_EDGES, KNOWN, edge_cell, node_cell
from tamis.neural.language.graphs import start_graphs
from tamis.neural.language.shapes import ImageShape

CELLS = {f"{name} {place}": body.children[place] for name, body in KNOWN.items() for place in (0, 1)}


def written(svg: str) -> list[str]:
    """The words that can be seen."""
    return [node.text or "" for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")]


def boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """Where operations, inputs and outputs stand."""
    root = ElementTree.fromstring(svg)
    values = [[float(node.attrib[name]) for name in ("x", "y", "width", "height")]
              for node in root.iter() if node.tag.endswith("rect") and "rx" in node.attrib]  # fmt: skip
    return [(x, y, x + width, y + height) for x, y, width, height in values]


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_every_operation_of_a_published_cell_is_written_once_for_each_use(cell: Candidate) -> None:
    words = written(draw_cell(cell))
    wanted = [words_of(value) for name, value in cell.settings.items() if name.startswith("op_")]
    assert sorted(word for word in words if word in wanted) == sorted(wanted)
    assert words.count("+") == len(wanted) // 2
    assert {"h[i−1]", "h[i]", "h[i+1]", "concat"} <= set(words)


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_no_boxes_of_a_cell_overlap(cell: Candidate) -> None:
    found = boxes(draw_cell(cell, reduction=True))
    for number, one in enumerate(found):
        for other in found[:number]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_a_reduction_cell_marks_what_halves_the_image() -> None:
    cell = node_cell([("sep_conv_3x3", 0, "skip", 1), ("max_pool_3x3", 2, "skip", 0)])
    words = written(draw_cell(cell, reduction=True))
    assert "sep conv 3×3 /2" in words
    assert "max pool 3×3" in words  # it reads the first block, which is small already


def test_a_block_that_concatenates_says_so() -> None:
    cell = node_cell([("skip", 0, "conv_3x3", 1)]).with_parameters(combine_0="concat")
    assert written(draw_cell(cell)).count("concat") == 2
    assert "+" not in written(draw_cell(cell))


def test_an_edge_cell_shows_its_edges_and_leaves_out_those_that_are_none() -> None:
    words = written(draw_cell(BEST_EDGES))
    assert words.count("conv 3×3") == 5 and words.count("skip") == 1
    few = written(draw_cell(edge_cell(["conv1x1", "none", "none", "none", "none", "skip"])))
    assert few.count("conv 1×1") == 1 and "none" not in few


def test_what_leads_nowhere_is_faint() -> None:
    svg = draw_cell(edge_cell(["conv1x1", "none", "none", "skip", "none", "none"]))
    faint = re.findall(r'<g opacity="0\.4">(.*?)</g>', svg)
    assert any("conv 1×1" in one for one in faint)
    assert not any("skip" in one for one in faint)


def test_a_cell_is_told_in_words() -> None:
    root = ElementTree.fromstring(draw_cell(BEST_EDGES, "The <best> cell"))
    title, description = root[0].text, root[1].text
    assert title == "The <best> cell"
    assert description is not None and "input to conv 3×3" in description


def test_a_graph_shows_the_size_of_every_layer() -> None:
    body = start_graphs(ImageShape(3, 33, 20))[1].children[0]
    words = written(draw_graph(body, ImageShape(3, 33, 20)))
    assert "33×20 × 3" in words
    assert words.count("add") == 3
    assert "conv 3×3 /2" in words


def test_what_is_no_cell_is_refused() -> None:
    with pytest.raises(ParameterError, match="'cell' must be one of 'edge_cell', 'node_cell'; got 'plain'"):
        draw_cell(Candidate.of("plain"))
