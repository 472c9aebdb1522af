"""Tests of the picture of a whole network."""

from xml.etree import ElementTree

from tamis.explain.slabs import draw_network
from tamis.neural.building.anatomy import Stage

STAGES = [
    Stage("image", 1, 3, 32, 32, 0),
    Stage("conv 3×3", 1, 16, 32, 32, 464),
    Stage("normal cell", 2, 64, 32, 16, 30_000),
    Stage("reduction cell", 1, 128, 16, 8, 90_000),
    Stage("linear", 1, 10, 1, 1, 1_290),
]


def test_every_stage_tells_its_size_and_its_parameters() -> None:
    words = [node.text for node in ElementTree.fromstring(draw_network(STAGES)).iter() if node.tag.endswith("text")]
    assert {"2 × normal cell", "32×16 × 64", "30 k weights", "10 outputs", "1.29 k weights"} <= set(words)
    assert "0 weights" not in words


def test_bars_are_shares_of_the_parameters() -> None:
    root = ElementTree.fromstring(draw_network(STAGES))
    bars = [float(node.attrib["width"]) for node in root.iter() if node.attrib.get("height") == "5"]
    used = [wide for wide in bars if wide < 60]
    assert len(bars) == 2 * len(used) == 8
    assert abs(sum(used) - 60) < 4  # the least ones are drawn a little wider, to be seen


def test_captions_have_room() -> None:
    root = ElementTree.fromstring(draw_network(STAGES))
    assert float(root.attrib["width"]) > 5 * 64
