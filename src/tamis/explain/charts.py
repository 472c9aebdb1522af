"""Charts of a search as SVG: scores over time, accuracy against cost with the Pareto front, and learning curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import quantiles
from typing import Any

from tamis.explain.axes import Frame, Scale, decimals, log_ticks, spell_time, ticks, time_ticks
from tamis.explain.labels import along, around, place_labels
from tamis.explain.layout import isotonic
from tamis.explain.pareto import has, pareto_front
from tamis.explain.svg import (
    FAINT,
    INK,
    MUTED,
    PAPER,
    Point,
    box,
    compact,
    element,
    line,
    path,
    picture,
    polyline,
    shortened,
    text,
    told,
    width_of,
)  # fmt: skip

WIDTH, HEIGHT = 880.0, 350.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 74.0, 58.0, 52.0
"""Room around the plane."""

COLOURS = ("#2f74b8", "#d97706", "#0f8a6b", "#8a4fc7", "#c2417c", "#6b7a2a", "#5f6b7a")
SHAPES = ("circle", "square", "triangle", "diamond")
"""Origins differ in shape as well: colours alone do not reach everyone."""

ACCENT, BEATEN = "#b4232f", "#9aa5b1"
"""Of what is on the front, and of all else."""
MOST_MARKS = 2_000
"""Of more scores every second, third and so on is drawn; the line of the best is made of all."""

TAIL = 1.8
"""The plane reaches from the best score down by so many times the way to the worst quarter: what lies below it would
flatten all that matters."""


@dataclass(frozen=True)
class Attempt:
    """A score at the time when it was known."""

    at_s: float
    score: float
    origin: str = ""
    name: str = ""
    share: float = 1.0
    """How much of a whole training it had."""
    whole: bool = True
    """Whether it was scored on as much as the others: on a few folds alone it cannot be the best."""


def score_chart(
    attempts: Sequence[Attempt], metric: str, *, higher_is_better: bool = True, limit_s: float | None = None
) -> str:
    """Draw every score at the time when it was known, and the best so far.

    Parameters
    ----------
    attempts : sequence of Attempt
    metric : str
    higher_is_better : bool
    limit_s : float, optional
        How long the run might take.

    Returns
    -------
    str
        SVG.
    """
    known = sorted(attempts, key=lambda one: one.at_s)
    if not known:
        return _empty(f"{metric} over time")
    last = max(limit_s or 0.0, known[-1].at_s, 1e-3)
    y = _score_scale([one.score for one in known], higher_is_better)
    frame = Frame(Scale(0.0, last, LEFT, WIDTH - RIGHT), y)
    parts = [_plane(frame, [(one, spell_time(one, last)) for one in time_ticks(last)], "time since the start", metric)]
    looks = _looks([one.origin for one in known])
    parts.append(_best_line(known, frame, higher_is_better))
    shown = known[:: ceil(len(known) / MOST_MARKS)]
    parts += [_attempt(one, looks[one.origin], frame) for one in shown]
    notes = [("hollow", "less training, or fewer folds")] if any(_is_less(one) for one in known) else []
    if any(not y.low <= one.score <= y.high for one in known):
        notes.append(("below", "beyond the picture"))
    parts.append(_legend(looks, notes))
    scores = [one.score for one in known]
    description = f"{len(known)} scores from {min(scores):.5g} to {max(scores):.5g}"
    return picture(WIDTH, HEIGHT, "".join(parts), f"{metric} over time", description)


def _is_less(one: Attempt) -> bool:
    return one.share < 1.0 or not one.whole


def _attempt(one: Attempt, look: tuple[str, str], frame: Frame) -> str:
    """Draw the mark of a score, and tell of it while the pointer rests there."""
    shape, colour = look
    if not frame.y.low <= one.score <= frame.y.high:
        shape = "below"
    mark = _mark(shape, frame.x.at(one.at_s), frame.y.at(one.score), 4.2, colour, hollow=_is_less(one))
    less = "" if one.share >= 1 else f", {100 * one.share:.0f} % of a whole training"
    less += "" if one.whole else ", few folds"
    return told(mark, f"{one.name or one.origin}: {one.score:.5g} after {one.at_s:.1f} s{less}")


def _best_line(known: Sequence[Attempt], frame: Frame, higher_is_better: bool) -> str:
    """Draw the best score so far as steps, and write the last one at its end."""
    better = max if higher_is_better else min
    known = [one for one in known if one.whole] or known
    best, points = known[0].score, [(frame.x.at(known[0].at_s), frame.y.at(known[0].score))]
    for one in known[1:]:
        now = better(best, one.score)
        if now != best:
            x = frame.x.at(one.at_s)
            points += [(x, points[-1][1]), (x, frame.y.at(now))]
            best = now
    points.append((frame.x.end, points[-1][1]))
    x, y = points[-1]
    steps = path(polyline(points), fill="none", stroke=INK, stroke_width=2, stroke_linejoin="round")
    label = text(x + 6, y - 1, f"{best:.5g}", size=12.5, font_weight=700) + text(
        x + 6, y + 13, "best", size=11, fill=MUTED
    )
    return steps + label


def _score_scale(scores: Sequence[float], higher_is_better: bool) -> Scale:
    """Return a scale on which the good scores can be told apart."""
    sign = 1.0 if higher_is_better else -1.0
    good = [sign * one for one in scores]
    best, worst = max(good), min(good)
    if len(good) > 3:
        worst = max(worst, best - TAIL * (best - quantiles(good, n=4)[0]) - 1e-12)
    if best - worst < 1e-9 * max(1.0, abs(best)):
        worst, best = worst - 0.05 * max(abs(worst), 1e-3), best + 0.05 * max(abs(best), 1e-3)
    room = 0.06 * (best - worst)
    low, high = sorted((sign * (worst - room), sign * (best + room)))
    return Scale(low, high, HEIGHT - BOTTOM, TOP)


def pareto_chart(
    rows: Sequence[Mapping[str, Any]],
    cost: str,
    metric: str,
    *,
    higher_is_better: bool = True,
    most: float | None = None,
) -> str:
    """Draw scores against a cost, with the rows that no other one beats in both joined to a front.

    Parameters
    ----------
    rows : sequence of mapping
        Those of a leaderboard: `score`, `rank`, `model`, and the cost under its name.
    cost : str
        `parameters`, `latency_ms`, `complexity` or `predict_ms`.
    metric : str
    higher_is_better : bool
    most : float, optional
        What the cost was bounded by.

    Returns
    -------
    str
        SVG.
    """
    known = [row for row in rows if has(row, "score") and has(row, cost) and row[cost] > 0]
    title = f"{metric} against {NAMES.get(cost, cost)}"
    if not known:
        return _empty(title)
    front = pareto_front(known, cost, higher_is_better=higher_is_better)
    y = _score_scale([row["score"] for row in known], higher_is_better)
    frame = Frame(_cost_scale([row[cost] for row in known]), y)

    def place(row: Mapping[str, Any]) -> Point:
        return frame.x.at(row[cost]), frame.y.at(row["score"])

    x = frame.x
    costs = log_ticks(x.low, x.high) if x.log else ticks(x.low, x.high)
    drawn = [_plane(frame, [(one, compact(one)) for one in costs], NAMES.get(cost, cost), metric)]
    steps = _steps([place(row) for row in front], frame)
    drawn.append(path(polyline(steps), fill="none", stroke=ACCENT, stroke_width=1.8, stroke_opacity=0.75))
    chosen = {id(row) for row in front}
    for row in sorted(known, key=lambda row: id(row) in chosen):  # the front last: nothing covers it
        shape = "circle" if y.low <= row["score"] <= y.high else "below"
        mark = _mark(shape, *place(row), *((4.8, ACCENT) if id(row) in chosen else (3.8, BEATEN)))
        words = f"#{row.get('rank', '')} {row.get('model', '')}: {row['score']:.5g}, {compact(row[cost])}"
        drawn.append(told(mark, words))
    marks = {kind: [around(place(row)) for row in known if (id(row) in chosen) is kind] for kind in (True, False)}
    taken = [*marks[True], *map(along, pairwise(steps))]
    if most is not None and x.low < most < x.high:
        drawn.append(_bound(x.at(most), most, frame))
        taken.append((x.at(most), y.start - 18, x.at(most) + 90, y.start))
    room = (x.start + 2, TOP - 12, WIDTH - 4, y.start - 1)
    drawn += place_labels([(place(row), label_of(row)) for row in front], taken, room, marks[False])
    front_words = "on the front: nothing else is both better and cheaper"
    drawn.append(_legend({front_words: ("circle", ACCENT), "beaten": ("circle", BEATEN)}, []))
    found = "; ".join(f"{label_of(row)} {row['score']:.5g} at {compact(row[cost])}" for row in front)
    return picture(WIDTH, HEIGHT, "".join(drawn), title, f"On the front: {found}")


def _plane(frame: Frame, x_ticks: Sequence[tuple[float, str]], x_name: str, metric: str) -> str:
    """Draw everything that is there before the data; upwards stand scores."""
    scores = ticks(frame.y.low, frame.y.high)
    write = decimals(scores)
    return frame.draw(x_ticks, [(one, write(one)) for one in scores], x_name, metric)


def _bound(at: float, most: float, frame: Frame) -> str:
    """Mark the cost that was allowed."""
    words = text(at + 5, frame.y.start - 7, f"allowed: {compact(most)}", size=11, fill=MUTED)
    return line((at, frame.y.start), (at, frame.y.end), stroke=MUTED, stroke_dasharray="4 4") + words


NAMES = {
    "parameters": "parameters",
    "latency_ms": "milliseconds for one image",
    "complexity": "nodes of the pipeline",
    "predict_ms": "milliseconds for the prediction of 1,000 rows",
}
"""What costs are called on an axis."""


def label_of(row: Mapping[str, Any]) -> str:
    """Return a short name for a row of a leaderboard.

    Examples
    --------
    >>> label_of({"rank": 3, "model": "edge_network(width=64) of cell 72cf7f"})
    '#3 edge network'
    """
    name = str(row.get("model", "")).partition("(")[0].partition(" of ")[0].replace("_", " ")
    return f"#{row['rank']} {name}" if row.get("rank") else name


def _cost_scale(costs: Sequence[float]) -> Scale:
    """Return a scale of factors where the costs differ by much."""
    low, high = min(costs), max(costs)
    if high / low > 4:
        return Scale(low / 1.25, high * 1.25, LEFT, WIDTH - RIGHT, log=True)
    room = max(0.12 * (high - low), 0.05 * high)
    return Scale(max(0.0, low - room), high + room, LEFT, WIDTH - RIGHT)


def _steps(points: Sequence[Point], frame: Frame) -> list[Point]:
    """Return the corners of a front: what can be had for so much."""
    steps = [points[0]]
    for x, y in points[1:]:
        steps += [(x, steps[-1][1]), (x, y)]
    return [*steps, (frame.x.end, steps[-1][1])]


def curves_chart(curves: Sequence[tuple[str, Sequence[Point]]], metric: str, *, higher_is_better: bool = True) -> str:
    """Draw how scores rose while networks were trained.

    Parameters
    ----------
    curves : sequence of (name, points)
        Points are (epoch, score).
    metric : str
    higher_is_better : bool

    Returns
    -------
    str
        SVG.
    """
    known = [(name, points) for name, points in curves if points]
    if not known:
        return _empty(f"{metric} over epochs")
    y = _score_scale([score for _, points in known for _, score in points], higher_is_better)
    most = max(epoch for _, points in known for epoch, _ in points)
    labels = 190.0
    frame = Frame(Scale(0.0, most or 1.0, LEFT, WIDTH - labels), y)
    epochs = ticks(0.0, most or 1.0)
    write = decimals(epochs)
    parts = [_plane(frame, [(one, write(one)) for one in epochs], "epochs", metric)]
    ends = sorted((frame.y.at(points[-1][1]), number) for number, (_, points) in enumerate(known))
    level = isotonic([height - 15.0 * place for place, (height, _) in enumerate(ends)], [1.0] * len(ends))
    heights = {number: level[place] + 15.0 * place for place, (_, number) in enumerate(ends)}
    for number, (name, points) in enumerate(known):
        colour = COLOURS[number % len(COLOURS)]
        places = [(frame.x.at(epoch), frame.y.at(score)) for epoch, score in points]
        parts.append(path(polyline(places), fill="none", stroke=colour, stroke_width=1.8, stroke_linejoin="round"))
        x, height = places[-1]
        parts.append(_mark("circle", x, height, 3.2, colour))
        parts.append(line((x + 4, height), (frame.x.end + 8, heights[number]), stroke=FAINT))
        words = shortened(f"{points[-1][1]:.4g} {name}", labels - 18, 11.5)
        parts.append(text(frame.x.end + 11, heights[number] + 4, words, size=11.5, fill=colour))
    return picture(WIDTH, HEIGHT, "".join(parts), f"{metric} over epochs")


def _looks(origins: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Give every origin a shape and a colour, in the order in which they came."""
    return {
        origin: (SHAPES[number % len(SHAPES)], COLOURS[number % len(COLOURS)])
        for number, origin in enumerate(dict.fromkeys(origins))
    }


