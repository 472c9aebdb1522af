"""Draws the mean regrets of several searches over what they have spent, as an SVG: `benchmarks/regret.py --picture`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from tamis.explain.axes import Frame, Scale
from tamis.explain.layout import isotonic
from tamis.explain.svg import FAINT, INK, MUTED, line, moved, path, picture, polyline, text

WIDTH, HEIGHT, HEAD = 900.0, 380.0, 58.0
"""Of the picture; of one panel; of the words above all panels."""
LEFT, TOP, BOTTOM = 64.0, 48.0, 56.0
LABELS = 210.0
"""Room for the names at the ends of the lines."""
NAME_HEIGHT = 15.0
COLOURS = ("#2f74b8", "#d97706", "#0f8a6b", "#8a4fc7", "#c2417c", "#6b7a2a")
DASHES = (None, "7 3", "2 3", "9 3 2 3", "5 2", "1 2")
"""Lines differ in their dashes as well: colours alone do not reach everyone."""
Y_TICKS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005)

TITLE = "How far the best pipeline found so far is from the best there is"

Curve = Sequence[tuple[float, float, float]]
"""(spent, mean, standard error)."""


def mean_curve(by_spent: Mapping[int, Sequence[float]]) -> Curve:
    """Return the mean and its standard error of the regrets after so much was spent."""
    return [(spent, fmean(found), stdev(found) / sqrt(len(found))) for spent, found in by_spent.items()]


@dataclass(frozen=True)
class Panel:
    """One plane of the picture."""

    title: str
    curves: Mapping[str, Curve]
    yardstick: str


def draw(panels: Sequence[Panel], subtitle: str) -> str:
    """Draw panels one below the other: lines with the band of one standard error, and the name of each at its end."""
    lowest = min(mean for panel in panels for curve in panel.curves.values() for _, mean, _ in curve)
    low = max((one for one in Y_TICKS if one <= lowest * 0.95), default=Y_TICKS[-1])
    parts = [
        text(LEFT - 46, 24, TITLE, size=15, font_weight=700),
        text(LEFT - 46, 43, subtitle, size=12, fill=MUTED),
    ]
    for place, panel in enumerate(panels):
        parts.append(moved(0, HEAD + HEIGHT * place, _panel(panel, low)))
    ends = "; ".join(
        f"{panel.title}: " + ", ".join(f"{name} {curve[-1][1]:.3f}" for name, curve in panel.curves.items())
        for panel in panels
    )
    height = HEAD + HEIGHT * len(panels)
    return picture(WIDTH, height, "".join(parts), "Regret of search strategies over evaluations", f"At the end: {ends}")


def _panel(panel: Panel, low: float) -> str:
    most = max(spent for curve in panel.curves.values() for spent, _, _ in curve)
    frame = Frame(Scale(1.0, most, LEFT, WIDTH - LABELS), Scale(low, 1.0, HEIGHT - BOTTOM, TOP, log=True))
    x_ticks = [(float(one), str(one)) for one in (1, 10, 20, 30, 40, 50, 60, 70, 80) if one <= most]
    y_ticks = [(one, f"{one:g}") for one in Y_TICKS if one >= low]
    y_name = "mean normalised regret (1: a middling pipeline, 0: the best)"
    parts = [
        text(LEFT - 46, 18, panel.title, size=13, font_weight=700),
        frame.draw(x_ticks, y_ticks, "evaluations, or their worth in smaller ones", y_name),
    ]
    looks = _looks(panel.curves, panel.yardstick)
    parts += [_line(curve, frame, *looks[name]) for name, curve in panel.curves.items()]
    return "".join([*parts, *_names(panel.curves, frame, looks)])


Look = tuple[str, str | None, float]
"""Colour, dashes, width."""


def _looks(curves: Mapping[str, Curve], yardstick: str) -> dict[str, Look]:
    """Give every line a colour and dashes of its own; the yardstick is black."""
    others = [name for name in curves if name != yardstick]
    found: dict[str, Look] = {
        name: (COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)], 2.0) for place, name in enumerate(others)
    }
    return found | {yardstick: (INK, None, 2.6)}


def _line(curve: Curve, frame: Frame, colour: str, dashes: str | None, width: float) -> str:
    places = [(frame.x.at(spent), frame.y.at(mean)) for spent, mean, _ in curve]
    upper = [(frame.x.at(spent), frame.y.at(mean + error)) for spent, mean, error in curve]
    lower = [(frame.x.at(spent), frame.y.at(max(mean - error, frame.y.low))) for spent, mean, error in curve]
    band = path([*polyline([*upper, *reversed(lower)]), "Z"], fill=colour, fill_opacity="0.1")
    looks = {"stroke": colour, "stroke_width": width, "stroke_dasharray": dashes}
    return band + path(polyline(places), fill="none", stroke_linejoin="round", **looks)


def _names(curves: Mapping[str, Curve], frame: Frame, looks: Mapping[str, Look]) -> list[str]:
    """Write the names at the ends of the lines, none upon another."""
    ends = sorted((frame.y.at(curve[-1][1]), name) for name, curve in curves.items())
    levels = isotonic([y - NAME_HEIGHT * place for place, (y, _) in enumerate(ends)], [1.0] * len(ends))
    parts = []
    for place, ((y, name), level) in enumerate(zip(ends, levels, strict=True)):
        colour, dashes, width = looks[name]
        height, x = level + NAME_HEIGHT * place, frame.x.end
        parts.append(line((x + 2, y), (x + 9, height), stroke=FAINT))
        parts.append(line((x + 10, height), (x + 36, height), stroke=colour, stroke_width=width,
                          stroke_dasharray=dashes))  # fmt: skip
        parts.append(text(x + 41, height + 4, f"{name} {curves[name][-1][1]:.3f}", size=12, fill=colour))
    return parts
