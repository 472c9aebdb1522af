"""Places the labels of a chart where they hide nothing."""

from collections.abc import Iterable, Sequence
from math import cos, pi, sin

from tamis.explain.svg import INK, PAPER, Point, line, text, width_of

FONT = 11.5
ANGLES = (3, 2, 1, 4, 0, 5, 7, 6)
"""Where a label is tried first, in eighths of a turn: above and to the left, where a rising front leaves room."""

NEAREST, FARTHER, RINGS = 10.0, 9.0, 10
"""How far from its point a label is tried, first and then ring by ring."""

Area = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def around(point: Point, radius: float = 5.0) -> Area:
    """Return what a mark covers."""
    x, y = point
    return x - radius, y - radius, x + radius, y + radius


def along(ends: tuple[Point, Point]) -> Area:
    """Return what a level or upright line covers."""
    (x1, y1), (x2, y2) = ends
    return min(x1, x2) - 1, min(y1, y2) - 1, max(x1, x2) + 1, max(y1, y2) + 1


def meet(one: Area, other: Area) -> bool:
    """Tell whether two areas overlap.

    Examples
    --------
    >>> meet((0, 0, 2, 2), (1, 1, 3, 3)), meet((0, 0, 2, 2), (2, 0, 3, 2))
    (True, False)
    """
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def place_labels(
    labels: Sequence[tuple[Point, str]], taken: Iterable[Area], plane: Area, yielding: Sequence[Area] = ()
) -> list[str]:
    """Write each label as near to its point as there is room, with a line to the point where it is far.

    Parameters
    ----------
    labels : sequence of (point, words)
        The first are placed first; a label for which there is no room is left out.
    taken : iterable of areas
        What must not be hidden.
    plane : area
        What no label may leave.
    yielding : sequence of areas
        What may be hidden rather than a label be left out.

    Returns
    -------
    list of str
        SVG.
    """
    occupied = list(taken)
    written = []
    for point, words in labels:
        wide = width_of(words, FONT)
        found = _free(point, wide, [*occupied, *yielding], plane) or _free(point, wide, occupied, plane)
        if found is not None:
            area, anchor, is_far = found
            occupied.append(area)
            left, middle = area[0], (area[1] + area[3]) / 2 + 4
            lead = line(point, anchor, stroke="#9aa5b1", stroke_width=0.8) if is_far else ""
            halo = text(left, middle, words, size=FONT, fill=PAPER, stroke=PAPER, stroke_width=3.5, aria_hidden="true")
            written.append(lead + halo + text(left, middle, words, size=FONT, fill=INK))
    return written


def _free(point: Point, wide: float, occupied: Sequence[Area], plane: Area) -> tuple[Area, Point, bool] | None:
    """Return the nearest area that is free, the point at which it is tied, and whether that is far."""
    x, y = point
    for ring in range(RINGS):
        distance = NEAREST + FARTHER * ring
        for turn in ANGLES:
            right, up = cos(pi / 4 * turn), sin(pi / 4 * turn)
            anchor = (x + distance * right, y - distance * up)
            left = anchor[0] - (0.0 if right > 0.3 else wide if right < -0.3 else wide / 2)
            area = (left, anchor[1] - 7, left + wide, anchor[1] + 7)
            is_inside = area[0] >= plane[0] and area[1] >= plane[1] and area[2] <= plane[2] and area[3] <= plane[3]
            if is_inside and not any(meet(area, one) for one in occupied):
                return area, anchor, ring > 0
    return None