def _legend(looks: Mapping[str, tuple[str, str]], notes: Sequence[tuple[str, str]]) -> str:
    """Say what the marks stand for, in one line above the plane."""
    x, parts = LEFT - 40.0, []
    entries = [(shape, colour, words, False) for words, (shape, colour) in looks.items() if words]
    entries += [("circle" if shape == "hollow" else shape, MUTED, words, shape == "hollow") for shape, words in notes]
    for shape, colour, words, hollow in entries:
        words = shortened(words, 330, 11.5)
        parts.append(_mark(shape, x, 16, 4.2, colour, hollow=hollow) + text(x + 9, 20, words, size=11.5, fill=INK))
        x += 9 + width_of(words, 11.5) + 18
    return "".join(parts)


def _mark(shape: str, x: float, y: float, radius: float, colour: str, hollow: bool = False) -> str:
    """Draw a mark; `below` points out of the plane."""
    looks: dict[str, Any] = {
        "fill": PAPER if hollow else colour,
        "stroke": colour if hollow else PAPER,
        "stroke_width": 1.4 if hollow else 1.0,
    }
    if shape == "circle":
        return element("circle", cx=x, cy=y, r=radius, **looks)
    if shape == "square":
        return box(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8, **looks)
    corners = {
        "triangle": [(0.0, -1.15), (1.1, 0.85), (-1.1, 0.85)],
        "diamond": [(0.0, -1.3), (1.15, 0.0), (0.0, 1.3), (-1.15, 0.0)],
        "below": [(-1.0, -1.4), (1.0, -1.4), (0.0, 0.2)],
    }[shape]
    return path([*polyline([(x + radius * a, y + radius * b) for a, b in corners]), "Z"], **looks)


def _empty(title: str) -> str:
    """Return a picture that says that there is nothing to show."""
    words = text(WIDTH / 2, 60, "Nothing was scored.", size=13, fill=MUTED, text_anchor="middle")
    return picture(WIDTH, 120, words, title)
