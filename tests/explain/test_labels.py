"""Tests of the placing of labels."""

from itertools import combinations
from xml.etree import ElementTree

import numpy as np

from tamis.explain.labels import FONT, along, around, meet, place_labels
from tamis.explain.svg import width_of

PLANE = (0.0, 0.0, 600.0, 300.0)


def areas(drawn: list[str]) -> list[tuple[float, float, float, float]]:
    found = []
    for one in drawn:
        node = ElementTree.fromstring(f"<g>{one}</g>")[-1]
        x, y = float(node.attrib["x"]), float(node.attrib["y"])
        found.append((x, y - 11, x + width_of(node.text or "", FONT), y + 3))
    return found


def test_labels_hide_neither_marks_nor_each_other() -> None:
    rng = np.random.default_rng(0)
    points = [(float(x), float(y)) for x, y in rng.uniform((20, 20), (580, 280), (14, 2))]
    taken = [around(one) for one in points]
    found = areas(place_labels([(one, f"#{place} network") for place, one in enumerate(points)], taken, PLANE))
    assert len(found) == len(points)
    for one in found:
        inner = (one[0] + 0.2, one[1] + 0.2, one[2] - 0.2, one[3] - 0.2)  # coordinates are written with one decimal
        assert not any(meet(inner, other) for other in taken)
        assert one[0] >= 0 and one[2] <= 600.1
    assert not any(meet((a[0] + 0.2, a[1] + 0.2, a[2] - 0.2, a[3] - 0.2), b) for a, b in combinations(found, 2))


def test_a_label_for_which_there_is_no_room_is_left_out() -> None:
    assert place_labels([((300.0, 150.0), "words")], [(0.0, 0.0, 600.0, 300.0)], PLANE) == []


def test_what_yields_is_hidden_only_where_there_is_no_other_place() -> None:
    labels, everywhere = [((300.0, 150.0), "words")], (0.0, 0.0, 600.0, 300.0)
    assert place_labels(labels, [], PLANE, [everywhere]) == place_labels(labels, [], PLANE)
    left = areas(place_labels(labels, [], PLANE, [(0.0, 0.0, 300.0, 300.0)]))
    assert left[0][0] >= 300


def test_a_line_covers_what_lies_along_it() -> None:
    assert meet(along(((0.0, 5.0), (100.0, 5.0))), (40.0, 0.0, 60.0, 10.0))
    assert not meet(along(((0.0, 5.0), (100.0, 5.0))), (40.0, 10.0, 60.0, 20.0))
