"""Draws a whole network as a row of slabs: as high as the map of a stage, as thick as it has channels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tamis.explain.svg import (
    FAINT,
    MUTED,
    PAPER,
    box,
    compact,
    line,
    moved,
    path,
    picture,
    polyline,
    short,
    text,
    width_of,
)  # fmt: skip

if TYPE_CHECKING:
    from tamis.neural.building.anatomy import Stage

MARGIN, GAP = 16.0, 30.0
TALLEST, LOWEST = 104.0, 9.0
THICKEST, THINNEST = 46.0, 7.0
SLANT = 0.32
"""How far a slab goes back, as a share of its height."""
NAME_FONT, FONT, BOLD = 12.5, 11.5, 1.08
"""Sizes of letters, and by how much bold ones are wider."""

GROUND = {"image": "#cfd6de", "linear": "#3a4653", "cell": "#2f74b8", "reduction": "#0f766e", "other": "#2f74b8"}


def draw_network(stages: "Sequence[Stage]", title: str = "Network") -> str:
    """Draw the stages of a network from the image to the outputs, with sizes and parameters.

    Parameters
    ----------
    stages : sequence of tamis.neural.building.anatomy.Stage
    title : str
        For those who cannot see it.

    Returns
    -------
    str
        SVG.
    """
    tallest = max(max(one.height, one.width) for one in stages)
    thickest = max(one.channels for one in stages[:-1])
    total = sum(one.parameters for one in stages)
    base = TALLEST * (1 + SLANT) + 4
    x, parts = 0.0, []
    for number, stage in enumerate(stages):
        words = _words(stage)
        room = max(64.0, *(width_of(one, NAME_FONT) * BOLD for one in words))
        if number:
            parts.append(_arrow(x, base - 30, GAP - 8))
            x += GAP
        parts.append(moved(x, 0, _slab(stage, room, base, tallest, thickest) + _caption(stage, room, base, total)))
        x += room
    description = "; ".join(", ".join(_words(one)) for one in stages)
    return picture(x + 2 * MARGIN, base + 96 + MARGIN, moved(MARGIN, MARGIN, "".join(parts)), title, description)


def _words(stage: "Stage") -> tuple[str, str, str]:
    """Say what a stage is, what size it gives, and how many parameters it has."""
    name = f"{stage.count} × {stage.name}" if stage.count > 1 else stage.name
    size = f"{stage.height}×{stage.width} × {stage.channels}" if stage.height > 1 else f"{stage.channels} outputs"
    return name, size, f"{compact(stage.parameters)} weights" if stage.parameters else ""


def _slab(stage: "Stage", room: float, base: float, tallest: int, thickest: int) -> str:
    """Draw a box in slanted view: three sides in three shades."""
    high = max(LOWEST, TALLEST * (stage.height / tallest) ** 0.5) if stage.height > 1 else LOWEST * 4
    back = (max(LOWEST, TALLEST * (stage.width / tallest) ** 0.5) if stage.width > 1 else LOWEST) * SLANT
    thick = max(THINNEST, THICKEST * (stage.channels / thickest) ** 0.5) if stage.height > 1 else THINNEST
    left, top = (room - thick - back) / 2, base - high
    colour = GROUND["other"]
    for word in ("image", "linear", "reduction", "residual"):
        if word in stage.name:
            colour = GROUND["reduction" if word == "residual" else word]
    right = left + thick
    front = box(left, top, thick, high, fill=colour, stroke=PAPER, stroke_width=0.8)
    roof = [(left, top), (left + back, top - back), (right + back, top - back), (right, top)]
    side = [(right, top), (right + back, top - back), (right + back, top - back + high), (right, base)]
    sides = "".join(
        path([*polyline(points), "Z"], fill=colour, fill_opacity=shade, stroke=PAPER, stroke_width=0.8)
        for points, shade in ((roof, 0.55), (side, 0.75))
    )
    return front + sides


def _caption(stage: "Stage", room: float, base: float, total: int) -> str:
    """Write what a stage is below it, and its share of the parameters as a bar."""
    name, size, weights = _words(stage)
    middle = room / 2
    written = (
        text(middle, base + 24, name, size=NAME_FONT, font_weight=600, text_anchor="middle")
        + text(middle, base + 42, size, size=FONT, fill=MUTED, text_anchor="middle")
        + text(middle, base + 59, weights, size=FONT, fill=MUTED, text_anchor="middle")
    )
    if not stage.parameters or not total:
        return written
    share = stage.parameters / total
    return (
        written
        + box(middle - 30, base + 68, 60, 5, rx=2.5, fill=FAINT)
        + box(middle - 30, base + 68, max(2.0, 60 * share), 5, rx=2.5, fill=GROUND["other"])
    )


def _arrow(x: float, y: float, length: float) -> str:
    start = x + 4
    return line((start, y), (start + length - 5, y), stroke="#8a96a3", stroke_width=1.5) + path(
        [f"M{short(start + length)} {short(y)}", "l-8 -3.6 l1.8 3.6 l-1.8 3.6z"], fill="#8a96a3"
    )
